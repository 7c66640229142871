"""Look-ups that read few rows, although the server has no statistics of its tables yet."""

from collections.abc import AsyncGenerator, Iterator
from pathlib import Path
from typing import Any

import pytest

from shorty.links.address_store import ask_look_alikes, read_look_alikes
from shorty.postgres.transaction import PostgresAnswer, PostgresTransaction
from shorty.storage.database import Database, Value
from tests.clicks.making import insert_links
from tests.support import NOW, open_new

pytestmark = pytest.mark.postgres_only
LINKS = 3000


@pytest.fixture
async def db(tmp_path: Path) -> AsyncGenerator[Database]:
    database = await open_new(tmp_path)
    yield database
    await database.close()


def list_steps(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for each in plan.get("Plans", ()):
        yield from list_steps(each)


async def test_each_slug_is_looked_up_by_its_key(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await db.write(insert_links(*range(1, LINKS + 1)))
    plans: list[dict[str, Any]] = []
    ask = PostgresTransaction.ask

    def explain(tx: PostgresTransaction, sql: str, *parameters: Value) -> PostgresAnswer:
        [row] = tx.find_all(f"explain (analyze, format json) {sql}", *parameters)
        plans.append(row[0][0]["Plan"])
        return ask(tx, sql, *parameters)

    monkeypatch.setattr(PostgresTransaction, "ask", explain)
    keys = [f"slug{number}" for number in range(2, LINKS, 10)]
    found = await db.write(
        lambda tx: read_look_alikes(ask_look_alikes(tx, 1, 1, [*keys, "free"], NOW))
    )
    assert sorted(found) == sorted(keys)
    steps = [step for step in list_steps(plans[0]) if step.get("Relation Name") == "links"]
    assert [step["Index Name"] for step in steps] == ["links_folded"]
    assert steps[0]["Actual Loops"] == len(keys) + 1
    assert not steps[0].get("Rows Removed by Filter")
