"""The request of the API and the dashboard: the actor, the time, and the body as a mapping."""

import asyncio
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import parse_qsl

import msgspec
import structlog
from litestar import Request

from shorty.accounts.model import Actor, Scope
from shorty.accounts.roles import may_still
from shorty.errors import NotFoundError
from shorty.ids import parse_id
from shorty.limits import name_address
from shorty.webcore.errors import (
    BodyTooLargeError,
    MalformedRequestError,
    UnsupportedMediaTypeError,
)
from shorty.webcore.services import Services

if TYPE_CHECKING:
    from litestar.types import HTTPReceiveMessage

BODY_TIMEOUT_S: Final = 60.0
BODY_LIMIT: Final = 1024 * 1024
QUERY_LIMIT: Final = 16_384
MOST_PARAMETERS: Final = 1000
SERVICES: Final = "services"  # in the state of a request's scope
HEADERS: Final = "shorty.headers"  # in the scope's state too, once a header was read
BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"  # that some programs write before UTF-8
FORM: Final = "application/x-www-form-urlencoded"

PROXY_ADVICE: Final = (
    "If this is your reverse proxy, add its IP address to [server] trusted_proxies or "
    "SHORTY_SERVER__TRUSTED_PROXIES; until then, all clients behind it count as one."
)

log = structlog.get_logger(__name__)


class ServedRequest(Request[Any, Any, Any]):
    """Litestar's request, with the services in its state.

    Authentication sets `actor` and `now` (UTC milliseconds).
    """

    actor: Actor
    now: int

    @property
    def services(self) -> Services:
        return self.scope["state"][SERVICES]

    def find_header(self, name: bytes) -> str | None:
        """The header's value; if it is repeated, the first."""
        state = self.scope["state"]
        headers: dict[bytes, bytes] | None = state.get(HEADERS)
        if headers is None:
            headers = state[HEADERS] = {}
            for key, sent in self.scope["headers"]:
                headers.setdefault(key, sent)
        value = headers.get(name)
        return None if value is None else value.decode("latin-1")

    @property
    def peer(self) -> str:
        """The IP address of the connection, which may be a proxy's."""
        client = self.scope["client"]
        return client[0] if client else ""

    @property
    def client_address(self) -> str:
        """The client's IP address according to trusted proxies, else the peer's."""
        forwarded = [
            value.decode("latin-1")
            for name, value in self.scope["headers"]
            if name == b"x-forwarded-for"
        ]
        return self.services.proxies.find_client_address(self.peer, ",".join(forwarded))

    @property
    def is_secure(self) -> bool:
        """Whether the client uses https, according to the nearest trusted proxy."""
        forwarded = self.find_header(b"x-forwarded-proto") or ""
        scheme = self.services.proxies.find_client_scheme(
            self.peer, forwarded, self.scope["scheme"]
        )
        return scheme == "https"

    async def confirm(self) -> None:
        """Called once the body has arrived, which may take a minute, to check the sender again."""

    async def may_still(self, needed: Scope) -> bool:
        """Whether the actor still has that scope, for long answers."""
        now = self.services.read_clock()
        return await self.services.db.read_by_key(
            lambda rows: may_still(rows, self.actor, needed, now)
        )

    def read_id(self, name: str, what: str) -> int:
        """An id from the path. Raises NotFoundError for text that is not an id."""
        text: str = self.path_params[name]
        found = parse_id(text)
        if found is None:
            raise NotFoundError(what, text)
        return found

    def read_query(self) -> dict[str, str]:
        """The query's parameters; if one is repeated, the last. Raises MalformedRequestError."""
        raw = self.scope["query_string"]
        if not raw:
            return {}
        if len(raw) > QUERY_LIMIT or raw.count(b"&") >= MOST_PARAMETERS:
            raise MalformedRequestError(
                f"A query may have at most {QUERY_LIMIT:,} bytes and {MOST_PARAMETERS:,} "
                "parameters."
            )
        return dict(parse_qsl(raw.decode(errors="replace"), keep_blank_values=True))


