"""`/app/links/{id}/clicks.csv`: a link's single clicks as a file, the latest first.

They are read like the page's, some at a time, so that memory stays bounded and only the quarter
hours in which the link was clicked are read.
"""

from collections.abc import AsyncGenerator
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from shorty.clicks.breakdown import name_site
from shorty.clicks.latest import Place, list_latest_clicks
from shorty.clicks.model import Click
from shorty.links.model import Link
from shorty.storage.database import Database
from shorty.transfer.tables import Cell
from shorty.web.csv_files import (
    name_file,
    send_csv,
    write_cells,
    write_exact,
    write_heading,
    write_local,
)
from shorty.web.date_range import is_on, read_span
from shorty.web.formatting import name_country
from shorty.web.guard import Pages
from shorty.web.link_form import get_link
from shorty.web.link_page import may_still_watch
from shorty.web.requests import WebRequest
from shorty.webcore.answers import Answer

pages = Pages()

ALL: Final = "all"
AT_ONCE: Final = 2000
SOURCES: Final = ("Link", "QR code", "Bio page")
HEADING: Final = (
    *("Time", "Time (ISO 8601)", "Country", "Country code", "City", "Referrer", "Referrer host"),
    *("Browser", "System", "Device", "Source", "Bot"),
    *("UTM source", "UTM medium", "UTM campaign", "UTM term", "UTM content"),
)
NO_UTM: Final = (None,) * 5
_decode_utm = msgspec.json.Decoder(tuple[str | None, ...]).decode


@pages.handle("GET /links/{link_id}/clicks.csv")
async def send_clicks(request: WebRequest) -> Answer:
    """`range=all` asks for every click that is kept, as the page of clicks shows them."""
    link = await get_link(request)
    query = request.read_query()
    span = None if query.get("range") == ALL else read_span(query, request.zone, request.now)
    parts = write_clicks(
        request.services.db,
        link,
        (span.period.start, span.period.end) if span else (0, Place().at),
        request.zone,
        has_bots=is_on(query.get("bots", "")),
    )
    return send_csv(
        request,
        name_file("clicks", span.period if span else None, link),
        parts,
        may_go_on=lambda: may_still_watch(request, link),
    )


async def write_clicks(
    db: Database, link: Link, bounds: tuple[int, int], zone: ZoneInfo, *, has_bots: bool
) -> AsyncGenerator[bytes]:
    yield write_heading(HEADING)
    start, end = bounds
    place: Place | None = Place(end)  # the clicks before that moment
    while place is not None and place.at > start:
        found = await list_latest_clicks(
            db, link.workspace_id, link.id, place, AT_ONCE, has_bots=has_bots
        )
        yield write_cells(
            describe_click(click, zone) for click in found.clicks if click.at >= start
        )
        place = found.next


def describe_click(click: Click, zone: ZoneInfo) -> tuple[Cell, ...]:
    return (
        *(write_local(click.at, zone), write_exact(click.at, zone)),
        *(name_country(click.country) if click.country else None, click.country, click.city),
        *(name_site(click.referrer), click.referrer, click.browser, click.os, click.device),
        *(SOURCES[click.source], "yes" if click.is_bot else "no"),
        *(_decode_utm(click.utm) if click.utm else NO_UTM),
    )
