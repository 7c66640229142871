"""Tests the check of the one HTTP client, with real servers and a resolver that lies."""

# These decisions are not visible from outside.
# pyright: reportPrivateUsage=false

import asyncio
import gzip
import socket
import ssl
import threading
import zlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from itertools import count
from pathlib import Path
from shutil import which
from subprocess import run
from typing import Any

import pytest
from aiohttp import ClientTimeout
from aiohttp.abc import AbstractResolver, ResolveResult

from shorty import __version__
from shorty.addresses import is_public_address
from shorty.errors import FetchError
from shorty.fetch import (
    ANSWER_LIMIT_BYTES,
    SIMULTANEOUS_LOOKUPS,
    Fetcher,
    Page,
    SystemResolver,
)
from shorty.webhooks.concurrency import QUICK_PER_HOST, SLOW_PER_HOST
from tests.clicks.making import wait_until

PUBLIC = "127.0.0.2"  # represents the public internet in tests that say so
PRIVATE = "127.0.0.1"

Respond = Callable[[str, asyncio.StreamWriter], Awaitable[None]]


class Server:
    """A real HTTP server that records requests; a test writes the answer's bytes."""

    def __init__(self, respond: Respond) -> None:
        self.respond = respond
        self.port = 0
        self.connections = 0
        self.busiest = 0
        self.requests: list[str] = []
        self._open = 0

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._open += 1
        self.busiest = max(self.busiest, self._open)
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                text = head.decode("latin-1")
                _, _, length = text.lower().partition("content-length: ")
                body = await reader.readexactly(int(length.split("\r\n")[0] or 0))
                self.requests.append(text + body.decode())
                await self.respond(text.split(" ")[1], writer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            self._open -= 1
            writer.close()


@asynccontextmanager
async def run_server(
    respond: Respond, host: str = PRIVATE, port: int = 0, tls: ssl.SSLContext | None = None
) -> AsyncGenerator[Server]:
    server = Server(respond)
    listener = await asyncio.start_server(server.talk, host, port, ssl=tls)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
        await listener.wait_closed()


def answer_with(
    body: bytes = b"hello",
    *headers: str,
    status: str = "200 OK",
    content_type: str = "text/html; charset=utf-8",
) -> Respond:
    head = [f"HTTP/1.1 {status}", f"Content-Type: {content_type}", f"Content-Length: {len(body)}"]
    answer = "\r\n".join([*head, *headers, "", ""]).encode() + body

    async def respond(_path: str, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)

    return respond


def redirect_to(location: str, status: int = 302) -> Respond:
    return answer_with(b"", f"Location: {location}", status=f"{status} Moved")


async def hang(_path: str, _writer: asyncio.StreamWriter) -> None:
    """Never answers."""


class HostileResolver(AbstractResolver):
    """Answers from a table; a name with several lists of addresses gets the next one each time."""

    def __init__(self, **names: list[list[str]]) -> None:
        self.names = {name.replace("_", "."): answers for name, answers in names.items()}
        self.asked = 0

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        answers = self.names.get(host.rstrip("."))
        if answers is None:
            raise OSError(-2, "Name or service not known")
        addresses = answers[min(self.asked, len(answers) - 1)]
        self.asked += 1
        return [
            ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=0)
            for address in addresses
        ]

    async def close(self) -> None:
        """Nothing is open."""


def pretend_public(address: str) -> bool:
    return address == PUBLIC or is_public_address(address)


async def get(fetcher: Fetcher, url: str, *, limit: int = 1000, timeout_s: float = 5) -> Page:
    return await fetcher.get_page(url, limit_bytes=limit, timeout_s=timeout_s)


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "1.1.1.1", "193.0.6.139", "2620:fe::fe", "2a00:1450:4001::1", "::ffff:8.8.8.8"],
)
def test_public_addresses_are_allowed(address: str) -> None:
    assert is_public_address(address)


