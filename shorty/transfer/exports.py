"""Exports a workspace's links: as a table, or in our own format with all that belongs to them.

Links are read in pieces in the order of their creation, so that memory stays bounded: those with
long rules a few at a time. Public links, which expire after an hour, are left out.
"""

from collections.abc import AsyncGenerator, AsyncIterable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Literal

import msgspec
import structlog

from shorty import __version__
from shorty.bio.model import Block
from shorty.bio.moving import DressedPage, read_dressed_pages
from shorty.clicks.export import ClickIds, find_click_ids, read_stored_clicks
from shorty.domains.model import write_place
from shorty.links.rule_writing import write_rules
from shorty.links.store import decode_fields
from shorty.links.utm_templates import list_templates
from shorty.storage.database import Row, Rows
from shorty.storage.statements import fill_up, number_places
from shorty.transfer.csv_file import write_link
from shorty.transfer.lines import (
    COLUMNS,
    BlockOfPage,
    ClickLine,
    ColorsOfPage,
    CountsLine,
    CountsOfLink,
    ExportLine,
    LinkLine,
    LogoLine,
    PageLine,
    PictureLine,
    TagLine,
    TemplateLine,
    copy_fields,
    encode_block,
    encode_line,
)
from shorty.transfer.model import ExportedLink
from shorty.transfer.progress import TransferProgress
from shorty.transfer.shorty_file import CLICK_TEXTS, KINDS, SOURCES
from shorty.transfer.tables import write_rows

ExportFormat = Literal["csv", "ndjson"]

LINKS_AT_ONCE: Final = 500
# Of their rules. What is made of these takes some seven times as much memory.
LETTERS_AT_ONCE: Final = 2_000_000
NO_COUNTS: Final = CountsOfLink()

COUNT_LINKS: Final = """
select count(*) as links from links where workspace_id = $1 and deleted_at is null
"""
LIST_SIZES: Final = """
select l.id, l.created_at, coalesce(length(l.rules), 0) as size from links l
where l.workspace_id = $1 and l.deleted_at is null and l.is_public = 0
  and l.created_at >= $2 and (l.created_at > $2 or l.id > $3)
order by l.created_at, l.id limit $4
"""
FIND_SIZES: Final = f"""
select l.id, coalesce(length(l.rules), 0) as size from links l
where +l.workspace_id = $1 and l.deleted_at is null
  and l.id in ({number_places(LINKS_AT_ONCE, 2)})
"""  # noqa: S608 - parameters' numbers
FIND_LINKS: Final = f"""
select l.*, d.host, c.clicks, c.scans, c.bio_clicks, c.bots, c.last_click_at
from links l
join domains d on d.id = l.domain_id
join link_counters c on c.link_id = l.id
where +l.workspace_id = $1 and l.deleted_at is null
  and l.id in ({number_places(LINKS_AT_ONCE, 2)})
"""  # noqa: S608 - parameters' numbers
_SLOTS: Final = ", ".join(f"${number}" for number in range(1, LINKS_AT_ONCE + 1))
LIST_TAGS_OF_LINKS: Final = f"""
select lt.link_id, t.name from link_tags lt join tags t on t.id = lt.tag_id
where lt.link_id in ({_SLOTS}) order by lt.link_id, lt.position
"""  # noqa: S608 - parameters' numbers
LIST_ALIASES_OF_LINKS: Final = f"""
select a.link_id, d.host, a.slug from aliases a join domains d on d.id = a.domain_id
where a.link_id in ({_SLOTS}) order by a.link_id, a.position, a.id
"""  # noqa: S608 - parameters' numbers
LIST_TAGS: Final = "select name, color from tags where workspace_id = $1 order by id"
FIND_NEXT_PICTURE: Final = """
select id, purpose, name, png from pictures
where id = (select min(id) from pictures where workspace_id = $1 and id > $2)
"""

log = structlog.get_logger(__name__)

_KIND_NAMES: Final[Mapping[int, Any]] = {number: name for name, number in KINDS.items()}
_SOURCE_NAMES: Final[Mapping[int, Any]] = {number: name for name, number in SOURCES.items()}
_decode_utm = msgspec.json.Decoder(
    tuple[str | None, str | None, str | None, str | None, str | None]
).decode


async def export_table(
    rows: Rows, workspace_id: int, progress: TransferProgress, *, hides_webhooks: bool = False
) -> AsyncGenerator[bytes]:
    """A row for each link, after one that names the columns.

    `hides_webhooks` is for those who may only read: of webhook URLs they get the hosts.
    """
    progress.total = await count_links(rows, workspace_id)
    yield write_rows([COLUMNS])
    async for links in _read_tagged_links(rows, workspace_id, progress):
        yield write_rows(
            write_link(link, tags, hides_webhooks=hides_webhooks) for link, tags in links
        )
    log.info("export_done", workspace_id=workspace_id, format="csv", rows=progress.done)


