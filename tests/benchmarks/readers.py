"""`python -m tests.benchmarks.readers [CLIENTS]`: the cost of clients that never read answers.

2,000 clients by default request a large public document, each eight times over its connection, so
that the system's buffers cannot take it all. Half name an encoding. Exits with 1 if the worker grew
by more than 60 MB, or did not release it.
"""

import re
import socket
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from time import sleep
from typing import Final

from tests.service import Service

CLIENTS: Final = 2000
MOST_CLIENTS: Final = 3000
MOST_MB: Final = 60
PATH: Final = "/api/v1/openapi.json"
SETTLE_S: Final = 4.0  # no signal shows when a server has written all that it can


def main(words: list[str]) -> int:
    count = min(int(words[0]) if words else CLIENTS, MOST_CLIENTS)
    with (
        tempfile.TemporaryDirectory() as folder,
        Service(("-m", "shorty", "serve"), Path(folder)) as service,
    ):
        service.wait_until_ready()
        service.get(PATH)
        hold(service, count // 10)  # one-time growth is not the clients'
        before = read_rss_mb(service)
        during = hold(service, count)
        after = read_rss_mb(service)
    told = f"{count} clients: {before:.0f} MB before, {during:.0f} during, {after:.0f} after"
    sys.stdout.write(f"{told}\n")
    return int(max(during, after) - before > MOST_MB)


def hold(service: Service, count: int) -> float:
    """The worker's memory in MB while `count` clients do not read; they disconnect afterwards."""
    with ExitStack() as stack:
        for number in range(count):
            client = stack.enter_context(socket.socket())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            client.connect(service.address)
            client.sendall(write_request(is_packed=number % 2 == 0) * 8)
        sleep(SETTLE_S)
        held = read_rss_mb(service)
    sleep(SETTLE_S)
    return held


def write_request(*, is_packed: bool) -> bytes:
    named = "Accept-Encoding: gzip\r\n" if is_packed else ""
    return f"GET {PATH} HTTP/1.1\r\nHost: localhost\r\n{named}\r\n".encode()


def read_rss_mb(service: Service) -> float:
    """Of the process that answers, which is the only child of the one that has the port."""
    parent = str(service.process.pid)
    child = subprocess.run(["pgrep", "-P", parent], check=True, capture_output=True, text=True)
    status = Path(f"/proc/{child.stdout.split()[0]}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    return int(found[1]) / 1000 if found else 0.0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
