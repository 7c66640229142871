"""Several workers: who answers, what replaces them, and how they end."""

import os
import re
import signal
from pathlib import Path

import pytest

from shorty.clicks.journal import Journal
from shorty.serve import Patience, lock_database
from tests.serve.running import PATIENCE, run, run_until_ready, wait_until_gone
from tests.serve.several import ask, connect_to
from tests.service import PATIENCE_S, READY, Service

# The small application opens no database.
POSTGRES = {"SHORTY_STORAGE__DATABASE": "postgresql://db.example/shorty"}
CONNECTIONS = 16


@pytest.fixture
def settings(folder: Path) -> Path:
    """The configuration, which is beside the folder of the workers."""
    path = folder / "shorty.toml"
    write_settings(path, workers=2)
    return path


def write_settings(path: Path, *, workers: int, slug_length: int = 7) -> None:
    path.write_text(
        f"[server]\nworkers = {workers}\n[links]\nslug_length = {slug_length}\n", "ascii"
    )


def run_workers(folder: Path, app: str = "App", patience: Patience = PATIENCE) -> Service:
    return run_until_ready(folder, app, patience, **POSTGRES, SHORTY_STORAGE__FOLDER=str(folder))


def read_pids(folder: Path, word: str = "opened") -> list[int]:
    lines = [line.split() for line in (folder / "shorty.log").read_text("ascii").splitlines()]
    return [int(pid) for said, pid in lines if said == word]


def ask_worker(service: Service, worker: int, path: str) -> str:
    with connect_to(service, worker) as client:
        return ask(client, path)


@pytest.mark.usefixtures("settings")
def test_each_worker_answers_on_the_one_port_and_all_end_with_the_server(folder: Path) -> None:
    with run_workers(folder) as service:
        first, second = read_pids(folder)
        assert ask_worker(service, first, "/pid") == str(first)
        assert ask_worker(service, second, "/pid") == str(second)
        assert (folder / "1" / "shorty.node.lock").exists()
        assert (folder / "2" / "shorty.node.lock").exists()
        assert service.stop() == 0
        assert sorted(read_pids(folder, "closed")) == sorted([first, second])
        assert service.stdout.read_all() == [READY + service.url]
        assert service.stderr.read_all() == []


@pytest.mark.usefixtures("settings")
def test_a_killed_worker_is_replaced_while_the_other_answers(folder: Path) -> None:
    with run_workers(folder, "HeldBackThird") as service:
        first, second = read_pids(folder)
        os.kill(second, signal.SIGKILL)
        said = service.stderr.wait_for("worker_ended")
        number = re.findall(r'how="was ended by SIGKILL" worker=(\d)$', said)
        service.stdout.wait_for("starting")
        for _ in range(CONNECTIONS):
            assert service.get("/pid") == str(first)
        (folder / "gate").write_bytes(b"go on")
        assert service.stderr.wait_for("server_ready").endswith(f"worker={number[0]}")
        third = read_pids(folder)[-1]
        assert ask_worker(service, third, "/pid") == str(third)
        assert service.stop() == 0


def test_new_settings_reach_one_worker_after_the_other(folder: Path, settings: Path) -> None:
    with run_workers(folder) as service:
        write_settings(settings, workers=2, slug_length=8)
        service.send_signal(signal.SIGHUP)
        for _ in range(2):
            assert service.get("/slug-length") in {"7", "8"}
            service.stderr.wait_for("server_ready")
        pids = read_pids(folder)
        assert ask_worker(service, pids[2], "/slug-length") == "8"
        assert ask_worker(service, pids[3], "/slug-length") == "8"
        assert service.stop() == 0
        said = [line.split()[0] for line in (folder / "shorty.log").read_text().splitlines()]
        assert said == ["opened"] * 2 + ["closed", "opened"] * 2 + ["closed"] * 2


def test_workers_become_fewer_and_more(folder: Path, settings: Path) -> None:
    with run_workers(folder) as service:
        former = read_pids(folder)
        write_settings(settings, workers=1)
        service.send_signal(signal.SIGHUP)
        service.stderr.wait_for("server_ready")
        for pid in former:
            wait_until_gone(pid)
        assert sorted(read_pids(folder, "closed")) == sorted(former)
        alone = read_pids(folder)[-1]
        assert service.get("/pid") == str(alone)
        write_settings(settings, workers=2)
        service.send_signal(signal.SIGHUP)
        service.stderr.wait_for("server_ready worker=2")
        service.stderr.wait_for("server_ready worker=1")
        assert service.stop() == 0
        assert len(read_pids(folder)) == len(read_pids(folder, "closed")) == 5


@pytest.mark.usefixtures("settings")
def test_the_first_worker_stores_what_those_before_it_left(folder: Path) -> None:
    left = [folder / name / "shorty.journal" for name in ("", "3", "4")]
    for journal in (*left, folder / "2" / "shorty.journal", folder / "other" / "shorty.journal"):
        journal.parent.mkdir(exist_ok=True)
        Journal(journal).create("a journal of a database".replace(" ", "-"))
    with lock_database(folder / "4" / "shorty.node"), run_workers(folder) as service:
        said = service.stderr.wait_for("journal_not_adopted")
        assert str(left[2]) in said
        assert "Another shorty" in said
        assert service.stop() == 0
        words = (folder / "shorty.log").read_text().splitlines()
        adopted = [line.split()[0] for line in words if line.startswith("adopted:")]
        assert adopted == [f"adopted:{journal}" for journal in left[:2]]


@pytest.mark.usefixtures("settings")
def test_a_folder_that_another_server_uses_ends_the_start_in_one_sentence(folder: Path) -> None:
    (folder / "2").mkdir()
    with (
        lock_database(folder / "2" / "shorty.node"),
        run(
            folder, "App", Patience(lock_s=0.1), **POSTGRES, SHORTY_STORAGE__FOLDER=str(folder)
        ) as service,
    ):
        assert service.wait_for_end() == 1
        said = service.stderr.read_all()
        assert len(said) == 1, said
        (sentence,) = said
        assert sentence.startswith(f"Another shorty (process {os.getpid()}) is serving {folder}/2/")
        assert service.stdout.read_all() == []
    assert read_pids(folder) == read_pids(folder, "closed")


@pytest.mark.usefixtures("settings")
def test_workers_end_when_their_supervisor_is_killed(folder: Path) -> None:
    with run_workers(folder) as service:
        service.send_signal(signal.SIGKILL)
        for pid in read_pids(folder):
            wait_until_gone(pid)
        assert len(read_pids(folder, "closed")) == 2


@pytest.mark.usefixtures("settings")
def test_one_that_does_not_end_is_killed_and_reported_after_the_others(folder: Path) -> None:
    patience = Patience(stop_s=5.0)  # enough for the first, however busy the machine is
    with run_workers(folder, "StuckSecond", patience) as service:
        first, second = read_pids(folder)
        assert service.stop() == 1
        assert read_pids(folder, "closed") == [first]
        wait_until_gone(second)
        (said,) = service.stderr.read_all()
        assert said == "The worker did not stop cleanly: it was ended by SIGKILL."


def test_an_sqlite_file_has_one_worker(folder: Path) -> None:
    (folder / "shorty.toml").write_text("[server]\nport = 0\n", "ascii")
    with Service(
        ["-m", "shorty", "serve", "--workers", "2"], folder, SHORTY_STORAGE__DATABASE="shorty.db"
    ) as service:
        assert service.wait_for_end(PATIENCE_S) == 1
        said = service.stderr.read_all()
        assert len(said) == 1, said
        (sentence,) = said
        assert "server.workers (--workers): only one process can write to an SQLite" in sentence
