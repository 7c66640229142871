"""Cells that a spreadsheet runs nothing of, and that are read back as they were."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shorty.transfer.tables import parse_cell, write_cell, write_rows

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
signs = st.text(st.sampled_from("'=+-@\t\r a"))


@given(texts | signs)
def test_a_text_comes_back_as_it_was(text: str) -> None:
    written = write_cell(text)
    assert not written.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert parse_cell(written) == text


@given(st.lists(st.lists(texts, min_size=2, max_size=3), max_size=3))
def test_rows_come_back_as_they_were(rows: list[list[str]]) -> None:
    assert list(csv.reader(io.StringIO(write_rows(rows).decode(), newline=""))) == rows


@pytest.mark.parametrize(
    ("value", "cell"), [(None, ""), (True, "true"), (False, "false"), (-5, "-5"), ("a", "a")]
)
def test_other_values_are_written_plainly(value: str | int | bool | None, cell: str) -> None:
    assert write_cell(value) == cell
