"""The callable that joins both: RSGI on granian's side, ASGI 3 on the application's."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final, cast
from urllib.parse import quote

import structlog
from granian.rsgi import Scope as RsgiScope

from shorty.granian_bridge.answer import Answer
from shorty.granian_bridge.client import Client, ClientGoneError, RequestBody
from shorty.granian_bridge.pipe import Headers
from shorty.granian_bridge.private import RSGIHTTPProtocol
from shorty.redirect.request import Scope
from shorty.redirect.route import Answering

Message = dict[str, Any]
AsgiApp = Callable[..., Awaitable[None]]

VERSIONS: Final = {"version": "3.0", "spec_version": "2.4"}
GONE: Final[Message] = {"type": "http.disconnect"}
_PLAIN_PATH: Final = re.compile(r"[A-Za-z0-9/_.~-]*")  # `quote` does not change it

log = structlog.get_logger(__name__)


class Exchange:
    """One request and its answer, as an application's `receive` and `send`."""

    def __init__(
        self, scope: RsgiScope, proto: RSGIHTTPProtocol, streams_end: asyncio.Event
    ) -> None:
        self._streams_end = streams_end
        self.client = Client(proto)
        self.body = RequestBody(scope, proto)
        self.answer = Answer(scope, proto, self.client)

    async def receive(self) -> Message:
        if not self.body.is_over and not self.client.is_gone:
            try:
                piece = await self.body.read()
            except ClientGoneError:
                # If only the body broke off, its sender may still read an answer.
                return GONE
            else:
                return {"type": "http.request", "body": piece, "more_body": not self.body.is_over}
        await self.client.wait_until_gone()
        return GONE

    async def send(self, message: Message) -> None:
        if self.answer.is_over:
            return
        if self.client.is_gone:
            raise ClientGoneError
        try:
            if message["type"] == "http.response.start":
                self._start(message)
            else:
                is_last = not message.get("more_body", False)
                await self.answer.write(message.get("body", b""), is_last=is_last)
        except ClientGoneError:
            self.client.leave()
            raise
        if self.answer.is_over:
            self.client.leave()  # ends every wait for a disconnect

    def _start(self, message: Message) -> None:
        self.answer.start(message["status"], decode_headers(message.get("headers", ())))
        if self._streams_end.is_set():
            self.end_stream()

    def end_stream(self) -> None:
        if self.answer.is_endless:
            self.client.leave()

    def end(self) -> None:
        """Called when the application is done: cuts off an unfinished answer to a live client."""
        if self.client.is_gone:
            self.answer.close()
        else:
            self.answer.break_off()
        self.client.forget()


class AsgiShim:
    """`state` is the base of every request's scope, as in ASGI."""

    def __init__(self, app: AsgiApp, state: Mapping[str, object] = MappingProxyType({})) -> None:
        self._app = app
        self._state = state
        self._open: set[Exchange] = set()
        self._streams_end = asyncio.Event()

    async def __call__(self, scope: Scope, proto: Answering) -> None:
        """`scope` and `proto` are granian's complete ones; a visit needs only part of them."""
        request = cast("RsgiScope", scope)
        exchange = Exchange(request, cast("RSGIHTTPProtocol", proto), self._streams_end)
        self._open.add(exchange)
        try:
            asked = build_scope(request, self._state)
            await self._app(asked, exchange.receive, exchange.send)
        except Exception as error:
            if not _is_of_absence(error):
                log.exception("request_failed", method=scope.method, path=scope.path)
        finally:
            self._open.discard(exchange)
            exchange.end()

    def end_streams(self) -> None:
        """Ends event streams, also later ones, as if their clients had disconnected.

        Browsers reconnect when a stream ends.
        """
        self._streams_end.set()
        for exchange in self._open:
            exchange.end_stream()


def _is_of_absence(error: BaseException | None) -> bool:
    """Whether the only error is that the client has disconnected; other errors are logged."""
    while error is not None and not isinstance(error, ClientGoneError):
        error = error.__cause__
    return error is not None


def build_scope(scope: RsgiScope, state: Mapping[str, object]) -> dict[str, Any]:
    return {
        "type": "http",
        "asgi": VERSIONS,
        "http_version": "1.0" if scope.http_version == "1" else scope.http_version,
        "method": scope.method,
        "scheme": scope.scheme,
        "path": scope.path,
        "raw_path": spell_path(scope.path),  # the closest that RSGI allows
        "query_string": scope.query_string.encode(),  # granian decodes it as UTF-8
        "root_path": "",
        "headers": read_headers(scope),
        "client": split_address(scope.client),
        "server": _split_own_address(scope.server),
        "state": dict(state),
        "extensions": {},
    }


def read_headers(scope: RsgiScope) -> list[tuple[bytes, bytes]]:
    """Repeated headers in order. An authority in the request line overrides any Host header."""
    headers = [
        (name.encode("latin-1"), value.encode("latin-1")) for name, value in scope.headers.items()
    ]
    if scope.authority:
        others = [header for header in headers if header[0] != b"host"]
        return [(b"host", scope.authority.encode("latin-1")), *others]
    return headers


def decode_headers(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]


def spell_path(path: str) -> bytes:
    # Not cached between requests, because paths may be long and IP addresses are personal data.
    return (path if _PLAIN_PATH.fullmatch(path) else quote(path)).encode("ascii")


def split_address(address: str) -> tuple[str, int]:
    """`[::1]:80` into its host and port."""
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


_split_own_address = lru_cache(maxsize=16)(split_address)
