"""Defines visits and clicks, and shortens what a visitor's headers contain before it is stored.

A *visit* is what the redirect knows when it answers; it is written to the journal. A *click* is the
row that is created from it later. Neither contains the visitor's IP address.
"""

from functools import lru_cache
from re import IGNORECASE
from re import compile as compile_pattern
from typing import Final, Literal, NamedTuple
from urllib.parse import parse_qsl

import msgspec

# Small numbers instead of enums, which take three times as long: they are read millions of times.
Source = Literal[0, 1, 2]
LINK: Final = 0
QR: Final = 1
BIO: Final = 2

Kind = Literal[0, 1, 2, 3]
UNKNOWN: Final = 0  # decided later, from the user agent
PERSON: Final = 1
BOT: Final = 2
PREFETCH: Final = 3

Utm = tuple[str | None, str | None, str | None, str | None, str | None]
Won = tuple[str, str]
"""The id of the rule that won a visit, and the key of the variant that was drawn or ""."""
UTM_NAMES: Final = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")

LONGEST_USER_AGENT: Final = 512
LONGEST_REFERRER: Final = 253
LONGEST_REFERRER_HEADER: Final = 512
REMEMBERED_REFERRERS: Final = 4096
LONGEST_UTM: Final = 200
LONGEST_QUERY: Final = 8192
"""The longest part of a visitor's query that is read."""
LONGEST_VISIT: Final = 16_384  # bytes; properly shortened fields need less than half
MOST_QUERY_PARAMETERS: Final = 100

# As browsers send it: scheme, optional user and password, host, optional port.
_REFERRER = compile_pattern(
    r"(?:https?|android-app|ios-app)://(?:[^/?#]*@)?(?:www\.)?"
    r"([a-z0-9_.-]{1,253}|\[[0-9a-f:.]{2,45}\])(?::\d*)?(?:[/?#]|$)",
    IGNORECASE,
)
_CONTROL = compile_pattern(r"[\x00-\x1f\x7f\ud800-\udfff]+")


class Visit(msgspec.Struct, array_like=True, frozen=True, kw_only=True, gc=False):
    """One answered request for a link.

    The order of the fields is the journal's format. New fields are appended and have a default, so
    that a release can read visits written by the previous one.
    """

    at: int
    link_id: int
    visitor: int  # 63 bits; 0 if not numbered
    country: str = ""  # ISO 3166-1 alpha-2; "" if unknown
    source: Source = LINK
    kind: Kind = UNKNOWN
    user_agent: str = ""
    referrer: str = ""  # only the host; "" if none
    utm: Utm | None = None
    city: str = ""  # "" if unknown
    domain_id: int = 0  # by which it came; 0 if written by a release that did not record it
    won: Won | None = None  # None if no rule of the link won it


class PassedVisit(Visit, array_like=True, frozen=True, kw_only=True, gc=False):
    """A visit to a link with a click limit that `clicks.passes` counted before the answer.

    Only these have one field more, so that all others cost what they did.
    """

    has_pass: bool = True


class Click(NamedTuple):
    """A stored visit: a row of `clicks`, in the order of its columns."""

    link_id: int
    at: int
    visitor: int
    kind: Kind
    source: Source
    country: str | None
    referrer: str | None
    browser: str | None
    os: str | None
    device: str | None
    utm: str | None  # a JSON array of five
    city: str | None = None
    domain_id: int = 0  # by which it came; 0: its link's
    rule_id: str | None = None
    variant: str | None = None

    @property
    def is_bot(self) -> bool:
        return self.kind == BOT


# A visit's fields from the country to the city, and all of them, as this release writes them to the
# journal.
VisitDetails = tuple[str, Source, Kind, str, str, Utm | None, str]
VisitFields = tuple[int, int, int, str, Source, Kind, str, str, Utm | None, str, int, Won | None]

# The first byte of an array of as many fields.
_HEAD_OF_PASSED: Final = 0x90 | len(PassedVisit.__struct_fields__)

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Visit).decode
decode_fields = msgspec.msgpack.Decoder(VisitFields).decode
"""Reads a visit that has every field, a third faster than `decode_visit`; raises the same."""


def encode_visit(visit: Visit) -> bytes:
    """1 to LONGEST_VISIT bytes, whatever the visitor sent."""
    try:
        payload = _encode(visit)
    except UnicodeEncodeError:
        return _encode(_clean_visit(visit))
    return payload if len(payload) <= LONGEST_VISIT else _encode(_clean_visit(visit))


def decode_visit(payload: bytes) -> Visit:
    """Raises msgspec.MsgspecError or UnicodeDecodeError if the payload is not a visit."""
    return _decode(payload)


def give_pass(visit: Visit) -> PassedVisit:
    return PassedVisit(**msgspec.structs.asdict(visit))


def has_pass(payload: bytes) -> bool:
    """Whether the journal's bytes are those of a visit with a pass; not whether they are whole."""
    return payload[0] == _HEAD_OF_PASSED


def _clean_visit(visit: Visit) -> Visit:
    utm = visit.utm
    if utm is not None:
        source, medium, campaign, term, content = (
            value and clean_text(value, LONGEST_UTM) for value in utm
        )
        utm = (source, medium, campaign, term, content)
    return msgspec.structs.replace(
        visit,
        user_agent=clean_text(visit.user_agent, LONGEST_USER_AGENT),
        referrer=clean_text(visit.referrer, LONGEST_REFERRER),
        utm=utm,
    )


# Browsers send other sites only a page's origin, so the same few headers arrive again and again.
@lru_cache(REMEMBERED_REFERRERS)
def read_referrer(header: str) -> str:
    """The host that a Referer header names, lower-cased and without `www.`; "" if none.

    The header is cached, so cut it to LONGEST_REFERRER_HEADER first.
    """
    match = _REFERRER.match(header)
    return match[1].lower().rstrip(".") if match else ""


def read_utm(query: str, of_link: Utm | None) -> Utm | None:
    """The UTM values of a visit: the link's own, overridden by those in the visitor's query."""
    if "utm_" not in query:
        return of_link
    values = dict(zip(UTM_NAMES, of_link or (None,) * 5, strict=True))
    first = query[:LONGEST_QUERY].split("&", MOST_QUERY_PARAMETERS)[:MOST_QUERY_PARAMETERS]
    sent = parse_qsl("&".join(first))
    values.update((name, clean_text(value, LONGEST_UTM)) for name, value in sent if name in values)
    source, medium, campaign, term, content = (value or None for value in values.values())
    utm = (source, medium, campaign, term, content)
    return utm if any(utm) else None


def clean_text(text: str, longest: int) -> str:
    """A visitor's text, shortened, without characters that break databases or logs."""
    return _CONTROL.sub(" ", text[:longest]).strip()
