"""The last connections before a stop: no more are accepted, and the accepted ones are read."""

import select
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from time import monotonic
from typing import Final

import pytest

from shorty.serve.arrivals import is_unread, stop_accepting, wait_until_read

LONG_S: Final = 20.0
SHORT_S: Final = 0.05


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


def listen(stack: ExitStack) -> socket.socket:
    return stack.enter_context(socket.create_server(("127.0.0.1", 0)))


def connect(stack: ExitStack, listener: socket.socket) -> socket.socket:
    return stack.enter_context(socket.create_connection(listener.getsockname()))


def accept(stack: ExitStack, listener: socket.socket) -> socket.socket:
    return stack.enter_context(listener.accept()[0])


def test_only_new_connections_to_that_port_are_not_accepted(stack: ExitStack) -> None:
    events = stack.enter_context(select.epoll())
    stopped, other = listen(stack), listen(stack)
    client = connect(stack, other)
    events.register(client, select.EPOLLOUT)
    for listener in (stopped, other):
        events.register(listener, select.EPOLLIN)
    stop_accepting(stopped.getsockname()[1])
    connect(stack, stopped)
    assert {found for found, _ in events.poll(LONG_S)} == {other.fileno(), client.fileno()}
    assert accept(stack, stopped).getpeername()


def test_a_connection_is_unread_until_its_data_was_read(stack: ExitStack) -> None:
    listener = listen(stack)
    client = connect(stack, listener)
    taken = accept(stack, listener)
    assert is_unread(taken, LONG_S)
    assert not is_unread(taken, 0)
    client.sendall(b"GET /")
    assert select.select([taken], [], [], LONG_S)[0]
    assert is_unread(taken, 0)
    assert taken.recv(3) == b"GET"
    assert is_unread(taken, 0)
    assert taken.recv(9) == b" /"
    assert not is_unread(taken, LONG_S)


async def test_the_wait_for_unread_data_is_limited(stack: ExitStack) -> None:
    listener = listen(stack)
    client = connect(stack, listener)
    taken = accept(stack, listener)
    client.sendall(b"GET /")
    assert select.select([taken], [], [], LONG_S)[0]
    since = monotonic()
    await wait_until_read(listener.getsockname()[1], SHORT_S)
    assert monotonic() - since >= SHORT_S


async def test_read_connections_and_other_ports_are_not_waited_for(stack: ExitStack) -> None:
    listener, other = listen(stack), listen(stack)
    connect(stack, listener).sendall(b"GET /")
    taken = accept(stack, listener)
    assert taken.recv(9) == b"GET /"
    connect(stack, other)
    accept(stack, other)
    since = monotonic()
    await wait_until_read(listener.getsockname()[1], LONG_S)
    assert monotonic() - since < LONG_S
