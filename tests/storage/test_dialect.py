"""Fragments that the engines write in their own ways give both the same rows."""

from shorty.storage.database import Database
from shorty.storage.statements import Statement

TEXTS = [
    "plain",
    "",
    "NULL",
    "null",
    '"quoted"',
    "back\\slash",
    "{a,b}",
    " spaced ",
    "ünï",
    "ab" * 9,
]


async def test_a_statement_takes_many_texts_as_one_parameter(db: Database) -> None:
    asked = Statement()
    sql = db.dialect.write_texts(TEXTS, asked.bind)
    assert len(asked.values) == 1
    assert [row["text"] for row in await db.find_all(sql, *asked.values)] == TEXTS


async def test_a_statement_takes_many_ids_as_one_parameter(db: Database) -> None:
    ids = [3, 1, 2**62, 0]
    asked = Statement()
    sql = db.dialect.write_ids(ids, asked.bind)
    assert len(asked.values) == 1
    assert [row["id"] for row in await db.find_all(sql, *asked.values)] == ids
