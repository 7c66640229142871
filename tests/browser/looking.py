"""Checks a page on a desktop screen and on two phones, in light and dark mode."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final, Literal

from playwright.sync_api import Page

from tests.browser.axe import CONTRAST, list_barriers, load_axe

WIDE: Final = (1280, 800)
PHONE: Final = (375, 740)
SMALL_PHONE: Final = (320, 640)
SCROLLS_SIDEWAYS: Final = """
() => document.documentElement.scrollWidth > document.documentElement.clientWidth
"""
TOO_WIDE: Final = """
() => [...document.querySelectorAll("body *")]
  .filter((each) => each.getBoundingClientRect().right > innerWidth + 1)
  .map((each) => each.outerHTML.slice(0, 120))
"""


HEADINGS: Final = """
() => [...document.querySelectorAll("h1, h2, h3, h4, h5, h6")]
  .filter((each) => each.checkVisibility()).map((each) => Number(each.tagName[1]))
"""

# The buttons of a long form stay in view over its fields; at its end they lie below them.
TO_ITS_END: Final = """
() => document.querySelector("form .bottom, .save-bar")?.closest("form")
  .scrollIntoView({block: "end"})
"""


def look_at(page: Page) -> None:
    """Fails for an accessibility fault, wrong headings, or if the page is wider than a phone.

    Leaves the page as it was opened: in light mode, on a desktop.
    """
    load_axe(page)
    assert_headings(page)
    for size in (SMALL_PHONE, PHONE, WIDE):
        # The modes differ only in their colours.
        look_once(page, size, "dark", CONTRAST)
        look_once(page, size, "light")


def assert_headings(page: Page) -> None:
    """The page's own comes first, and none skips a level."""
    levels: list[int] = page.evaluate(HEADINGS)
    assert levels[:1] == [1], (page.url, levels)
    assert levels.count(1) == 1, (page.url, levels)
    assert all(after <= before + 1 for before, after in pairwise(levels)), (page.url, levels)


def look_once(
    page: Page,
    size: tuple[int, int],
    scheme: Literal["light", "dark"],
    rules: Sequence[str] = (),
) -> None:
    page.emulate_media(color_scheme=scheme)
    assert_width(page, size)
    page.evaluate(TO_ITS_END)
    assert list_barriers(page, rules) == [], (page.url, scheme, size)


def assert_width(page: Page, size: tuple[int, int]) -> None:
    """Nothing is wider than the screen."""
    width, height = size
    page.set_viewport_size({"width": width, "height": height})
    assert not page.evaluate(SCROLLS_SIDEWAYS), (page.url, size, page.evaluate(TOO_WIDE))
