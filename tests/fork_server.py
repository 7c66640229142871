"""Imports shorty once and forks for each server that a test asks for; `tests.forks` talks to it.

`python -m tests.fork_server DESCRIPTOR`, which is one end of a pair of sockets.
"""

import gc
import os
import socket
import sys
import time
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from runpy import run_module
from typing import Final

import msgspec

from shorty.app import build_doors

IMPORTED: Final = ("shorty.cli.serve", "shorty.cli.token", "shorty.serve.worker")
MOST_BYTES: Final = 1 << 20
FILES: Final = 4  # its input, output and errors, and the channel on which its life is reported


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """A module to run as the interpreter's -m would."""

    module: str
    arguments: list[str]
    folder: str
    environment: dict[str, str]


def wait_for_order(orders: socket.socket) -> Order:
    """Returns in the forked processes alone; this one ends with the tests that asked."""
    while True:
        sent, files, _, _ = socket.recv_fds(orders, MOST_BYTES, FILES)
        if not sent:
            os._exit(0)
        if os.fork() == 0:
            return start(msgspec.json.decode(sent, type=Order), orders, files)
        for file in files:
            os.close(file)
        collect_keepers()


def collect_keepers() -> None:
    with suppress(ChildProcessError):  # none is left
        while os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG):
            pass


def start(order: Order, orders: socket.socket, files: list[int]) -> Order:
    """Forks the server from a keeper, which reports its end, as a process tells it to its parent.

    The server reports its process id itself, once it has a group of its own.
    """
    orders.close()
    *streams, channel = files
    pid = os.fork()
    if pid:
        for file in streams:
            os.close(file)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        os.write(channel, str(status).encode())
        os._exit(0)
    os.setsid()
    os.write(channel, str(os.getpid()).encode())
    os.close(channel)
    for number, file in enumerate(streams):
        os.dup2(file, number)
        os.close(file)
    return order


def take_place(order: Order) -> None:
    """As if the interpreter had been started there."""
    os.chdir(order.folder)
    os.environ.clear()
    os.environ.update(order.environment)
    time.tzset()
    sys.path[0] = str(Path.cwd())
    sys.argv[1:] = order.arguments


if __name__ == "__main__":
    for name in IMPORTED:
        import_module(name)
    build_doors()  # once per process, like the imports
    gc.collect()
    gc.freeze()
    order = wait_for_order(socket.socket(fileno=int(sys.argv[1])))
    take_place(order)
    run_module(order.module, run_name="__main__", alter_sys=True)
