"""The list of links narrowed to each state that a link can have."""

import re
from typing import Final

import pytest
from playwright.sync_api import Page, expect

from shorty.accounts.service import Home
from tests.browser.looking import look_at
from tests.browser.site import Site

LIST: Final = "/app/links"
# The label of each state, and how the link that has it is created.
FIELDS: Final[dict[str, dict[str, object]]] = {
    "Active": {},
    "Disabled": {},
    "Expired": {},
    "Used up": {"maxClicks": 1},
    "Not started": {"validSince": "2999-01-01T00:00:00Z"},
    "Password": {"password": "secret"},
    "Bio page": {},
    "QR code": {"qrCode": {}},
    "Blocked": {},
    "Starred": {},
    "Deleted": {},
}
# These are active as well: they lead somewhere.
ALSO_ACTIVE: Final = {"Password", "Bio page", "QR code", "Starred"}


@pytest.fixture
def slugs(site: Site, ann: Home) -> dict[str, str]:
    """One link for each state, by the state's label."""
    slugs = {state: f"{state.replace(' ', '-').lower()}-{ann.user.id}" for state in FIELDS}
    links = {
        state: site.make_link(ann, customSlug=slugs[state], **FIELDS[state]) for state in FIELDS
    }
    for state, change in (
        ("Expired", "expires_at = 1"),
        ("Blocked", "is_admin_blocked = 1"),
    ):
        link_id = int(links[state]["id"])
        site.write(
            lambda tx, change=change, link_id=link_id: tx.execute(
                f"update links set {change} where id = $1",  # noqa: S608 - from above
                link_id,
            )
        )
    for state, change in (("Starred", {"isStarred": True}), ("Disabled", {"isActive": False})):
        site.call(ann, "PATCH", f"/links/{links[state]['id']}", change)
    site.call(ann, "POST", "/bio-pages", {"linkId": links["Bio page"]["id"]})
    site.visit(slugs["Used up"])
    site.delete_link(ann, links["Deleted"]["id"])
    return slugs


def test_the_list_is_narrowed_to_each_state(page: Page, slugs: dict[str, str]) -> None:
    page.goto(LIST)
    state = page.get_by_label("State")
    assert {*state.locator("option").all_inner_texts()} == {"Any state", *FIELDS}
    rows = page.locator(".links > li .short")
    for label, slug in slugs.items():
        state.select_option(label=label)
        shown = {label} if label != "Active" else {label} | ALSO_ACTIVE
        expect(page).to_have_url(re.compile(r"\?state="))
        expect(rows).to_have_count(len(shown))
        expect(rows.filter(has_text=slug)).to_have_count(1)
    look_at(page)
