"""The shapes of analytics responses."""

from typing import Any, ClassVar, Final

import msgspec

ECHO: Final = {
    "from": "2026-10-24T00:00:00+05:30",
    "to": "2026-11-23T00:00:00+05:30",
    "timezone": "Asia/Kolkata",
}


class Echo(msgspec.Struct, frozen=True, kw_only=True, rename={"start": "from", "end": "to"}):
    """The period that a response covers."""

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

    example: ClassVar[dict[str, Any]] = {
        "clicks": 1200,
        "visitors": 940,
        "scans": 73,
        "bots": 310,
        "previous": {"clicks": 1000, "visitors": 800},
        **ECHO,
    }


class Point(msgspec.Struct, frozen=True, kw_only=True):
    start: str
    clicks: int
    visitors: int


class SeriesAnswer(Echo, frozen=True, kw_only=True):
    series: list[Point]
    interval: str

    example: ClassVar[dict[str, Any]] = {
        "series": [{"start": "2026-11-22T00:00:00+05:30", "clicks": 40, "visitors": 31}],
        "interval": "day",
        **ECHO,
    }


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

    example: ClassVar[dict[str, Any]] = {
        "countries": [
            {"country": "US", "clicks": 700, "visitors": 560},
            {"country": None, "clicks": 12, "visitors": 12},
        ],
        "cities": [{"city": "Portland", "country": "US", "clicks": 31, "visitors": 24}],
        **ECHO,
    }


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

    example: ClassVar[dict[str, Any]] = {
        "devices": [{"device": "mobile", "clicks": 800}],
        "browsers": [{"browser": "Chrome", "clicks": 650}],
        "os": [{"os": "iOS", "clicks": 420}],
        **ECHO,
    }


class HostCount(msgspec.Struct, frozen=True, kw_only=True):
    referrer: str
    clicks: int


class ReferrerCount(msgspec.Struct, frozen=True, kw_only=True):
    """A site: `hosts` are all its hosts, `referrer` is the one with the most clicks."""

    referrer: str | None
    name: str
    clicks: int
    hosts: list[HostCount]


class ReferrersAnswer(Echo, frozen=True, kw_only=True):
    referrers: list[ReferrerCount]

    example: ClassVar[dict[str, Any]] = {
        "referrers": [
            {"referrer": None, "name": "Direct", "clicks": 500, "hosts": []},
            {
                "referrer": "t.co",
                "name": "X",
                "clicks": 210,
                "hosts": [
                    {"referrer": "t.co", "clicks": 200},
                    {"referrer": "x.com", "clicks": 10},
                ],
            },
        ],
        **ECHO,
    }


class RuleCount(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The clicks that a rule, or one of its variants, won; those that none won have no `rule`."""

    link_id: str | None
    rule: str | None
    name: str | None
    variant: str | None
    clicks: int
    visitors: int
    is_deleted: bool


class RulesAnswer(Echo, frozen=True, kw_only=True):
    rules: list[RuleCount]

    example: ClassVar[dict[str, Any]] = {
        "rules": [
            {
                "linkId": "1162",
                "rule": "b90e",
                "name": "Two pages",
                "variant": "a",
                "clicks": 320,
                "visitors": 301,
                "isDeleted": False,
            },
            {
                "linkId": None,
                "rule": None,
                "name": None,
                "variant": None,
                "clicks": 40,
                "visitors": 38,
                "isDeleted": False,
            },
        ],
        **ECHO,
    }


class UtmCount(msgspec.Struct, frozen=True, kw_only=True):
    value: str
    clicks: int


class UtmAnswer(Echo, frozen=True, kw_only=True):
    source: list[UtmCount]
    medium: list[UtmCount]
    campaign: list[UtmCount]
    term: list[UtmCount]
    content: list[UtmCount]

    example: ClassVar[dict[str, Any]] = {
        "source": [{"value": "newsletter", "clicks": 320}],
        "medium": [{"value": "email", "clicks": 320}],
        "campaign": [{"value": "winter", "clicks": 280}],
        "term": [],
        "content": [],
        **ECHO,
    }
