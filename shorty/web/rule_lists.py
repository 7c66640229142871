"""Lists of values as people write them: countries and languages by name, separated by commas."""

import re
from collections.abc import Callable
from typing import Final

from shorty.web.formatting import name_country, read_country_names
from shorty.web.rule_sentences import CONTINENT, CONTINENTS, LANGUAGES, name_language, name_place

LINES: Final = frozenset({"query", "city"})
"""Types of conditions whose values may have commas, and are written one per line."""


def split_list(text: str, *, is_lines: bool = False) -> list[str]:
    """The values of a written list, each once."""
    parts = re.split(r"\r?\n" if is_lines else r"[,;\r\n]+", text)
    return list(dict.fromkeys(part.strip() for part in parts if part.strip()))


def find_place(text: str) -> str:
    """The code of a country or continent that was written by its name; else the text itself."""
    return _PLACES.get(text.casefold(), text)


def find_language(text: str) -> str:
    return _LANGUAGES.get(text.casefold(), text)


def list_places() -> list[str]:
    """Every name that may be written, countries first."""
    countries = sorted(name_country(code) for code in read_country_names())
    return [*countries, name_place("EU"), *sorted(CONTINENTS.values())]


_PLACES: Final = {
    **{name.casefold(): f"{CONTINENT}{code}" for code, name in CONTINENTS.items()},
    **{name_country(code).casefold(): code for code in (*read_country_names(), "EU")},
    **{code.casefold(): code for code in (*read_country_names(), "EU")},
}
_LANGUAGES: Final = {name.casefold(): code for code, name in LANGUAGES.items()}
NAMERS: Final[dict[str, Callable[[str], str]]] = {
    "country": lambda value: name_place(value) if find_place(name_place(value)) == value else value,
    "language": lambda value: (
        name_language(value) if find_language(name_language(value)) == value else value
    ),
}
FINDERS: Final[dict[str, Callable[[str], str]]] = {
    "country": find_place,
    "language": find_language,
}
