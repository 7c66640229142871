"""People: invited, with their role's permissions; sessions ended remotely; a second factor."""

import re

from playwright.sync_api import expect

from shorty.accounts.service import Home
from shorty.accounts.totp import STEP_MS, compute_code
from tests.browser.conftest import OpenBrowser
from tests.browser.finding import find_notice, find_row
from tests.browser.site import Site, read_clock
from tests.browser.watch import Watch

PASSWORD = "correct horse battery"


def test_somebody_invited_as_a_viewer_joins_and_cannot_edit(
    open_browser: OpenBrowser, site: Site, ann: Home, elsewhere: str, watch: Watch
) -> None:
    link = site.make_link(ann, url=elsewhere, title="Look, do not touch")
    page = open_browser(ann)
    page.goto("/app/members")
    page.get_by_label("Invite someone").fill(f"vic-{ann.user.id}@acme.example")
    page.get_by_label("Role", exact=True).select_option("viewer")
    page.get_by_role("button", name="Invite", exact=True).click()
    address = page.locator(".secret code").inner_text()

    other = open_browser()
    other.goto(address)
    other.get_by_label("Your name").fill("Vic")
    other.get_by_label("Password").fill(PASSWORD)
    other.get_by_role("button", name="Create account and join").click()
    other.get_by_role("link", name="Links", exact=True).click()
    expect(find_row(other, "do not touch")).to_have_count(1)
    expect(other.get_by_role("link", name="New link")).to_have_count(0)
    watch.forgive("status of 403")
    other.goto(f"/app/links/{link['id']}/edit")
    expect(other.get_by_role("heading", name="You don't have permission")).to_be_visible()

    page.goto("/app/members")
    page.get_by_label("Role of Vic", exact=True).select_option("editor")
    page.get_by_role("button", name="Save the role of Vic").click()
    other.goto(f"/app/links/{link['id']}/edit")
    expect(other.get_by_label("Destination")).to_have_value(elsewhere)


def test_a_session_is_ended_from_another_browser(open_browser: OpenBrowser, ann: Home) -> None:
    here, elsewhere = open_browser(ann), open_browser(ann)
    elsewhere.goto("/app/tags")
    here.goto("/app/account")
    sessions = here.get_by_role("region", name="Where you are signed in")
    expect(sessions.get_by_role("listitem")).to_have_count(2)
    sessions.get_by_role("button", name="Sign out", exact=True).click()
    expect(sessions.get_by_role("listitem")).to_have_count(1)
    expect(sessions).to_contain_text("This browser")
    elsewhere.reload()
    expect(elsewhere).to_have_url(re.compile("/app/sign-in"))


def test_a_second_factor_is_set_up_and_asked_for(
    open_browser: OpenBrowser, site: Site, ann: Home
) -> None:
    site.set_password(ann, PASSWORD)
    page = open_browser(ann)
    page.goto("/app/account")
    factor = page.locator("section").filter(has_text="Second factor")
    factor.get_by_label("Your password").fill(PASSWORD)
    factor.get_by_role("button", name="Set up").click()
    secret = page.locator(".secret code").inner_text().replace(" ", "")
    # Each code is valid once, and one that is a step early or late is too: however slow this is,
    # the next one is left for signing in.
    step = read_clock() // STEP_MS
    page.get_by_label("Code").fill(compute_code(secret, step))
    page.get_by_role("button", name="Enable").click()
    recovery_code = page.locator("pre").inner_text().split()[0]

    page.get_by_role("button", name="Sign out").click()
    for code in (compute_code(secret, step + 1), recovery_code):
        page.goto("/app/account")
        page.get_by_label("Email").fill(ann.user.email)
        page.get_by_label("Password").fill(PASSWORD)
        page.keyboard.press("Enter")
        page.get_by_label("Code").fill(code)
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Your account")).to_be_visible()
        page.get_by_role("button", name="Sign out").click()
        expect(find_notice(page)).to_have_text("You are signed out.")


def test_a_workspace_is_made_and_switched_to(open_browser: OpenBrowser, ann: Home) -> None:
    page = open_browser(ann)
    page.goto("/app/workspaces")
    page.get_by_label("Workspace name").fill("Second home")
    page.get_by_role("button", name="Create").click()
    menu = page.get_by_role("navigation", name="Main")
    expect(menu).to_contain_text("Second home")
    page.goto("/app/workspaces")
    page.get_by_role("button", name=f"Open {ann.workspace.name}").click()
    expect(menu).to_contain_text(ann.workspace.name)
