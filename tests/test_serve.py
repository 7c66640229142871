"""The real process: how it starts, answers, is replaced, and ends."""

import os
import pty
import select
import signal
import socket
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from shorty.errors import StartError
from shorty.serve import lock_database
from shorty.serve.worker import GRACE_S
from tests.service import PATIENCE_S, READY, Service

PROMISED_S = 10.0  # from the signal to the end

GET = b"GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as path:
        yield Path(path)


def run(folder: Path, app: str = "App", **settings: str | None) -> Service:
    return Service(["-m", "tests.small_app", app], folder, **settings)


def run_until_ready(folder: Path, app: str = "App", **settings: str | None) -> Service:
    return run(folder, app, **settings).wait_until_ready()


def read_log(folder: Path) -> list[str]:
    """What the workers did, without their process ids."""
    return [line.split()[0] for line in (folder / "shorty.log").read_text("ascii").splitlines()]


def wait_until_gone(pid: int) -> None:
    """Waits on the kernel's own event for a process that is not a child of this one."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    ended, _, _ = select.select([descriptor], [], [], PATIENCE_S)
    os.close(descriptor)
    assert ended, f"process {pid} is still there"


# Starting


def test_the_one_line_on_stdout_says_where_it_answers(folder: Path) -> None:
    with run_until_ready(folder) as service:
        assert service.url.startswith("http://127.0.0.1:")
        assert service.get("/pid").isdigit()
        assert service.stop() == 0
        assert service.stdout.read_all() == [READY + service.url]
        assert service.stderr.read_all() == []
        assert read_log(folder) == ["opened", "closed"]


def test_an_ipv6_host_is_written_in_brackets(folder: Path) -> None:
    with run_until_ready(folder, SHORTY_SERVER__HOST="::1") as service:
        assert service.url.startswith("http://[::1]:")
        assert service.get("/pid").isdigit()


def test_who_listens_on_everything_is_reached_by_ipv4_and_ipv6(folder: Path) -> None:
    with run_until_ready(folder, SHORTY_SERVER__HOST="::") as service:
        port = service.address[1]
        for address in ("127.0.0.1", "::1"):
            with socket.create_connection((address, port), PATIENCE_S) as client:
                client.sendall(GET % b"/")
                assert client.recv(100).startswith(b"HTTP/1.1 204")


def test_the_database_folder_is_made(folder: Path) -> None:
    database = folder / "new" / "folder" / "shorty.db"
    with run_until_ready(folder, SHORTY_STORAGE__DATABASE=str(database)) as service:
        assert service.stop() == 0
    assert database.with_name("shorty.db.lock").exists()


def test_what_the_application_says_is_the_whole_failure(folder: Path) -> None:
    with run(folder, "Picky", SHORTY_LINKS__SLUG_LENGTH="13") as service:
        assert service.wait_for_end() == 1
        assert service.stderr.read_all() == ["Thirteen is refused here."]
        assert service.stdout.read_all() == []


def test_a_fault_of_the_application_is_shown_once(folder: Path) -> None:
    with run(folder, "Faulty") as service:
        assert service.wait_for_end() == 1
        said = service.stderr.read_all()
    assert said.count("RuntimeError: a fault of the application") == 1
    assert said[-1] == "The server could not start: it ended with status 1."


def test_a_worker_that_is_always_killed_before_it_answers_ends_the_service(folder: Path) -> None:
    with run(folder, "Killed") as service:
        assert service.wait_for_end() == 1
        said = service.stderr.read_all()
    assert said == [
        "The worker was ended by SIGKILL before it could answer; trying again.",
        "The worker was ended by SIGKILL before it could answer; trying again.",
        "The worker was ended by SIGKILL 3 times before it could answer.",
    ]
    assert read_log(folder) == ["opened"] * 3


def test_a_worker_that_is_killed_while_it_starts_gets_another_chance(folder: Path) -> None:
    with run_until_ready(folder, "KilledOnce") as service:
        assert service.get("/pid").isdigit()
        assert service.stop() == 0


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"SHORTY_SERVER__HOST": "192.0.2.1"}, "192.0.2.1 is not an address of this machine"),
        ({"SHORTY_SERVER__HOST": "no.such.invalid"}, "no.such.invalid is not known here"),
        ({"SHORTY_STORAGE__DATABASE": "/dev/null/shorty.db"}, "folder /dev/null cannot be written"),
        ({"SHORTY_STORAGE__DATABASE": "/proc/shorty.db"}, "folder /proc cannot be written"),
    ],
)
def test_what_cannot_be_had_is_said_in_one_sentence(
    folder: Path, settings: dict[str, str], words: str
) -> None:
    with run(folder, **settings) as service:
        assert service.wait_for_end() == 1
        (sentence,) = service.stderr.read_all()
    assert words in sentence


def test_a_port_in_use_is_refused_even_where_the_other_would_share_it(folder: Path) -> None:
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with run(folder, SHORTY_SERVER__PORT=str(port)) as service:
            assert service.wait_for_end() == 1
            (sentence,) = service.stderr.read_all()
    assert sentence.startswith(f"Port {port} on 127.0.0.1 is already in use;")


def test_nobody_else_can_share_the_port_later(folder: Path) -> None:
    with run_until_ready(folder) as service, socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        with pytest.raises(OSError, match="in use"):
            other.bind(service.address)


# Stopping


def open_nothing(service: Service) -> socket.socket:
    return service.connect()


def open_idle(service: Service) -> socket.socket:
    client = service.connect(GET % b"/pid")
    assert client.recv(1000).startswith(b"HTTP/1.1 200")
    return client


def open_stream(service: Service) -> socket.socket:
    client = service.connect(GET % b"/stream")
    seen = b""
    while not seen.endswith(b"open\n\r\n"):
        seen += client.recv(1000)
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
    with run_until_ready(folder) as service, open_client(service):
        service.send_signal(signal.SIGTERM)
        assert service.wait_for_end(GRACE_S) == 0
        assert service.stderr.read_all() == []
        assert read_log(folder) == ["opened", "closed"]


def test_clients_in_the_middle_of_something_delay_its_end_for_a_while(folder: Path) -> None:
    with (
        run_until_ready(folder) as service,
        send_half_a_head(service),
        send_half_a_body(service),
        read_nothing(service),
    ):
        service.send_signal(signal.SIGTERM)
        assert service.wait_for_end(PROMISED_S) == 0
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
        assert service.wait_for_end(PROMISED_S) == 0
        assert read_log(folder) == ["opened", "closed"]


def test_it_can_be_stopped_while_it_starts(folder: Path) -> None:
    with run(folder, "Slow") as service:
        service.stdout.wait_for("starting")
        assert service.stop() == 0
        assert service.stdout.read_all() == ["starting"]
        assert service.stderr.read_all() == []


def test_a_worker_that_never_ends_is_killed_in_time(folder: Path) -> None:
    with run_until_ready(folder, "Stuck") as service:
        service.send_signal(signal.SIGTERM)
        assert service.wait_for_end(PROMISED_S) == 1
        assert service.stderr.read_all() == [
            "The worker did not stop cleanly: it was ended by SIGKILL."
        ]


def test_a_closed_window_stops_it(folder: Path) -> None:
    window, terminal = pty.openpty()
    # A session's leader that opens a terminal gets it as its own, as a shell's window is.
    command = (
        "import os, runpy, sys;"
        f"terminal = os.open({os.ttyname(terminal)!r}, os.O_RDWR);"
        "[os.dup2(terminal, own) for own in (0, 1, 2)];"
        "sys.argv = ['small_app', 'App'];"
        "runpy.run_module('tests.small_app', run_name='__main__')"
    )
    with Service(["-c", command], folder) as service:
        seen = b""
        while READY.encode() not in seen:
            seen += os.read(window, 1000)
        os.close(terminal)
        os.close(window)
        assert service.wait_for_end() == 0
    assert read_log(folder) == ["opened", "closed"]


# Replacing the worker


def kill_worker(service: Service) -> int:
    pid = int(service.get("/pid"))
    os.kill(pid, signal.SIGKILL)
    return pid


def test_a_killed_worker_is_replaced_again_and_again(folder: Path) -> None:
    with run_until_ready(folder) as service:
        pids = {kill_worker(service) for _ in range(3)}
        pids.add(int(service.get("/pid")))
        assert len(pids) == 4
        assert service.stop() == 0
        assert service.stdout.read_all() == [READY + service.url]
        said = service.stderr.read_all()
        assert said.count("The worker was ended by SIGKILL; starting another.") == 3
        assert set(said[1:]) <= {said[0], "Shorty is answering again."}
        assert read_log(folder) == ["opened"] * 4 + ["closed"]


def test_who_calls_while_there_is_no_worker_is_answered_by_the_next(folder: Path) -> None:
    with run_until_ready(folder) as service:
        first = int(service.get("/pid"))
        os.kill(first, signal.SIGSTOP)
        with service.connect(GET % b"/pid") as client:
            os.kill(first, signal.SIGKILL)
            assert b"HTTP/1.1 200" in client.recv(1000)
        assert service.stop() == 0


def test_a_worker_that_someone_else_stops_is_replaced(folder: Path) -> None:
    with run_until_ready(folder) as service:
        os.kill(int(service.get("/pid")), signal.SIGTERM)
        service.stderr.wait_for("The worker ended with status 0; starting another.")
        service.stderr.wait_for("Shorty is answering again.")
        assert service.stop() == 0
        assert read_log(folder) == ["opened", "closed"] * 2


def test_a_fault_in_a_request_is_a_500_and_is_logged_on_stderr(folder: Path) -> None:
    with run_until_ready(folder) as service:
        with service.connect(GET % b"/fault") as client:
            answer = client.recv(1000)
        assert answer.startswith(b"HTTP/1.1 500")
        assert b"application" not in answer
        service.stderr.wait_for("RuntimeError: a fault of the application")
        assert service.stop() == 0


# Reading the settings again


@pytest.fixture
def settings(folder: Path) -> Path:
    path = folder / "shorty.toml"
    path.write_text("[links]\nslug_length = 7\n", "ascii")
    return path


def test_sighup_takes_new_settings_with_one_worker_after_the_other(
    folder: Path, settings: Path
) -> None:
    with run_until_ready(folder) as service:
        assert service.get("/slug-length") == "7"
        settings.write_text("[links]\nslug_length = 8\n", "ascii")
        service.send_signal(signal.SIGHUP)
        service.stderr.wait_for("Shorty is answering again.")
        assert service.get("/slug-length") == "8"
        assert service.stop() == 0
        assert read_log(folder) == ["opened", "closed"] * 2
        assert service.stdout.read_all() == [READY + service.url]


def test_nobody_is_refused_while_the_settings_change(folder: Path, settings: Path) -> None:
    with run_until_ready(folder) as service:
        service.send_signal(signal.SIGHUP)
        for _ in range(50):
            assert service.get("/slug-length") == "7"
        assert service.stop() == 0


def test_faulty_settings_are_not_taken(folder: Path, settings: Path) -> None:
    with run_until_ready(folder) as service:
        pid = service.get("/pid")
        settings.write_text("[links]\nslug_lenght = 8\n", "ascii")
        service.send_signal(signal.SIGHUP)
        service.stderr.wait_for("slug_lenght")
        service.stderr.wait_for("The settings stay as they were.")
        assert service.get("/pid") == pid
        assert service.stop() == 0


def test_settings_with_which_no_worker_starts_are_given_up(folder: Path, settings: Path) -> None:
    with run_until_ready(folder, "Picky") as service:
        settings.write_text("[links]\nslug_length = 13\n", "ascii")
        service.send_signal(signal.SIGHUP)
        service.stderr.wait_for("Thirteen is refused here.")
        service.stderr.wait_for("Going on with the former settings.")
        service.stderr.wait_for("Shorty is answering again.")
        assert service.get("/slug-length") == "7"
        assert service.stop() == 0


def test_another_port_waits_for_a_whole_restart(folder: Path, settings: Path) -> None:
    with run_until_ready(folder) as service:
        port = service.address[1]
    settings.write_text(f"[server]\nport = {port}\n", "ascii")
    with run_until_ready(folder, SHORTY_SERVER__PORT=None) as service:
        settings.write_text("[server]\nport = 1\n[links]\nslug_length = 9", "ascii")
        service.send_signal(signal.SIGHUP)
        service.stderr.wait_for("takes effect once shorty is stopped and started.")
        service.stderr.wait_for("Shorty is answering again.")
        assert service.get("/slug-length") == "9"
        assert service.stop() == 0


# One shorty per database, and none left behind


def test_a_second_one_on_the_same_database_is_refused(folder: Path) -> None:
    with run_until_ready(folder) as first:
        with run(folder) as second:
            assert second.wait_for_end() == 1
            (sentence,) = second.stderr.read_all()
        assert sentence == (
            f"Another shorty (process {first.process.pid}) is serving {folder}/shorty.db; "
            "stop it first."
        )
        assert first.get("/pid").isdigit()
        assert first.stop() == 0


def test_a_link_to_the_database_is_the_same_database(tmp_path: Path) -> None:
    (tmp_path / "other.db").symlink_to(tmp_path / "shorty.db")
    with (
        lock_database(tmp_path / "shorty.db"),
        pytest.raises(StartError, match=f"process {os.getpid()}"),
        lock_database(tmp_path / "other.db", wait_s=0.01),
    ):
        pytest.fail("both hold it")
    with lock_database(tmp_path / "other.db", wait_s=0):
        assert (tmp_path / "shorty.db.lock").read_text("ascii") == f"{os.getpid()}\n"


def test_another_database_may_be_served_beside_it(folder: Path) -> None:
    other = {"SHORTY_STORAGE__DATABASE": str(folder / "other.db")}
    with run_until_ready(folder) as first, run_until_ready(folder, **other) as second:
        assert second.stop() == 0
        assert first.stop() == 0


def test_the_worker_stores_what_it_has_and_ends_with_its_supervisor(folder: Path) -> None:
    with run_until_ready(folder) as service, open_stream(service):
        worker = int(service.get("/pid"))
        service.send_signal(signal.SIGKILL)
        assert service.wait_for_end() == -signal.SIGKILL
        wait_until_gone(worker)
        assert read_log(folder) == ["opened", "closed"]


def test_it_can_be_started_again_at_once_after_its_supervisor_was_killed(folder: Path) -> None:
    with run_until_ready(folder) as service:
        port = service.address[1]
        service.send_signal(signal.SIGKILL)
        service.wait_for_end()
        with run_until_ready(folder, SHORTY_SERVER__PORT=str(port)) as again:
            assert again.get("/pid").isdigit()
            assert again.stop() == 0
            assert read_log(folder) == ["opened", "closed"] * 2


def test_it_can_be_started_again_at_once_after_all_of_it_was_killed(folder: Path) -> None:
    port = 0
    for _ in range(5):
        with run_until_ready(folder, SHORTY_SERVER__PORT=str(port)) as service:
            port = service.address[1]
            service.send_signal_to_all(signal.SIGKILL)
            service.wait_for_end()
    with run_until_ready(folder, SHORTY_SERVER__PORT=str(port)) as service:
        assert service.stop() == 0
