"""What the supervisor does after a worker's reports and end, and when it commands the worker."""

# The decisions are not visible from outside, and a process for each test would cost a second.
# pyright: reportPrivateUsage=false

import json
import os
import signal
import socket
import time
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

import pytest
from msgspec.structs import replace

from shorty.config import Config
from shorty.config.settings import LinksConfig, LogConfig, ServerConfig, StorageConfig
from shorty.errors import ConfigError, ShortyError, StartError
from shorty.serve import Patience, settle_port
from shorty.serve.handshake import OPEN, READY
from shorty.serve.port import Port
from shorty.serve.process import Worker, describe_end
from shorty.serve.slots import AT_ONCE, LONGEST_PAUSE_S, STEADY_S, Slot, find_pause
from shorty.serve.supervisor import Supervisor, keep_place

STOP_S: Final = 5.0
CONFIG: Final = Config(server=ServerConfig(port=8250))
OTHER: Final = replace(CONFIG, links=LinksConfig(slug_length=9))
TWO: Final = replace(
    CONFIG,
    server=replace(CONFIG.server, workers=2),
    storage=StorageConfig(database="postgresql://db.example/shorty"),
)
OTHER_TWO: Final = replace(TWO, links=LinksConfig(slug_length=9))
NOBODY: Final = 0
"""No process has this id; a signal to it would go to the tests' process group."""


