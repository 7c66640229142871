"""Owns tags: names and colours that a workspace's links share, the same for every door.

Names of UTM templates are compared as those of tags are.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Final
from zlib import crc32

import msgspec
from msgspec import UNSET, UnsetType

from shorty.accounts.model import Actor
from shorty.accounts.roles import require_scope
from shorty.errors import AlreadyExistsError, InvalidFieldsError, NotFoundError
from shorty.links.model import LinkChange, Tag, TagId
from shorty.storage.database import Database, Row, Transaction

NAME_LENGTH: Final = 50
MAX_TAGS: Final = 1000
TAGS_PER_LINK: Final = 50
# NFC makes one letter of at most four, and names have up to 100 letters. A longer text is no name,
# and composing it takes the square of its length.
LONGEST_COMPOSED: Final = 4 * 100
# Told apart by people who see few colours, and readable on light and on dark.
PALETTE: Final = (
    *("#4477aa", "#66ccee", "#228833", "#ccbb44", "#ee6677"),
    *("#aa3377", "#ee7733", "#009988", "#997700", "#777777"),
)
_COLOR: Final = re.compile(r"#[0-9a-f]{6}")
_UNFIT: Final = re.compile(r"[\x00-\x1f\x7f-\x9f,]")

INSERT_TAG: Final = """
insert into tags (workspace_id, name, name_key, color, created_at) values ($1, $2, $3, $4, $5)
on conflict do nothing returning id, name, color
"""
FIND_TAG: Final = "select id, name, color from tags where workspace_id = $1 and id = $2"
FIND_TAG_BY_NAME: Final = """
select id, name, color from tags where workspace_id = $1 and name_key = $2
"""
# Where the tag to go on after is gone, what is left of the list begins anew.
LIST_TAGS: Final = """
select id, name, color from tags
where workspace_id = $1
  and name_key > coalesce((select name_key from tags where workspace_id = $1 and id = $2), '')
