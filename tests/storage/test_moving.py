"""Rows between two engines: the same values after packing and unpacking."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shorty.errors import StartError
from shorty.storage.moving import Cell, Column, Kind, Table, pack_rows, unpack_rows

KINDS: tuple[Kind, ...] = ("integer", "text", "blob")
TABLE = Table("t", tuple(Column(kind, kind) for kind in KINDS))
numbers = st.integers(-(2**63), 2**63 - 1)
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
rows = st.lists(st.tuples(st.none() | numbers, st.none() | texts, st.none() | st.binary()))


@given(rows)
def test_rows_are_the_same_after_the_way(given: list[tuple[Cell, ...]]) -> None:
    assert [tuple(row) for row in unpack_rows(TABLE, pack_rows(TABLE, given))] == given


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ((1.5, "a", b""), "The column integer of the table t is not of the type integer"),
        ((1, 2, b""), "The column text of the table t is not of the type text, where integer = 1"),
        ((1, "a", "b"), "The column blob of the table t is not of the type blob"),
        ((1, "a\0", b""), "The column text of the table t contains a null character"),
    ],
)
def test_a_value_of_another_type_is_named(row: tuple[Cell, ...], said: str) -> None:
    with pytest.raises(StartError, match=said):
        list(pack_rows(TABLE, [row]))
