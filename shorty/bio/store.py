"""Every statement about pages and blocks; the table of links says which links are pages."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from shorty.bio.model import Block, Colors, PageSettings, Social, Target
from shorty.domains.model import write_short_url
from shorty.links.destination import destination_host
from shorty.links.pictures import StoredPicture
from shorty.storage.database import Reader, Row, Rows, Transaction

_PICTURE: Final = """
i.id as picture_id, i.purpose as picture_purpose, i.name as picture_name, i.key as picture_key,
i.width as picture_width, i.height as picture_height, i.created_at as picture_created_at
"""
LIST_PAGE_IDS: Final = """
select id from links
where workspace_id = $1 and deleted_at is null and is_link_in_bio = 1 and id > $2
order by id limit $3
"""
LIST_DRESSED_IDS: Final = """
select l.id from links l
where l.workspace_id = $1 and l.deleted_at is null and l.is_link_in_bio = 1 and l.is_public = 0
  and l.id > $2
  and (exists (select 1 from bio_pages p where p.link_id = l.id)
    or exists (select 1 from bio_blocks b where b.page_id = l.id))
order by l.id limit $3
"""
FIND_DRESS: Final = """
select link_id as id from bio_pages where link_id = $1
union all
select id from bio_blocks where page_id = $1
limit 1
"""
FIND_SETTINGS: Final = f"""
select l.favicon_url, p.*, {_PICTURE}
from links l
left join bio_pages p on p.link_id = l.id
left join pictures i on i.id = p.picture_id
where l.id = $1
"""  # noqa: S608 - the names of our own columns
# A target that has not started, is used up or has expired counts as missing. A deleted link has no
# button until the link is restored.
LIST_BLOCKS: Final = f"""
select b.id, b.kind, b.text, b.url, b.is_hidden, b.shown_from, b.shown_until, b.created_at,
       {_PICTURE},
       l.id as target_id, l.title, l.slug, l.url as target_url, l.favicon_url, d.host, d.scheme,
       case when l.is_active = 1 and l.is_admin_blocked = 0
         and d.verified_at is not null and d.removed_at is null
         and (l.valid_since is null or l.valid_since <= $2)
         and (l.expires_at is null or l.expires_at > $2)
         and (l.max_clicks is null or l.max_clicks > coalesce(c.total, 0))
       then 1 else 0 end as is_open
from bio_blocks b
left join pictures i on i.id = b.picture_id
left join links l on l.id = b.target_id and l.deleted_at is null
left join domains d on d.id = l.domain_id
left join link_counters c on c.link_id = l.id
where b.page_id = $1 and (b.target_id is null or l.id is not null)
order by b.position, b.id
"""  # noqa: S608 - the names of our own columns
PUT_SETTINGS: Final = """
insert into bio_pages (
  link_id, title, description, is_button_shown, avatar, picture_id, theme, colors, socials,
  updated_at
) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
on conflict (link_id) do update set
  title = excluded.title, description = excluded.description,
  is_button_shown = excluded.is_button_shown, avatar = excluded.avatar,
  picture_id = excluded.picture_id, theme = excluded.theme, colors = excluded.colors,
  socials = excluded.socials, updated_at = excluded.updated_at
"""
FIND_TARGET: Final = """
select id from links where id = $1 and workspace_id = $2 and deleted_at is null
"""
INSERT_BLOCK: Final = """
insert into bio_blocks (
  page_id, position, kind, target_id, text, url, picture_id, is_hidden, shown_from, shown_until,
  created_at
) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
"""
UPDATE_BLOCK: Final = """
update bio_blocks set (target_id, text, url, picture_id, is_hidden, shown_from, shown_until)
  = ($3, $4, $5, $6, $7, $8, $9)
