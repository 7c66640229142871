"""Lets the rows of breakdowns filter by their value, and chooses those shown with a filter."""

from collections.abc import Iterable
from urllib.parse import urlencode

from msgspec.structs import replace

from shorty.web.analytics_filters import KINDS, NONE, ValueFilter, can_filter
from shorty.web.date_range import Span
from shorty.web.statistics import Bar, Panel


def link_rows(
    panels: Iterable[Panel], span: Span, place: str, value: ValueFilter | None
) -> list[Panel]:
    """The panels that can be shown with the filter, their rows with the addresses they lead to.

    Beside its own, a country has its cities, which come in already chosen.
    """
    shown = [each for each in panels if value is None or each.name in list_names(value)]
    kept = {key: each for key, each in span.filters.items() if key not in KINDS}
    query = replace(span, filters=kept).write_query()
    start = f"{place}{query}&" if query else f"{place}?"
    return [
        replace(panel, bars=[_link_row(bar, panel.name, start, value) for bar in panel.bars])
        for panel in shown
    ]


def list_names(value: ValueFilter) -> tuple[str, ...]:
    return (value.name, "city") if value.name == "country" else (value.name,)


def _link_row(bar: Bar, name: str, start: str, value: ValueFilter | None) -> Bar:
    """`start` is the address up to its filter by a value; a page may have hundreds of rows."""
    if name not in KINDS or not can_filter(name, bar.value, bar.name):
        return bar
    wanted = bar.value or NONE
    if value is not None and (value.name, value.value) == (name, wanted):
        return replace(bar, is_chosen=True)
    return replace(bar, query=start + urlencode({name: wanted}))
