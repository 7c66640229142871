"""Looks at all the cells of a column for what only all of them show.

Which of its meanings a name such as `code` has, whether days or months come first in times, and
what separates thousands. It takes a first pass over the table.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Final

from shorty.transfer.column_names import DOUBTFUL, NAMES, Nature
from shorty.transfer.files import Fault
from shorty.transfer.nothing import is_nothing
from shorty.transfer.numbers import read_decimal_sign
from shorty.transfer.short_links import is_short_url
from shorty.transfer.states import LIMIT_FIELDS, REMAINING_FIELDS, START_FIELDS
from shorty.transfer.tables import Table
from shorty.transfer.times import DayOrder, read_order

_TIME_FIELDS: Final = ("created", "updated", "expires", "starts")
_NUMBER_FIELDS: Final = ("clicks", "scans", "bio clicks", "max clicks")
# Words in them can be meant, such as the slug "none": but not in several rows.
TEXTS: Final = ("slug", "title", "description")
LONGEST_WORD: Final = 2000

_STATUSES: Final = frozenset({"301", "302", "303", "307", "308", "403", "404", "410", "451"})
_FLAGS: Final = frozenset({"true", "false", "yes", "no", "0", "1"})
_URL: Final = re.compile(r"[a-z][a-z0-9+.-]*:\S", re.IGNORECASE)
_PATH: Final = re.compile(r"/[^\s/]\S*")
_WORD: Final = re.compile(r"/?[^\s/:]+(?:/[^\s/]+)*/?")
_TESTS: Final[Mapping[Nature, Callable[[str], object]]] = {
    Nature.STATUS: _STATUSES.__contains__,
    Nature.FLAG: lambda text: text.lower() in _FLAGS,
    Nature.URL: _URL.match,
    Nature.SHORT_URL: is_short_url,
    Nature.PATH: lambda text: len(text) <= LONGEST_WORD and _PATH.fullmatch(text),
    Nature.WORD: lambda text: len(text) <= LONGEST_WORD and _WORD.fullmatch(text),
    Nature.ANY: lambda _: True,
}


class Profile:
    """What all the cells of a column have in common."""

    def __init__(self) -> None:
        self.natures = list(_TESTS)
        self.decimal_signs: set[str] = set()
        self._orders: set[DayOrder] = set()
        self._signs: Counter[str] = Counter()

    def add(self, text: str) -> None:
        if is_nothing(text):
            self._signs[text] += 1
            return
        self.natures = [nature for nature in self.natures if _TESTS[nature](text)]

    def add_time(self, text: str) -> None:
        if (order := read_order(text)) is not None:
            self._orders.add(order)

    def add_number(self, text: str) -> None:
        if sign := read_decimal_sign(text):
            self.decimal_signs.add(sign)

    @property
    def order(self) -> DayOrder | None:
        """None also where the column has both."""
        return next(iter(self._orders)) if len(self._orders) == 1 else None

    def is_nothing(self, text: str) -> bool:
        """Whether this sign means that a text is missing."""
        return self._signs[text] > 1


def read_profiles(table: Table, named: Mapping[str, Iterable[str]]) -> dict[str, Profile]:
    """Of the columns that need one. Reads the whole table; `named` are columns by our fields."""
    profiles = {column: Profile() for column in table.columns}
    watched = [
        *((column, Profile.add) for column in [*DOUBTFUL, *list_columns(TEXTS, named)]),
        *(
            (column, Profile.add_time)
            for column in [*START_FIELDS, *list_columns(_TIME_FIELDS, named)]
        ),
        *(
            (column, Profile.add_number)
            for column in [*LIMIT_FIELDS, *REMAINING_FIELDS, *list_columns(_NUMBER_FIELDS, named)]
        ),
    ]
    adders = [(each, partial(add, profiles[each])) for each, add in watched if each in profiles]
    for row in table.read_rows():
        if isinstance(row, Fault):
            continue
        for column, add in adders:
            if text := row.cells.get(column):
                add(text)
    return profiles


def list_columns(fields: Iterable[str], named: Mapping[str, Iterable[str]]) -> set[str]:
    return {
        column
        for field in fields
        for columns in (NAMES.get(field, ()), named.get(field, ()))
        for column in columns
    }
