"""Every statement about links, but for lists of them and for their addresses."""

from collections.abc import Callable, Iterable, Sequence
from hashlib import blake2b
from operator import attrgetter
from typing import Any, Final, TypeVar

import msgspec

from shorty.links.address_store import find_aliases, find_aliases_of_links, list_aliases
from shorty.links.model import Address, Creator, Link, LinkFields, PreparedLink, QrSettings, Tag
from shorty.links.rules import decode_rules, encode_rules
from shorty.links.search_entries import (
    add_entry,
    read_search_text,
    remove_entry,
    replace_entry,
    search_text,
)
from shorty.links.slug import fold_key, slug_key
from shorty.storage.changes import LinkChanged
from shorty.storage.database import Asked, Database, Lane, Row, Transaction, Value
from shorty.storage.statements import number_places

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
_RULES: Final = _NAMES.index("rules")

SELECT_LINK: Final = f"""
select l.id, l.workspace_id, d.host, d.scheme, {", ".join(f"l.{name}" for name in _NAMES)},
       l.is_admin_blocked, l.edit_count, l.created_at, l.updated_at,
       u.id as creator_id, u.name as creator_name, u.email as creator_email,
       coalesce(c.clicks, 0) as clicks, coalesce(c.scans, 0) as scans,
       coalesce(c.bio_clicks, 0) as bio_clicks,
       case when l.is_link_in_bio = 1 then l.id else (
         select min(b.page_id) from bio_blocks b join links p on p.id = b.page_id
         where b.target_id = l.id and p.is_link_in_bio = 1 and p.deleted_at is null
       ) end as bio_page_id,
       (select count(*) from aliases a where a.link_id = l.id) as alias_count
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
_SAME_DESTINATION: Final = f"""
{SELECT_LINK}
where l.workspace_id = $1 and l.url_hash = $2 and l.url = $3
  and l.deleted_at is null and l.is_active = 1 and l.is_public = 0 and l.is_admin_blocked = 0
  and l.rules is null
  and (l.valid_since is null or l.valid_since <= $4)
  and (l.expires_at is null or l.expires_at > $4)
  and (l.max_clicks is null or l.max_clicks > coalesce(c.total, 0))
"""
FIND_SAME_DESTINATION: Final = f"{_SAME_DESTINATION}order by l.id limit 1"
FIND_SAME_URL: Final = f"{_SAME_DESTINATION}  and l.domain_id = $5\norder by l.id limit 1"
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
where l.id in (
    select id from links where domain_id = $1 and slug_key = $2 and deleted_at is null
    union all
    select link_id from aliases where domain_id = $1 and slug_key = $2 and freed_at is null
  ) and l.deleted_at is null
  and (l.qr_settings is not null or l.is_link_in_bio = 1) and l.is_admin_blocked = 0
"""  # noqa: S608 - the names of our own columns

FIND_NEXT_ID: Final = "select coalesce(max(id), 0) + 1 as id from links"
# Nothing is inserted where the slug is taken on the domain.
INSERT_LINK: Final = f"""
insert into links ({_COLUMNS}, id, workspace_id, created_by, created_at, updated_at)
values ({_VALUES}, ${_NEXT}, ${_NEXT + 1}, ${_NEXT + 2}, ${_NEXT + 3}, ${_NEXT + 3})
on conflict do nothing
"""  # noqa: S608 - the names of our own columns
FIND_NEWEST: Final = "select id from links where id >= $1"
INSERT_COUNTER: Final = """
insert into link_counters (link_id, workspace_id, max_clicks) values ($1, $2, $3)
"""
# Each batch of clicks rewrites counters, so that only a new one is made without its lane.
COUNTER_LANES: Final = (Lane.MAIN, Lane.CLICKS)
LIMIT_COUNTER: Final = "update link_counters set max_clicks = $2 where link_id = $1"
INSERT_LINK_TAG: Final = "insert into link_tags (link_id, tag_id, position) values ($1, $2, $3)"
DELETE_LINK_TAGS: Final = "delete from link_tags where link_id = $1"

