"""Text of people is isolated where a part of it runs from right to left."""

import pytest
from markupsafe import Markup

from shorty.bidi import isolate, write_isolated, write_left_to_right

FSI, PDI = "\u2068", "\u2069"


@pytest.mark.parametrize("text", ["", "Sale", "Soirée d'été", "夏のセール", "12.5"])
def test_text_from_left_to_right_stays_as_it_is(text: str) -> None:
    assert isolate(text) == text


@pytest.mark.parametrize("text", ["שלום", "Sale שלום", "مرحبا", "١٢"])
def test_text_from_right_to_left_stands_between_isolates(text: str) -> None:
    assert isolate(text) == f"{FSI}{text}{PDI}"


@pytest.mark.parametrize("control", [*"\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"])
def test_controls_of_direction_cannot_end_the_isolation(control: str) -> None:
    assert isolate(f"שלום{control}") == f"{FSI}שלום{PDI}"
    assert isolate(f"Sale{control}x") == "Salex"


def test_html_is_escaped_and_isolated() -> None:
    assert write_isolated("<b>") == Markup("<bdi>&lt;b&gt;</bdi>")
    assert write_left_to_right("a&b") == Markup('<bdi dir="ltr">a&amp;b</bdi>')
