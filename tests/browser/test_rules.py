"""The rules of a link: written, moved, switched, tried, and followed by visitors."""

from typing import Any

import pytest
from playwright.sync_api import Dialog, Locator, Page, expect

from shorty.accounts.service import Home
from tests.browser.conftest import OpenBrowser
from tests.browser.finding import find_notice
from tests.browser.looking import SMALL_PHONE, look_at
from tests.browser.site import Site
from tests.browser.watch import Watch

RULES: list[dict[str, Any]] = [
    {
        "id": "4f2a",
        "name": "German phones",
        "url": "https://example.com/app",
        "conditions": [
            {"type": "country", "values": ["DE", "AT"]},
            {"type": "device", "values": ["mobile"]},
        ],
    },
    {
        "id": "77c1",
        "url": "https://example.com/open",
        "conditions": [{"type": "language", "values": ["de"]}],
    },
    {
        "id": "b90e",
        "url": "https://example.com/ad",
        "conditions": [{"type": "query", "key": "src"}],
    },
]
SPLIT: dict[str, Any] = {
    "id": "c0de",
    "variants": [
        {"key": "a", "url": "https://example.com/a", "weight": 60},
        {"key": "b", "url": "https://example.com/b", "weight": 40},
    ],
    "conditions": [],
}


def open_rules(page: Page, link: dict[str, Any]) -> None:
    page.goto(f"/app/links/{link['id']}/rules")


def find_rules(page: Page) -> Locator:
    return page.locator("#rules > li[data-id]")


def list_ids(site: Site, home: Home, link: dict[str, Any]) -> list[str]:
    found = site.call(home, "GET", f"/links/{link['id']}")["link"]
    return [rule["id"] for rule in found["rules"]]


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_a_rule_is_written_on_a_phone(
    open_browser: OpenBrowser, site: Site, ann: Home, *, scripts: bool
) -> None:
    link = site.make_link(ann)
    page = open_browser(ann, size=SMALL_PHONE, scripts=scripts)
    open_rules(page, link)
    page.locator("summary").filter(has_text="Add a rule").click()
    page.get_by_label("Another condition").select_option("Country")
    page.get_by_role("button", name="Add condition").click()
    if scripts:
        expect(page.get_by_label("Countries", exact=True)).to_be_focused()
    page.get_by_label("Countries", exact=True).fill("Germany")
    page.get_by_label("Add to the list: Countries").select_option("Austria")
    if scripts:
        expect(page.get_by_label("Countries", exact=True)).to_have_value("Germany, Austria")
    page.get_by_label("Another condition").select_option("Device")
    page.get_by_role("button", name="Add condition").click()
    page.get_by_label("Phone").check()
    page.get_by_label("Destination", exact=True).fill("example.com/app")
    page.get_by_label("Destination", exact=True).press("Enter")
    expect(find_notice(page)).to_contain_text("Rule added: In Germany or Austria, on a phone")
    expect(find_rules(page)).to_have_count(1)
    expect(find_rules(page)).to_contain_text("In Germany or Austria, on a phone")
    if scripts:
        look_at(page)


def test_a_rule_leads_visitors_as_the_simulator_says_and_is_counted(
    open_browser: OpenBrowser, site: Site, ann: Home
) -> None:
    split = SPLIT | {"conditions": [{"type": "query", "key": "src", "values": ["ad"]}]}
    link = site.make_link(ann, rules=[RULES[1], split])
    slug = link["shortCode"]
    german = {"Accept-Language": "de-CH,de;q=0.9"}
    assert site.find_destination(slug, **german) == "https://example.com/open"
    assert site.find_destination(slug) == "https://example.com/there"
    drawn = site.find_destination(f"{slug}?src=ad").removeprefix("https://example.com/")
    page = open_browser(ann)

    def try_out(query: str, destinations: list[str]) -> None:
        page.goto(f"/app/links/{link['id']}/rules?try=1&{query}")
        expect(page.locator(".goes a")).to_have_text(destinations)

    try_out("language=German", ["example.com/open"])
    try_out("language=French", ["example.com/there"])
    try_out("query=src%3Dad", ["example.com/a", "example.com/b"])
    one = "1 click · 33%"
    expect(find_rules(page).first).to_contain_text(f"{one} · 1 visitor")
    expect(page.locator(".variants li").filter(has_text=f"example.com/{drawn}")).to_contain_text(
        one
    )
    expect(page.locator(".rule.fixed")).to_contain_text(one)
    page.get_by_role("button", name="Delete “Reading German”").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_text("Rules that were deleted: 1 click.")).to_be_visible()
    assert site.find_destination(slug, **german) == "https://example.com/there"


def test_a_split_is_written_and_won(open_browser: OpenBrowser, site: Site, ann: Home) -> None:
    link = site.make_link(ann, rules=RULES[:1])
    page = open_browser(ann)
    open_rules(page, link)
    page.get_by_role("link", name="Edit “German phones”").click()
    page.get_by_role("button", name="Split between several destinations").click()
    expect(page.get_by_label("Destination 2")).to_be_focused()
    page.get_by_label("Destination 2").fill("example.com/b")
    page.get_by_label("Weight").first.fill("30")
    page.get_by_label("Weight").last.fill("70")
    look_at(page)
    page.get_by_role("button", name="Save rule").click()
    expect(find_rules(page)).to_contain_text("70%")
    look_at(page)
    page.get_by_role("button", name="Make b the winner").click()
    expect(find_notice(page)).to_contain_text("Variant b is the winner")
    expect(page.locator(".variants")).to_contain_text("winner")
    look_at(page)
    page.get_by_role("button", name="Go on with the test").click()
    expect(page.get_by_role("button", name="Make b the winner")).to_be_visible()


