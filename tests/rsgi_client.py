"""An HTTP client for an RSGI application in this process: what granian would hand to it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Protocol, overload
from urllib.parse import unquote

import httpx

Headers = list[tuple[str, str]]
Meanwhile = Callable[[], Awaitable[object]]


class RequestHeaders:
    """Repeated ones are told apart, and the first is the one that `get` gives, or None.

    Names are in lower case, as granian gives them, and have to be asked for so.
    """

    def __init__(self, headers: httpx.Headers) -> None:
        self._headers = headers

    @overload
    def get(self, key: str) -> str | None: ...
    @overload
    def get(self, key: str, default: str) -> str: ...
    def get(self, key: str, default: str | None = None) -> str | None:
        return next(iter(self.get_all(key)), default)

    def get_all(self, key: str) -> list[str]:
        return [value for name, value in self.items() if name == key]

    def items(self) -> Headers:
        return self._headers.multi_items()

    def __contains__(self, key: str) -> bool:
        return key in self._headers


class Scope:
    """As granian 2.8 gives it: the path percent-decoded, the query as it came."""

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
    """Collects the answer; one request's body arrives in one piece, `meanwhile` before it."""

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
        """Never happens here: the test waits for its answer."""
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
    """What granian calls: at first `answer_now`, then what may wait."""

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
        return httpx.Response(
            protocol.status, headers=protocol.headers, content=bytes(protocol.body), request=request
        )


def make_client(
    app: Application, *, peer: str = "127.0.0.1:50000", meanwhile: Meanwhile | None = None
) -> httpx.AsyncClient:
    """Speaks to `app` as a client on `peer` would; redirects are not followed.

    `meanwhile` is what happens between a request's head and its body.
    """
    transport = RsgiTransport(app, peer, meanwhile)
    return httpx.AsyncClient(transport=transport, base_url="http://localhost:8000")
