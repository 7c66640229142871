"""Commands while the server runs: it notices their changes, and tokens at once."""

import time
from collections.abc import Callable, Generator

import httpx
import pytest

from tests.cli.shell import ShellBeside
from tests.copies import find_databases
from tests.forks import ForkedService
from tests.service import Service

A_SECOND = 1.0
SCHEDULING_S = 20.0  # the delay that a loaded machine may add


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[Service]:
    folder = tmp_path_factory.mktemp("server")
    with ForkedService(["-m", "shorty", "serve"], folder) as service:
        yield service.wait_until_ready()


Run = Callable[..., str]


@pytest.fixture
def run(server: Service, shell_beside: ShellBeside) -> Run:
    """In this process, which is not the server's either."""
    shell = shell_beside(server.folder)

    def run(*words: str) -> str:
        told = shell(*words)
        assert told.code == 0, told.err
        return told.out.rstrip("\n")

    return run


def visit(server: Service, path: str, host: str) -> httpx.Response:
    return httpx.get(f"{server.url}{path}", headers={"host": host}, trust_env=False)


def wait_for_location(server: Service, path: str, host: str, location: str | None) -> None:
    deadline = time.monotonic() + A_SECOND + SCHEDULING_S
    while (seen := visit(server, path, host).headers.get("location")) != location:
        assert time.monotonic() < deadline, f"{path} still leads to {seen}"


def call_api(server: Service, token: str) -> int:
    headers = {"authorization": f"Bearer {token}"}
    url = f"{server.url}/api/v1/tags"
    return httpx.get(url, headers=headers, trust_env=False).status_code


def test_a_token_works_and_stops_at_once(server: Service, run: Run) -> None:
    token = run("token", "create")
    assert call_api(server, token) == 200
    run("token", "revoke", run("token", "list").split("\n")[-1].split()[0])
    assert call_api(server, token) == 401


def test_a_link_from_the_shell_is_served_and_changed(server: Service, run: Run) -> None:
    url = run("link", "add", "https://example.com/", "--slug", "sale")
    assert url == f"http://localhost:{server.address[1]}/sale"
    host = url.removeprefix("http://").removesuffix("/sale")
    wait_for_location(server, "/sale", host, "https://example.com/")
    run("link", "edit", "sale", "--url", "https://example.org/")
    wait_for_location(server, "/sale", host, "https://example.org/")
    run("link", "delete", "sale")
    wait_for_location(server, "/sale", host, None)


def test_a_domain_from_the_shell_is_served(server: Service, run: Run) -> None:
    run("domain", "add", "go.example", "--root-redirect", "https://example.com/home")
    wait_for_location(server, "/", "go.example", "https://example.com/home")
    run("domain", "remove", "go.example")
    wait_for_location(server, "/", "go.example", None)


def test_check_finds_the_server(server: Service) -> None:
    host, port = server.address
    words = ["-m", "shorty", "check"]
    with ForkedService(words, server.folder, SHORTY_SERVER__PORT=str(port)) as command:
        # The tests' cluster of PostgreSQL would not survive a power cut, which is an error.
        assert command.wait_for_end() == (1 if find_databases() else 0)
        lines = command.stdout.read_all()
    assert f"ok     Port: {port} on {host} is in use by a running server." in lines