def test_rules_are_dragged_and_moved_by_keys(
    open_browser: OpenBrowser, site: Site, ann: Home
) -> None:
    link = site.make_link(ann, rules=RULES)
    page = open_browser(ann)
    open_rules(page, link)
    rules = find_rules(page)
    with page.expect_response(lambda answer: "rule-order" in answer.url):
        rules.nth(2).locator(".grip").drag_to(rules.first, target_position={"x": 40, "y": 6})
    assert list_ids(site, ann, link) == ["b90e", "4f2a", "77c1"]
    page.get_by_role("button", name="Move “German phones” down").focus()
    page.keyboard.press("Enter")
    said = page.locator("#toasts").get_by_text("“German phones” moved to position 3 of 3.")
    expect(said).to_be_visible()
    expect(page.get_by_role("button", name="Move “German phones” down")).to_be_focused()
    assert list_ids(site, ann, link) == ["b90e", "77c1", "4f2a"]
    page.keyboard.press("Alt+ArrowUp")
    expect(page.locator("#toasts").get_by_text("position 2 of 3.")).to_be_visible()
    assert list_ids(site, ann, link) == ["b90e", "4f2a", "77c1"]


def test_an_order_that_cannot_be_is_put_back(
    open_browser: OpenBrowser, site: Site, ann: Home, watch: Watch
) -> None:
    watch.forgive("422")
    link = site.make_link(ann, rules=[RULES[0], SPLIT])
    page = open_browser(ann)
    open_rules(page, link)
    page.get_by_role("button", name="Move “Everyone” up").click()
    expect(page.locator("#toasts")).to_contain_text("The order was not saved. Rule 1:")
    expect(find_rules(page).last).to_contain_text("Everyone")
    assert list_ids(site, ann, link) == ["4f2a", "c0de"]


def test_rules_are_moved_switched_and_deleted_without_scripts(
    open_browser: OpenBrowser, site: Site, ann: Home
) -> None:
    link = site.make_link(ann, rules=RULES)
    page = open_browser(ann, scripts=False)
    open_rules(page, link)
    page.get_by_role("button", name="Move “German phones” down").click()
    expect(find_notice(page)).to_contain_text("“German phones” moved to position 2 of 3.")
    page.get_by_role("button", name="Switch off “German phones”").click()
    expect(find_rules(page).nth(1)).to_contain_text("Off")
    page.get_by_role("button", name="Switch on “German phones”").click()
    expect(find_rules(page).nth(1)).not_to_contain_text("Off")
    page.get_by_role("button", name="Delete “German phones”").click()
    page.get_by_role("button", name="Delete the rule “German phones”").click()
    expect(find_notice(page)).to_contain_text("“German phones” deleted.")
    assert list_ids(site, ann, link) == ["77c1", "b90e"]


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_a_described_visitor_is_sent_through_the_rules(
    open_browser: OpenBrowser, site: Site, ann: Home, *, scripts: bool
) -> None:
    link = site.make_link(ann, rules=[*RULES, SPLIT])
    page = open_browser(ann, scripts=scripts)
    open_rules(page, link)
    trial = page.locator("#try")
    trial.get_by_label("Country").select_option("Germany")
    trial.get_by_label("Device").select_option("a phone")
    trial.get_by_role("button", name="Try").click()
    expect(trial).to_contain_text("In Germany or Austria, on a phone decides")
    expect(trial.get_by_role("status").get_by_role("link", name="example.com/app")).to_be_visible()
    trial.get_by_label("Device").select_option("a computer")
    trial.locator("summary").click()
    trial.get_by_label("Languages").fill("French")
    trial.get_by_label("IP address").fill("nowhere")
    trial.get_by_label("IP address").press("Enter")
    expect(trial).to_contain_text("Must be an IP address, such as")
    trial.get_by_label("IP address").fill("")
    trial.get_by_label("IP address").press("Enter")
    expect(trial).to_contain_text("It asks for “on a phone”, but the device is a computer.")
    expect(trial).to_contain_text("It asks for “reading German”, but the visitor reads French.")
    expect(trial).to_contain_text("Everyone decides")
    if scripts:
        look_at(page)


def test_leaving_a_rule_that_was_changed_asks_first(
    open_browser: OpenBrowser, site: Site, ann: Home
) -> None:
    link = site.make_link(ann, rules=RULES)
    page = open_browser(ann)
    page.goto(f"/app/links/{link['id']}/rules/4f2a")
    page.get_by_label("Destination", exact=True).fill("example.com/other")
    asked: list[str] = []

    def leave(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", leave)
    page.get_by_role("link", name="Cancel").click()
    expect(page.get_by_label("Destination", exact=True)).to_be_hidden()
    assert asked == ["beforeunload"]
