"""The pages of people that show themselves only on the way: in nobody's way either."""

import time

from playwright.sync_api import Page, expect

from shorty.accounts.totp import STEP_MS, compute_code
from tests.browser.conftest import OpenBrowser
from tests.browser.looking import look_at
from tests.browser.watch import Watch


def test_the_pages_of_an_invitation_stand_in_nobodys_way(
    page: Page, open_browser: OpenBrowser, watch: Watch
) -> None:
    watch.forgive("status of 409")
    page.goto("/app/members")
    page.get_by_label("Invite somebody").fill("new@a.example")
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
    expect(page.get_by_role("alert")).to_contain_text("already.")


def test_the_pages_of_a_second_factor_stand_in_nobodys_way(page: Page, watch: Watch) -> None:
    watch.forgive("status of 422")
    page.goto("/app/account")
    page.get_by_role("button", name="Set it up").click()
    secret = page.locator(".secret code").inner_text().replace(" ", "")
    look_at(page)
    step = time.time_ns() // 1_000_000 // STEP_MS
    page.get_by_label("Code", exact=True).fill(compute_code(secret, step))
    page.get_by_role("button", name="Switch it on").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    look_at(page)
    page.get_by_role("link", name="I have kept them").click()
    look_at(page)
    page.get_by_role("link", name="Manage").click()
    look_at(page)
    page.get_by_label("Or your password").fill("wrong")
    page.get_by_role("button", name="Switch it off").click()
    expect(page.get_by_role("alert")).to_contain_text("That is not your password.")
    look_at(page)
