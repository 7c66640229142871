"""Tests that each write is in the lanes of the tables that it changes."""

from contextlib import closing
from functools import partial

import psycopg
import pytest

from shorty.clicks.rebuild import note_days
from shorty.postgres.migrations import list_relations
from shorty.storage.database import Database, Lane
from shorty.webhooks.outbox import Outbox
from tests.lanes import IN_NO_LANE, LANES, list_lanes

pytestmark = pytest.mark.postgres_only


def test_each_table_has_a_lane(database_url: str) -> None:
    with closing(psycopg.connect(database_url)) as connection:
        assert sorted({*LANES, *IN_NO_LANE}) == list_relations(connection)


@pytest.mark.parametrize(
    ("sql", "lanes"),
    [
        ("select 1 from links", {}),
        ("update links set url = $1", {"links": Lane.MAIN}),
        ("\nDELETE FROM\n  clicks", {"clicks": Lane.CLICKS}),
        ("insert into link_counters (link_id) values ($1)", {"link_counters": Lane.MAIN}),
        ("update link_counters set is_live = 0", {"link_counters": Lane.CLICKS}),
        (
            "insert into webhook_lines (host) select 1 on conflict do update set host = $1",
            {"webhook_lines": Lane.WEBHOOKS},
        ),
        (
            "with gone as (delete from tags returning id) update link_tags set tag_id = 1",
            {"tags": Lane.MAIN, "link_tags": Lane.MAIN},
        ),
        ("insert into inventions values ($1)", {"inventions": None}),
        ("update writers set groups = 1", {}),
    ],
)
def test_a_statement_is_in_the_lanes_of_what_it_changes(
    sql: str, lanes: dict[str, Lane | None]
) -> None:
    assert list_lanes(sql) == lanes


async def test_a_write_outside_of_its_lane_is_noticed(db: Database, lanes: list[str]) -> None:
    note = partial(note_days, days=[0])
    await db.write(note, Lane.CLICKS)
    assert lanes == []
    await db.write(note, Lane.WEBHOOKS)
    (fault,) = lanes
    assert "clicks/rebuild.py: days_to_recount is changed outside of CLICKS" in fault
    lanes.clear()


async def test_lanes_in_another_order_are_noticed(db: Database, lanes: list[str]) -> None:
    queue = partial(Outbox({}).add, callers={}, clicks=(), at=0)
    await db.write(queue, Lane.CLICKS)
    assert lanes == []
    await db.write(queue, Lane.MAIN)
    (fault,) = lanes
    assert fault.endswith("webhooks/outbox.py: WEBHOOKS is taken after MAIN")
    lanes.clear()


async def test_what_a_test_writes_is_its_own_matter(db: Database, lanes: list[str]) -> None:
    await db.write(lambda tx: note_days(tx, [0]))
    assert lanes == []
