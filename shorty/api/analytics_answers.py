"""The shapes of what is answered about clicks, and how they are filled."""

from collections.abc import Iterable

import msgspec

from shorty.clicks import breakdown
from shorty.clicks.stats import ValueCounts


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


def show_countries(counts: ValueCounts, limit: int, *, has_bots: bool) -> list[CountryCount]:
    return [
        CountryCount(country=each.value, clicks=each.clicks, visitors=each.visitors)
        for each in breakdown.list_countries(counts, has_bots=has_bots)[:limit]
    ]


def show_cities(counts: ValueCounts, limit: int, *, has_bots: bool) -> list[CityCount]:
    return [
        CityCount(city=each.city, country=each.country, clicks=each.clicks, visitors=each.visitors)
        for each in breakdown.list_cities(counts, has_bots=has_bots, limit=limit)
    ]


def show_devices(counts: ValueCounts, limit: int, *, has_bots: bool) -> list[DeviceCount]:
    found = breakdown.list_devices(counts, has_bots=has_bots)[:limit]
    return [DeviceCount(device=each.value, clicks=each.clicks) for each in found]


def show_browsers(counts: ValueCounts, limit: int, *, has_bots: bool) -> list[BrowserCount]:
    found = breakdown.list_browsers(counts, has_bots=has_bots)[:limit]
    return [BrowserCount(browser=each.value, clicks=each.clicks) for each in found]


def show_systems(counts: ValueCounts, limit: int, *, has_bots: bool) -> list[OsCount]:
    found = breakdown.list_systems(counts, has_bots=has_bots)[:limit]
    return [OsCount(os=each.value, clicks=each.clicks) for each in found]


def show_referrers(counts: ValueCounts, limit: int, *, has_bots: bool) -> list[ReferrerCount]:
    return [
        ReferrerCount(
            referrer=site.hosts[0].value,
            name=site.name,
            clicks=site.clicks,
            hosts=[
                HostCount(referrer=each.value, clicks=each.clicks)
                for each in site.hosts
                if each.value
            ],
        )
        for site in breakdown.list_sites(counts, has_bots=has_bots)[:limit]
    ]


def show_utm(counts: ValueCounts, limit: int, *, has_bots: bool) -> Iterable[list[UtmCount]]:
    for found in breakdown.list_utm(counts, has_bots=has_bots):
        yield [UtmCount(value=each.value or "", clicks=each.clicks) for each in found[:limit]]
