"""A TCP proxy before the server's socket, which a test cuts or lets hang."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

SIZE = 65536


class Proxy:
    """Passes bytes on until it is cut or told to `hold`, or loses answers while it `holds_back`."""

    def __init__(self, socket: Path) -> None:
        self.port = 0
        self.holds_back = False
        self.is_closed = False
        """Whether new connections end at once."""
        self._socket = socket
        self._writers: set[asyncio.StreamWriter] = set()
        self._flows = asyncio.Event()
        self._flows.set()

    @property
    def way(self) -> str:
        """What leads here, at the end of the server's URL."""
        return f"&host=127.0.0.1&port={self.port}"

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.is_closed:
            writer.transport.abort()
            return
        there, here = await asyncio.open_unix_connection(self._socket)
        self._writers |= {writer, here}
        await asyncio.gather(self._pass(reader, here), self._pass(there, writer, is_answer=True))

    def hold(self) -> None:
        """Keeps whatever arrives, of new connections too, until `let_go`: none of it is lost."""
        self._flows.clear()

    def let_go(self) -> None:
        self._flows.set()

    def cut(self) -> None:
        """Ends every connection at once, without a word to either end."""
        self.holds_back = False
        self.let_go()
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    async def _pass(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        is_answer: bool = False,
    ) -> None:
        with suppress(ConnectionError):
            while piece := await reader.read(SIZE):
                await self._flows.wait()
                if not (is_answer and self.holds_back):
                    writer.write(piece)
                    await writer.drain()
        writer.close()


@asynccontextmanager
async def open_proxy(folder: Path) -> AsyncGenerator[Proxy]:
    proxy = Proxy(folder / ".s.PGSQL.5432")
    server = await asyncio.start_server(proxy.accept, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    async with server:
        yield proxy
        proxy.cut()
