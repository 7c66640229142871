"""The recipes of the manual's page on rules, visited with a real browser."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser, Error

from tests.cli.test_rule_recipes import RECIPES, Caller, Visit, caller, folder, link

__all__ = ["caller", "folder", "link"]

VisitIn = Callable[[Visit], str]


@pytest.fixture
def visit_in(chromium: Browser, caller: Caller) -> VisitIn:
    def visit(asked: Visit) -> str:
        """Where the browser is led, which it cannot reach; or the status of shorty's own page."""
        caller.move_to(asked.at)
        headers = {name: value for name, value in asked.headers.items() if name != "User-Agent"}
        with chromium.new_context(
            user_agent=asked.headers["User-Agent"], extra_http_headers=headers
        ) as context:
            page = context.new_page()
            asked_for: list[str] = []
            page.on("request", lambda request: asked_for.append(request.url))
            start = f"http://{caller.host}{asked.path}"
            try:
                answer = page.goto(start)
            except Error as error:
                assert "ERR_NAME_NOT_RESOLVED" in error.message  # noqa: PT017 - or else it came
                return asked_for[-1]
            assert answer is not None
            return str(answer.status)

    return visit


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_leads_a_browser_where_the_manual_says(
    caller: Caller, link: dict[str, Any], visit_in: VisitIn, recipe: str
) -> None:
    for step in RECIPES[recipe]:
        caller.ask("PATCH", f"/links/{link['id']}", step.body)
        for visit in step.visits:
            assert visit_in(visit) in visit.leads_to, visit.cells
