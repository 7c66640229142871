"""A long answer that waits for its reader: what is not sent yet stays with its producer.

An RSGI stream accepts data at once, however slowly the client reads, so an export would pile up in
memory. A file is sent as the client reads it, and a pipe can be opened as a file.
"""

import asyncio
import os

from shorty.granian_bridge.private import RSGIHTTPProtocol

Headers = list[tuple[str, str]]


class Pipe:
    """Its first write must be larger than a pipe: it then ends only once granian reads."""

    def __init__(self, proto: RSGIHTTPProtocol, status: int, headers: Headers) -> None:
        self._reader, self._writer = os.pipe()
        self._has_reader_open = True
        os.set_blocking(self._writer, False)
        proto.response_file(status, headers, f"/dev/fd/{self._reader}")

    async def write(self, data: bytes | bytearray) -> None:
        """Raises BrokenPipeError if the client has gone."""
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[os.write(self._writer, rest) :]
            except BlockingIOError:
                await self._wait_for_room()

    def close_reader(self) -> None:
        """Closes our end; granian has its own once it reads."""
        if self._has_reader_open:
            self._has_reader_open = False
            os.close(self._reader)

    def close(self) -> None:
        self.close_reader()
        os.close(self._writer)

    async def _wait_for_room(self) -> None:
        loop = asyncio.get_running_loop()
        room = loop.create_future()
        loop.add_writer(self._writer, lambda: room.done() or room.set_result(None))
        try:
            await room
        finally:
            loop.remove_writer(self._writer)
        self.close_reader()
