"""Owns every outgoing request: one HTTP client that only connects to public IP addresses.

The check is where the socket is created, so it sees the IP address that is actually used: after DNS
(rebinding), after every redirect, however the host was spelled.
"""

import asyncio
import socket
import threading
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Final, Self

import aiohttp
import can_ada
import msgspec
import yarl
from aiohttp.abc import AbstractResolver, ResolveResult

from shorty import __version__
from shorty.addresses import is_public_address
from shorty.errors import FetchError

USER_AGENT: Final = f"shorty/{__version__}"
MAX_REDIRECTS: Final = 5
ANSWER_LIMIT_BYTES: Final = 4096
SIMULTANEOUS_LOOKUPS: Final = 32

_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """`url` is the end of the redirects; `content_type` has no parameters, `charset` is its own."""

    status: int
    url: str
    content_type: str
    charset: str | None
    body: bytes


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A receiver's answer to a POST; `body` is at most ANSWER_LIMIT_BYTES of it."""

    status: int
    retry_after: str | None
    body: bytes


class _PrivateAddressError(OSError):
    """Raised in place of a socket; equal texts let the connector report one for many addresses."""

    def __init__(self) -> None:
        super().__init__("not a public address")


class Fetcher:
    """Opened and closed with the app. `is_allowed` judges numeric IP addresses."""

    def __init__(
        self,
        *,
        allow_private: bool = False,
        is_allowed: Callable[[str], bool] = is_public_address,
        resolver: AbstractResolver | None = None,
        connections: int = 64,
        connections_per_host: int = 8,
        pages_at_once: int = 8,
    ) -> None:
        self._is_allowed = None if allow_private else is_allowed
        self._resolver = resolver
        self._connections = connections
        self._connections_per_host = connections_per_host
        self._page_turns = asyncio.Semaphore(pages_at_once)
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        connector = aiohttp.TCPConnector(
            resolver=self._resolver or SystemResolver(),
            socket_factory=self._make_socket,
            limit=self._connections,
            limit_per_host=self._connections_per_host,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": USER_AGENT},
            timeout=aiohttp.ClientTimeout(total=None),
            trust_env=False,
        )

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def get_page(self, url: str, *, limit_bytes: int, timeout_s: float) -> Page:
        """Sends a GET, following redirects; the decompressed body is cut at `limit_bytes`.

        `timeout_s` covers everything, but starts only when a connection is free. Raises FetchError.
        """
        async with self._page_turns, _limit_time(timeout_s):
            target = _parse_target(url)
            for _ in range(MAX_REDIRECTS + 1):
                async with self._send("GET", target, {"Accept": "text/html, */*;q=0.5"}) as answer:
                    location = answer.headers.get("Location")
                    if answer.status not in _REDIRECTS or location is None:
                        return await _read_page(answer, limit_bytes)
                    target = _parse_target(location, base=target)
        raise FetchError(f"The page redirects more than {MAX_REDIRECTS} times.")

    async def post(
        self, url: str, body: bytes, headers: Mapping[str, str], timeout_s: float
    ) -> Answer:
        """Sends one POST, on an open connection if possible; a redirect is returned as an answer.

        Raises FetchError.
        """
        async with (
            _limit_time(timeout_s),
            self._send("POST", _parse_target(url), headers, body) as answer,
        ):
            return Answer(
                status=answer.status,
                retry_after=answer.headers.get("Retry-After"),
                body=await _read_start(answer, ANSWER_LIMIT_BYTES),
            )

    @asynccontextmanager
    async def _send(
        self, method: str, target: yarl.URL, headers: Mapping[str, str], body: bytes | None = None
    ) -> AsyncGenerator[aiohttp.ClientResponse]:
        if self._session is None:
            raise RuntimeError("The fetcher is not open.")
        try:
            async with self._session.request(
                method, target, headers=headers, data=body, allow_redirects=False
            ) as answer:
                yield answer
        except (aiohttp.ClientError, OSError) as error:
            if isinstance(error, TimeoutError):
                raise
            raise FetchError(_explain_failure(error, target.raw_host or "")) from error

    def _make_socket(
        self, address_info: tuple[int, int, int, str, tuple[object, ...]]
    ) -> socket.socket:
        family, kind, protocol, _, (address, *_) = address_info
        if self._is_allowed is not None and not self._is_allowed(str(address)):
            raise _PrivateAddressError
        return socket.socket(family, kind, protocol)


