"""Finds the parts of a page that many tests look at."""

from playwright.sync_api import Locator, Page


def find_notice(page: Page) -> Locator:
    """What the page says of the action before it."""
    return page.locator(".notice")


def find_row(page: Page, text: str) -> Locator:
    """A link in the list of links."""
    return page.locator(".links > li").filter(has_text=text)
