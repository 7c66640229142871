"""Downloads from the list: links as CSV, and their QR codes as a ZIP archive."""

import io
import zipfile
from collections.abc import AsyncGenerator, Sequence
from functools import partial
from typing import Final

from msgspec.structs import replace

from shorty.accounts.model import Scope
from shorty.accounts.roles import is_allowed
from shorty.errors import ConflictError, InvalidFieldsError
from shorty.links import service
from shorty.links.bulk_jobs import sum_up
from shorty.links.listing import list_links
from shorty.links.model import Link, LinkFilter, QrSettings
from shorty.qr.symbol import write_scanned_url
from shorty.transfer.exports import LINKS_AT_ONCE, export_selected
from shorty.web.cookies import Notice
from shorty.web.formatting import read_moment
from shorty.web.guard import Pages
from shorty.web.link_list import MOST_CODES, MOST_SELECTED, read_back, read_listing
from shorty.web.link_selection import read_selection
from shorty.web.rendering import list_cookie_headers, list_page_headers, see_other
from shorty.web.requests import WebRequest
from shorty.webcore.answers import Answer, StreamedAnswer
from shorty.webcore.qr_drawings import MEMBERS_DRAWINGS, Format, draw, find_logo

pages = Pages()

READ_AT_ONCE: Final = 100
CSV: Final = b"text/csv; charset=utf-8"
ZIP: Final = b"application/zip"
# A file's time in the archive must not be before 1980; this one says that it means nothing.
_NO_TIME: Final = (1980, 1, 1, 0, 0, 0)


@pages.handle("GET /links/found.csv")
async def send_found(request: WebRequest) -> Answer:
    """Every link that the list with this query has, however many."""
    wanted = read_listing(request.read_query())
    if wanted.is_of_deleted:
        raise ConflictError("Deleted links can't be exported. Restore them first.")
    return send_table(request, read_found_ids(request, wanted.build_filter(request.now)))


@pages.handle("POST /links/download")
async def send_selected(request: WebRequest) -> Answer:
    """The selected links, or all that were found: `action` is csv, svg or png."""
    typed = request.typed
    back, action = read_back(typed.read("back")), typed.read("action")
    try:
        link_ids = await read_wanted(
            request, back, MOST_CODES if action != "csv" else MOST_SELECTED
        )
    except (InvalidFieldsError, ConflictError) as error:
        notice = Notice(text=f"{sum_up(error).rstrip('.')}.", is_alarm=True)
        return see_other(request, back, notice=notice)
    if action == "csv":
        return send_table(request, cut_ids(link_ids))
    picture: Format = "png" if action == "png" else "svg"
    return send_file(request, "read", pack_codes(request, link_ids, picture), ZIP, "qr-codes.zip")


async def read_wanted(request: WebRequest, back: str, most: int) -> tuple[int, ...]:
    """Raises as read_selection does, and InvalidFieldsError for no links, or more than `most`."""
    link_ids = await read_selection(request, back)
    if not link_ids:
        raise InvalidFieldsError({"ids": "Select links first"})
    if len(link_ids) > most:
        raise InvalidFieldsError({"ids": f"Select up to {most:,} links for this"})
    return link_ids


def send_table(request: WebRequest, pieces: AsyncGenerator[Sequence[int]]) -> Answer:
    actor = request.actor
    scope: Scope = "write" if is_allowed(actor, "write") else "read"
    parts = export_selected(
        request.services.db, actor.workspace_id, pieces, hides_webhooks=scope == "read"
    )
    day = read_moment(request.now, request.zone)
    return send_file(request, scope, parts, CSV, f"links-{day:%Y-%m-%d}.csv")


async def read_found_ids(request: WebRequest, wanted: LinkFilter) -> AsyncGenerator[Sequence[int]]:
    cursor: str | None = None
    while True:
        cut = replace(wanted, cursor=cursor, limit=LINKS_AT_ONCE)
        page = await list_links(request.services.links, request.actor, cut)
        yield [link.id for link in page.links]
        cursor = page.next_cursor
        if cursor is None:
            return


async def cut_ids(
    link_ids: Sequence[int], size: int = LINKS_AT_ONCE
) -> AsyncGenerator[Sequence[int]]:
    for first in range(0, len(link_ids), size):
        yield link_ids[first : first + size]


async def pack_codes(
    request: WebRequest, link_ids: Sequence[int], picture: Format
) -> AsyncGenerator[bytes]:
    """One file per link, named after its short link; memory holds one code at a time."""
    pipe = _Pipe()
    kind = zipfile.ZIP_STORED if picture == "png" else zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(pipe, "w", kind) as archive:
        async for ids in cut_ids(link_ids, READ_AT_ONCE):
            for link in await service.find_links(request.services.links, request.actor, ids):
                drawn = await draw_code(request, link, picture)
                info = zipfile.ZipInfo(f"{name_file(link)}.{picture}", _NO_TIME)
                info.compress_type = kind
                archive.writestr(info, drawn)
                yield pipe.take()
    yield pipe.take()


async def draw_code(request: WebRequest, link: Link, picture: Format) -> bytes:
    settings = link.qr_settings or QrSettings()
    logo = await find_logo(request.services, link.workspace_id, settings)
    work = partial(draw, settings, write_scanned_url(link), logo, picture)
    return await MEMBERS_DRAWINGS.run(f"workspace {link.workspace_id}", work)


def name_file(link: Link) -> str:
    """`go.example_docs-api`, unique by the link's id, without signs that lead to another folder."""
    host, slug = link.host.replace(":", "-"), link.slug.replace("/", "-")
    return f"{host}_{slug}_{link.id}"


def send_file(
    request: WebRequest,
    scope: Scope,
    parts: AsyncGenerator[bytes],
    media_type: bytes,
    file_name: str,
) -> Answer:
    """It is broken off when its reader loses the right to it."""
    return StreamedAnswer(
        parts,
        may_go_on=lambda: request.may_still(scope),
        media_type=media_type,
        file_name=file_name,
        headers=[*list_page_headers(request), *list_cookie_headers(request)],
    )


class _Pipe(io.RawIOBase):
    """What an archive writes, until it is taken; it cannot be read back or moved in."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        part = bytes(data)  # pyright: ignore[reportArgumentType] - a buffer
        self._parts.append(part)
        return len(part)

    def take(self) -> bytes:
        taken = b"".join(self._parts)
        self._parts.clear()
        return taken
