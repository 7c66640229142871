"""Reads links as Dub's API gives them, and tables as of any product."""

from collections.abc import Iterator
from typing import Final, cast

from msgspec.structs import replace

from shorty.links.imported_history import Counts, Past
from shorty.links.model import LinkChange
from shorty.links.rules import Condition
from shorty.transfer.csv_file import leave_domains, read_csv
from shorty.transfer.files import OpenFile
from shorty.transfer.json_file import (
    Entry,
    as_object,
    parse_count,
    parse_host,
    parse_moment,
    parse_names,
    parse_text,
    parse_title,
    read_entries,
)
from shorty.transfer.model import ImportedLink, Item
from shorty.transfer.remarks import Notes
from shorty.transfer.states import is_nothing
from shorty.transfer.terms import (
    Terms,
    fold_entry,
    make_item,
    read_date,
    read_end,
    read_terms,
)
from shorty.transfer.times import write_time

# Domains that Dub keeps: of a link on one of them only the slug can move.
DUBS_OWN: Final = frozenset({"dub.sh", "dub.link"})
# An archived link goes on redirecting there.
HARMLESS_AT_DUB: Final = frozenset({"archived"})


def read_dub(file: OpenFile) -> Iterator[Item]:
    if not file.is_json():
        items = read_csv(file, harmless=HARMLESS_AT_DUB)
        return (leave_domains(item, DUBS_OWN) for item in items)
    return read_entries(file, [("links",)], build_dub_link, "Dub's API", destination="url")


def build_dub_link(entry: Entry, place: str) -> Iterator[ImportedLink]:
    """What previews show counts where `proxy` says so; visitors' parameters are always passed on.

    Comments are for the link's owner, so they become the title where there is none.
    """
    notes = Notes()
    url = parse_text(entry.get("url"))
    terms = _read_terms(entry, url, notes)
    host = parse_host(entry.get("domain"))
    is_card = entry.get("proxy") is True
    clicks = parse_count(entry.get("clicks"))
    change = LinkChange(
        url=url,
        domain="" if host.lower() in DUBS_OWN else host,
        slug=parse_text(entry.get("key")) or None,
        title=parse_title(entry.get("title")) or parse_title(entry.get("comments")),
        description=parse_title(entry.get("description")) if is_card else None,
        image=parse_text(entry.get("image")) or None if is_card else None,
        cloaked=entry.get("rewrite") is True,
        forward_parameters=True,
        expires_at=read_end(entry.get("expiresAt"), notes),
        utm_source=parse_title(entry.get("utm_source")),
        utm_medium=parse_title(entry.get("utm_medium")),
        utm_campaign=parse_title(entry.get("utm_campaign")),
        utm_term=parse_title(entry.get("utm_term")),
        utm_content=parse_title(entry.get("utm_content")),
        tag_names=_read_tags(entry.get("tags")),
        made_through="import",
    )
    past = Past(
        created_at=read_date(entry.get("createdAt"), notes),
        updated_at=read_date(entry.get("updatedAt"), notes),
        counts=_read_counts(entry, clicks, notes),
    )
    yield make_item(place, change, past, terms, notes)


def _read_terms(entry: Entry, url: str, notes: Notes) -> Terms:
    """A test without an end has not begun; from its end on the link's own destination counts."""
    ends_at = notes.read_or_close(
        "rules", "test's end", lambda: parse_moment(entry.get("testCompletedAt"))
    )
    cells = fold_entry(entry)
    if ends_at is None:
        cells.pop("testvariants", None)
    terms = read_terms(cells, notes, destination=url, harmless=HARMLESS_AT_DUB)
    if ends_at is None or is_nothing(cells.get("testvariants")) or not terms.rules:
        return terms
    *others, test = terms.rules
    until = Condition(type="before", at=ends_at)
    end = write_time(ends_at)
    notes.remark("other", f"leads to its own destination from {end} on, when its test at Dub ends")
    return terms._replace(rules=(*others, replace(test, conditions=(until,))))


def _read_tags(value: object) -> tuple[str, ...]:
    """The names of a list of tags."""
    tags = cast("list[object]", value) if isinstance(value, list) else []
    return parse_names([fields.get("name") for each in tags if (fields := as_object(each))])


def _read_counts(entry: Entry, clicks: int, notes: Notes) -> Counts | None:
    last = read_date(entry.get("lastClicked"), notes)
    return Counts(clicks=clicks, last_click_at=last) if clicks else None
