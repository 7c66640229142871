"""Reads YOURLS: a dump of its database, the tables that its plugins export, or its API's answers.

Only the dump has single clicks. Visitors' IP addresses are not read.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeAlias

import msgspec

from shorty.clicks.model import LONGEST_USER_AGENT, Click, Visit, read_referrer
from shorty.clicks.store import read_click
from shorty.links.imported_history import Counts, Past
from shorty.links.model import LinkChange
from shorty.transfer.csv_file import read_csv
from shorty.transfer.files import Fault, InvalidFileError, OpenFile
from shorty.transfer.json_file import Entry, parse_count, parse_text, read_entries
from shorty.transfer.model import ImportedClick, ImportedCounts, ImportedLink, Item
from shorty.transfer.remarks import Notes
from shorty.transfer.short_links import split_short_url
from shorty.transfer.sql import SqlRow, is_dump, read_rows
from shorty.transfer.states import END_FIELDS, find_field
from shorty.transfer.terms import fold_entry, make_item, read_date, read_end, read_terms
from shorty.transfer.times import parse_time

# In the order in which YOURLS creates them, for dumps that do not name the columns.
URL_COLUMNS: Final = ("keyword", "url", "title", "timestamp", "ip", "clicks")
LOG_COLUMNS: Final = (
    *("click_id", "click_time", "shorturl", "referrer", "user_agent", "ip_address"),
    "country_code",
)
OPTION_COLUMNS: Final = ("option_id", "option_name", "option_value")
URL_TABLE: Final = re.compile(r"(?:\w*_)?url")
OPTIONS_TABLE: Final = re.compile(r"(?:\w*_)?options")
Passwords: TypeAlias = dict[str, str] | list[str] | None
PROTECTION: Final = "matthew_pwprotection"
"""The option in which the plugin Password Protection keeps passwords by keyword, as JSON."""
_COUNTRY: Final = re.compile(r"[A-Z]{2}")


def read_yourls(file: OpenFile) -> Iterator[Item]:
    if is_dump(file.read_start()):
        return read_dump(file)
    if file.is_json():
        # Its own API numbers the links, the plugins that list all of them give a list.
        paths = [("links",), ("result",)]
        return read_entries(
            file, paths, build_api_link, "YOURLS's API", destination="url", takes_objects=True
        )
    return read_csv(file)


def read_dump(file: OpenFile) -> Iterator[Item]:
    """First the links, then their clicks, which come before them in the file."""
    passwords = find_passwords(file)
    counts: dict[str, int] = {}
    prefix: str | None = None
    for row in read_rows(file, _find_url_columns):
        if isinstance(row, Fault):
            yield row
            continue
        prefix = row.table.removesuffix("url")
        item = build_dumped_link(row, passwords)
        yield item
        if isinstance(item, ImportedLink) and item.ref is not None:
            counts[item.ref] = parse_count(row.cells.get("clicks"))
    if prefix is None:
        raise InvalidFileError("This dump has no table of YOURLS's links, such as yourls_url.")
    log = f"{prefix}log"
    for row in read_rows(file, lambda table: LOG_COLUMNS if table == log else None):
        if isinstance(row, Fault):
            yield row
        elif (click := build_dumped_click(row)) is not None:
            yield ImportedClick(ref=row.cells.get("shorturl", ""), click=click)
    for keyword, clicks in counts.items():
        if clicks:
            yield ImportedCounts(ref=keyword, counts=Counts(clicks=clicks))


def _find_url_columns(table: str) -> Sequence[str] | None:
    return URL_COLUMNS if URL_TABLE.fullmatch(table) else None


def find_passwords(file: OpenFile) -> dict[str, str]:
    """Of the plugin Password Protection, by keyword. Raises InvalidFileError if unreadable."""
    if not _mentions(file, PROTECTION.encode()):
        return {}
    passwords: dict[str, str] = {}
    for row in read_rows(file, _find_option_columns):
        if isinstance(row, SqlRow) and row.cells.get("option_name") == PROTECTION:
            passwords |= _read_passwords(row)
    return passwords


def _mentions(file: OpenFile, name: bytes) -> bool:
    end = b""
    for piece in file.read_pieces():
        if name in end + piece:
            return True
        end = piece[-len(name) :]
    return False


def _find_option_columns(table: str) -> Sequence[str] | None:
    return OPTION_COLUMNS if OPTIONS_TABLE.fullmatch(table) else None


def _read_passwords(row: SqlRow) -> dict[str, str]:
    """PHP writes an array as a list where its keys are 0, 1, 2 and so on."""
    text = row.cells.get("option_value") or "null"
    try:
        kept: Passwords = msgspec.json.decode(text, type=Passwords)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise InvalidFileError(
            f"The passwords of the plugin Password Protection can't be read ({row.place}), and "
            "its links would open to everyone. Remove that row to import them without passwords."
        ) from None
    if isinstance(kept, list):
        return {str(number): password for number, password in enumerate(kept)}
    return kept or {}


def build_dumped_link(row: SqlRow, passwords: Mapping[str, str]) -> ImportedLink | Fault:
    keyword = row.cells.get("keyword", "")
    cells = row.cells
    if keyword in passwords:
        cells = {**cells, "password": passwords[keyword]}
    try:
        return build_link(cells, row.place, keyword)
    except ValueError as error:
        return Fault(place=row.place, subject=keyword[:200], message=str(error))


def build_link(
    cells: Mapping[str, object], place: str, keyword: str, domain: str = "", clicks: int = 0
) -> ImportedLink:
    """Plugins add fields for states and ends. Raises ValueError."""
    folded, notes = fold_entry(cells), Notes()
    url = parse_text(cells.get("url"))
    terms = read_terms(folded, notes, destination=url)
    change = LinkChange(
        url=url,
        domain=domain,
        slug=keyword or None,
        title=parse_text(cells.get("title")) or None,
        expires_at=read_end(find_field(folded, END_FIELDS), notes),
        made_through="import",
    )
    past = Past(
        created_at=read_date(cells.get("timestamp"), notes),
        counts=Counts(clicks=clicks) if clicks else None,
    )
    return make_item(place, change, past, terms, notes, keyword or None)


def build_dumped_click(row: SqlRow) -> Click | None:
    """None where its time is missing or can't be read."""
    cells = row.cells
    try:
        at = parse_time(cells.get("click_time"))
    except ValueError:
        return None
    if at is None:
        return None
    country = cells.get("country_code", "").upper()
    return read_click(
        Visit(
            at=at,
            link_id=0,
            visitor=0,
            country=country if _COUNTRY.fullmatch(country) else "",
            user_agent=cells.get("user_agent", "")[:LONGEST_USER_AGENT],
            referrer=read_referrer(cells.get("referrer", "")),
        )
    )


def build_api_link(entry: Entry, place: str) -> Iterator[ImportedLink]:
    """YOURLS may be installed in a folder, which is not part of the slug."""
    host, path = split_short_url(parse_text(entry.get("shorturl")))
    keyword = parse_text(entry.get("keyword")) or path.rpartition("/")[2]
    yield build_link(entry, place, keyword, host, parse_count(entry.get("clicks")))
