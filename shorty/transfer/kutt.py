"""Reads Kutt's links: what its API answers at /api/v2/links, or a table of its database."""

from collections.abc import Iterator

from shorty.links.imported_history import Counts, Past
from shorty.links.model import LinkChange
from shorty.transfer.csv_file import read_csv
from shorty.transfer.documents import Entry, read_count, read_entries, read_text
from shorty.transfer.files import OpenFile
from shorty.transfer.model import ImportedLink, Item
from shorty.transfer.times import read_time


def read_kutt(file: OpenFile) -> Iterator[Item]:
    """Raises InvalidFileError."""
    if not file.is_json():
        return read_csv(file)
    return read_entries(file, [("data",)], read_entry, "answer of Kutt's API")


def read_entry(entry: Entry, place: str) -> Iterator[ImportedLink]:
    """A banned link comes along switched off. The description is a note, not what previews say."""
    clicks = read_count(entry.get("visit_count"))
    change = LinkChange(
        url=read_text(entry.get("target")),
        domain=read_text(entry.get("domain")),
        slug=read_text(entry.get("address")) or None,
        title=read_text(entry.get("description")) or None,
        expires_at=read_time(read_text(entry.get("expire_in"))),
        is_active=entry.get("banned") is not True,
        made_through="import",
    )
    past = Past(
        created_at=read_time(read_text(entry.get("created_at"))),
        updated_at=read_time(read_text(entry.get("updated_at"))),
        counts=Counts(clicks=clicks) if clicks else None,
    )
    has_password = entry.get("password") is True
    yield ImportedLink(place=place, change=change, past=past, has_lost_password=has_password)
