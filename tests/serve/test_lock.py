"""One shorty per database, and no stale lock."""

import errno
import fcntl
import os
import signal
from pathlib import Path
from threading import Timer

import pytest

from shorty.errors import StartError
from shorty.serve import Patience, lock_database
from tests.serve.running import open_stream, read_log, run, run_until_ready, wait_until_gone
from tests.service import PATIENCE_S
from tests.support import find_storage


def test_a_second_one_on_the_same_database_is_refused(folder: Path) -> None:
    with run_until_ready(folder) as first:
        with run(folder, "App", Patience(lock_s=0.2)) as second:
            assert second.wait_for_end() == 1
            (sentence,) = second.stderr.read_all()
        assert sentence == (
            f"Another shorty (process {first.process.pid}) is serving {find_storage(folder).lock}; "
            "stop it first."
        )
        assert first.get("/pid").isdigit()
        assert first.stop() == 0


def read_holder(database: Path) -> str:
    return Path(f"{database}.lock").read_text("ascii")


def test_the_lock_lasts_as_long_as_the_block_however_that_ends(tmp_path: Path) -> None:
    database = tmp_path / "new" / "shorty.db"

    def fail() -> None:
        with lock_database(database, wait_s=0):
            assert read_holder(database) == f"{os.getpid()}\n"
            raise KeyError

    for _ in range(3):
        with pytest.raises(KeyError):
            fail()
        Path(f"{database}.lock").write_text("4" * 20, "ascii")  # a longer text is overwritten
    assert Path(f"{database}.lock").stat().st_mode & 0o777 == 0o600
    assert database.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    ("content", "process"),
    [("12\n", " (process 12)"), ("", ""), ("no number\n", ""), ("\u00e9", "")],
)
def test_the_error_names_the_process_that_has_the_lock(
    tmp_path: Path, content: str, process: str
) -> None:
    database = tmp_path / "shorty.db"
    with lock_database(database):
        Path(f"{database}.lock").write_text(content, "utf-8")
        with pytest.raises(StartError) as raised, lock_database(database, wait_s=0):
            pytest.fail("both hold it")
    assert raised.value.message == (
        f"Another shorty{process} is serving {database}; stop it first."
    )


def test_who_waits_gets_the_lock_as_soon_as_it_is_free_and_no_alarm_later(tmp_path: Path) -> None:
    database = tmp_path / "shorty.db"
    before = signal.getsignal(signal.SIGALRM)
    holder = lock_database(database, wait_s=0)
    holder.__enter__()
    freeing = Timer(0.05, holder.__exit__, (None, None, None))
    freeing.start()
    with lock_database(database, wait_s=PATIENCE_S):
        assert read_holder(database) == f"{os.getpid()}\n"
        assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
        assert signal.getsignal(signal.SIGALRM) is before
    freeing.join()


def test_a_file_system_without_locks_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_file: int, _how: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(StartError) as raised, lock_database(tmp_path / "shorty.db"):
        pytest.fail("it is not locked")
    assert raised.value.message == (
        f"{tmp_path}/shorty.db.lock cannot be locked (No locks available, ENOLCK); "
        "keep the database on a local disk."
    )


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


def test_another_database_can_be_served_at_the_same_time(folder: Path) -> None:
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
        patience = Patience(lock_s=PATIENCE_S)
        with run_until_ready(folder, "App", patience, SHORTY_SERVER__PORT=str(port)) as again:
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