where page_id = $1 and id = $2
"""
MOVE_BLOCK: Final = "update bio_blocks set position = $3 where page_id = $1 and id = $2"
DELETE_BLOCK: Final = "delete from bio_blocks where page_id = $1 and id = $2"

_SOCIALS: Final = msgspec.json.Decoder(tuple[Social, ...])
_COLORS: Final = msgspec.json.Decoder(Colors)


class StoredPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page's own columns; `icon_path` is that of its link's destination."""

    settings: PageSettings
    icon_path: str
    updated_at: int | None


def read_whole_page(rows: Reader, link_id: int, now: int) -> tuple[StoredPage, tuple[Block, ...]]:
    row = rows.find_one(FIND_SETTINGS, link_id)
    blocks = rows.find_all(LIST_BLOCKS, link_id, now)
    return read_page(row), tuple(map(read_block, blocks))


async def find_page(rows: Rows, link_id: int, now: int) -> tuple[StoredPage, tuple[Block, ...]]:
    found = await rows.find_all(FIND_SETTINGS, link_id)
    blocks = await rows.find_all(LIST_BLOCKS, link_id, now)
    return read_page(found[0] if found else None), tuple(map(read_block, blocks))


def find_page_to_change(
    tx: Transaction, link_id: int, now: int
) -> tuple[StoredPage, tuple[Block, ...]]:
    row = tx.find_one(FIND_SETTINGS, link_id)
    blocks = tx.find_all(LIST_BLOCKS, link_id, now)
    return read_page(row), tuple(map(read_block, blocks))


def read_page(row: Row | None) -> StoredPage:
    if row is None or row["link_id"] is None:
        icon_path = row["favicon_url"] if row is not None else ""
        return StoredPage(settings=PageSettings(), icon_path=icon_path, updated_at=None)
    colors = row["colors"]
    settings = PageSettings(
        title=row["title"],
        description=row["description"],
        is_button_shown=bool(row["is_button_shown"]),
        avatar=row["avatar"],
        picture=read_picture(row),
        theme=row["theme"],
        colors=_COLORS.decode(colors) if colors else Colors(),
        socials=_SOCIALS.decode(row["socials"]),
    )
    return StoredPage(settings=settings, icon_path=row["favicon_url"], updated_at=row["updated_at"])


def read_block(row: Row) -> Block:
    return Block(
        id=row["id"],
        kind=row["kind"],
        target=None if row["target_id"] is None else _read_target(row),
        text=row["text"],
        url=row["url"],
        picture=read_picture(row),
        is_hidden=bool(row["is_hidden"]),
        shown_from=row["shown_from"],
        shown_until=row["shown_until"],
        created_at=row["created_at"],
    )


def read_picture(row: Row) -> StoredPicture | None:
    if row["picture_key"] is None:
        return None
    names = StoredPicture.__struct_fields__
    values: dict[str, Any] = {name: row[f"picture_{name}"] for name in names}
    return StoredPicture(**values)


def _read_target(row: Row) -> Target:
    return Target(
        id=row["target_id"],
        title=row["title"],
        short_url=write_short_url(row["scheme"], row["host"], row["slug"]),
        place=destination_host(row["target_url"]),
        icon_path=row["favicon_url"],
        is_open=bool(row["is_open"]),
    )


def put_settings(tx: Transaction, link_id: int, settings: PageSettings, now: int) -> None:
    colors = settings.colors
    tx.execute(
        PUT_SETTINGS,
        link_id,
        settings.title,
        settings.description,
        int(settings.is_button_shown),
        settings.avatar,
        settings.picture.id if settings.picture else None,
        settings.theme,
        None if colors == Colors() else msgspec.json.encode(colors).decode(),
        msgspec.json.encode(settings.socials).decode(),
        now,
    )


def move_blocks(tx: Transaction, link_id: int, block_ids: Sequence[int]) -> None:
    """Renumbers the page's blocks in this order."""
    tx.execute_many(
        MOVE_BLOCK, [(link_id, block_id, place) for place, block_id in enumerate(block_ids)]
    )
