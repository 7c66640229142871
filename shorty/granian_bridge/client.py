"""What comes from the client of one request: the body, in pieces, and its disconnect."""

import asyncio
from collections.abc import Callable

from granian.rsgi import Scope

from shorty.granian_bridge.private import RSGIHTTPProtocol, RSGIProtocolClosed


class ClientGoneError(OSError):
    """The client has disconnected."""


class Client:
    def __init__(self, proto: RSGIHTTPProtocol) -> None:
        self._proto = proto
        self._watch: asyncio.Future[None] | None = None
        self._end: asyncio.Future[None] | None = None  # created only when someone waits
        self.is_gone = False

    def watch(self) -> None:
        """Granian reports a disconnect only on request, which costs a switch between threads."""
        if self._watch is None and not self.is_gone:
            self._watch = asyncio.ensure_future(self._proto.client_disconnect())
            self._watch.add_done_callback(lambda _: self.leave())

    def leave(self) -> None:
        self.is_gone = True
        if self._end is not None and not self._end.done():
            self._end.set_result(None)

    def call_when_gone(self, callback: Callable[[], None]) -> None:
        self._find_end().add_done_callback(lambda _: callback())

    async def wait_until_gone(self) -> None:
        self.watch()
        await asyncio.wait({self._find_end()})

    def forget(self) -> None:
        """Otherwise granian would keep this object long after the answer."""
        if self._watch:
            self._watch.cancel()
            self._watch = None

    def _find_end(self) -> "asyncio.Future[None]":
        if self._end is None:
            self._end = asyncio.get_running_loop().create_future()
            if self.is_gone:
                self._end.set_result(None)
        return self._end


class RequestBody:
    """Read in pieces, so that a reader can stop at a limit."""

    def __init__(self, scope: Scope, proto: RSGIHTTPProtocol) -> None:
        self._pieces = aiter(proto)
        self._missing = count_bytes(scope)
        self.is_over = False

    async def read(self) -> bytes:
        """The next piece, empty only at the end; raises ClientGoneError if the body breaks off."""
        piece = b"" if self._missing == 0 else await self._read_piece()
        if self._missing is not None:
            self._missing -= len(piece)
            self.is_over = self._missing == 0
        elif not piece:
            self.is_over = await self._ends_here()
        if not piece and not self.is_over:
            raise ClientGoneError
        return piece

    async def _read_piece(self) -> bytes:
        try:
            return await anext(self._pieces)
        except (StopAsyncIteration, RSGIProtocolClosed) as error:
            raise ClientGoneError from error

    async def _ends_here(self) -> bool:
        """Called after an empty piece: granian sends one at the end, two if a body breaks off."""
        try:
            await self._read_piece()
        except ClientGoneError:
            return True
        return False


def count_bytes(scope: Scope) -> int | None:
    """The length of the body; None if only its end shows it."""
    if "transfer-encoding" in scope.headers:
        return None
    return int(scope.headers.get("content-length", "0"))
