"""Says what of a link's rules is allowed but can have no effect on this server."""

from collections.abc import Iterable
from typing import Final

from shorty.links.model import Link
from shorty.links.rules import Rules

MOST_WARNINGS: Final = 100
_PLACES: Final = {"region": "regions", "city": "cities"}


def list_warnings(rules: Rules, *, names_cities: bool) -> list[str]:
    """`names_cities`: whether regions and cities of visitors are known."""
    if names_cities:
        return []
    return [
        f"rules[{place}].conditions[{index}]: this server has no database of "
        f"{_PLACES[condition.type]}, so the condition never holds."
        for place, rule in enumerate(rules)
        for index, condition in enumerate(rule.conditions)
        if condition.type in _PLACES
    ]


def list_warnings_of_links(links: Iterable[Link], *, names_cities: bool) -> list[str]:
    """Those of several links, each with the link's id; so many as are worth reading."""
    found = [
        f"Link {link.id}, {warning}"
        for link in links
        for warning in list_warnings(link.rules, names_cities=names_cities)
    ]
    return found[:MOST_WARNINGS]