async def export_selected(
    rows: Rows,
    workspace_id: int,
    pieces: AsyncIterable[Sequence[int]],
    *,
    hides_webhooks: bool = False,
) -> AsyncGenerator[bytes]:
    """As export_table, of the live ones of these links, in their order; up to 500 ids a piece."""
    count = 0
    yield write_rows([COLUMNS])
    async for ids in pieces:
        async for links in _find_links(rows, workspace_id, ids):
            count += len(links)
            tags = await find_tag_names(rows, links)
            yield write_rows(
                write_link(link, tags.get(link.id, ()), hides_webhooks=hides_webhooks)
                for link in links
            )
    log.info("export_done", workspace_id=workspace_id, format="csv", rows=count)


async def _find_links(
    rows: Rows, workspace_id: int, ids: Sequence[int]
) -> AsyncGenerator[list[ExportedLink]]:
    """The live ones in their order, so many at once that their rules are not too large."""
    if not ids:
        return
    found = await rows.find_all(FIND_SIZES, workspace_id, *fill_up(ids, LINKS_AT_ONCE))
    sizes = {row["id"]: row["size"] for row in found}
    for piece in divide_by_size([(each, sizes[each]) for each in ids if each in sizes]):
        yield await _read_piece(rows, workspace_id, piece)


async def _read_piece(rows: Rows, workspace_id: int, ids: list[int]) -> list[ExportedLink]:
    found = await rows.find_all(FIND_LINKS, workspace_id, *fill_up(ids, LINKS_AT_ONCE))
    links = {link.id: link for link in await _decode_links(rows, found)}
    return [links[each] for each in ids if each in links]


def divide_by_size(links: Iterable[tuple[int, int]]) -> Iterator[list[int]]:
    """Pieces of these ids with the sizes of their rules: LETTERS_AT_ONCE, or a single link."""
    piece: list[int] = []
    letters = 0
    for link_id, size in links:
        if piece and letters + size > LETTERS_AT_ONCE:
            yield piece
            piece, letters = [], 0
        piece.append(link_id)
        letters += size
    if piece:
        yield piece


async def export_lines(
    rows: Rows, workspace_id: int, now: int, progress: TransferProgress, *, has_clicks: bool = False
) -> AsyncGenerator[bytes]:
    """All that an import needs to create the same links and bio pages, with passwords as hashes."""
    ids = await find_click_ids(rows) if has_clicks else ClickIds(0, 0)
    progress.total = await count_links(rows, workspace_id) + ids.end - ids.first
    yield encode_line(ExportLine(version=__version__, exported_at=now, has_clicks=has_clicks))
    for row in await rows.find_all(LIST_TAGS, workspace_id):
        yield encode_line(TagLine(name=row["name"], color=row["color"]))
    for template in await list_templates(rows, workspace_id):
        yield encode_line(copy_fields(template, TemplateLine))
    async for row in read_pictures(rows, workspace_id):
        yield encode_line(describe_picture(row))
    async for links in _read_tagged_links(rows, workspace_id, progress):
        lines = (describe_link(link, tags, has_counts=not has_clicks) for link, tags in links)
        yield b"".join(map(encode_line, lines))
    if progress.is_cancelled:
        return
    # Only now, since a page may lead to links of any age.
    async for page in read_dressed_pages(rows, workspace_id, now):
        yield encode_line(describe_page(page))
    if has_clicks:
        async for part in _export_clicks(rows, workspace_id, ids, progress):
            yield part
    log.info("export_done", workspace_id=workspace_id, format="shorty", rows=progress.done)


async def _export_clicks(
    rows: Rows, workspace_id: int, ids: ClickIds, progress: TransferProgress
) -> AsyncGenerator[bytes]:
    """The clicks, then the counts, which include old clicks that have been removed."""
    before = progress.done
    async for end, clicks in read_stored_clicks(rows, workspace_id, ids):
        yield b"".join(encode_line(describe_click(row)) for row in clicks)
        progress.clicks += len(clicks)
        progress.move(before + end - ids.first)
        if progress.is_cancelled:
            return
    async for links in read_links(rows, workspace_id):
        counted = [(link.id, describe_counts(link)) for link in links]
        yield b"".join(
            encode_line(CountsLine(link=str(link_id), counts=counts))
            for link_id, counts in counted
            if counts is not None
        )


async def _read_tagged_links(
    rows: Rows, workspace_id: int, progress: TransferProgress
) -> AsyncGenerator[list[tuple[ExportedLink, tuple[str, ...]]]]:
    """Links with the names of their tags, until the progress is cancelled."""
    async for links in read_links(rows, workspace_id):
        tags = await find_tag_names(rows, links)
        yield [(link, tags.get(link.id, ())) for link in links]
        progress.created += len(links)
        progress.move(progress.done + len(links))
        if progress.is_cancelled:
            return


