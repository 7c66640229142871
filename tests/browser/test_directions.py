"""Long titles keep their beginning, in whichever direction they are written."""

import pytest
from playwright.sync_api import Page, expect

from shorty.accounts.service import Home
from tests.browser.looking import SMALL_PHONE
from tests.browser.site import Site

# The first letter of a clipped title is still inside the box that clips it.
SHOWS_ITS_BEGINNING = """
(box) => {
  const range = document.createRange();
  range.setStart(box.firstChild, 0);
  range.setEnd(box.firstChild, 1);
  const [letter, frame] = [range.getBoundingClientRect(), box.getBoundingClientRect()];
  return letter.left >= frame.left - 1 && letter.right <= frame.right + 1
    && box.scrollWidth > box.clientWidth;
}
"""


@pytest.mark.parametrize(
    ("slug", "title", "direction"),
    [
        ("long-hebrew", "מחירון " * 30, "rtl"),
        ("long-japanese", "新しい価格表" * 20, "ltr"),
        ("long-english", "Price list " * 20, "ltr"),
    ],
)
def test_a_long_title_keeps_its_beginning(
    page: Page, site: Site, ann: Home, slug: str, title: str, direction: str
) -> None:
    site.make_link(ann, customSlug=slug, title=title)
    page.set_viewport_size({"width": SMALL_PHONE[0], "height": SMALL_PHONE[1]})
    page.goto("/app/links")
    name = page.locator(".link .name")
    expect(name).to_have_css("direction", direction)
    assert name.evaluate(SHOWS_ITS_BEGINNING)
