"""A token is created in the dashboard, and used as the dashboard explains."""

import json
import shlex
import shutil
import subprocess

import pytest
from playwright.sync_api import Page, expect

from tests.browser.looking import look_at
from tests.service import PATIENCE_S


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_a_token_is_made_used_with_curl_and_revoked(page: Page) -> None:
    page.goto("/app/tokens")
    page.get_by_label("Name").fill("Deploy script")
    page.get_by_role("button", name="Create token").click()
    made = page.get_by_role("status")
    expect(made).to_contain_text("It is shown only once")
    look_at(page)
    command = shlex.split(made.locator("pre").inner_text().replace("\\\n", " "))
    link = json.loads(run(command))["link"]
    page.goto("/app/links")
    expect(page.locator(".links > li")).to_contain_text(link["shortCode"])
    page.goto("/app/tokens")
    row = page.get_by_role("listitem").filter(has_text="Deploy script")
    row.get_by_role("button", name="Revoke").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Revoke").click()
    expect(page.get_by_role("heading", name="No tokens yet")).to_be_visible()
    assert json.loads(run(command))["status"] == 401


def run(command: list[str]) -> str:
    return subprocess.run(
        [*command, "--silent", "--max-time", str(PATIENCE_S)],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
