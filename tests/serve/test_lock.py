"""One shorty per database, and none that is left behind."""

import os
import signal
from pathlib import Path

import pytest

from shorty.errors import StartError
from shorty.serve import Patience, lock_database
from tests.serve.running import open_stream, read_log, run, run_until_ready, wait_until_gone


def test_a_second_one_on_the_same_database_is_refused(folder: Path) -> None:
    with run_until_ready(folder) as first:
        with run(folder, "App", Patience(lock_s=0.2)) as second:
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
