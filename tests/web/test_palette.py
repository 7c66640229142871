"""The search over pages, actions and links."""

import re
from urllib.parse import quote

import pytest

from shorty.web.navigation import SECTIONS
from shorty.web.palette import ACTIONS, MOST_LINKS, OTHER_NAMES, Result, is_fitting
from tests.api.house import House
from tests.web.browser import Browser, read_text

PLACE = "/app/search"
FRAGMENT = {"X-Shorty-Fragment": "1"}


async def list_options(browser: Browser, typed: str) -> list[tuple[str, str]]:
    """The path and the name of each result, as the palette is given them, without the manual's."""
    answer = await browser.open(f"{PLACE}?q={quote(typed)}", **FRAGMENT)
    assert answer.status_code == 200
    options = re.findall(r'<a role="option"[^>]* href="([^"]*)"[^>]*>(.*?)</a>', answer.text)
    return [
        (path.replace("&amp;", "&"), read_text(words))
        for path, words in options
        if not path.startswith("/app/help/")
    ]


async def list_paths(browser: Browser, typed: str) -> list[str]:
    return [path for path, _ in await list_options(browser, typed)]


async def test_links_are_found_by_slug_title_and_destination(house: House, owner: Browser) -> None:
    link = await house.make_link(slug="autumn", title="Press kit", url="https://shop.example/sale")
    place = f"/app/links/{link.id}"
    for typed in ("utum", "press KIT", "shop.example", link.short_url, f"{link.host}/autumn"):
        assert place in await list_paths(owner, typed), typed
    assert place not in await list_paths(owner, "winter")


async def test_the_link_that_was_named_comes_first(house: House, owner: Browser) -> None:
    named = await house.make_link(slug="sale")
    for number in range(MOST_LINKS + 1):
        await house.make_link(slug=f"sale-{number}")
    paths = [path for path in await list_paths(owner, "sale") if path.startswith("/app/links")]
    assert paths[0] == f"/app/links/{named.id}"
    assert len(paths) == MOST_LINKS + 1
    assert paths[-1] == "/app/links?q=sale"


async def test_other_workspaces_links_are_not_found(
    house: House, owner: Browser, stranger: Browser
) -> None:
    link = await house.make_link(slug="secret-sale", title="Hush")
    for typed in ("secret-sale", "Hush", link.short_url):
        assert f"/app/links/{link.id}" in await list_paths(owner, typed)
        assert await list_paths(stranger, typed) == (
            [f"/app/links/new?url={quote(typed, safe='')}"] if "://" in typed else []
        )
    page = (await stranger.open(PLACE)).text
    assert "secret-sale" not in page


async def test_pages_and_actions_are_found_by_their_words(owner: Browser) -> None:
    assert await list_options(owner, "invite") == [("/app/members", "Invite a member")]
    assert await list_paths(owner, "quota") == ["/app/usage"]
    assert (await list_paths(owner, "web"))[0] == "/app/webhooks"
    assert await list_paths(owner, "new bio") == ["/app/bio-pages"]
    # A word of its name counts more than another name, here of Apple's shortcuts.
    assert await list_paths(owner, "shortcuts") == ["/app/account#keyboard", "/app/apps"]
    assert await list_paths(owner, "bio quota") == []


async def test_people_find_only_what_they_may_open(viewer: Browser, editor: Browser) -> None:
    assert await list_paths(viewer, "new") == []
    assert await list_paths(viewer, "import") == []
    assert "/app/links/new" in await list_paths(editor, "new")
    assert await list_paths(editor, "token") == []
    assert await list_paths(viewer, "https://shop.example/") == []


async def test_a_destination_can_be_shortened_at_once(owner: Browser) -> None:
    typed = "https://shop.example/a?b=1&c=2"
    assert (await list_paths(owner, typed))[0] == f"/app/links/new?url={quote(typed, safe='')}"
    assert (await list_paths(owner, "shop.example/a"))[0] == "/app/links/new?url=shop.example%2Fa"
    assert await list_paths(owner, "shop.example") == []
    assert await list_paths(owner, "and/or w.h.y") == []


async def test_before_typing_the_newest_links_and_all_pages_are_listed(
    house: House, owner: Browser
) -> None:
    links = [await house.make_link(slug=f"apple-{number}") for number in range(6)]
    paths = await list_paths(owner, "")
    assert paths[:5] == [f"/app/links/{link.id}" for link in reversed(links[1:])]
    entries = {entry.path for section in SECTIONS for entry in section.entries}
    assert entries <= set(paths)
    assert {action.path for action in ACTIONS} <= set(paths)


async def test_results_are_a_page_without_scripts(house: House, owner: Browser) -> None:
    link = await house.make_link(slug="menu", title="<b>Menu</b>")
    page = (await owner.open(f"{PLACE}?q=menu")).text
    assert f'href="/app/links/{link.id}"' in page
    assert "<b>Menu" not in page
    assert 'value="menu"' in page
    assert "Sign out" not in read_text(page.partition("<main")[2].partition("</main>")[0])
    assert "Nothing found" in (await owner.open(f"{PLACE}?q=nothing-like-it")).text


@pytest.mark.parametrize("typed", ["\0", "%", "' or 1=1", "*" * 5000, "“", "a x " * 500, "/"])
async def test_whatever_is_typed_is_answered(owner: Browser, typed: str) -> None:
    answer = await owner.open(f"{PLACE}?q={quote(typed)}", **FRAGMENT)
    assert answer.status_code == 200
    assert "/app/links" not in answer.text


def test_each_word_begins_a_word_of_the_result() -> None:
    result = Result(name="Bio pages", path="/app/bio-pages", icon="page", words="profile")
    assert is_fitting(result, ["pag", "bio"])
    assert is_fitting(result, ["prof"])
    assert not is_fitting(result, ["ages"])


def test_other_names_are_of_entries_that_exist() -> None:
    assert set(OTHER_NAMES) <= {entry.path for section in SECTIONS for entry in section.entries}