OUTSIDE = """
0.0.0.0 10.1.2.3 100.64.0.1 100.100.100.200 127.0.0.1 127.255.255.254 168.63.129.16
169.254.169.254 172.16.0.1 192.0.0.9 192.0.0.192 192.0.2.1 192.88.99.1 192.168.1.1 198.18.0.1
198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255 :: ::1 ::7f00:1
::ffff:127.0.0.1 ::ffff:a9fe:a9fe ::ffff:0:7f00:1 64:ff9b::7f00:1 64:ff9b::808:808 64:ff9b:1::1
100::1 2001::1 2001:0:7f00:1:: 2001:20::1 2001:db8::1 2002:7f00:1:: 2002:808:808::1 3fff::1
5f00::1 fc00::1 fd00:ec2::254 fe80::1 fe80::1%eth0 fec0::1 ff02::1 ff0e::1
"""


@pytest.mark.parametrize("address", OUTSIDE.split())
def test_addresses_outside_the_public_internet_are_refused(address: str) -> None:
    assert not is_public_address(address)


HOSTILE_URLS = [
    # the plain form, and other spellings of it
    "http://127.0.0.1:{port}/",
    "http://127.1:{port}/",
    "http://0x7f.1:{port}/",
    "http://0x7f000001:{port}/",
    "http://2130706433:{port}/",
    "http://017700000001:{port}/",
    "http://0177.0.0.1:{port}/",
    "http://127.0.0.1.:{port}/",
    "http://①②⑦.⓪.⓪.①:{port}/",
    "http://127。0。0。1:{port}/",
    "http://%31%32%37.0.0.1:{port}/",
    "http://user:password@127.0.0.1:{port}/",
    "http://public.test\\@127.0.0.1:{port}/",
    "http://0.0.0.0:{port}/",
    "http://0:{port}/",
    "http://127.0.0.1:{port}#@public.test/",
    "http:\\\\127.0.0.1:{port}",
    " http://127.0.0.1:{port}/",
    "hTTp://127.0.0.1:{port}/",
    "https://127.0.0.1:{port}/",
    # IPv6, and IPv4 inside it
    "http://[::1]:{port}/",
    "http://[0:0:0:0:0:0:0:1]:{port}/",
    "http://[::]:{port}/",
    "http://[::ffff:127.0.0.1]:{port}/",
    "http://[::ffff:7f00:1]:{port}/",
    "http://[::127.0.0.1]:{port}/",
    "http://[64:ff9b::127.0.0.1]:{port}/",
    "http://[2002:7f00:1::]:{port}/",
    # through the DNS
    "http://localhost:{port}/",
    "http://LOCALHOST.:{port}/",
    "http://inside.test:{port}/",
    "http://inside6.test:{port}/",
    "http://mapped.test:{port}/",
    "http://nat64.test:{port}/",
    "http://6to4.test:{port}/",
    "http://teredo.test:{port}/",
    "http://scoped.test:{port}/",
    "http://metadata.test:{port}/",
    "http://many.test:{port}/",
    "http://nowhere.test:{port}/",
    # not web URLs
    "file:///etc/passwd",
    "ftp://127.0.0.1:{port}/",
    "gopher://127.0.0.1:{port}/_GET",
    "javascript:alert(1)",
    "data:text/html,<title>x</title>",
    "http:///",
    "//127.0.0.1:{port}/",
    "http://[fe80::1%25lo]:{port}/",
    "http://\ud800.test:{port}/",
    "",
]


WOULD_LEAVE = [
    *("//[64", "//[2002", "//[::127", "[fe80"),
    *("teredo", "nat64", "6to4", "scoped", "metadata", "many"),
]
"""IP addresses of this machine, if they were not refused."""