UPDATE_LINK: Final = f"""
update links set ({_COLUMNS}, updated_at) = ({_VALUES}, ${_NEXT}), edit_count = edit_count + 1
where id = ${_NEXT + 1}
"""  # noqa: S608 - the names of our own columns
COUNT_OF_DOMAIN: Final = """
select (
  select count(*) from links where domain_id = $1 and deleted_at is null
) + (
  select count(distinct a.link_id) from aliases a join links l on l.id = a.link_id
  where a.domain_id = $1 and a.freed_at is null and l.domain_id <> $1
) as links
"""
DELETE_LINK: Final = """
update links set deleted_at = $3 where id = $1 and workspace_id = $2 and deleted_at is null
returning id, workspace_id, domain_id, slug, slug_key, folded_key, title, url, original_url,
          alias_slugs, is_active, is_link_in_bio,
          case when qr_settings is null then 0 else 1 end as has_qr
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
select id, workspace_id, domain_id, is_active, slug, slug_key, alias_slugs, title, url,
       original_url, updated_at
from links where id = $1 and title is null and deleted_at is null
"""
SET_TITLE: Final = """
update links set title = $2, updated_at = $3 where id = $1
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
    aliases = await list_aliases(db, link_id) if row["alias_count"] else ()
    return read_link(row, tuple(Tag(**dict(tag)) for tag in tags), aliases)


async def has_link(db: Database, workspace_id: int, link_id: int) -> bool:
    return await db.read(lambda rows: rows.find_one(HAS_LINK, link_id, workspace_id)) is not None


def find_link_to_change(tx: Transaction, workspace_id: int, link_id: int) -> Link | None:
    """The link as no other write can change it before this one is done."""
    return _find_with_tags_by_id(tx, FIND_LINK, workspace_id, link_id)


def find_deleted(tx: Transaction, workspace_id: int, link_id: int) -> Link | None:
    """A deleted link as it was; public ones never come back."""
    return _find_with_tags_by_id(tx, FIND_DELETED, workspace_id, link_id)


def _find_with_tags(tx: Transaction, sql: str, *parameters: Value) -> Link | None:
    row = tx.find_one(sql, *parameters)
    return None if row is None else _read_with_tags(tx, row, tx.ask(FIND_TAGS_OF_LINK, row["id"]))


def _find_with_tags_by_id(
    tx: Transaction, sql: str, workspace_id: int, link_id: int
) -> Link | None:
    asked, tags = tx.ask(sql, link_id, workspace_id), tx.ask(FIND_TAGS_OF_LINK, link_id)
    row = asked.row()
    return None if row is None else _read_with_tags(tx, row, tags)


def _read_with_tags(tx: Transaction, row: Row, tags: Asked) -> Link:
    aliases = find_aliases(tx, row["id"]) if row["alias_count"] else ()
    return read_link(row, tuple(Tag(**dict(tag)) for tag in tags.rows()), aliases)


async def find_code(db: Database, domain_id: int, slug: str) -> Link | None:
    """The link whose QR code a public URL names by its slug or an alias, without its tags and
    aliases; None if it has no code.
    """
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
    aliases = await find_aliases_of_links(db, [row["id"] for row in rows if row["alias_count"]])
    links = {
        row["id"]: read_link(row, tuple(tags.get(row["id"], ())), aliases.get(row["id"], ()))
        for row in rows
    }
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
    place = workspace_id, hash_url(fields.url), fields.url, now, fields.domain_id
    return _find_with_tags(tx, FIND_SAME_URL, *place)


async def find_same_destination(db: Database, workspace_id: int, url: str, now: int) -> Link | None:
    """As find_same_url, on any domain; without its tags and aliases."""
    row = await db.find_one(FIND_SAME_DESTINATION, workspace_id, hash_url(url), url, now)
    return None if row is None else read_link(row, ())


def read_link(row: Row, tags: tuple[Tag, ...], aliases: tuple[Address, ...] = ()) -> Link:
    values = dict(zip(row.keys(), row, strict=True))  # dict(row) looks each name up in the others
    creator_id, name, email = (
        values.pop(key) for key in ("creator_id", "creator_name", "creator_email")
    )
    creator = None if creator_id is None else Creator(id=creator_id, name=name, email=email)
    values["created_by"] = creator
    values["tags"] = tags
    values["aliases"] = aliases
    del values["alias_count"]
    return decode_fields(values, Link)


def decode_fields(columns: dict[str, Any], kind: type[F]) -> F:
    """A struct of that kind from columns by their names. The mapping is used up."""
    webhooks: str = columns["webhook_urls"]
    columns["webhook_urls"] = tuple(webhooks.split(",")) if webhooks else ()
    if columns["qr_settings"] is not None:
        columns["qr_settings"] = msgspec.json.decode(columns["qr_settings"], type=QrSettings)
    columns["rules"] = decode_rules(columns["rules"])
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
    values[_RULES] = encode_rules(fields.rules)
    return values


def hash_url(url: str) -> int:
    """64 bits of the URL, signed as databases like them."""
    return int.from_bytes(blake2b(url.encode(), digest_size=8).digest(), "big", signed=True)


def ask_next_id(tx: Transaction) -> Asked:
    """For `insert_links`, with no insert in between."""
    return tx.ask(FIND_NEXT_ID)


def insert_links(
    tx: Transaction, links: Sequence[PreparedLink], next_id: Asked
) -> list[int | None]:
    """Each new link's id; None where its slug is taken. They get their counters too."""
    found = next_id.row()
    first: int = found["id"] if found else 1
    values = [_list_values(link_id, link) for link_id, link in enumerate(links, start=first)]
    made = set(range(first, first + len(links)))
    if tx.insert_rows(INSERT_LINK, values) < len(links):
        made = {row["id"] for row in tx.find_all(FIND_NEWEST, first)}
    ids = [link_id if link_id in made else None for link_id in range(first, first + len(links))]
    counters = [
        (link_id, link.author.workspace_id, link.fields.max_clicks)
        for link_id, link in zip(ids, links, strict=True)
        if link_id is not None
    ]
    tx.send_rows(INSERT_COUNTER, counters)
    return ids


