"""Tests each verb of a write's transaction against a real server."""

from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shorty.postgres.database import PostgresDatabase
from shorty.postgres.pipeline import BlockingPipeline
from shorty.postgres.values import NulError
from shorty.storage.database import Asked, Transaction
from tests.postgres.support import ADD, Work, add, ask_aside, list_names, write_as_one_group

pytestmark = pytest.mark.postgres_only
INSERT = "insert into things (name, size, share, data) values ($1, $2, $3, $4)"
ALL = "select name, size, share, data from things order by id"

TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
ROWS = st.lists(
    st.tuples(
        TEXTS,
        st.none() | st.integers(-(2**63), 2**63 - 1),
        st.none() | st.floats(allow_nan=False),
        st.none() | st.binary(),
    ),
    unique_by=lambda row: row[0],
    max_size=20,
)


async def test_execute_returns_the_number_of_changed_rows(db: PostgresDatabase) -> None:
    def work(tx: Transaction) -> list[int]:
        return [
            tx.execute(ADD, "a"),
            tx.execute(ADD, "b"),
            tx.execute(f"{ADD} on conflict do nothing", "b"),
            tx.execute("update things set size = $1", 1),
            tx.execute("delete from things where size = $1", 2),
        ]

    assert await db.write(work) == [1, 1, 0, 2, 0]


async def test_insert_returns_the_id_or_none_after_a_conflict(db: PostgresDatabase) -> None:
    def work(tx: Transaction) -> list[int | None]:
        sql = "insert into things (name) values ($1) on conflict do nothing\n"
        return [tx.insert(sql, "a"), tx.insert(sql, "a"), tx.insert(sql, "b")]

    first, none, second = await db.write(work)
    assert none is None
    rows = await db.find_all("select id from things order by id")
    assert [row["id"] for row in rows] == [first, second]


async def test_execute_many_adds_up_what_each_changed(db: PostgresDatabase) -> None:
    def work(tx: Transaction) -> tuple[int, int]:
        names = [(name,) for name in ("a", "b", "a", "c")]
        sql = f"{ADD} on conflict do nothing"
        return tx.execute_many(sql, names), tx.execute_many(sql, [])

    assert await db.write(work) == (3, 0)


async def test_a_fault_in_execute_many_is_its_own(db: PostgresDatabase) -> None:
    def work(tx: Transaction) -> str:
        with pytest.raises(psycopg.errors.UniqueViolation):
            tx.attempt(lambda: tx.execute_many(ADD, [("a",), ("a",), ("b",)]))
        return str(tx.execute(ADD, "c"))

    assert await db.write(work) == "1"
    assert await list_names(db) == ["c"]


async def test_many_rows_are_inserted_as_they_are(db: PostgresDatabase) -> None:
    rows = [(f"{place:05}", place, place / 2, bytes([place % 256])) for place in range(5001)]
    assert await db.write(lambda tx: tx.insert_rows(INSERT, rows)) == 5001
    assert [tuple(row) for row in await db.find_all(ALL)] == rows


async def test_no_rows_are_inserted_without_a_statement(db: PostgresDatabase) -> None:
    assert await db.write(lambda tx: tx.insert_rows("no statement at all", [])) == 0


async def test_an_insert_of_rows_counts_and_returns_only_what_was_new(
    db: PostgresDatabase,
) -> None:
    def work(tx: Transaction) -> tuple[int, list[Any]]:
        sql = "insert into things (name, size) values ($1, $2) on conflict do nothing"
        count = tx.insert_rows(sql, [("a", 1), ("b", None)])
        returned = tx.insert_rows_returning(f"{sql} returning name, size", [("b", 2), ("c", 3)])
        return count, [tuple(row) for row in returned]

    assert await db.write(work) == (2, [("c", 3)])


async def test_an_insert_of_rows_may_use_parameters_twice_and_constants(
    db: PostgresDatabase,
) -> None:
    sql = """
    insert into things (name, size, share) values ($1, coalesce($2, 7), $2)
    on conflict (name) do update set size = excluded.size + 100
    """
    await db.write(lambda tx: tx.insert_rows(sql, [("a", 1), ("b", None)]))
    await db.write(lambda tx: tx.insert_rows(sql, [("a", 2)]))
    assert [tuple(row) for row in await db.find_all(ALL)] == [
        ("a", 102, 1.0, None),
        ("b", 7, None, None),
    ]


async def test_a_fault_in_an_insert_of_rows_keeps_none_of_them(db: PostgresDatabase) -> None:
    with pytest.raises(psycopg.errors.UniqueViolation):
        await db.write(lambda tx: tx.insert_rows(ADD, [("a",), ("b",), ("a",)]))
    with pytest.raises(psycopg.errors.UndefinedTable):
        await db.write(lambda tx: tx.insert_rows("insert into no_table (a) values ($1)", [("a",)]))
    assert await list_names(db) == []


