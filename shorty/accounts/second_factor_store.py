"""Every statement about second factors and recovery codes."""

from collections.abc import Iterable

import msgspec

from shorty.accounts.store import Rows, find_one
from shorty.storage.database import Transaction


class SecondFactor(msgspec.Struct, frozen=True, kw_only=True):
    """`confirmed_at` is None while it is being set up.

    `wrong_codes` is of the day `wrong_codes_day`, in days since 1970, UTC.
    """

    secret: str
    last_step: int
    confirmed_at: int | None
    created_at: int
    wrong_codes: int
    wrong_codes_day: int


def find_second_factor(rows: Rows, user_id: int) -> SecondFactor | None:
    row = find_one(
        rows,
        """
        select secret, last_step, confirmed_at, created_at, wrong_codes, wrong_codes_day
        from second_factors where user_id = $1
        """,
        user_id,
    )
    return None if row is None else msgspec.convert(dict(row), SecondFactor)


def put_second_factor(tx: Transaction, user_id: int, secret: str, now: int) -> None:
    """To be confirmed; one that still was to be is replaced."""
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
    """How many there were on that day, this one included."""
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


def count_recovery_codes(rows: Rows, user_id: int) -> int:
    row = find_one(rows, "select count(*) as codes from recovery_codes where user_id = $1", user_id)
    return row["codes"] if row else 0


def delete_recovery_code(tx: Transaction, user_id: int, digest: str) -> bool:
    deleted = tx.execute(
        "delete from recovery_codes where user_id = $1 and digest = $2", user_id, digest
    )
    return deleted > 0
