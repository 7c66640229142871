"""Answers as bytes and headers, sent without the overhead of the framework's responses."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import aclosing
from typing import Final

import msgspec
from litestar.response.base import ASGIResponse
from litestar.types import Receive, Scope, Send

from shorty.webcore.compression import (
    SMALLEST,
    Header,
    Packer,
    compress,
    may_compress,
    name_unchanged,
    start_stream,
)

JSON: Final = b"application/json"
NOT_MODIFIED: Final = 304
ASK_AGAIN_S: Final = 1.0
RATE_HEADERS: Final = "shorty.rate_headers"  # where authentication puts them in the scope

_ENCODER: Final = msgspec.json.Encoder()


class Answer(ASGIResponse):
    """A complete answer. For authenticated requests it carries the rate limit's headers.

    Litestar's own responses cost 15 µs more each: they build, merge and encode header mappings.
    """

    __slots__ = ("extra_headers", "media_type")

    def __init__(
        self,
        status: int,
        body: bytes = b"",
        *,
        media_type: bytes = JSON,
        headers: Iterable[Header] = (),
    ) -> None:
        # The base class's fields are only read by its own methods, which are replaced below.
        self.status_code = status
        self.body = body
        self.media_type = media_type
        self.extra_headers = tuple(headers)

    def to_asgi_response(self, *_: object, **__: object) -> "Answer":
        """Lets exception handlers answer with it as they do with Litestar's Response."""
        return self

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        headers: list[Header] = [*self.extra_headers, *scope["state"].get(RATE_HEADERS, ())]
        body = self.body
        if len(body) >= SMALLEST and may_compress(self.media_type, headers):
            body = await compress(scope, body, headers)
        elif self.status_code == NOT_MODIFIED and may_compress(self.media_type, headers):
            name_unchanged(scope, headers)
        if self.status_code not in {204, NOT_MODIFIED}:  # neither has a body
            headers.append((b"content-type", self.media_type))
            headers.append((b"content-length", b"%d" % len(body)))
        await send({"type": "http.response.start", "status": self.status_code, "headers": headers})
        if scope["type"] == "http" and scope["method"] == "HEAD":
            body = b""
        await send({"type": "http.response.body", "body": body, "more_body": False})


class LateAnswer(Answer):
    """An answer that has to be waited for, where the framework takes no coroutine."""

    __slots__ = ("find",)

    def __init__(self, find: Callable[[], Awaitable[Answer]]) -> None:
        super().__init__(0)
        self.find = find

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = await self.find()
        await answer(scope, receive, send)


class StreamedAnswer(Answer):
    """A download whose body is produced in parts.

    `may_go_on` is called before each part, and every second while a slow client is taking one. Once
    it returns False, the body is left unfinished: the connection breaks, so that the client cannot
    take half a file for a whole one.
    """

    __slots__ = ("may_go_on", "parts")

    def __init__(
        self,
        parts: AsyncGenerator[bytes],
        *,
        may_go_on: Callable[[], Awaitable[bool]],
        media_type: bytes,
        file_name: str,
        headers: Iterable[Header] = (),
    ) -> None:
        disposition = (b"content-disposition", f'attachment; filename="{file_name}"'.encode())
        super().__init__(200, media_type=media_type, headers=[disposition, *headers])
        self.parts = parts
        self.may_go_on = may_go_on

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        rates = scope["state"].get(RATE_HEADERS, ())
        headers = [*self.extra_headers, *rates, (b"content-type", self.media_type)]
        packer = start_stream(scope, headers) if may_compress(self.media_type, headers) else None
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        is_whole = True
        if scope["type"] == "http" and scope["method"] != "HEAD":
            async with aclosing(self.parts) as parts:
                is_whole = await self._send_parts(parts, send, packer)
        if is_whole:
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _send_parts(
        self, parts: AsyncGenerator[bytes], send: Send, packer: Packer | None
    ) -> bool:
        """Whether all parts were sent."""
        async for part in parts:
            if not await self.may_go_on():
                return False
            packed = part if packer is None else packer.compress(part)
            if packed and not await self._send_part(packed, send):
                return False
        return packer is None or await self._send_part(packer.flush(), send)

    async def _send_part(self, part: bytes, send: Send) -> bool:
        """Whether the client has taken it while it still might."""
        sending = asyncio.ensure_future(
            send({"type": "http.response.body", "body": part, "more_body": True})
        )
        try:
            while not sending.done():
                await asyncio.wait({sending}, timeout=ASK_AGAIN_S)
                if not await self.may_go_on():
                    return False
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
        await sending
        return True


def answer_json(value: object, status: int = 200, headers: Iterable[Header] = ()) -> Answer:
    return Answer(status, _ENCODER.encode(value), headers=headers)


def answer_created(value: object, location: str) -> Answer:
    """201 with the URL of what was created."""
    return answer_json(value, 201, [(b"location", location.encode())])


def answer_nothing() -> Answer:
    return Answer(204)
