"""The port of several workers: each has a socket of its own, and the kernel chooses among them.

With one socket for all, the worker that wakes up first would accept most of the connections that
arrive together, and keep them. The supervisor owns all sockets, so that connections that a worker
has not accepted wait for the one that follows it.
"""

import ctypes
import socket
import struct
import sys
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Final, Self

from shorty.serve.listener import bind_socket, open_listener

ATTACH_FILTER: Final = 51  # Linux's SO_ATTACH_REUSEPORT_CBPF, which Python has no name for

# Classic BPF, from linux/bpf_common.h and linux/filter.h: operation, jump if true, jump if false,
# operand.
_INSTRUCTION: Final = struct.Struct("=HBBI")
_PROGRAM: Final = struct.Struct("@HP")
_LOAD, _MODULO, _JUMP_IF_EQUAL, _RETURN = 0x20, 0x94, 0x15, 0x06
_RANDOM: Final = 0xFFFF_F000 + 56  # SKF_AD_OFF + SKF_AD_RANDOM


class Port:
    """The listening sockets of one address and port, at least one."""

    def __init__(self, sockets: Sequence[socket.socket]) -> None:
        self.sockets = sockets

    @property
    def number(self) -> int:
        return self.sockets[0].getsockname()[1]

    def find(self, worker: int) -> socket.socket:
        """The worker's socket, by its number from 1 on.

        If there are more workers than sockets, some have one together.
        """
        return self.sockets[self._place(worker)]

    def prefer(self, workers: Iterable[int]) -> None:
        """Divides new connections among these workers, or among all if there are none.

        Raises OSError if the system does not allow it; it then goes on dividing as before.
        """
        places = sorted({self._place(worker) for worker in workers})
        if len(self.sockets) > 1:
            attach_filter(self.sockets[0], places or range(len(self.sockets)))

    def _place(self, worker: int) -> int:
        return (worker - 1) % len(self.sockets)

    def close(self) -> None:
        for each in self.sockets:
            each.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.close()


def open_port(host: str, port: int, workers: int = 1) -> Port:
    """Binds and listens, for so many workers. Raises StartError, which says what to do."""
    if workers == 1 or sys.platform != "linux":  # elsewhere the newest socket would get everything
        return Port([open_listener(host, port)])
    with bind_socket(host, port) as own:  # fails where another server has the port
        number = own.getsockname()[1]
    sockets: list[socket.socket] = []
    try:
        for _ in range(workers):
            listener = open_listener(host, number, is_one_of_several=True)
            sockets.append(listener)
    except BaseException:
        Port(sockets).close()
        raise
    return Port(sockets)


def attach_filter(listener: socket.socket, places: Sequence[int]) -> None:
    """The kernel then gives each connection to one of these sockets, in the order of opening."""
    code = [(_LOAD, 0, 0, _RANDOM), (_MODULO, 0, 0, len(places))]
    for number, place in enumerate(places[:-1]):
        code += [(_JUMP_IF_EQUAL, 0, 1, number), (_RETURN, 0, 0, place)]
    code.append((_RETURN, 0, 0, places[-1]))
    program = ctypes.create_string_buffer(b"".join(_INSTRUCTION.pack(*each) for each in code))
    words = _PROGRAM.pack(len(code), ctypes.addressof(program))
    listener.setsockopt(socket.SOL_SOCKET, ATTACH_FILTER, words)
