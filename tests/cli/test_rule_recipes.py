"""The recipes of the manual's page on rules do what the page says, for a real server's visitors."""

import json
import re
import shlex
from collections.abc import Generator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

import httpx
import pytest

from tests.cli.shell import ShellBeside
from tests.dated_app import COMMAND, set_moment
from tests.forks import ForkedService
from tests.serve.running import make_database

PAGE: Final = Path("shorty/manual/rules.md").read_text()
SHOP: Final = "https://example.com/shop"
PLAIN: Final = datetime(2026, 12, 1, 12, tzinfo=UTC)

DEVICES: Final = {
    "an iPhone": (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
        "Gecko) Version/18.0 Mobile/15E148 Safari/604.1"
    ),
    "an Android phone": (
        "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/140.0.0.0 Mobile Safari/537.36"
    ),
    "an iPad as a Mac": (
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
        "Version/18.0 Safari/605.1.15"
    ),
    "a computer": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
}
ADDRESSES: Final = {
    "Germany": "85.214.132.117",
    "Austria": "80.110.0.1",
    "France": "80.10.0.1",
    "an unknown country": "10.0.0.1",
}
CODES: Final = {"Germany": "DE", "Austria": "AT", "France": "FR"}
CODE: Final = re.compile(r"`([^`]+)`")


class Visit(NamedTuple):
    """A line of a recipe's table."""

    cells: dict[str, str]

    @property
    def at(self) -> datetime:
        if "at" in self.cells:
            return datetime.fromisoformat(self.cells["at"]).replace(tzinfo=UTC)
        local = self.cells.get("at (in Berlin)")
        if local is None:
            return PLAIN
        day, _, time = local.partition(" ")
        at = datetime.fromisoformat(time).replace(tzinfo=ZoneInfo("Europe/Berlin"))
        assert f"{at:%A}" == day
        return at

    @property
    def path(self) -> str:
        return read_code(self.cells.get("short link", "`/sale`"))

    @property
    def headers(self) -> dict[str, str]:
        headers = {
            "User-Agent": DEVICES[self.cells.get("on", "a computer")],
            "X-Forwarded-For": ADDRESSES[self.cells.get("in", "an unknown country")],
        }
        if "Accept-Language" in self.cells:
            headers["Accept-Language"] = read_code(self.cells["Accept-Language"])
        return headers

    def describe(self) -> dict[str, str | None]:
        """As rules are tried for it."""
        return {
            "userAgent": self.headers["User-Agent"],
            "country": CODES.get(self.cells.get("in", "")),
            "language": self.headers.get("Accept-Language"),
            "query": self.path.partition("?")[2] or "?",
            "at": self.at.isoformat(),
        }

    @property
    def leads_to(self) -> set[str]:
        """Destinations, or a status."""
        said = self.cells["leads to"]
        return set(CODE.findall(said)) or {said}


class Step(NamedTuple):
    """A body that is sent, and what visitors get then."""

    body: dict[str, Any]
    visits: list[Visit]

    def is_open(self, visit: Visit) -> bool:
        """Rules are asked while the link is valid."""
        start, end = self.body.get("validSince"), self.body.get("expiresAt")
        has_begun = start is None or datetime.fromisoformat(start) <= visit.at
        return has_begun and (end is None or visit.at < datetime.fromisoformat(end))


def read_code(cell: str) -> str:
    (code,) = CODE.findall(cell)
    return code


def read_recipes() -> Iterator[tuple[str, list[Step]]]:
    part = PAGE.partition("## Recipes\n")[2].partition("\n## ")[0]
    for recipe in re.split(r"^### ", part, flags=re.MULTILINE)[1:]:
        title, _, text = recipe.partition("\n")
        found = re.findall(
            r"^```json\n(.*?)^```\n(.*?)(?=^```json|\Z)", text, re.DOTALL | re.MULTILINE
        )
        yield title, [Step(json.loads(body), list(read_visits(below))) for body, below in found]


def read_visits(text: str) -> Iterator[Visit]:
    lines = [line for line in text.splitlines() if line.startswith("|")]
    heading, _, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    for row in rows:
        yield Visit(dict(zip(heading, row, strict=True)))


RECIPES: Final = dict(read_recipes())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("recipes")
    set_moment(folder, to_ms(PLAIN))
    return folder


