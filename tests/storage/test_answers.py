"""A write asks several things before it reads the first answer, on both engines."""

from shorty.storage.database import Database, Reader, Transaction
from tests.clicks.making import insert_links

FIND = "select id from links where slug = $1"
MOVE = "update links set status = $2 where id > $1"
INSERT = "insert into click_domains (owner, workspace_id) values ($1, $2)"


async def test_what_is_asked_first_may_be_read_last(db: Database) -> None:
    await db.write(insert_links(1, 2, 3))

    def work(tx: Transaction) -> list[object]:
        moved, found, none = tx.ask(MOVE, 1, 307), tx.ask(FIND, "slug2"), tx.ask(FIND, "none")
        returned = tx.ask(f"{MOVE} returning id, status", 2, 308)
        row = found.row()
        return [
            *(none.row(), none.rows(), row and row["id"], [row["id"] for row in found.rows()]),
            *([tuple(row) for row in returned.rows()], moved.count()),
        ]

    assert await db.write(work) == [None, [], 2, [2], [(3, 308)], 2]
    rows = await db.find_all("select status from links order by id")
    assert [row["status"] for row in rows] == [302, 307, 308]


async def test_rows_are_sent_without_counting_them(db: Database) -> None:
    def work(tx: Transaction) -> list[int]:
        tx.send_rows(INSERT, [(each, 1) for each in range(70)])
        tx.send_rows(INSERT, [])
        return [row["rows"] for row in tx.find_all("select count(*) as rows from click_domains")]

    assert await db.write(work) == [70]


async def test_a_function_reads_by_what_it_read_before(db: Database) -> None:
    await db.write(insert_links(1, 2))

    def read(rows: Reader) -> list[str]:
        [first] = rows.find_all("select min(id) as id from links")
        found = rows.find_all("select slug from links where id > $1", first["id"])
        return [row["slug"] for row in found]

    assert await db.read(read) == ["slug2"]
    assert await db.read_by_key(read) == ["slug2"]
