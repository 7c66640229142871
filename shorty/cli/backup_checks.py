"""Judges whether shorty wrote a database that is to be restored, and finds every URL in it.

Each check runs only after the earlier ones found nothing: what reads rows relies on the schema, and
what could compute an expression of the file's own comes after the proof that it has none. Shorty
checks URLs when it stores them, and relies on that when it reads them.
"""

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Final, NamedTuple

import can_ada
import msgspec

from shorty.bio.model import Social
from shorty.bio.socials import find_social_type
from shorty.links.checks import LinkRules, find_policy_fault
from shorty.links.destination import parse_destination
from shorty.links.model import LinkType
from shorty.links.rule_reading import read_rules
from shorty.links.rule_writing import write_rules
from shorty.links.rules import Rules, decode_rules, list_urls
from shorty.sqlite.connections import Connection, SqliteError
from shorty.sqlite.inspection import SqliteColumns, find_damage, list_broken_references
from shorty.sqlite.migrations import find_history_fault, list_version_faults
from shorty.storage.findings import StoredColumns
from shorty.storage.text import show_text

HOSTS: Final = 4096  # most links lead to the same few
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
_LINKS: Final = (
    *("id", "slug", "link_type", "original_url", "url", "image", "favicon_url", "webhook_urls"),
    *("deleted_at", "expired_url", "rules"),
)
_REDIRECTS: Final = ("root_redirect", "not_found_redirect", "expired_redirect")
_SOCIALS: Final = msgspec.json.Decoder(tuple[Social, ...])


def list_backup_faults(connection: Connection) -> Iterator[str]:
    """Why a file from elsewhere can't become the database, as clauses."""
    try:
        if fault := find_history_fault(connection):
            yield f"the file {fault}"
            return
        encoding = connection.execute("pragma encoding").fetchone()[0]
        if encoding != "UTF-8":
            yield f"the file stores text as {encoding} instead of UTF-8"
            return
        faults = list_database_faults(connection, is_thorough=True)
        first = next(faults, None)
        if first is not None:
            yield first
            yield from faults
        elif connection.execute("select 1 from workspaces limit 1").fetchone() is None:
            yield "the file contains no workspace"
    except SqliteError as error:
        yield f"the file is no database that can be read ({show_text(str(error))})"


def list_database_faults(connection: Connection, *, is_thorough: bool) -> Iterator[str]:
    """What differs from what shorty writes. Its migrations must be known. Raises SqliteError."""
    schema = list_version_faults(connection)
    if schema:
        yield from (fault.text for fault in schema)
    elif damage := find_damage(connection, is_thorough=is_thorough):
        yield f"the file is damaged ({damage})"
    else:
        yield from list_broken_references(connection)
        yield from list_url_faults(SqliteColumns(connection))


def list_url_faults(columns: StoredColumns) -> Iterator[str]:
    for stored in read_urls(columns):
        if not isinstance(stored.value, str):
            yield stored.describe("which is not text")
        elif fault := stored.find_fault(stored.value):
            yield stored.describe(fault)


def list_refused_destinations(columns: StoredColumns, rules: LinkRules) -> Iterator[str]:
    """Destinations that no new link could have under today's settings, as clauses.

    Call it only after list_url_faults found nothing.
    """
    if not rules.block_list and rules.allow_private_destinations:
        return

    @lru_cache(maxsize=HOSTS)
    def judge(origin: str) -> str | None:
        return find_policy_fault(origin, rules)

    for stored in read_urls(columns):
        if stored.is_destination and (fault := judge(parse_origin(str(stored.value)))):
            yield stored.describe(f"which {fault}")


class StoredUrl(NamedTuple):
    """A value and where it is; `label` helps people to find the row.

    `find_fault` says what is wrong with it; None if nothing is.
    """

    column: str
    row: object
    label: str
    value: object
    find_fault: "Callable[[str], str | None]"
    is_destination: bool = False

    def describe(self, fault: str) -> str:
        label = f" ({show_text(self.label)})" if self.label else ""
        shown = show_text(self.value if isinstance(self.value, str) else repr(self.value))
        return f"{self.column} in row {show_text(str(self.row))}{label} is {shown}, {fault}"


def read_urls(columns: StoredColumns) -> Iterator[StoredUrl]:
    """Every stored URL, row by row."""
    for read in READERS.values():
        yield from read(columns)


def _read_links(columns: StoredColumns) -> Iterator[StoredUrl]:
    rows = columns.read_columns("links", _LINKS)
    for id_, slug, kind, original, url, image, icon, webhooks, deleted_at, expired, rules in rows:
        label = str(slug)
        is_url, is_live = kind == "URL", deleted_at is None
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
        if expired is not None:
            yield StoredUrl("links.expired_url", id_, label, expired, _find_web_fault, is_live)
        if rules is not None:
            yield from _read_rules(id_, label, rules, is_destination=is_live)


def _read_rules(
    link_id: object, label: str, text: object, *, is_destination: bool
) -> Iterator[StoredUrl]:
    """Each destination; and the whole, if it is not what shorty would store."""
    rules = _decode_rules(text)
    for url in list_urls(rules or ()):
        yield StoredUrl("links.rules", link_id, label, url, _find_web_fault, is_destination)
    if rules is None or not _is_readable(rules):
        yield StoredUrl("links.rules", link_id, label, text, _refuse)


def _read_domains(columns: StoredColumns) -> Iterator[StoredUrl]:
    for id_, host, scheme, *urls in columns.read_columns(
        "domains", ("id", "host", "scheme", *_REDIRECTS)
    ):
        yield StoredUrl("domains.scheme", id_, str(host), scheme, _find_scheme_fault)
        for name, url in zip(_REDIRECTS, urls, strict=True):
            if url is not None and url != "":
                yield StoredUrl(f"domains.{name}", id_, str(host), url, _find_web_fault)


def _read_endpoints(columns: StoredColumns) -> Iterator[StoredUrl]:
    for id_, url in columns.read_columns("webhook_receivers", ("id", "url")):
        yield StoredUrl("webhook_receivers.url", id_, "", url, _find_web_fault)


def _read_pages(columns: StoredColumns) -> Iterator[StoredUrl]:
    for id_, socials in columns.read_columns("bio_pages", ("link_id", "socials")):
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


def _read_blocks(columns: StoredColumns) -> Iterator[StoredUrl]:
    for id_, url in columns.read_columns("bio_blocks", ("id", "url")):
        if url is not None:
            yield StoredUrl("bio_blocks.url", id_, "", url, _find_web_fault, is_destination=True)


def _read_kept_answers(columns: StoredColumns) -> Iterator[StoredUrl]:
    for id_, location in columns.read_columns("idempotency_keys", ("token_id", "location")):
        if location != "":
            yield StoredUrl("idempotency_keys.location", id_, "", location, _find_location_fault)


READERS: Final[dict[str, Callable[[StoredColumns], Iterator[StoredUrl]]]] = {
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


def _decode_rules(text: object) -> Rules | None:
    try:
        return decode_rules(text) if isinstance(text, str) else None
    except msgspec.MsgspecError:
        return None


def _is_readable(rules: Rules) -> bool:
    """Whether they read as the same again: visits rely on known zones, networks and weights."""
    try:
        return read_rules(write_rules(rules)) == (rules, {})
    except (ValueError, OverflowError):  # times that no calendar has
        return False


def parse_origin(url: str) -> str:
    """A stored http URL up to its path, which begins with the third slash."""
    return "/".join(url.split("/", 3)[:3])


@lru_cache(maxsize=HOSTS)
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
