"""Granian's private names that shorty uses; no other module imports them.

Also private are the two methods that `server.Server` overrides. `granian.rsgi` exports the
protocol's classes under names that type checkers consider private.
"""

from collections.abc import Callable
from typing import Any

from granian._granian import (
    CallbackScheduler,
    RSGIHTTPProtocol,
    RSGIProtocolClosed,
    RSGIWorker,
    SocketHolder,
)

__all__ = [
    "CallbackScheduler",
    "RSGIHTTPProtocol",
    "RSGIProtocolClosed",
    "hold_socket",
    "make_worker",
]

# Their stubs declare fewer or other arguments.
hold_socket: Callable[..., SocketHolder] = SocketHolder
make_worker: Callable[..., Any] = RSGIWorker
