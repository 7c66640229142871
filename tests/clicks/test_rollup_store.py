from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shorty.clicks.journal import Position
from shorty.clicks.model import BIO, BOT, LINK, PERSON, PREFETCH, QR, Visit, encode_visit
from shorty.clicks.owners import number_domain
from shorty.clicks.rollup_store import forget_visitors
from shorty.clicks.rollups import MOST_VALUES, OTHER, QUARTER_MS, KnownVisitors, decode_counts
from shorty.clicks.store import begin_journal, store_batch
from shorty.clicks.waiting import Batch
from shorty.durations import DAY_MS
from shorty.storage.database import Database
from tests.clicks.making import AT, insert_links, make_person, make_visit
from tests.clicks.recount import NAMES, assert_sums_are_right, flatten, read_rollups
from tests.examples import count_examples
from tests.support import open_new

ID = "a journal"
DAY = AT // DAY_MS * DAY_MS


async def begin(db: Database) -> None:
    await db.write(insert_links(1, 2, 3))
    await db.write(lambda tx: tx.execute("insert into workspaces values (2, 'V', 'free', 0)"))
    await db.write(
        lambda tx: tx.execute("update link_counters set workspace_id = 2 where link_id = 3")
    )
    await db.write(lambda tx: begin_journal(tx, ID, "local", Position(1, 8)))


@pytest.fixture(autouse=True)
async def begun(db: Database) -> None:
    await begin(db)


async def store(db: Database, *visits: Visit, number: int = 1) -> None:
    batch = Batch(1, [encode_visit(visit) for visit in visits], offset=number * 100)
    batch.number = number
    await db.write(lambda tx: store_batch(tx, ID, batch))


