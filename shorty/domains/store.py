"""Every statement about domains."""

from collections.abc import Sequence

import msgspec

from shorty.domains.model import Domain, NewDomain, Source
from shorty.storage.database import Database, Reader, Row, Transaction


def list_answering(rows: Reader) -> list[Domain]:
    """Every domain that answers, the operator's first and among them the default one."""
    return _read_all(
        rows.find_all(
            """
            select * from domains where verified_at is not null and removed_at is null
            order by workspace_id is not null, position, id
            """
        )
    )


async def list_for_workspace(db: Database, workspace_id: int) -> list[Domain]:
    return _read_all(
        await db.find_all(
            """
            select * from domains
            where removed_at is null and (workspace_id = $1 or workspace_id is null)
            order by workspace_id is not null, position, id
            """,
            workspace_id,
        )
    )


async def list_live(db: Database) -> list[Domain]:
    return _read_all(
        await db.find_all(
            """
            select * from domains where removed_at is null
            order by workspace_id is not null, position, id
            """
        )
    )


async def find_for_workspace(db: Database, workspace_id: int, domain_id: int) -> Domain | None:
    return _read(
        await db.find_one(
            """
            select * from domains
            where id = $1 and removed_at is null and (workspace_id = $2 or workspace_id is null)
            """,
            domain_id,
            workspace_id,
        )
    )


def find_answering(tx: Transaction, host: str) -> Domain | None:
    return _read(
        tx.find_one(
            """
            select * from domains
            where host = $1 and verified_at is not null and removed_at is null
            """,
            host,
        )
    )


def find_live(tx: Transaction, domain_id: int) -> Domain | None:
    return _read(
        tx.find_one("select * from domains where id = $1 and removed_at is null", domain_id)
    )


def find_claims(tx: Transaction, host: str) -> list[Domain]:
    """Everyone's live rows of the host, the one that answers first."""
    return _read_all(
        tx.find_all(
            """
            select * from domains where host = $1 and removed_at is null
            order by verified_at is null, workspace_id is not null, id
            """,
            host,
        )
    )


def find_builtin(tx: Transaction) -> Domain | None:
    """The built-in domain's row, the live one if there are several."""
    return _read(
        tx.find_one(
            """
            select * from domains where source = 'builtin' and workspace_id is null
            order by removed_at is not null, id
            """
        )
    )


def has_operator_row(tx: Transaction, host: str) -> bool:
    return (
        tx.find_one("select 1 from domains where host = $1 and workspace_id is null", host)
        is not None
    )


def revive_claim(
    tx: Transaction, workspace_id: int, new: NewDomain, token: str, now: int
) -> Domain | None:
    """A domain that the workspace removed earlier, unverified again; None where there is none."""
    return _read(
        tx.find_one(
            """
            update domains set scheme = $3, root_redirect = $4, not_found_redirect = $5,
              expired_redirect = $6, verification_token = $7, verified_at = null, created_at = $8,
              removed_at = null
            where workspace_id = $1 and host = $2 and removed_at is not null
            returning *
            """,
            workspace_id,
            new.host,
            new.scheme,
            new.root_redirect,
            new.not_found_redirect,
            new.expired_redirect,
            token,
            now,
        )
    )


def insert_claim(
    tx: Transaction, workspace_id: int, new: NewDomain, token: str, now: int
) -> Domain | None:
    """None where the workspace has the domain already."""
    return _read(
        tx.find_one(
            """
            insert into domains (workspace_id, host, scheme, source, root_redirect,
              not_found_redirect, expired_redirect, verification_token, created_at)
            values ($1, $2, $3, 'api', $4, $5, $6, $7, $8)
            on conflict (workspace_id, host) do nothing
            returning *
            """,
            workspace_id,
            new.host,
            new.scheme,
            new.root_redirect,
            new.not_found_redirect,
            new.expired_redirect,
            token,
            now,
        )
    )


def put_operator_domain(
    tx: Transaction, new: NewDomain, source: Source, position: int, now: int
) -> Domain:
    """The operator's domain of that host, made, brought back or brought up to date."""
    row = tx.find_one(
        """
        insert into domains (host, scheme, source, position, root_redirect, not_found_redirect,
          expired_redirect, verified_at, created_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $8)
        on conflict (host) where workspace_id is null do update set scheme = excluded.scheme,
          source = excluded.source, position = excluded.position,
          root_redirect = excluded.root_redirect,
          not_found_redirect = excluded.not_found_redirect,
          expired_redirect = excluded.expired_redirect,
          verified_at = coalesce(domains.verified_at, excluded.verified_at), removed_at = null
        returning *
        """,
        new.host,
        new.scheme,
        source,
        position,
        new.root_redirect,
        new.not_found_redirect,
        new.expired_redirect,
        now,
    )
    return msgspec.convert(dict(row or {}), Domain)


def move_domain(tx: Transaction, domain_id: int, host: str) -> None:
    tx.execute("update domains set host = $2 where id = $1", domain_id, host)


def withdraw_proof(tx: Transaction, host: str) -> list[Domain]:
    """Takes the proof from the workspaces that have one for the host, and returns their domains."""
    return _read_all(
        tx.find_all(
            """
            update domains set verified_at = null
            where host = $1 and workspace_id is not null and verified_at is not null
              and removed_at is null
            returning *
            """,
            host,
        )
    )


def list_configured(tx: Transaction) -> list[Domain]:
    return _read_all(
        tx.find_all(
            """
            select * from domains
            where workspace_id is null and source in ('builtin', 'config') and removed_at is null
            """
        )
    )


def mark_verified(tx: Transaction, domain_id: int, now: int) -> Domain | None:
    """None where the domain is gone, or another row answers for the host by now."""
    return _read(
        tx.find_one(
            """
            update domains set verified_at = coalesce(verified_at, $2)
            where id = $1 and removed_at is null and not exists (
              select 1 from domains as other
              where other.host = domains.host and other.id <> domains.id
                and other.verified_at is not null and other.removed_at is null)
            returning *
            """,
            domain_id,
            now,
        )
    )


def update_redirects(tx: Transaction, domain: Domain) -> None:
    tx.execute(
        """
        update domains set root_redirect = $2, not_found_redirect = $3, expired_redirect = $4
        where id = $1
        """,
        domain.id,
        domain.root_redirect,
        domain.not_found_redirect,
        domain.expired_redirect,
    )


def mark_removed(tx: Transaction, domain_id: int, now: int) -> None:
    tx.execute("update domains set removed_at = $2 where id = $1", domain_id, now)


def _read(row: Row | None) -> Domain | None:
    return None if row is None else msgspec.convert(dict(row), Domain)


def _read_all(rows: Sequence[Row]) -> list[Domain]:
    return [msgspec.convert(dict(row), Domain) for row in rows]
