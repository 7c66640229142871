"""Ways to sign in: the first run, the password, the code of an app."""

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import BrowserContext, expect

from shorty.accounts.second_factor import begin_second_factor, confirm_second_factor
from shorty.accounts.service import Home
from shorty.accounts.totp import STEP_MS, compute_code
from tests.browser.conftest import OpenBrowser
from tests.browser.finding import find_notice
from tests.browser.looking import look_at
from tests.browser.site import SERVE, Site, read_clock
from tests.browser.watch import Watch
from tests.service import Service

PASSWORD = "correct horse battery"
PRINTED = "Create your account at "


def test_the_owners_account_is_made_at_the_address_that_is_printed(
    tmp_path: Path, open_context: Callable[..., BrowserContext], watch: Watch
) -> None:
    watch.forgive("status of 403")
    with Service(SERVE, tmp_path) as service:
        watch.origins.add(service.wait_until_ready().url)
        address = service.stdout.wait_for(PRINTED).removeprefix(PRINTED)
        context = open_context(base_url=service.url)
        page = context.new_page()
        page.goto("/app")
        expect(page.get_by_text("Nobody has an account here yet")).to_be_visible()
        page.goto(address)
        look_at(page)
        page.get_by_label("Your name").fill("Ann")
        page.get_by_label("Email").fill("ann@acme.example")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Create account").click()
        expect(find_notice(page)).to_have_text("Your account is ready.")
        expect(page.get_by_role("navigation", name="Main")).to_contain_text("ann@acme.example")
        page.goto(address)
        expect(page).to_have_url(f"{service.url}/app")
        context.clear_cookies()
        page.goto(address)
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        page.close()


def test_one_signs_in_with_the_code_of_an_app(
    open_browser: OpenBrowser, site: Site, ann: Home, watch: Watch
) -> None:
    watch.forgive("status of 422", "status of 401")
    site.set_password(ann, PASSWORD)
    secret = site.write(lambda tx: begin_second_factor(tx, ann.user.id, read_clock()))
    step = read_clock() // STEP_MS
    earlier = compute_code(secret, step - 1)
    site.write(lambda tx: confirm_second_factor(tx, ann.user.id, earlier, read_clock()))
    page = open_browser()
    page.goto("/app/tags")
    page.get_by_label("Email").fill(ann.user.email)
    page.get_by_label("Password").fill("a wrong one")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_label("Email")).to_have_value(ann.user.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_label("Code")).to_be_focused()
    look_at(page)
    page.get_by_label("Code").fill("000000")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Is wrong or was already used")).to_be_visible()
    page.get_by_label("Code").fill(compute_code(secret, read_clock() // STEP_MS))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Tags", exact=True)).to_be_visible()


def test_one_signs_in_and_out_without_scripts(
    open_browser: OpenBrowser, site: Site, ann: Home
) -> None:
    site.set_password(ann, PASSWORD)
    page = open_browser(scripts=False)
    page.goto("/app/links")
    page.get_by_label("Email").fill(ann.user.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Links", level=1)).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(find_notice(page)).to_have_text("You are signed out.")
    page.goto("/app/links")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
