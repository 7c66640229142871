"""Reads the values of conditions, each type its own way, in their one spelling.

Every reader takes a text and raises ValueError with the fault.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib import resources
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Final

from shorty.addresses import fold_host
from shorty.config import split_port
from shorty.links.agent_names import BROWSERS, DEVICES, SYSTEMS
from shorty.links.checks import read_line, read_text
from shorty.links.places import COUNTRIES, read_country
from shorty.links.rule_visitor import read_client_address
from shorty.links.rules import ConditionType

NAME_LENGTH: Final = 100
QUERY_LENGTH: Final = 500
LAST_MINUTE: Final = "24:00"

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_REGION: Final = re.compile(r"([A-Z]{2})-[A-Z0-9]{1,3}")
_LANGUAGE: Final = re.compile(r"(?a)[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8}){0,6}")
_CLOCK: Final = re.compile(r"(?a)([01]?\d|2[0-3]):([0-5]\d)")
_HOST_LENGTH: Final = 253
_NO_NETWORK: Final = "must be an IP address or a network, such as 203.0.113.7 or 2001:db8::/32"


def read_name(text: str) -> str:
    """As places and programs are called."""
    name = read_line(text, NAME_LENGTH)
    if name is None:
        raise ValueError("must not be empty")
    return name


def read_region(text: str) -> str:
    """ISO 3166-2."""
    code = text.strip().upper()
    match = _REGION.fullmatch(code)
    if match is None or match[1] not in COUNTRIES:
        raise ValueError("must be a region's code by ISO 3166-2, such as DE-BY or US-CA")
    return code


def read_device(text: str) -> str:
    name = DEVICES.get(text.strip().casefold())
    if name is None:
        raise ValueError(f"must be {', '.join(list(DEVICES)[:-1])} or {list(DEVICES)[-1]}")
    return name


def read_language(text: str) -> str:
    """A prefix by BCP 47: `de`, `pt-BR`, `zh-Hant`."""
    tag = text.strip().replace("_", "-")
    if not _LANGUAGE.fullmatch(tag):
        raise ValueError("must be the beginning of a language tag, such as de or pt-BR")
    first, *others = tag.split("-")
    return "-".join((first.lower(), *map(_spell_subtag, others)))


def _spell_subtag(text: str) -> str:
    is_region = len(text) == 2  # noqa: PLR2004 - letters, as below
    is_script = len(text) == 4 and text.isalpha()  # noqa: PLR2004
    return text.upper() if is_region else text.title() if is_script else text.lower()


def read_query_value(text: str) -> str:
    """As visitors send it once it is decoded; it may be empty."""
    if len(text) > QUERY_LENGTH:
        raise ValueError(f"may be at most {QUERY_LENGTH} characters long")
    read_text(text, QUERY_LENGTH)
    return text


def read_referrer(text: str) -> str:
    """A host in its one spelling."""
    host = fold_host(text, "https") if len(text) <= _HOST_LENGTH else None
    if host is None or not text.strip() or split_port(host)[1]:
        raise ValueError("must be only a host, such as example.com, without scheme, port or path")
    return host


def read_network(text: str) -> str:
    """An IP address, or a network in CIDR notation."""
    given = text.strip()
    # The zone of a network interface, which no visitor has.
    has_zone = "%" in given
    if "/" not in given:
        # Much faster than as a network: a link may have thousands of them.
        found = None if has_zone else read_client_address(given)
        if found is None:
            raise ValueError(_NO_NETWORK)
        return str(found)
    network = None if has_zone else _find_network(given)
    if network is None:
        raise ValueError(_NO_NETWORK)
    address, _, _ = given.partition("/")
    if ip_address(address) != network.network_address:
        raise ValueError(f"is an IP address inside a network; did you mean {network}?")
    return _unmap_network(network) if isinstance(network, IPv6Network) else str(network)


def _find_network(text: str) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None


def _unmap_network(network: IPv6Network) -> str:
    """IPv4 that is written as IPv6 as the IPv4 that visitors are known by."""
    mapped = network.network_address.ipv4_mapped
    bits = network.prefixlen - 96
    return str(network) if mapped is None or bits < 0 else f"{mapped}/{bits}"


def read_clock(text: str) -> str:
    """HH:MM; 24:00 is the end of a day."""
    given = text.strip()
    if given == LAST_MINUTE:
        return given
    match = _CLOCK.fullmatch(given)
    if match is None:
        raise ValueError("must be a time of day such as 09:30")
    return f"{int(match[1]):02}:{match[2]}"


def read_zone(text: str) -> str:
    """A time zone's IANA name; case does not matter, nor does `New York` for `New_York`."""
    zone = _read_zone_names().get(text.strip().replace(" ", "_").casefold())
    if zone is None:
        raise ValueError("is not a known time zone; use a name such as Europe/Berlin")
    return zone


@cache
def _read_zone_names() -> Mapping[str, str]:
    names = resources.files("tzdata").joinpath("zones").read_text("utf-8").split()
    return {name.casefold(): name for name in names if name != "Factory"}


def read_moment(text: str) -> int:
    """UTC milliseconds; a time without a zone is in UTC."""
    try:
        moment = datetime.fromisoformat(text.strip())
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return _require_year((aware - _EPOCH) // _MILLISECOND)
    except (ValueError, OverflowError):
        raise ValueError("must be an ISO 8601 time, such as 2030-12-31T23:59:59Z") from None


def _require_year(at: int) -> int:
    """The moment, if it is one that can be written again."""
    write_moment(at)
    return at


def write_moment(at: int) -> str:
    """ISO 8601 in UTC with milliseconds and Z."""
    moment = _EPOCH + at * _MILLISECOND
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _read_system(text: str) -> str:
    return _read_known(text, SYSTEMS)


def _read_browser(text: str) -> str:
    return _read_known(text, BROWSERS)


def _read_known(text: str, known: Mapping[str, str]) -> str:
    """Analytics know more names than are listed: another one is taken as it is."""
    line = read_name(text)
    return known.get(line.casefold(), line)


READERS: Final[dict[ConditionType, Callable[[str], str]]] = {
    "country": read_country,
    "region": read_region,
    "city": read_name,
    "device": read_device,
    "os": _read_system,
    "browser": _read_browser,
    "language": read_language,
    "query": read_query_value,
    "referrer": read_referrer,
    "ip": read_network,
}
"""Of the types of conditions that have values."""
