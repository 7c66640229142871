"""Watches whether the client of one request is still connected."""

import asyncio
from collections.abc import Callable

from shorty.granian_bridge.private import RSGIHTTPProtocol


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
