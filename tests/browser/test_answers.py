"""How pages and visits come over the wire to a browser, and the root of the first domain."""

from typing import Final

from playwright.sync_api import Page, Response, expect

from shorty.accounts.service import Home
from tests.browser.conftest import OpenBrowser
from tests.browser.looking import look_at
from tests.browser.site import Site

TOKEN: Final = "document.body.dataset.token"


def open_page(page: Page, place: str) -> Response:
    answer = page.goto(place)
    assert answer is not None
    return answer


def test_pages_are_compressed_and_visits_are_not(page: Page, site: Site, ann: Home) -> None:
    slug = site.make_link(ann, title="Poster")["shortCode"]
    assert open_page(page, "/app/links").headers["content-encoding"] in {"br", "gzip"}
    details = open_page(page, f"http://{site.host}/{slug}+")
    assert len(details.body()) > 1024
    assert "content-encoding" not in details.headers


def test_the_token_of_forms_is_another_on_each_page_and_each_is_accepted(page: Page) -> None:
    tokens = set[str]()
    for name in ("Spring", "Autumn"):
        page.goto("/app/tags")
        tokens.add(page.evaluate(TOKEN))
        page.locator("form.card [name=name]").fill(name)
        page.locator("form.card button.primary").click()
        expect(page.get_by_role("listitem").filter(has_text=name)).to_be_visible()
        tokens.add(page.evaluate(TOKEN))
    assert len(tokens) == 4


def test_the_root_of_the_first_domain_has_a_quiet_way_to_sign_in(
    open_browser: OpenBrowser, site: Site, ann: Home
) -> None:
    site.set_password(ann, "a short phrase")  # so that there is somebody to sign in
    page = open_browser()
    page.goto(f"http://{site.host}/")
    expect(page.get_by_role("heading", level=1)).to_have_text(site.host)
    look_at(page)
    page.get_by_role("link", name="Sign in").click()
    expect(page.get_by_label("Email")).to_be_visible()
