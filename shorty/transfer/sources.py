"""Names the reader of each source. Those of Kutt, Shlink and Bitly are here.

Each of the three gives its links as a table, or as what its API answers.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, TypeAlias

from msgspec.structs import replace

from shorty.links.imported_history import Counts, Past
from shorty.links.model import LinkChange
from shorty.transfer.csv_file import leave_domains, read_csv, take_note
from shorty.transfer.dub import read_dub
from shorty.transfer.files import Hints, InvalidFileError, OpenFile
from shorty.transfer.json_file import (
    Entry,
    as_object,
    dig,
    parse_count,
    parse_host,
    parse_names,
    parse_text,
    parse_title,
    read_entries,
)
from shorty.transfer.model import ImportedLink, Item, SourceName
from shorty.transfer.remarks import Notes
from shorty.transfer.short_links import split_short_url
from shorty.transfer.shorty_file import read_shorty
from shorty.transfer.sql import is_dump
from shorty.transfer.tables import Table
from shorty.transfer.terms import fold_entry, make_item, read_date, read_end, read_terms
from shorty.transfer.yourls import read_yourls

Reader: TypeAlias = Callable[[OpenFile], Iterator[Item]]
"""Raises InvalidFileError, also while it is read."""

# Domains that Bitly keeps: of a link on one of them only the slug can move.
BITLYS_OWN: Final = frozenset({"bit.ly", "j.mp", "bitly.com"})
# An archived link goes on redirecting there.
HARMLESS_AT_BITLY: Final = frozenset({"archived", "isarchived"})


def read_kutt(file: OpenFile) -> Iterator[Item]:
    if not file.is_json():
        return map(take_note, read_csv(file))
    return read_entries(file, [("data",)], build_kutt_link, "Kutt's API", destination="target")


def build_kutt_link(entry: Entry, place: str) -> Iterator[ImportedLink]:
    """Its description is a note, so it becomes the title."""
    notes = Notes()
    url = parse_text(entry.get("target"))
    terms = read_terms(fold_entry(entry), notes, destination=url)
    clicks = parse_count(entry.get("visit_count"))
    change = LinkChange(
        url=url,
        domain=parse_host(entry.get("domain")),
        slug=parse_text(entry.get("address")) or None,
        title=parse_title(entry.get("description")),
        expires_at=read_end(entry.get("expire_in"), notes),
        made_through="import",
    )
    past = Past(
        created_at=read_date(entry.get("created_at"), notes),
        updated_at=read_date(entry.get("updated_at"), notes),
        counts=Counts(clicks=clicks) if clicks else None,
    )
    yield make_item(place, change, past, terms, notes)


def read_shlink(file: OpenFile) -> Iterator[Item]:
    if not file.is_json():
        return read_csv(file)
    return read_entries(
        file, [("shortUrls", "data")], build_shlink_link, "Shlink's REST API", destination="longUrl"
    )


def build_shlink_link(entry: Entry, place: str) -> Iterator[ImportedLink]:
    notes = Notes()
    url = parse_text(entry.get("longUrl"))
    cells = fold_entry(entry) | fold_entry(as_object(entry.get("meta")))
    terms = read_terms(cells, notes, destination=url)
    change = LinkChange(
        url=url,
        domain=parse_host(entry.get("domain")),
        slug=parse_text(entry.get("shortCode")) or None,
        title=parse_title(entry.get("title")),
        expires_at=read_end(dig(entry, "meta", "validUntil"), notes),
        tag_names=parse_names(entry.get("tags")),
        forward_parameters=entry.get("forwardQuery") is True,
        made_through="import",
    )
    # Releases before 3.6 give one number, later ones separate bots.
    total = parse_count(dig(entry, "visitsSummary", "total") or entry.get("visitsCount"))
    bots = min(total, parse_count(dig(entry, "visitsSummary", "bots")))
    if terms.max_clicks and total >= terms.max_clicks:
        notes.close("used up")  # bots count there
    counts = Counts(clicks=total - bots, bots=bots) if total else None
    past = Past(created_at=read_date(entry.get("dateCreated"), notes), counts=counts)
    yield make_item(place, change, past, terms, notes)


def read_bitly(file: OpenFile) -> Iterator[Item]:
    if file.is_json():
        return read_entries(
            file, [("links",)], build_bitly_links, "Bitly's API", destination="long_url"
        )
    items = read_csv(file, harmless=HARMLESS_AT_BITLY)
    return (leave_domains(item, BITLYS_OWN) for item in items)


def build_bitly_links(entry: Entry, place: str) -> Iterator[ImportedLink]:
    """A link for each name on a domain of one's own; if it has none, one for its first name."""
    custom = parse_names(entry.get("custom_bitlinks"))
    short_urls = [*custom, *filter(None, [parse_text(entry.get("link") or entry.get("id"))])]
    named = [split_short_url(short_url) for short_url in short_urls]
    branded = [(host, slug) for host, slug in named if host.lower() not in BITLYS_OWN]
    notes = Notes()
    url = parse_text(entry.get("long_url"))
    terms = read_terms(fold_entry(entry), notes, destination=url, harmless=HARMLESS_AT_BITLY)
    change = LinkChange(
        url=url,
        title=parse_title(entry.get("title")),
        expires_at=read_end(entry.get("expiration_at"), notes),
        tag_names=parse_names(entry.get("tags")),
        made_through="import",
    )
    past = Past(created_at=read_date(entry.get("created_at"), notes))
    for host, slug in branded or [("", slug) for _, slug in named[:1]] or [("", "")]:
        named_so = replace(change, domain=host, slug=slug or None)
        yield make_item(place, named_so, past, terms, notes)


def read_headings(source: SourceName, path: Path, hints: Hints) -> tuple[str, ...]:
    """Those of a table's columns; none if it is no table or can't be read."""
    try:
        file = OpenFile(path, hints=hints)
    except InvalidFileError:
        return ()
    try:
        if source == "shorty" or file.is_json() or is_dump(file.read_start()):
            return ()
        return tuple(filter(None, Table(file).headings))
    except InvalidFileError:
        return ()
    finally:
        file.close()


READERS: Final[dict[SourceName, Reader]] = {
    "csv": read_csv,
    "shorty": read_shorty,
    "yourls": read_yourls,
    "kutt": read_kutt,
    "shlink": read_shlink,
    "bitly": read_bitly,
    "dub": read_dub,
}
