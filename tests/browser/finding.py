"""Finds the parts of a page that many tests check."""

from playwright.sync_api import Locator, Page


def find_notice(page: Page) -> Locator:
    """The notice about the previous action."""
    return page.locator(".notice")


def find_row(page: Page, text: str) -> Locator:
    """A link in the list of links."""
    return page.locator(".links > li").filter(has_text=text)