def make_hostile_resolver() -> HostileResolver:
    resolver = HostileResolver(
        localhost=[["127.0.0.1", "::1"]],
        LOCALHOST=[["127.0.0.1"]],
        inside_test=[["127.0.0.1"]],
        inside6_test=[["::1"]],
        mapped_test=[["::ffff:127.0.0.1"]],
        nat64_test=[["64:ff9b::7f00:1"]],
        teredo_test=[["2001:0:7f00:1::80ff:fffe"]],
        scoped_test=[["fe80::1%lo"]],
        metadata_test=[["169.254.169.254"]],
        many_test=[["10.0.0.1", "127.0.0.1", "::1"]],
    )
    resolver.names["6to4.test"] = [["2002:7f00:1::"]]
    return resolver


@asynccontextmanager
async def run_secret_servers() -> AsyncGenerator[tuple[Server, Server]]:
    """The same port on the loopback addresses of IPv4 and IPv6."""
    async with (
        run_server(answer_with(b"secret")) as ipv4,
        run_server(answer_with(b"secret"), "::1", ipv4.port) as ipv6,
    ):
        yield ipv4, ipv6


async def test_hostile_addresses_reach_nothing() -> None:
    async with (
        run_secret_servers() as (ipv4, ipv6),
        Fetcher(resolver=make_hostile_resolver()) as fetcher,
    ):
        for template in HOSTILE_URLS:
            url = template.format(port=ipv4.port)
            with pytest.raises(FetchError):
                await get(fetcher, url)
            with pytest.raises(FetchError):
                await fetcher.post(url, b"{}", {}, timeout_s=5)
        assert (ipv4.connections, ipv6.connections) == (0, 0)


async def test_the_same_addresses_reach_the_servers_where_private_ones_are_allowed() -> None:
    reached = 0
    async with (
        run_secret_servers() as (ipv4, _),
        Fetcher(allow_private=True, resolver=make_hostile_resolver()) as fetcher,
    ):
        for template in HOSTILE_URLS:
            if any(part in template for part in WOULD_LEAVE):
                continue
            try:
                page = await get(fetcher, template.format(port=ipv4.port), timeout_s=0.2)
            except FetchError:
                continue
            assert page.body == b"secret"
            reached += 1
    assert reached >= 22


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_into_the_private_network_is_refused(status: int) -> None:
    resolver = HostileResolver(public_test=[[PUBLIC]], inside_test=[[PRIVATE]])
    async with (
        run_server(answer_with(b"secret"), PRIVATE) as secret,
        run_server(answer_with(), PUBLIC) as front,
        Fetcher(is_allowed=pretend_public, resolver=resolver) as fetcher,
    ):
        for host in (PRIVATE, "inside.test", "0x7f.1", "[::ffff:127.0.0.1]"):
            front.respond = redirect_to(f"http://{host}:{secret.port}/", status)
            with pytest.raises(FetchError, match="not on the public internet"):
                await get(fetcher, f"http://public.test:{front.port}/")
        assert len(front.requests) == 4
        assert secret.connections == 0


async def test_a_name_rebound_between_requests_is_checked_again() -> None:
    resolver = HostileResolver(rebound_test=[[PUBLIC], [PRIVATE]])
    async with (
        run_server(answer_with(b"secret"), PRIVATE) as secret,
        run_server(redirect_to(f"http://rebound.test:{secret.port}/"), PUBLIC) as front,
        Fetcher(is_allowed=pretend_public, resolver=resolver) as fetcher,
    ):
        with pytest.raises(FetchError, match="not on the public internet"):
            await get(fetcher, f"http://rebound.test:{front.port}/")
        assert len(front.requests) == 1
        assert secret.connections == 0


async def test_only_the_public_address_of_a_name_is_connected_to() -> None:
    resolver = HostileResolver(mixed_test=[[PRIVATE, PUBLIC, "10.0.0.1"]])
    async with run_server(answer_with(b"secret"), PRIVATE) as secret:
        async with (
            run_server(answer_with(b"public"), PUBLIC, secret.port),
            Fetcher(is_allowed=pretend_public, resolver=resolver) as fetcher,
        ):
            page = await get(fetcher, f"http://mixed.test:{secret.port}/")
        assert page.body == b"public"
        assert secret.connections == 0


