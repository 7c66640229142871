import pytest

from shorty.web.numbers import (
    MINUS,
    Change,
    tell_change,
    write_compact,
    write_count,
    write_plural,
    write_share,
)

TIMES = "\N{MULTIPLICATION SIGN}"


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0"),
        (1234, "1,234"),
        (9999, "9,999"),
        (10_000, "10 k"),
        (12_345, "12.3 k"),
        (123_456, "123 k"),
        (999_499, "999 k"),
        (999_500, "1 M"),
        (4_560_000, "4.56 M"),
        (999_999_999, "1 bn"),
        (12_300_000_000_000, "12,300 bn"),
    ],
)
def test_large_counts_are_shortened(count: int, text: str) -> None:
    assert write_compact(count).replace("\N{NARROW NO-BREAK SPACE}", " ") == text


@pytest.mark.parametrize(
    ("now", "before", "text", "direction"),
    [
        (0, 0, "no change", "same"),
        (5, 5, "no change", "same"),
        (5, 0, "new", "up"),
        (0, 5, MINUS + "100 %", "down"),
        (110, 100, "+10 %", "up"),
        (1000, 990, "+1.0 %", "up"),
        (99, 100, MINUS + "1.0 %", "down"),
        (1099, 100, "+999 %", "up"),
        (1200, 100, TIMES + "12", "up"),
        (5_000_000, 1, TIMES + "5 M", "up"),
    ],
)
def test_a_change_is_told_with_its_direction(
    now: int, before: int, text: str, direction: str
) -> None:
    change = tell_change(now, before)
    plain = change._replace(text=change.text.replace("\N{NARROW NO-BREAK SPACE}", " "))
    assert plain == Change(text, direction)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [(0, 0, "0 %"), (0, 9, "0 %"), (1, 1000, "<1 %"), (1, 3, "33 %"), (9, 9, "100 %")],
)
def test_a_share_is_in_percent(part: int, whole: int, text: str) -> None:
    assert write_share(part, whole).replace("\N{NARROW NO-BREAK SPACE}", " ") == text


def test_one_of_a_thing_is_not_many() -> None:
    assert [write_plural(each, "click") for each in (0, 1, 2000)] == [
        "0 clicks",
        "1 click",
        "2,000 clicks",
    ]
    assert write_count(1_000_000) == "1,000,000"
