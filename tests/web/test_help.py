"""The manual in the dashboard: every page, its links and pictures, and the search."""

import re
from html import unescape
from pathlib import Path
from urllib.parse import quote

import pytest
from markupsafe import Markup

import shorty
from shorty.web.app import PAGES
from shorty.web.guard import find_rule
from shorty.web.help_pages import MOST_HITS, find_hits, write_excerpt
from shorty.web.help_places import OVERVIEW, PARTS, find_help
from shorty.web.manual import CHAPTERS, HELP, Chapter, Section, list_chapters, read_chapter
from tests.web.browser import Browser, read_text

MANUAL = Path(shorty.__path__[0]) / "manual"
# For those who change shorty.
LEFT_OUT = {"README", "development"}
# Pages that are opened before anybody is signed in, and the help itself.
WITHOUT_A_PART = {"/app/help"}


def list_anchors(chapter: Chapter) -> set[str]:
    return set(re.findall(r' id="([^"]+)"', chapter.html))


def test_every_page_of_the_manual_is_in_the_contents_once() -> None:
    assert sorted([*CHAPTERS, *LEFT_OUT]) == sorted(file.stem for file in MANUAL.glob("*.md"))


@pytest.mark.parametrize("name", CHAPTERS)
async def test_a_page_is_shown_with_its_headings_and_links(owner: Browser, name: str) -> None:
    answer = await owner.open(f"{HELP}/{name}")
    assert answer.status_code == 200
    page = answer.text
    source = (MANUAL / f"{name}.md").read_text()
    assert f"<h1>{source.partition(chr(10))[0][2:]}</h1>" in page
    assert page.count("<h1") == 1
    main = page.partition("<article")[2].partition("</article>")[0]
    assert len(re.findall("<h[23] id=", main)) == len(
        re.findall(r"^##+ .", re.sub("```.*?```", "", source, flags=re.DOTALL), re.MULTILINE)
    )
    assert " style=" not in main
    assert page.count("<table>") == source.count("\n|---") + source.count("\n| ---")
    for href in re.findall(r'<a href="([^"]*)"', main):
        await check_link(owner, name, unescape(href))
    for src in re.findall(r'<img src="([^"]*)"', main):
        picture = await owner.open(src)
        assert picture.status_code == 200, src
        assert picture.headers["content-type"].startswith("image/")


async def check_link(owner: Browser, name: str, href: str) -> None:
    path, _, anchor = href.partition("#")
    assert ".md" not in path, href
    if path.startswith(f"{HELP}/") or not path:
        chapter = path.removeprefix(f"{HELP}/") or name
        assert chapter in CHAPTERS, href
        assert not anchor or anchor in list_anchors(read_chapter(chapter)), href
    elif path.startswith("/"):
        assert (await owner.open(path)).status_code == 200, href
    else:
        assert path.startswith("https://"), href


def test_links_to_what_is_left_out_are_plain_text() -> None:
    assert "decisions/" in (MANUAL / "visiting.md").read_text()
    assert "decisions/" not in read_chapter("visiting").html


async def test_nothing_but_the_manual_is_shown(owner: Browser) -> None:
    for path in (
        "development",
        "README",
        "..%2f__init__.py",
        "dashboard.md",
        "pictures/..%2fREADME.md",
        "pictures/missing.png",
        "pictures/%2e%2e%2fapi.md",
        "decisions/2026-11-23-roll-ups",
    ):
        assert (await owner.open(f"{HELP}/{path}")).status_code == 404, path


async def test_the_contents_name_every_page(viewer: Browser) -> None:
    page = (await viewer.open(HELP)).text
    assert [name for name in CHAPTERS if f'href="{HELP}/{name}"' not in page] == []


async def test_a_search_finds_sections_and_marks_the_words(owner: Browser) -> None:
    page = (await owner.open(f"{HELP}?q=Recovery+CODES")).text
    assert f'href="{HELP}/accounts#second-factor"' in page
    assert "<mark>recovery</mark> <mark>codes</mark>" in page
    nothing = read_text((await owner.open(f"{HELP}?q=recovery+zeppelin")).text)
    assert "Nothing in the manual has all of “recovery zeppelin”." in nothing


