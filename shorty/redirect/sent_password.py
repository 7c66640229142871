"""Owns how a request names a link's password: in a form, as JSON, or by HTTP Basic (RFC 7617).

Basic is for programs. A browser repeats credentials that it was asked for by somebody else on the
same host, such as a proxy in front of a site under test: they are no guess at a link's password.
"""

import asyncio
import binascii
from base64 import b64decode
from collections.abc import AsyncIterator
from email.message import Message
from typing import Final, Protocol
from urllib.parse import parse_qs

import msgspec
from multipart import MultipartError, MultipartSegment, PushMultipartParser

from shorty.clicks.crawlers import names_engine
from shorty.redirect.problems import wants_json
from shorty.redirect.request import Headers, read_user_agent

FIELD: Final = "password"
LONGEST_FORM: Final = 4096
FORM_TIMEOUT_S: Final = 30.0
LONGEST_CREDENTIALS: Final = 4096
CHALLENGE: Final = (
    "www-authenticate",
    'Basic realm="Password required", charset="UTF-8"',
)


class Body(Protocol):
    """Gives a request's body piece by piece."""

    def __aiter__(self) -> AsyncIterator[bytes]: ...


class SentJson(msgspec.Struct, frozen=True):
    password: str


async def read_sent_password(headers: Headers, body: Body) -> str:
    """The one field; a body too large, too slow or not what it says it is holds no password."""
    sent = bytearray()
    try:
        async with asyncio.timeout(FORM_TIMEOUT_S):
            async for piece in body:
                sent += piece
                if len(sent) > LONGEST_FORM:
                    return ""
    except TimeoutError:
        return ""
    told = Message()
    told["content-type"] = headers.get("content-type", "")
    if told.get_content_type() == "application/json":
        return _read_json(bytes(sent))
    if told.get_content_type() == "multipart/form-data":
        return _read_parts(bytes(sent), told.get_boundary(""))
    # The form's size bounds how many fields it can have.
    fields = parse_qs(sent.decode(errors="replace"), keep_blank_values=True)
    return fields.get(FIELD, [""])[0]


def find_basic_password(headers: Headers) -> str | None:
    """What a program sent by HTTP Basic, whatever the user's name; None where it sent none."""
    sent = headers.get_all("authorization")
    if len(sent) != 1 or len(sent[0]) > LONGEST_CREDENTIALS or is_browser(headers):
        return None
    scheme, _, credentials = sent[0].partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        pair = b64decode(credentials.strip(), validate=True)
    except (binascii.Error, ValueError):
        return None
    user_and_password = _decode(pair).partition(":")
    return user_and_password[2] if user_and_password[1] else None


def is_browser(headers: Headers) -> bool:
    """Whether a browser asks, which would open a dialog of its own at a challenge."""
    accept = headers.get("accept", "").lower()
    wants_page = ("text/html" in accept or "xhtml" in accept) and not wants_json(accept)
    return (
        wants_page
        or headers.get("sec-fetch-mode", "") != ""
        or names_engine(read_user_agent(headers))
    )


def _read_json(sent: bytes) -> str:
    try:
        return msgspec.json.decode(sent.removeprefix(b"\xef\xbb\xbf"), type=SentJson).password
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""


def _read_parts(sent: bytes, boundary: str) -> str:
    """The field's first part; nothing where the body is no such form."""
    parts: list[tuple[str, bytearray]] = []
    try:
        with PushMultipartParser(boundary) as parser:
            for event in parser.parse(sent):
                if isinstance(event, MultipartSegment):
                    parts.append((event.name or "", bytearray()))
                elif event is not None:
                    parts[-1][1].extend(event)
    except (MultipartError, ValueError):
        return ""
    named = (value for name, value in parts if name == FIELD)
    return next(named, bytearray()).decode(errors="replace")


def _decode(pair: bytes) -> str:
    try:
        return pair.decode()
    except UnicodeDecodeError:
        return pair.decode("latin-1")
