from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shorty.web.formatting import (
    COUNTRY_NAMES,
    MINUS,
    Change,
    name_country,
    read_country_names,
    read_input,
    tell_change,
    write_compact,
    write_count,
    write_destination,
    write_flag,
    write_input,
    write_moment,
    write_plural,
    write_share,
    write_url,
    write_utc,
)
from shorty.webcore.times import FIRST, LAST, format_time

TIMES = "\N{MULTIPLICATION SIGN}"


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0"),
        (1234, "1,234"),
        (9999, "9,999"),
        (10_000, "10k"),
        (12_345, "12.3k"),
        (123_456, "123k"),
        (999_499, "999k"),
        (999_500, "1M"),
        (4_560_000, "4.56M"),
        (999_999_999, "1bn"),
        (12_300_000_000_000, "12,300bn"),
    ],
)
def test_large_counts_are_shortened(count: int, text: str) -> None:
    assert write_compact(count) == text


@pytest.mark.parametrize(
    ("now", "before", "text", "direction"),
    [
        (0, 0, "no change", "same"),
        (5, 5, "no change", "same"),
        (5, 0, "new", "up"),
        (100_049, 100_000, "about the same", "same"),
        (99_951, 100_000, "about the same", "same"),
        (100_050, 100_000, "+0.1%", "up"),
        (0, 5, MINUS + "100%", "down"),
        (110, 100, "+10%", "up"),
        (1000, 990, "+1.0%", "up"),
        (99, 100, MINUS + "1.0%", "down"),
        (1099, 100, "+999%", "up"),
        (1200, 100, TIMES + "12", "up"),
        (5_000_000, 1, TIMES + "5M", "up"),
    ],
)
def test_a_change_is_told_with_its_direction(
    now: int, before: int, text: str, direction: str
) -> None:
    assert tell_change(now, before) == Change(text, direction)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [(0, 0, "0%"), (0, 9, "0%"), (1, 1000, "<1%"), (1, 3, "33%"), (9, 9, "100%")],
)
def test_a_share_is_in_percent(part: int, whole: int, text: str) -> None:
    assert write_share(part, whole) == text


def test_one_of_a_thing_is_not_many() -> None:
    assert [write_plural(each, "click") for each in (0, 1, 2000)] == [
        "0 clicks",
        "1 click",
        "2,000 clicks",
    ]
    assert write_count(1_000_000) == "1,000,000"


ZONES = ("UTC", "America/New_York", "Europe/Berlin", "Pacific/Kiritimati")


@given(st.integers(FIRST, LAST), st.sampled_from(ZONES))
def test_every_time_can_be_shown(at: int, name: str) -> None:
    zone = ZoneInfo(name)
    assert write_moment(at, zone)
    assert write_input(at, zone)
    assert write_utc(at)


@pytest.mark.parametrize("at", [FIRST, LAST])
@pytest.mark.parametrize("name", ZONES)
def test_the_first_and_the_last_time_can_be_shown(at: int, name: str) -> None:
    assert write_moment(at, ZoneInfo(name))


@pytest.mark.parametrize("text", ["0001-01-01T00:00", "9999-12-31T23:59"])
@pytest.mark.parametrize("name", ZONES)
def test_what_was_typed_can_be_written_again(text: str, name: str) -> None:
    at = read_input(text, ZoneInfo(name))
    assert at is not None
    assert format_time(at)
    assert write_utc(at)


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("NO", "Norway"),
        ("US", "United States"),
        ("GB", "United Kingdom"),
        ("KR", "South Korea"),
        ("XK", "Kosovo"),
        (None, "Unknown"),
        ("other", "Others"),
        ("QZ", "QZ"),
    ],
)
def test_countries_have_names(code: str | None, name: str) -> None:
    assert name_country(code) == name


def test_every_country_of_the_standard_has_a_name_of_its_own() -> None:
    codes = {*read_country_names(), *COUNTRY_NAMES}
    assert len(read_country_names()) == 249
    assert len({name_country(code) for code in codes}) == len(codes)


@pytest.mark.parametrize(
    ("code", "flag"), [("NO", "🇳🇴"), (None, ""), ("other", ""), ("no", ""), ("N1", "")]
)
def test_a_flag_is_written_from_the_code(code: str | None, flag: str) -> None:
    assert write_flag(code) == flag


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("https://example.de/app", "example.de/app"),
        ("https://example.de/", "example.de"),
        ("http://example.de:8080/a/?b=/c", "example.de:8080/a/?b=/c"),
        ("https://xn--bcher-kva.example/x", "bücher.example/x"),
        ("https://xn--bcher-kva.example:8443?x=1", "bücher.example:8443?x=1"),
        ("https://ann:xn--a@xn--bcher-kva.example/", "ann:xn--a@bücher.example"),
        ("https://example.de?x=1", "example.de?x=1"),
        ("mailto:ann@example.com", "mailto:ann@example.com"),
        ("tel:+49301234", "tel:+49301234"),
    ],
)
def test_a_destination_is_shown_with_its_host_as_people_write_it(url: str, text: str) -> None:
    assert write_destination(url) == text
    assert write_url(url).removesuffix("/").endswith(text)
