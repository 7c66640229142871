from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shorty.accounts.emails import fold_email, read_email


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        (" Ann@A.Example\n", "ann@a.example"),
        ("o'brien+x@x.com", "o'brien+x@x.com"),
        ("ann@intranet", "ann@intranet"),
        ("owner@shorty.invalid", "owner@shorty.invalid"),
        ("Zoë.X@Example.ORG", "zoë.x@example.org"),
        (normalize("NFD", "zoë@x.com"), "zoë@x.com"),
        ("stra\N{LATIN SMALL LETTER SHARP S}e@x.com", "strasse@x.com"),
        ("mi\N{KELVIN SIGN}e@x.com", "mike@x.com"),
        ("boss@BÜCHER.example", "boss@xn--bcher-kva.example"),
        ("boss@XN--Bcher-kva.example", "boss@xn--bcher-kva.example"),
        ("boss@\N{FULLWIDTH LATIN CAPITAL LETTER C}orp.example", "boss@corp.example"),
        ("boss@corp\N{IDEOGRAPHIC FULL STOP}example", "boss@corp.example"),
        ("boss@fa\N{LATIN SMALL LETTER SHARP S}.de", "boss@xn--fa-hia.de"),
        ("boss@c\N{CYRILLIC SMALL LETTER O}rp.example", "boss@xn--crp-sed.example"),
    ],
)
def test_one_mailbox_has_one_spelling(typed: str, read: str) -> None:
    assert read_email(typed) == read == fold_email(typed)


@pytest.mark.parametrize(
    "text",
    [
        *("", "ann", "@x.com", "ann@", "a b@x.com", "a @x.com", "a@ x.com"),
        *("a@@x.com", "a@b@x.com", "<a@x.com>", "Ann <a@x.com>", '"a b"@x.com', '"a"@x.com'),
        *("a@x.com,b@x.com", "a@x.com b@x.com", "a@x.com;b@x.com", "team:a@x.com;"),
        *("a(c)@x.com", "a@x.com(c)", "a@[127.0.0.1]", "a@[", "a@x.com.", "a@x..com", "a@-x.com"),
        *(".a@x.com", "a.@x.com", "a..b@x.com", "a\\@b@x.com", "a@b%63.com", "a@x_y.com"),
        *("a\\@[@x.com", "a@xn--a.example", "a\n@b.c", "a\x00@x.com", "a@x.com\r\nBcc:b@x.com"),
        *("a\N{ZERO WIDTH SPACE}@x.com", "a\N{RIGHT-TO-LEFT OVERRIDE}@x.com"),
        *("a\N{GREEK QUESTION MARK}b@x.com", "\ud800@x.com", "a@\ud800.com"),
        *(f"{'a' * 65}@x.com", f"{'a' * 254}@b.c", "(" * 100_000),
    ],
)
def test_only_exactly_one_email_is_accepted(text: str) -> None:
    with pytest.raises(ValueError, match=r"must be an email|at most 254"):
        read_email(text)


@given(st.text(max_size=40), st.text(max_size=20))
def test_what_was_read_reads_as_itself(local: str, domain: str) -> None:
    try:
        read = read_email(f"{local}@{domain}.example")
    except ValueError:
        return
    assert read_email(read) == read


@given(st.text(max_size=300))
def test_any_text_can_be_looked_up(text: str) -> None:
    assert len(fold_email(text)) <= 254
