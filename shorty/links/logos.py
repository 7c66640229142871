"""Owns the logos of a workspace: pictures that its QR codes show in their middle."""

from typing import Final

from shorty.accounts.model import Actor
from shorty.links.model import QrSettings
from shorty.links.pictures import (
    MOST,
    Picture,
    Purpose,
    StoredPicture,
    check_picture_name,
    create_picture,
    delete_picture,
    find_content,
    get_picture,
    list_pictures,
)
from shorty.links.pictures import find_picture as find_stored
from shorty.storage.database import Database, Transaction

MAX_LOGOS: Final = MOST["logo"]
PURPOSES: Final[tuple[Purpose]] = ("logo",)

StoredLogo = StoredPicture
LogoPicture = Picture


async def list_logos(db: Database, workspace_id: int) -> list[StoredLogo]:
    """All of them, the oldest first; there are at most MAX_LOGOS."""
    return await list_pictures(db, workspace_id, PURPOSES)


async def get_logo(db: Database, workspace_id: int, logo_id: int) -> StoredLogo:
    return await get_picture(db, workspace_id, logo_id, PURPOSES)


async def find_picture(db: Database, workspace_id: int, logo_id: int) -> LogoPicture | None:
    return await find_content(db, workspace_id, logo_id, "logo")


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
    if find_stored(rows, workspace_id, logo_id, "logo") is None:
        return {"qr_settings": f"qrLogoId names no logo of this workspace: {logo_id}"}
    return {}


def create_logo(
    tx: Transaction, actor: Actor, name: str, picture: LogoPicture, now: int
) -> StoredLogo:
    """Raises InvalidFieldsError."""
    return create_picture(tx, actor, "logo", name, picture, now)


def delete_logo(tx: Transaction, actor: Actor, logo_id: int) -> None:
    """Codes that had it are drawn without. Raises NotFoundError."""
    delete_picture(tx, actor, logo_id, PURPOSES)


def check_logo_name(name: str) -> str:
    """The name as it is kept. Raises InvalidFieldsError."""
    return check_picture_name(name, "logo")
