"""Reads the numbers on a page like a person: figures by their names, tables by their titles."""

import re

from tests.web.browser import read_text

_FIGURE = re.compile(r'<dt>([^<]+)</dt>\s*<dd class="value"(?: title="([^"]+)")?>([^<]+)</dd>')
_ROW = re.compile(r"<tr>(.*?)</tr>", re.DOTALL)
_CELL = re.compile(r"<t[hd][^>]*>(.*?)</t[hd]>", re.DOTALL)


def read_number(text: str) -> int:
    return int(text.replace(",", ""))


def read_figures(page: str) -> dict[str, int]:
    return {name: read_number(whole or short) for name, whole, short in _FIGURE.findall(page)}


def read_rows(page: str, title: str) -> list[list[str]]:
    """The cells of the tables in the section with that title, without table heads."""
    section = page.partition(f">{title}</h2>")[2].partition("</section>")[0]
    return _read_rows(section)


def read_counts(page: str, title: str) -> list[tuple[str, int]]:
    """Names, without flags, and clicks."""
    return [
        (re.sub(r"^[^\w<]+", "", name), read_number(clicks))
        for name, clicks, *_ in read_rows(page, title)
    ]


def read_series(page: str) -> list[tuple[str, int, int, int]]:
    """The table of the chart: time, clicks, visitors, previous clicks."""
    table = page.partition('<table class="numbers">')[2].partition("</table>")[0]
    return [
        (when, read_number(clicks), read_number(visitors), read_number(before))
        for when, clicks, visitors, before in _read_rows(table)[1:]
    ]


def _read_rows(part: str) -> list[list[str]]:
    return [[read_text(cell) for cell in _CELL.findall(row)] for row in _ROW.findall(part)]
