"""`/analytics/export`: a stream of single clicks, as CSV or as one JSON object per line."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from shorty.api.analytics_query import AnalyticsQuery, read_question
from shorty.api.operations import Resource
from shorty.api.requests import ApiRequest
from shorty.clicks.export import read_clicks
from shorty.clicks.model import BOT
from shorty.errors import NotFoundError
from shorty.storage.database import Row
from shorty.transfer.tables import write_cell, write_rows
from shorty.webcore.answers import Answer, StreamedAnswer
from shorty.webcore.times import format_time

MEDIA_TYPES: Final = {"csv": b"text/csv; charset=utf-8", "ndjson": b"application/x-ndjson"}
SOURCES: Final[tuple[str, ...]] = ("link", "qr", "bio")

LINES_EXAMPLE: Final = (
    '{"id":"81","occurredAt":"2026-11-22T12:00:00.000Z","linkId":"1162","source":"qr", …}\n'
)

_decode_utm = msgspec.json.Decoder(tuple[str | None, ...]).decode
_encode_json = msgspec.json.Encoder().encode

resource: Final = Resource("Analytics")


class ExportQuery(AnalyticsQuery, frozen=True, kw_only=True):
    format: Annotated[
        Literal["csv", "ndjson"], Meta(description="CSV, or one JSON object per line.")
    ] = "csv"


class ExportedClick(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """`visitor` is the same number for a visitor's clicks on one UTC day; null if unknown."""

    id: str
    occurred_at: str
    link_id: str
    domain: str
    short_code: str
    source: str
    is_bot: bool
    visitor: str | None
    country: str | None
    city: str | None
    referrer: str | None
    browser: str | None
    os: str | None
    device: str | None
    utm_source: str | None
    utm_medium: str | None
    utm_campaign: str | None
    utm_term: str | None
    utm_content: str | None
    rule: str | None
    variant: str | None


COLUMNS: Final = tuple(field.encode_name for field in msgspec.structs.fields(ExportedClick))


@resource.handle(
    "GET /analytics/export",
    "Export single clicks",
    str,
    description="Oldest first, without a limit. `domain` is the one by which the click came; "
    "`rule` is the id of the rule that won it, and `variant` the key of the one drawn. In CSV, the "
    "first row contains the column names, and a text that a spreadsheet would run as a formula "
    "starts with an apostrophe. With `format=ndjson`, the response is `application/x-ndjson`: one "
    "JSON object per line, with the same names. Clicks older than the plan's retention are not "
    "included.",
    query=ExportQuery,
    answer_example=f"{','.join(COLUMNS)}\r\n81,2026-11-22T12:00:00.000Z,1162,go.example.com,"
    "sale,qr,false,5577006791947779410,US,Portland,t.co,Safari,iOS,mobile,newsletter,,,,,b90e,a\r\n",
    media_type="text/csv",
    other_examples=((MEDIA_TYPES["ndjson"].decode(), LINES_EXAMPLE),),
    errors=(NotFoundError,),
)
async def export_clicks(request: ApiRequest) -> Answer:
    query = request.read_filters(ExportQuery)
    question = await read_question(request, query)
    pieces = read_clicks(
        request.services.db,
        question.scope,
        question.period.start,
        question.period.end,
        has_bots=query.include_bots,
    )
    write = write_table if query.format == "csv" else write_lines
    head = write_rows([COLUMNS]) if query.format == "csv" else b""
    return StreamedAnswer(
        write_parts(pieces, write, head),
        may_go_on=lambda: request.may_still("read"),
        media_type=MEDIA_TYPES[query.format],
        file_name=f"clicks.{query.format}",
    )


async def write_parts(
    pieces: AsyncIterator[list[Row]],
    write: Callable[[Iterable[ExportedClick]], bytes],
    head: bytes,
) -> AsyncGenerator[bytes]:
    yield head
    async for rows in pieces:
        yield write(map(show_click, rows))


def show_click(row: Row) -> ExportedClick:
    utm = _decode_utm(row["utm"]) if row["utm"] else (None,) * 5
    return ExportedClick(
        id=str(row["id"]),
        occurred_at=format_time(row["at"]),
        link_id=str(row["link_id"]),
        domain=row["host"],
        short_code=row["slug"],
        source=SOURCES[int(row["source"])],
        is_bot=row["kind"] == BOT,
        visitor=str(row["visitor"]) if row["visitor"] else None,
        country=row["country"],
        city=row["city"],
        referrer=row["referrer"],
        browser=row["browser"],
        os=row["os"],
        device=row["device"],
        utm_source=utm[0],
        utm_medium=utm[1],
        utm_campaign=utm[2],
        utm_term=utm[3],
        utm_content=utm[4],
        rule=row["rule_id"],
        variant=row["variant"],
    )


def write_table(clicks: Iterable[ExportedClick]) -> bytes:
    return write_rows(map(write_cell, msgspec.structs.astuple(click)) for click in clicks)


def write_lines(clicks: Iterable[ExportedClick]) -> bytes:
    return b"".join(_encode_json(click) + b"\n" for click in clicks)
