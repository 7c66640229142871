"""Owns how the dashboard's CSV files are written: for people who open them in a spreadsheet.

They begin with a byte order mark: Excel reads a CSV file without one in the code page of the
machine, and spoils every name that is not plain ASCII. No cell is run as a formula. Times are in
the viewer's zone, first as spreadsheets read them, then in ISO 8601 with the offset.
"""

import codecs
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from shorty.clicks.periods import Period
from shorty.links.model import Link
from shorty.transfer.tables import Cell, write_cell, write_rows
from shorty.web.formatting import read_moment
from shorty.web.rendering import list_cookie_headers, list_page_headers
from shorty.web.requests import WebRequest
from shorty.webcore.answers import StreamedAnswer

MEDIA_TYPE: Final = b"text/csv; charset=utf-8"
LONGEST_NAME: Final = 100
_UNUSUAL: Final = re.compile(r"[^A-Za-z0-9._-]+")


class Table(msgspec.Struct, frozen=True, kw_only=True):
    heading: Sequence[str]
    rows: Iterable[Sequence[Cell]]


def send_csv(
    request: WebRequest,
    name: str,
    parts: AsyncGenerator[bytes],
    may_go_on: Callable[[], Awaitable[bool]] | None = None,
) -> StreamedAnswer:
    """A download of that name; it is broken off when its reader loses the right to it."""
    return StreamedAnswer(
        parts,
        may_go_on=may_go_on or (lambda: request.may_still("read")),
        media_type=MEDIA_TYPE,
        file_name=f"{name}.csv",
        headers=[*list_page_headers(request), *list_cookie_headers(request)],
    )


def write_heading(heading: Sequence[str]) -> bytes:
    return codecs.BOM_UTF8 + write_rows([heading])


def write_cells(rows: Iterable[Sequence[Cell]]) -> bytes:
    return write_rows(map(write_cell, row) for row in rows)


async def write_table(table: Table) -> AsyncGenerator[bytes]:
    yield write_heading(table.heading) + write_cells(table.rows)


def name_file(what: str, period: Period | None, link: Link | None = None) -> str:
    """Says what the file is about, in characters that every system takes."""
    parts = [f"{link.host}-{link.slug}" if link else "overview", what]
    if period is not None:
        first, last = (
            f"{read_moment(at, period.zone):%Y-%m-%d}" for at in (period.start, period.end - 1)
        )
        parts += [first] if first == last else [first, "to", last]
    named = [_UNUSUAL.sub("-", part).strip("-.")[:LONGEST_NAME].rstrip("-.") for part in parts]
    return "-".join(part for part in named if part)


def write_local(at: int, zone: ZoneInfo) -> str:
    """A time as spreadsheets read it."""
    return f"{read_moment(at, zone):%Y-%m-%d %H:%M:%S}"


def write_exact(at: int, zone: ZoneInfo) -> str:
    """ISO 8601 with the zone's offset at that moment."""
    return read_moment(at, zone).isoformat(timespec="seconds")
