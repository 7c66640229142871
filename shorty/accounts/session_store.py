"""Every statement about sessions."""

from collections.abc import Mapping

import msgspec

from shorty.accounts.model import Actor, Role, Session, SignedIn
from shorty.config import Plan
from shorty.plans import find_plan
from shorty.storage.database import Database, Reader, Row, Transaction


def find_signed_in(
    rows: Reader, digest: str, plans: Mapping[str, Plan], now: int
) -> SignedIn | None:
    """In the current workspace; if the person has left it, in the first one they joined."""
    row = rows.find_one(
        """
        select s.id, s.user_id, s.user_agent, s.created_at, s.last_used_at, s.expires_at,
          m.role, w.id as workspace_id, w.name as workspace_name, w.plan, u.name as user_name,
          u.email as user_email, u.uses_single_keys, u.time_zone
        from sessions s
        join users u on u.id = s.user_id
        join members m on m.user_id = s.user_id
        join workspaces w on w.id = m.workspace_id
        where s.digest = $1 and s.expires_at > $2 and s.ended_at is null and s.awaits_code = 0
        order by case when w.id = s.workspace_id then 0 else 1 end, m.created_at, w.id limit 1
        """,
        *(digest, now),
    )
    return None if row is None else _read_signed_in(row, plans)


def look_up_role(
    rows: Reader, session_id: int, user_id: int, workspace_id: int, now: int
) -> Role | None:
    """The role of the session's person in a workspace; None if session or membership has ended."""
    row = rows.find_one(
        """
        select m.role from sessions s join members m on m.user_id = s.user_id
        where s.id = $1 and s.user_id = $2 and m.workspace_id = $3
          and s.expires_at > $4 and s.ended_at is null and s.awaits_code = 0
        """,
        *(session_id, user_id, workspace_id, now),
    )
    return None if row is None else row["role"]


def is_session_valid(rows: Reader, session_id: int, user_id: int, now: int) -> bool:
    row = rows.find_one(
        """
        select 1 from sessions
        where id = $1 and user_id = $2 and expires_at > $3 and ended_at is null and awaits_code = 0
        """,
        *(session_id, user_id, now),
    )
    return row is not None


def insert_session(
    tx: Transaction, digest: str, new: Session, *, awaits_code: bool = False
) -> Session:
    """Also chooses its id."""
    rows = tx.find_all(
        """
        insert into sessions (digest, user_id, workspace_id, user_agent, created_at, last_used_at,
          expires_at, awaits_code)
        values ($1, $2, $3, $4, $5, $6, $7, $8)
        returning id, user_id, workspace_id, user_agent, created_at, last_used_at, expires_at
        """,
        *(digest, new.user_id, new.workspace_id, new.user_agent, new.created_at),
        *(new.last_used_at, new.expires_at, int(awaits_code)),
    )
    return _read_session(rows[0])


async def list_sessions(db: Database, user_id: int, now: int) -> list[Session]:
    rows = await db.find_all(
        """
        select id, user_id, workspace_id, user_agent, created_at, last_used_at, expires_at
        from sessions
        where user_id = $1 and expires_at > $2 and ended_at is null and awaits_code = 0
        order by last_used_at desc, id desc
        """,
        *(user_id, now),
    )
    return [_read_session(row) for row in rows]


def find_half_session(rows: Reader, digest: str, now: int) -> Session | None:
    row = rows.find_one(
        """
        select id, user_id, workspace_id, user_agent, created_at, last_used_at, expires_at
        from sessions
        where digest = $1 and expires_at > $2 and ended_at is null and awaits_code = 1
        """,
        *(digest, now),
    )
    return None if row is None else _read_session(row)


def count_wrong_code(tx: Transaction, session_id: int) -> int:
    """Returns the number of wrong codes in that unfinished session, including this one."""
    rows = tx.find_all(
        "update sessions set wrong_codes = wrong_codes + 1 where id = $1 returning wrong_codes",
        session_id,
    )
    return rows[0]["wrong_codes"]


def update_workspace(tx: Transaction, user_id: int, session_id: int, workspace_id: int) -> bool:
    changed = tx.execute(
        """
        update sessions set workspace_id = $3
        where id = $2 and user_id = $1 and ended_at is null
        """,
        *(user_id, session_id, workspace_id),
    )
    return changed > 0


def mark_session_used(
    tx: Transaction, session_id: int, now: int, idle_ms: int, whole_ms: int
) -> None:
    tx.execute(
        """
        update sessions set last_used_at = $2,
          expires_at = case when created_at + $4 < $2 + $3 then created_at + $4 else $2 + $3 end
        where id = $1 and last_used_at < $2
        """,
        *(session_id, now, idle_ms, whole_ms),
    )


def mark_session_ended(tx: Transaction, user_id: int, session_id: int, now: int) -> bool:
    changed = tx.execute(
        "update sessions set ended_at = $3 where id = $2 and user_id = $1 and ended_at is null",
        *(user_id, session_id, now),
    )
    return changed > 0


def mark_other_sessions_ended(tx: Transaction, user_id: int, session_id: int, now: int) -> int:
    return tx.execute(
        "update sessions set ended_at = $3 where user_id = $1 and id <> $2 and ended_at is null",
        *(user_id, session_id, now),
    )


def mark_sessions_of_user_ended(tx: Transaction, user_id: int, now: int) -> None:
    tx.execute(
        "update sessions set ended_at = $2 where user_id = $1 and ended_at is null", user_id, now
    )


def delete_old_sessions(tx: Transaction, now: int, limit: int) -> int:
    """Sessions that have expired or were ended."""
    return tx.execute(
        """
        delete from sessions where id in (
          select id from sessions where expires_at <= $1 or ended_at <= $1 limit $2)
        """,
        *(now, limit),
    )


def _read_session(row: Row) -> Session:
    return msgspec.convert(dict(row), Session)


def _read_signed_in(row: Row, plans: Mapping[str, Plan]) -> SignedIn:
    session = Session(
        id=row["id"],
        user_id=row["user_id"],
        workspace_id=row["workspace_id"],
        user_agent=row["user_agent"],
        created_at=row["created_at"],
        last_used_at=row["last_used_at"],
        expires_at=row["expires_at"],
    )
    actor = Actor(
        user_id=row["user_id"],
        user_name=row["user_name"],
        user_email=row["user_email"],
        workspace_id=row["workspace_id"],
        role=row["role"],
        scope="admin",
        plan=find_plan(plans, row["plan"]),
        session_id=row["id"],
    )
    return SignedIn(
        session=session,
        actor=actor,
        workspace_name=row["workspace_name"],
        uses_single_keys=bool(row["uses_single_keys"]),
        time_zone=row["time_zone"],
    )