@pytest.mark.parametrize(
    "typed", ["<script>alert(1)</script>", "\0", "a" * 5000, "e " * 200, "((", "İ", "   "]
)
async def test_whatever_is_searched_for_is_answered(owner: Browser, typed: str) -> None:
    answer = await owner.open(f"{HELP}?q={quote(typed)}")
    assert answer.status_code == 200
    assert "<script>alert" not in answer.text
    assert answer.text.count("<mark>") < 20 * 250


async def test_the_dashboards_search_finds_the_manual_too(owner: Browser) -> None:
    page = (await owner.open("/app/search?q=recovery+codes")).text
    assert f'href="{HELP}/accounts#second-factor"' in page


def make_chapter(*sections: tuple[str, str]) -> Chapter:
    return Chapter(
        name="tea",
        title="Tea",
        html=Markup(),
        sections=tuple(
            Section(anchor=title.lower(), title=title, level=2, text=text)
            for title, text in sections
        ),
    )


def test_sections_with_the_word_in_their_heading_come_first() -> None:
    chapter = make_chapter(("Pots", "milk " * 15), ("Milk", "white"), ("Cups", "none"))
    assert [hit.place for hit in find_hits([chapter], "MILK", 5)] == [
        f"{HELP}/tea#milk",
        f"{HELP}/tea#pots",
    ]
    assert [hit.title for hit in find_hits([chapter], "milk white", 5)] == ["Milk"]
    assert [hit.title for hit in find_hits([chapter], "milk", 1)] == ["Milk"]


def test_no_more_than_the_best_are_listed() -> None:
    assert len(find_hits(list_chapters(), "the", MOST_HITS)) == MOST_HITS


@pytest.mark.parametrize(
    ("text", "words", "excerpt"),
    [
        ("Pour <milk> in.", ["milk"], "Pour &lt;<mark>milk</mark>&gt; in."),
        ("Milk and mil.", ["milk", "mil"], "<mark>Milk</mark> and <mark>mil</mark>."),
        ("Nothing here.", ["milk"], "Nothing here."),
        ("x " * 50 + "milk", ["milk"], "… " + "x " * 30 + "<mark>milk</mark>"),
        ("milk " + "y" * 300, ["milk"], "<mark>milk</mark> " + "y" * 195 + " …"),
    ],
)
def test_an_excerpt_is_around_the_first_word(text: str, words: list[str], excerpt: str) -> None:
    assert write_excerpt(text, words) == excerpt


def list_places() -> list[str]:
    """The path of every page that needs a session."""
    paths = [
        f"/app{path}".rstrip("/")
        for handler in PAGES
        if "GET" in handler.http_methods and find_rule(handler).needs is not None
        for path in handler.paths
    ]
    return [re.sub(r"\{\w+:str\}", "7", path) for path in sorted(paths)]


@pytest.mark.parametrize("path", list_places())
def test_every_page_has_a_part_of_the_manual(path: str) -> None:
    is_help = any(path == each or path.startswith(f"{each}/") for each in WITHOUT_A_PART)
    others = {"/app/qr-logos/7"}
    assert (find_help(path) == HELP) == (is_help or path in others)


@pytest.mark.parametrize("part", [*PARTS.values(), OVERVIEW])
def test_every_part_exists(part: str) -> None:
    name, _, anchor = part.partition("#")
    assert name in CHAPTERS
    assert not anchor or anchor in list_anchors(read_chapter(name))


async def test_a_page_leads_to_its_part(owner: Browser) -> None:
    page = (await owner.open("/app/tags")).text
    assert page.count(f'href="{HELP}/dashboard#tags"') == 2  # beside the heading, and on a phone
    assert find_help("/app/links/7/edit") == f"{HELP}/dashboard#links"
    assert find_help("/app/links/7/clicks") == f"{HELP}/dashboard#analytics"
    assert find_help("/app/linksmith") == HELP
