"""Reads Shlink's short URLs: the table of its web client, or what its REST API answers."""

from collections.abc import Iterator
from typing import Final

from shorty.links.imported_history import Counts, Past
from shorty.links.model import LinkChange
from shorty.transfer.csv_file import read_csv
from shorty.transfer.documents import (
    Entry,
    dig,
    read_count,
    read_entries,
    read_names,
    read_text,
)
from shorty.transfer.files import OpenFile
from shorty.transfer.model import ImportedLink, Item
from shorty.transfer.times import read_time

DEFAULT: Final = frozenset({"", "default"})


def read_shlink(file: OpenFile) -> Iterator[Item]:
    """Raises InvalidFileError."""
    if not file.is_json():
        return read_csv(file)
    return read_entries(file, [("shortUrls", "data")], read_entry, "answer of Shlink's REST API")


def read_entry(entry: Entry, place: str) -> Iterator[ImportedLink]:
    """The domain is null where it is Shlink's default one."""
    domain = read_text(entry.get("domain"))
    change = LinkChange(
        url=read_text(entry.get("longUrl")),
        domain="" if domain.lower() in DEFAULT else domain,
        slug=read_text(entry.get("shortCode")) or None,
        title=read_text(entry.get("title")) or None,
        expires_at=read_time(read_text(dig(entry, "meta", "validUntil"))),
        max_clicks=read_count(dig(entry, "meta", "maxVisits")) or None,
        tag_names=read_names(entry.get("tags")),
        forward_parameters=entry.get("forwardQuery") is True,
        made_through="import",
    )
    past = Past(created_at=read_time(read_text(entry.get("dateCreated"))), counts=_count(entry))
    yield ImportedLink(place=place, change=change, past=past)


def _count(entry: Entry) -> Counts | None:
    """Releases before 3.6 tell one number, later ones bots apart."""
    total = read_count(dig(entry, "visitsSummary", "total") or entry.get("visitsCount"))
    bots = min(total, read_count(dig(entry, "visitsSummary", "bots")))
    return Counts(clicks=total - bots, bots=bots) if total else None
