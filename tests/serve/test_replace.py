"""How one worker follows another: after a crash, and for new settings."""

import os
import signal
from pathlib import Path

import pytest

from shorty.serve import Patience
from tests.serve.running import GET, read_log, run_until_ready
from tests.service import PATIENCE_S, READY, Service


def kill_worker(service: Service) -> int:
    pid = int(service.get("/pid"))
    os.kill(pid, signal.SIGKILL)
    return pid


def replace_worker(service: Service) -> int:
    """Waits for the next one's report, which comes after its first answers."""
    pid = kill_worker(service)
    service.stderr.wait_for("server_ready")
    return pid


def test_a_killed_worker_is_replaced_again_and_again(folder: Path) -> None:
    with run_until_ready(folder) as service:
        pids = {replace_worker(service) for _ in range(3)}
        pids.add(int(service.get("/pid")))
        assert len(pids) == 4
        assert service.stop() == 0
        assert service.stdout.read_all() == [READY + service.url]
        said = [line.partition(" ")[2] for line in service.stderr.read_all()]
        assert said.count('[error] worker_ended how="was ended by SIGKILL"') == 3
        assert set(said[1:]) <= {said[0], "[info] server_ready"}
        assert read_log(folder) == ["opened"] * 4 + ["closed"]


def test_requests_between_workers_are_answered_by_the_next(folder: Path) -> None:
    gate = folder / "gate"
    os.mkfifo(gate)
    with run_until_ready(folder, "HeldBack") as service:
        kill_worker(service)
        service.stdout.wait_for("starting")
        with service.connect(GET % b"/pid") as client:
            gate.write_bytes(b"")
            assert b"HTTP/1.1 200" in client.recv(1000)
        assert service.stop() == 0


def test_a_worker_that_someone_else_stops_is_replaced(folder: Path) -> None:
    with run_until_ready(folder) as service:
        os.kill(int(service.get("/pid")), signal.SIGTERM)
        service.stderr.wait_for('worker_ended how="exited with status 0"')
        service.stderr.wait_for("server_ready")
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
        service.stderr.wait_for("server_ready")
        assert service.get("/slug-length") == "8"
        assert service.stop() == 0
        assert read_log(folder) == ["opened", "closed"] * 2
        assert service.stdout.read_all() == [READY + service.url]


def test_no_request_is_refused_while_the_settings_change(folder: Path, settings: Path) -> None:
    with run_until_ready(folder) as service:
        service.send_signal(signal.SIGHUP)
        while not service.stderr.lines:
            assert service.get("/slug-length") == "7"
        assert "server_ready" in service.stderr.lines[0]
        assert service.stop() == 0


def test_accepted_requests_are_answered_before_the_worker_ends_and_later_ones_by_the_next(
    folder: Path,
) -> None:
    patience = Patience(reading_s=PATIENCE_S, stop_s=2 * PATIENCE_S)
    with run_until_ready(folder, "Ending", patience) as service, service.connect() as silent:
        first = service.get("/pid")
        service.send_signal(signal.SIGHUP)
        service.stdout.wait_for("ending")
        with service.connect(GET % b"/pid") as late:
            silent.sendall(GET % b"/pid")
            assert silent.recv(1000).endswith(first.encode())
            service.stderr.wait_for("server_ready")
            answer = late.recv(1000)
            assert answer.startswith(b"HTTP/1.1 200")
            assert not answer.endswith(first.encode())
        assert service.stop() == 0


def test_faulty_settings_are_not_taken(folder: Path, settings: Path) -> None:
    with run_until_ready(folder) as service:
        pid = service.get("/pid")
        settings.write_text("[links]\nslug_lenght = 8\n", "ascii")
        service.send_signal(signal.SIGHUP)
        said = service.stderr.wait_for("settings_refused")
        assert "slug_lenght" in said
        assert service.get("/pid") == pid
        assert service.stop() == 0


def test_settings_with_which_no_worker_starts_are_reverted(folder: Path, settings: Path) -> None:
    with run_until_ready(folder, "Picky") as service:
        settings.write_text("[links]\nslug_length = 13\n", "ascii")
        service.send_signal(signal.SIGHUP)
        said = service.stderr.wait_for("settings_reverted")
        assert "Thirteen is refused here." in said
        service.stderr.wait_for("server_ready")
        assert service.get("/slug-length") == "7"
        assert service.stop() == 0


def test_another_port_waits_for_a_whole_restart(folder: Path, settings: Path) -> None:
    with run_until_ready(folder) as service:
        port = service.address[1]
    settings.write_text(f"[server]\nport = {port}\n", "ascii")
    with run_until_ready(folder, SHORTY_SERVER__PORT=None) as service:
        settings.write_text("[server]\nport = 1\n[links]\nslug_length = 9", "ascii")
        service.send_signal(signal.SIGHUP)
        service.stderr.wait_for("settings_need_restart")
        service.stderr.wait_for("server_ready")
        assert service.get("/slug-length") == "9"
        assert service.stop() == 0
