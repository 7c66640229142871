"""Every declared page: accessible, on a phone and in dark mode."""

from typing import Final
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page

from shorty.web.app import PAGES
from shorty.web.guard import find_rule
from tests.browser.conftest import OpenBrowser
from tests.browser.demo import Demo
from tests.browser.looking import look_at
from tests.browser.site import Site
from tests.webhooks.receiver import answer, run_receiver

# Routes that are not pages: files, event streams, and parts that scripts request.
OTHERS: Final[frozenset[str]] = frozenset(
    {
        "/analytics.csv",
        "/links/{link_id:str}/analytics.csv",
        "/links/{link_id:str}/clicks.csv",
        "/links/check",
        "/links/picture",
        "/links/{link_id:str}/code.svg",
        "/export/links.csv",
        "/links/found.csv",
        "/export/links.ndjson",
        "/import/{job_id:str}/report",
        "/links/{link_id:str}/live",
        "/qr-codes/{link_id:str}/download",
        "/qr-codes/{link_id:str}/picture.svg",
        "/qr-logos/{logo_id:str}",
        "/bio-pages/{page_id:str}/preview",
        "/help/pictures/{picture:str}",
        "/manifest.webmanifest",
    }
)
# Pages that are only seen on the way to others; the tests that go there check them.
PASSED: Final[frozenset[str]] = frozenset(
    {
        "/share",
        "/drafts/{key:str}",
        "/welcome",
        "/sign-in/code",
        "/invitation",
        "/account/second-factor",
        "/import/{job_id:str}",
        "/links/jobs/{action_id:str}",
    }
)

ROUTES: Final = sorted(
    (path, find_rule(handler).needs is None)
    for handler in PAGES
    if "GET" in handler.http_methods
    for path in handler.paths
    if path not in OTHERS | PASSED
)


@pytest.fixture(scope="package")
def names(site: Site, demo: Demo) -> dict[str, object]:
    """The values of path parameters."""
    closing = answer(200, b"", "Connection: close")
    with site.portal.wrap_async_context_manager(run_receiver(closing)) as receiver:
        site.make_link(demo.home, customSlug="told", title="Told", webhookUrls=receiver.url)
        site.visit("told")
        site.portal.call(receiver.wait_for, 1)
    deliveries = site.call(demo.home, "GET", "/webhooks/deliveries")["deliveries"]
    utm = {"name": "Newsletter", "utmSource": "newsletter", "utmMedium": "email"}
    template = site.call(demo.home, "POST", "/utm-templates", utm)["utmTemplate"]
    return {
        "chapter": "dashboard",
        "link_id": demo.links["menu"].id,
        "rule_id": demo.rule_id,
        "domain_id": 1,
        "page_id": demo.bio_page_id,
        "delivery_id": deliveries[0]["id"],
        "template_id": template["id"],
    }


@pytest.mark.parametrize("route", [route for route, is_open in ROUTES if not is_open])
def test_a_page_stands_in_nobodys_way(route: str, names: dict[str, object], reading: Page) -> None:
    visit(reading, route, names)
    look_at(reading)


@pytest.mark.parametrize("route", [route for route, is_open in ROUTES if is_open])
def test_an_open_page_stands_in_nobodys_way(
    route: str, names: dict[str, object], open_browser: OpenBrowser
) -> None:
    page = open_browser()
    visit(page, route, names)
    look_at(page)


def visit(page: Page, route: str, names: dict[str, object]) -> None:
    path = f"/app{route}".replace(":str}", "}").format_map(names)
    answer = page.goto(path)
    assert answer
    assert answer.status == 200
    assert urlsplit(page.url).path.rstrip("/") == path.rstrip("/")
