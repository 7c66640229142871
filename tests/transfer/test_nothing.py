"""Signs for a value that is missing."""

import pytest

from shorty.transfer.nothing import is_database_null, is_no_limit, is_no_time, is_nothing

SIGNS = ["", " ", "NULL", "\\N", "None", "nil", "-", "(null)", "undefined", "N/A"]


@pytest.mark.parametrize("text", SIGNS)
def test_a_sign_is_nothing_for_times_and_limits_too(text: str) -> None:
    assert is_nothing(text)
    assert is_no_time(text)
    assert is_no_limit(text)


@pytest.mark.parametrize(
    "text", ["0000-00-00", "0000-00-00 00:00:00", "never", "0001-01-01T00:00:00Z"]
)
def test_no_time_is_nothing_for_times_alone(text: str) -> None:
    assert is_no_time(text)
    assert not is_nothing(text)
    assert not is_no_time("0001-01-01T00:00:01")


def test_a_limit_of_zero_is_one() -> None:
    assert not is_no_limit("0")
    assert is_no_limit("-1")
    assert is_no_limit("unlimited")


def test_a_text_can_be_none_but_not_a_database_null() -> None:
    assert [text for text in SIGNS if is_database_null(text)] == ["NULL", "\\N"]
