"""Every statement about links, but for lists of them, which `pages` asks."""

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from hashlib import blake2b
from operator import attrgetter
from typing import Any, Final, TypeVar

import msgspec

from shorty.links.model import Creator, Link, LinkFields, PreparedLink, QrSettings, Tag
from shorty.links.search_entries import (
    add_entry,
    read_search_text,
    remove_entry,
    replace_entry,
    search_text,
)
from shorty.links.slug import fold_key, slug_key
from shorty.storage.database import Database, Row, Transaction, Value
from shorty.storage.statements import fill_up, number_places

F = TypeVar("F", bound=LinkFields)

# The domain's own columns are left out, and what is only looked for is added.
_NAMES: Final = tuple(
    name for name in LinkFields.__struct_fields__ if name not in {"host", "scheme"}
)
_COLUMNS: Final = ", ".join((*_NAMES, "slug_key", "folded_key", "url_hash"))
_NEXT: Final = len(_NAMES) + 4
_VALUES: Final = number_places(_NEXT - 1)
_read_values: Final[Callable[[LinkFields], tuple[Any, ...]]] = attrgetter(*_NAMES)
_FLAGS: Final = tuple(
    place for place, name in enumerate(_NAMES) if isinstance(getattr(LinkFields(), name), bool)
)
_WEBHOOKS: Final = _NAMES.index("webhook_urls")
_QR: Final = _NAMES.index("qr_settings")

SELECT_LINK: Final = f"""
select l.id, l.workspace_id, d.host, d.scheme, {", ".join(f"l.{name}" for name in _NAMES)},
       l.is_admin_blocked, l.edit_count, l.created_at, l.updated_at,
       u.id as creator_id, u.name as creator_name, u.email as creator_email,
       coalesce(c.clicks, 0) as clicks, coalesce(c.scans, 0) as scans,
       coalesce(c.bio_clicks, 0) as bio_clicks,
       case when l.is_link_in_bio = 1 then l.id else (
         select min(b.page_id) from bio_blocks b join links p on p.id = b.page_id
         where b.target_id = l.id and p.is_link_in_bio = 1 and p.deleted_at is null
       ) end as bio_page_id
from links l
join domains d on d.id = l.domain_id
left join users u on u.id = l.created_by
left join link_counters c on c.link_id = l.id
"""  # noqa: S608 - the names of our own columns
FIND_LINK: Final = f"""
{SELECT_LINK} where l.id = $1 and l.workspace_id = $2 and l.deleted_at is null
"""
# The plus keeps the workspace's index out of it: the ids are the way to few rows among many.
FIND_LINKS: Final = f"""
{SELECT_LINK} where +l.workspace_id = $1 and l.deleted_at is null and l.id in
"""
FIND_SAME_URL: Final = f"""
{SELECT_LINK}
where l.workspace_id = $1 and l.url_hash = $2 and l.domain_id = $3 and l.url = $4
  and l.deleted_at is null and l.is_active = 1 and l.is_public = 0 and l.is_admin_blocked = 0
  and (l.valid_since is null or l.valid_since <= $5)
  and (l.expires_at is null or l.expires_at > $5)
  and (l.max_clicks is null or l.max_clicks > coalesce(c.total, 0))
order by l.id limit 1
"""
HAS_LINK: Final = """
select 1 from links where id = $1 and workspace_id = $2 and deleted_at is null
"""
FIND_TAGS_OF_LINK: Final = """
select t.id, t.name, t.color from link_tags lt join tags t on t.id = lt.tag_id
where lt.link_id = $1 order by lt.position
"""
FIND_TAGS_OF_LINKS: Final = """
select lt.link_id, t.id, t.name, t.color from link_tags lt join tags t on t.id = lt.tag_id
where lt.link_id in
"""

FIND_CODE: Final = f"""
{SELECT_LINK}
where l.domain_id = $1 and l.slug_key = $2 and l.deleted_at is null
  and (l.qr_settings is not null or l.is_link_in_bio = 1) and l.is_admin_blocked = 0
"""

