"""What countries are called, by their ISO 3166-1 codes, and their flags."""

import re
from functools import cache
from importlib import resources
from typing import Final

from shorty.clicks.stats import WORD_FOR_OTHERS

UNKNOWN: Final = "Unknown"
OTHERS: Final = "Others"
# Where the list of the time zone database sorts by a word of its own, or has none.
NAMES: Final = {
    "AS": "American Samoa",
    "CD": "DR Congo",
    "CF": "Central African Republic",
    "CG": "Congo",
    "CZ": "Czechia",
    "EU": "European Union",
    "FM": "Micronesia",
    "GB": "United Kingdom",
    "KP": "North Korea",
    "KR": "South Korea",
    "MF": "Saint Martin",
    "MM": "Myanmar",
    "SX": "Sint Maarten",
    "SZ": "Eswatini",
    "TC": "Turks & Caicos Islands",
    "TF": "French Southern Territories",
    "TR": "Türkiye",
    "VG": "British Virgin Islands",
    "VI": "US Virgin Islands",
    "WS": "Samoa",
    "XK": "Kosovo",
}
_CODE: Final = re.compile("[A-Z]{2}")
_FIRST_FLAG_LETTER: Final = ord("\N{REGIONAL INDICATOR SYMBOL LETTER A}")


def name_country(code: str | None) -> str:
    """The usual English name; the code itself where nothing is known of it."""
    if code is None:
        return UNKNOWN
    if code == WORD_FOR_OTHERS:
        return OTHERS
    return NAMES.get(code) or read_names().get(code) or code


def write_flag(code: str | None) -> str:
    """An emoji; empty for what is no country's code."""
    if code is None or not _CODE.fullmatch(code):
        return ""
    return "".join(chr(_FIRST_FLAG_LETTER + ord(letter) - ord("A")) for letter in code)


@cache
def read_names() -> dict[str, str]:
    text = resources.files("tzdata").joinpath("zoneinfo", "iso3166.tab").read_text("utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return {code: name for code, _, name in (line.partition("\t") for line in lines)}
