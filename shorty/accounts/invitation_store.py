"""Every statement about invitations.

An invitation is valid only while its inviter may assign that role, which the join checks.
"""

from typing import Final

import msgspec

from shorty.accounts.model import Invitation, Role
from shorty.storage.database import Database, Reader, Row, Transaction

SELECT: Final = """
select i.id, i.workspace_id, w.name as workspace_name, w.plan as workspace_plan, i.email, i.role,
  coalesce(m.name, u.name) as inviter_name, i.is_mailed, i.created_at, i.expires_at
from invitations i
join workspaces w on w.id = i.workspace_id
join users u on u.id = i.inviter_id
join members m on m.workspace_id = i.workspace_id and m.user_id = i.inviter_id
  and (m.role = 'owner' or (m.role = 'admin' and i.role <> 'owner'))
"""


def replace_invitation(
    tx: Transaction,
    digest: str,
    workspace_id: int,
    email: str,
    role: Role,
    inviter_id: int,
    now: int,
    expires_at: int,
    *,
    is_mailed: bool,
) -> int:
    """Returns its id. Replaces the invitation of the same email."""
    rows = tx.find_all(
        """
        insert into invitations
          (digest, workspace_id, email, role, inviter_id, created_at, expires_at, is_mailed)
        values ($1, $2, $3, $4, $5, $6, $7, $8)
        on conflict (workspace_id, email) do update set digest = excluded.digest,
          role = excluded.role, inviter_id = excluded.inviter_id, is_mailed = excluded.is_mailed,
          created_at = excluded.created_at, expires_at = excluded.expires_at
        returning id
        """,
        *(digest, workspace_id, email, role, inviter_id, now, expires_at, int(is_mailed)),
    )
    return rows[0]["id"]


def find_invitation(rows: Reader, digest: str, now: int) -> Invitation | None:
    return _read(rows.find_one(f"{SELECT} where i.digest = $1 and i.expires_at > $2", digest, now))


def find_invitation_by_id(rows: Reader, workspace_id: int, invitation_id: int) -> Invitation | None:
    return _read(
        rows.find_one(
            f"{SELECT} where i.workspace_id = $1 and i.id = $2", workspace_id, invitation_id
        )
    )


async def list_invitations(db: Database, workspace_id: int, now: int) -> list[Invitation]:
    rows = await db.find_all(
        f"{SELECT} where i.workspace_id = $1 and i.expires_at > $2 order by i.id", workspace_id, now
    )
    return [_convert(row) for row in rows]


def count_invitations(tx: Transaction, workspace_id: int, now: int) -> int:
    """The number of invitations that `list_invitations` returns."""
    rows = tx.find_all(
        f"{SELECT} where i.workspace_id = $1 and i.expires_at > $2", workspace_id, now
    )
    return len(rows)


def mark_shown(tx: Transaction, digest: str) -> None:
    tx.execute("update invitations set is_mailed = 0 where digest = $1", digest)


def delete_invitation(tx: Transaction, workspace_id: int, invitation_id: int) -> bool:
    deleted = tx.execute(
        "delete from invitations where workspace_id = $1 and id = $2", workspace_id, invitation_id
    )
    return deleted > 0


def delete_invitations_by(tx: Transaction, workspace_id: int, inviter_id: int) -> None:
    tx.execute(
        "delete from invitations where workspace_id = $1 and inviter_id = $2",
        *(workspace_id, inviter_id),
    )


def delete_invitations_of_inviter(tx: Transaction, inviter_id: int) -> None:
    tx.execute("delete from invitations where inviter_id = $1", inviter_id)


def delete_old_invitations(tx: Transaction, now: int, limit: int) -> int:
    return tx.execute(
        """
        delete from invitations where id in (
          select id from invitations where expires_at <= $1 order by expires_at limit $2)
        """,
        *(now, limit),
    )


def _read(row: Row | None) -> Invitation | None:
    return None if row is None else _convert(row)


def _convert(row: Row) -> Invitation:
    return msgspec.convert(dict(row) | {"is_mailed": bool(row["is_mailed"])}, Invitation)
