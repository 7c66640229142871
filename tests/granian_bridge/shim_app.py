"""A Litestar application behind the adapter, for tests that reach it through granian."""

import asyncio
import gc
import hashlib
from asyncio import AbstractEventLoop
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NoReturn

from litestar import Litestar, Request, Response, get, head, post
from litestar.datastructures import Cookie
from litestar.handlers import asgi
from litestar.response import ServerSentEvent, Stream

from shorty.config import Config
from shorty.granian_bridge import AsgiShim
from shorty.granian_bridge.shim import Exchange

LONG = 40_000_000
PIECE = bytes(100_000)

ended: dict[str, asyncio.Event] = {}
produced = 0


def note_end(what: str) -> None:
    ended.setdefault(what, asyncio.Event()).set()


@get("/ended/{what:str}")
async def wait_for_end(what: str) -> str:
    """Answers once that has ended; each end can be requested once."""
    await ended.setdefault(what, asyncio.Event()).wait()
    del ended[what]
    return what


@get("/scope/{rest:path}")
async def show_scope(request: Request[Any, Any, Any], rest: str) -> dict[str, Any]:
    scope = request.scope
    return {
        "path": scope["path"],
        "raw_path": scope["raw_path"].decode(),
        "query": scope["query_string"].decode(),
        "version": scope["http_version"],
        "method": scope["method"],
        "client": scope["client"],
        "server": scope["server"],
        "headers": [(name.decode(), value.decode()) for name, value in scope["headers"]],
    }


@post("/torn")
async def refuse_torn_body(request: Request[Any, Any, Any]) -> Response[None]:
    message = await request.receive()
    return Response(None, status_code=400 if message["type"] == "http.disconnect" else 200)


@post("/upload", request_max_body_size=None)
async def digest_body(request: Request[Any, Any, Any]) -> dict[str, Any]:
    digest, pieces, length = hashlib.sha256(), 0, 0
    async for piece in request.stream():
        digest.update(piece)
        pieces += bool(piece)
        length += len(piece)
    return {"digest": digest.hexdigest(), "pieces": pieces, "length": length}


@post("/limited", request_max_body_size=1_000_000)
async def read_limited(request: Request[Any, Any, Any]) -> int:
    return len(await request.body())


@post("/unread", status_code=200)
async def ignore_body() -> str:
    return "not read"


@get("/cookies")
async def set_cookies() -> Response[str]:
    return Response("set", cookies=[Cookie("one", value="1"), Cookie("two", value="2")])


@head("/page")
async def show_head() -> Response[None]:
    return Response(None, headers={"content-length": "1234"})


@get("/nothing", status_code=204)
async def show_nothing() -> None:
    return None


@get("/unchanged")
async def show_unchanged() -> Response[None]:
    return Response(None, status_code=304, headers={"etag": '"1"'})


@get("/fault")
async def fail() -> NoReturn:
    raise RuntimeError("a secret of the application")


@get("/short-stream")
async def stream_little() -> Stream:
    async def make() -> AsyncIterator[bytes]:
        for piece in (b"one,", b"", b"two"):
            yield piece

    return Stream(make())


@get("/long-stream")
async def stream_much() -> Stream:
    return Stream(make_much())


async def make_much() -> AsyncIterator[bytes]:
    global produced  # noqa: PLW0603 - one long stream at a time
    produced = 0
    try:
        while produced < LONG:
            produced += len(PIECE)
            yield PIECE
    finally:
        note_end("long")


@get("/produced")
async def count_produced() -> int:
    return produced


@get("/failing-stream/{length:int}")
async def stream_and_fail(length: int) -> Stream:
    async def make() -> AsyncIterator[bytes]:
        password = chr(122) + "ebra"  # so that only its value contains the word
        for _ in range(length):
            yield PIECE[:1000]
        assert password
        raise RuntimeError("a secret of the application")

    return Stream(make())


@get("/events")
async def send_events() -> ServerSentEvent:
    async def make() -> AsyncIterator[str]:
        try:
            yield "first"
            await asyncio.Event().wait()
        finally:
            note_end("events")

    return ServerSentEvent(make())


@asgi("/silent", copy_scope=False)
async def answer_nothing(scope: Any, receive: Any, send: Any) -> None:
    """Returns without an answer."""


@asgi("/half", copy_scope=False)
async def answer_half(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"half", "more_body": True})


@asgi("/deaf", copy_scope=False)
async def send_for_ever(scope: Any, receive: Any, send: Any) -> None:
    """Never checks whether its client is connected: only `send` can tell it."""
    headers = [(b"content-type", b"text/event-stream")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    try:
        while True:
            await send({"type": "http.response.body", "body": b"data: 1\n\n", "more_body": True})
            await asyncio.sleep(0)
    except OSError:
        note_end("deaf")


@asgi("/curious", copy_scope=False)
async def listen_after_answer(scope: Any, receive: Any, send: Any) -> None:
    """Keeps listening after it has answered, like a stream's listener."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"all"})
    await send({"type": "http.response.body", "body": b""})
    await receive()
    note_end((await receive())["type"])


@asgi("/patient", copy_scope=False)
async def wait_for_client(scope: Any, receive: Any, send: Any) -> None:
    """Answers nothing until its client has disconnected."""
    note_end("waiting")
    kinds = [(await receive())["type"] for _ in range(3)]
    note_end("-".join(kinds))


def count_exchanges() -> int:
    """Those that are still referenced by anything else."""
    gc.collect()
    return sum(type(each) is Exchange for each in gc.get_objects())


class App:
    def __init__(self, _config: Config) -> None:
        litestar = Litestar(
            [
                *(
                    wait_for_end,
                    show_scope,
                    digest_body,
                    refuse_torn_body,
                    read_limited,
                    ignore_body,
                    set_cookies,
                ),
                *(show_head, show_nothing, show_unchanged, fail, stream_little, stream_much),
                *(count_produced, stream_and_fail, send_events, answer_nothing, answer_half),
                *(send_for_ever, wait_for_client, listen_after_answer),
            ],
            openapi_config=None,
            logging_config=None,
        )
        self.shim = AsgiShim(litestar)

    def __rsgi_init__(self, loop: AbstractEventLoop) -> None: ...

    def __rsgi_del__(self, loop: AbstractEventLoop) -> None: ...

    async def find_setup_path(self) -> str:
        return ""

    async def store_left_journal(self, folder: Path) -> None:
        raise AssertionError(folder)  # there is one worker

    def answer_now(self, _scope: Any, _proto: Any) -> bool:
        return False

    async def __rsgi__(self, scope: Any, proto: Any) -> None:
        if scope.path == "/kept":
            proto.response_str(200, [], str(count_exchanges()))
        else:
            await self.shim(scope, proto)

    def end_streams(self) -> None:
        self.shim.end_streams()
