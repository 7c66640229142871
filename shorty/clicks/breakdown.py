"""Turns sums into the breakdowns of analytics: countries, cities, sites, devices, UTM values."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from shorty.clicks.days import Totals
from shorty.clicks.referrers import find_site
from shorty.clicks.rollups import (
    BETWEEN_NAMES,
    BROWSER,
    CITY,
    COUNTRY,
    DEVICE,
    OS,
    REFERRER,
    RULE,
    UTM,
    VISITORS_OF_CITY,
    VISITORS_OF_COUNTRY,
    VISITORS_OF_RULE,
)
from shorty.clicks.stats import WORD_FOR_OTHERS, Count, ValueCounts

DIRECT: Final = "Direct"
OTHER_SITES: Final = "Other"
_NO_COUNTRY: Final = "--"

# The kinds of values that each breakdown reads.
OF_COUNTRIES: Final = (COUNTRY, VISITORS_OF_COUNTRY)
OF_CITIES: Final = (CITY, VISITORS_OF_CITY)
OF_GEO: Final = (*OF_COUNTRIES, *OF_CITIES)
OF_DEVICES: Final = (DEVICE, BROWSER, OS)
OF_REFERRERS: Final = (REFERRER,)
OF_UTM: Final = UTM
OF_RULES: Final = (RULE, VISITORS_OF_RULE)


class CityCount(NamedTuple):
    """The counts of one city; `country` is None if it is unknown."""

    city: str | None
    country: str | None
    clicks: int
    visitors: int


class RuleCount(NamedTuple):
    """The counts of a link's rule, or of one of its variants.

    Without a rule: clicks that none won. Without a link, but with a rule: the rest of them.
    """

    link_id: int | None
    rule_id: str | None
    variant: str | None
    clicks: int
    visitors: int


class SiteCount(NamedTuple):
    """A site that visitors came from, and its hosts, most frequent first."""

    name: str
    clicks: int
    hosts: tuple[Count, ...]


def count_clicks(totals: Totals, *, has_bots: bool) -> int:
    clicks, _, bots, *_ = totals
    return clicks + bots if has_bots else clicks


def list_countries(counts: ValueCounts, *, has_bots: bool) -> list[Count]:
    return counts.list_counts(COUNTRY, of_visitors=VISITORS_OF_COUNTRY, has_bots=has_bots)


def list_cities(
    counts: ValueCounts, *, has_bots: bool, limit: int | None = None
) -> list[CityCount]:
    """Empty if no city is known."""
    if not (counts.persons.get(CITY) or (has_bots and counts.programs.get(CITY))):
        return []
    found = counts.list_counts(CITY, of_visitors=VISITORS_OF_CITY, has_bots=has_bots, limit=limit)
    return [_split_city(each) for each in found]


def list_sites(counts: ValueCounts, *, has_bots: bool) -> list[SiteCount]:
    """Hosts of the same known site are combined."""
    sites: dict[str, list[Count]] = {}
    for count in counts.list_counts(REFERRER, has_bots=has_bots):
        sites.setdefault(name_site(count.value), []).append(count)
    summed = [
        SiteCount(name, sum(each.clicks for each in hosts), tuple(hosts))
        for name, hosts in sites.items()
    ]
    return sorted(summed, key=lambda each: (-each.clicks, each.name))


def list_devices(counts: ValueCounts, *, has_bots: bool) -> list[Count]:
    return counts.list_counts(DEVICE, has_bots=has_bots)


def list_browsers(counts: ValueCounts, *, has_bots: bool) -> list[Count]:
    return counts.list_counts(BROWSER, has_bots=has_bots)


def list_systems(counts: ValueCounts, *, has_bots: bool) -> list[Count]:
    return counts.list_counts(OS, has_bots=has_bots)


def list_utm(counts: ValueCounts, *, has_bots: bool) -> Iterator[list[Count]]:
    """The values of each of the five fields; clicks without a value are left out."""
    for kind in UTM:
        yield counts.list_counts(kind, has_bots=has_bots, has_unknown=False)


def list_rules(counts: ValueCounts, *, has_bots: bool, limit: int | None = None) -> list[RuleCount]:
    found = counts.list_counts(RULE, of_visitors=VISITORS_OF_RULE, has_bots=has_bots, limit=limit)
    return [_split_rule(each) for each in found]


def name_site(host: str | None) -> str:
    if host is None:
        return DIRECT
    return OTHER_SITES if host == WORD_FOR_OTHERS else find_site(host) or host


def join_city(city: CityCount) -> str | None:
    """The value as it is stored; None for clicks without a city and for the rest."""
    if city.city is None or city.city == WORD_FOR_OTHERS:
        return None
    return f"{city.country or _NO_COUNTRY}{city.city}"


def _split_city(count: Count) -> CityCount:
    """A stored city starts with its country's two letters."""
    city, country = count.value, None
    if city is not None and city != WORD_FOR_OTHERS:
        country, city = city[:2], city[2:]
    return CityCount(
        city, None if country == _NO_COUNTRY else country, count.clicks, count.visitors
    )


def _split_rule(count: Count) -> RuleCount:
    if count.value is None or count.value == WORD_FOR_OTHERS:
        return RuleCount(None, count.value, None, count.clicks, count.visitors)
    link_id, rule_id, variant = count.value.split(BETWEEN_NAMES)
    return RuleCount(int(link_id), rule_id, variant or None, count.clicks, count.visitors)