class Body(msgspec.Struct, frozen=True, kw_only=True):
    """A request's body: its fields, and whether they come from a form, where all are text."""

    fields: dict[str, object]
    is_form: bool
    raw: bytes


async def read_body(
    request: ServedRequest, *, takes_forms: bool = False, limit: int = BODY_LIMIT
) -> Body:
    """Raises MalformedRequestError, UnsupportedMediaTypeError and BodyTooLargeError."""
    is_form = check_media_type(request.find_header(b"content-type"), takes_forms=takes_forms)
    raw = await read_bytes(request, limit)
    # `curl -d '{…}'` declares a form; no field's name begins with a brace.
    is_form = is_form and not raw.removeprefix(BYTE_ORDER_MARK).lstrip().startswith(b"{")
    fields = decode_form(raw) if is_form else decode_object(raw)
    return Body(fields=fields, is_form=is_form, raw=raw)


def check_media_type(content_type: str | None, *, takes_forms: bool) -> bool:
    """Whether the body is a form; without a Content-Type it is JSON."""
    media_type = (content_type or "application/json").partition(";")[0].strip().lower()
    if media_type == "application/json" or media_type.endswith("+json"):
        return False
    if media_type == FORM and takes_forms:
        return True
    accepted = f"application/json or {FORM}" if takes_forms else "application/json"
    raise UnsupportedMediaTypeError(media_type, accepted)


async def read_bytes(request: ServedRequest, limit: int) -> bytes:
    """Raises MalformedRequestError if the body breaks off or takes longer than a minute, and
    the errors of the request's `confirm`.
    """
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            raw = await _read_pieces(request, limit)
    except TimeoutError as error:
        raise MalformedRequestError("The body took too long to arrive.") from error
    await request.confirm()
    return raw


async def _read_pieces(request: ServedRequest, limit: int) -> bytes:
    length = request.find_header(b"content-length")
    if length is not None and length.isdigit() and int(length) > limit:
        raise BodyTooLargeError(limit)
    parts: list[bytes] = []
    size = 0
    while True:
        message = cast("HTTPReceiveMessage", await request.receive())
        if message["type"] == "http.disconnect":
            raise MalformedRequestError("The request ended before its body was complete.")
        part = message["body"]
        size += len(part)
        if size > limit:
            raise BodyTooLargeError(limit)
        if not message["more_body"]:
            return b"".join([*parts, part]) if parts else part
        parts.append(part)


def decode_object(raw: bytes) -> dict[str, object]:
    try:
        decoded: object = msgspec.json.decode(raw.removeprefix(BYTE_ORDER_MARK))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MalformedRequestError(f"The body is not JSON: {error}.") from error
    except RecursionError as error:
        raise MalformedRequestError("The body is nested too deeply.") from error
    if not isinstance(decoded, dict):
        raise MalformedRequestError("The body must be a JSON object.")
    return cast("dict[str, object]", decoded)


def decode_form(raw: bytes) -> dict[str, object]:
    """The form's fields; a repeated field is a list."""
    try:
        pairs = parse_qsl(raw.decode(), keep_blank_values=True, errors="strict")
    except (UnicodeDecodeError, ValueError) as error:
        raise MalformedRequestError(f"The body is not a form in UTF-8: {error}.") from error
    fields: dict[str, object] = {}
    for name, value in pairs:
        known = fields.get(name)
        if known is None:
            fields[name] = value
        elif isinstance(known, list):
            cast("list[object]", known).append(value)
        else:
            fields[name] = [known, value]
    return fields


def tell_of_proxy(request: ServedRequest) -> None:
    """Warns about a local peer that forwards IP addresses and is not trusted, once a day per peer.

    All its clients share one IP address, and so every limit that counts by it. Only the API and the
    dashboard check this, not visits of short links. A peer on the internet is ignored, because
    anyone can send that header.
    """
    if request.find_header(b"x-forwarded-for") is None:
        return
    services, peer = request.services, request.peer
    if not services.proxies.is_untrusted_neighbour(peer):
        return
    now = services.read_clock()
    if services.limits.neighbours_told.take(name_address(peer), 1, now).is_allowed:
        log.warning("proxy_not_trusted", peer=peer, advice=PROXY_ADVICE)
