"""The cookie that remembers a link's password."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shorty.redirect.cookies import MOST_VALUES
from shorty.redirect.password import LIFETIME_S, build_cookie, is_cookie_valid
from tests.redirect.factory import NOW

SECRET = b"s" * 32
HASH = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA"


def make_cookie(*, slug: str = "sale", is_secure: bool = False) -> str:
    return build_cookie(
        SECRET, link_id=7, slug=slug, password_hash=HASH, now=NOW, is_secure=is_secure
    )


def is_valid(
    header: str,
    *,
    secret: bytes = SECRET,
    link_id: int = 7,
    password_hash: str = HASH,
    now: int = NOW,
    is_secure: bool = False,
) -> bool:
    return is_cookie_valid(
        secret,
        header,
        link_id=link_id,
        password_hash=password_hash,
        now=now,
        is_secure=is_secure,
    )


def test_the_cookie_is_for_this_path_only_and_out_of_reach_of_scripts() -> None:
    first, *attributes = make_cookie().split("; ")
    assert first.startswith("shorty-7=")
    assert attributes == ["Path=/sale", "Max-Age=3600", "HttpOnly", "SameSite=Lax"]


def test_the_cookie_is_this_text() -> None:
    """A fixed text: a cookie written by an earlier release opens its link."""
    value = "1795352400.Qyojnf8rA11VatQSMx5xK8I06yHW6X4-MGuDP6DWf_k"
    secret, ends_at = bytes(range(32)), 1_795_352_400_000
    assert build_cookie(
        secret, link_id=7, slug="sale", password_hash=HASH, now=ends_at - 3_599_001, is_secure=True
    ) == (f"__Secure-shorty-7={value}; Path=/sale; Max-Age=3600; HttpOnly; SameSite=Lax; Secure")
    assert is_valid(f"shorty-7={value}", secret=secret, now=ends_at - 1)
    assert not is_valid(f"shorty-7={value}", secret=secret, now=ends_at)


def test_the_cookie_is_secure_behind_tls() -> None:
    cookie = make_cookie(is_secure=True)
    assert cookie.startswith("__Secure-shorty-7=")
    assert cookie.endswith("; Secure")
    assert is_valid(cookie.split(";")[0], is_secure=True)


def test_a_cookie_without_the_prefix_counts_for_nothing_over_https() -> None:
    assert not is_valid(make_cookie().split(";")[0], is_secure=True)
    assert not is_valid(make_cookie(is_secure=True).split(";")[0])


def test_the_path_of_an_emoji_is_what_browsers_send() -> None:
    assert "; Path=/%F0%9F%8E%89; " in make_cookie(slug="🎉")


def test_it_opens_its_link_for_an_hour() -> None:
    header = "other=1; " + make_cookie().split(";")[0] + "; more=2"
    assert is_valid(header)
    assert is_valid(header, now=NOW + LIFETIME_S * 1000 - 1000)
    assert not is_valid(header, now=NOW + LIFETIME_S * 1000)


def test_it_opens_nothing_else() -> None:
    header = make_cookie().split(";")[0]
    assert not is_valid(header, secret=b"t" * 32)
    assert not is_valid(header, password_hash=HASH + "x")
    assert not is_valid(header.replace("shorty-7", "shorty-8"), link_id=8)
    assert not is_valid(header, link_id=8)


def test_only_a_few_values_of_its_name_are_tried() -> None:
    good = make_cookie().split(";")[0]
    stale = "; ".join(["shorty-7=1.x"] * (MOST_VALUES - 1))
    assert is_valid(f"{stale}; {good}")
    assert not is_valid(f"{stale}; shorty-7=1.x; {good}")


def test_a_stale_cookie_before_it_does_not_hide_it() -> None:
    assert is_valid("shorty-7=1.x; " + make_cookie().split(";")[0])


@pytest.mark.parametrize("header", ["", ";", "shorty-7", "shorty-7=", "shorty-7=\udcff.é"])
def test_what_is_no_cookie_of_ours_opens_nothing(header: str) -> None:
    assert not is_valid(header)


@given(st.text(max_size=60))
def test_no_made_up_value_opens_the_link(value: str) -> None:
    assert not is_valid(f"shorty-7={value}")


@given(st.integers(0, 9), st.characters(min_codepoint=33, max_codepoint=126))
def test_the_hour_cannot_be_made_longer(position: int, character: str) -> None:
    name, _, value = make_cookie().split(";")[0].partition("=")
    changed = value[:position] + character + value[position + 1 :]
    assert is_valid(f"{name}={changed}") == (changed == value)
