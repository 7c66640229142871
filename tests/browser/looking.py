"""Checks a page on a desktop screen and on a phone, in light and dark mode."""

from collections.abc import Sequence
from typing import Final, Literal

from playwright.sync_api import Page

from tests.browser.axe import CONTRAST, list_barriers, load_axe

WIDE: Final = (1280, 800)
PHONE: Final = (360, 740)
SCROLLS_SIDEWAYS: Final = """
() => document.documentElement.scrollWidth > document.documentElement.clientWidth
"""
TOO_WIDE: Final = """
() => [...document.querySelectorAll("body *")]
  .filter((each) => each.getBoundingClientRect().right > innerWidth + 1)
  .map((each) => each.outerHTML.slice(0, 120))
"""


def look_at(page: Page) -> None:
    """Fails for an accessibility fault, or if the page is wider than the phone.

    Leaves the page as it was opened: in light mode, on a desktop.
    """
    load_axe(page)
    look_once(page, PHONE, "dark")
    # Dark mode on a desktop differs only in its colours.
    look_once(page, WIDE, "dark", CONTRAST)
    look_once(page, WIDE, "light")


def look_once(
    page: Page,
    size: tuple[int, int],
    scheme: Literal["light", "dark"],
    rules: Sequence[str] = (),
) -> None:
    width, height = size
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": height})
    what = f"{page.url}, {scheme}, {width} pixels"
    assert not page.evaluate(SCROLLS_SIDEWAYS), (what, page.evaluate(TOO_WIDE))
    assert list_barriers(page, rules) == [], what
