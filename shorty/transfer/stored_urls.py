"""Finds every URL that a database stores, each with what it may be.

Shorty checks what goes into these columns when it writes them, and relies on that when it reads.
"""

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import lru_cache
from typing import Final, NamedTuple

import can_ada
import msgspec

from shorty.bio.model import Social
from shorty.bio.socials import find_social_type
from shorty.links.destination import parse_destination
from shorty.links.model import LinkType
from shorty.storage.inspection import show_text

# As destinations are stored: ASCII without spaces and control characters.
_STORED: Final[dict[LinkType, re.Pattern[str]]] = {
    "URL": re.compile(r"https?://[!-~]+"),
    "MAILTO": re.compile(r"mailto:[!-~]+"),
    "TEL": re.compile(r"tel:[!-~]+"),
    "SMS": re.compile(r"sms:[!-~]+"),
}
_WEB: Final = re.compile(r"\s*https?://.", re.IGNORECASE)
# No second slash at the start: browsers read a host after it.
_PATH: Final = re.compile(r"/(?![/\\])[!-~]*")
_SOCIALS: Final = msgspec.json.Decoder(tuple[Social, ...])


class StoredUrl(NamedTuple):
    """One value, and where it is; `label` helps people to find the row.

    `find_fault` answers what it is instead of what it should be, None where it is right.
    """

    column: str
    row: int
    label: str
    value: object
    find_fault: "Callable[[str], str | None]"
    is_destination: bool = False

    def describe(self, fault: str) -> str:
        label = f" ({show_text(self.label)})" if self.label else ""
        shown = show_text(self.value if isinstance(self.value, str) else repr(self.value))
        return f"{self.column} in row {self.row}{label} is {shown}, {fault}"


def read_urls(connection: sqlite3.Connection) -> Iterator[StoredUrl]:
    """Every URL of the database, row by row; absent ones are left out."""
    tables = {row[0] for row in connection.execute("select name from sqlite_master")}
    for table, read in READERS.items():
        if table in tables:
            yield from read(connection)


def _read_links(connection: sqlite3.Connection) -> Iterator[StoredUrl]:
    cursor = connection.cursor()
    cursor.row_factory = None  # a million plain tuples
    rows = cursor.execute(
        "select id, slug, link_type, original_url, url, image, favicon_url, webhook_urls,"
        " deleted_at is null as is_live from links"
    )
    with closing(rows):
        for id_, slug, kind, original, url, image, icon, webhooks, is_live in rows:
            label = str(slug)
            is_url = kind == "URL"
            yield StoredUrl(
                "links.url", id_, label, url, _FIND_STORED.get(kind, _refuse), is_url and is_live
            )
            if not is_url or not isinstance(original, str) or not _WEB.match(original):
                yield StoredUrl(
                    "links.original_url", id_, label, original, _FIND_GIVEN.get(kind, _refuse)
                )
            if image is not None:
                yield StoredUrl("links.image", id_, label, image, _find_web_fault)
            if icon != "":
                yield StoredUrl("links.favicon_url", id_, label, icon, _find_path_fault)
            if webhooks != "":
                yield StoredUrl("links.webhook_urls", id_, label, webhooks, _find_list_fault)


def _read_domains(connection: sqlite3.Connection) -> Iterator[StoredUrl]:
    rows = connection.execute(
        "select id, host, scheme, root_redirect, not_found_redirect from domains"
    )
    for id_, host, scheme, root, not_found in rows:
        yield StoredUrl("domains.scheme", id_, str(host), scheme, _find_scheme_fault)
        for name, url in (("root_redirect", root), ("not_found_redirect", not_found)):
            if url != "":
                yield StoredUrl(f"domains.{name}", id_, str(host), url, _find_web_fault)


def _read_endpoints(connection: sqlite3.Connection) -> Iterator[StoredUrl]:
    for id_, url in connection.execute("select id, url from webhook_receivers"):
        yield StoredUrl("webhook_receivers.url", id_, "", url, _find_web_fault)


def _read_pages(connection: sqlite3.Connection) -> Iterator[StoredUrl]:
    for id_, socials in connection.execute("select link_id, socials from bio_pages"):
        if socials == "[]":
            continue
        found = _decode_socials(socials)
        if found is None:
            yield StoredUrl("bio_pages.socials", id_, "", socials, _refuse)
        for social in found or ():
            kind = find_social_type(social.network)
            yield StoredUrl(
                "bio_pages.socials", id_, "", social.url, _FIND_STORED[kind], kind == "URL"
            )


def _read_blocks(connection: sqlite3.Connection) -> Iterator[StoredUrl]:
    rows = connection.execute("select id, url from bio_blocks where url is not null")
    for id_, url in rows:
        yield StoredUrl("bio_blocks.url", id_, "", url, _find_web_fault, is_destination=True)


def _read_kept_answers(connection: sqlite3.Connection) -> Iterator[StoredUrl]:
    rows = connection.execute(
        "select token_id, location from idempotency_keys where location <> ''"
    )
    for id_, location in rows:
        yield StoredUrl("idempotency_keys.location", id_, "", location, _find_location_fault)


READERS: Final[dict[str, Callable[[sqlite3.Connection], Iterator[StoredUrl]]]] = {
    "links": _read_links,
    "domains": _read_domains,
    "webhook_receivers": _read_endpoints,
    "bio_pages": _read_pages,
    "bio_blocks": _read_blocks,
    "idempotency_keys": _read_kept_answers,
}


def _decode_socials(text: object) -> tuple[Social, ...] | None:
    try:
        return _SOCIALS.decode(text) if isinstance(text, str) else None
    except msgspec.MsgspecError:
        return None


def parse_origin(url: str) -> str:
    """A stored http URL up to its path, which begins with the third slash."""
    return "/".join(url.split("/", 3)[:3])


@lru_cache(maxsize=4096)
def _can_open(origin: str) -> bool:
    return can_ada.can_parse(origin)


def _find_web_fault(url: str) -> str | None:
    if not _STORED["URL"].fullmatch(url):
        return "not an http or https URL"
    return None if _can_open(parse_origin(url)) else "not a URL that browsers can open"


def _match_stored(kind: LinkType) -> Callable[[str], str | None]:
    matches = _STORED[kind].fullmatch
    fault = f"not a {kind.lower()}: URL, as its type is"
    return lambda url: None if matches(url) else fault


def _parse_given(kind: LinkType) -> Callable[[str], str | None]:
    def find_fault(text: str) -> str | None:
        try:
            parse_destination(kind, text)
        except ValueError:
            return f"not the destination of a link of type {kind}"
        return None

    return find_fault


_FIND_STORED: Final = {kind: _match_stored(kind) for kind in _STORED} | {"URL": _find_web_fault}
_FIND_GIVEN: Final = {kind: _parse_given(kind) for kind in _STORED}


def _refuse(_value: str) -> str:
    return "not what shorty stores there"


def _find_list_fault(text: str) -> str | None:
    faults = (_find_web_fault(url) for url in text.split(","))
    return next((fault for fault in faults if fault), None)


def _find_path_fault(text: str) -> str | None:
    return None if _PATH.fullmatch(text) else "not a path on this server"


def _find_location_fault(text: str) -> str | None:
    return _find_path_fault(text) and _find_web_fault(text)


def _find_scheme_fault(text: str) -> str | None:
    return None if text in {"http", "https"} else "not http or https"
