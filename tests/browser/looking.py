"""Checks a page on a desktop screen and on two phones, in light and dark mode."""

from itertools import pairwise
from typing import Final, Literal

from playwright.sync_api import Page

from tests.browser.axe import LAYOUT, list_barriers, list_contrast_faults, load_axe

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


# Which elements of the page can be seen, or read out, at this width.
SHOWN: Final = """
() => [...document.body.querySelectorAll("*")].map((each) => {
  const { right, width, height } = each.getBoundingClientRect();
  const isVisible = each.checkVisibility({ opacityProperty: true, visibilityProperty: true });
  return Number(isVisible && right > 0 && width > 0 && height > 0);
}).join("")
"""


def look_at(page: Page) -> None:
    """Fails for an accessibility fault, wrong headings, or if the page is wider than a phone.

    Leaves the page as it was opened: in light mode, on a desktop.
    """
    load_axe(page)
    assert_headings(page)
    seen: set[str] = set()
    for size in (SMALL_PHONE, PHONE, WIDE):
        look_in_both_modes(page, size, seen)


def look_in_both_modes(page: Page, size: tuple[int, int], seen: set[str]) -> None:
    """Of elements that are all in `seen` together, only their layout is looked at; adds to it."""
    show(page, size, "light")
    shown = page.evaluate(SHOWN)
    faults = list_barriers(page, LAYOUT if shown in seen else ())
    assert faults == [], (page.url, "light", size, faults)
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(SHOWN) == shown, "The modes differ only in their colours."
    faults = list_contrast_faults(page, is_first=not seen)
    assert faults == [], (page.url, "dark", size, faults)
    seen.add(shown)
    page.emulate_media(color_scheme="light")


def assert_headings(page: Page) -> None:
    """The page's own comes first, and none skips a level."""
    levels: list[int] = page.evaluate(HEADINGS)
    assert levels[:1] == [1], (page.url, levels)
    assert levels.count(1) == 1, (page.url, levels)
    assert all(after <= before + 1 for before, after in pairwise(levels)), (page.url, levels)


def show(page: Page, size: tuple[int, int], scheme: Literal["light", "dark"]) -> None:
    page.emulate_media(color_scheme=scheme)
    assert_width(page, size)
    page.evaluate(TO_ITS_END)


def assert_width(page: Page, size: tuple[int, int]) -> None:
    """Nothing is wider than the screen."""
    width, height = size
    page.set_viewport_size({"width": width, "height": height})
    assert not page.evaluate(SCROLLS_SIDEWAYS), (page.url, size, page.evaluate(TOO_WIDE))
