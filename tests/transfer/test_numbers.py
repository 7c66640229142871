"""Whole numbers, with the signs of many countries."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shorty.transfer.numbers import parse_number, read_decimal_sign


@pytest.mark.parametrize(
    ("text", "number"),
    [
        *(("0", 0), ("1024", 1024), ("1,024", 1024), ("1.024", 1024), ("1 024", 1024)),
        *(("1\u202f024", 1024), ("1'024", 1024), ("1.234.567", 1234567), ("12,0", 12)),
        *(("12.00", 12), ("1.024,0", 1024), ("1,024.0", 1024), ("1234.000", 1234)),
    ],
)
def test_a_number_is_read_alone(text: str, number: int) -> None:
    assert parse_number(text) == number


@pytest.mark.parametrize(
    "text", ["", "ten", "-5", "1.5", "1,23,4", "1.2K", "12.3456", "1234567890123", "1 2", "9" * 99]
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^.* is not a whole number"):
        parse_number(text)


@pytest.mark.parametrize(
    ("text", "sign"),
    [
        *(("12,0", ","), ("12.50", "."), ("0.125", "."), ("1.234,500", ","), ("1234.567", ".")),
        *(("1.234", ""), ("1,234", ""), ("1.234.567", ""), ("12", ""), ("", ""), ("1" * 99, "")),
    ],
)
def test_a_decimal_sign_is_one_that_can_separate_no_thousands(text: str, sign: str) -> None:
    assert read_decimal_sign(text) == sign


def test_the_column_says_whether_a_sign_separates_thousands() -> None:
    assert parse_number("1.234", {","}) == 1234
    assert parse_number("7.000", {"."}) == 7
    with pytest.raises(ValueError, match="not a whole number"):
        parse_number("1.234", {"."})


@given(st.integers(0, 10**12 - 1))
def test_a_number_comes_back_from_every_way_to_write_it(number: int) -> None:
    for sign in (",", ".", " ", "'"):
        assert parse_number(f"{number:,}".replace(",", sign), set()) == number
    assert parse_number(f"{number}.0") == number
