"""Keys that work on every page, on any layout, and that can be switched off."""

import re

import pytest
from playwright.sync_api import Page, expect

from shorty.accounts.service import Home
from tests.browser.conftest import OpenBrowser
from tests.browser.finding import find_row
from tests.browser.looking import look_at
from tests.browser.site import Site

LIST = "/app/links"
PRESS = """
(options) => document.body.dispatchEvent(
  new KeyboardEvent("keydown", { bubbles: true, cancelable: true, ...options })
)
"""


def test_g_and_a_letter_go_to_every_entry_of_the_menu(page: Page) -> None:
    page.goto("/app/tags")
    entries = page.locator("#menu [data-go]")
    places = {
        str(entry.get_attribute("data-go")): str(entry.get_attribute("href"))
        for entry in entries.all()
    }
    assert len(places) == entries.count() >= 14
    for key, path in places.items():
        page.keyboard.press("g")
        page.keyboard.press(key)
        expect(page).to_have_url(re.compile(rf"{path}$"))
        page.wait_for_load_state()


def test_the_list_of_keys_names_what_the_page_has(page: Page) -> None:
    page.goto("/app/tags")
    page.keyboard.press("?")
    sheet = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(sheet).to_contain_text("New link")
    expect(sheet).not_to_contain_text("Next and previous link")
    look_at(page)
    page.keyboard.press("n")  # inside a dialog keys do nothing
    page.keyboard.press("Escape")
    expect(sheet).to_be_hidden()
    expect(page).to_have_url(re.compile("/app/tags$"))
    page.goto(LIST)
    page.get_by_role("button", name="Keyboard shortcuts").click()
    expect(sheet).to_contain_text("Next and previous link")
    sheet.get_by_role("button", name="Close").click()
    page.keyboard.press("n")
    expect(page.get_by_role("heading", name="New link")).to_be_visible()


def test_keys_are_letters_in_a_field_and_nothing_with_a_modifier(page: Page) -> None:
    page.goto(LIST)
    page.keyboard.press("/")
    page.keyboard.type("gn?")
    expect(page.get_by_label("Search", exact=True)).to_have_value("gn?")
    page.keyboard.press("Escape")
    for key in ("Control+Shift+n", "Alt+n", "Shift+N"):
        page.keyboard.press(key)
    page.keyboard.press("g")
    page.keyboard.press("z")  # leads nowhere, and is not followed by the meaning of a single key
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    expect(page).to_have_url(re.compile(rf"{LIST}(\?q=gn%3F)?$"))  # it searches while typing


@pytest.mark.parametrize(
    ("options", "opens"),
    [
        ({"key": "?", "code": "Minus", "shiftKey": True}, "dialog"),  # German
        ({"key": "N", "code": "KeyN", "modifierCapsLock": True}, "new"),
        ({"key": "т", "code": "KeyY"}, None),
        ({"key": "т", "code": "KeyN"}, "new"),  # Russian
        ({"key": "n", "code": "KeyL"}, "new"),  # Dvorak: what is typed counts
        ({"key": "ö", "code": "KeyN"}, None),  # a Latin letter of its own
        (
            {
                "key": "?",
                "code": "KeyW",
                "ctrlKey": True,
                "altKey": True,
                "modifierAltGraph": True,
            },
            "dialog",
        ),
        ({"key": "?", "code": "KeyW", "ctrlKey": True, "altKey": True}, None),
        ({"key": "n", "code": "KeyN", "isComposing": True}, None),
    ],
)
def test_keys_are_found_on_other_layouts(
    page: Page, options: dict[str, object], opens: str | None
) -> None:
    page.goto("/app/tags")
    is_ignored = page.evaluate(PRESS, options)
    assert is_ignored is (opens is None)
    if opens == "dialog":
        expect(page.get_by_role("dialog")).to_be_visible()
    if opens == "new":
        expect(page.get_by_role("heading", name="New link")).to_be_visible()


def test_single_keys_are_switched_off_in_the_account(page: Page, site: Site, ann: Home) -> None:
    site.make_link(ann, customSlug=f"keyless-{ann.user.id}")
    page.goto("/app/account")
    page.get_by_label("Single-key shortcuts").uncheck()
    page.locator("#keyboard").get_by_role("button", name="Save").click()
    expect(page.get_by_text("Single-key shortcuts are off.").first).to_be_visible()
    page.goto(LIST)
    for key in ("?", "n", "g", "t", "j", "x", "/"):
        page.keyboard.press(key)
    assert page.evaluate("document.activeElement === document.body")
    expect(find_row(page, "keyless").get_by_role("checkbox")).not_to_be_checked()
    expect(page).to_have_url(re.compile(f"{LIST}$"))
    page.get_by_role("button", name="Keyboard shortcuts").click()
    page.get_by_role("link", name="Turn them on").click()
    page.wait_for_load_state()
    page.get_by_label("Single-key shortcuts").check()
    page.locator("#keyboard").get_by_role("button", name="Save").click()
    expect(page.get_by_text("Single-key shortcuts are on.")).to_be_visible()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()


def test_a_viewer_has_no_key_for_a_new_link(open_browser: OpenBrowser, site: Site) -> None:
    owner = site.add_person()
    page = open_browser(site.add_colleague(owner, "viewer"))
    page.goto(LIST)
    page.keyboard.press("n")
    page.keyboard.press("?")
    sheet = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(sheet).to_be_visible()
    expect(sheet).not_to_contain_text("New link")
    expect(sheet).not_to_contain_text("API tokens")
    expect(page).to_have_url(re.compile(f"{LIST}$"))
