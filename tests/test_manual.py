"""The manual names every log event, and its links to files, pages and headings work."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from shorty.clicks.user_agent import is_bot

ROOT = Path(__file__).parents[1]
MANUAL = ROOT / "shorty" / "manual"
PAGES = sorted(MANUAL.rglob("*.md"))
LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}


def list_events(module: Path) -> Iterator[str]:
    """Logged events, which are names with underscores, not sentences."""
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Call) and node.args and is_log(node.func):
            for part in ast.walk(node.args[0]):
                if isinstance(part, ast.Constant) and re.fullmatch(
                    "[a-z]+(?:_[a-z]+)+", str(part.value)
                ):
                    yield str(part.value)


def is_log(called: ast.expr) -> bool:
    if isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name):
        return called.value.id == "log" and called.attr in LEVELS
    return isinstance(called, ast.Name) and called.id == "note"  # if the level was chosen before


def test_every_event_of_the_log_is_explained_and_no_other() -> None:
    logged = {event for module in (ROOT / "shorty").rglob("*.py") for event in list_events(module)}
    section = (
        (MANUAL / "operating.md").read_text().partition("### The log\n")[2].partition("\n#")[0]
    )
    rows = re.findall(r"^\| (`.*?`) \|", section, re.MULTILINE)
    assert {event for row in rows for event in re.findall("`(.*?)`", row)} == logged


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
