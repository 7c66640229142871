"""The shapes of what is answered about clicks, and how they are filled."""

from collections.abc import Iterable

import msgspec

from shorty.clicks.referrers import find_site
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
from shorty.clicks.stats import WORD_FOR_OTHERS, Count, ValueCounts


class Echo(msgspec.Struct, frozen=True, kw_only=True, rename={"start": "from", "end": "to"}):
    """The period an answer is about."""

    start: str
    end: str
    timezone: str


class PreviousTotals(msgspec.Struct, frozen=True, kw_only=True):
    clicks: int
    visitors: int


class SummaryAnswer(Echo, frozen=True, kw_only=True):
    clicks: int
    visitors: int
    scans: int
    bots: int
    previous: PreviousTotals


class Point(msgspec.Struct, frozen=True, kw_only=True):
    start: str
    clicks: int
    visitors: int


class SeriesAnswer(Echo, frozen=True, kw_only=True):
    series: list[Point]
    interval: str


class CountryCount(msgspec.Struct, frozen=True, kw_only=True):
    country: str | None
    clicks: int
    visitors: int


class CityCount(msgspec.Struct, frozen=True, kw_only=True):
    city: str | None
    country: str | None
    clicks: int
    visitors: int


class GeoAnswer(Echo, frozen=True, kw_only=True):
    countries: list[CountryCount]
    cities: list[CityCount]


class DeviceCount(msgspec.Struct, frozen=True, kw_only=True):
    device: str | None
    clicks: int


class BrowserCount(msgspec.Struct, frozen=True, kw_only=True):
    browser: str | None
    clicks: int


class OsCount(msgspec.Struct, frozen=True, kw_only=True):
    os: str | None
    clicks: int


class DevicesAnswer(Echo, frozen=True, kw_only=True):
    devices: list[DeviceCount]
    browsers: list[BrowserCount]
    os: list[OsCount]


class HostCount(msgspec.Struct, frozen=True, kw_only=True):
    referrer: str
    clicks: int


class ReferrerCount(msgspec.Struct, frozen=True, kw_only=True):
    """A site: `referrer` is the host of it that sent the most, `hosts` are all of them."""

    referrer: str | None
    name: str
    clicks: int
    hosts: list[HostCount]


class ReferrersAnswer(Echo, frozen=True, kw_only=True):
    referrers: list[ReferrerCount]


class UtmCount(msgspec.Struct, frozen=True, kw_only=True):
    value: str
    clicks: int


class UtmAnswer(Echo, frozen=True, kw_only=True):
    source: list[UtmCount]
    medium: list[UtmCount]
    campaign: list[UtmCount]
    term: list[UtmCount]
    content: list[UtmCount]


def list_countries(counts: ValueCounts, limit: int, *, has_bots: bool) -> list[CountryCount]:
    found = counts.list_counts(COUNTRY, of_visitors=VISITORS_OF_COUNTRY, has_bots=has_bots)
    return [
        CountryCount(country=each.value, clicks=each.clicks, visitors=each.visitors)
        for each in found[:limit]
    ]


def list_cities(counts: ValueCounts, limit: int, *, has_bots: bool) -> list[CityCount]:
    """None of them, where nothing is known of any."""
    found = counts.list_counts(CITY, of_visitors=VISITORS_OF_CITY, has_bots=has_bots)
    if not any(each.value for each in found):
        return []
    return [show_city(each) for each in found[:limit]]


def show_city(count: Count) -> CityCount:
    city, country = count.value, None
    if city is not None and city != WORD_FOR_OTHERS:
        country, city = city[:2], city[2:]
    return CityCount(
        city=city,
        country=None if country == "--" else country,
        clicks=count.clicks,
        visitors=count.visitors,
    )


def list_devices(counts: ValueCounts, limit: int, *, has_bots: bool) -> list[DeviceCount]:
    found = counts.list_counts(DEVICE, has_bots=has_bots)[:limit]
    return [DeviceCount(device=each.value, clicks=each.clicks) for each in found]


def list_browsers(counts: ValueCounts, limit: int, *, has_bots: bool) -> list[BrowserCount]:
    found = counts.list_counts(BROWSER, has_bots=has_bots)[:limit]
    return [BrowserCount(browser=each.value, clicks=each.clicks) for each in found]


def list_systems(counts: ValueCounts, limit: int, *, has_bots: bool) -> list[OsCount]:
    found = counts.list_counts(OS, has_bots=has_bots)[:limit]
    return [OsCount(os=each.value, clicks=each.clicks) for each in found]


def list_referrers(counts: ValueCounts, limit: int, *, has_bots: bool) -> list[ReferrerCount]:
    """The hosts of a known site are one."""
    sites: dict[str, list[Count]] = {}
    for count in counts.list_counts(REFERRER, has_bots=has_bots):
        sites.setdefault(name_referrer(count.value), []).append(count)
    shown = [show_referrer(name, hosts) for name, hosts in sites.items()]
    return sorted(shown, key=lambda each: (-each.clicks, each.name))[:limit]


def name_referrer(host: str | None) -> str:
    if host is None:
        return "Direct"
    return "Other" if host == WORD_FOR_OTHERS else find_site(host) or host


def show_referrer(name: str, hosts: list[Count]) -> ReferrerCount:
    return ReferrerCount(
        referrer=hosts[0].value,
        name=name,
        clicks=sum(each.clicks for each in hosts),
        hosts=[HostCount(referrer=each.value, clicks=each.clicks) for each in hosts if each.value],
    )


def list_utm(counts: ValueCounts, limit: int, *, has_bots: bool) -> Iterable[list[UtmCount]]:
    """The values of each of the five fields; clicks without one are left out."""
    for kind in UTM:
        found = counts.list_counts(kind, has_bots=has_bots, has_unknown=False)[:limit]
        yield [UtmCount(value=each.value or "", clicks=each.clicks) for each in found]
