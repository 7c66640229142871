"""Serves a shorty full of believable data, opens it in Chromium, and takes its pictures."""

import os
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import fontpkg_open_sans
from playwright.sync_api import Browser, sync_playwright

import shorty
from shorty.config import Config, DomainConfig
from tests.browser.chromium import find_chromium, launch_chromium
from tests.browser.demo import Demo, furnish
from tests.browser.roasters import HOST
from tests.browser.site import Site
from tests.screenshots.pictures import PICTURES, take_picture
from tests.support import prepare_copy

FOLDER: Final = Path(shorty.__path__[0]) / "manual" / "pictures"
EVENING: Final = 22
# One for each hour around the globe, as pages name it.
ZONES: Final = (
    *("Pacific/Honolulu", "America/Anchorage", "America/Los_Angeles", "America/Denver"),
    *("America/Chicago", "America/New_York", "America/Halifax", "America/Sao_Paulo"),
    *("Atlantic/South_Georgia", "Atlantic/Azores", "Europe/London", "Europe/Stockholm"),
    *("Europe/Helsinki", "Europe/Istanbul", "Asia/Dubai", "Asia/Karachi", "Asia/Dhaka"),
    *("Asia/Bangkok", "Asia/Singapore", "Asia/Tokyo", "Australia/Brisbane", "Pacific/Noumea"),
    *("Pacific/Auckland", "Pacific/Tongatapu"),
)
# The font that is installed with shorty, so that screenshots look the same on every machine.
FONTS: Final = f"""<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
<include ignore_missing="yes">/etc/fonts/fonts.conf</include>
<dir>{fontpkg_open_sans.ROOT / "files"}</dir>
<match target="pattern">
<test name="family"><string>sans-serif</string></test>
<edit name="family" mode="assign" binding="strong"><string>Open Sans</string></edit>
</match>
</fontconfig>
"""


def main() -> None:
    program = find_chromium()
    if program is None:
        sys.exit("Pictures need Chromium; install it (Debian: apt install chromium).")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fonts = folder / "fonts.conf"
        fonts.write_text(FONTS, encoding="utf-8")
        environment = {**os.environ, "FONTCONFIG_FILE": str(fonts)}
        with (
            open_site(folder) as site,
            sync_playwright() as playwright,
            launch_chromium(playwright, program, environment) as browser,
        ):
            demo = furnish(site, Config(domains=(DomainConfig(host=HOST),)), HOST)
            take_pictures(site, demo, browser)


def open_site(folder: Path) -> Site:
    settings = folder / "shorty.toml"
    settings.write_text(f'[[domains]]\nhost = "{HOST}"\n', encoding="utf-8")
    prepare_copy(folder)
    return Site(folder, SHORTY_CONFIG=str(settings))


def take_pictures(site: Site, demo: Demo, browser: Browser) -> None:
    wanted = sys.argv[1:]
    for picture in PICTURES:
        if wanted and picture.name not in wanted:
            continue
        context = browser.new_context(
            base_url=site.url,
            locale="en-GB",
            timezone_id=find_evening(),
            device_scale_factor=picture.density,
        )
        site.sign_in(context, demo.home)
        page = context.new_page()
        page.goto("/app")  # so that the server knows the time zone
        content = take_picture(page, picture, demo)
        (FOLDER / f"dashboard-{picture.name}.png").write_bytes(content)
        sys.stdout.write(f"dashboard-{picture.name}.png: {len(content)} bytes\n")
        context.close()


def find_evening() -> str:
    """A zone where the day is nearly over, so that the last day of each chart is complete."""
    now = datetime.now(UTC)
    return min(ZONES, key=lambda zone: abs(now.astimezone(ZoneInfo(zone)).hour - EVENING))


if __name__ == "__main__":
    main()
