"""Reads the cells of a row by our fields, as the whole column says."""

from typing import Final

from shorty.transfer.column_names import OTHERS
from shorty.transfer.columns import Columns
from shorty.transfer.nothing import is_database_null, is_nothing
from shorty.transfer.numbers import parse_number
from shorty.transfer.profiles import TEXTS
from shorty.transfer.states import LIMIT_FIELDS, REMAINING_FIELDS, START_FIELDS
from shorty.transfer.tables import Row
from shorty.transfer.times import DayOrder, parse_set_time

# Fields whose columns `terms.read_terms` finds by their names, and one of these.
TERMS: Final = {
    "starts": "validsince",
    "max clicks": "maxclicks",
    "active": "isactive",
    "password": "password",
}


class Cells:
    """The cells of a row by our fields."""

    def __init__(self, row: Row, columns: Columns) -> None:
        self._cells = row.cells
        self._columns = columns
        self.place = row.place

    def read(self, field: str) -> str:
        """Empty where the row says nothing."""
        return self._find(field)[1]

    def _find(self, field: str) -> tuple[str, str]:
        for column in self._columns.fields.get(field, ()):
            text = self._cells.get(column)
            if text and not self._is_nothing(field, column, text):
                return column, text
        return "", ""

    def _is_nothing(self, field: str, column: str, text: str) -> bool:
        if self._columns.is_own or field == "password":
            return False
        if field in OTHERS:
            return is_database_null(text)
        if field not in TEXTS:
            return is_nothing(text) or (field == "domain" and text.lower() == "default")
        profile = self._columns.profiles.get(column)
        is_repeated = profile is not None and profile.is_nothing(text)
        return is_repeated or (is_database_null(text) if field != "slug" else text == "\\N")

    def read_time(self, field: str) -> int | None:
        """Raises ValueError."""
        column, text = self._find(field)
        return parse_set_time(text, self._get_order(column))

    def _get_order(self, column: str) -> DayOrder | None:
        profile = self._columns.profiles.get(column)
        return profile.order if profile else None

    def read_number(self, field: str) -> int:
        """0 where the row says nothing. Raises ValueError."""
        column, text = self._find(field)
        return self._parse_number(column, text) if text and text != "-1" else 0

    def _parse_number(self, column: str, text: str) -> int:
        profile = self._columns.profiles.get(column)
        return parse_number(text, profile.decimal_signs if profile else None)

    def list_terms(self) -> dict[str, str]:
        """What `terms.read_terms` judges, its numbers in plain digits."""
        fields = self._columns.fields
        read = self._columns.list_read() | self._columns.ignored
        cells = {column: text for column, text in self._cells.items() if column not in read}
        for field, column in TERMS.items():
            if text := self.read(field):
                cells[column] = text
            elif fields.get(field):
                cells.pop(column, None)
        for column in cells.keys() & {*LIMIT_FIELDS, *REMAINING_FIELDS}:
            cells[column] = self._spell_number(column, cells[column])
        return cells

    def _spell_number(self, column: str, text: str) -> str:
        try:
            return str(self._parse_number(column, text))
        except ValueError:
            return text  # which says the same to whoever reads it

    def read_start(self, text: str) -> int | None:
        """The time when the link starts. Raises ValueError."""
        named = self._columns.fields.get("starts", ())
        column = next((each for each in (*named, *START_FIELDS) if each in self._cells), "")
        return parse_set_time(text, self._get_order(column))
