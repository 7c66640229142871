"""Hosts are shown in Unicode only where nobody could take them for others."""

import idna
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shorty.idn import write_host


def encode(host: str) -> str:
    return idna.encode(host, uts46=True).decode()


@pytest.mark.parametrize(
    "host",
    [
        *("bücher.example", "straße.de", "jōyō.example", "việt.example"),
        *("пример.рф", "москва.com", "παράδειγμα.gr", "שלום.example", "مثال.example"),
        *("日本語.jp", "ブログ.jp", "ラーメンabc.jp", "한국어.kr", "मराठी.in", "ไทยนะ.th"),
        *("go.bücher.example", "pcソフト.jp", "tシャツ一番.jp", "一丸.jp"),
    ],
)
def test_a_host_of_one_script_is_shown_as_people_write_it(host: str) -> None:
    assert write_host(encode(host)) == host
    assert write_host(f"{encode(host)}:8443") == f"{host}:8443"


@pytest.mark.parametrize(
    "host",
    [
        "g\N{CYRILLIC SMALL LETTER O}ogle.com",
        "аррӏе.com",  # noqa: RUF001 - Cyrillic alone
        "ехо.com",  # noqa: RUF001 - Cyrillic alone
        "νυκ.com",
        "p\N{LATIN SMALL LETTER DOTLESS I}ng.com",
        "na\N{LATIN SMALL LETTER KRA}e.com",
        "ⴰⴱⴳ.com",
        "αж.com",
        "example.com\N{KATAKANA LETTER NO}login.jp",
        "example.com\N{CJK UNIFIED IDEOGRAPH-4E36}login.jp",
        "example.com\N{CJK UNIFIED IDEOGRAPH-4E3F}.jp",
        "example-com一secure.jp",
        "example.com\N{KATAKANA LETTER SO}\N{KATAKANA LETTER NO}login.jp",
        "ñ\N{KATAKANA LETTER NO}login.jp",
    ],
)
def test_a_host_that_could_pass_for_another_stays_as_the_dns_knows_it(host: str) -> None:
    assert write_host(encode(host)) == encode(host)


def test_letters_that_look_latin_are_shown_under_an_end_in_their_own_script() -> None:
    assert write_host(encode("ехо.рф")) == "ехо.рф"  # noqa: RUF001 - Cyrillic alone


@pytest.mark.parametrize(
    "host", ["go.example.com", "localhost:8000", "[::1]:8000", "xn--a.example"]
)
def test_any_other_host_stays_as_it_is(host: str) -> None:
    assert write_host(host) == host


@given(st.text(max_size=30))
def test_what_is_shown_is_always_the_same_host(text: str) -> None:
    try:
        host = encode(f"{text}.example")
    except (idna.IDNAError, UnicodeError):
        return
    assert encode(write_host(host)) == host
