"""Reads on what terms a link was open at its old home: state, password, limit and start."""

import re
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from msgspec.structs import replace

from shorty.links.imported_history import Past
from shorty.links.model import LinkChange
from shorty.links.rule_reading import read_rules
from shorty.links.rules import Rules
from shorty.transfer.hashes import find_password
from shorty.transfer.json_file import parse_moment
from shorty.transfer.model import ImportedLink
from shorty.transfer.remarks import Notes
from shorty.transfer.states import (
    EXPIRED_URL_FIELDS,
    LIMIT_FIELDS,
    PASSWORD_FIELDS,
    REMAINING_FIELDS,
    START_FIELDS,
    find_field,
    has_password_flag,
    is_nothing,
    judge_states,
)
from shorty.transfer.tables import fold_column
from shorty.transfer.targets import UnknownTargetsError, find_rules
from shorty.transfer.times import parse_set_time

ParseTime = Callable[[str], int | None]

_UNLIMITED: Final = frozenset({"-1", "unlimited", "infinite", "infinity", "∞", "no limit"})
_THOUSANDS: Final = re.compile(r"[\s,'\u2019_]")
_LIMIT: Final = re.compile(r"(\d{1,12})(?:\.0*)?", re.ASCII)
_NONE: Final[frozenset[str]] = frozenset()


class Terms(NamedTuple):
    """What of them shorty can express; the rest is in the notes. Times are UTC milliseconds."""

    password: str | None
    max_clicks: int | None
    valid_since: int | None
    expired_url: str | None
    rules: Rules


def read_terms(
    cells: Mapping[str, object],
    notes: Notes,
    *,
    destination: str,
    harmless: frozenset[str] = _NONE,
    read_time: ParseTime = parse_set_time,
) -> Terms:
    """`cells` are those of a table or JSON object, by names as `tables.fold_column` folds them.

    `harmless` ones don't close a link of this product.
    """
    judge_states(cells, notes, harmless)
    start = find_field(cells, START_FIELDS)
    return Terms(
        password=_read_password(cells, notes),
        max_clicks=_read_limit(cells, notes),
        valid_since=notes.read_or_close("start", "start", lambda: read_time(_spell(start))),
        expired_url=_spell(find_field(cells, EXPIRED_URL_FIELDS)) or None,
        rules=_find_rules(cells, destination, notes),
    )


def _find_rules(cells: Mapping[str, object], destination: str, notes: Notes) -> Rules:
    try:
        found = notes.read_or_close("rules", "rules", lambda: find_rules(cells, destination))
    except UnknownTargetsError:
        notes.close("rules")
        return ()
    return read_own_rules(found, notes)


def read_own_rules(found: object, notes: Notes) -> Rules:
    """Of rules in the form of the links API; a link whose rules are wrong is switched off."""
    rules, faults = read_rules(found)
    for path, fault in faults.items():
        notes.close("rules", f"its rules can't be taken over: {path} {fault}")
    return () if faults else rules


def make_item(
    place: str, change: LinkChange, past: Past, terms: Terms, notes: Notes, ref: str | None = None
) -> ImportedLink:
    """`change` lacks the terms."""
    return ImportedLink(
        place=place,
        change=replace(
            change,
            password=terms.password,
            valid_since=terms.valid_since,
            max_clicks=terms.max_clicks,
            expired_url=terms.expired_url,
            rules=terms.rules,
        ),
        past=past,
        ref=ref,
        closed=notes.closed,
        remarks=notes.remarks,
    )


def fold_entry(entry: Mapping[str, object] | None) -> dict[str, object]:
    """An object of JSON or a row of a dump, as `read_terms` takes it."""
    return {fold_column(name): value for name, value in (entry or {}).items()}


def read_end(value: object, notes: Notes) -> int | None:
    """Without a readable end, the link is switched off."""
    return notes.read_or_close("end", "end", lambda: parse_moment(value))


def read_date(value: object, notes: Notes) -> int | None:
    """When the link was created or changed: not worth losing it for."""
    return notes.read("dates", "date", lambda: parse_moment(value))


def parse_limit(text: str) -> int | None:
    """The most visits, 0 for none at all; None where there is no limit. Raises ValueError."""
    if is_nothing(text) or text.strip().casefold() in _UNLIMITED:
        return None
    found = _LIMIT.fullmatch(_THOUSANDS.sub("", text))
    if not found:
        raise ValueError(f"{text[:40]!r} is not a whole number")
    return int(found[1])


def _read_password(cells: Mapping[str, object], notes: Notes) -> str | None:
    password, is_lost = find_password(find_field(cells, PASSWORD_FIELDS))
    if password is None and (is_lost or has_password_flag(cells)):
        notes.close("password")
    return password


def _read_limit(cells: Mapping[str, object], notes: Notes) -> int | None:
    limit = notes.read_or_close(
        "limit", "limit of visits", lambda: parse_limit(_spell(find_field(cells, LIMIT_FIELDS)))
    )
    if limit == 0:
        notes.close("limit")
    if _spell(find_field(cells, REMAINING_FIELDS)) == "0":
        notes.close("used up")
    return limit or None


def _spell(value: object) -> str:
    """Empty for None. What is no text or number is spelled so that no parser takes it."""
    return "" if value is None else str(value).strip()
