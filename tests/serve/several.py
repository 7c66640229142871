"""Which of several workers has a connection, as the system knows it."""

import socket
from contextlib import suppress
from pathlib import Path
from typing import Final

from tests.service import Service

TRIES: Final = 200  # each connection goes to any of the workers
_REMOTE, _INODE = 2, 9


def find_workers(service: Service) -> list[int]:
    """The process ids of a server's workers, in the order of their start."""
    children = f"/proc/{service.process.pid}/task/{service.process.pid}/children"
    return sorted(map(int, Path(children).read_text("ascii").split()))


def connect_to(service: Service, worker: int) -> socket.socket:
    """A connection that this worker has accepted."""
    for _ in range(TRIES):
        client = service.connect(b"HEAD /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        answer = client.recv(4096)
        assert answer.endswith(b"\r\n\r\n"), answer
        if has_connection(worker, client):
            return client
        client.close()
    raise AssertionError(f"The worker {worker} gets no connection")


def ask(client: socket.socket, path: str) -> str:
    """The short body of an answer."""
    client.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    return client.recv(4096).decode().rpartition("\r\n\r\n")[2]


def has_connection(pid: int, client: socket.socket) -> bool:
    port = f":{client.getsockname()[1]:04X}"
    rows = [line.split() for line in Path("/proc/net/tcp").read_text("ascii").splitlines()]
    inodes = {f"socket:[{row[_INODE]}]" for row in rows if row[_REMOTE].endswith(port)}
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            if str(entry.readlink()) in inodes:
                return True
    return False
