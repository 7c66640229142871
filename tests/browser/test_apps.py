"""The bookmarklet and the scripts, used against a running server."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from shorty.accounts.service import Home
from tests.browser.conftest import OpenBrowser
from tests.browser.looking import PHONE, look_at
from tests.browser.site import Site
from tests.browser.watch import Watch
from tests.service import PATIENCE_S

URL = "https://shop.example/a?b=1&c=$HOME;*%20%22e%22"
needs_curl = pytest.mark.skipif(
    not (shutil.which("curl") and shutil.which("bash")), reason="needs curl and bash"
)


def make_file(page: Page, program: str, folder: Path) -> Path:
    page.goto("/app/apps")
    page.get_by_label(program).check()
    page.get_by_role("button", name="Create token and file").click()
    with page.expect_download() as started:
        page.get_by_role("button", name="Download").click()
    file = folder / started.value.suggested_filename
    started.value.save_as(file)
    assert file.read_text() == page.locator("#file").text_content()
    return file


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
        env={**os.environ, **environment},
    )


@needs_curl
def test_the_shell_script_creates_links(page: Page, site: Site, ann: Home, downloads: Path) -> None:
    file = make_file(page, "curl", downloads)
    look_at(page)
    done = run("sh", str(file), URL)
    link = site.call(ann, "GET", "/links")["links"][0]
    assert (done.returncode, done.stdout.strip()) == (0, link["shortUrl"]), done.stderr
    assert link["url"] == URL
    refused = run("sh", str(file), "nonsense")
    assert refused.returncode == 1
    assert refused.stdout == ""
    assert '"invalid-fields"' in refused.stderr
    assert run("sh", str(file)).returncode != 0


@needs_curl
def test_the_raycast_command_copies_a_link(
    page: Page, site: Site, ann: Home, downloads: Path
) -> None:
    file = make_file(page, "Raycast", downloads)
    for name in ("schemaVersion 1", "title Shorten URL", "mode compact"):
        assert f"# @raycast.{name}\n" in file.read_text()
    clipboard = downloads / "clipboard"
    for name, script in (("pbcopy", 'cat > "$CLIP"'), ("pbpaste", 'cat "$CLIP"')):
        program = downloads / name
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
    mac = {"PATH": f"{downloads}:{os.environ['PATH']}", "CLIP": str(clipboard)}
    clipboard.write_text(URL)
    done = run("bash", str(file), "", **mac)
    link = site.call(ann, "GET", "/links")["links"][0]
    assert link["url"] == URL
    assert clipboard.read_text() == link["shortUrl"]
    assert done.stdout.splitlines()[-1] == f"Copied {link['shortUrl']}"
    refused = run("bash", str(file), "nonsense", **mac)
    assert refused.returncode == 1
    assert refused.stdout.strip()
    assert clipboard.read_text() == link["shortUrl"]


def test_the_bookmarklet_opens_the_form_for_the_page(
    page: Page, elsewhere: str, watch: Watch
) -> None:
    page.goto("/app/apps")
    button = page.get_by_role("link", name="Shorten this page")
    bookmarklet = str(button.get_attribute("href"))
    button.click()
    expect(page.locator("#toast")).to_contain_text("Drag this button to your bookmarks bar.")
    watch.origins.add(elsewhere)
    page.goto(f"{elsewhere}/harvest?a=1&b=2")
    page.evaluate("document.title = 'Tea & \"cake\"'")
    with page.context.expect_page() as opened:
        page.evaluate(bookmarklet.removeprefix("javascript:"))
    form = opened.value
    expect(form.get_by_label("Destination")).to_have_value(f"{elsewhere}/harvest?a=1&b=2")
    expect(form.locator("[name=title]")).to_have_value('Tea & "cake"')


def test_a_file_is_shown_without_scripts_on_a_phone(open_browser: OpenBrowser, ann: Home) -> None:
    page = open_browser(ann, scripts=False, size=PHONE)
    page.goto("/app/apps")
    page.get_by_role("button", name="Create token and file").click()
    expect(page.locator(".fresh")).to_contain_text("it is shown only once")
    expect(page.locator("#file")).to_contain_text(re.compile(r"Bearer shorty_[\w-]{43}"))
    expect(page.get_by_role("button", name="Download")).to_be_hidden()
