"""What broke on a small phone: buttons that left their card, and copy icons that wrapped alone."""

from typing import Final

import pytest
from playwright.sync_api import Locator, Page

from shorty.accounts.service import Home
from tests.browser.conftest import OpenBrowser
from tests.browser.looking import SMALL_PHONE
from tests.browser.site import Site

LONG: Final = "a-rather-long-slug-of-a-summer-campaign-that-never-ends"


@pytest.fixture
def page(open_browser: OpenBrowser, ann: Home) -> Page:
    return open_browser(ann, size=SMALL_PHONE)


def find_box(found: Locator) -> tuple[float, float, float, float]:
    """Left, top, right and bottom."""
    box = found.bounding_box()
    assert box is not None
    return box["x"], box["y"], box["x"] + box["width"], box["y"] + box["height"]


def test_the_downloads_of_a_code_stay_in_their_card(page: Page, site: Site, ann: Home) -> None:
    link = site.make_link(ann, qrCode={})
    page.goto(f"/app/qr-codes/{link['id']}")
    for name in ("SVG", "PNG"):
        button = page.get_by_role("link", name=name, exact=True)
        left, top, right, bottom = find_box(button)
        card = find_box(page.locator(".card").filter(has=button))
        assert card[0] < left
        assert card[1] < top
        assert right < card[2]
        assert bottom < card[3]


@pytest.mark.parametrize("path", ["/app/links", "/app/links/{id}", "/app/links/{id}/edit"])
def test_the_icon_that_copies_stays_beside_its_text(
    page: Page, site: Site, ann: Home, path: str
) -> None:
    link = site.make_link(ann, customSlug=f"{LONG}-{ann.user.id}")
    page.goto(path.replace("{id}", link["id"]))
    pair = page.locator(".with-copy").filter(has_text=LONG).first
    text, icon = find_box(pair.locator(":scope > :first-child")), find_box(pair.locator(".copy"))
    assert text[2] <= icon[0] + 1
    assert text[1] < (icon[1] + icon[3]) / 2 < text[3]
    assert icon[2] <= SMALL_PHONE[0]
