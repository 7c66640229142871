"""Owns the second factor, which are codes of an app (TOTP): sets it up, checks and removes it.

A code is valid once. A person who has lost the app signs in with one of ten recovery codes, which
are also valid once; they are shown when they are created and stored only as digests.

Only a person who knows the password can enter wrong codes at sign-in. Wrong codes from unknown
browsers are counted in the database, so that a restart does not allow more of them.
"""

import hmac
import secrets
from collections.abc import Iterable
from typing import Final

import msgspec

from shorty.accounts import store
from shorty.accounts.secret_texts import digest_secret
from shorty.accounts.totp import find_step, make_secret
from shorty.durations import DAY_MS, HOUR_MS
from shorty.errors import ConflictError, InvalidFieldsError, NotFoundError, RateLimitedError
from shorty.limits import RateLimits
from shorty.log import log_committed
from shorty.storage.database import Reader, Transaction

RECOVERY_CODES: Final = 10
CODES_PER_WINDOW: Final = 10
WRONG_CODES_PER_DAY: Final = 30
"""Per account for all unknown browsers together, and for each known browser."""
SETUP_MS: Final = HOUR_MS
"""How long a new secret waits for the code that confirms it."""
# Without similar letters and digits; 12 of 32 characters are 60 bits.
ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
GROUPS: Final = 3
GROUP_LENGTH: Final = 4

WRONG_CODE: Final = "is wrong or was already used; wait for the next code or use a recovery code"
TOO_MANY_CODES: Final = "Too many wrong codes"


class SecondFactor(msgspec.Struct, frozen=True, kw_only=True):
    """`confirmed_at` is None during setup.

    `wrong_codes` counts those of the UTC day `wrong_codes_day`, in days since 1970.
    """

    secret: str
    last_step: int
    confirmed_at: int | None
    created_at: int
    wrong_codes: int
    wrong_codes_day: int


async def take_setup_code(limits: RateLimits, session_id: int, now: int) -> None:
    """Counts one code that confirms a new second factor. Raises RateLimitedError."""
    (await limits.setup_codes.take(session_id, CODES_PER_WINDOW, now)).require(now)


async def give_back_setup_code(limits: RateLimits, session_id: int, now: int) -> None:
    """Called after the right code, because only wrong ones count."""
    await limits.setup_codes.give_back(session_id, now)


async def take_browser_code(limits: RateLimits, browser: str, now: int) -> None:
    """Counts one code from a known browser, named by `name_allowance`.

    Raises RateLimitedError.
    """
    allowance = await limits.browser_codes.take(browser, WRONG_CODES_PER_DAY, now)
    allowance.require(now, TOO_MANY_CODES)


async def give_back_browser_code(limits: RateLimits, browser: str, now: int) -> None:
    """Called after the right code, because only wrong ones count."""
    await limits.browser_codes.give_back(browser, now)


def require_codes_left(rows: Reader, user_id: int, now: int) -> None:
    """Used for unknown browsers. Raises RateLimitedError until the next UTC day."""
    if count_wrong_codes(rows, user_id, now) >= WRONG_CODES_PER_DAY:
        raise build_day_error(now)