async def test_redirects_are_followed_as_browsers_read_them() -> None:
    resolver = HostileResolver(public_test=[[PRIVATE]])
    hops = {"/a": "b?x=1", "/b?x=1": "//public.test:{port}/c", "/c": "/dé", "/d%C3%A9": ""}

    async with (
        run_server(answer_with()) as server,
        Fetcher(allow_private=True, resolver=resolver) as fetcher,
    ):

        async def respond(path: str, writer: asyncio.StreamWriter) -> None:
            location = hops[path].format(port=server.port)
            await (redirect_to(location) if location else answer_with(b"end"))(path, writer)

        server.respond = respond
        page = await get(fetcher, f"http://{PRIVATE}:{server.port}/a")
    assert (page.status, page.body) == (200, b"end")
    assert page.url == f"http://public.test:{server.port}/d%C3%A9"


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("file:///etc/passwd", "Only http and https"),
        ("javascript:alert(1)", "Only http and https"),
        ("http://[broken/", "cannot be read"),
        ("/", "redirects more than 5 times"),
    ],
)
async def test_redirects_that_lead_nowhere_are_refused(location: str, reason: str) -> None:
    async with (
        run_server(redirect_to(location)) as server,
        Fetcher(allow_private=True) as fetcher,
    ):
        with pytest.raises(FetchError, match=reason):
            await get(fetcher, f"http://{PRIVATE}:{server.port}/")
        assert len(server.requests) <= 6


async def test_a_page_comes_with_its_type_and_charset() -> None:
    respond = answer_with("grüß".encode("latin-1"), content_type='Text/HTML; Charset="ISO-8859-1"')
    async with run_server(respond) as server, Fetcher(allow_private=True) as fetcher:
        page = await get(fetcher, f"http://{PRIVATE}:{server.port}/x")
        server.respond = answer_with(b"gone", status="404 Not Found", content_type="")
        missing = await get(fetcher, f"http://{PRIVATE}:{server.port}/x")
    assert page == Page(
        status=200,
        url=f"http://{PRIVATE}:{server.port}/x",
        content_type="text/html",
        charset="iso-8859-1",
        body=b"gr\xfc\xdf",
    )
    assert (missing.status, missing.charset) == (404, None)


async def test_a_page_without_a_type_has_none() -> None:
    async def respond(_path: str, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")

    async with run_server(respond) as server, Fetcher(allow_private=True) as fetcher:
        page = await get(fetcher, f"http://{PRIVATE}:{server.port}/")
    assert (page.content_type, page.charset, page.body) == ("", None, b"hello")


async def test_what_is_percent_encoded_goes_out_as_it_is() -> None:
    async with run_server(answer_with()) as server, Fetcher(allow_private=True) as fetcher:
        await get(fetcher, f"http://{PRIVATE}:{server.port}/a%2Fb%41?x=%41+%2B&ü=[]")
    assert server.requests[0].startswith("GET /a%2Fb%41?x=%41+%2B&%C3%BC=[] HTTP/1.1\r\n")


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://[broken/", "The URL cannot be read."),
        ("http://\ud800.test/", "The URL cannot be read."),
        ("ftp://public.test/", "Only http and https URLs are fetched."),
        ("javascript:alert(1)", "Only http and https URLs are fetched."),
    ],
)
async def test_only_web_urls_are_accepted(url: str, reason: str) -> None:
    async with Fetcher(allow_private=True) as fetcher:
        for asking in (get(fetcher, url), fetcher.post(url, b"", {}, timeout_s=5)):
            with pytest.raises(FetchError) as caught:
                await asking
            assert caught.value.message == reason


async def test_there_are_connections_for_the_turns_that_webhooks_take() -> None:
    async with Fetcher(connections=70) as fetcher:
        session = fetcher._session
        assert session is not None
        connector = session.connector
        assert connector is not None
        assert (connector.limit, connector.limit_per_host) == (70, QUICK_PER_HOST + SLOW_PER_HOST)
        assert session.timeout == ClientTimeout(total=None)  # each request has its own


