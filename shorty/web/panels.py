"""The breakdowns of analytics pages: their rows, with shares, and where each row leads.

A page shows the first rows of each; a page of its own (`breakdown_page`) has them all.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, Protocol

import msgspec
from msgspec.structs import replace

from shorty.clicks import breakdown
from shorty.clicks.breakdown import (
    OF_CITIES,
    OF_COUNTRIES,
    OF_REFERRERS,
    CityCount,
    SiteCount,
)
from shorty.clicks.rollups import CITY
from shorty.clicks.stats import WORD_FOR_OTHERS, Count, ValueCounts, count_values
from shorty.idn import write_host
from shorty.storage.database import Database
from shorty.web.analytics_filters import KINDS, NONE, Question, ValueFilter, can_filter
from shorty.web.charts import find_share
from shorty.web.formatting import name_country, write_flag, write_plural, write_share

FIRST_ROWS: Final = 8
MOST_ROWS: Final = 10  # a page of their own is not worth it for one or two more
UTM_TITLES: Final = ("source", "medium", "campaign", "term", "content")


class Named(msgspec.Struct, frozen=True, kw_only=True):
    """A row's name, what stands before it (`mark`) and after it, and the value it filters by."""

    name: str
    mark: str = ""
    about: str = ""
    value: str | None = None


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """A row as it is shown; `length` is in percent.

    `query` is the address that filters by this row; empty if it does not.
    """

    name: str
    clicks: int
    share: str
    length: float
    mark: str = ""
    about: str = ""
    query: str = ""
    is_chosen: bool = False


class Panel(msgspec.Struct, frozen=True, kw_only=True):
    """Some rows of a breakdown, which has `total`; `table` is its name in addresses."""

    table: str
    title: str
    what: str
    bars: Sequence[Bar]
    total: int


class Counted(Protocol):
    """The clicks of one value."""

    @property
    def clicks(self) -> int: ...


class Breakdown(msgspec.Struct, frozen=True, kw_only=True):
    """`kinds` are those of `clicks.rollups` that a page shows, `kinds_of_file` those of a file, if
    it has more; `name` is its rows' filter, if any.

    `list_counts` is given the counts and whether bots are counted in; `name_row` names only the
    rows that are shown, since there may be thousands.
    """

    title: str
    what: str
    kinds: Sequence[str]
    list_counts: Callable[[ValueCounts, bool], Sequence[Counted]]
    name_row: Callable[[Any], Named]
    name: str = ""
    kinds_of_file: Sequence[str] = ()


class SourceCount(msgspec.Struct, frozen=True):
    """The clicks on the short link itself, on its QR code, or from a bio page."""

    name: str
    clicks: int


def name_value(value: str | None) -> str:
    if value is None:
        return "Unknown"
    return "Others" if value == WORD_FOR_OTHERS else value


def count_sources(counts: ValueCounts) -> list[SourceCount]:
    clicks, _, _, scans, bio_clicks = counts.totals
    sources = [
        SourceCount("Link", clicks - scans - bio_clicks),
        SourceCount("QR code", scans),
        SourceCount("Bio page", bio_clicks),
    ]
    return [each for each in sources if each.clicks]


def _name_country(count: Count) -> Named:
    return Named(
        name=name_country(count.value),
        mark=write_flag(count.value),
        about=write_plural(count.visitors, "visitor"),
        value=count.value,
    )


def _name_city(count: CityCount) -> Named:
    return Named(
        name=name_value(count.city),
        mark=write_flag(count.country),
        about=name_country(count.country) if count.country else "",
        value=breakdown.join_city(count),
    )


def _name_site(site: SiteCount) -> Named:
    return Named(
        name=write_host(site.name),
        about=", ".join(write_host(each.value) for each in site.hosts if each.value),
        value=None if site.name == breakdown.OTHER_SITES else site.name,
    )


def _name_source(source: SourceCount) -> Named:
    return Named(name=source.name)


def _name_count(count: Count) -> Named:
    return Named(name=name_value(count.value), value=count.value)


def _name_device(count: Count) -> Named:
    return Named(name=name_value(count.value).capitalize(), value=count.value)


def _count_kind(kind: str, *, has_unknown: bool) -> Callable[[ValueCounts, bool], list[Count]]:
    return lambda counts, has_bots: counts.list_counts(
        kind, has_bots=has_bots, has_unknown=has_unknown
    )


def _divide_by(
    title: str,
    name: str,
    what: str,
    name_row: Callable[[Count], Named] = _name_count,
    *,
    has_unknown: bool = True,
) -> Breakdown:
    """One whose rows are the values of one kind."""
    kind = KINDS[name].kind
    return Breakdown(
        title=title,
        what=what,
        name=name,
        kinds=(kind,),
        list_counts=_count_kind(kind, has_unknown=has_unknown),
        name_row=name_row,
    )


