"""Runs an RSGI application on granian, on a socket that is already open."""

import asyncio
import socket
import sys
from typing import Any, Final

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server import embed

from shorty.granian_bridge.dispatch import Answer, AnswerNow, Dispatcher
from shorty.granian_bridge.private import hold_socket, make_worker

MAX_HEAD_BYTES: Final = 32_768

# Granian's errors go to the application's log; everything else is dropped.
GRANIAN_LOG: Final[dict[str, Any]] = {
    "incremental": True,
    "formatters": {},
    "handlers": {},
    "loggers": {"_granian": {}},
}


class Server(embed.Server):
    """Granian on `listener` instead of its own socket; `serve` runs until `stop` is called.

    It takes over `listener`. `answer_now` is called first, in granian's thread; `answer` is then
    called on the loop for requests that it did not answer. At most `connections` are open at once,
    and `backlog` wait in the socket's queue.
    """

    def __init__(
        self,
        listener: socket.socket,
        answer: Answer,
        answer_now: AnswerNow,
        *,
        connections: int,
        backlog: int,
    ) -> None:
        super().__init__(
            answer,
            interface=Interfaces.RSGI,
            http=HTTPModes.http1,
            http1_settings=HTTP1Settings(max_buffer_size=MAX_HEAD_BYTES),
            websockets=False,
            backlog=backlog,
            backpressure=connections,
            log_level=LogLevels.error,
            log_dictconfig=GRANIAN_LOG,
        )
        self._listener = listener
        self._answer_now = answer_now

    async def _spawn_rsgi_worker(  # pyright: ignore[reportIncompatibleMethodOverride] - a wrapped one
        self,
        worker_id: int,
        shutdown: Any,
        callback: Any,
        sock: Any,
        runtime_threads: int,
        runtime_blocking_threads: int | None,
        blocking_threads: int,
        blocking_threads_idle_timeout: int,
        backpressure: int,
        _task_impl: Any,
        http_mode: Any,
        http1_settings: Any,
        http2_settings: Any,
        websockets: bool,  # noqa: FBT001 - granian's signature
        static_path: Any,
        _log_format: str | None,
        ssl: Any,
        _options: Any,
    ) -> None:
        """Granian's own method, with our scheduler."""
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[None] = loop.create_future()
        shutdown.add_cb(lambda: loop.call_soon_threadsafe(ended.set_result, None))
        worker = make_worker(
            worker_id,
            sock,
            None,
            runtime_threads,
            runtime_blocking_threads,
            blocking_threads,
            blocking_threads_idle_timeout,
            backpressure,
            http_mode,
            http1_settings,
            http2_settings,
            websockets,
            static_path,
            *ssl,
            (None, None),
        )
        worker.serve_async(Dispatcher(loop, callback, self._answer_now), loop, shutdown)
        await ended

    def _init_shared_socket(self) -> None:
        extra = {"backlog": self.backlog} if sys.platform == "linux" else {}
        self._ssp = None
        self._shd = hold_socket(self._listener.detach(), uds=False, **extra)
