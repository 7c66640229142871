"""Owns uploaded pictures of a workspace, drawn anew: logos of its codes, avatars and images."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Final, Literal, TypeAlias

import msgspec

from shorty.accounts.model import Actor
from shorty.accounts.roles import require_scope
from shorty.errors import InvalidFieldsError, NotFoundError
from shorty.links.model import QrSettings
from shorty.storage.database import Database, Reader, Row, Transaction

Purpose: TypeAlias = Literal["logo", "avatar", "image"]
LOGOS: Final[tuple[Purpose]] = ("logo",)

NAME_LENGTH: Final = 100
MOST: Final[dict[Purpose, int]] = {"logo": 100, "avatar": 100, "image": 200}
"""How many of each a workspace may have."""
LONGEST_SIDES: Final[dict[Purpose, int]] = {"logo": 400, "avatar": 192, "image": 960}
"""In pixels. An avatar is shown 96 wide on screens of twice the sharpness."""

_COLUMNS: Final = "id, purpose, name, key, width, height, created_at"
INSERT_PICTURE: Final = f"""
insert into pictures (workspace_id, purpose, name, key, png, width, height, created_at)
values ($1, $2, $3, $4, $5, $6, $7, $8) returning {_COLUMNS}
"""  # noqa: S608 - the names of our own columns
COUNT_PICTURES: Final = """
select count(*) as pictures from pictures where workspace_id = $1 and purpose = $2
"""
LIST_PICTURES: Final = f"""
select {_COLUMNS} from pictures where workspace_id = $1 and purpose in ($2, $3) order by id
"""  # noqa: S608 - the names of our own columns
FIND_PICTURE: Final = f"""
select {_COLUMNS} from pictures where workspace_id = $1 and purpose in ($2, $3) and id = $4
"""  # noqa: S608 - the names of our own columns
FIND_SAME: Final = """
select id from pictures
where workspace_id = $1 and purpose = $2 and name = $3 and png = $4
order by id limit 1
"""
FIND_CONTENT: Final = """
select png, width, height from pictures
where workspace_id = $1 and purpose in ($2, $3) and id = $4
"""
FIND_PUBLIC: Final = "select png from pictures where key = $1 and key <> '' limit 1"
DELETE_PICTURE: Final = """
delete from pictures where workspace_id = $1 and purpose in ($2, $3) and id = $4
"""
# Its number may be given to another.
DELETE_IMAGES: Final = "delete from bio_blocks where picture_id = $1"
DELETE_AVATARS: Final = "update bio_pages set picture_id = null where picture_id = $1"


class StoredPicture(msgspec.Struct, frozen=True, kw_only=True):
    """`width` and `height` are pixels; `key` is empty where it has no public address."""

    id: int
    purpose: Purpose
    name: str
    key: str
    width: int
    height: int
    created_at: int

    @property
    def path(self) -> str:
        return write_picture_path(self.key)


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    png: bytes
    width: int
    height: int


def write_picture_path(key: str) -> str:
    """Where everybody can fetch it, for ever the same."""
    return f"/static/pictures/{key}.png"


async def list_pictures(
    db: Database, workspace_id: int, purposes: Sequence[Purpose]
) -> list[StoredPicture]:
    """All of one purpose or two, the oldest first; there are at most as many as MOST says."""
    rows = await db.find_all(LIST_PICTURES, workspace_id, *_pair(purposes))
    return [read_picture(row) for row in rows]


async def get_picture(
    db: Database, workspace_id: int, picture_id: int, purposes: Sequence[Purpose]
) -> StoredPicture:
    row = await db.find_one(FIND_PICTURE, workspace_id, *_pair(purposes), picture_id)
    if row is None:
        raise NotFoundError(_name(purposes), picture_id)
    return read_picture(row)


def find_picture(
    rows: Reader, workspace_id: int, picture_id: int, purpose: Purpose
) -> StoredPicture | None:
    row = rows.find_one(FIND_PICTURE, workspace_id, purpose, purpose, picture_id)
    return None if row is None else read_picture(row)


def find_logo_faults(
    rows: Reader,
    workspace_id: int,
    settings: QrSettings | None,
    before: QrSettings | None = None,
) -> dict[str, str]:
    """A logo that is not the workspace's; the one set before may have been deleted since."""
    logo_id = settings.qr_logo_id if settings else None
    if logo_id is None or (before is not None and before.qr_logo_id == logo_id):
        return {}
    if find_picture(rows, workspace_id, logo_id, "logo") is None:
        return {"qr_settings": f"qrLogoId is not a logo of this workspace: {logo_id}"}
    return {}