BREAKDOWNS: Final[Mapping[str, Breakdown]] = {
    "countries": Breakdown(
        title="Countries",
        what="Country",
        name="country",
        kinds=OF_COUNTRIES,
        list_counts=lambda counts, has_bots: breakdown.list_countries(counts, has_bots=has_bots),
        name_row=_name_country,
    ),
    "cities": Breakdown(
        title="Cities",
        what="City",
        name="city",
        kinds=(CITY,),  # not visitors: as many values again, in no page
        kinds_of_file=OF_CITIES,
        list_counts=lambda counts, has_bots: breakdown.list_cities(counts, has_bots=has_bots),
        name_row=_name_city,
    ),
    "referrers": Breakdown(
        title="Referrers",
        what="Referrer",
        name="referrer",
        kinds=OF_REFERRERS,
        list_counts=lambda counts, has_bots: breakdown.list_sites(counts, has_bots=has_bots),
        name_row=_name_site,
    ),
    "source": Breakdown(
        title="Source",
        what="Source",
        kinds=(),
        list_counts=lambda counts, _: count_sources(counts),
        name_row=_name_source,
    ),
    "devices": _divide_by("Devices", "device", "Device", _name_device),
    "browsers": _divide_by("Browsers", "browser", "Browser"),
    "operating-systems": _divide_by("Operating systems", "os", "Operating system"),
    **{
        f"utm-{name}": _divide_by(f"UTM {name}", f"utm_{name}", f"UTM {name}", has_unknown=False)
        for name in UTM_TITLES
    },
}


def choose_tables(tables: Iterable[str], value: ValueFilter | None) -> list[str]:
    """Those that can be shown with the filter: its own, and with a country its cities."""
    if value is None:
        return [*tables]
    names = (value.name, "city") if value.name == "country" else (value.name,)
    return [each for each in tables if BREAKDOWNS[each].name in names]


def list_kinds(tables: Iterable[str]) -> tuple[str, ...]:
    """The kinds of values that these breakdowns read."""
    return tuple({kind: None for each in tables for kind in BREAKDOWNS[each].kinds})


def list_rows(table: str, counts: ValueCounts, question: Question) -> Sequence[Counted]:
    """Every row, most clicks first; with a country's filter, the cities are that country's."""
    found = BREAKDOWNS[table].list_counts(counts, question.span.has_bots)
    value = question.value
    if table == "cities" and value is not None and value.name == "country":
        code = None if value.value == NONE else value.value
        return [each for each in found if isinstance(each, CityCount) and each.country == code]
    return found


async def count_rows(
    db: Database, question: Question, table: str, *, is_file: bool = False
) -> ValueCounts:
    """The counts of one breakdown alone."""
    period, about = question.span.period, BREAKDOWNS[table]
    return await count_values(
        db,
        question.scope,
        period.start,
        period.end,
        (is_file and about.kinds_of_file) or about.kinds,
        has_bots=question.span.has_bots,
    )


def build_panel(
    table: str, counts: ValueCounts, question: Question, *, first: int = 0, most: int = 0
) -> Panel:
    """The rows from `first` on, at most `most`; without it, the first few."""
    about = BREAKDOWNS[table]
    rows = list_rows(table, counts, question)
    most = most or (FIRST_ROWS if len(rows) > MOST_ROWS else MOST_ROWS)
    whole = sum(each.clicks for each in rows)
    highest = max((each.clicks for each in rows), default=0)
    start = _write_start(question)
    bars: list[Bar] = []
    for row in rows[first : first + most]:
        named = about.name_row(row)
        wanted = _find_filter(about.name, named)
        is_chosen = wanted is not None and question.value == wanted
        bars.append(
            Bar(
                name=named.name,
                clicks=row.clicks,
                share=write_share(row.clicks, whole),
                length=find_share(row.clicks, highest),
                mark=named.mark,
                about=named.about,
                query="" if wanted is None or is_chosen else f"{start}{wanted.write_query()}",
                is_chosen=is_chosen,
            )
        )
    return Panel(table=table, title=about.title, what=about.what, bars=bars, total=len(rows))


def build_panels(tables: Iterable[str], counts: ValueCounts, question: Question) -> list[Panel]:
    """The panels of these breakdowns that have any rows."""
    panels = [build_panel(each, counts, question) for each in tables]
    return [each for each in panels if each.bars]


def _write_start(question: Question) -> str:
    """The address of the page up to its filter by a value."""
    span = question.span
    kept = {name: each for name, each in span.filters.items() if name not in KINDS}
    query = replace(span, filters=kept).write_query()
    return f"{question.place}{query}&" if query else f"{question.place}?"


def _find_filter(name: str, row: Named) -> ValueFilter | None:
    """The filter by a row of the breakdown that filters by `name`; None if there is none."""
    if name not in KINDS or not can_filter(name, row.value, row.name):
        return None
    return ValueFilter(name=name, value=row.value or NONE)
