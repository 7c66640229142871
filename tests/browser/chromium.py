"""Finds Chromium and starts it so that it asks the network for nothing by itself."""

import os
import shutil
from collections.abc import Mapping
from typing import Final

from playwright.sync_api import Browser, Playwright

FLAGS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def find_chromium() -> str | None:
    return shutil.which("chromium") or shutil.which("google-chrome")


def launch_chromium(
    playwright: Playwright, program: str, environment: Mapping[str, str] = os.environ
) -> Browser:
    return playwright.chromium.launch(
        executable_path=program, args=list(FLAGS), env={**environment}
    )
