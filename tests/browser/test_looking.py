"""Tests `look_at` itself: it finds what is wrong in one mode, or at some widths, alone."""

from typing import Final

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import OpenBrowser
from tests.browser.looking import look_at

PAGE: Final = """<!doctype html><html lang="en"><title>Plain</title>
<meta name="viewport" content="width=device-width">
<style>
  :root {{ color-scheme: light dark; }}
  body {{ background: #fff; color: #000; font: 16px sans-serif; }}
  button {{ width: 44px; height: 44px; background: #fff; color: #000; }}
  .narrow {{ display: none; }}
  @media (max-width: 375px) {{ .narrow {{ display: block; }} }}
  @media (prefers-color-scheme: dark) {{
    body {{ background: #000; color: #fff; }}
    button {{ background: #000; color: #fff; }}
  }}
  {style}
</style>
<main><h1>Plain</h1><h2>Words</h2><p>Some words.</p><p>More words.</p>{body}</main>
"""
SMALL: Final = (
    "@media (max-width: {width}px) {{ button {{ width: 9px; height: 9px; padding: 0; }} }}"
)
CLOSE: Final = "<button>A</button><button>B</button><button>C</button>"


@pytest.fixture
def page(open_browser: OpenBrowser) -> Page:
    return open_browser()


def write(page: Page, style: str = "", body: str = "") -> Page:
    page.set_content(PAGE.format(style=style, body=body))
    return page


def test_a_page_without_faults_passes(page: Page) -> None:
    look_at(write(page, body=f"{CLOSE}<p class='narrow'>Narrow</p>"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", ["(max-width: 320px)", "(width: 375px)", "(min-width: 1280px)"])
def test_faint_text_is_found_in_each_mode_at_each_width(
    page: Page, scheme: str, width: str
) -> None:
    query = f"@media (prefers-color-scheme: {scheme}) and {width}"
    faint = query + " { p:last-of-type { color: #777; background: #888; } }"
    with pytest.raises(AssertionError, match="color-contrast"):
        look_at(write(page, faint))


def test_text_is_found_that_the_colour_behind_another_hides_in_the_dark(page: Page) -> None:
    behind = "@media (prefers-color-scheme: dark) { .behind { background: #eee; } }"
    with pytest.raises(AssertionError, match="color-contrast"):
        look_at(write(page, behind, "<div class='behind'><div><p>Words.</p></div></div>"))


@pytest.mark.parametrize("width", [320, 375])
def test_targets_that_are_small_on_a_phone_alone_are_found(page: Page, width: int) -> None:
    with pytest.raises(AssertionError, match="target-size"):
        look_at(write(page, SMALL.format(width=width), CLOSE))


@pytest.mark.parametrize(
    "width", ["(max-width: 320px)", "(max-width: 375px)", "(width: 375px)", "(min-width: 1280px)"]
)
def test_a_button_without_a_name_is_found_that_some_widths_show(page: Page, width: str) -> None:
    style = f".some {{ display: none; }} @media {width} {{ .some {{ display: block; }} }}"
    with pytest.raises(AssertionError, match="button-name"):
        look_at(write(page, style, "<button class='some'></button>"))


@pytest.mark.parametrize("body", ["<h4>Skips</h4>", "<h1>Again</h1>"])
def test_headings_that_skip_a_level_or_repeat_the_first_are_found(page: Page, body: str) -> None:
    with pytest.raises(AssertionError, match=r"\[1, 2, [41]\]"):
        look_at(write(page, body=body))


def test_a_mode_that_shows_something_else_is_found(page: Page) -> None:
    style = "@media (prefers-color-scheme: dark) { .narrow { display: block; } }"
    with pytest.raises(AssertionError, match="differ only in their colours"):
        look_at(write(page, style, "<p class='narrow'>Dark</p>"))


def test_what_is_wider_than_a_phone_is_found(page: Page) -> None:
    with pytest.raises(AssertionError, match="320"):
        look_at(write(page, body="<div style='width: 22rem'>Wide</div>"))
