"""Accessibility of the pages that people only see on the way in."""

import time

from playwright.sync_api import Page, expect

from shorty.accounts.service import Home
from shorty.accounts.totp import STEP_MS, compute_code
from tests.browser.conftest import OpenBrowser
from tests.browser.looking import look_at
from tests.browser.site import Site
from tests.browser.watch import Watch

PASSWORD = "correct horse battery"


def test_the_pages_of_an_invitation_stand_in_nobodys_way(
    page: Page, open_browser: OpenBrowser, watch: Watch
) -> None:
    watch.forgive("status of 409")
    page.goto("/app/members")
    page.get_by_label("Invite someone").fill("new@a.example")
    page.get_by_role("button", name="Invite", exact=True).click()
    link = page.locator(".secret code").inner_text()
    look_at(page)
    page.goto("/app/members")
    look_at(page)
    guest = open_browser()
    guest.goto(link)
    look_at(guest)
    page.goto(link)
    look_at(page)
    page.get_by_role("button", name="Join as").click()
    expect(page.get_by_role("alert")).to_contain_text("already a member")


def test_the_pages_of_a_second_factor_stand_in_nobodys_way(
    open_browser: OpenBrowser, site: Site, ann: Home, watch: Watch
) -> None:
    watch.forgive("status of 422")
    site.set_password(ann, PASSWORD)
    page = open_browser(ann)
    page.goto("/app/account")
    factor = page.locator("section").filter(has_text="Second factor")
    factor.get_by_label("Your password").fill("wrong")
    factor.get_by_role("button", name="Set up").click()
    expect(factor.get_by_text("Is not your password.")).to_be_visible()
    look_at(page)
    factor.get_by_label("Your password").fill(PASSWORD)
    factor.get_by_role("button", name="Set up").click()
    secret = page.locator(".secret code").inner_text().replace(" ", "")
    look_at(page)
    step = time.time_ns() // 1_000_000 // STEP_MS
    page.get_by_label("Code", exact=True).fill(compute_code(secret, step))
    page.get_by_role("button", name="Enable").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    look_at(page)
    page.get_by_role("link", name="I've saved them").click()
    look_at(page)
    page.get_by_role("link", name="Manage").click()
    look_at(page)
    form = page.locator("form").filter(has_text="Disable second factor")
    form.get_by_label("Your password").fill("wrong")
    form.get_by_role("button", name="Disable second factor").click()
    expect(form.get_by_text("Is not your password.")).to_be_visible()
    look_at(page)
