"""Owns the logos of a workspace: pictures that its QR codes show in their middle."""

from typing import Final

import msgspec

from shorty.accounts.model import Actor
from shorty.accounts.roles import require_scope
from shorty.errors import InvalidFieldsError, NotFoundError
from shorty.links.model import QrSettings
from shorty.storage.database import Database, Row, Transaction

NAME_LENGTH: Final = 100
MAX_LOGOS: Final = 100

INSERT_LOGO: Final = """
insert into qr_logos (workspace_id, name, png, width, height, created_at)
values ($1, $2, $3, $4, $5, $6) returning id, name, width, height, created_at
"""
COUNT_LOGOS: Final = "select count(*) as logos from qr_logos where workspace_id = $1"
LIST_LOGOS: Final = """
select id, name, width, height, created_at from qr_logos where workspace_id = $1 order by id
"""
FIND_LOGO: Final = """
select id, name, width, height, created_at from qr_logos where workspace_id = $1 and id = $2
"""
FIND_PICTURE: Final = "select png, width, height from qr_logos where workspace_id = $1 and id = $2"
DELETE_LOGO: Final = "delete from qr_logos where workspace_id = $1 and id = $2"


class StoredLogo(msgspec.Struct, frozen=True, kw_only=True):
    """`width` and `height` are pixels."""

    id: int
    name: str
    width: int
    height: int
    created_at: int


class LogoPicture(msgspec.Struct, frozen=True, kw_only=True):
    png: bytes
    width: int
    height: int


async def list_logos(db: Database, workspace_id: int) -> list[StoredLogo]:
    """All of them, the oldest first; there are at most MAX_LOGOS."""
    return [_read_logo(row) for row in await db.find_all(LIST_LOGOS, workspace_id)]


async def get_logo(db: Database, workspace_id: int, logo_id: int) -> StoredLogo:
    row = await db.find_one(FIND_LOGO, workspace_id, logo_id)
    if row is None:
        raise NotFoundError("logo", logo_id)
    return _read_logo(row)


async def find_picture(db: Database, workspace_id: int, logo_id: int) -> LogoPicture | None:
    row = await db.find_one(FIND_PICTURE, workspace_id, logo_id)
    return None if row is None else LogoPicture(**dict(row))


def find_logo_faults(
    rows: Database | Transaction,
    workspace_id: int,
    settings: QrSettings | None,
    before: QrSettings | None = None,
) -> dict[str, str]:
    """A logo that is not the workspace's; one that was there before may have been deleted since."""
    logo_id = settings.qr_logo_id if settings else None
    if logo_id is None or (before is not None and before.qr_logo_id == logo_id):
        return {}
    find_one = rows.look_up if isinstance(rows, Database) else rows.find_one
    if find_one(FIND_LOGO, workspace_id, logo_id) is None:
        return {"qr_settings": f"qrLogoId names no logo of this workspace: {logo_id}"}
    return {}


def create_logo(
    tx: Transaction, actor: Actor, name: str, picture: LogoPicture, now: int
) -> StoredLogo:
    """Raises InvalidFieldsError."""
    require_scope(actor, "write")
    name = check_logo_name(name)
    if tx.find_all(COUNT_LOGOS, actor.workspace_id)[0]["logos"] >= MAX_LOGOS:
        fault = f"would be one more than the {MAX_LOGOS} logos allowed; delete one first"
        raise InvalidFieldsError({"image": fault})
    row = tx.find_one(
        INSERT_LOGO,
        actor.workspace_id,
        name,
        picture.png,
        picture.width,
        picture.height,
        now,
    )
    if row is None:
        raise AssertionError
    return _read_logo(row)


def delete_logo(tx: Transaction, actor: Actor, logo_id: int) -> None:
    """Codes that had it are drawn without. Raises NotFoundError."""
    require_scope(actor, "write")
    if not tx.execute(DELETE_LOGO, actor.workspace_id, logo_id):
        raise NotFoundError("logo", logo_id)


def check_logo_name(name: str) -> str:
    """The name as it is kept. Raises InvalidFieldsError."""
    name = " ".join(name.split()) or "Logo"
    if len(name) > NAME_LENGTH or not name.isprintable():
        fault = f"must be one line of at most {NAME_LENGTH} characters"
        raise InvalidFieldsError({"name": fault})
    return name


def _read_logo(row: Row) -> StoredLogo:
    return StoredLogo(**dict(row))
