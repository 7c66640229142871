"""Asks axe-core, where npm has installed it, what would stand in somebody's way on a page."""

import os
import sys
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Page

FILE: Final = "axe-core/axe.min.js"
SERIOUS: Final = ("serious", "critical")
RUN: Final = """
async () => {
  const changing = document.getAnimations().filter((each) => each instanceof CSSTransition);
  await Promise.all(changing.map((each) => each.finished));
  const found = await axe.run(document, { resultTypes: ["violations"] });
  return found.violations.map(({ id, impact, help, nodes }) => (
    { id, impact, help, nodes: nodes.map((node) => `${node.html}: ${node.failureSummary}`) }
  ));
}
"""


def find_axe() -> Path | None:
    named = os.environ.get("NODE_PATH", "").split(os.pathsep)
    folders = [*filter(None, named), str(Path(sys.prefix) / "node" / "node_modules")]
    return next((Path(each) / FILE for each in folders if (Path(each) / FILE).is_file()), None)


@cache
def read_axe() -> str:
    file = find_axe()
    if file is None:
        pytest.skip("needs axe-core (npm install axe-core)")
    return file.read_text("utf-8")


def load_axe(page: Page) -> None:
    """Evaluated by the debugger, which no policy of the page's concerns."""
    page.evaluate(read_axe())


def list_barriers(page: Page) -> list[str]:
    """The serious ones, in words. `load_axe` comes before."""
    found: list[dict[str, Any]] = page.evaluate(RUN)
    return [
        f"{each['id']}: {each['help']}\n  " + "\n  ".join(each["nodes"])
        for each in found
        if each["impact"] in SERIOUS
    ]
