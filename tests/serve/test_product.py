"""The whole product as its users run it: `shorty serve`, and the commands beside it."""

import http.client
import json
import os
import shutil
import signal
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.forks import ForkedService
from tests.serve.running import change, make_database
from tests.service import PATIENCE_S, READY, Service

SERVE = ["-m", "shorty", "serve"]
SHIPPED = Path(__file__).parents[2] / "shorty.toml"
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"

# Without the port and the database that tests usually set, what remains are the users' defaults.
NOTHING_SET: dict[str, str | None] = {
    "SHORTY_SERVER__PORT": None,
    "SHORTY_STORAGE__DATABASE": None,
}


class Visitor:
    def __init__(self, service: Service, token: str = "") -> None:
        self._address = service.address
        self._host = f"localhost:{service.address[1]}"
        self._token = token

    def call(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        sent = None if body is None else json.dumps(body)
        status, read = self._ask(method, f"/api/v1{path}", headers, sent)
        return status, json.loads(read or b"null")

    def make_link(self, **fields: Any) -> dict[str, Any]:
        status, made = self.call(
            "POST", "/links", {"url": "https://example.com/", "domain": self._host, **fields}
        )
        assert status == 201, made
        return made["link"]

    def count_clicks(self, link: dict[str, Any]) -> int:
        return self.call("GET", f"/links/{link['id']}")[1]["link"]["clickCount"]

    def sum_clicks(self, link: dict[str, Any]) -> int:
        """From the roll-ups, as analytics show them."""
        return self.call("GET", f"/analytics/summary?linkId={link['id']}")[1]["clicks"]

    def visit(self, slug: str) -> int:
        return self._ask("GET", f"/{slug}", {"Host": self._host, "User-Agent": BROWSER})[0]

    def _ask(
        self, method: str, path: str, headers: dict[str, str], body: str | None = None
    ) -> tuple[int, bytes]:
        client = http.client.HTTPConnection(*self._address, timeout=PATIENCE_S)
        with closing(client):
            client.request(method, path, body, headers)
            answer = client.getresponse()
            return answer.status, answer.read()


def run_command(folder: Path, *command: str, **settings: str | None) -> list[str]:
    with ForkedService(["-m", "shorty", *command], folder, **settings) as service:
        assert service.wait_for_end() == 0, service.stderr.read_all()
        return service.stdout.read_all()


def make_token(folder: Path, **settings: str | None) -> str:
    (token,) = run_command(folder, "token", "create", **settings)
    return token


@pytest.fixture(params=["no configuration", "the shipped one"])
def plain_folder(folder: Path, request: pytest.FixtureRequest) -> Path:
    if request.param == "the shipped one":
        shutil.copy(SHIPPED, folder)
    return folder


def test_it_serves_with_the_built_in_settings_and_with_the_shipped_ones(plain_folder: Path) -> None:
    with Service([*SERVE, "--port", "0"], plain_folder, **NOTHING_SET).wait_until_ready() as it:
        assert it.url.startswith("http://127.0.0.1:")
        visitor = Visitor(it, make_token(plain_folder, **NOTHING_SET))
        link = visitor.make_link()
        assert visitor.visit(link["shortCode"]) == 302
        assert (plain_folder / "data" / "shorty.db").exists()
        it.send_signal_to_all(signal.SIGINT)
        assert it.wait_for_end() == 0
        ready, setup_path = it.stdout.read_all()
        assert ready == READY + it.url
        assert setup_path.startswith(f"Create your account at {it.url}/app/welcome?key=")


def test_variables_override_settings(folder: Path) -> None:
    shutil.copy(SHIPPED, folder)
    token = make_database(folder)
    variables = {"SHORTY_LINKS__SLUG_LENGTH": "9", "SHORTY_SERVER__HOST": "::1"}
    with ForkedService(SERVE, folder, **variables).wait_until_ready() as service:
        assert service.url.startswith("http://[::1]:")
        visitor = Visitor(service, token)
        assert len(visitor.make_link()["shortCode"]) == 9


def test_a_token_counts_from_the_moment_that_a_command_makes_it_to_its_end(folder: Path) -> None:
    with ForkedService(SERVE, folder).wait_until_ready() as service:
        token = make_token(folder)
        visitor = Visitor(service, token)
        assert visitor.call("GET", "/links")[0] == 200
        number = visitor.call("GET", "/tokens")[1]["tokens"][0]["id"]
        run_command(folder, "token", "revoke", number)
        assert visitor.call("GET", "/links")[0] == 401


def test_a_token_can_be_created_before_the_server_starts(folder: Path) -> None:
    token = make_token(folder)
    with ForkedService(SERVE, folder).wait_until_ready() as service:
        assert Visitor(service, token).call("GET", "/links")[0] == 200


def test_no_answered_click_is_lost_or_counted_twice_by_stops_kills_and_crashes(
    folder: Path,
) -> None:
    token = make_database(folder)
    answered = 0
    port = "0"
    link: dict[str, Any] = {}
    for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGKILL):
        with ForkedService(SERVE, folder, SHORTY_SERVER__PORT=port).wait_until_ready() as service:
            port = str(service.address[1])
            visitor = Visitor(service, token)
            link = link or visitor.make_link()
            for _ in range(50):
                answered += visitor.visit(link["shortCode"]) == 302
            service.send_signal_to_all(number)
            service.wait_for_end()
    with ForkedService(SERVE, folder, SHORTY_SERVER__PORT=port).wait_until_ready() as service:
        assert Visitor(service, token).count_clicks(link) == answered == 150


