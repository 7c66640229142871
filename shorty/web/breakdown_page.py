"""`/app/breakdown` and a link's: every row of one breakdown, of which the analytics show the first.

They have the range and the filters of the page they belong to, by the same query.
"""

from typing import Any, Final

from msgspec.structs import replace

from shorty.errors import NotFoundError
from shorty.ids import parse_id
from shorty.web.analytics_filters import Question, ask_of_link, read_question
from shorty.web.date_range import CHOICES
from shorty.web.guard import Pages
from shorty.web.link_form import get_link
from shorty.web.link_page import describe_link
from shorty.web.overview import must_wait
from shorty.web.panels import BREAKDOWNS, build_panel, choose_tables, count_rows
from shorty.web.rendering import render
from shorty.web.requests import WebRequest
from shorty.webcore.answers import Answer

pages = Pages()

TABLE: Final = "table"
PER_PAGE: Final = 100


@pages.handle("GET /breakdown")
async def show_breakdown(request: WebRequest) -> Answer:
    question = await read_question(request)
    if await must_wait(request, question):
        about = describe(question, read_table(request, question))
        return render(request, "breakdown.html", **about, panel=None)
    return await render_rows(request, question, "breakdown.html")


@pages.handle("GET /links/{link_id}/breakdown")
async def show_link_breakdown(request: WebRequest) -> Answer:
    link = await get_link(request)
    about = describe_link(request, link) | {"tab": "numbers"}
    return await render_rows(request, ask_of_link(request, link), "link_breakdown.html", **about)


def read_table(request: WebRequest, question: Question) -> str:
    """Raises NotFoundError for a breakdown that there is not, or not with this filter."""
    tables = choose_tables(BREAKDOWNS, question.value)
    table = request.read_query().get(TABLE) or tables[0]
    if table not in tables:
        raise NotFoundError("table", table)
    return table


async def render_rows(
    request: WebRequest, question: Question, template: str, **about: Any
) -> Answer:
    table = read_table(request, question)
    first = parse_id(request.read_query().get("after")) or 0
    counts = await count_rows(request.services.db, question, table)
    panel = build_panel(table, counts, question, first=first, most=PER_PAGE)
    return render(
        request,
        template,
        **about,
        **describe(question, table),
        panel=panel,
        first=first,
        next=first + PER_PAGE if first + PER_PAGE < panel.total else None,
    )


def describe(question: Question, table: str) -> dict[str, Any]:
    """`span` keeps the breakdown in its addresses, too."""
    span = question.span
    return {
        "question": question,
        "span": replace(span, filters={**span.filters, TABLE: table}),
        "table": table,
        "title": BREAKDOWNS[table].title,
        "choices": CHOICES,
    }
