"""Every page as it is declared: readable by everybody, on a phone and in the dark."""

from typing import Final

import pytest
from playwright.sync_api import Page

from shorty.web.app import PAGES
from shorty.web.doors import find_rule
from tests.browser.axe import list_barriers, load_axe
from tests.browser.conftest import PHONE, WIDE, OpenBrowser
from tests.browser.demo import Demo
from tests.browser.site import Site
from tests.webhooks.receiver import run_receiver

SCROLLS_SIDEWAYS: Final = """
() => document.documentElement.scrollWidth > document.documentElement.clientWidth
"""
TOO_WIDE: Final = """
() => [...document.querySelectorAll("body *")]
  .filter((each) => each.getBoundingClientRect().right > innerWidth + 1)
  .map((each) => each.outerHTML.slice(0, 120))
"""
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
def names(site: Site, demo: Demo) -> dict[str, object]:
    """What stands for the parameters of paths."""
    with site.portal.wrap_async_context_manager(run_receiver()) as receiver:
        site.make_link(demo.home, customSlug="told", title="Told", webhookUrls=receiver.url)
        site.visit("told")
        site.portal.call(receiver.wait_for, 1)
    deliveries = site.call(demo.home, "GET", "/webhooks/deliveries")["deliveries"]
    return {
        "link_id": demo.links["menu"].id,
        "domain_id": 1,
        "delivery_id": deliveries[0]["id"],
    }


@pytest.mark.parametrize(("route", "is_open"), ROUTES)
def test_a_page_stands_in_nobodys_way(
    route: str, demo: Demo, names: dict[str, object], open_browser: OpenBrowser, *, is_open: bool
) -> None:
    page = open_browser(None if is_open else demo.home)
    answer = page.goto(f"/app{route}".replace(":str}", "}").format_map(names))
    assert answer
    assert answer.status == 200
    load_axe(page)
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        for width, height in (WIDE, PHONE):
            page.set_viewport_size({"width": width, "height": height})
            look(page, f"{scheme}, {width} pixels")


def look(page: Page, what: str) -> None:
    assert not page.evaluate(SCROLLS_SIDEWAYS), (what, page.evaluate(TOO_WIDE))
    assert list_barriers(page) == [], what