IN_ONE_STATEMENT: Final = 512
FIND_NEXT_ID: Final = "select coalesce(max(id), 0) + 1 as id from links"
# Nothing is inserted where the slug is taken on the domain.
INSERT_LINK: Final = f"""
insert into links ({_COLUMNS}, id, workspace_id, created_by, created_at, updated_at)
values ({_VALUES}, ${_NEXT}, ${_NEXT + 1}, ${_NEXT + 2}, ${_NEXT + 3}, ${_NEXT + 3})
on conflict do nothing
"""  # noqa: S608 - the names of our own columns
FIND_NEWEST: Final = "select id from links where id >= $1"
INSERT_COUNTER: Final = "insert into link_counters (link_id, workspace_id) values ($1, $2)"
INSERT_LINK_TAG: Final = "insert into link_tags (link_id, tag_id, position) values ($1, $2, $3)"
DELETE_LINK_TAGS: Final = "delete from link_tags where link_id = $1"

UPDATE_LINK: Final = f"""
update links set ({_COLUMNS}, updated_at) = ({_VALUES}, ${_NEXT}), edit_count = edit_count + 1
where id = ${_NEXT + 1}
"""  # noqa: S608 - the names of our own columns
# Also another workspace's link whose slug differs in case alone.
FIND_SLUG: Final = """
select id from links
where domain_id = $1 and folded_key = $2 and deleted_at is null and id <> $5
  and (slug_key = $3 or workspace_id <> $4)
limit 1
"""
FIND_LOOK_ALIKES: Final = """
select folded_key, min(case when workspace_id = $1 then 1 else 0 end) as is_own from links
where domain_id = $2 and deleted_at is null and folded_key in (FOLDED_KEYS)
group by folded_key
"""
COUNT_OF_DOMAIN: Final = """
select count(*) as links from links where domain_id = $1 and deleted_at is null
"""
DELETE_LINK: Final = """
update links set deleted_at = $3 where id = $1 and workspace_id = $2 and deleted_at is null
returning id, workspace_id, domain_id, slug, slug_key, title, url, original_url, is_active,
          is_link_in_bio, case when qr_settings is null then 0 else 1 end as has_qr
"""
RETIRE_COUNTER: Final = "update link_counters set is_live = 0 where link_id = $1"
FIND_DELETED: Final = f"""
{SELECT_LINK}
where l.id = $1 and l.workspace_id = $2 and l.deleted_at is not null and l.is_public = 0
"""
RESTORE_LINK: Final = "update links set deleted_at = null, updated_at = $2 where id = $1"
REVIVE_COUNTER: Final = "update link_counters set is_live = 1 where link_id = $1"

FIND_BIO_PAGE: Final = """
select min(b.page_id) as page_id from bio_blocks b join links p on p.id = b.page_id
where b.target_id = $1 and p.is_link_in_bio = 1 and p.deleted_at is null
"""

FIND_UNTITLED: Final = """
select id, workspace_id, domain_id, is_active, slug, title, url, original_url, updated_at
from links where id = $1 and title is null and deleted_at is null
"""
SET_TITLE: Final = """
update links set title = $2, updated_at = $3 where id = $1 returning domain_id, slug_key
"""

FIND_EXPIRED_PUBLIC: Final = """
select id, workspace_id, created_at, expires_at from links
where deleted_at is null and is_public = 1 and expires_at <= $1 and workspace_id = $2
order by expires_at limit $3
"""
MAKE_WORKSPACE: Final = """
insert into workspaces (id, name, plan, created_at) values ($1, $2, $3, $4) on conflict do nothing
"""


async def find_link(db: Database, workspace_id: int, link_id: int) -> Link | None:
    row = await db.find_one(FIND_LINK, link_id, workspace_id)
    if row is None:
        return None
    tags = await db.find_all(FIND_TAGS_OF_LINK, link_id)
    return read_link(row, tuple(Tag(**dict(tag)) for tag in tags))


def has_link(db: Database, workspace_id: int, link_id: int) -> bool:
    return db.look_up(HAS_LINK, link_id, workspace_id) is not None


def find_link_to_change(tx: Transaction, workspace_id: int, link_id: int) -> Link | None:
    """The link as no other write can change it before this one is done."""
    return _find_with_tags(tx, FIND_LINK, workspace_id, link_id)


def find_deleted(tx: Transaction, workspace_id: int, link_id: int) -> Link | None:
    """A deleted link as it was; public ones never come back."""
    return _find_with_tags(tx, FIND_DELETED, workspace_id, link_id)


