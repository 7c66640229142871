"""Every page as it is declared: readable by everybody, on a phone and in the dark."""

from typing import Final

import pytest
from playwright.sync_api import Page

from shorty.accounts.service import Home
from shorty.web.app import PAGES
from shorty.web.doors import find_rule
from tests.browser.axe import list_barriers, load_axe
from tests.browser.conftest import PHONE, WIDE, OpenBrowser
from tests.browser.site import Site

IS_TOO_WIDE: Final = """
() => [...document.querySelectorAll("body *")]
  .filter((each) => each.getBoundingClientRect().right > innerWidth + 1
    && !each.closest("[data-scrolls], pre, .table, .scroll, .unseen, svg"))
  .map((each) => each.outerHTML.slice(0, 200))
"""
SCROLLS_SIDEWAYS: Final = (
    "document.documentElement.scrollWidth > document.documentElement.clientWidth"
)
SCHEMES: Final = ("light", "dark")
# What is no page: files, streams of events, and parts that scripts ask for.
OTHERS: Final[frozenset[str]] = frozenset(
    {"/links/check", "/links/picture", "/links/{link_id:str}/code.svg"}
)

ROUTES: Final = sorted(
    (path, find_rule(handler).needs is None)
    for handler in PAGES
    if "GET" in handler.http_methods
    for path in handler.paths
    if path not in OTHERS
)


@pytest.fixture(scope="module")
def furnished(site: Site) -> tuple[Home, dict[str, str]]:
    """A workspace where there is something to see, and what stands for the paths' parameters."""
    home = site.add_person("fay")
    tag = site.call(home, "POST", "/tags", {"name": "Press"})["tag"]["id"]
    link = site.make_link(home, title="A page", maxClicks=5, tagIds=[tag])
    mail = site.make_link(home, url="mailto:ana@example.com", linkType="MAILTO")
    site.call(home, "PATCH", f"/links/{mail['id']}", {"isActive": False})
    site.call(home, "POST", "/utm-templates", {"name": "Newsletter", "utmSource": "news"})
    return home, {"link_id": link["id"]}


@pytest.mark.parametrize(("route", "is_open"), ROUTES)
def test_a_page_stands_in_nobodys_way(
    route: str,
    is_open: bool,
    furnished: tuple[Home, dict[str, str]],
    open_browser: OpenBrowser,
) -> None:
    home, names = furnished
    page = open_browser(None if is_open else home)
    answer = page.goto(f"/app{route}".replace(":str}", "}").format_map(names))
    assert answer
    assert answer.status == 200
    load_axe(page)
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        for width, height in (WIDE, PHONE):
            page.set_viewport_size({"width": width, "height": height})
            look(page, f"{scheme}, {width} pixels")


def look(page: Page, what: str) -> None:
    assert not page.evaluate(SCROLLS_SIDEWAYS), (what, page.evaluate(IS_TOO_WIDE))
    assert list_barriers(page) == [], what