def _list_values(link_id: int, link: PreparedLink) -> list[Value]:
    author = link.author
    creator_id = author.creator.id if author.creator else None
    others = (link_id, author.workspace_id, creator_id, link.created_at)
    return [*encode_fields(link.fields), *others]


def tag_link(tx: Transaction, link_id: int, tags: Iterable[Tag]) -> None:
    for position, tag in enumerate(tags):
        tx.send(INSERT_LINK_TAG, link_id, tag.id, position)


async def count_of_domain(db: Database, domain_id: int) -> int:
    """The links that answer on it, of every workspace: also those with only an alias there."""
    row = await db.find_one(COUNT_OF_DOMAIN, domain_id)
    return row["links"] if row else 0


def find_bio_page(tx: Transaction, link_id: int) -> int | None:
    """The first page on which the link is a button."""
    row = tx.find_one(FIND_BIO_PAGE, link_id)
    return None if row is None else row["page_id"]


def update_link(tx: Transaction, before: Link, after: Link) -> None:
    """`before` is the link as this transaction has read it."""
    tx.send(UPDATE_LINK, *encode_fields(after), after.updated_at, before.id)
    replace_entry(tx, before.id, search_text(before), search_text(after))
    if after.max_clicks != before.max_clicks:
        tx.send(LIMIT_COUNTER, before.id, after.max_clicks)


def ask_deleted(tx: Transaction, workspace_id: int, link_id: int, now: int) -> Asked:
    """Deletes the link; no row where there is no such live link. Then `retire_link` follows."""
    return tx.ask(DELETE_LINK, link_id, workspace_id, now)


def retire_link(tx: Transaction, mark: Asked, deleted: Row) -> None:
    """What follows from its deletion for its counter and its entry in the search index."""
    remove_entry(tx, mark, deleted["id"], read_search_text(deleted))
    tx.send(RETIRE_COUNTER, deleted["id"])


def restore_link(tx: Transaction, mark: Asked, link: Link) -> None:
    """`link` is what was deleted, as this transaction has read it, but for what it got back."""
    tx.send(RESTORE_LINK, link.id, link.updated_at)
    tx.send(REVIVE_COUNTER, link.id)
    add_entry(tx, mark, link.id, search_text(link))


def set_title(tx: Transaction, link_id: int, title: str, now: int) -> bool:
    """Gives a title to a link that still has none; otherwise does nothing, and says so."""
    row = tx.find_one(FIND_UNTITLED, link_id)
    if row is None:
        return False
    titled = {**dict(row), "title": title}
    replace_entry(tx, link_id, read_search_text(row), read_search_text(titled))
    tx.send(SET_TITLE, link_id, title, max(now, row["updated_at"] + 1))
    # Its addresses may have been changed while the page was fetched.
    keys = (row["domain_id"], row["slug_key"]), *(a.key for a in find_aliases(tx, link_id))
    tx.note_change(*(LinkChanged(*key) for key in keys))
    return True
