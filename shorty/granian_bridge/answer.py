"""Sends one answer: whole if it is short, event by event, or through a pipe."""

from typing import Final

from granian.rsgi import Scope

from shorty.granian_bridge.client import Client, ClientGoneError
from shorty.granian_bridge.pipe import Headers, Pipe
from shorty.granian_bridge.private import RSGIHTTPProtocol, RSGIProtocolClosed
from shorty.sockets import cut_connection

LONGEST_KEPT: Final = 65_536  # bytes held back; at least as many as a pipe holds
EVENT_STREAM: Final = "text/event-stream"
PLAIN: Final[Headers] = [("content-type", "text/plain; charset=utf-8")]


class Answer:
    """Receives an answer's parts in order.

    A short answer is held back until it is whole, so that its length is known. Events are sent as
    they are created. A long answer goes through a pipe, so that it is produced no faster than it is
    read.
    """

    def __init__(self, scope: Scope, proto: RSGIHTTPProtocol, client: Client) -> None:
        self._scope = scope
        self._proto = proto
        self._client = client
        self._status = 0
        self._headers: Headers = []
        self._length: str | None = None  # as its headers announce it
        self._kept = bytearray()
        self._events = None
        self._pipe: Pipe | None = None
        self.is_over = False

    @property
    def is_endless(self) -> bool:
        return self._events is not None

    def start(self, status: int, headers: Headers) -> None:
        self._status, self._headers = status, headers
        named = dict(headers)
        self._length = named.get("content-length")
        if self._scope.method == "HEAD":
            self._proto.response_empty(status, headers)
            self.is_over = True
        elif named.get("content-type", "").startswith(EVENT_STREAM):
            self._events = self._proto.response_stream(status, headers)

    async def write(self, data: bytes, *, is_last: bool) -> None:
        """Raises ClientGoneError if the client has gone."""
        try:
            await self._pass_on(data, is_last=is_last)
        except (RSGIProtocolClosed, BrokenPipeError) as error:
            raise ClientGoneError from error
        if is_last:
            self.close()

    def close(self) -> None:
        """Ends a complete answer."""
        self.is_over = True
        self._events = None
        if self._pipe:
            self._pipe.close()
            self._pipe = None

    def break_off(self) -> None:
        """Ends an incomplete answer, in a way that the client can detect."""
        if self._events or self._pipe:
            cut_connection(self._scope.client)
        elif not self.is_over:
            self._proto.response_str(500, PLAIN, "Internal Server Error")
        self.close()

    async def _pass_on(self, data: bytes, *, is_last: bool) -> None:
        if self._events:
            await self._events.send_bytes(data)
        elif self._pipe:
            await self._pipe.write(data)
        else:
            self._kept += data
            if is_last or str(len(self._kept)) == self._length:
                self._proto.response_bytes(self._status, self._headers, bytes(self._kept))
                self.is_over = True
            elif len(self._kept) > LONGEST_KEPT:
                await self._open_pipe().write(self._kept)

    def _open_pipe(self) -> Pipe:
        pipe = Pipe(self._proto, self._status, self._headers)
        self._pipe = pipe
        self._client.watch()
        self._client.call_when_gone(pipe.close_reader)
        return pipe
