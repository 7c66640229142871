"""Notices and the dialog that asks before an action, with the mouse, by keyboard, by ear."""

import pytest
from playwright.sync_api import Page, expect

from shorty.accounts.service import Home
from tests.browser.conftest import OpenBrowser
from tests.browser.finding import find_notice
from tests.browser.looking import look_at
from tests.browser.site import Site

LIST = "/app/links"
TAGS = "/app/tags"


@pytest.fixture
def tag(site: Site, ann: Home) -> str:
    return site.call(ann, "POST", "/tags", {"name": "Why? <b>Me</b>"})["tag"]["name"]


def hear(page: Page) -> None:
    """Keeps what is put into the live regions once the page is parsed, before its scripts run.

    DOMContentLoaded would come too late: a notice may be read out while another module loads.
    """
    page.add_init_script("""
        window.heard = [];
        document.addEventListener("readystatechange", () => {
          if (document.readyState !== "interactive") return;
          for (const region of document.querySelectorAll("#notices, #toasts")) {
            new MutationObserver((changes) => {
              for (const { addedNodes } of changes) {
                for (const node of addedNodes) heard.push(node.querySelector("span").textContent);
              }
              document.documentElement.dataset.heard = heard.length;
            }).observe(region, { childList: true });
          }
        });
    """)


def list_heard(page: Page) -> list[str]:
    """Once there is something: the notice of the page as it came is not read out."""
    page.locator("html[data-heard]").wait_for()
    return page.evaluate("heard")


def test_a_notice_is_read_out_and_can_be_closed(page: Page) -> None:
    hear(page)
    page.goto(TAGS)
    page.locator("form.card [name=name]").fill("Fruit")
    page.locator("form.card button.primary").click()
    notice = find_notice(page)
    expect(notice).to_contain_text("Fruit")
    expect(notice.get_by_role("button", name="Close")).to_be_visible()
    assert list_heard(page) == [notice.locator("span").inner_text()]
    assert notice.locator("..").get_attribute("aria-live") == "polite"
    look_at(page)
    notice.get_by_role("button", name="Close").focus()
    page.keyboard.press("Enter")
    expect(notice).to_have_count(0)
    expect(page.locator("#main")).to_be_focused()


def test_a_toast_waits_while_it_is_pointed_at_or_focused(page: Page, site: Site, ann: Home) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.clock.install()
    hear(page)
    site.make_link(ann)
    page.goto(LIST)
    page.get_by_role("button", name="Copy the short").click()
    toast = page.locator("#toast")
    expect(toast).to_contain_text("Copied")
    page.clock.run_for(1000)
    assert list_heard(page) == ["Copied"]
    toast.hover()
    page.clock.run_for(60_000)
    expect(toast).to_be_visible()
    toast.get_by_role("button", name="Close").focus()
    page.mouse.move(5, 5)
    page.clock.run_for(60_000)
    expect(toast).to_be_visible()
    page.locator("#q").focus()
    page.clock.run_for(5000)
    expect(toast).to_be_visible()
    page.clock.run_for(2000)
    expect(toast).to_have_count(0)


def test_a_toast_can_be_closed_by_escape(page: Page, site: Site, ann: Home) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    site.make_link(ann)
    page.goto(LIST)
    page.get_by_role("button", name="Copy the short").click()
    toast = page.locator("#toast")
    toast.get_by_role("button", name="Close").focus()
    look_at(page)  # it stays as long as it has the focus
    page.keyboard.press("Escape")
    expect(toast).to_have_count(0)


def test_nothing_claims_to_be_copied_where_it_is_not(page: Page, site: Site, ann: Home) -> None:
    page.add_init_script("""
        navigator.clipboard.writeText = () => Promise.reject(new Error("no"));
        document.execCommand = () => false;
    """)
    site.make_link(ann)
    page.goto(LIST)
    page.get_by_role("button", name="Copy the short").click()
    expect(page.locator("#toast")).to_contain_text("does not allow copying")


def test_a_question_is_asked_in_a_dialog_and_gives_the_focus_back(page: Page, tag: str) -> None:
    page.goto(TAGS)
    delete = page.get_by_role("button", name="Delete")
    delete.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("alertdialog")
    expect(dialog).to_be_visible()
    expect(dialog.get_by_role("heading")).to_have_text(f"Delete the tag “{tag}”?")
    expect(dialog).to_contain_text("links")
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    look_at(page)
    for _ in range(5):
        page.keyboard.press("Tab")
        assert page.evaluate(
            "document.activeElement.closest('#confirm') !== null || "
            "document.activeElement === document.body"
        )
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(delete).to_be_focused()
    delete.click()
    dialog.get_by_role("button", name="Cancel").click()
    expect(delete).to_be_focused()
    expect(page.get_by_role("listitem").filter(has_text=tag)).to_have_count(1)
    delete.click()
    dialog.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("heading", name="No tags yet")).to_be_visible()


def test_focus_returns_to_the_menu_that_asked(page: Page, site: Site, ann: Home) -> None:
    link = site.make_link(ann)
    page.goto(LIST)
    menu = page.get_by_label(f"More for {site.host}/{link['shortCode']}")
    menu.click()
    page.get_by_role("link", name="Delete").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Cancel").click()
    expect(menu).to_be_focused()
    expect(page.locator(".links > li")).to_have_count(1)


def test_the_same_is_asked_on_a_page_without_scripts(
    open_browser: OpenBrowser, tag: str, ann: Home
) -> None:
    page = open_browser(ann, scripts=False, size=(320, 640))
    page.goto(TAGS)
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Delete the tag “{tag}”?")
    page.get_by_role("link", name="Cancel").click()
    expect(page.get_by_role("listitem").filter(has_text=tag)).to_have_count(1)
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Delete the tag").click()
    expect(page.get_by_role("heading", name="No tags yet")).to_be_visible()
