"""Aliases of a link: kept when its slug changes, added and removed on its page."""

import re

import pytest
from playwright.sync_api import expect

from shorty.accounts.service import Home
from tests.browser.conftest import OpenBrowser
from tests.browser.finding import find_notice
from tests.browser.looking import look_at
from tests.browser.site import Site
from tests.browser.watch import Watch

LIST = "/app/links"


@pytest.mark.parametrize("scripts", [True, False])
def test_a_used_address_is_kept_unless_told_not_to(
    open_browser: OpenBrowser, site: Site, ann: Home, *, scripts: bool
) -> None:
    name = f"used-{ann.user.id}"
    link = site.make_link(ann, customSlug=name, qrCode={})
    page = open_browser(ann, size=(320, 640), scripts=scripts)
    page.goto(f"{LIST}/{link['id']}/edit")
    keep = page.get_by_label(f"{site.host}/{name} as an alias")
    if scripts:
        expect(keep).to_be_hidden()
    page.get_by_role("textbox", name="Short link").fill(f"{name}-2")
    expect(keep).to_be_checked()
    expect(page.get_by_text(f"A QR code uses {site.host}/{name}.")).to_be_visible()
    if scripts:
        look_at(page)
    page.get_by_role("button", name="Save").last.click()
    expect(page.locator(".aliases li")).to_contain_text(name)
    assert site.visit(name) == 302
    page.goto(f"{LIST}/{link['id']}/edit")
    page.get_by_role("textbox", name="Short link").fill(f"{name}-3")
    page.get_by_label(f"{site.host}/{name}-2 as an alias").uncheck()
    page.get_by_role("button", name="Save").last.click()
    expect(page.locator(".aliases li")).to_have_count(1)
    assert site.visit(f"{name}-2") == 404


def test_aliases_are_added_copied_and_removed(
    open_browser: OpenBrowser, site: Site, ann: Home
) -> None:
    link = site.make_link(ann)
    page = open_browser(ann)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"{LIST}/{link['id']}")
    page.get_by_text("Add an alias").click()
    alias = f"alias-{ann.user.id}"
    page.get_by_label("Slug of the alias").fill(alias)
    page.keyboard.press("Enter")
    expect(find_notice(page)).to_contain_text(f"Alias added: {site.host}/{alias}")
    look_at(page)
    page.locator(".aliases").get_by_role("button", name="Copy").click()
    expect(page.locator("#toast")).to_contain_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == f"http://{site.host}/{alias}"
    assert site.visit(alias) == 302
    page.get_by_role("button", name="Remove the alias").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Remove").click()
    expect(find_notice(page)).to_contain_text("Alias removed")
    assert site.visit(alias) == 404
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".aliases li")).to_contain_text(alias)
    assert site.visit(alias) == 302


def test_a_taken_alias_says_so_beside_its_field(
    open_browser: OpenBrowser, site: Site, ann: Home, watch: Watch
) -> None:
    watch.forgive("409")
    taken = site.make_link(ann)["shortCode"]
    link = site.make_link(ann, url="https://example.com/other")
    page = open_browser(ann, scripts=False)
    page.goto(f"{LIST}/{link['id']}")
    page.get_by_text("Add an alias").click()
    page.get_by_label("Slug of the alias").fill(taken)
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_label("Slug of the alias")).to_have_value(taken)
    expect(page.get_by_text(re.compile("already taken"))).to_be_visible()