class Caller(NamedTuple):
    client: httpx.Client
    folder: Path

    @property
    def host(self) -> str:
        return f"localhost:{self.client.base_url.port}"

    def make_link(self) -> dict[str, Any]:
        body = {"url": SHOP, "domain": self.host, "customSlug": "sale"}
        return self.ask("POST", "/links", body)["link"]

    def ask(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        self.move_to(PLAIN)
        answer = self.client.request(method, f"/api/v1{path}", json=body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else {}

    def move_to(self, at: datetime) -> None:
        set_moment(self.folder, to_ms(at))

    def visit(self, visit: Visit, **headers: str) -> httpx.Response:
        self.move_to(visit.at)
        return httpx.get(
            str(self.client.base_url.join(visit.path)),
            headers={"Host": self.host, **visit.headers, **headers},
            trust_env=False,
        )


@pytest.fixture(scope="module")
def caller(folder: Path) -> Generator[Caller]:
    token = make_database(folder)
    settings = {"SHORTY_SERVER__TRUSTED_PROXIES": '["127.0.0.1"]'}
    with ForkedService(COMMAND, folder, **settings) as service:
        url = service.wait_until_ready().url
        headers = {"Authorization": f"Bearer {token}"}
        with httpx.Client(base_url=url, headers=headers, trust_env=False) as client:
            yield Caller(client, folder)


@pytest.fixture
def link(caller: Caller) -> Generator[dict[str, Any]]:
    link = caller.make_link()
    yield link
    caller.ask("DELETE", f"/links/{link['id']}")


def to_ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def find_place(answer: httpx.Response) -> str:
    return answer.headers.get("location", str(answer.status_code))


def test_the_manual_has_six_recipes() -> None:
    assert [title[0] for title in RECIPES] == ["1", "2", "3", "4", "5", "6"]
    for steps in RECIPES.values():
        assert all(step.visits for step in steps)


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_leads_its_visitors_where_the_manual_says(
    caller: Caller, link: dict[str, Any], recipe: str
) -> None:
    for step in RECIPES[recipe]:
        caller.ask("PATCH", f"/links/{link['id']}", step.body)
        for visit in step.visits:
            answer = caller.visit(visit)
            assert find_place(answer) in visit.leads_to, visit.cells


@pytest.mark.parametrize("recipe", RECIPES)
def test_trying_the_rules_of_a_recipe_says_the_same(
    caller: Caller, link: dict[str, Any], recipe: str
) -> None:
    for step in RECIPES[recipe]:
        caller.ask("PATCH", f"/links/{link['id']}", step.body)
        for visit in filter(step.is_open, step.visits):
            tried = caller.ask("POST", f"/links/{link['id']}/try-rules", visit.describe())
            assert tried["url"] in visit.leads_to, (visit.cells, tried["steps"])


def test_a_visitor_who_comes_back_gets_the_same_page(caller: Caller, link: dict[str, Any]) -> None:
    (first, _) = RECIPES["5. Which of two pages works better"]
    caller.ask("PATCH", f"/links/{link['id']}", first.body)
    (running, ended) = first.visits
    seen: dict[str, str] = {}
    for _ in range(200):  # one of the two stays away once in 10 ** 44 runs
        answer = caller.visit(running)
        seen[find_place(answer)] = answer.headers["set-cookie"].partition(";")[0]
        if len(seen) == len(running.leads_to):
            break
    assert seen.keys() == running.leads_to
    for place, cookie in seen.items():
        answers = [caller.visit(running, Cookie=cookie) for _ in range(8)]
        assert {find_place(answer) for answer in answers} == {place}
        assert {find_place(caller.visit(ended, Cookie=cookie))} == ended.leads_to


@pytest.mark.parametrize("header", ["Sec-GPC", "DNT"])
def test_who_asks_not_to_be_tracked_gets_no_cookie(
    caller: Caller, link: dict[str, Any], header: str
) -> None:
    (first, _) = RECIPES["5. Which of two pages works better"]
    caller.ask("PATCH", f"/links/{link['id']}", first.body)
    answer = caller.visit(first.visits[0], **{header: "1"})
    assert find_place(answer) in first.visits[0].leads_to
    assert "set-cookie" not in answer.headers


def test_the_winner_keeps_the_rule(caller: Caller, link: dict[str, Any]) -> None:
    bodies = [step.body for step in RECIPES["5. Which of two pages works better"]]
    answers = [caller.ask("PATCH", f"/links/{link['id']}", body) for body in bodies]
    ids = [rule["id"] for answer in answers for rule in answer["link"]["rules"]]
    assert ids == ["landing", "landing"]


def test_the_last_recipe_can_be_typed_in_a_shell(
    caller: Caller, link: dict[str, Any], folder: Path, shell_beside: ShellBeside
) -> None:
    (step,) = RECIPES["6. A campaign from its start to its archive"]
    expected = caller.ask("PATCH", f"/links/{link['id']}", step.body)["link"]
    cleared = dict.fromkeys(step.body)
    caller.ask("PATCH", f"/links/{link['id']}", cleared)
    Path("rules.json").write_text(json.dumps(step.body["rules"]))
    part = PAGE.partition("### 6. ")[2]
    (typed,) = re.findall(
        r"^```sh\n(.*?)^```$", part.partition("\n## ")[0], re.DOTALL | re.MULTILINE
    )
    told = shell_beside(folder)(*shlex.split(typed.replace("\\\n", ""))[1:])
    assert told.code == 0, told.err
    found = caller.ask("GET", f"/links/{link['id']}")["link"]
    for name in step.body:
        assert without_ids(found[name]) == without_ids(expected[name])


def without_ids(value: str | list[dict[str, Any]]) -> object:
    """Each rule got one of its own."""
    return value if isinstance(value, str) else [rule | {"id": ""} for rule in value]
