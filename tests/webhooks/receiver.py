"""A real HTTP server that receives webhooks, keeps them, and answers as a test says."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from standardwebhooks import Webhook

Respond = Callable[[asyncio.StreamWriter], Awaitable[None]]


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One POST as it arrived."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def event(self) -> dict[str, Any]:
        return msgspec.json.decode(self.body)

    def verify(self, secret: str) -> object:
        """Raises if the signature was not made with that secret."""
        return Webhook(secret).verify(self.body, self.headers)


class Receiver:
    """Answers with the next of `responses`; the last one is repeated."""

    def __init__(self, *responses: Respond) -> None:
        self.responses = list(responses)
        self.messages: list[Message] = []
        self.connections = 0
        self.open = 0
        self.busiest = 0
        self.url = ""
        self._has_come = asyncio.Condition()

    @property
    def ids(self) -> list[str]:
        return [message.id for message in self.messages]

    async def wait_for(self, number: int, patience_s: float = 5) -> list[Message]:
        """The messages, once that many have arrived."""
        async with asyncio.timeout(patience_s), self._has_come:
            await self._has_come.wait_for(lambda: len(self.messages) >= number)
        return self.messages

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open += 1
        self.busiest = max(self.busiest, self.open)
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                await self._take(head.decode("latin-1"), reader)
                respond = self.responses.pop(0) if len(self.responses) > 1 else self.responses[0]
                await respond(writer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            self.open -= 1
            writer.close()

    async def _take(self, head: str, reader: asyncio.StreamReader) -> None:
        first, *lines = head.strip().split("\r\n")
        headers = {
            name.lower(): value for name, _, value in (line.partition(": ") for line in lines)
        }
        body = await reader.readexactly(int(headers["content-length"]))
        async with self._has_come:
            self.messages.append(Message(path=first.split(" ")[1], headers=headers, body=body))
            self._has_come.notify_all()


@asynccontextmanager
async def run_receiver(*responses: Respond, host: str = "127.0.0.1") -> AsyncGenerator[Receiver]:
    receiver = Receiver(*(responses or (answer(200),)))
    server = await asyncio.start_server(receiver.talk, host, 0)
    receiver.url = f"http://{host}:{server.sockets[0].getsockname()[1]}/hook"
    try:
        yield receiver
    finally:
        server.close()
        await server.wait_closed()


def answer(status: int, body: bytes = b"", *headers: str) -> Respond:
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", *headers, "", ""]
    text = "\r\n".join(lines).encode() + body

    async def respond(writer: asyncio.StreamWriter) -> None:
        writer.write(text)

    return respond


async def hang(writer: asyncio.StreamWriter) -> None:
    """Never answers, so that the client gives up."""


async def reset(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def stream_without_end(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n")
    while not writer.transport.is_closing():
        writer.write(b"400\r\n" + b"x" * 1024 + b"\r\n")
        await writer.drain()
