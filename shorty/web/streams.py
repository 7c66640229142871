"""Owns server-sent events: an answer that lasts until its reader or the server ends it."""

import asyncio
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from typing import Final

from litestar.types import Receive, Scope, Send

from shorty.webcore.answers import Answer, Header

MEDIA_TYPE: Final = b"text/event-stream; charset=utf-8"
# A proxy that buffers answers would hold the events back.
HEADERS: Final[tuple[Header, ...]] = (
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
    (b"x-content-type-options", b"nosniff"),
)


class EventStream(Answer):
    __slots__ = ("events",)

    def __init__(self, events: AsyncGenerator[bytes], headers: Iterable[Header] = ()) -> None:
        super().__init__(200, media_type=MEDIA_TYPE, headers=(*HEADERS, *headers))
        self.events = events

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [*self.extra_headers, (b"content-type", self.media_type)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        if scope["type"] == "http" and scope["method"] == "HEAD":
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            return
        sending = asyncio.create_task(self._send_events(send))
        leaving = asyncio.create_task(_wait_until_gone(receive))
        try:
            await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            is_gone = leaving.done()
            sending.cancel()
            leaving.cancel()
            ended = await asyncio.gather(sending, leaving, return_exceptions=True)
        if not is_gone and isinstance(ended[0], Exception):
            raise ended[0]

    async def _send_events(self, send: Send) -> None:
        async with aclosing(self.events) as events:
            async for event in events:
                await send({"type": "http.response.body", "body": event, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def encode_event(name: str, text: str) -> bytes:
    """Each line of the text is a field; the browser joins them."""
    lines = "".join(f"data: {line}\n" for line in text.splitlines())
    return f"event: {name}\n{lines}\n".encode()


async def _wait_until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        continue