def list_logged(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Lines of standard error without their timestamps; nothing may be on standard output."""
    out, err = capsys.readouterr()
    assert out == ""
    return [line.partition(" ")[2] for line in err.splitlines()]


@pytest.fixture
def channel() -> Iterator[tuple[socket.socket, socket.socket]]:
    """The supervisor's end and the worker's."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


@pytest.fixture
def worker(channel: tuple[socket.socket, socket.socket]) -> Worker:
    return Worker(NOBODY, channel[0], STOP_S)


@pytest.fixture
def supervisor() -> Iterator[Supervisor]:
    with socket.socket() as listener:
        yield Supervisor("none:None", Port([listener]), CONFIG, Patience())


@pytest.mark.parametrize(
    ("report", "is_open", "is_ready", "setup_path", "start_fault"),
    [
        (b"", False, False, "", ""),
        (b"open\n", True, False, "", ""),
        (b"open\nready\n", True, True, "", ""),
        (b"open\n/welcome?key=1\nready\n", True, True, "/welcome?key=1", ""),
        (b"ready\n", False, False, "", "ready"),
        (b" The port is taken.\n", False, False, "", "The port is taken."),
        (b"caf\xe9", False, False, "", "caf\ufffd"),
    ],
)
def test_a_report_says_how_far_a_worker_has_come(
    worker: Worker, report: bytes, is_open: bool, is_ready: bool, setup_path: str, start_fault: str
) -> None:
    worker.report = report
    assert (worker.is_open, worker.is_ready, worker.start_fault) == (is_open, is_ready, start_fault)
    if is_ready:
        assert worker.setup_path == setup_path


ENDED_1: Final = "The server could not start: it exited with status 1."
KILLED: Final = "The worker was ended by SIGKILL"


@pytest.mark.parametrize(
    ("report", "status", "said"),
    [
        (OPEN + READY, -9, 'worker_ended how="was ended by SIGKILL"'),
        (OPEN + READY, 0, 'worker_ended how="exited with status 0"'),
        (OPEN + READY, 1, 'worker_ended how="exited with status 1"'),
        (OPEN, -9, 'worker_ended how="was ended by SIGKILL"'),
        (b"", -9, 'worker_not_started how="was ended by SIGKILL"'),
    ],
)
def test_a_worker_that_ended_by_itself_is_followed_by_another(
    supervisor: Supervisor,
    worker: Worker,
    capsys: pytest.CaptureFixture[str],
    report: bytes,
    status: int,
    said: str,
) -> None:
    worker.report = report
    supervisor._judge(worker, status)
    assert list_logged(capsys) == [f"[error] {said}"]


@pytest.mark.parametrize(
    ("report", "status", "why"),
    [
        (b"The key is missing.", 1, "The key is missing."),
        (b"The key is missing.", -9, "The key is missing."),
        (b"", 1, ENDED_1),
        (OPEN, 1, ENDED_1),
    ],
)
def test_a_worker_that_cannot_start_is_the_end_where_no_other_settings_have_worked(
    supervisor: Supervisor,
    worker: Worker,
    capsys: pytest.CaptureFixture[str],
    report: bytes,
    status: int,
    why: str,
) -> None:
    worker.report = report
    with pytest.raises(StartError) as raised:
        supervisor._judge(worker, status)
    assert raised.value.message == why
    supervisor._proven = CONFIG  # the settings with which it does not start
    with pytest.raises(StartError):
        supervisor._judge(worker, status)
    supervisor._proven, supervisor._config = CONFIG, OTHER
    supervisor._judge(worker, status)
    assert supervisor._config == CONFIG
    assert list_logged(capsys) == [f'[error] settings_reverted reason="{why}"']


def test_three_killed_workers_in_a_row_revert_the_settings(
    supervisor: Supervisor, worker: Worker, capsys: pytest.CaptureFixture[str]
) -> None:
    supervisor._proven, supervisor._config = CONFIG, OTHER
    for _ in range(2):
        supervisor._judge(worker, -9)
        assert supervisor._config == OTHER
    supervisor._judge(worker, -9)
    assert supervisor._config == CONFIG
    assert list_logged(capsys)[2:] == [
        f'[error] settings_reverted reason="{KILLED} 3 times before it was ready."'
    ]
    for _ in range(2):  # the former settings have three attempts of their own
        supervisor._judge(worker, -9)
    with pytest.raises(StartError, match="3 times before it was ready"):
        supervisor._judge(worker, -9)


def test_a_worker_that_answers_gives_those_after_it_three_tries_again(
    supervisor: Supervisor, worker: Worker
) -> None:
    ready = Worker(NOBODY, worker.channel, STOP_S)
    ready.report = OPEN + READY
    for _ in range(2):
        for _ in range(2):
            supervisor._judge(worker, -9)
        supervisor._slots[1].worker = ready
        supervisor._note_ready(ready)
        supervisor._slots[1].worker = None


@pytest.mark.parametrize("status", [0, -signal.SIGTERM])
@pytest.mark.parametrize("report", [b"", OPEN, OPEN + READY])
def test_a_worker_that_ends_on_command_is_no_fault(
    supervisor: Supervisor,
    worker: Worker,
    capsys: pytest.CaptureFixture[str],
    status: int,
    report: bytes,
) -> None:
    worker.report, worker.stop_sent_at = report, 0.0
    supervisor._judge(worker, status)
    supervisor._stopping = True
    supervisor._judge(worker, status)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(("status", "end"), [(1, "exited with status 1"), (-9, KILLED[11:])])
def test_a_worker_that_did_not_stop_cleanly_is_replaced_or_reported_at_the_end(
    supervisor: Supervisor,
    worker: Worker,
    capsys: pytest.CaptureFixture[str],
    status: int,
    end: str,
) -> None:
    worker.report, worker.stop_sent_at = OPEN + READY, 0.0
    supervisor._judge(worker, status)
    assert list_logged(capsys) == [f'[error] worker_not_stopped how="{end}"']
    supervisor._stopping = True
    with pytest.raises(ShortyError) as raised:
        supervisor._judge(worker, status)
    assert raised.value.message == f"The worker did not stop cleanly: it {end}."


@pytest.mark.parametrize(
    ("host", "shown", "opened"),
    [
        ("127.0.0.1", "127.0.0.1", "127.0.0.1"),
        ("::1", "[::1]", "[::1]"),
        ("::", "[::]", "localhost"),
        ("0.0.0.0", "0.0.0.0", "localhost"),  # noqa: S104
    ],
)
def test_readiness_is_printed_once_on_stdout_and_later_on_stderr(
    supervisor: Supervisor,
    worker: Worker,
    capsys: pytest.CaptureFixture[str],
    host: str,
    shown: str,
    opened: str,
) -> None:
    supervisor._config = replace(CONFIG, server=ServerConfig(host=host, port=8250))
    supervisor._slots[1].worker = worker
    worker.report = OPEN + b"/welcome\n" + READY
    supervisor._note_ready(worker)
    assert capsys.readouterr() == (
        (
            f"Shorty is ready on http://{shown}:8250\n"
            f"Create your account at http://{opened}:8250/welcome\n"
        ),
        "",
    )
    worker.report = OPEN + READY
    supervisor._note_ready(worker)
    assert list_logged(capsys) == ["[info] server_ready"]


def test_a_worker_is_announced_when_it_is_ready_unless_it_is_stopping(
    supervisor: Supervisor,
    worker: Worker,
    channel: tuple[socket.socket, socket.socket],
    capsys: pytest.CaptureFixture[str],
) -> None:
    supervisor._slots[1].worker = worker
    for words, is_told in ((OPEN, False), (b"/wel", False), (b"come\nready\n", True)):
        channel[1].sendall(words)
        assert supervisor._hear(worker)
        assert bool(capsys.readouterr().out) == is_told
    worker.report, worker.stop_sent_at = b"", 0.0
    channel[1].sendall(OPEN + READY)
    assert supervisor._hear(worker)
    assert capsys.readouterr() == ("", "")
    channel[1].close()
    assert not supervisor._hear(worker)


def test_settings_are_taken_but_for_the_place_that_is_taken_already(
    supervisor: Supervisor, capsys: pytest.CaptureFixture[str]
) -> None:
    assert supervisor._take_settings(lambda: OTHER)
    assert (supervisor._config, capsys.readouterr().err) == (OTHER, "")
    moved = replace(OTHER, server=ServerConfig(port=8251), links=LinksConfig(slug_length=11))
    assert supervisor._take_settings(lambda: moved)
    assert supervisor._config == replace(moved, server=CONFIG.server)
    assert list_logged(capsys) == [
        '[warning] settings_need_restart settings="host, port or database"'
    ]
    any_port = replace(CONFIG, server=ServerConfig(port=0))
    assert supervisor._take_settings(lambda: any_port)
    assert (supervisor._config, capsys.readouterr().err) == (CONFIG, "")


def test_faulty_settings_leave_those_in_force(
    supervisor: Supervisor, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> Config:
        raise ConfigError("There is no setting links.colour.")

    assert not supervisor._take_settings(fail)
    assert supervisor._config == CONFIG
    assert list_logged(capsys) == [
        '[error] settings_refused reason="There is no setting links.colour."'
    ]


def test_the_log_has_the_form_and_the_level_of_the_settings(
    supervisor: Supervisor, worker: Worker, capsys: pytest.CaptureFixture[str]
) -> None:
    supervisor._proven = CONFIG
    supervisor._config = replace(CONFIG, log=LogConfig(format="json", level="error"))
    worker.report = OPEN + READY
    supervisor._note_ready(worker)  # of level info
    supervisor._judge(worker, -9)
    said = json.loads(capsys.readouterr().err)
    assert datetime.fromisoformat(said.pop("timestamp")).tzinfo is UTC
    assert said == {"level": "error", "event": "worker_ended", "how": "was ended by SIGKILL"}


def test_host_port_and_database_stay_and_all_else_is_new() -> None:
    new = Config(
        server=ServerConfig(host="::", port=1, hsts=True),
        storage=StorageConfig(database="/elsewhere.db"),
        links=LinksConfig(slug_length=9),
    )
    assert keep_place(new, CONFIG) == replace(
        new,
        server=ServerConfig(host=CONFIG.server.host, port=CONFIG.server.port, hsts=True),
        storage=CONFIG.storage,
    )
    assert settle_port(new, 8250) == replace(
        new, server=ServerConfig(host="::", port=8250, hsts=True)
    )


def test_only_postgresql_lets_the_number_of_workers_change() -> None:
    assert keep_place(OTHER_TWO, TWO).server.workers == 2
    assert keep_place(replace(TWO, server=CONFIG.server), TWO).server.workers == 1
    assert keep_place(TWO, CONFIG) == CONFIG


@pytest.mark.parametrize(
    ("status", "end"),
    [(0, "exited with status 0"), (3, "exited with status 3"), (-15, "was ended by SIGTERM")],
)
def test_an_end_is_described(status: int, end: str) -> None:
    assert describe_end(status) == end


def start_child(channel: socket.socket) -> Worker:
    pid = os.posix_spawnp("sleep", ["sleep", "60"], os.environ)
    return Worker(pid, channel, STOP_S)


def test_a_worker_gets_one_signal_and_then_its_time(
    channel: tuple[socket.socket, socket.socket],
) -> None:
    worker = start_child(channel[0])
    assert worker.count_seconds_left() is None
    worker.stop()
    stop_sent_at = worker.stop_sent_at
    assert stop_sent_at is not None
    left = worker.count_seconds_left()
    assert left is not None
    assert 0 < left <= STOP_S
    worker.stop()
    assert worker.stop_sent_at == stop_sent_at
    worker.stop_sent_at = stop_sent_at - 2 * STOP_S
    assert worker.count_seconds_left() == 0.0
    assert worker.collect() == -signal.SIGTERM
    assert channel[0].fileno() == -1


def test_a_killed_worker_is_waited_for_without_a_limit(
    channel: tuple[socket.socket, socket.socket],
) -> None:
    worker = start_child(channel[0])
    worker.stop_sent_at = 0.0
    worker.kill()
    assert worker.count_seconds_left() is None
    assert worker.collect() == -signal.SIGKILL


@pytest.fixture
def pair(supervisor: Supervisor, channel: tuple[socket.socket, socket.socket]) -> list[Worker]:
    """Two workers in their places, of which the first is ready."""
    supervisor._config = TWO
    pair = [Worker(NOBODY, channel[0], STOP_S, number, TWO) for number in (1, 2)]
    for worker in pair:
        supervisor._slots[worker.number] = slot = Slot(worker.number)
        slot.worker = worker
    pair[0].report = OPEN + READY
    return pair


def test_several_workers_are_announced_once_when_all_are_ready(
    supervisor: Supervisor, pair: list[Worker], capsys: pytest.CaptureFixture[str]
) -> None:
    pair[0].report = OPEN + b"/welcome\n" + READY
    supervisor._note_ready(pair[0])
    assert capsys.readouterr() == ("", "")
    pair[1].report = OPEN + READY
    supervisor._note_ready(pair[1])
    assert capsys.readouterr().out.splitlines() == [
        "Shorty is ready on http://127.0.0.1:8250",
        "Create your account at http://127.0.0.1:8250/welcome",
    ]
    supervisor._note_ready(pair[1])
    assert list_logged(capsys) == ["[info] server_ready worker=2"]


@pytest.mark.parametrize(
    ("report", "status", "how"),
    [
        (b"The server is away.", 1, '"The server is away."'),
        (b"", 1, f'"{ENDED_1}"'),
        (b"", -9, '"was ended by SIGKILL"'),
    ],
)
def test_a_worker_that_cannot_start_leaves_the_others_to_answer(
    supervisor: Supervisor,
    pair: list[Worker],
    capsys: pytest.CaptureFixture[str],
    report: bytes,
    status: int,
    how: str,
) -> None:
    supervisor._proven = TWO
    pair[1].report = report
    for _ in range(4):
        supervisor._judge(pair[1], status)
    assert list_logged(capsys) == [f"[error] worker_not_started how={how} worker=2"] * 4
    pair[0].stop_sent_at = 0.0
    with pytest.raises(StartError):
        deque((supervisor._judge(pair[1], status) for _ in range(3)), maxlen=0)


def test_settings_with_which_the_first_of_several_cannot_start_are_reverted(
    supervisor: Supervisor, pair: list[Worker]
) -> None:
    supervisor._proven, supervisor._config = TWO, OTHER_TWO
    pair[1].report = b"The key is missing."
    supervisor._judge(pair[1], 1)
    assert supervisor._config is TWO


def test_after_several_crashes_in_a_row_a_place_is_left_empty_for_a_while(
    channel: tuple[socket.socket, socket.socket],
) -> None:
    assert [find_pause(crashes) for crashes in range(1, 7)] == [0, 0, 0, 1, 2, 4]
    assert find_pause(1000) == LONGEST_PAUSE_S
    slot = Slot(1)
    worker = Worker(NOBODY, channel[0], STOP_S)
    for crashes in range(1, AT_ONCE + 2):
        slot.clear(worker)
        assert bool(slot.count_seconds_to_wait()) == (crashes > AT_ONCE)
    worker.ready_at = time.monotonic() - STEADY_S
    slot.clear(worker)
    assert slot.count_seconds_to_wait() == 0
    worker.ready_at = None
    for _ in range(AT_ONCE):
        slot.clear(worker)
    assert slot.count_seconds_to_wait() > 0
    worker.stop_sent_at = 0.0
    slot.clear(worker)
    assert slot.count_seconds_to_wait() == 0
