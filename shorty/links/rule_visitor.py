"""What rules can ask of a visit, and how it is read from headers."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from itertools import accumulate
from re import compile as compile_pattern
from typing import Final, Protocol
from urllib.parse import parse_qsl

import msgspec

UNKNOWN_COUNTRIES: Final = frozenset({"", "XX", "T1"})  # the last one is Tor's
LEAST_QUALITY: Final = 0.9
MOST_LANGUAGES: Final = 20
LONGEST_LANGUAGES: Final = 500
MOST_SUBTAGS: Final = 7
"""So many at most are in a condition."""
LONGEST_QUERY: Final = 8192
MOST_PARAMETERS: Final = 100

# Four numbers up to 255 without leading zeros.
_NUMBER: Final = r"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_DOTTED: Final = compile_pattern(rf"(?:{_NUMBER}\.){{3}}{_NUMBER}")

Query = Mapping[str, Sequence[str]]
Address = IPv4Address | IPv6Address
NO_PARAMETERS: Final[Query] = {}


class RuleVisitor(Protocol):
    """What rules can ask of a visit; each is read only if a rule asks for it. None is unknown.

    Names are in the spelling of `fold_name`. `languages` are as `read_languages` returns them,
    `query` as `read_query`. `is_program`: a bot or a preview crawler, which no rule is for.
    """

    @property
    def is_program(self) -> bool: ...
    @property
    def now(self) -> int: ...
    @property
    def country(self) -> str | None: ...
    @property
    def region(self) -> str | None: ...
    @property
    def city(self) -> str | None: ...
    @property
    def device(self) -> str | None: ...
    @property
    def os(self) -> str | None: ...
    @property
    def browser(self) -> str | None: ...
    @property
    def languages(self) -> frozenset[str] | None: ...
    @property
    def query(self) -> Query | None: ...
    @property
    def referrer_host(self) -> str | None: ...
    @property
    def address(self) -> Address | None: ...

    def find_kept_variant(self, rule_id: str) -> str | None:
        """The key of the variant that the visitor got before, where they may keep it."""
        ...


class StatedVisitor(msgspec.Struct, frozen=True, kw_only=True):
    """A visitor that somebody describes, to try what rules do; what is left out is unknown."""

    now: int
    is_program: bool = False
    country: str | None = None
    region: str | None = None
    city: str | None = None
    device: str | None = None
    os: str | None = None
    browser: str | None = None
    languages: frozenset[str] | None = None
    query: Query | None = None
    referrer_host: str | None = None
    address: Address | None = None

    def find_kept_variant(self, rule_id: str) -> str | None:
        del rule_id
        return None


def fold_name(text: str) -> str:
    """In which names of cities, devices, systems and browsers are compared."""
    return text.casefold()


def read_country(code: str) -> str | None:
    return None if code in UNKNOWN_COUNTRIES else code


@lru_cache(maxsize=1024)
def read_languages(header: str) -> frozenset[str] | None:
    """All prefixes of the languages that `Accept-Language` names first; None if it names none.

    `de-CH` is `de` and `de-ch`. Cut the header to LONGEST_LANGUAGES first, because it is cached.
    """
    found: set[str] = set()
    for part in header.split(",")[:MOST_LANGUAGES]:
        tag, *parameters = (each.strip() for each in part.replace("_", "-").lower().split(";"))
        if tag and tag != "*" and _read_quality(parameters) >= LEAST_QUALITY:
            # All prefixes of a tag of hyphens would be a hundred times as long as the header.
            found.update(accumulate(tag.split("-")[:MOST_SUBTAGS], "{}-{}".format))
    return frozenset(found) or None


def read_query(query: str) -> Query:
    """A visitor's raw query: each parameter's values in their order."""
    if not query:
        return NO_PARAMETERS
    found: dict[str, list[str]] = {}
    first = query[:LONGEST_QUERY].split("&", MOST_PARAMETERS)[:MOST_PARAMETERS]
    for name, value in parse_qsl("&".join(first), keep_blank_values=True):
        found.setdefault(name, []).append(value)
    return found


def read_client_address(text: str) -> Address | None:
    """IPv4 inside IPv6 becomes plain IPv4."""
    if _DOTTED.fullmatch(text):  # half the time of `ip_address`
        return IPv4Address(int.from_bytes(map(int, text.split(".")), "big"))
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _read_quality(parameters: Sequence[str]) -> float:
    for each in parameters:
        name, _, value = each.partition("=")
        if name.strip() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0