async def test_requests_name_shorty_and_contain_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    respond = answer_with(b"hello", "Set-Cookie: session=1; Path=/")
    resolver = HostileResolver(public_test=[[PRIVATE]])
    async with (
        run_server(respond) as server,
        Fetcher(allow_private=True, resolver=resolver) as fetcher,
    ):
        await get(fetcher, f"http://public.test:{server.port}/a#fragment")
        await get(fetcher, f"http://public.test:{server.port}/b")
    assert server.requests[0].startswith("GET /a HTTP/1.1\r\n")
    for request in server.requests:
        assert f"User-Agent: shorty/{__version__}\r\n" in request
        assert "Accept: text/html, */*;q=0.5\r\n" in request
        assert "Cookie" not in request


async def test_a_body_is_cut_at_the_limit() -> None:
    async with (
        run_server(answer_with(b"x" * 100_000)) as server,
        Fetcher(allow_private=True) as fetcher,
    ):
        page = await get(fetcher, f"http://{PRIVATE}:{server.port}/", limit=1234)
    assert page.body == b"x" * 1234


async def test_a_stream_without_end_is_cut_at_the_limit() -> None:
    async def respond(_path: str, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"y" * 65536)
            await writer.drain()

    async with run_server(respond) as server, Fetcher(allow_private=True) as fetcher:
        page = await get(fetcher, f"http://{PRIVATE}:{server.port}/", limit=300_000)
    assert page.body == b"y" * 300_000


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_a_decompression_bomb_is_cut_at_the_limit(encoding: str) -> None:
    compressor = zlib.compressobj(9, wbits=31 if encoding == "gzip" else 15)
    zeros = bytes(1 << 20)
    bomb = b"".join([*(compressor.compress(zeros) for _ in range(20)), compressor.flush()])
    respond = answer_with(bomb, f"Content-Encoding: {encoding}")
    async with run_server(respond) as server, Fetcher(allow_private=True) as fetcher:
        page = await get(fetcher, f"http://{PRIVATE}:{server.port}/", limit=256_000)
    assert page.body == bytes(256_000)


async def test_compressed_pages_are_read() -> None:
    respond = answer_with(gzip.compress(b"hello" * 99), "Content-Encoding: gzip")
    async with run_server(respond) as server, Fetcher(allow_private=True) as fetcher:
        page = await get(fetcher, f"http://{PRIVATE}:{server.port}/")
    assert page.body == b"hello" * 99


async def drip(_path: str, writer: asyncio.StreamWriter) -> None:
    """Sends one header at a time, for ever: each read succeeds, but the whole never ends."""
    writer.write(b"HTTP/1.1 200 OK\r\n")
    for number in count():
        if writer.is_closing():
            return
        writer.write(f"X-{number}: y\r\n".encode())
        await writer.drain()
        await asyncio.sleep(0.01)


async def test_a_dripping_server_times_out() -> None:
    async with run_server(drip) as server, Fetcher(allow_private=True) as fetcher:
        url = f"http://{PRIVATE}:{server.port}/"
        with pytest.raises(FetchError, match=r"No complete response within 0\.1 s"):
            await get(fetcher, url, timeout_s=0.1)
        with pytest.raises(FetchError, match=r"No complete response within 0\.1 s"):
            await fetcher.post(url, b"", {}, timeout_s=0.1)


