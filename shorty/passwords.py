"""Owns how passwords of people and of links are kept: argon2id, worked out in a thread."""

import asyncio
import unicodedata
from typing import Final

from argon2 import PasswordHasher, Type, extract_parameters
from argon2.exceptions import Argon2Error, InvalidHashError

MAX_PASSWORD_BYTES: Final = 256
SHORTEST_OWN: Final = 8  # characters, as NIST SP 800-63B asks for at least
LONGEST_HASH: Final = 256

# 19 MiB and two passes are OWASP's first choice; about 30 ms here.
MEMORY_KIB: Final = 19_456
PASSES: Final = 2
LANES: Final = 1
HASHER = PasswordHasher(memory_cost=MEMORY_KIB, time_cost=PASSES, parallelism=LANES)

# A hash like any other that no password has, so that checking one for nobody takes as long.
NOBODYS_HASH: Final = f"$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}${'A' * 22}${'A' * 43}"


def find_password_fault(password: str) -> str | None:
    """What is wrong with a new password, as a phrase after its name; None if nothing is."""
    if not password:
        return "must not be empty"
    if len(_spell(password)) > MAX_PASSWORD_BYTES:
        return f"may be at most {MAX_PASSWORD_BYTES} bytes long"
    return None


def find_own_password_fault(password: str) -> str | None:
    """As above, for a person's own: what opens an account is not a word or two."""
    if len(password) < SHORTEST_OWN:
        return f"must be at least {SHORTEST_OWN} characters long"
    return find_password_fault(password)


def is_password_hash(text: str) -> bool:
    """Whether it is a hash as hash_password makes them, no dearer to compare with."""
    try:
        given = extract_parameters(text)
    except InvalidHashError:
        return False
    return (
        len(text) <= LONGEST_HASH
        and given.type is Type.ID
        and given.memory_cost <= MEMORY_KIB
        and given.time_cost <= PASSES
        and given.parallelism <= LANES
    )


async def hash_password(password: str) -> str:
    """The password's hash in PHC form, with a salt of its own."""
    return await asyncio.to_thread(HASHER.hash, _spell(password))


async def is_password_right(password_hash: str, password: str) -> bool:
    """Whether it is the password; one too long to be any costs no hashing."""
    spelled = _spell(password)
    if len(spelled) > MAX_PASSWORD_BYTES:
        return False
    return await asyncio.to_thread(_verify, password_hash, spelled)


def _spell(password: str) -> bytes:
    """One spelling for keyboards that compose letters and those that do not."""
    return unicodedata.normalize("NFC", password).encode(errors="replace")


def _verify(password_hash: str, spelled: bytes) -> bool:
    try:
        return HASHER.verify(password_hash, spelled)
    except (Argon2Error, InvalidHashError):
        return False
