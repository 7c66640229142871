"""Tags in the many ways in which tables have them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shorty.transfer.tag_lists import parse_own_tags, parse_tags


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("a, b,a,,", ("a", "b")),
        ("a|b c", ("a", "b c")),
        ("a;b", ("a", "b")),
        ("spring sale", ("spring sale",)),
        ('["a", "b c", 2024]', ("a", "b c", "2024")),
        ('[{"id": 1, "name": "a"}, {"name": "b"}]', ("a", "b")),
        ("['a', 'b c']", ("a", "b c")),
        ("[a, b]", ("a", "b")),
        ('{a,"b, c"}', ("a", "b, c")),
        ("{a}", ("a",)),
        ("(a; b)", ("a", "b")),
        ("#a #b", ("a", "b")),
        ("#a, #b c", ("a", "b c")),
        ("C#", ("C#",)),
        ("[]", ()),
        ("{}", ()),
        ("#", ()),
        ("5\" pipe, rock 'n' roll", ('5" pipe', "rock 'n' roll")),
        ("[" * 9999, ("[" * 9999,)),
    ],
)
def test_signs_around_tags_are_no_part_of_them(text: str, tags: tuple[str, ...]) -> None:
    assert parse_tags(text) == tags


@given(st.text())
def test_any_text_is_some_tags(text: str) -> None:
    assert all(tag and tag == tag.strip() for tag in parse_tags(text))


def test_tags_of_our_own_table_may_begin_with_any_sign() -> None:
    assert parse_own_tags("#a, [b], c|d") == ("#a", "[b]", "c|d")
