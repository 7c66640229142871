"""How the server stops: soon, cleanly and with exit status 0, whatever its clients do."""

import os
import pty
import signal
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from shorty.serve import Patience
from tests.serve.running import GET, PATIENCE, open_stream, read_log, run, run_until_ready
from tests.service import PATIENCE_S, READY, Service

PROMISED_S = 10.0  # from the signal to the end


def test_the_promised_time_is_longer_than_all_waits() -> None:
    assert PATIENCE.grace_s < PATIENCE.stop_s < PROMISED_S
    assert PATIENCE.orphan_grace_s < PATIENCE.lock_s


def open_nothing(service: Service) -> socket.socket:
    return service.connect()


def open_idle(service: Service) -> socket.socket:
    client = service.connect(GET % b"/pid")
    assert client.recv(1000).startswith(b"HTTP/1.1 200")
    return client


def send_half_a_head(service: Service) -> socket.socket:
    return service.connect(b"GET /pid HTTP/1.1\r\nHost: loc")


def send_half_a_body(service: Service) -> socket.socket:
    return service.connect(b"POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf")


def read_nothing(service: Service) -> socket.socket:
    client = service.connect(GET % b"/flood")
    assert client.recv(1)
    return client


@pytest.mark.parametrize("open_client", [open_nothing, open_idle, open_stream])
def test_no_quiet_client_delays_its_end(
    folder: Path, open_client: Callable[[Service], socket.socket]
) -> None:
    patience = Patience(grace_s=2 * PATIENCE_S, stop_s=3 * PATIENCE_S)
    with run_until_ready(folder, "App", patience) as service, open_client(service):
        service.send_signal(signal.SIGTERM)
        assert service.wait_for_end() == 0
        assert service.stderr.read_all() == []
        assert read_log(folder) == ["opened", "closed"]


def test_clients_in_the_middle_of_something_delay_its_end_for_a_while(folder: Path) -> None:
    with (
        run_until_ready(folder, "App", Patience(grace_s=0.5)) as service,
        send_half_a_head(service),
        send_half_a_body(service),
        read_nothing(service),
    ):
        service.send_signal(signal.SIGTERM)
        assert service.wait_for_end() == 0
        assert service.stderr.read_all() == []
        assert read_log(folder) == ["opened", "closed"]


def test_a_stream_is_ended_at_once_and_whole(folder: Path) -> None:
    with run_until_ready(folder) as service, open_stream(service) as client:
        service.send_signal(signal.SIGTERM)
        assert client.recv(1000) == b"0\r\n\r\n"
        assert client.recv(1000) == b""
        assert service.wait_for_end() == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_the_whole_group_stops_it_cleanly(folder: Path, number: int) -> None:
    with run_until_ready(folder) as service, open_stream(service):
        service.send_signal_to_all(number)
        service.send_signal_to_all(number)
        assert service.wait_for_end() == 0
        assert read_log(folder) == ["opened", "closed"]


def test_several_stop_signals_still_stop_cleanly(folder: Path) -> None:
    with run_until_ready(folder) as service:
        while service.process.poll() is None:
            service.send_signal(signal.SIGTERM)
        assert service.wait_for_end() == 0
        assert read_log(folder) == ["opened", "closed"]


def test_it_can_be_stopped_while_it_starts(folder: Path) -> None:
    with run(folder, "Slow") as service:
        service.stdout.wait_for("starting")
        assert service.stop() == 0
        assert service.stdout.read_all() == ["starting"]
        assert service.stderr.read_all() == []


def test_a_worker_that_never_ends_is_killed_in_time(folder: Path) -> None:
    with run_until_ready(folder, "Stuck", Patience(stop_s=0.5)) as service:
        service.send_signal(signal.SIGTERM)
        assert service.wait_for_end() == 1
        assert service.stderr.read_all() == [
            "The worker did not stop cleanly: it was ended by SIGKILL."
        ]


def test_a_closed_window_stops_it(folder: Path) -> None:
    window, terminal = pty.openpty()
    # A session leader that opens a terminal gets it as its controlling terminal, like a shell.
    command = (
        "import os, runpy, sys;"
        f"terminal = os.open({os.ttyname(terminal)!r}, os.O_RDWR);"
        "[os.dup2(terminal, own) for own in (0, 1, 2)];"
        "sys.argv = ['small_app', 'App'];"
        "runpy.run_module('tests.serve.small_app', run_name='__main__')"
    )
    with Service(["-c", command], folder) as service:
        seen = b""
        while READY.encode() not in seen:
            seen += os.read(window, 1000)
        os.close(terminal)
        os.close(window)
        assert service.wait_for_end() == 0
    assert read_log(folder) == ["opened", "closed"]