order by name_key limit $3
"""
COUNT_TAGS: Final = "select count(*) as tags from tags where workspace_id = $1"
FIND_NAMESAKE: Final = """
select id from tags where workspace_id = $1 and name_key = $2 and id <> $3
"""
UPDATE_TAG: Final = (
    "update tags set name = $3, name_key = $4, color = $5 where workspace_id = $1 and id = $2"
)
DELETE_TAG: Final = "delete from tags where workspace_id = $1 and id = $2"
DELETE_LINKS_OF_TAG: Final = "delete from link_tags where tag_id = $1"


class NewTag(msgspec.Struct, frozen=True, kw_only=True):
    """Without a colour, one is chosen by the name."""

    name: str
    color: str | None = None


class TagChange(msgspec.Struct, frozen=True, kw_only=True):
    name: str | UnsetType = UNSET
    color: str | None | UnsetType = UNSET


async def list_tags(
    db: Database, workspace_id: int, after: int = 0, limit: int = MAX_TAGS
) -> list[Tag]:
    """By name, from behind the tag `after` on; all of them are at most MAX_TAGS."""
    return [read_tag(row) for row in await db.find_all(LIST_TAGS, workspace_id, after, limit)]


async def get_tag(db: Database, workspace_id: int, tag_id: int) -> Tag:
    return _require_tag(await db.find_one(FIND_TAG, workspace_id, tag_id), tag_id)


def create_tag(tx: Transaction, actor: Actor, new: NewTag, now: int) -> Tag:
    """Raises InvalidFieldsError and AlreadyExistsError."""
    require_scope(actor, "write")
    name, color = check_tag(new.name, new.color)
    tag = _insert_tag(tx, actor.workspace_id, name, color, now)
    return _require_new_tag(tag, name)


def change_tag(tx: Transaction, actor: Actor, tag_id: int, change: TagChange) -> Tag:
    """Raises as create_tag does, and NotFoundError."""
    require_scope(actor, "write")
    tag = _require_tag(tx.find_one(FIND_TAG, actor.workspace_id, tag_id), tag_id)
    name, color = check_tag(
        tag.name if change.name is UNSET else change.name,
        tag.color if change.color is UNSET else change.color,
    )
    if tx.find_one(FIND_NAMESAKE, actor.workspace_id, fold_name(name), tag_id) is not None:
        raise AlreadyExistsError("tag", name)
    tx.send(UPDATE_TAG, actor.workspace_id, tag_id, name, fold_name(name), color)
    return Tag(id=tag_id, name=name, color=color)


def delete_tag(tx: Transaction, actor: Actor, tag_id: int) -> None:
    """The links that had it stay. Raises NotFoundError."""
    require_scope(actor, "write")
    _require_tag(tx.find_one(FIND_TAG, actor.workspace_id, tag_id), tag_id)
    tx.send(DELETE_LINKS_OF_TAG, tag_id)
    tx.send(DELETE_TAG, actor.workspace_id, tag_id)


def find_tags(
    tx: Transaction, workspace_id: int, tag_ids: Iterable[TagId]
) -> tuple[list[Tag], list[TagId]]:
    """The tags with these ids, in their order and each once, and the ids that name none."""
    asked = {
        tag_id: tx.ask(FIND_TAG, workspace_id, tag_id) if isinstance(tag_id, int) else None
        for tag_id in dict.fromkeys(tag_ids)
    }
    rows = {tag_id: each.row() if each else None for tag_id, each in asked.items()}
    found = [read_tag(row) for row in rows.values() if row is not None]
    return found, [tag_id for tag_id, row in rows.items() if row is None]


async def find_unknown_tags(
    db: Database, workspace_id: int, tag_ids: Iterable[TagId]
) -> list[TagId]:
    """Which of these ids name no tag of the workspace."""
    known = {tag.id for tag in await list_tags(db, workspace_id)}
    return [tag_id for tag_id in dict.fromkeys(tag_ids) if tag_id not in known]


def make_tags(tx: Transaction, workspace_id: int, names: Iterable[str], now: int) -> list[Tag]:
    """The tags of these names, made where they are new, in their order and each once."""
    spelled: dict[str, str] = {}
    for name in names:
        spelled.setdefault(fold_name(name), name)
    asked = {key: tx.ask(FIND_TAG_BY_NAME, workspace_id, key) for key in spelled}
    rows = {key: each.row() for key, each in asked.items()}
    return [
        read_tag(row) if row else _make_tag(tx, workspace_id, spelled[key], now)
        for key, row in rows.items()
    ]


def resolve_tags(
    tx: Transaction, workspace_id: int, tag_ids: Sequence[TagId], names: Sequence[str], now: int
) -> tuple[Tag, ...]:
    """The tags, each once. Raises InvalidFieldsError for an id that names none."""
    if not tag_ids and not names:
        return ()
    found, unknown = find_tags(tx, workspace_id, tag_ids)
    if unknown:
        raise InvalidFieldsError(describe_unknown_tags(unknown))
    made = make_tags(tx, workspace_id, map(check_tag_name, names), now)
    return tuple({tag.id: tag for tag in (*found, *made)}.values())


def make_colored_tags(
    tx: Transaction, workspace_id: int, news: Iterable[NewTag], now: int
) -> list[Tag]:
    """As make_tags, in the colours given; a tag that is there keeps its own.

    Raises InvalidFieldsError.
    """
    made: list[Tag] = []
    for new in news:
        name, color = check_tag(new.name, new.color)
        row = tx.find_one(FIND_TAG_BY_NAME, workspace_id, fold_name(name))
        tag = read_tag(row) if row else _insert_tag(tx, workspace_id, name, color, now)
        made.append(_require_new_tag(tag, name))
    return made


def check_tags(tag_ids: Sequence[TagId], names: Sequence[str]) -> dict[str, str]:
    faults: dict[str, str] = {}
    if len(tag_ids) + len(names) > TAGS_PER_LINK:
        fault = f"may name at most {TAGS_PER_LINK} tags"
        faults["tag_ids" if tag_ids else "tag_names"] = fault
    for name in names:
        try:
            check_tag_name(name)
        except ValueError as error:
            faults["tag_names"] = f"{name[:60]!r} {error}"
            break
    return faults


def find_texts_for_ids(change: LinkChange, *names: str) -> dict[str, str]:
    """The faults of those lists that hold what is no tag's id, whatever the workspace."""
    faults: dict[str, str] = {}
    for name in names or ("tag_ids", "add_tag_ids", "remove_tag_ids"):
        texts = [each for each in getattr(change, name) or () if isinstance(each, str)]
        faults |= describe_unknown_tags(texts, name)
    return faults


