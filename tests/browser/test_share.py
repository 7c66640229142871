"""The dashboard as an app: what Chromium makes of its manifest, and a page shared with it."""

import json
from typing import Any

from playwright.sync_api import Page, expect


def read_manifest(page: Page) -> dict[str, Any]:
    """As Chromium reads it, with what it finds wrong."""
    session = page.context.new_cdp_session(page)
    read: dict[str, Any] = session.send("Page.getAppManifest")  # pyright: ignore[reportUnknownVariableType]
    session.detach()
    return read


def test_chromium_takes_the_manifest(page: Page) -> None:
    page.goto("/app/tags")
    read = read_manifest(page)
    assert read["url"].endswith("/app/manifest.webmanifest")
    assert read["errors"] == []
    assert json.loads(read["data"])["share_target"]["action"] == "/app/share"


def test_a_page_is_shared_into_the_form(page: Page) -> None:
    page.goto("/app/share?title=&text=Harvest%20https%3A%2F%2Fshop.example%2Fa%3Fb%3D1&url=")
    expect(page.get_by_role("heading", name="New link")).to_be_visible()
    expect(page.get_by_label("Destination")).to_have_value("https://shop.example/a?b=1")
    expect(page.locator("[name=title]")).to_have_value("Harvest")
    page.goto("/app/share?text=nothing")
    expect(page.get_by_text("No URL found in what was shared.")).to_be_visible()
