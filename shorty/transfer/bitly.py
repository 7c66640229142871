"""Reads Bitly's links: the table that it exports, or what its API answers.

Of an address on a domain that Bitly keeps for itself only the slug can move.
"""

from collections.abc import Iterator
from typing import Final

from msgspec.structs import replace

from shorty.links.imported_history import Past
from shorty.links.model import LinkChange
from shorty.transfer.csv_file import read_csv, split_short_url
from shorty.transfer.documents import Entry, read_entries, read_names, read_text
from shorty.transfer.files import OpenFile
from shorty.transfer.model import ImportedLink, Item
from shorty.transfer.times import read_time

ITS_OWN: Final = frozenset({"bit.ly", "j.mp", "bitly.com"})


def read_bitly(file: OpenFile) -> Iterator[Item]:
    """Raises InvalidFileError."""
    if file.is_json():
        return read_entries(file, [("links",)], read_entry, "answer of Bitly's API")
    return map(move_from_bitly, read_csv(file))


def move_from_bitly(item: Item) -> Item:
    """A link on one of Bitly's own domains goes to the default one."""
    if not isinstance(item, ImportedLink) or (item.change.domain or "").lower() not in ITS_OWN:
        return item
    return replace(item, change=replace(item.change, domain=""))


def read_entry(entry: Entry, place: str) -> Iterator[ImportedLink]:
    """A link for each address on a domain of one's own; otherwise one, by its best name."""
    custom = read_names(entry.get("custom_bitlinks"))
    addresses = [*custom, *filter(None, [read_text(entry.get("link") or entry.get("id"))])]
    named = [split_short_url(address) for address in addresses]
    branded = [(host, slug) for host, slug in named if host.lower() not in ITS_OWN]
    for host, slug in branded or [("", slug) for _, slug in named[:1]] or [("", "")]:
        yield ImportedLink(
            place=place,
            change=LinkChange(
                url=read_text(entry.get("long_url")),
                domain=host,
                slug=slug or None,
                title=read_text(entry.get("title")) or None,
                tag_names=read_names(entry.get("tags")),
                made_through="import",
            ),
            past=Past(created_at=read_time(read_text(entry.get("created_at")))),
        )
