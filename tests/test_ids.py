import pytest

from shorty.ids import parse_id


@pytest.mark.parametrize(
    ("value", "found"),
    [("0", 0), ("17", 17), ("007", 7), (17, 17), ("9" * 18, 10**18 - 1)],
)
def test_digits_are_an_id(value: object, found: int) -> None:
    assert parse_id(value) == found


@pytest.mark.parametrize(
    "value",
    [
        "",
        "x",
        "-1",
        "+1",
        "1.0",
        " 1",
        "1_0",
        "²",
        "\N{ARABIC-INDIC DIGIT ONE}",
        "9" * 19,
        -1,
        1.0,
        True,
        None,
        [],
    ],
)
def test_everything_else_is_none(value: object) -> None:
    assert parse_id(value) is None
