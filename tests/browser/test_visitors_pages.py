"""Every page that visitors see: accessible, on phones and in dark mode."""

from collections.abc import Iterator
from typing import Final

import pytest

from shorty.accounts.service import Home
from tests.browser.conftest import OpenBrowser
from tests.browser.looking import look_at
from tests.browser.site import Site
from tests.browser.watch import Watch

HEBREW: Final = "מחירון"
LINKS: Final[dict[str, dict[str, object]]] = {
    "details": {"title": HEBREW},
    "password": {"password": "secret"},
    "limit": {"maxClicks": 1},
    "people": {"blockBots": True},
}


@pytest.fixture
def prefix(site: Site, ann: Home) -> Iterator[str]:
    """Of the slugs of each test's links: the former ones rest for their workspace."""
    prefix = f"{ann.workspace.id}-"
    made = [
        site.make_link(ann, customSlug=f"{prefix}{slug}", **fields)
        for slug, fields in LINKS.items()
    ]
    page = {"domain": site.host, "customSlug": f"{prefix}page", "title": HEBREW}
    made_page = site.call(ann, "POST", "/bio-pages", page)["bioPage"]
    made.append(made_page)
    for block in ({"kind": "header", "text": HEBREW}, {"kind": "link", "linkId": made[0]["id"]}):
        site.call(ann, "POST", f"/bio-pages/{made_page['id']}/blocks", block)
    site.visit(f"{prefix}limit")
    yield prefix
    for link in made:
        site.delete_link(ann, link["id"])


def test_a_visitors_page_stands_in_nobodys_way(
    site: Site, prefix: str, open_browser: OpenBrowser, watch: Watch
) -> None:
    watch.forgive("status of 4")
    page = open_browser()
    for path, status in {
        "nothing-here": 404,
        f"{prefix}details+": 200,
        f"{prefix}password": 200,
        f"{prefix}limit": 410,
        f"{prefix}page": 200,
    }.items():
        answer = page.goto(f"http://{site.host}/{path}")
        assert answer
        assert answer.status == status
        look_at(page)


def test_a_wrong_password_and_a_bot_meet_pages_as_good(
    site: Site, prefix: str, open_browser: OpenBrowser, watch: Watch
) -> None:
    watch.forgive("status of 4")
    page = open_browser()
    page.goto(f"http://{site.host}/{prefix}password")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Continue").click()
    page.get_by_text("Wrong password").wait_for()
    look_at(page)
    page.set_extra_http_headers({"User-Agent": "Googlebot/2.1 (+http://www.google.com/bot.html)"})
    answer = page.goto(f"http://{site.host}/{prefix}people")
    assert answer
    assert answer.status == 403
    look_at(page)