@given(rows=ROWS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
async def test_whatever_is_stored_comes_back(db: PostgresDatabase, rows: list[Any]) -> None:
    def work(tx: Transaction) -> list[Any]:
        tx.execute("delete from things")
        for row in rows:
            tx.execute(INSERT, *row)
        found = [tuple(row) for row in tx.find_all(ALL)]
        tx.execute("delete from things")
        tx.insert_rows(INSERT, rows)
        return [found, [tuple(row) for row in tx.find_all(ALL)]]

    assert await db.write(work) == [rows, rows]


async def test_rows_are_read_by_place_by_name_and_as_a_mapping(db: PostgresDatabase) -> None:
    await db.write(lambda tx: tx.execute("insert into things (name, size) values ('a', 5)"))
    row = await db.find_one("select name, size, name as other from things")
    assert row is not None
    name, size, other = row
    assert (name, size, other) == ("a", 5, "a") == (row[0], row["size"], row["other"])
    assert dict(row) == {"name": "a", "size": 5, "other": "a"}
    assert tuple(row) == ("a", 5, "a")
    with pytest.raises(IndexError):
        row["colour"]


async def test_sums_and_conditions_are_whole_numbers(db: PostgresDatabase) -> None:
    row = await db.find_one(
        "select sum(n), 1 = 2, 2 = 2, count(*), cast(-3 as numeric), avg(n)"
        " from (values (cast(1 as bigint)), (2)) as numbers (n)"
    )
    assert row is not None
    assert [type(value) for value in row] == [int, int, int, int, int, float]
    assert list(row) == [3, 0, 1, 2, -3, 1.5]


async def test_attempt_takes_back_its_own_part_alone(db: PostgresDatabase) -> None:
    def fail(tx: Transaction) -> None:
        tx.execute(ADD, "failed")
        tx.after_commit(lambda: done.append("failed"))
        raise LookupError

    def work(tx: Transaction) -> None:
        tx.after_commit(lambda: done.append("before"))
        tx.execute(ADD, "before")
        with pytest.raises(LookupError):
            tx.attempt(lambda: fail(tx))
        with pytest.raises(psycopg.errors.UniqueViolation):
            tx.attempt(lambda: tx.execute(ADD, "before"))
        tx.attempt(lambda: tx.attempt(lambda: tx.execute(ADD, "inner")))

    done: list[str] = []
    await db.write(work)
    assert (await list_names(db), done) == (["before", "inner"], ["before"])


async def test_a_fault_that_a_write_keeps_to_itself_fails_it(db: PostgresDatabase) -> None:
    def work(tx: Transaction) -> str:
        tx.execute(ADD, "a")
        with pytest.raises(psycopg.errors.UniqueViolation):
            tx.execute(ADD, "a")
        return "content"

    with pytest.raises(psycopg.errors.UniqueViolation):
        await db.write(work)
    assert await list_names(db) == []


async def test_what_follows_a_commit_runs_before_the_write_returns(db: PostgresDatabase) -> None:
    done: list[str] = []
    await db.write(lambda tx: tx.after_commit(lambda: done.append("followed")))
    assert done == ["followed"]


async def test_a_write_that_fails_is_not_followed(db: PostgresDatabase) -> None:
    def work(tx: Transaction) -> None:
        tx.after_commit(lambda: done.append("followed"))
        raise LookupError

    done: list[str] = []
    with pytest.raises(LookupError):
        await db.write(work)
    await db.write(add("next"))
    assert done == []


async def test_what_is_run_late_finds_what_its_write_stores_later(db: PostgresDatabase) -> None:
    def fail(tx: Transaction) -> None:
        tx.execute_late(ADD, "failed")
        raise LookupError

    def work(tx: Transaction) -> str:
        tx.execute_late("insert into parts (thing_id, name) select id, 'late' from things")
        with pytest.raises(LookupError):
            tx.attempt(lambda: fail(tx))
        tx.execute(ADD, "a")
        return "done"

    with pytest.raises(LookupError):
        await db.write(fail)
    assert await db.write(work) == "done"
    assert await list_names(db) == ["a"]
    assert [tuple(row) for row in await db.find_all("select name from parts")] == [("late",)]


async def test_a_fault_in_what_is_run_late_is_that_of_its_write(db: PostgresDatabase) -> None:
    await db.write(add("a"))
    with pytest.raises(psycopg.errors.UniqueViolation):
        await db.write(lambda tx: tx.execute_late(ADD, "a"))


async def test_a_fault_of_what_was_asked_is_raised_where_it_is_read(db: PostgresDatabase) -> None:
    def work(tx: Transaction) -> list[object]:
        asked = [tx.ask(ADD, "a"), tx.ask("select 1 / cast($1 as bigint)", 0), tx.ask(ADD, "b")]
        with pytest.raises(psycopg.errors.DivisionByZero):
            asked[1].rows()
        with pytest.raises(psycopg.errors.DivisionByZero):
            asked[2].count()
        return []

    with pytest.raises(psycopg.errors.DivisionByZero):
        await db.write(work)
    assert await list_names(db) == []


async def test_a_write_that_asks_in_vain_harms_no_other_of_its_group(db: PostgresDatabase) -> None:
    def ask_twice(tx: Transaction) -> int:
        asked = tx.ask(ADD, "a"), tx.ask(ADD, "kept")
        return asked[1].count() + asked[0].count()

    answers = await write_as_one_group(db, add("a"), ask_twice, add("b"))
    assert answers == ["a", psycopg.errors.UniqueViolation, "b"]
    assert await list_names(db) == ["a", "b"]


async def test_an_answer_is_gone_with_the_part_that_asked(db: PostgresDatabase) -> None:
    def work(tx: Transaction) -> int:
        kept: list[Asked] = [tx.ask(ADD, "before")]

        def fail() -> None:
            kept.extend((tx.ask("select 1 / cast($1 as bigint)", 0), tx.ask(ADD, "within")))
            kept[1].rows()

        with pytest.raises(psycopg.errors.DivisionByZero):
            tx.attempt(fail)
        with pytest.raises(AssertionError, match="rolled back"):
            kept[2].count()
        return kept[0].count()

    assert await db.write(work) == 1
    assert await list_names(db) == ["before"]


async def test_rows_that_are_only_sent_fail_their_own_write(db: PostgresDatabase) -> None:
    def send(*names: str) -> Work:
        return lambda tx: tx.send_rows(ADD, [(name,) for name in names])

    answers = await write_as_one_group(db, send("a", "b"), send("c", "a"), send(), send("d"))
    assert answers == [None, psycopg.errors.UniqueViolation, None, None]
    assert await list_names(db) == ["a", "b", "d"]


async def test_plans_are_made_anew_while_tables_grow(
    db: PostgresDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []
    send = BlockingPipeline.send

    def note(pipeline: BlockingPipeline, sql: str, *others: Any, **named: Any) -> Any:
        sent.append(sql)
        return send(pipeline, sql, *others, **named)

    monkeypatch.setattr(BlockingPipeline, "send", note)
    for name in range(9):
        await db.write(add(str(name)))
    wanted = [each for each in sent if each in {"commit", "discard plans"}]
    places = [wanted[:place].count("commit") for place in range(len(wanted))]
    found = [at for at, each in zip(places, wanted, strict=True) if each == "discard plans"]
    assert found == [0, 1, 3, 7]


@pytest.mark.parametrize("verb", ["execute", "send", "insert", "find_one", "execute_late"])
async def test_a_text_with_nul_is_refused_before_it_is_sent(
    db: PostgresDatabase, verb: str
) -> None:
    with pytest.raises(NulError):
        await db.write(lambda tx: getattr(tx, verb)(ADD, "a\0b"))
    with pytest.raises(NulError):
        await db.write(lambda tx: tx.insert_rows(ADD, [("a\0b",)]))
    assert await list_names(db) == []


async def test_half_a_surrogate_pair_is_refused(db: PostgresDatabase) -> None:
    with pytest.raises(UnicodeEncodeError):
        await db.write(add("\ud800"))


async def test_a_number_past_64_bits_is_a_fault_of_the_statement(db: PostgresDatabase) -> None:
    with pytest.raises(psycopg.DataError):
        await db.write(lambda tx: tx.execute(INSERT, "a", 2**63, None, None))


async def test_a_statement_goes_on_working_when_the_schema_changes(
    db: PostgresDatabase, url: str
) -> None:
    def work(tx: Transaction) -> int:
        tx.execute(ADD, f"{next(numbers)}")
        return len(tx.find_all("select * from things where name = $1", "0")[0])

    numbers = iter(range(100))
    assert [await db.write(work) for _ in range(4)] == [5] * 4
    ask_aside(url, "alter table things add column colour text")
    assert await db.write(work) == 6


async def test_a_fault_is_the_same_each_time_that_a_statement_is_used(
    db: PostgresDatabase,
) -> None:
    def work(tx: Transaction) -> list[str]:
        return [find_fault(tx) for _ in range(4)]

    def find_fault(tx: Transaction) -> str:
        with pytest.raises(psycopg.errors.UndefinedTable) as raised:
            tx.attempt(lambda: tx.execute("update no_table set size = $1", 1))
        runs.append("fault")
        return raised.value.sqlstate or ""

    runs: list[str] = []
    assert await db.write(work) == ["42P01"] * 4
    assert len(runs) == 4
