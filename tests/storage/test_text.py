import pytest

from shorty.storage.text import SHOWN_LENGTH, contains_folded, fold_text, show_text


@pytest.mark.parametrize(
    ("text", "same"),
    [("Sale", "SALE"), ("Stra\u00dfe", "STRASSE"), ("caf\u00e9", "CAFE\u0301"), ("", "")],
)
def test_what_readers_take_for_the_same_has_one_spelling(text: str, same: str) -> None:
    assert fold_text(text) == fold_text(same)


def test_a_text_is_found_in_any_field_in_any_spelling() -> None:
    assert contains_folded("caf\u00e9", None, "The CAFE\u0301 here")
    assert not contains_folded("caf\u00e9", None, "cafe")
    assert not contains_folded("a", None)


def test_a_terminal_gets_the_start_without_control_characters() -> None:
    assert show_text("a\x1b[31mb\n") == "a\ufffd[31mb\ufffd"
    longest = "x" * SHOWN_LENGTH
    assert show_text(longest) == longest
    assert show_text(f"{longest}y") == f"{longest}\u2026"
