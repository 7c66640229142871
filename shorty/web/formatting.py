"""How values are written for people: counts, shares and changes, times, and countries.

Times are in the viewer's zone; countries are named by their ISO 3166-1 codes.
"""

import re
from datetime import UTC, datetime
from functools import cache, lru_cache
from importlib import resources
from typing import Final, Literal, NamedTuple, Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from shorty.clicks.stats import WORD_FOR_OTHERS
from shorty.idn import write_host
from shorty.webcore.times import read_time

MINUS: Final = "\N{MINUS SIGN}"
FIRST_COMPACT: Final = 10_000
THOUSAND: Final = 1000
UNITS: Final = (("k", THOUSAND), ("M", THOUSAND**2), ("bn", THOUSAND**3))
SMALLEST_PERCENT: Final = 0.05  # below it a change would be written as 0.0%
LARGEST_PERCENT: Final = 1000  # from there on a change is written as a factor
LONGEST_ZONE_NAME: Final = 64
MONTHS: Final = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
UNKNOWN: Final = "Unknown"
OTHERS: Final = "Others"
# Where the time zone database has no name, or one that is written for sorting.
COUNTRY_NAMES: Final = {
    "AS": "American Samoa",
    "CD": "DR Congo",
    "CF": "Central African Republic",
    "CG": "Congo",
    "CZ": "Czechia",
    "EU": "European Union",
    "FM": "Micronesia",
    "GB": "United Kingdom",
    "KP": "North Korea",
    "KR": "South Korea",
    "MF": "Saint Martin",
    "MM": "Myanmar",
    "SX": "Sint Maarten",
    "SZ": "Eswatini",
    "TC": "Turks & Caicos Islands",
    "TF": "French Southern Territories",
    "TR": "Türkiye",
    "VG": "British Virgin Islands",
    "VI": "US Virgin Islands",
    "WS": "Samoa",
    "XK": "Kosovo",
}
_HOST_OF_URL: Final = re.compile(r"(?P<before>https?://(?:[^/?#]*@)?)(?P<host>[^/?#]+)")
_CODE: Final = re.compile("[A-Z]{2}")
_FIRST_FLAG_LETTER: Final = ord("\N{REGIONAL INDICATOR SYMBOL LETTER A}")


class Change(NamedTuple):
    """A change between two periods, and its direction."""

    text: str
    direction: Literal["up", "down", "same"]


class Named(Protocol):
    """A short link, by its host and slug."""

    @property
    def host(self) -> str: ...
    @property
    def slug(self) -> str: ...


def write_short(link: Named | str) -> str:
    """A short link or its URL as people say it: without a scheme, and no punycode if it is safe."""
    if isinstance(link, str):
        host, slash, rest = link.partition("://")[2].partition("/")
        return f"{write_host(host)}{slash}{rest}"
    return f"{write_host(link.host)}/{link.slug}"


def write_url(url: str) -> str:
    """A destination with its host as people write it, where nobody could take it for another."""
    found = _HOST_OF_URL.match(url)
    if found is None:
        return url
    return f"{found['before']}{write_host(found['host'])}{url[found.end() :]}"


def write_destination(url: str) -> str:
    """The same without the scheme of a web page and an empty path."""
    shown = write_url(url)
    if not shown.startswith(("http://", "https://")):
        return shown
    return shown.partition("://")[2].removesuffix("/")


def write_count(count: int) -> str:
    return f"{count:,}"


def write_compact(count: int) -> str:
    """Short enough for a heading: `1,234`, `12.3k`, `4.56M`."""
    if count < FIRST_COMPACT:
        return write_count(count)
    for unit, size in UNITS:
        # To three digits at first, so that 999,999 is a million and not a thousand thousands.
        rounded = float(f"{count / size:.3g}")
        if rounded < THOUSAND:
            return f"{rounded:g}{unit}"
    unit, size = UNITS[-1]
    return f"{count // size:,}{unit}"


def write_share(part: int, whole: int) -> str:
    percent = 100 * part / whole if whole else 0
    if 0 < percent < 1:
        return "<1%"
    return f"{percent:.0f}%"


