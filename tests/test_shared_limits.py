"""Limits whose counts several nodes share in a PostgreSQL database."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path
from random import Random

import pytest

from shorty.errors import StorageUnavailableError
from shorty.limits import RateLimit, RefillingLimit, SharedCounts, delete_old_counts
from shorty.limits.shared import SharedLimit, SharedRefillingLimit
from shorty.postgres.database import PostgresDatabase
from tests.support import MINUTE, NOW

pytestmark = pytest.mark.postgres_only

SECRET = bytes(32)
WINDOW = MINUTE
SIZE, REFILL = 5, 3000


@pytest.fixture
async def nodes(database_url: str, tmp_path: Path) -> AsyncGenerator[list[PostgresDatabase]]:
    opened = [PostgresDatabase(database_url, name, tmp_path) for name in ("one", "other")]
    yield opened
    for db in opened:
        await db.close()


def share(*nodes: PostgresDatabase, purpose: str = "tries") -> list[SharedLimit]:
    return [SharedLimit(purpose, SharedCounts(db, SECRET), window_ms=WINDOW) for db in nodes]


def share_buckets(*nodes: PostgresDatabase) -> list[SharedRefillingLimit]:
    return [SharedRefillingLimit("buckets", SharedCounts(db, SECRET)) for db in nodes]


async def test_at_the_same_moment_exactly_so_many_pass_over_both(
    nodes: list[PostgresDatabase],
) -> None:
    limits, buckets = share(*nodes), share_buckets(*nodes)
    answers = await asyncio.gather(
        *(each.take("ann", 30, NOW) for each in limits for _ in range(30)),
        *(each.take("ann", 30, REFILL, NOW) for each in buckets for _ in range(30)),
        *(each.take("bob", 30, NOW) for each in limits for _ in range(10)),
    )
    passed = [answer.is_allowed for answer in answers]
    assert (sum(passed[:60]), sum(passed[60:120]), sum(passed[120:])) == (30, 30, 20)
    assert sorted(answer.remaining for answer in answers[120:]) == list(range(10, 30))


async def test_a_window_in_the_database_is_as_one_in_memory(nodes: list[PostgresDatabase]) -> None:
    limits, own = share(*nodes), RateLimit(window_ms=WINDOW)
    draw, now = Random(7), NOW  # noqa: S311 - chooses steps
    for _ in range(300):
        now += draw.choice((0, 0, 1000, WINDOW // 4))
        who, most, shared = draw.choice("ab"), draw.choice((0, 2, 3, 3)), draw.choice(limits)
        match draw.randrange(12):
            case 0:
                own.forget(who)
                await shared.forget(who)
            case 1 | 2:
                own.give_back(who, now)
                await shared.give_back(who, now)
            case 3 | 4:
                assert await shared.look(who, most, now) == own.look(who, most, now)
            case _ if most:
                assert await shared.take(who, most, now) == own.take(who, most, now)
            case _:
                assert not (await shared.take(who, most, now)).is_allowed


async def test_a_bucket_in_the_database_is_as_one_in_memory(nodes: list[PostgresDatabase]) -> None:
    buckets, own = share_buckets(*nodes), RefillingLimit()
    draw, now = Random(7), NOW  # noqa: S311 - chooses steps
    for _ in range(300):
        now += draw.choice((0, 0, 1, REFILL // 2, REFILL))
        who, shared = draw.choice("ab"), draw.choice(buckets)
        match draw.randrange(12):
            case 0:
                own.give_back(who, now)
                await shared.give_back(who, REFILL, now)
            case 1 | 2:
                expected = own.look(who, SIZE, REFILL, now)
                assert await shared.look(who, SIZE, REFILL, now) == expected
            case _:
                expected = own.take(who, SIZE, REFILL, now)
                assert await shared.take(who, SIZE, REFILL, now) == expected
    assert not (await buckets[0].take("a", 0, REFILL, now)).is_allowed


async def test_a_clock_set_back_costs_a_bucket_one_pause_at_most(
    nodes: list[PostgresDatabase],
) -> None:
    one, other = share_buckets(*nodes)
    for _ in range(SIZE):
        await one.take("ann", SIZE, REFILL, NOW)
    earlier = NOW - 60 * MINUTE
    assert not (await other.look("ann", SIZE, REFILL, earlier)).is_allowed
    assert (await other.take("ann", SIZE, REFILL, earlier)).reset_at == earlier + REFILL
    assert not (await one.take("ann", SIZE, REFILL, earlier + REFILL - 1)).is_allowed
    assert (await one.take("ann", SIZE, REFILL, earlier + REFILL)).is_allowed


async def test_clocks_that_differ_share_a_window_and_one_set_back_locks_nobody_out(
    nodes: list[PostgresDatabase],
) -> None:
    one, other = share(*nodes)
    assert (await one.take("ann", 1, NOW)).is_allowed
    assert not (await other.take("ann", 1, NOW - 2000)).is_allowed
    assert not (await other.look("ann", 1, NOW - 2000)).is_allowed
    assert (await other.take("ann", 1, NOW - 60 * MINUTE)).is_allowed


async def test_purposes_are_apart_and_no_name_is_stored(nodes: list[PostgresDatabase]) -> None:
    (mails,), (tries,) = share(nodes[0], purpose="mails"), share(nodes[0])
    for limit in (mails, tries):
        assert (await limit.take("ann@a.example", 1, NOW)).is_allowed
        assert (await limit.take(7, 1, NOW)).is_allowed
        assert (await limit.take("7", 1, NOW)).is_allowed
        assert (await limit.take("\ud800\0", 1, NOW)).is_allowed
    assert not (await mails.take("ann@a.example", 1, NOW)).is_allowed
    rows = await nodes[0].find_all("select key from rate_limits")
    assert len(rows) == 8
    assert {len(row["key"]) for row in rows} == {16}


async def test_counts_that_are_over_are_deleted(nodes: list[PostgresDatabase]) -> None:
    (limit,), db = share(nodes[0]), nodes[1]
    await limit.take("ann", 1, NOW)
    await limit.take("bob", 1, NOW + 1)
    assert await delete_old_counts(db, NOW + WINDOW - 1) == 0
    assert await delete_old_counts(db, NOW + WINDOW) == 1
    assert not (await limit.take("bob", 1, NOW + WINDOW)).is_allowed


async def test_without_the_database_nothing_passes(tmp_path: Path) -> None:
    away = PostgresDatabase("postgresql://127.0.0.1:1/gone", "gone", tmp_path)
    (limit,), (bucket,) = share(away), share_buckets(away)
    with pytest.raises(StorageUnavailableError):
        await limit.take("ann", 1, NOW)
    with pytest.raises(StorageUnavailableError):
        await bucket.take("ann", 1, REFILL, NOW)
    await away.close()
