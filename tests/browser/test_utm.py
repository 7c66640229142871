"""A URL is composed while typing, saved as a template, and made into a short link."""

from playwright.sync_api import Page, expect


def test_an_address_is_composed_and_becomes_a_link(page: Page) -> None:
    page.goto("/app/utm")
    page.get_by_label("Destination").fill("https://example.com/sale?a=1")
    page.get_by_label("Source").fill("newsletter")
    composed = page.get_by_role("region", name="Tagged URL")
    expect(composed).to_contain_text("https://example.com/sale?a=1&utm_source=newsletter")
    page.get_by_label("Save these parameters as a template").fill("News")
    page.get_by_role("button", name="Save template").click()
    expect(page.get_by_role("listitem").filter(has_text="News")).to_be_visible()
    page.get_by_label("Destination").fill("https://example.com/other")
    page.get_by_role("link", name="Use").click()
    expect(composed).to_contain_text("https://example.com/other?utm_source=newsletter")
    page.get_by_role("link", name="Create a short link").click()
    expect(page.locator("#url")).to_have_value("https://example.com/other")
    expect(page.locator("#utm_source")).to_have_value("newsletter")