async def test_redirects_share_one_time_limit() -> None:
    async def respond(path: str, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.04)
        await redirect_to("/")(path, writer)

    async with run_server(respond) as server, Fetcher(allow_private=True) as fetcher:
        with pytest.raises(FetchError, match="No complete response"):
            await get(fetcher, f"http://{PRIVATE}:{server.port}/", timeout_s=0.1)
        assert len(server.requests) < 5


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"", "closed the connection"),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "not answer with HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nshort", "closed the connection"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000 + b"\r\n\r\n", "not answer with HTTP"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nplain",
            "not answer with HTTP",
        ),
    ],
)
async def test_broken_answers_fail_with_a_plain_reason(answer: bytes, reason: str) -> None:
    async def respond(_path: str, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        writer.close()

    async with run_server(respond) as server, Fetcher(allow_private=True) as fetcher:
        url = f"http://{PRIVATE}:{server.port}/"
        for asking in (get(fetcher, url), fetcher.post(url, b"", {}, timeout_s=5)):
            with pytest.raises(FetchError, match=reason):
                await asking


async def test_a_host_that_cannot_be_reached_is_named() -> None:
    async with run_server(answer_with()) as server:
        port = server.port
    resolver = HostileResolver(closed_test=[[PRIVATE]])
    async with Fetcher(allow_private=True, resolver=resolver) as fetcher:
        with pytest.raises(FetchError, match=r"closed\.test cannot be reached"):
            await get(fetcher, f"http://closed.test:{port}/")
        with pytest.raises(FetchError, match=r"missing\.test has no IP address"):
            await get(fetcher, "http://missing.test/")


@pytest.fixture
def self_signed(tmp_path: Path) -> ssl.SSLContext:
    if which("openssl") is None:
        pytest.skip("openssl makes the certificate")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    files = ["-keyout", key, "-out", certificate]
    run([*command.split(), *names, *files], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


async def test_a_server_without_a_trusted_certificate_is_refused(
    self_signed: ssl.SSLContext,
) -> None:
    async with (
        run_server(answer_with(), tls=self_signed) as server,
        Fetcher(allow_private=True) as fetcher,
    ):
        with pytest.raises(FetchError, match="No trusted TLS connection to localhost"):
            await get(fetcher, f"https://localhost:{server.port}/")
        assert server.requests == []


async def test_a_server_that_speaks_no_tls_is_refused() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    listener = await asyncio.start_server(talk, PRIVATE, 0)
    port = listener.sockets[0].getsockname()[1]
    async with listener, Fetcher(allow_private=True) as fetcher:
        with pytest.raises(FetchError, match="No trusted TLS connection"):
            await get(fetcher, f"https://{PRIVATE}:{port}/")


async def test_a_post_carries_its_headers_and_body_and_keeps_the_connection() -> None:
    respond = answer_with(b"busy", "Retry-After: 120", status="503 Busy")
    async with run_server(respond) as server, Fetcher(allow_private=True) as fetcher:
        for number in range(3):
            answer = await fetcher.post(
                f"http://{PRIVATE}:{server.port}/hook",
                f'{{"n": {number}}}'.encode(),
                {"Content-Type": "application/json", "webhook-id": "evt_1"},
                timeout_s=5,
            )
            assert (answer.status, answer.retry_after, answer.body) == (503, "120", b"busy")
    assert server.connections == 1
    assert server.requests[2].startswith("POST /hook HTTP/1.1\r\n")
    assert "webhook-id: evt_1\r\n" in server.requests[2]
    assert "Content-Type: application/json\r\n" in server.requests[2]
    assert server.requests[2].endswith('\r\n\r\n{"n": 2}')


async def test_a_post_follows_no_redirect() -> None:
    async with run_server(redirect_to("/other")) as server, Fetcher(allow_private=True) as fetcher:
        answer = await fetcher.post(f"http://{PRIVATE}:{server.port}/hook", b"", {}, timeout_s=5)
    assert answer.status == 302
    assert len(server.requests) == 1


async def test_only_the_start_of_a_receivers_answer_is_kept() -> None:
    async with (
        run_server(answer_with(b"z" * 50_000)) as server,
        Fetcher(allow_private=True) as fetcher,
    ):
        answer = await fetcher.post(f"http://{PRIVATE}:{server.port}/", b"", {}, timeout_s=5)
    assert answer.body == b"z" * ANSWER_LIMIT_BYTES


async def test_one_receiver_gets_only_so_many_connections_at_once() -> None:
    everyone_is_here = asyncio.Event()

    async with (
        run_server(answer_with()) as server,
        Fetcher(allow_private=True, connections_per_host=2) as fetcher,
    ):

        async def respond(path: str, writer: asyncio.StreamWriter) -> None:
            if len(server.requests) == 2:
                everyone_is_here.set()
            await everyone_is_here.wait()
            await answer_with()(path, writer)

        server.respond = respond
        url = f"http://{PRIVATE}:{server.port}/"
        await asyncio.gather(*(fetcher.post(url, b"", {}, timeout_s=5) for _ in range(8)))
    assert len(server.requests) == 8
    assert server.busiest == 2


async def test_pages_wait_their_turn_without_losing_their_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loop, ahead = asyncio.get_running_loop(), [0.0]
    read = loop.time
    monkeypatch.setattr(loop, "time", lambda: read() + ahead[0])
    async with (
        run_server(hang) as server,
        Fetcher(allow_private=True, pages_at_once=2) as fetcher,
    ):
        url = f"http://{PRIVATE}:{server.port}/"
        pages = [asyncio.create_task(get(fetcher, url, timeout_s=60)) for _ in range(5)]
        await wait_until(lambda: len(server.requests) == 2)
        server.respond = answer_with()
        ahead[0] = 61
        outcomes = await asyncio.gather(*pages, return_exceptions=True)
    assert ["60 s" in str(each) for each in outcomes[:2]] == [True, True]
    assert [isinstance(each, Page) and each.status for each in outcomes[2:]] == [200] * 3


async def test_the_system_is_asked_for_names() -> None:
    resolver = SystemResolver()
    found = await resolver.resolve("localhost", 80, socket.AF_INET)
    assert found == [
        ResolveResult(
            hostname="localhost",
            host=PRIVATE,
            port=80,
            family=socket.AF_INET,
            proto=socket.IPPROTO_TCP,
            flags=socket.AI_NUMERICHOST,
        )
    ]
    for name in ("no-such-name.invalid", "a" * 70 + ".invalid"):
        with pytest.raises(OSError, match=r"."):
            await resolver.resolve(name, 80, socket.AF_INET)
    async with run_server(answer_with()) as server, Fetcher(allow_private=True) as fetcher:
        assert (await get(fetcher, f"http://localhost:{server.port}/")).status == 200


# Limits

MORE_THAN_ALL = SIMULTANEOUS_LOOKUPS + 8


class NameServer:
    """Replaces getaddrinfo: answers when a test says so, and counts the look-ups."""

    def __init__(self) -> None:
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.error: Exception | None = None
        self.asked = 0

    def look_up(self, *_: object, **__: object) -> list[tuple[Any, ...]]:
        self.asked += 1
        assert self.may_answer.wait(10)
        if self.error is not None:
            raise self.error
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (PRIVATE, 80))]


