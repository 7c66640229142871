"""Whether the client of one request is still there."""

import asyncio

from granian._granian import RSGIHTTPProtocol


class ClientGoneError(OSError):
    """There is nobody to read from or to send to any more."""


class Client:
    def __init__(self, proto: RSGIHTTPProtocol) -> None:
        self._proto = proto
        self._watch: asyncio.Future[None] | None = None
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def watch(self) -> None:
        """Granian tells of an end only to those who ask, which costs a hop between threads."""
        if self._watch is None and not self.gone.done():
            self._watch = asyncio.ensure_future(self._proto.client_disconnect())
            self._watch.add_done_callback(lambda _: self.leave())

    def leave(self) -> None:
        if not self.gone.done():
            self.gone.set_result(None)

    async def wait_until_gone(self) -> None:
        self.watch()
        await asyncio.wait({self.gone})

    def forget(self) -> None:
        """Without this granian keeps the watch, and the watch this, of requests long answered."""
        if self._watch:
            self._watch.cancel()
            self._watch = None
