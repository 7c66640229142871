"""Exports read few links at once where these have long rules, and leave none out."""

import csv
from collections.abc import AsyncGenerator
from typing import Any

import msgspec
import pytest

from shorty.links.rule_reading import read_rules
from shorty.storage.database import Row, Rows, Value
from shorty.transfer import exports
from shorty.transfer.exports import divide_by_size, export_lines, export_selected, export_table
from shorty.transfer.progress import TransferProgress
from tests.links.making import make_link
from tests.support import NOW
from tests.transfer.making import House, list_all

LETTERS = 3_000
VALUES = (0, 40, 1, 1, 0, 30, 10, 50, 2, 0)  # in the rules of each link, of a hundred letters each


@pytest.mark.parametrize(
    ("sizes", "pieces"),
    [
        ((), []),
        ((LETTERS,), [[1]]),
        ((LETTERS + 1, 0), [[1], [2]]),
        ((0, LETTERS, 0, 1), [[1, 2, 3], [4]]),
        ((1, LETTERS, LETTERS, 1), [[1], [2], [3], [4]]),
    ],
)
def test_a_piece_is_as_large_as_it_may_be(
    monkeypatch: pytest.MonkeyPatch, sizes: tuple[int, ...], pieces: list[list[int]]
) -> None:
    monkeypatch.setattr(exports, "LETTERS_AT_ONCE", LETTERS)
    assert [*divide_by_size(enumerate(sizes, start=1))] == pieces


def count_values(rules: list[dict[str, Any]]) -> int:
    return sum(len(condition["values"]) for rule in rules for condition in rule["conditions"])


class WatchedRows:
    """Notes the letters of the rules in each answer."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self.letters: list[int] = []

    async def find_all(self, sql: str, *parameters: Value) -> list[Row]:
        found = await self._rows.find_all(sql, *parameters)
        if found and "rules" in found[0].keys():  # noqa: SIM118 - a row is no mapping
            self.letters.append(sum(len(row["rules"] or "") for row in found))
        return found


async def test_no_more_rules_are_read_at_once_than_fit(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "LETTERS_AT_ONCE", LETTERS)
    for number, count in enumerate(VALUES):
        condition = {"type": "query", "key": "at", "values": [f"{n:098}" for n in range(count)]}
        rule = {"url": "https://example.com/else", "conditions": [condition]}
        rules, faults = read_rules([rule] if count else [])
        assert faults == {}
        await make_link(house.context, house.actor, slug=f"link-{number}", rules=rules)
    ids = [link.id for link in await list_all(house)]
    rows, workspace_id = WatchedRows(house.db), house.actor.workspace_id

    async def list_pieces() -> AsyncGenerator[list[int]]:
        yield ids[::-1]
        yield []

    lines = export_lines(rows, workspace_id, NOW, TransferProgress())
    text = b"".join([part async for part in lines])
    found = [msgspec.json.decode(line) for line in text.splitlines()]
    rules_of_links = [line.get("rules", []) for line in found if line["kind"] == "link"]
    assert [count_values(rules) for rules in rules_of_links] == [*VALUES]
    table = b"".join([part async for part in export_table(rows, workspace_id, TransferProgress())])
    selected = b"".join([part async for part in export_selected(rows, workspace_id, list_pieces())])
    written = [list(csv.DictReader(each.decode().splitlines())) for each in (table, selected)]
    assert written[0] == written[1][::-1]
    assert [row["slug"] for row in written[0]] == [f"link-{n}" for n in range(len(VALUES))]
    large = sorted(each for each in rows.letters if each > LETTERS)
    assert [each // 1000 for each in large] == [3, 3, 3, 4, 4, 4, 5, 5, 5]
