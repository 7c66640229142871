"""Every statement about people, workspaces and members."""

from typing import Final

import msgspec

from shorty.accounts.emails import fold_email
from shorty.accounts.model import Member, ProvedUser, Role, User, Workspace
from shorty.storage.database import Database, Reader, Row, Transaction

SELECT_USER: Final = "select id, email, name, created_at, email_verified_at from users"


# People


def find_user(rows: Reader, email: str) -> User | None:
    """Finds a person by a typed email.

    An account from before schema 13 may have its own spelling, and is then found by that.
    """
    if "\0" in email:
        return None
    typed, folded = email.strip().lower(), fold_email(email)
    by_spelling = "case when email = $1 then 0 else 1 end"
    return _read_user(
        rows.find_one(
            f"{SELECT_USER} where email in ($1, $2) order by {by_spelling} limit 1",
            *(typed, folded),
        )
    )


def find_user_by_id(rows: Reader, user_id: int) -> User | None:
    return _read_user(rows.find_one(f"{SELECT_USER} where id = $1", user_id))


async def list_users(db: Database) -> list[User]:
    rows = await db.find_all(f"{SELECT_USER} order by id")
    return [msgspec.convert(dict(row), User) for row in rows]


def insert_user(
    tx: Transaction,
    email: str,
    name: str,
    password_hash: str | None,
    now: int,
    *,
    verified_at: int | None,
) -> User | None:
    """None if another person has the email."""
    return _read_user(
        tx.find_one(
            """
            insert into users (email, name, password_hash, created_at, email_verified_at)
            values ($1, $2, $3, $4, $5)
            on conflict (email) do nothing returning id, email, name, created_at, email_verified_at
            """,
            *(email, name, password_hash, now, verified_at),
        )
    )


def claim_user(
    tx: Transaction,
    user_id: int,
    email: str,
    name: str,
    password_hash: str,
    *,
    verified_at: int | None,
) -> User | None:
    """None if the person already has a password. A verified email stays verified."""
    return _read_user(
        tx.find_one(
            """
            update users set email = $2, name = $3, password_hash = $4,
              email_verified_at = coalesce(email_verified_at, $5)
            where id = $1 and password_hash is null
            returning id, email, name, created_at, email_verified_at
            """,
            *(user_id, email, name, password_hash, verified_at),
        )
    )


async def find_password(db: Database, email: str) -> tuple[ProvedUser, str | None] | None:
    """The person, found as by `find_user`, and their password's hash if they have a password.

    Their identity is proved only once a password matches the hash.
    """
    if "\0" in email:
        return None
    typed, folded = email.strip().lower(), fold_email(email)
    row = await db.find_one(
        """
        select id, email, name, created_at, email_verified_at, browsers_generation, password_hash
        from users where email in ($1, $2) order by case when email = $1 then 0 else 1 end limit 1
        """,
        *(typed, folded),
    )
    return None if row is None else (msgspec.convert(dict(row), ProvedUser), row["password_hash"])


def has_password(rows: Reader, user_id: int) -> bool:
    row = rows.find_one("select 1 from users where id = $1 and password_hash is not null", user_id)
    return row is not None


def update_name(tx: Transaction, user_id: int, name: str) -> None:
    tx.execute("update users set name = $2 where id = $1", user_id, name)


def update_single_keys(tx: Transaction, user_id: int, *, is_on: bool) -> None:
    tx.execute("update users set uses_single_keys = $2 where id = $1", user_id, int(is_on))


def update_time_zone(tx: Transaction, user_id: int, time_zone: str | None) -> None:
    tx.execute("update users set time_zone = $2 where id = $1", user_id, time_zone)


def update_email(tx: Transaction, user_id: int, email: str, verified_at: int) -> None:
    tx.execute(
        "update users set email = $2, email_verified_at = $3 where id = $1",
        *(user_id, email, verified_at),
    )


def mark_email_verified(tx: Transaction, user_id: int, now: int) -> bool:
    """False if it was already verified."""
    changed = tx.execute(
        "update users set email_verified_at = $2 where id = $1 and email_verified_at is null",
        *(user_id, now),
    )
    return changed > 0


def update_password(tx: Transaction, user_id: int, password_hash: str) -> None:
    """Also forgets every known browser."""
    tx.execute(
        """
        update users set password_hash = $2, browsers_generation = browsers_generation + 1
        where id = $1
        """,
        *(user_id, password_hash),
    )


def find_browsers_generation(rows: Reader, user_id: int) -> int:
    """-1 if the id is unknown."""
    row = rows.find_one("select browsers_generation from users where id = $1", user_id)
    return -1 if row is None else row["browsers_generation"]


def forget_browsers(tx: Transaction, user_id: int) -> None:
    """Forgets every known browser."""
    tx.execute(
        "update users set browsers_generation = browsers_generation + 1 where id = $1", user_id
    )


def mark_signed_in(tx: Transaction, user_id: int) -> None:
    tx.execute("update users set has_signed_in = 1 where id = $1 and has_signed_in = 0", user_id)


def has_password_anywhere(rows: Reader) -> bool:
    row = rows.find_one("select 1 from users where password_hash is not null limit 1")
    return row is not None


# Workspaces


def insert_workspace(tx: Transaction, name: str, plan: str, now: int) -> Workspace:
    rows = tx.find_all(
        """
        insert into workspaces (name, plan, created_at) values ($1, $2, $3)
        returning id, name, plan, created_at
        """,
        *(name, plan, now),
    )
    return _read_workspace(rows[0])


