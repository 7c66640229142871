"""How the server starts, and what it says if it cannot."""

import socket
from pathlib import Path

import pytest

from tests.serve.running import GET, read_log, run, run_until_ready
from tests.service import PATIENCE_S, READY


def test_the_one_line_on_stdout_says_where_it_answers(folder: Path) -> None:
    with run_until_ready(folder) as service:
        assert service.url.startswith("http://127.0.0.1:")
        assert service.get("/pid").isdigit()
        assert service.stop() == 0
        assert service.stdout.read_all() == [READY + service.url]
        assert service.stderr.read_all() == []
        assert read_log(folder) == ["opened", "closed"]


@pytest.mark.parametrize(
    ("host", "opened"),
    [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "localhost"), ("::", "localhost"), ("::1", "[::1]")],  # noqa: S104
)
def test_the_setup_link_is_on_a_second_line_for_a_browser(
    folder: Path, host: str, opened: str
) -> None:
    with run_until_ready(folder, "Welcoming", SHORTY_SERVER__HOST=host) as service:
        key, port = service.get("/pid"), service.address[1]
        assert service.stop() == 0
        ready, setup_path = service.stdout.read_all()
    assert ready == READY + service.url
    assert setup_path == f"Create your account at http://{opened}:{port}/welcome?key={key}"


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


def test_the_database_folder_is_created(folder: Path) -> None:
    database = folder / "new" / "folder" / "shorty.db"
    with run_until_ready(folder, SHORTY_STORAGE__DATABASE=str(database)) as service:
        assert service.stop() == 0
    assert database.with_name("shorty.db.lock").exists()


def test_what_the_application_says_is_the_whole_failure(folder: Path) -> None:
    with run(folder, "Picky", SHORTY_LINKS__SLUG_LENGTH="13") as service:
        assert service.wait_for_end() == 1
        assert service.stderr.read_all() == ["Thirteen is refused here."]
        assert service.stdout.read_all() == []


@pytest.mark.parametrize(
    ("app", "sentence"),
    [
        ("Locked", "The database cannot be used: database is locked."),
        ("Unreadable", "/srv/key: Permission denied."),
    ],
)
def test_what_the_application_cannot_use_is_said_in_one_sentence(
    folder: Path, app: str, sentence: str
) -> None:
    with run(folder, app) as service:
        assert service.wait_for_end() == 1
        assert service.stderr.read_all() == [sentence]


def test_a_fault_of_the_application_is_shown_once(folder: Path) -> None:
    with run(folder, "Faulty") as service:
        assert service.wait_for_end() == 1
        said = service.stderr.read_all()
    assert said.count("RuntimeError: a fault of the application") == 1
    assert said[-1] == "The server could not start: it exited with status 1."


def test_a_worker_that_is_always_killed_before_it_answers_ends_the_service(folder: Path) -> None:
    with run(folder, "Killed") as service:
        assert service.wait_for_end() == 1
        said = service.stderr.read_all()
    assert [line.partition(" ")[2] for line in said[:-1]] == [
        '[error] worker_not_started how="was ended by SIGKILL"'
    ] * 2
    assert said[-1] == "The worker was ended by SIGKILL 3 times before it was ready."
    assert read_log(folder) == ["opened"] * 3


def test_a_worker_that_is_killed_while_it_starts_gets_another_chance(folder: Path) -> None:
    with run_until_ready(folder, "KilledOnce") as service:
        assert service.get("/pid").isdigit()
        assert service.stop() == 0


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"SHORTY_SERVER__HOST": "192.0.2.1"}, "192.0.2.1 is not an IP address of this machine"),
        ({"SHORTY_SERVER__HOST": "no.such.invalid"}, "no.such.invalid is unknown on this machine"),
        ({"SHORTY_STORAGE__DATABASE": "/dev/null/shorty.db"}, "folder /dev/null is not writable"),
        ({"SHORTY_STORAGE__DATABASE": "/proc/shorty.db"}, "folder /proc is not writable"),
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


def test_no_other_server_can_share_the_port_later(folder: Path) -> None:
    with run_until_ready(folder) as service, socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        with pytest.raises(OSError, match="in use"):
            other.bind(service.address)
