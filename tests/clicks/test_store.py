import msgspec
import pytest

from shorty.clicks.journal import Position
from shorty.clicks.model import BIO, BOT, LINK, PERSON, PREFETCH, QR, Visit, encode_visit
from shorty.clicks.store import (
    DatabaseWentBackError,
    begin_journal,
    find_count,
    find_journal_state,
    store_batch,
)
from shorty.clicks.waiting import IN_MEMORY, Batch
from shorty.config import Plan
from shorty.errors import StorageUnavailableError
from shorty.storage.database import Database
from shorty.webhooks.outbox import Outbox
from tests.clicks.making import AT, BROWSER, count_clicks, insert_links, make_person, make_visit
from tests.clicks.recount import assert_sums_are_right
from tests.reading import reader

ID = "a journal"


@pytest.fixture(autouse=True)
async def begun(db: Database) -> None:
    await db.write(insert_links(1, 2))
    await db.write(lambda tx: begin_journal(tx, ID, "local", Position(1, 8)))


async def store(
    db: Database, *visits: Visit, number: int = 1, segment: int = 1, journal_id: str = ID
) -> int:
    batch = Batch(segment, [encode_visit(visit) for visit in visits], offset=number * 100)
    batch.number = number
    return await db.write(lambda tx: store_batch(tx, journal_id, batch))


async def test_a_click_keeps_all_that_is_known_of_its_visit(db: Database) -> None:
    utm = ("news", None, "märz", None, None)
    await store(
        db,
        make_visit(source=QR, country="DE", referrer="t.co", utm=utm, won=("4f2a", "b")),
        make_visit(at=AT + 1, visitor=0, user_agent="curl/8.5.0"),
        make_person(at=AT + 2, user_agent="", won=("77c1", "")),
    )
    rows = await db.find_all("select * from clicks order by id")
    assert [tuple(row)[1:] for row in rows] == [
        (
            1,
            AT,
            7,
            PERSON,
            QR,
            "DE",
            "t.co",
            "Chrome",
            "Windows",
            "desktop",
            rows[0]["utm"],
            None,
            1,
            "4f2a",
            "b",
        ),
        (1, AT + 1, 0, BOT, LINK, None, None, "curl", None, "other", None, None, 1, None, None),
        (1, AT + 2, 7, PERSON, *[LINK, *[None] * 4, "other", None, None, 1, "77c1", None]),
    ]
    assert rows[0]["utm"] == '["news",null,"märz",null,null]'


async def test_visits_of_other_releases_and_torn_ones_are_stored_as_far_as_they_can_be(
    db: Database,
) -> None:
    encode = msgspec.msgpack.encode
    older = encode([AT, 1, 7, "DE"])
    newer = encode([*msgspec.structs.astuple(make_person(at=AT + 2)), "what is yet to come"])
    payloads = [older, b"\xc1", newer, encode_visit(make_person(at=AT + 3))]
    batch = Batch(1, payloads, offset=100)
    batch.number = 1
    assert await db.write(lambda tx: store_batch(tx, ID, batch)) == 1
    rows = await db.find_all("select at, country, kind from clicks order by id")
    expected = [(AT, "DE", BOT), (AT + 2, None, PERSON), (AT + 3, None, PERSON)]
    assert [tuple(row) for row in rows] == expected


async def test_a_visit_journalled_before_there_were_rules_is_stored_whole(db: Database) -> None:
    """As `Visit` was before rules were recorded."""
    former = [AT, 1, 7, "DE", QR, PERSON, BROWSER, "t.co", None, "Bonn", 1]
    batch = Batch(1, [msgspec.msgpack.encode(former)], offset=100)
    batch.number = 1
    assert await db.write(lambda tx: store_batch(tx, ID, batch)) == 0
    (row,) = await db.find_all("select * from clicks")
    assert (row["city"], row["domain_id"], row["rule_id"], row["variant"]) == (
        "Bonn",
        1,
        None,
        None,
    )
    await assert_sums_are_right(db)


async def test_persons_are_counted_by_source_bots_and_prefetches_apart(db: Database) -> None:
    await store(
        db,
        make_visit(),
        make_visit(at=AT + 5),
        make_visit(source=QR),
        make_visit(source=BIO, at=AT + 9),
        make_visit(kind=BOT, at=AT + 10),
        make_visit(kind=PREFETCH, at=AT + 11, user_agent=BROWSER),
        make_visit(link_id=2, user_agent=""),
    )
    rows = await db.find_all("select * from link_counters order by link_id")
    names = ("clicks", "scans", "bio_clicks", "bots", "total", "last_click_at")
    assert [tuple(row[name] for name in names) for row in rows] == [
        (2, 1, 1, 1, 4, AT + 9),
        (0, 0, 0, 1, 0, None),
    ]


