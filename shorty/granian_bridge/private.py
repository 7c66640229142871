"""What granian keeps to itself and shorty uses all the same: nothing else imports it.

The rest of what is private are the two methods that `server.Server` overrides. `granian.rsgi` has
the protocol's classes under names that type checkers take for private as well.
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

# Their stubs know of fewer arguments, or of others.
hold_socket: Callable[..., SocketHolder] = SocketHolder
make_worker: Callable[..., Any] = RSGIWorker