def build_day_error(now: int) -> RateLimitedError:
    return RateLimitedError(-(-(DAY_MS - now % DAY_MS) // 1000), TOO_MANY_CODES)


def count_wrong_codes(rows: Reader, user_id: int, now: int) -> int:
    """The wrong codes of this UTC day from unknown browsers."""
    factor = find_second_factor(rows, user_id)
    is_today = factor is not None and factor.wrong_codes_day == now // DAY_MS
    return factor.wrong_codes if factor and is_today else 0


def note_wrong_code(tx: Transaction, user_id: int, now: int) -> int:
    """Returns the number of wrong codes today, including this one."""
    return count_wrong_code(tx, user_id, now // DAY_MS)


def has_second_factor(rows: Reader, user_id: int) -> bool:
    factor = find_second_factor(rows, user_id)
    return factor is not None and factor.confirmed_at is not None


def is_pending_secret(rows: Reader, user_id: int, secret: str, now: int) -> bool:
    """Whether a code may still confirm the secret, which only the person who began setup knows."""
    factor = find_second_factor(rows, user_id)
    if factor is None or not _is_pending(factor, now):
        return False
    return hmac.compare_digest(factor.secret.encode(), secret.encode(errors="replace"))


def begin_second_factor(tx: Transaction, user_id: int, now: int) -> str:
    """Returns the secret for the app, which is not shown again; the person must be authenticated.

    Raises ConflictError if the account already has a second factor.
    """
    if has_second_factor(tx, user_id):
        raise ConflictError("A second factor is already set up; remove it first.")
    secret = make_secret()
    put_second_factor(tx, user_id, secret, now)
    return secret


def confirm_second_factor(tx: Transaction, user_id: int, code: str, now: int) -> list[str]:
    """Enables the second factor after a right code from the app; returns the recovery codes.

    Forgets every known browser, because none has given a code yet.

    Raises InvalidFieldsError for a wrong code, and ConflictError if no setup has begun.
    """
    factor = find_second_factor(tx, user_id)
    if factor is None or not _is_pending(factor, now):
        raise ConflictError("No second factor is being set up; start again.")
    step = find_step(factor.secret, clean_code(code), factor.last_step, now)
    if step is None:
        raise InvalidFieldsError(
            {"code": "is not the current code of the app; check that the phone's clock is right"}
        )
    update_last_step(tx, user_id, step)
    mark_confirmed(tx, user_id, now)
    store.forget_browsers(tx, user_id)
    log_committed(tx, "account_second_factor_enabled", user_id=user_id)
    return renew_recovery_codes(tx, user_id)


def renew_recovery_codes(tx: Transaction, user_id: int) -> list[str]:
    """Returns ten new codes, which are not stored, and voids the old ones. Raises ConflictError."""
    if not has_second_factor(tx, user_id):
        raise ConflictError("Recovery codes replace a second factor; set one up first.")
    codes = [make_recovery_code() for _ in range(RECOVERY_CODES)]
    replace_recovery_codes(tx, user_id, [digest_secret(clean_code(code)) for code in codes])
    return codes


def make_recovery_code() -> str:
    """For example `7k3m-0dzq-x8fa`."""
    groups = ("".join(secrets.choice(ALPHABET) for _ in range(GROUP_LENGTH)) for _ in range(GROUPS))
    return "-".join(groups)


def use_code(tx: Transaction, user_id: int, code: str, now: int) -> bool:
    """Uses up a code of the app or a recovery code; False if it is neither.

    Raises ConflictError without a second factor.
    """
    factor = find_second_factor(tx, user_id)
    if factor is None or factor.confirmed_at is None:
        raise ConflictError("This account has no second factor; sign in with the password only.")
    given = clean_code(code)
    step = find_step(factor.secret, given, factor.last_step, now)
    if step is not None:
        update_last_step(tx, user_id, step)
        return True
    return delete_recovery_code(tx, user_id, digest_secret(given))


def remove_second_factor(tx: Transaction, user_id: int) -> None:
    """Called for an authenticated person, or by the operator.

    Raises NotFoundError without a second factor.
    """
    if not delete_second_factor(tx, user_id):
        raise NotFoundError("second factor")
    log_committed(tx, "account_second_factor_removed", user_id=user_id)


def _is_pending(factor: SecondFactor, now: int) -> bool:
    return factor.confirmed_at is None and now - factor.created_at < SETUP_MS


def clean_code(code: str) -> str:
    """The compared form, because people type spaces and hyphens at will."""
    return "".join(letter for letter in code.lower() if letter.isalnum())


def find_second_factor(rows: Reader, user_id: int) -> SecondFactor | None:
    row = rows.find_one(
        """
        select secret, last_step, confirmed_at, created_at, wrong_codes, wrong_codes_day
        from second_factors where user_id = $1
        """,
        user_id,
    )
    return None if row is None else msgspec.convert(dict(row), SecondFactor)


def put_second_factor(tx: Transaction, user_id: int, secret: str, now: int) -> None:
    """Begins a setup, and replaces one that was not confirmed."""
    tx.execute(
        """
        insert into second_factors (user_id, secret, created_at) values ($1, $2, $3)
        on conflict (user_id) do update set
          secret = excluded.secret, created_at = excluded.created_at
        where second_factors.confirmed_at is null
        """,
        *(user_id, secret, now),
    )


def mark_confirmed(tx: Transaction, user_id: int, now: int) -> None:
    tx.execute("update second_factors set confirmed_at = $2 where user_id = $1", user_id, now)


def update_last_step(tx: Transaction, user_id: int, step: int) -> None:
    tx.execute("update second_factors set last_step = $2 where user_id = $1", user_id, step)


def count_wrong_code(tx: Transaction, user_id: int, day: int) -> int:
    """Returns the number of wrong codes on that day, including this one."""
    rows = tx.find_all(
        """
        update second_factors set
          wrong_codes = case when wrong_codes_day = $2 then wrong_codes + 1 else 1 end,
          wrong_codes_day = $2
        where user_id = $1 returning wrong_codes
        """,
        *(user_id, day),
    )
    return rows[0]["wrong_codes"]


def delete_second_factor(tx: Transaction, user_id: int) -> bool:
    tx.execute("delete from recovery_codes where user_id = $1", user_id)
    return tx.execute("delete from second_factors where user_id = $1", user_id) > 0


def replace_recovery_codes(tx: Transaction, user_id: int, digests: Iterable[str]) -> None:
    tx.execute("delete from recovery_codes where user_id = $1", user_id)
    tx.execute_many(
        "insert into recovery_codes (user_id, digest) values ($1, $2)",
        [(user_id, digest) for digest in digests],
    )


def count_recovery_codes(rows: Reader, user_id: int) -> int:
    row = rows.find_one("select count(*) as codes from recovery_codes where user_id = $1", user_id)
    return row["codes"] if row else 0


def delete_recovery_code(tx: Transaction, user_id: int, digest: str) -> bool:
    deleted = tx.execute(
        "delete from recovery_codes where user_id = $1 and digest = $2", user_id, digest
    )
    return deleted > 0