async def test_counters_add_up_over_batches(db: Database) -> None:
    await store(db, make_visit(), number=1)
    await store(db, make_visit(user_agent="curl/8.5.0"), number=2)
    row = await db.find_one("select * from link_counters where link_id = 1")
    assert row is not None
    assert (row["total"], row["bots"], row["last_click_at"]) == (1, 1, AT)


async def test_only_the_persons_of_a_batch_trigger_webhooks(
    db: Database,
) -> None:
    await db.write(
        lambda tx: tx.execute(
            "update links set webhook_urls = 'https://hooks.example/' where id = 1"
        )
    )
    visits = [
        make_visit(kind=BOT),
        make_visit(at=AT + 1, source=QR),
        make_visit(link_id=2, at=AT + 2),
        make_visit(kind=PREFETCH, at=AT + 3),
        make_visit(at=AT + 4),
        make_visit(link_id=2, kind=BOT, at=AT + 5),
    ]
    batch = Batch(1, [encode_visit(visit) for visit in visits], offset=100)
    batch.number = 1
    outbox = Outbox({"unlimited": Plan(name="unlimited")})
    assert await db.write(lambda tx: store_batch(tx, ID, batch, outbox)) == 0
    told = await db.find_all(
        "select c.link_id, c.at, c.kind from webhook_deliveries d"
        " join clicks c on c.id = d.click_id order by c.at"
    )
    assert [tuple(row) for row in told] == [(1, AT + 1, PERSON), (1, AT + 4, PERSON)]
    stored = await db.find_all("select link_id, at, kind from clicks order by at")
    expected = [(1, BOT), (1, PERSON), (2, PERSON), (1, PREFETCH), (1, PERSON), (2, BOT)]
    assert [(row["link_id"], row["kind"]) for row in stored] == expected
    rows = await db.find_all("select clicks, scans, bots, total from link_counters")
    assert [tuple(row) for row in rows] == [(1, 1, 1, 2), (1, 0, 1, 1)]
    await assert_sums_are_right(db)


async def test_a_click_whose_link_is_gone_is_skipped_alone(db: Database) -> None:
    skipped = await store(db, make_visit(), make_visit(link_id=404), make_visit(link_id=2))
    assert skipped == 1
    assert await count_clicks(db, 1) == await count_clicks(db, 2) == 1
    assert await db.find_all("select * from clicks where link_id = 404") == []


async def test_links_that_are_deleted_softly_still_count(db: Database) -> None:
    await db.write(lambda tx: tx.execute("update links set deleted_at = 1 where id = 1"))
    assert await store(db, make_visit()) == 0
    assert await count_clicks(db) == 1


async def test_a_batch_moves_the_position(db: Database) -> None:
    await store(db, make_visit(), number=1)
    assert await find_journal_state(db, ID) == (ID, (1, 100), 1)
    await store(db, make_visit(), number=2, segment=IN_MEMORY)
    assert await find_journal_state(db, ID) == (ID, (1, 100), 2)
    await store(db, number=3, segment=2)
    assert await find_journal_state(db, ID) == (ID, (2, 300), 3)


async def test_a_retried_batch_is_stored_once(db: Database) -> None:
    for _ in range(2):
        assert await store(db, make_visit(), number=1) == 0
    assert await count_clicks(db) == 1


async def test_a_database_of_another_journal_takes_nothing(db: Database) -> None:
    for wrong in ({"journal_id": "another"}, {"number": 3}):
        with pytest.raises(StorageUnavailableError):
            await store(db, make_visit(), **wrong)  # pyright: ignore[reportArgumentType]
    assert await count_clicks(db) == 0


async def test_a_database_that_lacks_a_batch_says_how_far_it_is(db: Database) -> None:
    await store(db, make_visit(), number=1)
    with pytest.raises(DatabaseWentBackError) as raised:
        await store(db, make_visit(), number=3)
    assert raised.value.state == (ID, Position(1, 100), 1)
    assert await count_clicks(db) == 1


async def test_the_count_and_its_batches_are_read_together(db: Database) -> None:
    assert find_count(reader(db), 1, ID) == (0, 0)
    await store(db, make_person(), make_person(source=QR), make_visit(kind=BOT))
    assert find_count(reader(db), 1, ID) == (2, 1)
    assert find_count(reader(db), 2, ID) == (0, 1)
    assert find_count(reader(db), 404, ID) == (0, 1)
    await db.write(lambda tx: tx.execute("delete from journals"))
    assert find_count(reader(db), 1, ID) == (2, 0)