def _find_with_tags(tx: Transaction, sql: str, workspace_id: int, link_id: int) -> Link | None:
    row = tx.find_one(sql, link_id, workspace_id)
    if row is None:
        return None
    tags = tx.find_all(FIND_TAGS_OF_LINK, link_id)
    return read_link(row, tuple(Tag(**dict(tag)) for tag in tags))


async def find_code(db: Database, domain_id: int, slug: str) -> Link | None:
    """The link whose QR code a public URL names, without its tags; None if it has no code."""
    row = await db.find_one(FIND_CODE, domain_id, slug_key(slug))
    return None if row is None else read_link(row, ())


async def find_links(db: Database, workspace_id: int, link_ids: Sequence[int]) -> list[Link]:
    """The live ones of these links with their tags, in the order of the ids, each once."""
    wanted = list(dict.fromkeys(link_ids))
    if not wanted:
        return []
    places = number_places(len(wanted), 2)
    rows = await db.find_all(f"{FIND_LINKS} ({places})", workspace_id, *wanted)
    tags = await find_tags_of_links(db, wanted)
    links = {row["id"]: read_link(row, tuple(tags.get(row["id"], ()))) for row in rows}
    return [links[link_id] for link_id in wanted if link_id in links]


async def find_tags_of_links(db: Database, link_ids: Sequence[int]) -> dict[int, list[Tag]]:
    places = number_places(len(link_ids), 1)
    rows = await db.find_all(
        f"{FIND_TAGS_OF_LINKS} ({places}) order by lt.link_id, lt.position", *link_ids
    )
    tags: dict[int, list[Tag]] = {}
    for row in rows:
        tag = Tag(id=row["id"], name=row["name"], color=row["color"])
        tags.setdefault(row["link_id"], []).append(tag)
    return tags


def find_same_url(tx: Transaction, workspace_id: int, fields: LinkFields, now: int) -> Link | None:
    """The oldest link there with the same destination that would let a visitor through."""
    row = tx.find_one(
        FIND_SAME_URL, workspace_id, hash_url(fields.url), fields.domain_id, fields.url, now
    )
    if row is None:
        return None
    tags = tx.find_all(FIND_TAGS_OF_LINK, row["id"])
    return read_link(row, tuple(Tag(**dict(tag)) for tag in tags))


def read_link(row: Row, tags: tuple[Tag, ...]) -> Link:
    values = dict(zip(row.keys(), row, strict=True))  # dict(row) looks each name up in the others
    creator_id, name, email = (
        values.pop(key) for key in ("creator_id", "creator_name", "creator_email")
    )
    creator = None if creator_id is None else Creator(id=creator_id, name=name, email=email)
    values["created_by"] = creator
    values["tags"] = tags
    return decode_fields(values, Link)


def decode_fields(columns: dict[str, Any], kind: type[F]) -> F:
    """A struct of that kind from columns by their names. The mapping is used up."""
    webhooks: str = columns["webhook_urls"]
    columns["webhook_urls"] = tuple(webhooks.split(",")) if webhooks else ()
    if columns["qr_settings"] is not None:
        columns["qr_settings"] = msgspec.json.decode(columns["qr_settings"], type=QrSettings)
    return msgspec.convert(columns, kind, strict=False)  # of 0 and 1 it makes flags


def encode_fields(fields: LinkFields) -> list[Value]:
    """The values of the columns, in their order."""
    key = slug_key(fields.slug)
    values = [*_read_values(fields), key, fold_key(key), hash_url(fields.url)]
    for place in _FLAGS:
        values[place] = int(values[place])
    values[_WEBHOOKS] = ",".join(fields.webhook_urls)
    if fields.qr_settings is not None:
        values[_QR] = msgspec.json.encode(fields.qr_settings).decode()
    return values


def hash_url(url: str) -> int:
    """64 bits of the URL, signed as databases like them."""
    return int.from_bytes(blake2b(url.encode(), digest_size=8).digest(), "big", signed=True)


def insert_links(tx: Transaction, links: Sequence[PreparedLink]) -> list[int | None]:
    """Each new link's id; None where its slug is taken. Counters come on top."""
    found = tx.find_one(FIND_NEXT_ID)
    first: int = found["id"] if found else 1
    values = [_list_values(link_id, link) for link_id, link in enumerate(links, start=first)]
    ids = range(first, first + len(links))
    if tx.insert_rows(INSERT_LINK, values) == len(links):
        return list(ids)
    made = {row["id"] for row in tx.find_all(FIND_NEWEST, first)}
    return [link_id if link_id in made else None for link_id in ids]