async def find_same_picture(
    db: Database, workspace_id: int, purpose: Purpose, name: str, png: bytes
) -> int | None:
    """The id of the workspace's picture of this name that has the same content."""
    row = await db.find_one(FIND_SAME, workspace_id, purpose, name, png)
    return None if row is None else row["id"]


def find_or_create_picture(
    tx: Transaction, actor: Actor, purpose: Purpose, name: str, picture: Picture, now: int
) -> int:
    """The id of the one that is there already, or of a new one. Raises InvalidFieldsError."""
    row = tx.find_one(FIND_SAME, actor.workspace_id, purpose, name, picture.png)
    if row is not None:
        return row["id"]
    return create_picture(tx, actor, purpose, name, picture, now).id


async def find_content(
    db: Database, workspace_id: int, picture_id: int, purpose: Purpose
) -> Picture | None:
    row = await db.find_one(FIND_CONTENT, workspace_id, purpose, purpose, picture_id)
    return None if row is None else Picture(**dict(row))


async def find_public_content(db: Database, key: str) -> bytes | None:
    if "\0" in key:
        return None
    row = await db.find_one(FIND_PUBLIC, key)
    return None if row is None else row["png"]


def create_picture(
    tx: Transaction, actor: Actor, purpose: Purpose, name: str, picture: Picture, now: int
) -> StoredPicture:
    """Logos get no public address: they are seen as parts of codes. Raises InvalidFieldsError."""
    require_scope(actor, "write")
    name = check_picture_name(name, purpose)
    most = MOST[purpose]
    count = tx.find_all(COUNT_PICTURES, actor.workspace_id, purpose)[0]["pictures"]
    if count >= most:
        fault = f"cannot be added; the limit of {most} {purpose}s is reached, so delete one first"
        raise InvalidFieldsError({"image": fault})
    row = tx.find_one(
        INSERT_PICTURE,
        actor.workspace_id,
        purpose,
        name,
        "" if purpose == "logo" else sha256(picture.png).hexdigest()[:32],
        picture.png,
        picture.width,
        picture.height,
        now,
    )
    if row is None:
        raise AssertionError
    return read_picture(row)


def delete_picture(
    tx: Transaction, actor: Actor, picture_id: int, purposes: Sequence[Purpose]
) -> None:
    """Codes and pages that had it go on without. Raises NotFoundError."""
    require_scope(actor, "write")
    if not tx.execute(DELETE_PICTURE, actor.workspace_id, *_pair(purposes), picture_id):
        raise NotFoundError(_name(purposes), picture_id)
    tx.execute(DELETE_IMAGES, picture_id)
    tx.execute(DELETE_AVATARS, picture_id)


def check_picture_name(name: str, purpose: Purpose) -> str:
    """The name as it is kept. Raises InvalidFieldsError."""
    name = " ".join(name.split()) or purpose.capitalize()
    if len(name) > NAME_LENGTH or not name.isprintable():
        fault = f"must be one line of at most {NAME_LENGTH} characters"
        raise InvalidFieldsError({"name": fault})
    return name


def read_picture(row: Row) -> StoredPicture:
    return StoredPicture(**dict(row))


def _pair(purposes: Sequence[Purpose]) -> tuple[Purpose, Purpose]:
    return purposes[0], purposes[-1]


def _name(purposes: Sequence[Purpose]) -> str:
    return "logo" if purposes[0] == "logo" else "picture"
