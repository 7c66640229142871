"""A session that ended while a form was being filled in: the form comes back as it was typed."""

import re

import pytest
from playwright.sync_api import Page, expect

from shorty.accounts.service import Home
from shorty.accounts.sessions import end_other_sessions
from tests.browser.conftest import OpenBrowser
from tests.browser.looking import look_at
from tests.browser.site import Site, read_clock

PASSWORD = "correct horse battery"
URL = "https://example.com/autumn?a=1&b=2"
GERMANY = {"type": "country", "values": ["DE"]}


def end_sessions(site: Site, home: Home) -> None:
    site.write(lambda tx: end_other_sessions(tx, home.user.id, 0, read_clock()))


def sign_in_again(page: Page, home: Home) -> None:
    page.get_by_label("Email").fill(home.user.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_a_new_link_comes_back_as_it_was_typed(
    open_browser: OpenBrowser, site: Site, ann: Home, *, scripts: bool
) -> None:
    slug = f"lost-and-found-{scripts}".lower()
    site.set_password(ann, PASSWORD)
    page = open_browser(ann, scripts=scripts, size=(375, 800))
    page.goto("/app/links/new")
    form = page.locator("#link-form")
    form.locator("[name=slug]").fill(slug)
    form.locator("[name=tags]").fill("autumn, sale")
    page.get_by_text("Limits").first.click()
    form.locator("[name=max_clicks]").fill("7")
    form.locator("[name=password]").fill("open sesame")
    form.locator("[name=is_active]").uncheck()
    end_sessions(site, ann)
    form.locator("[name=url]").fill(URL)
    form.locator("[name=url]").press("Enter")
    expect(page.get_by_text("You were signed out before your form was sent")).to_be_visible()
    if scripts:
        look_at(page)
    sign_in_again(page, ann)
    expect(page.get_by_text("You were signed out before this form was sent")).to_be_visible()
    expect(page.get_by_text("enter again: passwords")).to_be_visible()
    for name, value in {"url": URL, "slug": slug, "max_clicks": "7"}.items():
        expect(form.locator(f"[name={name}]")).to_have_value(value)
    expect(form.locator("[name=max_clicks]")).to_be_visible()
    expect(form.locator("[name=password]")).to_have_value("")
    expect(form.locator("[name=is_active]")).not_to_be_checked()
    expect(form.locator("[name=tags]")).to_have_value("autumn, sale")
    if scripts:
        look_at(page)
    assert site.call(ann, "GET", "/links")["links"] == []
    page.reload()
    form.locator("[name=slug]").press("Enter")
    expect(page.get_by_role("heading", name="Links", level=1)).to_be_visible()
    assert [link["shortCode"] for link in site.call(ann, "GET", "/links")["links"]] == [slug]


def test_scripts_of_a_form_do_not_reload_it_once_its_session_has_ended(
    page: Page, site: Site, ann: Home
) -> None:
    page.goto("/app/links/new")
    end_sessions(site, ann)
    page.locator("#link-form [name=slug]").press_sequentially("kept-words")
    expect(page.get_by_text("Your form is kept when you send it")).to_be_visible()
    expect(page.locator("#link-form [name=slug]")).to_have_value("kept-words")


def test_an_order_is_put_back_if_the_session_has_ended(page: Page, site: Site, ann: Home) -> None:
    rules = [
        {"id": name, "name": name, "url": f"https://example.com/{name}", "conditions": [GERMANY]}
        for name in ("first", "second")
    ]
    link = site.make_link(ann, rules=rules)
    page.goto(f"/app/links/{link['id']}/rules")
    page.get_by_text("Add an alias").click()
    page.locator(".aliases [name=slug]").fill("half-typed")
    end_sessions(site, ann)
    page.get_by_role("button", name="Move “first” down").click()
    expect(page.locator("#toasts")).to_contain_text("Your form is kept when you send it")
    ids = page.locator("#rules > li[data-id]").evaluate_all("all => all.map(li => li.dataset.id)")
    assert ids == ["first", "second"]
    page.locator(".aliases [name=slug]").fill("")
    page.get_by_role("button", name="Move “first” down").click()
    expect(page).to_have_url(re.compile("/app/sign-in"))
    kept = site.call(ann, "GET", f"/links/{link['id']}")["link"]["rules"]
    assert [rule["id"] for rule in kept] == ["first", "second"]
