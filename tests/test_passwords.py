"""How passwords are stored."""

import asyncio

import pytest
from argon2 import PasswordHasher

from shorty import passwords
from shorty.errors import BusyError
from shorty.passwords import (
    ACCOUNTS,
    LINKS,
    MEMORY_KIB,
    NOBODYS_HASH,
    SIGN_INS,
    VISITORS,
    find_own_password_fault,
    find_password_fault,
    hash_password,
    is_password_hash,
    is_password_right,
)
from shorty.pools import WorkerThreads
from tests.conftest import REAL_HASHER
from tests.support import flood

POOLS = (ACCOUNTS, SIGN_INS, LINKS, VISITORS)


@pytest.fixture(autouse=True)
def hasher(monkeypatch: pytest.MonkeyPatch) -> None:
    """The production hasher, instead of the cheap one of other tests."""
    monkeypatch.setattr(passwords, "HASHER", REAL_HASHER)


async def test_a_password_is_recognised_by_its_hash() -> None:
    kept = await hash_password("open sesame")
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert "sesame" not in kept
    assert await is_password_right(kept, "open sesame")
    assert not await is_password_right(kept, "open Sesame")


async def test_composed_and_decomposed_letters_are_the_same_password() -> None:
    kept = await hash_password("cafe\u0301")
    assert await is_password_right(kept, "caf\u00e9")


async def test_nothing_matches_a_broken_hash_or_an_endless_password() -> None:
    assert not await is_password_right("not a hash", "x")
    assert not await is_password_right(await hash_password("x"), "x" * 10_000)
    assert not await is_password_right(await hash_password("x"), "\ud800")


@pytest.mark.parametrize(
    ("password", "fault"),
    [
        ("x", None),
        (" ", None),
        ("é" * 128, None),
        ("", "must not be empty"),
        ("é" * 129, "may be at most 256 bytes long"),
    ],
)
def test_a_password_is_any_text_up_to_256_bytes(password: str, fault: str | None) -> None:
    assert find_password_fault(password) == fault


@pytest.mark.parametrize(
    ("password", "fault"),
    [
        ("1234567", "must be at least 8 characters long"),
        ("12345678", None),
        ("x" * 257, "may be at most 256 bytes long"),
    ],
)
def test_a_persons_own_password_has_eight_characters(password: str, fault: str | None) -> None:
    assert find_own_password_fault(password) == fault


async def test_the_dummy_hash_takes_as_long_and_matches_no_password() -> None:
    assert not PasswordHasher(memory_cost=19_456, time_cost=2, parallelism=1).check_needs_rehash(
        NOBODYS_HASH
    )
    assert not await is_password_right(NOBODYS_HASH, "")


async def test_only_hashes_like_ours_are_imported() -> None:
    kept = await hash_password("open sesame")
    assert is_password_hash(kept)
    for text in (
        "",
        "open sesame",
        "$2b$12$abcdefghijklmnopqrstuuDJ0nNKTVXMnlSDLGzsVdx.DPOtQNJ5O",
        kept.replace("argon2id", "argon2i"),
        kept.replace("m=19456", "m=99999999"),
        kept.replace("t=2", "t=99999"),
        kept.replace("p=1", "p=64"),
        kept + "A" * 300,
    ):
        assert not is_password_hash(text), text


@pytest.mark.parametrize("flooded", [VISITORS, SIGN_INS])
async def test_a_flood_of_strangers_attempts_delays_no_other_password(
    flooded: WorkerThreads,
) -> None:
    kept = await hash_password("open sesame")
    async with flood(flooded):
        with pytest.raises(BusyError):
            await is_password_right(kept, "open sesame", pool=flooded, owner="another network")
        for pool in {*POOLS} - {flooded}:
            assert await is_password_right(kept, "open sesame", pool=pool, owner="somebody")


async def test_who_has_few_tries_waiting_gets_a_turn_among_those_of_a_flood() -> None:
    kept = await hash_password("open sesame")
    waiting = [
        asyncio.create_task(is_password_right(kept, "x", pool=SIGN_INS, owner=f"network {n % 10}"))
        for n in range(80)
    ]
    await asyncio.sleep(0)
    assert await is_password_right(kept, "open sesame", pool=SIGN_INS, owner="Ann's")
    assert not all(task.done() for task in waiting)
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert {*map(type, outcomes)} == {bool, BusyError}


async def test_all_that_hashes_at_once_takes_76_mib() -> None:
    threads = [pool.slots.slots for pool in POOLS]
    assert sum(threads) * MEMORY_KIB == 76 * 1024