@pytest.fixture
def name_server(monkeypatch: pytest.MonkeyPatch) -> NameServer:
    server = NameServer()
    monkeypatch.setattr(socket, "getaddrinfo", server.look_up)
    return server


async def resolve(resolver: SystemResolver) -> str:
    async with asyncio.timeout(5):
        return (await resolver.resolve("name.test", 80))[0]["host"]


async def test_turns_to_look_up_names_come_back_after_success_and_failure(
    name_server: NameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolver = SystemResolver()
    for error in (None, socket.gaierror(-2, "unknown"), ValueError("embedded null byte")):
        name_server.error = error
        for _ in range(MORE_THAN_ALL):
            if error is None:
                assert await resolve(resolver) == PRIVATE
            else:
                with pytest.raises(OSError, match=str(error.args[-1])):
                    await resolve(resolver)
    name_server.error = None

    def start(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", start)
        for _ in range(MORE_THAN_ALL):
            with pytest.raises(OSError, match="no thread"):
                await resolve(resolver)
    assert await resolve(resolver) == PRIVATE


async def test_turns_to_look_up_names_come_back_after_cancelling(name_server: NameServer) -> None:
    resolver = SystemResolver()
    name_server.may_answer.clear()
    askers = [asyncio.create_task(resolve(resolver)) for _ in range(MORE_THAN_ALL)]
    await wait_until(lambda: name_server.asked == SIMULTANEOUS_LOOKUPS)
    for each in askers:
        each.cancel()
    await asyncio.wait(askers)
    assert all(each.cancelled() for each in askers)
    # A thread that is still asking keeps its slot, so that the number stays limited.
    late = asyncio.create_task(resolve(resolver))
    await asyncio.sleep(0)
    assert not late.done()
    assert name_server.asked == SIMULTANEOUS_LOOKUPS
    name_server.may_answer.set()
    assert await late == PRIVATE
    for _ in range(MORE_THAN_ALL):
        assert await resolve(resolver) == PRIVATE


async def test_a_turn_to_look_up_a_name_outlives_its_loop(
    name_server: NameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer after the end has no recipient and breaks nothing."""
    name_server.may_answer.clear()

    def ask_and_end() -> None:
        async def ask() -> None:
            asker = asyncio.create_task(SystemResolver().resolve("name.test", 80))
            await wait_until(lambda: bool(name_server.asked))
            asker.cancel()

        asyncio.run(ask())

    await asyncio.to_thread(ask_and_end)
    (thread,) = [each for each in threading.enumerate() if each.name == "resolve name.test"]
    assert thread.daemon
    errors: list[object] = []
    monkeypatch.setattr(threading, "excepthook", errors.append)
    name_server.may_answer.set()
    await asyncio.to_thread(thread.join, 5)
    assert errors == []


def open_narrow_fetcher() -> Fetcher:
    """With two connections, and two slots for pages."""
    return Fetcher(allow_private=True, connections=2, connections_per_host=2, pages_at_once=2)


async def ask(fetcher: Fetcher, kind: str, url: str, timeout_s: float = 5) -> int:
    if kind == "page":
        return (await get(fetcher, url, timeout_s=timeout_s)).status
    return (await fetcher.post(url, b"", {}, timeout_s)).status


async def break_off(_path: str, writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


@pytest.mark.parametrize("kind", ["page", "post"])
async def test_connections_and_turns_come_back_after_cancelling(kind: str) -> None:
    async with run_server(hang) as server, open_narrow_fetcher() as fetcher:
        url = f"http://{PRIVATE}:{server.port}/"
        for number in (1, 2, 3):  # two of five are in progress, the others wait for them
            several = [asyncio.create_task(ask(fetcher, kind, url)) for _ in range(5)]
            await wait_until(lambda number=number: len(server.requests) == 2 * number)
            for each in several:
                each.cancel()
            await asyncio.wait(several)
        server.respond = answer_with()
        answers = await asyncio.gather(*(ask(fetcher, kind, url) for _ in range(4)))
    assert answers == [200] * 4


@pytest.mark.parametrize("kind", ["page", "post"])
async def test_connections_and_turns_come_back_however_a_request_ends(kind: str) -> None:
    async with run_server(hang) as server, open_narrow_fetcher() as fetcher:
        url = f"http://{PRIVATE}:{server.port}/"
        for respond, timeout_s in ((hang, 0.01), (break_off, 5)):
            server.respond = respond
            for _ in range(3):
                with pytest.raises(FetchError):
                    await ask(fetcher, kind, url, timeout_s)
        for respond in (redirect_to("ftp://a.test/"), answer_with(b"x" * 100_000)):
            server.respond = respond
            for _ in range(3):
                with suppress(FetchError):  # pages follow redirects, POSTs do not
                    await ask(fetcher, kind, url)
        server.respond = answer_with()
        answers = await asyncio.gather(*(ask(fetcher, kind, url) for _ in range(4)))
    assert answers == [200] * 4


async def test_a_closed_fetcher_sends_nothing() -> None:
    fetcher = Fetcher()
    with pytest.raises(RuntimeError, match="not open"):
        await get(fetcher, "http://example.com/")
    await fetcher.close()