def update_workspace_name(tx: Transaction, workspace_id: int, name: str) -> None:
    tx.execute("update workspaces set name = $2 where id = $1", workspace_id, name)


def count_owned_workspaces(tx: Transaction, user_id: int) -> int:
    rows = tx.find_all(
        "select count(*) as owned from members where user_id = $1 and role = 'owner'", user_id
    )
    return rows[0]["owned"]


def find_oldest_workspace(tx: Transaction) -> Workspace | None:
    """The oldest workspace with an owner; the one with the public links has none."""
    row = tx.find_one(
        """
        select w.id, w.name, w.plan, w.created_at
        from workspaces w join members m on m.workspace_id = w.id
        where m.role = 'owner' order by w.id limit 1
        """
    )
    return None if row is None else _read_workspace(row)


def find_first_workspace_of(tx: Transaction, user_id: int) -> Workspace | None:
    row = tx.find_one(
        """
        select w.id, w.name, w.plan, w.created_at
        from workspaces w join members m on m.workspace_id = w.id
        where m.user_id = $1 order by m.created_at, w.id limit 1
        """,
        user_id,
    )
    return None if row is None else _read_workspace(row)


def find_own_workspace(tx: Transaction, user_id: int) -> Workspace | None:
    """The first workspace whose first owner was this person."""
    row = tx.find_one(
        """
        select w.id, w.name, w.plan, w.created_at
        from workspaces w join members m on m.workspace_id = w.id
        where m.user_id = $1 and m.role = 'owner' and not exists (
          select 1 from members o
          where o.workspace_id = m.workspace_id and o.role = 'owner'
            and (o.created_at, o.user_id) < (m.created_at, m.user_id)
        )
        order by m.created_at, w.id limit 1
        """,
        user_id,
    )
    return None if row is None else _read_workspace(row)


async def list_workspaces_of(db: Database, user_id: int) -> list[Workspace]:
    rows = await db.find_all(
        """
        select w.id, w.name, w.plan, w.created_at
        from workspaces w join members m on m.workspace_id = w.id
        where m.user_id = $1 order by m.created_at, w.id
        """,
        user_id,
    )
    return [_read_workspace(row) for row in rows]


async def list_plans(db: Database) -> list[str]:
    rows = await db.find_all("select distinct plan from workspaces order by plan")
    return [row["plan"] for row in rows]


# Members


def insert_member(tx: Transaction, workspace_id: int, user_id: int, role: Role, now: int) -> bool:
    """False if the person is already a member."""
    inserted = tx.execute(
        """
        insert into members (workspace_id, user_id, role, created_at)
        values ($1, $2, $3, $4) on conflict (workspace_id, user_id) do nothing
        """,
        *(workspace_id, user_id, role, now),
    )
    return inserted > 0


def find_member(rows: Reader, workspace_id: int, user_id: int) -> Member | None:
    row = rows.find_one(
        """
        select m.user_id, u.email, coalesce(m.name, u.name) as name, m.role, m.created_at,
          u.email_verified_at, u.has_signed_in
        from members m join users u on u.id = m.user_id
        where m.workspace_id = $1 and m.user_id = $2
        """,
        *(workspace_id, user_id),
    )
    return None if row is None else _read_member(row)


def has_member_with_email(rows: Reader, workspace_id: int, email: str) -> bool:
    """`email` must be spelled as by `read_email`."""
    row = rows.find_one(
        """
        select 1 from members m join users u on u.id = m.user_id
        where m.workspace_id = $1 and u.email = $2
        """,
        *(workspace_id, email),
    )
    return row is not None


def find_first_owner(tx: Transaction, workspace_id: int) -> User | None:
    return _read_user(
        tx.find_one(
            """
            select u.id, u.email, u.name, u.created_at, u.email_verified_at
            from members m join users u on u.id = m.user_id
            where m.workspace_id = $1 and m.role = 'owner' order by m.created_at, u.id limit 1
            """,
            workspace_id,
        )
    )


async def list_members(db: Database, workspace_id: int, after: int, limit: int) -> list[Member]:
    rows = await db.find_all(
        """
        select m.user_id, u.email, coalesce(m.name, u.name) as name, m.role, m.created_at,
          u.email_verified_at, u.has_signed_in
        from members m join users u on u.id = m.user_id
        where m.workspace_id = $1 and m.user_id > $2 order by m.user_id limit $3
        """,
        *(workspace_id, after, limit),
    )
    return [_read_member(row) for row in rows]


def has_owner(tx: Transaction, workspace_id: int) -> bool:
    row = tx.find_one(
        "select 1 from members where workspace_id = $1 and role = 'owner' limit 1", workspace_id
    )
    return row is not None


def update_role(tx: Transaction, workspace_id: int, user_id: int, role: Role) -> None:
    tx.execute(
        "update members set role = $3 where workspace_id = $1 and user_id = $2",
        *(workspace_id, user_id, role),
    )


def delete_member(tx: Transaction, workspace_id: int, user_id: int) -> None:
    tx.execute(
        "delete from members where workspace_id = $1 and user_id = $2", workspace_id, user_id
    )


def _read_user(row: Row | None) -> User | None:
    return None if row is None else msgspec.convert(dict(row), User)


def _read_workspace(row: Row) -> Workspace:
    return msgspec.convert(dict(row), Workspace)


def _read_member(row: Row) -> Member:
    return msgspec.convert({**row, "has_signed_in": bool(row["has_signed_in"])}, Member)