async def find_totals(db: Database, owner: int, at: int) -> dict[str, int]:
    return (await read_rollups(db))[owner, at // QUARTER_MS * QUARTER_MS].totals


async def find_persons(db: Database, owner: int) -> dict[str, int]:
    row = await db.find_one("select persons from click_quarters where owner = $1", owner)
    assert row is not None
    return flatten(decode_counts(row["persons"]))


async def test_links_and_workspaces_get_sums_by_what_came_and_how(db: Database) -> None:
    await store(
        db,
        make_person(),
        make_person(source=QR, visitor=8),
        make_person(source=BIO, link_id=2),
        make_visit(kind=BOT),
        make_visit(kind=PREFETCH),
    )
    assert await find_totals(db, 1, AT) == dict(zip(NAMES, (2, 2, 1, 1, 0), strict=True))
    assert await find_totals(db, 2, AT) == dict(zip(NAMES, (1, 1, 0, 0, 1), strict=True))
    assert await find_totals(db, -1, AT) == dict(zip(NAMES, (3, 2, 1, 1, 1), strict=True))
    await assert_sums_are_right(db)


async def test_a_visitor_counts_once_a_day_in_the_first_quarter_hour(db: Database) -> None:
    await store(db, make_person(at=DAY), make_person(at=DAY + 5))
    await store(db, make_person(at=DAY + QUARTER_MS), number=2)
    await store(db, make_person(at=DAY + QUARTER_MS, link_id=2), number=3)
    await store(db, make_person(at=DAY + DAY_MS), number=4)
    found = [
        (await find_totals(db, owner, at))["visitors"]
        for owner, at in [
            *((1, DAY), (1, DAY + QUARTER_MS), (1, DAY + DAY_MS)),
            *((-1, DAY), (-1, DAY + QUARTER_MS), (-1, DAY + DAY_MS), (2, DAY + QUARTER_MS)),
        ]
    ]
    assert found == [1, 0, 1, 1, 0, 1, 1]


@pytest.mark.parametrize("is_late_first", [False, True])
async def test_a_visitor_of_two_links_in_two_quarter_hours_of_one_batch_is_one_of_the_workspace(
    db: Database, *, is_late_first: bool
) -> None:
    early, late = make_person(link_id=2, at=DAY), make_person(link_id=1, at=DAY + QUARTER_MS)
    elsewhere = make_person(link_id=3, at=DAY + QUARTER_MS)
    batch = (late, early, elsewhere) if is_late_first else (early, late, elsewhere)
    await store(db, *batch, *batch)
    found = {
        place: (recount.totals["clicks"], recount.totals["visitors"])
        for place, recount in (await read_rollups(db)).items()
    }
    assert found == {
        (2, DAY): (2, 1),
        (1, DAY + QUARTER_MS): (2, 1),
        (3, DAY + QUARTER_MS): (2, 1),
        (-1, DAY): (2, 1 - is_late_first),
        (-1, DAY + QUARTER_MS): (2, int(is_late_first)),
        (-2, DAY + QUARTER_MS): (2, 1),
        (number_domain(1, 1), DAY): (2, 1 - is_late_first),
        (number_domain(1, 1), DAY + QUARTER_MS): (2, int(is_late_first)),
        (number_domain(2, 1), DAY + QUARTER_MS): (2, 1),
    }
    await assert_sums_are_right(db)


async def test_an_unnumbered_visitor_counts_as_a_click_only(db: Database) -> None:
    await store(db, make_person(visitor=0), make_person(visitor=0))
    totals = await find_totals(db, 1, AT)
    assert (totals["clicks"], totals["visitors"]) == (2, 0)


async def test_values_are_counted_and_unknown_ones_left_out(db: Database) -> None:
    utm = ("news", None, None, None, "b")
    await store(
        db,
        make_person(country="DE", city="Bonn", referrer="t.co", utm=utm),
        make_person(country="DE"),
    )
    expected = {"cDE": 2, "CDE": 1, "tDEBonn": 1, "TDEBonn": 1, "rt.co": 1, "1news": 1, "5b": 1}
    expected |= {"bChrome": 2, "oWindows": 2, "ddesktop": 2}
    assert await find_persons(db, 1) == await find_persons(db, -1) == expected


async def test_rules_are_counted_by_their_link_and_variant(db: Database) -> None:
    await store(
        db,
        make_person(won=("4f2a", "a")),
        make_person(won=("4f2a", "b"), visitor=8),
        make_person(won=("4f2a", "b"), visitor=8),
        make_person(link_id=2, won=("4f2a", "")),
        make_person(),
    )
    persons = await find_persons(db, -1)
    assert {key: persons[key] for key in persons if key[0] in "uU"} == {
        "u1\t4f2a\ta": 1,
        "U1\t4f2a\ta": 1,
        "u1\t4f2a\tb": 2,
        "U1\t4f2a\tb": 1,
        "u2\t4f2a\t": 1,
    }
    of_link = await find_persons(db, 2)
    assert (of_link["u2\t4f2a\t"], of_link["U2\t4f2a\t"]) == (1, 1)
    await assert_sums_are_right(db)


async def test_what_visitors_control_is_capped_in_whatever_batches_it_comes(db: Database) -> None:
    visits = [make_person(referrer=f"{i}.example", country="DE") for i in range(MOST_VALUES + 20)]
    await store(db, *visits[:50], number=1)
    await store(db, *visits[50:], visits[0], make_person(link_id=2), number=2)
    persons = await find_persons(db, 1)
    referrers = {key: persons[key] for key in persons if key[0] == "r"}
    assert len(referrers) == MOST_VALUES + 1
    assert referrers["r" + OTHER] == 20
    assert referrers["r0.example"] == 2
    assert persons["cDE"] == MOST_VALUES + 21
    await store(db, *visits[-5:], visits[0], number=3)
    persons = await find_persons(db, 1)
    assert (persons["r" + OTHER], persons["r0.example"]) == (25, 3)


async def test_who_was_seen_is_forgotten_after_the_day_and_the_next(db: Database) -> None:
    await store(db, *[make_person(visitor=number) for number in range(1, 6)])
    assert await db.write(lambda tx: forget_visitors(tx, DAY + 2 * DAY_MS - 1, 100)) == 0
    assert await db.write(lambda tx: forget_visitors(tx, DAY + 2 * DAY_MS, 6)) == 6
    assert await db.write(lambda tx: forget_visitors(tx, DAY + 2 * DAY_MS, 6)) == 4
    assert await db.find_all("select * from day_visitors") == []


async def test_a_batch_that_fails_leaves_no_sums(db: Database) -> None:
    async def fail() -> None:
        batch = Batch(1, [encode_visit(make_person())], offset=100)
        batch.number = 1

        def work(tx: Any) -> None:
            store_batch(tx, ID, batch)
            raise ValueError

        await db.write(work)

    with pytest.raises(ValueError):
        await fail()
    assert await read_rollups(db) == {}
    await store(db, make_person())
    await assert_sums_are_right(db)


async def test_who_is_known_is_not_asked_for_again_and_counts_once(db: Database) -> None:
    known = KnownVisitors(most=3)

    async def store_known(number: int, *visitors: int) -> None:
        visits = [make_person(visitor=visitor) for visitor in visitors]
        batch = Batch(1, [encode_visit(visit) for visit in visits], offset=number * 100)
        batch.number = number
        await db.write(lambda tx: store_batch(tx, ID, batch, known=known))

    await store_known(1, 1, 2)
    known.drop_noted()  # as after a commit of unknown result
    await store_known(2, 1, 2)
    known.keep_noted()
    await db.write(lambda tx: tx.execute("delete from day_visitors where visitor = 1"))
    await store_known(3, 1, 3)
    known.keep_noted()
    assert (await find_totals(db, 1, AT))["visitors"] == 3
    await store_known(4, 3, 4, 5, 6)
    known.keep_noted()
    assert (await find_totals(db, 1, AT))["visitors"] == 6


VISITS = st.builds(
    make_visit,
    at=st.integers(DAY - QUARTER_MS, DAY + QUARTER_MS),
    link_id=st.integers(1, 3),
    visitor=st.integers(0, 3),
    kind=st.sampled_from([PERSON, BOT, PREFETCH]),
    source=st.sampled_from([LINK, QR, BIO]),
    country=st.sampled_from(["", "DE", "US"]),
    city=st.sampled_from(["", "Bonn"]),
    referrer=st.sampled_from(["", "t.co"]),
    utm=st.none() | st.tuples(*[st.none() | st.just("a")] * 5).filter(any),
    won=st.sampled_from([None, ("4f2a", ""), ("4f2a", "a"), ("77c1", "")]),
)


@settings(max_examples=count_examples(25), deadline=None)
@given(batches=st.lists(st.lists(VISITS, max_size=6), max_size=5))
async def test_sums_equal_a_recount_after_any_history(batches: list[list[Visit]]) -> None:
    with TemporaryDirectory() as folder:
        db = await open_new(Path(folder))
        try:
            await begin(db)
            for number, visits in enumerate(batches, start=1):
                await store(db, *visits, number=number)
                await assert_sums_are_right(db)
        finally:
            await db.close()
