"""Signs for a value that is missing."""

import pytest

from shorty.transfer.nothing import is_database_null, is_no_time, is_nothing, is_unset

SIGNS = ["", " ", "NULL", "\\N", "None", "nil", "-", "(null)", "undefined", "N/A"]


@pytest.mark.parametrize("text", SIGNS)
def test_a_sign_is_nothing_for_times_and_states_too(text: str) -> None:
    assert is_nothing(text)
    assert is_no_time(text)
    assert is_unset(text)


@pytest.mark.parametrize(
    "text", ["0000-00-00", "0000-00-00 00:00:00", "never", "0001-01-01T00:00:00Z"]
)
def test_no_time_is_nothing_for_times_alone(text: str) -> None:
    assert is_no_time(text)
    assert not is_nothing(text)
    assert not is_no_time("0001-01-01T00:00:01")


def test_an_empty_list_is_no_state() -> None:
    assert all(map(is_unset, ("[]", "{}", "NA", "never", "0000-00-00")))
    assert not any(map(is_unset, ("0", "no", "false", "none of them")))


def test_a_text_can_be_none_but_not_a_database_null() -> None:
    assert [text for text in SIGNS if is_database_null(text)] == ["NULL", "\\N"]
