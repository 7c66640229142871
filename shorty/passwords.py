"""Owns how passwords of people and of links are stored: argon2id, computed in threads.

There are four pools of threads, so that a flood of strangers' attempts delays no one else's
password. In each, `owner` is the one the work is for: `pools` serves owners in turn.
"""

import unicodedata
from functools import partial
from typing import Final

from argon2 import PasswordHasher, Type, extract_parameters
from argon2.exceptions import Argon2Error, InvalidHashError

from shorty.pools import WorkerThreads

MAX_PASSWORD_BYTES: Final = 256
SHORTEST_OWN: Final = 8  # characters, the minimum of NIST SP 800-63B
LONGEST_HASH: Final = 256

# 19 MiB and two passes are OWASP's first choice; takes about 30 ms here.
MEMORY_KIB: Final = 19_456
PASSES: Final = 2
LANES: Final = 1
HASHER = PasswordHasher(memory_cost=MEMORY_KIB, time_cost=PASSES, parallelism=LANES)

# Each thread takes MEMORY_KIB while it hashes: together at most 76 MiB, however many wait.
ACCOUNTS: Final = WorkerThreads("hash-accounts", threads=1)
"""People who are already known: signed in, or with a link that was sent to them."""
SIGN_INS: Final = WorkerThreads("hash-sign-ins", threads=1)
"""People who sign in, and anyone who pretends to."""
LINKS: Final = WorkerThreads("hash-links", threads=1, waiting=256, waiting_per_owner=32)
"""Passwords that members give their links."""
VISITORS: Final = WorkerThreads("hash-visitors", threads=1, waiting_per_owner=16)
"""Passwords that visitors enter for links."""
OPERATOR: Final = "operator"

# A hash that no password has, so that a check for an unknown account takes as long.
NOBODYS_HASH: Final = f"$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}${'A' * 22}${'A' * 43}"


def find_password_fault(password: str) -> str | None:
    """What is wrong with a new password, as a phrase after its name; None if it is valid."""
    if not password:
        return "must not be empty"
    if len(_spell(password)) > MAX_PASSWORD_BYTES:
        return f"may be at most {MAX_PASSWORD_BYTES} bytes long"
    return None


def find_own_password_fault(password: str) -> str | None:
    """The same for a person's own password, which must be longer than a link's."""
    if len(password) < SHORTEST_OWN:
        return f"must be at least {SHORTEST_OWN} characters long"
    return find_password_fault(password)


def is_password_hash(text: str) -> bool:
    """Whether it is a hash like hash_password's, and no more expensive to check."""
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
    """The password's hash in PHC form, with its own salt. Raises BusyError."""
    return await pool.run(owner, partial(HASHER.hash, _spell(password)))


async def is_password_right(
    password_hash: str, password: str, *, pool: WorkerThreads = ACCOUNTS, owner: str = OPERATOR
) -> bool:
    """Whether the password is right; one that is too long is not hashed. Raises BusyError."""
    spelled = _spell(password)
    if len(spelled) > MAX_PASSWORD_BYTES:
        return False
    return await pool.run(owner, partial(_verify, password_hash, spelled))


def _spell(password: str) -> bytes:
    """One spelling for keyboards that compose letters and those that do not.

    Composing takes the square of a hostile text's length; NFC composes a letter from at most four.
    """
    if len(password) > 4 * MAX_PASSWORD_BYTES:
        return password.encode(errors="replace")
    return unicodedata.normalize("NFC", password).encode(errors="replace")


def _verify(password_hash: str, spelled: bytes) -> bool:
    try:
        return HASHER.verify(password_hash, spelled)
    except (Argon2Error, InvalidHashError):
        return False
