"""Public documents that are the same for everyone: stored and compressed once, with ETags."""

import gzip
from collections.abc import Iterable
from hashlib import sha256
from typing import Final, NamedTuple

import brotli

from shorty.limits import name_address
from shorty.webcore.answers import Answer, Header
from shorty.webcore.requests import ServedRequest

QUALITY: Final = 9  # of brotli; the highest one takes ten times as long for 7 % less
LONGEST_UNCOUNTED: Final = 32_768  # bytes that may be buffered for each client
PLAIN_FOR_ONE: Final = 30
"""How many longer documents a client gets uncompressed in a minute."""
PLAIN_FOR_ALL: Final = 100
TAG_LENGTH: Final = 20
VARY: Final[Header] = (b"vary", b"accept-encoding")


class Form(NamedTuple):
    """A document in one encoding; an empty `encoding` means uncompressed."""

    encoding: str
    tag: bytes
    body: bytes


class Document(NamedTuple):
    """The smallest encoding first, the uncompressed one last."""

    media_type: bytes
    forms: tuple[Form, ...]


def keep_document(content: bytes, media_type: bytes) -> Document:
    """Takes about 0.1 s for each half megabyte."""
    digest = sha256(content).hexdigest()[:TAG_LENGTH]
    bodies: dict[str, bytes] = {
        "br": brotli.compress(content, quality=QUALITY),
        "gzip": gzip.compress(content, mtime=0),
        "": content,
    }
    return Document(
        media_type=media_type,
        forms=tuple(_build_form(encoding, digest, body) for encoding, body in bodies.items()),
    )


def answer_document(
    request: ServedRequest, document: Document, headers: Iterable[Header] = ()
) -> Answer:
    """The smallest encoding that the client accepts; 304 if it has that already.

    A long uncompressed one is buffered for each slow client. Past the budget for these, clients
    that name no encoding get gzip, which HTTP permits (RFC 9110, 12.5.3).
    """
    accepted = list_encodings(request.find_header(b"accept-encoding") or "")
    form = next(each for each in document.forms if not each.encoding or each.encoding in accepted)
    if is_known(request.find_header(b"if-none-match") or "", form.tag):
        return Answer(304, headers=[*headers, (b"etag", form.tag), VARY])
    if len(form.body) > LONGEST_UNCOUNTED and not take_plain(request):
        form = next(each for each in document.forms if each.encoding == "gzip")
    named = [(b"content-encoding", form.encoding.encode())] if form.encoding else []
    sent = [*headers, (b"etag", form.tag), VARY, *named]
    return Answer(200, form.body, media_type=document.media_type, headers=sent)


def take_plain(request: ServedRequest) -> bool:
    """Whether one more long document may be sent uncompressed, to this client and in total."""
    limits, now = request.services.limits.plain_documents, request.services.read_clock()
    if not limits.take(name_address(request.client_address), PLAIN_FOR_ONE, now).is_allowed:
        return False
    return limits.take("", PLAIN_FOR_ALL, now).is_allowed


def list_encodings(header: str) -> set[str]:
    """The encodings that an Accept-Encoding header names and does not refuse (RFC 9110, 12.5.3)."""
    found: set[str] = set()
    for part in header.split(","):
        name, _, weight = part.partition(";")
        value = weight.replace(" ", "").lower().removeprefix("q=")
        if value.strip("0.") or not value:
            found.add(name.strip().lower())
    return found


def is_known(header: str, tag: bytes) -> bool:
    """Whether an If-None-Match header names the tag (RFC 9110, 13.1.2)."""
    tags = {part.strip().removeprefix("W/") for part in header.split(",")}
    return "*" in tags or tag.decode() in tags


def _build_form(encoding: str, digest: str, body: bytes) -> Form:
    """Each encoding has its own tag, because a strong tag means the same bytes."""
    tag = f'"{digest}-{encoding}"' if encoding else f'"{digest}"'
    return Form(encoding=encoding, tag=tag.encode(), body=body)
