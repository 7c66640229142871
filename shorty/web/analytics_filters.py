"""The filters of analytics pages, read from the query: a tag, a domain, and one value.

A value filters by itself, because sums are kept of each value and not of two together. What cannot
be answered with a filter is left out, and the page says so.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple
from urllib.parse import urlencode

import msgspec
from msgspec.structs import replace

from shorty.accounts.model import Actor
from shorty.clicks.breakdown import DIRECT, name_site
from shorty.clicks.rollups import (
    BROWSER,
    CITY,
    COUNTRY,
    DEVICE,
    OS,
    REFERRER,
    UTM,
    VISITORS_OF_CITY,
    VISITORS_OF_COUNTRY,
)
from shorty.clicks.stats import WORD_FOR_OTHERS
from shorty.clicks.stats_store import Scope
from shorty.clicks.value_series import Choice
from shorty.errors import NotFoundError
from shorty.idn import write_host
from shorty.ids import parse_id
from shorty.links.model import Link
from shorty.links.tags import get_tag
from shorty.web.date_range import Span, read_span
from shorty.web.formatting import OTHERS, UNKNOWN, name_country
from shorty.web.requests import WebRequest

LONGEST: Final = 253
TAG: Final = "tag"
DOMAIN: Final = "domain"
# The name of a value that clicks lack; no stored value is written so.
NONE: Final = "unknown"
UTM_NAMES: Final = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")


class Kind(NamedTuple):
    """A breakdown whose rows filter: its title on a chip, its kinds in the sums."""

    title: str
    kind: str
    visitors: str = ""


KINDS: Final[Mapping[str, Kind]] = {
    "country": Kind("Country", COUNTRY, VISITORS_OF_COUNTRY),
    "city": Kind("City", CITY, VISITORS_OF_CITY),
    "referrer": Kind("Referrer", REFERRER),
    "device": Kind("Device", DEVICE),
    "browser": Kind("Browser", BROWSER),
    "os": Kind("Operating system", OS),
    **{
        name: Kind(f"UTM {name.removeprefix('utm_')}", kind)
        for name, kind in zip(UTM_NAMES, UTM, strict=True)
    },
}


class Chip(NamedTuple):
    """A filter that is on; `query` is the page without it."""

    title: str
    value: str
    query: str


class ValueFilter(msgspec.Struct, frozen=True, kw_only=True):
    """`name` is the parameter of the query."""

    name: str
    value: str

    @property
    def kind(self) -> Kind:
        return KINDS[self.name]

    @property
    def choice(self) -> Choice:
        return Choice(kind=self.kind.kind, visitors=self.kind.visitors, fits=self._find_test())

    @property
    def title(self) -> str:
        return name_value(self.name, self.value)

    def write_query(self) -> str:
        return urlencode({self.name: self.value})

    def _find_test(self) -> str | Callable[[str], bool] | None:
        wanted = self.value
        if wanted == (DIRECT if self.name == "referrer" else NONE):
            return None
        if self.name == "referrer":
            return lambda host: name_site(host) == wanted
        return wanted


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What a page of analytics was asked: whose clicks, when, and which filters are on.

    `span` keeps the filters in its addresses. `fault` says which filter of the address could not be
    read. `link` is None on the overview.
    """

    scope: Scope
    span: Span
    value: ValueFilter | None
    chips: tuple[Chip, ...] = ()
    fault: str = ""
    link: Link | None = None

    @property
    def place(self) -> str:
        """The address of the page, without its query."""
        return "/app" if self.link is None else f"/app/links/{self.link.id}"


def name_value(name: str, value: str) -> str:
    """A value as its row and its chip show it."""
    if value == NONE:
        return UNKNOWN
    if name == "country":
        return name_country(value)
    if name == "city":
        return value[2:]
    if name == "referrer":
        return write_host(value)
    return value.capitalize() if name == "device" else value


def can_filter(name: str, value: str | None, title: str) -> bool:
    """Not by the rest of a breakdown, and by clicks without a value only where they are a row."""
    if value is None:
        return title == UNKNOWN and name in {"country", "device", "browser", "os"}
    return value not in {WORD_FOR_OTHERS, OTHERS, NONE} and len(value) <= LONGEST


def read_value(query: Mapping[str, str]) -> ValueFilter | None:
    """The first value that filters; others cannot be combined with it."""
    for name in KINDS:
        value = query.get(name, "")[:LONGEST]
        if value:
            return ValueFilter(name=name, value=value)
    return None


def keep_value(span: Span, value: ValueFilter | None) -> Span:
    """The span whose addresses keep this filter alone."""
    return replace(span, filters={} if value is None else {value.name: value.value})


def list_chips(span: Span, titles: Iterable[tuple[str, str, str]]) -> tuple[Chip, ...]:
    """`titles` are the filters' names, titles and values as shown."""
    return tuple(
        Chip(title, value, leave_out(span, name).write_query()) for name, title, value in titles
    )


def leave_out(span: Span, name: str) -> Span:
    return replace(span, filters={key: each for key, each in span.filters.items() if key != name})


def ask_of_link(request: WebRequest, link: Link) -> Question:
    """What a link's page was asked."""
    query = request.read_query()
    value = read_value(query)
    span = keep_value(read_span(query, request.zone, request.now), value)
    return Question(
        scope=Scope(workspace_id=link.workspace_id, link_id=link.id),
        span=span,
        value=value,
        chips=list_chips(span, [(value.name, value.kind.title, value.title)] if value else ()),
        link=link,
    )


async def read_question(request: WebRequest) -> Question:
    """What the overview was asked."""
    query, actor = request.read_query(), request.actor
    scope = Scope(workspace_id=actor.workspace_id)
    kept: dict[str, str] = {}
    titles: list[tuple[str, str, str]] = []
    faults: list[str] = []
    if host := query.get(DOMAIN, "")[:LONGEST]:
        domain = request.services.domains.find_for_workspace(actor.workspace_id, host)
        if domain is None:
            faults.append("This workspace has no such domain.")
        else:
            scope = replace(scope, domain_id=domain.id)
            kept[DOMAIN] = domain.host
            titles.append((DOMAIN, "Domain", domain.host))
    if text := query.get(TAG, ""):
        found = await _find_tag(request, actor, text)
        if found is None:
            faults.append("This workspace has no such tag.")
        else:
            scope = replace(scope, tag_id=found[0])
            kept[TAG] = str(found[0])
            titles.append((TAG, "Tag", found[1]))
    value = read_value(query)
    if value is not None:
        kept[value.name] = value.value
        titles.append((value.name, value.kind.title, value.title))
    span = replace(read_span(query, request.zone, request.now), filters=kept)
    return Question(
        scope=scope,
        span=span,
        value=value,
        chips=list_chips(span, titles),
        fault=" ".join(faults),
    )


async def _find_tag(request: WebRequest, actor: Actor, text: str) -> tuple[int, str] | None:
    tag_id = parse_id(text)
    if tag_id is None:
        return None
    try:
        tag = await get_tag(request.services.db, actor.workspace_id, tag_id)
    except NotFoundError:
        return None
    return tag_id, tag.name