def test_a_limit_survives_crashes(folder: Path) -> None:
    token = make_database(folder)
    with ForkedService(SERVE, folder).wait_until_ready() as service:
        link = Visitor(service, token).make_link(maxClicks=10)
        seen: list[int] = []
        for _ in range(3):
            visitor = Visitor(service)
            seen += [visitor.visit(link["shortCode"]) for _ in range(4)]
            kill_worker(service)
            service.stderr.wait_for("server_ready")
        assert seen == [302] * 10 + [410] * 2
        assert service.stop() == 0


def kill_worker(service: Service) -> None:
    children = Path(f"/proc/{service.process.pid}/task/{service.process.pid}/children")
    if not children.exists():
        pytest.skip("this system does not tell a process's children")
    (worker,) = children.read_text("ascii").split()
    os.kill(int(worker), signal.SIGKILL)


def test_a_newer_database_is_refused_in_one_sentence(folder: Path) -> None:
    make_database(folder)
    change(folder, "insert into schema_migrations values (999, 'from the future', 0)")
    with ForkedService(SERVE, folder) as service:
        assert service.wait_for_end() == 1
        assert service.stdout.read_all() == []
        (sentence,) = service.stderr.read_all()
    assert "newer" in sentence


def test_a_folder_that_cannot_be_written_is_refused_in_one_sentence(folder: Path) -> None:
    (folder / "data").write_text("a file")
    with ForkedService(SERVE, folder, SHORTY_STORAGE__DATABASE="data/shorty.db") as service:
        assert service.wait_for_end() == 1
        (sentence,) = service.stderr.read_all()
    assert "is not writable" in sentence


def test_the_access_log_has_an_event_for_each_request_and_says_nothing_of_the_visitor(
    folder: Path,
) -> None:
    token = make_database(folder)
    settings = {"SHORTY_LOG__ACCESS": "true", "SHORTY_LOG__FORMAT": "json"}
    with ForkedService(SERVE, folder, **settings).wait_until_ready() as service:
        visitor = Visitor(service, token)
        slug = visitor.make_link()["shortCode"]
        assert visitor.visit(f"{slug}?key=secret") == 302
        assert visitor.visit("nothing-here?key=secret") == 404
        assert service.stop() == 0
        lines = service.stderr.read_all()
    events = [json.loads(line) for line in lines]
    requests = [each for each in events if each["event"] == "request"]
    assert [(each["method"], each["path"], each["status"]) for each in requests[-3:]] == [
        ("POST", "/api/v1/links", 201),
        ("GET", f"/{slug}", 302),
        ("GET", "/nothing-here", 404),
    ]
    names = {"timestamp", "level", "event", "method", "host", "path", "status", "ms"}
    assert all(set(each) == names and each["ms"] >= 0 for each in requests)
    assert requests[-1]["host"] == f"localhost:{service.address[1]}"
    assert "secret" not in "".join(lines)


def test_without_an_access_log_requests_are_not_logged(folder: Path) -> None:
    with ForkedService(SERVE, folder).wait_until_ready() as service:
        assert Visitor(service).visit("nothing-here") == 404
        assert service.stop() == 0
        assert service.stderr.read_all() == []
