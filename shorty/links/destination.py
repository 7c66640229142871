"""Owns where a link leads: which addresses it accepts, its UTM parameters and what it forwards.

Addresses are read as browsers read them (the WHATWG URL standard), so that what is checked here is
what a visitor's browser opens. Queries are edited as text: what nobody asked to change keeps its
bytes, since re-encoding `+`, `%2f` or `&&` breaks signed and hand-made addresses. Every function
but `parse_destination` takes an address which that one has made.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final, Literal, TypeAlias, get_args
from urllib.parse import quote, unquote_to_bytes

import can_ada

from shorty.links.model import LinkType

RedirectStatus: TypeAlias = Literal[301, 302, 307, 308]
REDIRECT_STATUSES: Final[tuple[RedirectStatus, ...]] = get_args(RedirectStatus)

UTM_PARAMETERS: tuple[str, ...] = (
    "utm_source",
    "utm_medium",
    "utm_campaign",
    "utm_term",
    "utm_content",
    "utm_id",
)
MAX_DESTINATION_LENGTH = 8192
"""In characters of the stored form, where everything outside ASCII is percent-encoded."""
MAX_FORWARDED_LENGTH = 8192
"""Of a visitor's parameters, in characters as they are sent on."""

QR_MARKER = "qr=1"
"""What the address in a QR code ends with, so that scans are told from clicks."""
BIO_MARKER = "bio=1"
"""What the address of a button on a bio page ends with."""
FOLLOW_MARKER = "bio=go"
"""The same of a bio page's first button, which leads past the page itself."""
CARD_MARKER = "shorty-card"
"""The name of the parameter by which the button of a card leads past the card."""
MARKERS = frozenset({QR_MARKER, BIO_MARKER, FOLLOW_MARKER})

_MARKERS = frozenset({(b"qr", b"1"), (b"bio", b"1"), (b"bio", b"go")})
_FORWARDED_FIELDS = {"mailto": {b"subject", b"body"}, "sms": {b"body"}, "tel": set[bytes]()}

# What browsers percent-encode in the query of an http address, the "special-query" set.
_UNSAFE = re.compile(r"""[^!-~]|["#'<>]""")
_HTTP = ("http:", "https:")
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):", re.IGNORECASE)
_MAIL_ADDRESS = re.compile(r"""([^\s@"<>]+)@([^\s@]+)""")
_MAIL_HOST = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")
_NUMBER = re.compile(r"(?ai)(?=[^;]*\d)\+?([\d*().-]|%23)+(;[a-z\d-]+(=[\w+.%-]+)?)*")
# Spaces, slashes and the invisible direction marks that phones put around copied numbers.
_BETWEEN_DIGITS = re.compile(r"[\s/\u200b-\u200f\u202a-\u202e\u2060-\u2069]+")


def parse_destination(link_type: LinkType, text: str) -> str:
    """Returns the destination as it is stored and sent: ASCII without spaces or control characters.

    Raises ValueError with a sentence for the person who entered it.
    """
    text = text.encode(errors="replace").decode().strip()
    if not text:
        raise ValueError("Enter a destination, for example https://example.com/page.")
    destination = _PARSERS[link_type](text)
    if len(destination) > MAX_DESTINATION_LENGTH:
        raise ValueError(f"A destination may have at most {MAX_DESTINATION_LENGTH} characters.")
    return destination


def destination_host(url: str) -> str:
    """Host of an http address, lower-case punycode without its port; empty for other schemes.

    A dot at its end is left out: `example.com.` is the same machine as `example.com`.
    """
    return _read_authority(url)[0] if url.startswith(_HTTP) else ""


def destination_port(url: str) -> int | None:
    """Port of an http address, its scheme's own where none is written; None for other schemes."""
    return _read_authority(url)[1] if url.startswith(_HTTP) else None


@lru_cache(maxsize=1024)
def _read_authority(url: str) -> tuple[str, int]:
    """Several rules ask this of a new link's destination, also once all of a bulk are stored."""
    parsed = can_ada.parse(url)
    port = int(parsed.port) if parsed.port else {"http:": 80, "https:": 443}[parsed.protocol]
    return parsed.hostname.removesuffix("."), port


def apply_utm(url: str, utm: Mapping[str, str | None]) -> str:
    """Set those of UTM_PARAMETERS that `utm` gives: in place where `url` has them, else at its end.

    Mail, phone and text message addresses have no such parameters and stay as they are.
    """
    values = {name.encode(): value for name in UTM_PARAMETERS if (value := utm.get(name))}
    if not values or not url.startswith(_HTTP):
        return url
    base, query, fragment = _split(url)
    waiting = {name: f"{name.decode()}={_quote(value)}" for name, value in values.items()}
    if "utm_" not in query and "%" not in query:  # a name may be percent-encoded
        return base + _join([query] if query else [], list(waiting.values())) + fragment
    segments: list[str] = []
    for segment in _segments(query):
        name, _ = _decode_pair(segment)
        if name not in values:
            segments.append(segment)
        elif name in waiting:
            segments.append(waiting.pop(name))
    return base + _join(segments, list(waiting.values())) + fragment


