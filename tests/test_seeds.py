"""The documents' own examples, run as they stand against a real server and followed to their end.

Replaced are only the host that is called, the domain and the token, for which the documents have
placeholders; and the white space that the documents' tables have put before the lines of Python.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from shutil import which
from typing import Any, NamedTuple

import httpx
import pytest

from tests.seeds.texts import EXAMPLES, read_answer, read_examples
from tests.service import PATIENCE_S, Service

CALLED_HOST = re.compile(r"https://[a-z.-]+(?=/api/v1/)")
NODE_MODULES = os.pathsep.join(
    filter(None, (os.environ.get("SHORTY_NODE_MODULES"), os.environ.get("NODE_PATH")))
)
ENVIRONMENT = {**os.environ, "NO_PROXY": "*", "NODE_PATH": NODE_MODULES}
BROWSER = {"user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}
LEADS_TO = (
    "https://example.com/long-url?utm_source=twitter&utm_medium=social&utm_campaign=summer_2024"
)


class Server(NamedTuple):
    url: str
    token: str


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """`shorty serve` on an empty folder, with a domain for each example."""
    hosts = "".join(f'[[domains]]\nhost = "{name}.example"\n' for name in EXAMPLES)
    with tempfile.TemporaryDirectory() as path:
        folder = Path(path)
        (folder / "shorty.toml").write_text(hosts, "utf-8")
        with Service(["-m", "shorty", "serve"], folder) as service:
            service.wait_until_ready()
            yield Server(service.url, make_token(folder))


def make_token(folder: Path) -> str:
    with Service(["-m", "shorty", "token", "create"], folder) as command:
        assert command.wait_for_end() == 0, command.stderr.read_all()
        (token,) = command.stdout.read_all()
    return token


def run(*command: str, folder: Path) -> str:
    done = subprocess.run(
        command,
        cwd=folder,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def write(folder: Path, name: str, code: str) -> str:
    (folder / name).write_text(code, "utf-8")
    return name


def require(program: str, *check: str, what: str = "") -> None:
    found = which(program)
    if not found or (
        check and subprocess.run([found, *check], env=ENVIRONMENT, check=False).returncode
    ):
        pytest.skip(f"{what or program} is not installed")


# Each runs an example and answers what it printed. What a document's example keeps in a variable is
# printed behind it.


def run_curl(code: str, folder: Path) -> str:
    require("curl")
    return run("sh", write(folder, "example.sh", code), folder=folder)


def run_fetch(code: str, folder: Path) -> str:
    require("node", "-e", "fetch", what="a node with fetch")
    return run("node", write(folder, "example.js", code), folder=folder)


def run_axios(code: str, folder: Path) -> str:
    check = "try { require('axios') } catch { process.exit(1) }"
    require("node", "-e", check, what="axios (in NODE_PATH or SHORTY_NODE_MODULES)")
    return run("node", write(folder, "example.cjs", code), folder=folder)


def run_php(code: str, folder: Path) -> str:
    require("php", "-r", "exit(extension_loaded('curl') ? 0 : 1);", what="php with curl")
    example = write(folder, "example.php", f"<?php\n{code}\necho $response;")
    return run("php", example, folder=folder)


def run_python(code: str, folder: Path) -> str:
    lines = "\n".join(line.strip() for line in code.splitlines())
    example = write(folder, "example.py", f"{lines}\nprint(json.dumps(data))\n")
    return run(sys.executable, example, folder=folder)


RUN: dict[str, Callable[[str, Path], str]] = {
    "curl": run_curl,
    "fetch": run_fetch,
    "axios": run_axios,
    "php": run_php,
    "python": run_python,
}
PRINTS_JSON = {"curl", "php", "python"}


def fill_in(code: str, server: Server, domain: str) -> str:
    code, hosts = CALLED_HOST.subn(server.url, code)
    assert (hosts, code.count("YOUR_ACCESS_TOKEN"), code.count("custom.domain")) == (1, 1, 1)
    return code.replace("YOUR_ACCESS_TOKEN", server.token).replace("custom.domain", domain)


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_of_the_short_link_api_makes_its_link(
    server: Server, tmp_path: Path, name: str
) -> None:
    domain = f"{name}.example"
    printed = RUN[name](fill_in(read_examples()[name], server, domain), tmp_path)
    assert "Short Link Created Successfully." in printed
    if name in PRINTS_JSON:
        check_answer(json.loads(printed), domain)
    visit_with_password(server, domain)


def check_answer(answer: dict[str, Any], domain: str) -> None:
    assert answer["success"] is True
    data = answer["data"]
    assert list(data) == list(read_answer()["data"])
    told = {
        "destinationUrl": "https://example.com/long-url",
        "brandedDomain": domain,
        "slashTag": "my-custom-slug",
        "utm_source": "twitter",
        "utm_medium": "social",
        "utm_campaign": "summer_2024",
        "color": "#000000",
        "bgColor": "#ffffff",
        "pattern": "classy",
        "corner": "square",
        "type": "shortlink",
        "password": None,
        "passwordProtectionEnabled": True,
        "expirationDate": None,
    }
    assert {key: data[key] for key in told} == told


def visit_with_password(server: Server, domain: str) -> None:
    """The example's link asks for the example's password, and then leads on."""
    with httpx.Client(base_url=server.url, headers={**BROWSER, "host": domain}) as visitor:
        asked = visitor.get("/my-custom-slug")
        assert asked.status_code == 200
        assert 'name="password"' in asked.text
        assert visitor.post("/my-custom-slug", data={"password": "wrong"}).status_code == 401
        opened = visitor.post("/my-custom-slug", data={"password": "optional_password"})
        assert opened.status_code == 303
        answer = visitor.get("/my-custom-slug", headers={"cookie": opened.headers["set-cookie"]})
        assert (answer.status_code, answer.headers["location"]) == (302, LEADS_TO)