async def count_links(rows: Rows, workspace_id: int) -> int:
    found = await rows.find_all(COUNT_LINKS, workspace_id)
    return found[0]["links"]


async def read_links(rows: Rows, workspace_id: int) -> AsyncGenerator[list[ExportedLink]]:
    created_at, link_id = -(2**62), 0
    while page := await rows.find_all(LIST_SIZES, workspace_id, created_at, link_id, LINKS_AT_ONCE):
        for piece in divide_by_size((row["id"], row["size"]) for row in page):
            yield await _read_piece(rows, workspace_id, piece)
        created_at, link_id = page[-1]["created_at"], page[-1]["id"]


async def _decode_links(rows: Rows, page: Sequence[Row]) -> list[ExportedLink]:
    """With their aliases; up to LINKS_AT_ONCE."""
    # A dict of the row itself would search all columns for each name.
    names = page[0].keys()
    aliases = await find_alias_texts(rows, [row["id"] for row in page])
    columns = (
        {**dict(zip(names, row, strict=True)), "aliases": aliases.get(row["id"], ())}
        for row in page
    )
    return [decode_fields(values, ExportedLink) for values in columns]


async def find_alias_texts(rows: Rows, ids: list[int]) -> dict[int, tuple[str, ...]]:
    """Each link's aliases as HOST/SLUG, in their order."""
    texts: dict[int, list[str]] = {}
    for row in await rows.find_all(LIST_ALIASES_OF_LINKS, *fill_up(ids, LINKS_AT_ONCE)):
        texts.setdefault(row["link_id"], []).append(write_place(row["host"], row["slug"]))
    return {link_id: tuple(found) for link_id, found in texts.items()}


async def find_tag_names(rows: Rows, links: list[ExportedLink]) -> dict[int, tuple[str, ...]]:
    """The names of each link's tags, in their order."""
    ids = [link.id for link in links]
    names: dict[int, list[str]] = {}
    for row in await rows.find_all(LIST_TAGS_OF_LINKS, *fill_up(ids, LINKS_AT_ONCE)):
        names.setdefault(row["link_id"], []).append(row["name"])
    return {link_id: tuple(found) for link_id, found in names.items()}


async def read_pictures(rows: Rows, workspace_id: int) -> AsyncGenerator[Row]:
    """One at a time, since they are large."""
    after = 0
    while found := await rows.find_all(FIND_NEXT_PICTURE, workspace_id, after):
        yield found[0]
        after = found[0]["id"]


def describe_picture(row: Row) -> LogoLine | PictureLine:
    if row["purpose"] == "logo":
        return LogoLine(id=row["id"], name=row["name"], png=row["png"])
    return PictureLine(id=row["id"], purpose=row["purpose"], name=row["name"], png=row["png"])


def describe_link(link: ExportedLink, tags: tuple[str, ...], *, has_counts: bool) -> LinkLine:
    return copy_fields(
        link,
        LinkLine,
        id=str(link.id),
        domain=link.host,
        url=link.original_url,
        redirect=link.status,
        rules=tuple(write_rules(link.rules)),
        tags=tags,
        counts=describe_counts(link) if has_counts else None,
    )


def describe_counts(link: ExportedLink) -> CountsOfLink | None:
    """None if nothing was counted."""
    counts = copy_fields(link, CountsOfLink)
    return None if counts == NO_COUNTS else counts


def describe_page(page: DressedPage) -> PageLine:
    settings = page.settings
    picture = settings.picture
    # If its picture was deleted, the page shows the icon.
    is_picture_lost = picture is None and settings.avatar == "picture"
    return copy_fields(
        settings,
        PageLine,
        link=str(page.id),
        avatar="icon" if is_picture_lost else settings.avatar,
        picture=picture.id if picture else None,
        colors=copy_fields(settings.colors, ColorsOfPage),
        blocks=tuple(encode_block(describe_block(block)) for block in page.blocks),
        updated_at=page.updated_at,
    )


def describe_block(block: Block) -> BlockOfPage:
    return copy_fields(
        block,
        BlockOfPage,
        link=str(block.target.id) if block.target else None,
        picture=block.picture.id if block.picture else None,
    )


def describe_click(row: Row) -> ClickLine:
    return ClickLine(
        link=str(row["link_id"]),
        at=row["at"],
        by=_KIND_NAMES[row["kind"]],
        source=_SOURCE_NAMES[row["source"]],
        visitor=str(row["visitor"]),
        **{name: row[name] for name in CLICK_TEXTS},
        domain=row["host"],
        utm=_decode_utm(row["utm"]) if row["utm"] else None,
        rule=row["rule_id"],
        variant=row["variant"],
    )
