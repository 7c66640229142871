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
# These depend on where things are on the screen; the others only on what is shown.
LAYOUT: Final = (
    *CONTRAST,
    "link-in-text-block",
    "region",
    "scrollable-region-focusable",
    "skip-link",
    "target-size",
)
PARTS: Final = """
const settle = () => {
  const changing = document.getAnimations().filter((each) => each instanceof CSSTransition);
  for (const each of changing) each.finish();
};
const describe = ({ violations }) => violations.map(({ id, impact, help, nodes }) => (
  { id, impact, help, nodes: nodes.map((node) => `${node.html}: ${node.failureSummary}`) }
));
"""
# Keeps the elements whose contrast it judges, for `RUN_IN_OTHER_COLOURS`.
RUN: Final = f"""
async (rules) => {{
  {PARTS}
  const TARGETS = {{ rules: {{ "target-size": {{ enabled: true }} }} }}; // WCAG 2.5.8
  const chosen = rules.length && {{ runOnly: rules }};
  const resultTypes = ["violations", "passes", "incomplete"];
  const options = {{ iframes: false, selectors: false, elementRef: true, resultTypes }};
  settle();
  const found = await axe.run(document, {{ ...options, ...(chosen || TARGETS) }});
  window.axeTexts = [...found.passes, ...found.incomplete]
    .filter((each) => each.id === "color-contrast")
    .flatMap((each) => each.nodes.map((node) => node.element));
  return describe(found);
}}
"""
# One of the texts that have the same colours on the same backgrounds is enough.
RUN_IN_OTHER_COLOURS: Final = f"""
async (isFirst) => {{
  {PARTS}
  const backgrounds = new Map([[null, ""]]);
  const listBackgrounds = (element) => {{
    if (!backgrounds.has(element)) {{
      const style = getComputedStyle(element);
      const own = [style.backgroundColor, style.backgroundImage, style.opacity, style.mixBlendMode];
      backgrounds.set(element, `${{listBackgrounds(element.parentElement)}}|${{own}}`);
    }}
    return backgrounds.get(element);
  }};
  const isNew = (element) => {{
    const style = getComputedStyle(element);
    const colours = [style.color, style.webkitTextFillColor, style.webkitTextStroke];
    const look = [colours, style.textShadow, style.fontSize, style.fontWeight];
    const all = [look, listBackgrounds(element)].join();
    return !window.axeLooks.has(all) && window.axeLooks.add(all);
  }};
  settle();
  if (isFirst) window.axeLooks = new Set();
  const include = window.axeTexts.filter(isNew);
  const options = {{ iframes: false, runOnly: ["color-contrast"], resultTypes: ["violations"] }};
  return include.length ? describe(await axe.run({{ include }}, options)) : [];
}}
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
    if not page.evaluate("'axe' in window"):
        session = page.context.new_cdp_session(page)
        session.send("Runtime.evaluate", {"expression": read_axe()})
        session.detach()


def list_barriers(page: Page, rules: Sequence[str] = ()) -> list[str]:
    """The faults by these rules, or by all, as text. Call `load_axe` first."""
    return describe(page.evaluate(RUN, list(rules)))


def list_contrast_faults(page: Page, *, is_first: bool) -> list[str]:
    """In other colours than `list_barriers` just judged, with everything in the same place.

    Colours that were judged since the first call are left out.
    """
    return describe(page.evaluate(RUN_IN_OTHER_COLOURS, is_first))


def describe(found: list[dict[str, Any]]) -> list[str]:
    return [
        f"{each['id']} ({each['impact']}): {each['help']}\n  " + "\n  ".join(each["nodes"])
        for each in found
    ]
