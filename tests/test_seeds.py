"""Runs the documents' own examples against a real server, unchanged, and follows them to the end.

Only the host, the domain and the token are replaced, for which the documents have placeholders, and
the white space that the documents' tables put before lines of Python.
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

from tests.forks import ForkedService
from tests.seeds.texts import EXAMPLES, list_link_fields, read_answer, read_examples
from tests.service import PATIENCE_S

CALLED_HOST = re.compile(r"https://[a-z.-]+(?=/api/v1/)")
ENVIRONMENT = {**os.environ, "NO_PROXY": "*"}
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
BOT = "Googlebot/2.1 (+http://www.google.com/bot.html)"
LEADS_TO = (
    "https://example.com/long-url?utm_source=twitter&utm_medium=social&utm_campaign=summer_2024"
)


class Server(NamedTuple):
    url: str
    token: str


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """`shorty serve` on an empty folder, with a domain for each example."""
    hosts = ("go.mycompany.com", *(f"{name}.example" for name in EXAMPLES))
    domains = "".join(f'[[domains]]\nhost = "{host}"\n' for host in hosts)
    with tempfile.TemporaryDirectory() as path:
        folder = Path(path)
        (folder / "shorty.toml").write_text(domains, "utf-8")
        with ForkedService(["-m", "shorty", "serve"], folder) as service:
            service.wait_until_ready()
            yield Server(service.url, make_token(folder))


def make_token(folder: Path) -> str:
    with ForkedService(["-m", "shorty", "token", "create"], folder) as command:
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


# Each function runs an example and returns what it printed. If an example stores its result in a
# variable, the function prints that afterwards.


def run_curl(code: str, folder: Path) -> str:
    require("curl")
    return run("sh", write(folder, "example.sh", code), folder=folder)


def run_fetch(code: str, folder: Path) -> str:
    require("node", "-e", "fetch", what="a node with fetch")
    return run("node", write(folder, "example.js", code), folder=folder)


def run_axios(code: str, folder: Path) -> str:
    check = "try { require('axios') } catch { process.exit(1) }"
    require("node", "-e", check, what="axios (in NODE_PATH)")
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
    """The example's link asks for the example's password, and then redirects."""
    with open_visitor(server, domain) as visitor:
        asked = visitor.get("/my-custom-slug")
        assert asked.status_code == 200
        assert 'name="password"' in asked.text
        assert visitor.post("/my-custom-slug", data={"password": "wrong"}).status_code == 401
        cookie = enter_password(visitor, "/my-custom-slug", "optional_password")
        answer = visitor.get("/my-custom-slug", headers={"cookie": cookie})
        assert (answer.status_code, answer.headers["location"]) == (302, LEADS_TO)


def open_visitor(server: Server, domain: str) -> httpx.Client:
    return httpx.Client(base_url=server.url, headers={"user-agent": BROWSER, "host": domain})


def enter_password(visitor: httpx.Client, path: str, password: str) -> str:
    opened = visitor.post(path, data={"password": password})
    assert opened.status_code == 303
    return opened.headers["set-cookie"].partition(";")[0]


# The links API's document has no example, but names every field and its content.


def test_the_links_api_takes_every_field_of_its_document(server: Server, tmp_path: Path) -> None:
    require("curl")
    tag = call(server, tmp_path, "tags", {"name": "autumn"})["tag"]
    wanted = {
        "url": "https://example.com/long-url",
        "domain": "go.mycompany.com",
        "customSlug": "my-campaign",
        "title": "My campaign",
        "description": "All of it",
        "image": "https://example.com/image.png",
        "redirectType": "PERMANENT_301",
        "linkType": "URL",
        "cloaked": False,
        "password": "optional_password",
        "expiresAt": "2099-12-31T23:59:59.000Z",
        "maxClicks": 5,
        "tagIds": [tag["id"]],
        "forwardParameters": True,
        "blockBots": True,
        "utmSource": "twitter",
        "utmMedium": "social",
        "utmCampaign": "summer_2024",
        "utmTerm": "link",
        "utmContent": "top",
        "metaPixelId": "1234567890123456",
        "googleTagId": "G-ABC123DEF4",
        "webhookUrls": "https://hooks.example/one,https://hooks.example/two",
    }
    assert sorted(wanted) == sorted(list_link_fields())
    link = call(server, tmp_path, "links", wanted)["link"]
    told_otherwise = {"url", "customSlug", "password", "tagIds"}
    assert {name: link[name] for name in wanted if name not in told_otherwise} == {
        name: value for name, value in wanted.items() if name not in told_otherwise
    }
    assert (link["originalUrl"], link["shortCode"]) == (wanted["url"], "my-campaign")
    assert (link["password"], link["hasPassword"]) == (None, True)
    assert link["tags"] == [{"tag": tag}]
    visit_campaign(server)


def call(server: Server, folder: Path, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """As in the document: POST, a Bearer token, a body of application/json; the answer is 201."""
    printed = run(
        *("curl", "--silent", "--write-out", "\n%{http_code}", "-X", "POST"),
        *(f"{server.url}/api/v1/{path}", "-H", f"Authorization: Bearer {server.token}"),
        *("-H", "Content-Type: application/json", "-d", json.dumps(body)),
        folder=folder,
    )
    answer, _, status = printed.rpartition("\n")
    assert status == "201", answer
    return json.loads(answer)


def visit_campaign(server: Server) -> None:
    with open_visitor(server, "go.mycompany.com") as visitor:
        assert visitor.get("/my-campaign", headers={"user-agent": BOT}).status_code == 403
        cookie = enter_password(visitor, "/my-campaign", "optional_password")
        pixels = visitor.get("/my-campaign", headers={"cookie": cookie})
        assert pixels.status_code == 200
        assert "1234567890123456" in pixels.text
        assert "G-ABC123DEF4" in pixels.text
        private = {"cookie": cookie, "dnt": "1"}
        answer = visitor.get("/my-campaign?ref=mail", headers=private)
        location = f"{LEADS_TO}&utm_term=link&utm_content=top&ref=mail"
        assert (answer.status_code, answer.headers["location"]) == (301, location)
        again = [visitor.get("/my-campaign", headers=private).status_code for _ in range(4)]
        assert again == [301, 301, 301, 410]
