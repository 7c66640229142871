"""Runs axe-core, if npm has installed it, to find accessibility faults on a page."""

import os
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Page

FILE: Final = "axe-core/axe.min.js"
CONTRAST: Final = ("color-contrast",)
RUN: Final = """
async (rules) => {
  const TARGETS = { rules: { "target-size": { enabled: true } } }; // WCAG 2.5.8, else left out
  const changing = document.getAnimations().filter((each) => each instanceof CSSTransition);
  for (const each of changing) each.finish();
  const chosen = rules.length && { runOnly: rules };
  const options = { iframes: false, resultTypes: ["violations"], ...(chosen || TARGETS) };
  const found = await axe.run(document, options);
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
    """Evaluated by the debugger, to which the page's policy does not apply."""
    page.evaluate(read_axe())


def list_barriers(page: Page, rules: Sequence[str] = ()) -> list[str]:
    """The faults by these rules, or by all, as text. Call `load_axe` first."""
    found: list[dict[str, Any]] = page.evaluate(RUN, list(rules))
    return [
        f"{each['id']} ({each['impact']}): {each['help']}\n  " + "\n  ".join(each["nodes"])
        for each in found
    ]