def describe_unknown_tags(tag_ids: Iterable[TagId], name: str = "tag_ids") -> dict[str, str]:
    """Numbers first, then texts that are no ids."""
    named = ", ".join(map(str, sorted(tag_ids, key=lambda each: isinstance(each, str))))
    return {name: f"name no tag of this workspace: {named}"} if named else {}


def check_tag_name(name: str) -> str:
    """The name as it is kept. Raises ValueError."""
    name = spell_name(name)
    if not name:
        raise ValueError("must not be empty")
    if len(name) > NAME_LENGTH:
        raise ValueError(f"may be at most {NAME_LENGTH} characters long")
    if _UNFIT.search(name) or name != name.encode(errors="replace").decode():
        raise ValueError("may not contain commas or control characters")
    return name


def check_tag(name: str, color: str | None) -> tuple[str, str]:
    """The name and the colour as they are kept. Raises InvalidFieldsError."""
    faults: dict[str, str] = {}
    try:
        name = check_tag_name(name)
    except ValueError as error:
        faults["name"] = str(error)
    color = color.lower() if color else choose_color(name)
    if not _COLOR.fullmatch(color):
        faults["color"] = "must be a colour such as #1a2b3c"
    if faults:
        raise InvalidFieldsError(faults)
    return name, color


def fold_name(name: str) -> str:
    """Equal for names that differ only in case, in how their letters are composed, or in spaces."""
    line = " ".join(name.split())
    if line.isascii() or len(line) > LONGEST_COMPOSED:
        return line.casefold()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", line).casefold())


def spell_name(name: str) -> str:
    """The name in one line, composed: as it is kept."""
    line = " ".join(name.split())
    return line if len(line) > LONGEST_COMPOSED else unicodedata.normalize("NFC", line)


def choose_color(name: str) -> str:
    return PALETTE[crc32(fold_name(name).encode(errors="replace")) % len(PALETTE)]


def read_tag(row: Row) -> Tag:
    return Tag(id=row["id"], name=row["name"], color=row["color"])


def _make_tag(tx: Transaction, workspace_id: int, name: str, now: int) -> Tag:
    return _require_new_tag(_insert_tag(tx, workspace_id, name, choose_color(name), now), name)


def _require_new_tag(tag: Tag | None, name: str) -> Tag:
    if tag is None:
        raise AlreadyExistsError("tag", name)
    return tag


def _insert_tag(tx: Transaction, workspace_id: int, name: str, color: str, now: int) -> Tag | None:
    count = tx.find_all(COUNT_TAGS, workspace_id)[0]["tags"]
    if count >= MAX_TAGS:
        raise InvalidFieldsError(
            {"name": (f"cannot be added; the limit of {MAX_TAGS} tags is reached")}
        )
    row = tx.find_one(INSERT_TAG, workspace_id, name, fold_name(name), color, now)
    return None if row is None else read_tag(row)


def _require_tag(row: Row | None, tag_id: int) -> Tag:
    if row is None:
        raise NotFoundError("tag", tag_id)
    return read_tag(row)
