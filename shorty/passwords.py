"""Owns how passwords of people and of links are kept: argon2id, worked out in threads.

There are four pools of threads, so that a flood of strangers' tries delays nobody else's password.
In each, `owner` is who the work is for, as `pools` serves owners in turn.
"""

import unicodedata
from functools import partial
from typing import Final

from argon2 import PasswordHasher, Type, extract_parameters
from argon2.exceptions import Argon2Error, InvalidHashError

from shorty.pools import WorkerThreads

MAX_PASSWORD_BYTES: Final = 256
SHORTEST_OWN: Final = 8  # characters, as NIST SP 800-63B asks for at least
LONGEST_HASH: Final = 256

# 19 MiB and two passes are OWASP's first choice; about 30 ms here.
MEMORY_KIB: Final = 19_456
PASSES: Final = 2
LANES: Final = 1
HASHER = PasswordHasher(memory_cost=MEMORY_KIB, time_cost=PASSES, parallelism=LANES)

# Each thread takes MEMORY_KIB while it hashes: together 76 MiB at most, however many wait.
ACCOUNTS: Final = WorkerThreads("hash-accounts", threads=1)
"""People who are known already: signed in, or with a link that was sent to them."""
SIGN_INS: Final = WorkerThreads("hash-sign-ins", threads=1)
"""People who sign in, and anyone who pretends to."""
LINKS: Final = WorkerThreads("hash-links", threads=1, waiting=256, waiting_per_owner=32)
"""Passwords that members give their links."""
VISITORS: Final = WorkerThreads("hash-visitors", threads=1, waiting_per_owner=16)
"""Passwords that visitors try at links."""
OPERATOR: Final = "operator"

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


async def hash_password(
    password: str, *, pool: WorkerThreads = ACCOUNTS, owner: str = OPERATOR
) -> str:
    """The password's hash in PHC form, with a salt of its own. Raises BusyError."""
    return await pool.run(owner, partial(HASHER.hash, _spell(password)))


async def is_password_right(
    password_hash: str, password: str, *, pool: WorkerThreads = ACCOUNTS, owner: str = OPERATOR
) -> bool:
    """Whether it is the password; one too long to be any costs no hashing. Raises BusyError."""
    spelled = _spell(password)
    if len(spelled) > MAX_PASSWORD_BYTES:
        return False
    return await pool.run(owner, partial(_verify, password_hash, spelled))


def _spell(password: str) -> bytes:
    """One spelling for keyboards that compose letters and those that do not.

    Composing takes the square of a hostile text's length; NFC makes one letter of at most four.
    """
    if len(password) > 4 * MAX_PASSWORD_BYTES:
        return password.encode(errors="replace")
    return unicodedata.normalize("NFC", password).encode(errors="replace")


def _verify(password_hash: str, spelled: bytes) -> bool:
    try:
        return HASHER.verify(password_hash, spelled)
    except (Argon2Error, InvalidHashError):
        return False
