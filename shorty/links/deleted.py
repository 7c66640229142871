"""Lists deleted links: who deleted them and when, and what keeps them from coming back."""

from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from shorty.addresses import fold_host
from shorty.links.address_store import find_aliases_of_links
from shorty.links.context import read_places
from shorty.links.model import Creator, Deletion, Link
from shorty.links.slug import slug_key
from shorty.links.store import SELECT_LINK, find_tags_of_links, read_link
from shorty.storage.database import Database, Reader, Row
from shorty.storage.statements import number_places

# The plus keeps the workspace's index out of it: the ids are the way to few rows among many.
FIND_DELETED_LINKS: Final = f"""
{SELECT_LINK}
where +l.workspace_id = $1 and l.deleted_at is not null and l.is_public = 0 and l.id in
"""
# Another link holds the slug, or it rests, just as `address_store.FIND_HOLDER` finds it.
FIND_DELETIONS: Final = """
select l.id, l.deleted_at, e.user_id, u.email, coalesce(m.name, u.name) as name,
       case when d.removed_at is null then 0 else 1 end as is_domain_gone,
       case when exists (
         select 1 from links t
         where t.domain_id = l.domain_id and t.folded_key = l.folded_key and t.deleted_at is null
           and (t.slug_key = l.slug_key or t.workspace_id <> l.workspace_id)
       ) or exists (
         select 1 from aliases a
         where a.domain_id = l.domain_id and a.folded_key = l.folded_key and a.freed_at is null
           and (a.slug_key = l.slug_key or a.workspace_id <> l.workspace_id)
       ) then 1 else 0 end as is_slug_taken,
       case when exists (
         select 1 from resting_slugs r
         where r.domain_id = l.domain_id and r.folded_key = l.folded_key
           and r.workspace_id <> l.workspace_id and r.until > $1
       ) and not exists (
         select 1 from resting_slugs own
         where own.domain_id = l.domain_id and own.folded_key = l.folded_key
           and own.workspace_id = l.workspace_id and own.until > $1
       ) then 1 else 0 end as is_slug_resting
from links l
join domains d on d.id = l.domain_id
left join link_edits e on e.id = (
  select max(x.id) from link_edits x where x.link_id = l.id and x.kind = 'deleted'
)
left join users u on u.id = e.user_id
left join members m on m.workspace_id = l.workspace_id and m.user_id = e.user_id
where l.id in
"""

# Of one short link there may be several; also on a domain that has been removed.
FIND_LAST_DELETED: Final = """
select l.id from links l join domains d on d.id = l.domain_id
where l.workspace_id = $1 and l.deleted_at is not null and l.is_public = 0
  and l.slug_key = $3 and d.host = $2
order by l.deleted_at desc, l.id desc limit 1
"""


def find_deleted_named(rows: Reader, workspace_id: int, text: str, usual_host: str) -> int | None:
    """The id of the link that was deleted last, by its short URL, HOST/SLUG or slug."""
    if "\0" in text:
        return None
    for host, slug in read_places(text, usual_host):
        known = fold_host(host) or ""
        row = rows.find_one(FIND_LAST_DELETED, workspace_id, known, slug_key(slug))
        if row is not None:
            return row["id"]
    return None


async def find_deleted_links(
    db: Database, workspace_id: int, link_ids: Sequence[int], now: int
) -> list[Link]:
    """Those of these links that are deleted and can come back, in the order of the ids."""
    wanted = list(dict.fromkeys(link_ids))
    if not wanted:
        return []
    places = number_places(len(wanted), 2)
    rows = await db.find_all(f"{FIND_DELETED_LINKS} ({places})", workspace_id, *wanted)
    tags = await find_tags_of_links(db, wanted)
    aliases = await find_aliases_of_links(db, [row["id"] for row in rows if row["alias_count"]])
    deletions = await _find_deletions(db, wanted, now)
    links = {
        row["id"]: replace(
            read_link(row, tuple(tags.get(row["id"], ())), aliases.get(row["id"], ())),
            deletion=deletions.get(row["id"]),
        )
        for row in rows
    }
    return [links[link_id] for link_id in wanted if link_id in links]


async def _find_deletions(db: Database, link_ids: Sequence[int], now: int) -> dict[int, Deletion]:
    places = number_places(len(link_ids), 2)
    rows = await db.find_all(
        f"{FIND_DELETIONS} ({places}) and l.deleted_at is not null", now, *link_ids
    )
    return {row["id"]: _read_deletion(row) for row in rows}


def _read_deletion(row: Row) -> Deletion:
    user_id = row["user_id"]
    by = None if user_id is None else Creator(id=user_id, name=row["name"], email=row["email"])
    return Deletion(
        at=row["deleted_at"],
        by=by,
        is_slug_taken=row["is_slug_taken"] == 1,
        is_slug_resting=row["is_slug_resting"] == 1,
        is_domain_gone=row["is_domain_gone"] == 1,
    )