def tell_change(now: int, before: int) -> Change:
    if now == before:
        return Change("no change", "same")
    if before == 0:
        return Change("new", "up")
    percent = 100 * (now - before) / before
    if abs(percent) < SMALLEST_PERCENT:
        return Change("about the same", "same")
    if percent >= LARGEST_PERCENT:
        return Change(f"\N{MULTIPLICATION SIGN}{write_compact(round(now / before))}", "up")
    sign, direction = ("+", "up") if now > before else (MINUS, "down")
    digits = 1 if abs(percent) < 10 else 0  # noqa: PLR2004 - two digits say enough
    return Change(f"{sign}{abs(percent):.{digits}f}%", direction)


def write_plural(count: int, word: str) -> str:
    return f"{write_count(count)} {word}{'' if count == 1 else 's'}"


@lru_cache(maxsize=512)
def find_zone(name: str) -> ZoneInfo:
    """The IANA zone of that name; UTC if there is none."""
    try:
        return ZoneInfo(name) if len(name) <= LONGEST_ZONE_NAME else ZoneInfo("UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def read_moment(at: int, zone: ZoneInfo) -> datetime:
    """UTC milliseconds as a time in the zone; in UTC where that has no year from 1 to 9999."""
    moment = datetime.fromtimestamp(at / 1000, UTC)
    try:
        return moment.astimezone(zone)
    except OverflowError:
        return moment


def write_date(at: int, zone: ZoneInfo) -> str:
    moment = read_moment(at, zone)
    return f"{moment.day} {MONTHS[moment.month - 1]} {moment.year}"


def write_day(at: int, now: int, zone: ZoneInfo) -> str:
    """A date without its year, if that is the current one: `30 Nov`."""
    this_year = read_moment(now, zone).year
    return write_date(at, zone).removesuffix(f" {this_year}")


def write_moment(at: int, zone: ZoneInfo) -> str:
    """`22 Nov 2026, 12:00`."""
    return f"{write_date(at, zone)}, {read_moment(at, zone):%H:%M}"


def write_utc(at: int) -> str:
    """For `<time datetime>`."""
    return f"{datetime.fromtimestamp(at / 1000, UTC):%Y-%m-%dT%H:%M:%SZ}"


def write_input(at: int | None, zone: ZoneInfo) -> str:
    """The value of an `<input type="datetime-local">`."""
    return "" if at is None else f"{read_moment(at, zone):%Y-%m-%dT%H:%M}"


def read_input(text: str, zone: ZoneInfo) -> int | None:
    """UTC milliseconds of such a value, None for an empty one. Raises ValueError."""
    if not text.strip():
        return None
    moment = datetime.fromisoformat(text.strip())
    return read_time(moment if moment.tzinfo else moment.replace(tzinfo=zone))


def write_age(at: int, now: int) -> str:
    """How long ago, in the largest whole unit."""
    seconds = max(0, now - at) // 1000
    for unit, size in (("day", 86_400), ("hour", 3600), ("minute", 60)):
        if seconds >= size:
            count = seconds // size
            return f"{count} {unit}{'' if count == 1 else 's'} ago"
    return "just now"


def name_country(code: str | None) -> str:
    """The usual English name; the code itself if it is unknown."""
    if code is None:
        return UNKNOWN
    if code == WORD_FOR_OTHERS:
        return OTHERS
    return COUNTRY_NAMES.get(code) or read_country_names().get(code) or code


def write_flag(code: str | None) -> str:
    """An emoji; empty for anything but a country's code."""
    if code is None or not _CODE.fullmatch(code):
        return ""
    return "".join(chr(_FIRST_FLAG_LETTER + ord(letter) - ord("A")) for letter in code)


@cache
def read_country_names() -> dict[str, str]:
    return {code: name for code, name, *_ in _read_table("iso3166.tab")}


@cache
def list_zones() -> tuple[tuple[str, str], ...]:
    """The time zones to choose from, by name, each with its country."""
    zones = [(zone, name_country(code)) for code, _, zone, *_ in _read_table("zone.tab")]
    return (*sorted(zones), ("UTC", "Coordinated Universal Time"))


def _read_table(name: str) -> list[list[str]]:
    """The rows of a table of the time zone database."""
    text = resources.files("tzdata").joinpath("zoneinfo", name).read_text("utf-8")
    lines = (line for line in text.splitlines() if line and not line.startswith("#"))
    return [line.split("\t") for line in lines]