class SystemResolver(AbstractResolver):
    """Calls getaddrinfo (which reads /etc/hosts), each time in its own daemon thread.

    In the loop's thread pool, name servers that hang would block the hashing of passwords, and
    delay the exit of the process.
    """

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(SIMULTANEOUS_LOOKUPS)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[list[ResolveResult]] = loop.create_future()
        await self._turns.acquire()

        def finish(outcome: list[ResolveResult] | OSError) -> None:
            self._turns.release()
            if future.done():
                return
            if isinstance(outcome, OSError):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)

        def look_up() -> None:
            outcome = _ask_system(host, port, family)
            with suppress(RuntimeError):  # the loop was closed before the name server answered
                loop.call_soon_threadsafe(finish, outcome)

        try:
            threading.Thread(target=look_up, name=f"resolve {host}", daemon=True).start()
        except RuntimeError as error:
            self._turns.release()
            raise OSError("no thread can be started to look up a name") from error
        return await future

    async def close(self) -> None:
        """Does nothing, because nothing stays open."""


def _ask_system(
    host: str, port: int, family: socket.AddressFamily
) -> list[ResolveResult] | OSError:
    try:
        # As bytes, because a str would pass through the idna codec, which raises its own errors.
        infos = socket.getaddrinfo(
            host.encode("ascii"), port, family, socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG
        )
    except OSError as error:
        return error
    except (ValueError, OverflowError) as error:  # not a valid name
        return OSError(str(error))
    return [
        ResolveResult(
            hostname=host,
            host=str(address[0]),
            port=port,
            family=found_family,
            proto=protocol,
            flags=socket.AI_NUMERICHOST,
        )
        for found_family, _, protocol, _, address in infos
    ]


@asynccontextmanager
async def _limit_time(timeout_s: float) -> AsyncGenerator[None]:
    try:
        async with asyncio.timeout(timeout_s):
            yield
    except TimeoutError as error:
        raise FetchError(f"No complete response within {timeout_s:g} s.") from error


def _parse_target(text: str, base: yarl.URL | None = None) -> yarl.URL:
    """Parses a URL like browsers do, so that the check and the client never disagree."""
    try:
        url = can_ada.parse(text) if base is None else can_ada.parse(str(base)) + text
    except (ValueError, TypeError) as error:  # TypeError: lone surrogates
        raise FetchError("The URL cannot be read.") from error
    if url.protocol not in {"http:", "https:"} or not url.hostname:
        raise FetchError("Only http and https URLs are fetched.")
    return yarl.URL(url.href, encoded=True)


async def _read_page(answer: aiohttp.ClientResponse, limit_bytes: int) -> Page:
    return Page(
        status=answer.status,
        url=str(answer.url),
        content_type=answer.content_type if "Content-Type" in answer.headers else "",
        charset=answer.charset.lower() if answer.charset else None,
        body=await _read_start(answer, limit_bytes),
    )


async def _read_start(answer: aiohttp.ClientResponse, limit_bytes: int) -> bytes:
    body = bytearray()
    async for chunk in answer.content.iter_any():
        body += chunk
        if len(body) > limit_bytes:
            answer.close()  # reading the rest is not worth keeping the connection
            break
    return bytes(body[:limit_bytes])


def _explain_failure(error: aiohttp.ClientError | OSError, host: str) -> str:
    match error:
        case aiohttp.ClientConnectorDNSError():
            return f"The host {host} has no IP address in the DNS."
        case aiohttp.ClientSSLError():
            return f"No trusted TLS connection to {host} was possible."
        case aiohttp.ClientConnectorError() if isinstance(error.os_error, _PrivateAddressError):
            return f"The host {host} is not on the public internet, so nothing is sent to it."
        case aiohttp.ClientConnectorError():
            return f"The host {host} cannot be reached."
        case _:
            return f"The host {host} closed the connection or did not answer with HTTP."
