"""The manual names every log event, and its links to files, pages and headings work."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from shorty.clicks.user_agent import is_bot
from shorty.log_lines import write_console

ROOT = Path(__file__).parents[1]
MANUAL = ROOT / "shorty" / "manual"
PAGES = sorted(MANUAL.rglob("*.md"))
EVENT = re.compile("request|[a-z]+(?:_[a-z]+)+")
NOT_VALUES = {"exc_info"}
LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}


Events = dict[str, set[str]]


def list_events(module: Path) -> Iterator[tuple[str, set[str]]]:
    """Events that a module logs, each with the names of its values."""
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Call) and (position := find_position(node.func)) is not None:
            values = {each.arg for each in node.keywords if each.arg} - NOT_VALUES
            for part in ast.walk(node.args[position]):
                if isinstance(part, ast.Constant) and EVENT.fullmatch(str(part.value)):
                    yield str(part.value), values


def find_position(called: ast.expr) -> int | None:
    """Where a call that logs has the event among its arguments; None for other calls."""
    if isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name):
        owner = called.value.id
        if owner == "log" and called.attr in LEVELS:
            return 0
        return {"_log_event": 1, "_warn": 0}.get(called.attr) if owner == "self" else None
    if not isinstance(called, ast.Name):
        return None
    return {"note": 0, "log_committed": 1}.get(called.id)  # `note`: its level was chosen before


def read_table() -> Iterator[tuple[str, set[str]]]:
    """Events and their values as the manual lists them."""
    page = (MANUAL / "operating.md").read_text()
    section = page.partition("### The log\n")[2].partition("\n#")[0]
    for events, values in re.findall(r"^\| (`.*?`) \|(.*?)\|", section, re.MULTILINE):
        for event in re.findall("`(.*?)`", events):
            yield event, set(re.findall("`(.*?)`", values))


def test_every_event_of_the_log_is_in_the_manual_with_its_values_and_no_other() -> None:
    logged: Events = {}
    for module in (ROOT / "shorty").rglob("*.py"):
        for event, values in list_events(module):
            logged[event] = logged.get(event, set()) | values
    listed = dict(read_table())
    assert listed.keys() == logged.keys()
    assert listed == logged


def test_the_filter_for_fail2ban_finds_refusals_alone() -> None:
    page = (MANUAL / "operating.md").read_text()
    (written,) = re.findall("^failregex = (.*)$", page, re.MULTILINE)
    pattern = re.compile(written.replace("<HOST>", r"(?P<host>[\w.:]+)"))
    head = {"timestamp": "2026-11-30T12:00:00.000Z", "level": "warning"}
    typed = "a sign_in_refused ip=192.0.2.9 account="
    for event, ip in (("sign_in_refused", "192.0.2.7"), ("sign_in_limited", "2001:db8::7")):
        found = pattern.search(write_console(head | {"event": event, "ip": ip, "account": typed}))
        assert found is not None
        assert found["host"] == ip
    assert not pattern.search(write_console(head | {"event": "mail_not_sent", "reason": typed}))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_file_that_a_page_names_is_there(page: Path) -> None:
    text = page.read_text()
    for named in re.findall(r"`((?:tests|shorty)/[\w/]+(?:\.\w+)?)`", text):
        assert (ROOT / named).exists(), named
    for link in re.findall(r"\]\(([^/)#:][^)#:]*)[)#]", text):
        assert (page.parent / link).exists(), link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_heading_that_a_page_links_to_is_there(page: Path) -> None:
    for name, heading in re.findall(r"\]\(((?!/)[^)#:]*)#([\w-]+)\)", page.read_text()):
        other = page.parent / name if name else page
        assert heading in list_headings(other), f"{name}#{heading}"


def list_headings(page: Path) -> set[str]:
    """The anchors that GitHub and most renderers derive from headings."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title).strip().lower().replace(" ", "-") for title in titles}


def test_the_first_visit_that_is_shown_is_a_persons() -> None:
    """A plain `curl` is a bot: whoever followed the README would read that nobody came."""
    shown = [ROOT / "README.md", *sorted((ROOT / "shorty/web/templates").glob("*.html"))]
    visits = [
        visit
        for page in shown
        for visit in re.findall(r"curl -i(?: -A (?:'([^']*)'|\"([^\"]*)\"))?", page.read_text())
    ]
    assert len(visits) >= 3
    assert [visit for visit in visits if is_bot("".join(visit))] == []