def _list_values(link_id: int, link: PreparedLink) -> list[Value]:
    author = link.author
    creator_id = author.creator.id if author.creator else None
    others = (link_id, author.workspace_id, creator_id, link.created_at)
    return [*encode_fields(link.fields), *others]


def insert_counters(tx: Transaction, links: Sequence[Link]) -> None:
    tx.insert_rows(INSERT_COUNTER, [(link.id, link.workspace_id) for link in links])


def tag_link(tx: Transaction, link_id: int, tags: Iterable[Tag]) -> None:
    for position, tag in enumerate(tags):
        tx.execute(INSERT_LINK_TAG, link_id, tag.id, position)


async def count_of_domain(db: Database, domain_id: int) -> int:
    """The links on it, of every workspace."""
    row = await db.find_one(COUNT_OF_DOMAIN, domain_id)
    return row["links"] if row else 0


def is_slug_taken(
    tx: Transaction, workspace_id: int, domain_id: int, slug: str, link_id: int
) -> bool:
    """Whether another live link has the slug; of another workspace, in any case."""
    key = slug_key(slug)
    row = tx.find_one(FIND_SLUG, domain_id, fold_key(key), key, workspace_id, link_id)
    return row is not None


async def has_slug_holder(
    db: Database, workspace_id: int, domain_id: int, slug: str, except_link_id: int
) -> bool:
    """As is_slug_taken, outside a transaction: it may be another answer when the link is stored."""
    key = slug_key(slug)
    row = await db.find_one(FIND_SLUG, domain_id, fold_key(key), key, workspace_id, except_link_id)
    return row is not None


def find_look_alikes(
    tx: Transaction, workspace_id: int, domain_id: int, folded_keys: Sequence[str]
) -> dict[str, bool]:
    """Which of these keys live links of the domain have; whether none of them is another's."""
    found: dict[str, bool] = {}
    for start in range(0, len(folded_keys), IN_ONE_STATEMENT):
        piece = folded_keys[start : start + IN_ONE_STATEMENT]
        size = 1 << (len(piece) - 1).bit_length()  # so that there are few statements
        keys = fill_up(piece, size)
        rows = tx.find_all(_ask_for_look_alikes(size), workspace_id, domain_id, *keys)
        found |= {row["folded_key"]: row["is_own"] == 1 for row in rows}
    return found


@cache
def _ask_for_look_alikes(count: int) -> str:
    return FIND_LOOK_ALIKES.replace("FOLDED_KEYS", number_places(count, 3))


def find_bio_page(tx: Transaction, link_id: int) -> int | None:
    """The first page on which the link is a button."""
    row = tx.find_one(FIND_BIO_PAGE, link_id)
    return None if row is None else row["page_id"]


def update_link(tx: Transaction, before: Link, after: Link) -> None:
    """`before` is the link as this transaction has read it."""
    tx.execute(UPDATE_LINK, *encode_fields(after), after.updated_at, before.id)
    replace_entry(tx, before.id, search_text(before), search_text(after))


def delete_link(tx: Transaction, workspace_id: int, link_id: int, now: int) -> Row | None:
    """What was deleted; None where there is no such live link."""
    row = tx.find_one(DELETE_LINK, link_id, workspace_id, now)
    if row is not None:
        remove_entry(tx, link_id, read_search_text(row))
        tx.execute(RETIRE_COUNTER, link_id)
    return row


def restore_link(tx: Transaction, link: Link, updated_at: int) -> None:
    """`link` is what was deleted, as this transaction has read it."""
    tx.execute(RESTORE_LINK, link.id, updated_at)
    tx.execute(REVIVE_COUNTER, link.id)
    add_entry(tx, link.id, search_text(link))


def set_title(tx: Transaction, link_id: int, title: str, now: int) -> Row | None:
    """Gives a title to a link that still has none: then where the link answers, otherwise None."""
    row = tx.find_one(FIND_UNTITLED, link_id)
    if row is None:
        return None
    titled = {**dict(row), "title": title}
    replace_entry(tx, link_id, read_search_text(row), read_search_text(titled))
    return tx.find_one(SET_TITLE, link_id, title, max(now, row["updated_at"] + 1))
