"""A client that costs little: HTTP/1.1 on one connection, one request at a time."""

import asyncio
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import msgspec

from tests.nodes.networks import LOOPBACK, Host

PATIENCE_S: Final = 90  # longer than any fault lasts, for what waits for its end
NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})


class LostError(Exception):
    """No whole answer came; `was_sent` is False if the server cannot have seen the request."""

    def __init__(self, *, was_sent: bool) -> None:
        super().__init__(f"no answer, was sent: {was_sent}")
        self.was_sent = was_sent


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def location(self) -> str:
        return self.headers.get("location", "")

    def decode(self) -> Any:
        return msgspec.json.decode(self.body or b"null")

    def describe(self) -> str:
        return f"{self.status} {self.location}{self.body[:200].decode('utf-8', 'replace')}"


class Wire:
    """To one port of a host's loopback. Connects when it is needed, and again after a loss."""

    def __init__(self, host: Host, port: int) -> None:
        self._host = host
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] = NO_HEADERS,
        body: bytes = b"",
    ) -> Answer:
        """Raises LostError, and TimeoutError after a very long wait."""
        lines = [
            f"{method} {path} HTTP/1.1",
            *(f"{name}: {text}" for name, text in headers.items()),
        ]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        was_sent = False
        try:
            async with asyncio.timeout(PATIENCE_S):
                reader, writer = self._find_streams() or await self._connect()
                writer.write("\r\n".join([*lines, "", ""]).encode() + body)
                was_sent = True
                return await self._read(reader, has_body=method != "HEAD")
        except (ConnectionError, asyncio.IncompleteReadError):
            self.close()
            raise LostError(was_sent=was_sent) from None
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        if self._streams:
            self._streams[1].transport.abort()
            self._streams = None

    def _find_streams(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        """None if the server has closed the connection since the last answer."""
        if self._streams and (self._streams[0].at_eof() or self._streams[0].exception()):
            self.close()
        return self._streams

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        made = self._host.open_socket()
        try:
            await asyncio.get_running_loop().sock_connect(made, (LOOPBACK, self._port))
        except BaseException:
            made.close()
            raise
        self._streams = await asyncio.open_connection(sock=made)
        return self._streams

    async def _read(self, reader: asyncio.StreamReader, *, has_body: bool) -> Answer:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.rstrip("\r\n").split("\r\n")
        headers = {name.lower(): text for name, _, text in (line.partition(": ") for line in lines)}
        assert "transfer-encoding" not in headers, head
        size = int(headers.get("content-length", 0)) if has_body else 0
        body = await reader.readexactly(size) if size else b""
        if headers.get("connection") == "close":
            self.close()
        return Answer(int(first.split(" ")[1]), headers, body)
