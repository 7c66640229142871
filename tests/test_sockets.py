"""The process's own sockets: found among its descriptors, named like granian's, and cut."""

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from shorty.sockets import (
    copy_socket,
    count_descriptors,
    cut_connection,
    describe_peer,
    list_sockets,
)


class Pair:
    """Both ends of a connection to a listener of this process."""

    def __init__(self, stack: ExitStack, family: socket.AddressFamily, host: str) -> None:
        server = stack.enter_context(socket.create_server((host, 0), family=family))
        self.client = stack.enter_context(socket.create_connection(server.getsockname()[:2], 5))
        self.taken = stack.enter_context(server.accept()[0])
        self.port = self.client.getsockname()[1]


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


@pytest.mark.parametrize(
    ("family", "host", "shown"),
    [(socket.AF_INET, "127.0.0.1", "127.0.0.1"), (socket.AF_INET6, "::1", "[::1]")],
)
def test_a_peer_is_named_by_its_address_and_port(
    stack: ExitStack, family: socket.AddressFamily, host: str, shown: str
) -> None:
    pair = Pair(stack, family, host)
    assert describe_peer(pair.taken) == f"{shown}:{pair.port}"


def test_an_unconnected_socket_has_no_peer(stack: ExitStack) -> None:
    alone = stack.enter_context(socket.socket())
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert [describe_peer(each) for each in (alone, ours)] == ["", ""]


def test_each_socket_is_listed_once_by_its_own_descriptor_and_other_files_are_not(
    stack: ExitStack,
) -> None:
    pair = Pair(stack, socket.AF_INET, "127.0.0.1")
    reader, writer = os.pipe()
    listed: list[int] = []
    for descriptor, found in list_sockets():
        listed.append(descriptor)
        assert found.fileno() != descriptor
        if descriptor == pair.taken.fileno():
            assert describe_peer(found) == describe_peer(pair.taken)
    for file in (reader, writer):
        os.close(file)
    assert len(listed) == len(set(listed))
    assert {pair.taken.fileno(), pair.client.fileno()} <= {*listed}
    assert not {reader, writer} & {*listed}


def test_descriptors_are_counted_and_looking_at_them_leaves_none(stack: ExitStack) -> None:
    reader, writer = os.pipe()
    pair = Pair(stack, socket.AF_INET, "127.0.0.1")
    before = count_descriptors()
    for _ in range(3):
        assert dict(list_sockets())
        with copy_socket(pair.taken.fileno()):
            assert count_descriptors() == before + 1
        with pytest.raises(OSError):
            copy_socket(reader)
    assert count_descriptors() == before
    os.close(reader)
    os.close(writer)
    assert count_descriptors() == before - 2
    with pytest.raises(OSError):
        copy_socket(reader)


def test_the_connection_of_one_peer_is_cut_and_no_other(stack: ExitStack) -> None:
    first, second = (Pair(stack, socket.AF_INET, "127.0.0.1") for _ in range(2))
    cut_connection(describe_peer(first.taken))
    assert first.client.recv(1) == b""
    second.taken.sendall(b"x")
    assert second.client.recv(1) == b"x"
    cut_connection(describe_peer(first.taken) or "127.0.0.1:1")  # already cut
