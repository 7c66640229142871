"""An HTTP client for an RSGI application in this process, in place of granian."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Protocol, overload
from urllib.parse import unquote

import httpx

Headers = list[tuple[str, str]]
Meanwhile = Callable[[], Awaitable[object]]


class RequestHeaders:
    """Repeated headers stay separate; `get` returns the first one, or None.

    Names are in lower case, as granian passes them, and must be asked for like that.
    """

    def __init__(self, headers: httpx.Headers) -> None:
        self._headers = headers
        self._items = headers.multi_items()

    @overload
    def get(self, key: str) -> str | None: ...
    @overload
    def get(self, key: str, default: str) -> str: ...
    def get(self, key: str, default: str | None = None) -> str | None:
        return next(iter(self.get_all(key)), default)

    def get_all(self, key: str) -> list[str]:
        return [value for name, value in self._items if name == key]

    def items(self) -> Headers:
        return self._items

    def __contains__(self, key: str) -> bool:
        return key in self._headers


class Scope:
    """Like granian 2.8's: the path is percent-decoded, the query unchanged."""

    proto = "http"
    rsgi_version = "1.5"
    server = "127.0.0.1:8000"

    def __init__(self, request: httpx.Request, client: str) -> None:
        self.http_version = "1.1"
        self.client = client
        self.scheme = "http"
        self.method = request.method
        path, _, query = request.url.raw_path.decode("ascii").partition("?")
        self.path = unquote(path, errors="replace")
        self.query_string = query
        self.authority: str | None = None
        self.headers = RequestHeaders(request.headers)


class Exchange:
    """Collects the answer. A request's body arrives in one piece, after `meanwhile`."""

    def __init__(self, body: bytes, meanwhile: Meanwhile | None = None) -> None:
        self._body = body
        self._meanwhile = meanwhile
        self.status = 0
        self.headers: Headers = []
        self.body = bytearray()

    async def __call__(self) -> bytes:
        return self._body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if self._meanwhile is not None:
            await self._meanwhile()
        yield self._body

    async def client_disconnect(self) -> None:
        """Never happens here, because the test waits for its answer."""
        await asyncio.Event().wait()

    def response_empty(self, status: int, headers: Headers) -> None:
        self.status, self.headers = status, headers

    def response_str(self, status: int, headers: Headers, body: str) -> None:
        self.response_bytes(status, headers, body.encode())

    def response_bytes(self, status: int, headers: Headers, body: bytes) -> None:
        self.status, self.headers = status, headers
        self.body += body

    def response_stream(self, status: int, headers: Headers) -> "Exchange":
        self.status, self.headers = status, headers
        return self

    async def send_bytes(self, data: bytes) -> None:
        self.body += data

    async def send_str(self, data: str) -> None:
        self.body += data.encode()


class Application(Protocol):
    """What granian calls: first `answer_now`, then the rest on the loop."""

    @property
    def answer_now(self) -> Callable[[Any, Any], bool]: ...
    def __rsgi__(self, scope: Any, proto: Any, /) -> Awaitable[None]: ...


class RsgiTransport(httpx.AsyncBaseTransport):
    def __init__(
        self,
        app: Application,
        client: str = "127.0.0.1:50000",
        meanwhile: Meanwhile | None = None,
    ) -> None:
        self._app = app
        self._client = client
        self._meanwhile = meanwhile

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        protocol = Exchange(await request.aread(), self._meanwhile)
        scope = Scope(request, self._client)
        if not self._app.answer_now(scope, protocol):
            await self._app.__rsgi__(scope, protocol)
        body = bytes(protocol.body)
        return httpx.Response(
            protocol.status,
            headers=protocol.headers,
            content=body,
            request=request,
            extensions={"sent": body},  # before it is decompressed
        )


def make_client(
    app: Application, *, peer: str = "127.0.0.1:50000", meanwhile: Meanwhile | None = None
) -> httpx.AsyncClient:
    """A client that connects to `app` from `peer`; does not follow redirects.

    `meanwhile` runs between a request's head and its body.
    """
    transport = RsgiTransport(app, peer, meanwhile)
    return httpx.AsyncClient(transport=transport, base_url="http://localhost:8000")
