from collections.abc import AsyncGenerator

import pytest

from shorty.clicks import export
from shorty.clicks.export import find_click_ids, read_clicks, read_stored_clicks
from shorty.clicks.model import BOT, LINK, PERSON, PREFETCH, Click, Kind
from shorty.clicks.stats_store import Scope
from shorty.storage.database import Database, Row, Transaction
from tests.clicks.making import AT, insert_links, load_clicks


def insert_surroundings(tx: Transaction) -> None:
    """Links 1 and 2 of a workspace differ in domain and tag; 3 is another workspace's."""
    insert_links(1, 2)(tx)
    insert_links(3, workspace_id=2)(tx)
    tx.execute(
        "insert into domains (id, host, scheme, source, created_at)"
        " values (2, 'to.example', 'https', 'config', 0)"
    )
    tx.execute("update links set domain_id = 2 where id = 2")
    for number in (1, 2):
        tx.execute("insert into tags values ($1, 1, $2, $2, 'red', 0)", number, f"t{number}")
        tx.execute("insert into link_tags values ($1, $1, 0)", number)


@pytest.fixture(autouse=True)
async def stored(db: Database) -> None:
    await db.write(insert_surroundings)
    kinds: tuple[Kind, ...] = (PERSON, BOT, PREFETCH)
    moments: list[tuple[int, Kind]] = [(link, kind) for kind in kinds for link in (1, 2, 3)]
    await load_clicks(
        db,
        [
            Click(link_id, AT + number, 7, kind, LINK, None, None, None, None, None, None)
            for number, (link_id, kind) in enumerate(moments)
        ],
    )


async def collect(pieces: AsyncGenerator[list[Row]]) -> list[tuple[int, int]]:
    return [(row["link_id"], row["at"] - AT) async for rows in pieces for row in rows]


@pytest.mark.parametrize("at_once", [1, 2000])
@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        (Scope(workspace_id=1), [(1, 0), (2, 1)]),
        (Scope(workspace_id=2), [(3, 2)]),
        (Scope(workspace_id=1, link_id=2), [(2, 1)]),
        (Scope(workspace_id=1, domain_id=1), [(1, 0)]),
        (Scope(workspace_id=1, domain_id=2), [(2, 1)]),
        (Scope(workspace_id=1, tag_id=1), [(1, 0)]),
        (Scope(workspace_id=1, tag_id=2), [(2, 1)]),
        (Scope(workspace_id=1, domain_id=1, tag_id=2), []),
        (Scope(workspace_id=2, link_id=1), []),
        (Scope(workspace_id=2, tag_id=1), []),
    ],
)
async def test_single_clicks_are_those_of_the_scope(
    db: Database,
    monkeypatch: pytest.MonkeyPatch,
    scope: Scope,
    expected: list[tuple[int, int]],
    at_once: int,
) -> None:
    monkeypatch.setattr(export, "CLICKS_AT_ONCE", at_once)
    found = await collect(read_clicks(db, scope, AT, AT + 9, has_bots=False))
    assert found == expected
    found = await collect(read_clicks(db, scope, AT, AT + 9, has_bots=True))
    assert found == expected + [(link_id, number + 3) for link_id, number in expected]


async def test_single_clicks_are_those_from_the_start_up_to_the_end(db: Database) -> None:
    scope = Scope(workspace_id=1)
    found = await collect(read_clicks(db, scope, AT + 1, AT + 4, has_bots=True))
    assert found == [(2, 1), (1, 3)]
    assert await collect(read_clicks(db, scope, AT, AT, has_bots=True)) == []


@pytest.mark.parametrize("at_once", [1, 4, 2000])
async def test_a_workspaces_clicks_come_as_they_were_stored(
    db: Database, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(export, "CLICKS_AT_ONCE", at_once)

    async def read(workspace_id: int) -> list[tuple[int, int]]:
        async with db.open_snapshot() as snapshot:
            ids = await find_click_ids(snapshot)
            pieces = [each async for each in read_stored_clicks(snapshot, workspace_id, ids)]
        assert ids == (1, 10)
        assert [end for end, _ in pieces] == [*range(1 + at_once, 10, at_once), 10]
        return [(row["link_id"], row["at"] - AT) for _, rows in pieces for row in rows]

    assert await read(1) == [(1, 0), (2, 1), (1, 3), (2, 4), (1, 6), (2, 7)]
    assert await read(2) == [(3, 2), (3, 5), (3, 8)]
    await db.write(lambda tx: tx.execute("update links set deleted_at = 1 where id = 1"))
    await db.write(lambda tx: tx.execute("update links set is_public = 1 where id = 3"))
    assert await read(1) == [(2, 1), (2, 4), (2, 7)]
    assert await read(2) == []


async def test_without_clicks_the_range_of_ids_is_empty(db: Database) -> None:
    await db.write(lambda tx: tx.execute("delete from clicks"))
    async with db.open_snapshot() as snapshot:
        ids = await find_click_ids(snapshot)
        assert list(range(*ids)) == []