def forward_parameters(url: str, visitor_query: str) -> str:
    """Add the visitor's parameters, which replace those of the same name, at the query's end.

    `visitor_query` is the raw query without `?`, bytes outside UTF-8 as surrogate escapes. Only a
    subject and a body go to mail, only a body to text messages, nothing to phone numbers: a short
    link must not become a way to add recipients. Parameters past MAX_FORWARDED_LENGTH are left out.
    """
    parts = cut_query(visitor_query).split("&")
    added = [part for part in parts if part and not _is_marker(part)]
    if not url.startswith(_HTTP):
        fields = _FORWARDED_FIELDS[url.partition(":")[0]]
        # A plus sign means a space in a form, and itself in mail: RFC 6068, section 5.
        added = [part.replace("+", "%20") for part in added if _decode_pair(part)[0] in fields]
    if not added:
        return url
    base, query, fragment = _split(url)
    names = {_decode_pair(part)[0] for part in added}
    kept = [part for part in _segments(query) if not part or _decode_pair(part)[0] not in names]
    return base + _join(kept, added) + fragment


def cut_query(query: str) -> str:
    """A visitor's query, percent-encoded where it must be, with as many parameters as are sent on.

    They are whole: half a value may mean something else.
    """
    query = _UNSAFE.sub(_percent_encode, query)
    if len(query) <= MAX_FORWARDED_LENGTH:
        return query
    return query[: MAX_FORWARDED_LENGTH + 1].rpartition("&")[0]


def _parse_url(text: str) -> str:
    try:
        parsed = can_ada.parse(text)
    except ValueError:
        raise ValueError(_explain_bad_url(text)) from None
    if parsed.protocol not in {"http:", "https:"}:
        raise ValueError(_explain_scheme(parsed.protocol, text))
    return parsed.href


def _explain_bad_url(text: str) -> str:
    if _SCHEME.match(text):
        return "A browser cannot open this URL; check its host and port."
    return "Enter the full URL including https://, for example https://example.com/page."


def _explain_scheme(protocol: str, text: str) -> str:
    if can_ada.can_parse("https://" + text) and ("." in protocol or protocol == "localhost:"):
        return "Enter the full URL, starting with https:// or http://."
    link_type = {"mailto:": "MAILTO", "tel:": "TEL", "sms:": "SMS"}.get(protocol)
    if link_type:
        return (
            f"A link of type URL needs an http or https destination; for {protocol} use type "
            f"{link_type}."
        )
    return f"Only http and https destinations are allowed, not {protocol}"


def _parse_mailto(text: str) -> str:
    recipients, fields = _split_message(text, "mailto")
    addresses = [_parse_mail_address(part) for part in recipients.split(",") if part.strip()]
    if not addresses and not fields:
        raise ValueError("Enter an email, for example mailto:ana@example.com.")
    return f"mailto:{','.join(addresses)}{fields}"


def _parse_mail_address(text: str) -> str:
    match = _MAIL_ADDRESS.fullmatch(text.strip())
    host = can_ada.idna_encode(match[2]).decode(errors="replace") if match else ""
    if match is None or not _MAIL_HOST.fullmatch(host):
        raise ValueError("Enter an email, for example mailto:ana@example.com.")
    local = quote(match[1], safe="!$*+%'()")
    return f"{local}@{host}"


def _parse_tel(text: str) -> str:
    return f"tel:{_parse_number(_strip_scheme(text, 'tel'))}"


def _parse_sms(text: str) -> str:
    recipients, fields = _split_message(text, "sms")
    numbers = [_parse_number(part) for part in recipients.split(",") if part.strip()]
    if not numbers and not fields:
        raise ValueError("Enter a phone number, for example sms:+12015550123.")
    return f"sms:{','.join(numbers)}{fields}"


def _parse_number(text: str) -> str:
    number = _BETWEEN_DIGITS.sub("", text).replace("#", "%23")
    if not _NUMBER.fullmatch(number):
        raise ValueError("Enter a phone number in digits, for example +1 201 555 0123.")
    return number


def _split_message(text: str, scheme: str) -> tuple[str, str]:
    recipients, _, fields = _strip_scheme(text, scheme).partition("?")
    fields = _UNSAFE.sub(_percent_encode, fields)
    return recipients, f"?{fields}" if fields else ""


def _strip_scheme(text: str, scheme: str) -> str:
    return text[len(scheme) + 1 :] if text.lower().startswith(f"{scheme}:") else text


_PARSERS = {"URL": _parse_url, "MAILTO": _parse_mailto, "TEL": _parse_tel, "SMS": _parse_sms}


def _split(url: str) -> tuple[str, str, str]:
    """Answer what stands before the query, the query, and the fragment with its `#`."""
    address, hash_sign, fragment = url.partition("#")
    base, _, query = address.partition("?")
    return base, query, hash_sign + fragment


def _segments(query: str) -> list[str]:
    return query.split("&") if query else []


def _join(kept: list[str], added: list[str]) -> str:
    query = "&".join(kept)
    if added:
        query += "&" if query and not query.endswith("&") else ""
        query += "&".join(added)
    return f"?{query}" if query else ""


def _decode_pair(segment: str) -> tuple[bytes, bytes]:
    """Read one parameter as forms write it, for comparing names however they are spelt."""
    raw = _encode_text(segment.replace("+", " "))
    name, _, value = raw.partition(b"=")
    return unquote_to_bytes(name), unquote_to_bytes(value)


def _is_marker(segment: str) -> bool:
    name, value = _decode_pair(segment)
    return (name, value) in _MARKERS or name == CARD_MARKER.encode()


def _encode_text(text: str) -> bytes:
    try:
        return text.encode(errors="surrogateescape")
    except UnicodeEncodeError:
        return text.encode(errors="replace")


def _percent_encode(match: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in _encode_text(match[0]))


@lru_cache(maxsize=1024)
def _quote(value: str) -> str:
    return quote(value, safe="", errors="replace")
