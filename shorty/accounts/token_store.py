"""Every statement about tokens, and about the first answers kept for each."""

from collections.abc import Mapping

import msgspec

from shorty.accounts.model import Actor, KeptAnswer, NewToken, Role, Token
from shorty.config import Plan
from shorty.plans import find_plan
from shorty.storage.database import Database, Reader, Row, Transaction


def find_actor(rows: Reader, digest: str, plans: Mapping[str, Plan], now: int) -> Actor | None:
    row = rows.find_one(
        """
        select t.id as token_id, t.scope, t.expires_at, m.role, w.id as workspace_id, w.plan,
          u.id as user_id, u.name as user_name, u.email as user_email
        from tokens t
        join members m on m.workspace_id = t.workspace_id and m.user_id = t.user_id
        join workspaces w on w.id = t.workspace_id
        join users u on u.id = t.user_id
        where t.digest = $1 and t.revoked_at is null and t.ended_at is null
        """,
        digest,
    )
    if row is None or (row["expires_at"] is not None and row["expires_at"] <= now):
        return None
    return Actor(
        user_id=row["user_id"],
        user_name=row["user_name"],
        user_email=row["user_email"],
        workspace_id=row["workspace_id"],
        role=row["role"],
        scope=row["scope"],
        plan=find_plan(plans, row["plan"]),
        token_id=row["token_id"],
    )


def look_up_role(
    rows: Reader, token_id: int, user_id: int, workspace_id: int, now: int
) -> Role | None:
    """The role of the token's person in its workspace; None if token or membership has ended."""
    row = rows.find_one(
        """
        select m.role
        from tokens t join members m on m.workspace_id = t.workspace_id and m.user_id = t.user_id
        where t.id = $1 and t.user_id = $2 and t.workspace_id = $3 and t.revoked_at is null
          and t.ended_at is null and (t.expires_at is null or t.expires_at > $4)
        """,
        *(token_id, user_id, workspace_id, now),
    )
    return None if row is None else row["role"]


def insert_token(
    tx: Transaction,
    digest: str,
    hint: str,
    workspace_id: int,
    user_id: int,
    new: NewToken,
    now: int,
) -> int:
    """Returns the new token's id."""
    rows = tx.find_all(
        """
        insert into tokens
          (digest, hint, workspace_id, user_id, name, scope, created_at, expires_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8) returning id
        """,
        *(digest, hint, workspace_id, user_id, new.name, new.scope, now, new.expires_at),
    )
    return rows[0]["id"]


def find_token(rows: Reader, token_id: int) -> Token | None:
    row = rows.find_one(
        """
        select t.id, t.hint, t.name, t.scope, t.workspace_id, t.user_id, u.email as user_email,
          t.created_at, t.expires_at, t.ended_at, t.last_used_at
        from tokens t join users u on u.id = t.user_id
        where t.id = $1 and t.revoked_at is null
        """,
        token_id,
    )
    return None if row is None else _read_token(row)


async def list_tokens(db: Database, workspace_id: int, after: int, limit: int) -> list[Token]:
    rows = await db.find_all(
        """
        select t.id, t.hint, t.name, t.scope, t.workspace_id, t.user_id, u.email as user_email,
          t.created_at, t.expires_at, t.ended_at, t.last_used_at
        from tokens t join users u on u.id = t.user_id
        where t.workspace_id = $1 and t.id > $2 and t.revoked_at is null
        order by t.id limit $3
        """,
        *(workspace_id, after, limit),
    )
    return [_read_token(row) for row in rows]


async def list_all_tokens(db: Database) -> list[Token]:
    rows = await db.find_all(
        """
        select t.id, t.hint, t.name, t.scope, t.workspace_id, t.user_id, u.email as user_email,
          t.created_at, t.expires_at, t.ended_at, t.last_used_at
        from tokens t join users u on u.id = t.user_id
        where t.revoked_at is null order by t.id
        """
    )
    return [_read_token(row) for row in rows]


def count_tokens_of_user(rows: Reader, user_id: int, now: int) -> int:
    row = rows.find_one(
        """
        select count(*) as tokens
        from members m
        join tokens t on t.workspace_id = m.workspace_id and t.user_id = m.user_id
        where m.user_id = $1 and t.revoked_at is null and t.ended_at is null
          and (t.expires_at is null or t.expires_at > $2)
        """,
        *(user_id, now),
    )
    return row["tokens"] if row else 0


def update_token(tx: Transaction, token_id: int, name: str, expires_at: int | None) -> None:
    tx.execute(
        "update tokens set name = $2, expires_at = $3 where id = $1", token_id, name, expires_at
    )


def mark_some_tokens_ended(tx: Transaction, now: int, limit: int) -> int:
    return tx.execute(
        """
        update tokens set ended_at = $1 where id in (
          select id from tokens
          where expires_at <= $1 and ended_at is null and revoked_at is null
          order by expires_at limit $2)
        """,
        *(now, limit),
    )


def mark_token_revoked(tx: Transaction, token_id: int, now: int) -> bool:
    changed = tx.execute(
        "update tokens set revoked_at = $2 where id = $1 and revoked_at is null", token_id, now
    )
    return changed > 0


def mark_tokens_of_member_revoked(
    tx: Transaction, workspace_id: int, user_id: int, now: int
) -> None:
    tx.execute(
        """
        update tokens set revoked_at = $3
        where workspace_id = $1 and user_id = $2 and revoked_at is null
        """,
        *(workspace_id, user_id, now),
    )


def mark_tokens_of_user_revoked(tx: Transaction, user_id: int, now: int) -> None:
    tx.execute(
        "update tokens set revoked_at = $2 where user_id = $1 and revoked_at is null", user_id, now
    )


def mark_token_used(tx: Transaction, token_id: int, now: int) -> None:
    tx.execute(
        """
        update tokens set last_used_at = $2
        where id = $1 and (last_used_at is null or last_used_at < $2)
        """,
        *(token_id, now),
    )


# First answers, kept for retries with the same Idempotency-Key


def find_kept_answer(rows: Reader, token_id: int, key: str, oldest: int) -> KeptAnswer | None:
    row = rows.find_one(
        """
        select request_digest, status, body, location, created_at from idempotency_keys
        where token_id = $1 and key = $2 and created_at > $3
        """,
        *(token_id, key, oldest),
    )
    return None if row is None else msgspec.convert(dict(row), KeptAnswer)


def insert_kept_answer(
    tx: Transaction, token_id: int, key: str, kept: KeptAnswer, oldest: int
) -> bool:
    """False if an answer newer than `oldest` is already kept."""
    changed = tx.execute(
        """
        insert into idempotency_keys
          (token_id, key, request_digest, status, body, location, created_at)
        values ($1, $2, $3, $4, $5, $6, $7)
        on conflict (token_id, key) do update set request_digest = excluded.request_digest,
          status = excluded.status, body = excluded.body, location = excluded.location,
          created_at = excluded.created_at
        where idempotency_keys.created_at <= $8
        """,
        *(token_id, key, kept.request_digest, kept.status, kept.body, kept.location),
        *(kept.created_at, oldest),
    )
    return changed > 0


def delete_kept_answers(tx: Transaction, oldest: int, limit: int) -> int:
    return tx.execute(
        """
        delete from idempotency_keys where (token_id, key) in (
          select token_id, key from idempotency_keys
          where created_at <= $1 order by created_at limit $2)
        """,
        *(oldest, limit),
    )


def _read_token(row: Row) -> Token:
    return msgspec.convert(dict(row), Token)
