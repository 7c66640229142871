"""The token of every form: whose it is, and that no two pages show the same text."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shorty.web.form_tokens import FormOwner, read_form_token, write_form_token
from tests.api.house import House
from tests.rsgi_client import make_client
from tests.web.browser import TOKEN, Browser

SECRET: Final = bytes(range(32))
OWNER: Final = FormOwner(12, 7, 34)
# Of the first release whose tokens are masked; an open page must survive an upgrade.
WRITTEN: Final = (
    "QGkPc4KXX8ixdfSUEs78rxgYMmZNE2S1W7-T4uF4vIv4EWY7tXAEcuaBoZXQrxwJX99gF_ISdzt"
    "AaQ9zgpdfxLF19JQSzvyoGBgyZk0TZJeg_WR7yH40vDTteuRz8kNID45msRyica2L_HTgYGWxZQ"
)

IDS = st.integers(min_value=0, max_value=2**63 - 1)


@given(st.builds(FormOwner, IDS, IDS, IDS), st.text(min_size=1), st.binary(min_size=16))
def test_a_token_names_whom_it_was_written_for(owner: FormOwner, key: str, secret: bytes) -> None:
    assert read_form_token(secret, key, write_form_token(secret, key, owner)) == owner


def test_a_token_of_this_release_is_read() -> None:
    assert read_form_token(SECRET, "browser-key", WRITTEN) == OWNER


@pytest.mark.parametrize(("secret", "key"), [(SECRET, "other"), (SECRET, ""), (SECRET[1:], "key")])
def test_a_token_of_another_browser_or_server_is_none(secret: bytes, key: str) -> None:
    assert read_form_token(secret, key, write_form_token(SECRET, "key", OWNER)) is None


def test_no_browser_without_its_cookie_has_a_token() -> None:
    assert read_form_token(SECRET, "", write_form_token(SECRET, "", OWNER)) is None


@given(st.integers(min_value=0, max_value=111), st.integers(min_value=1, max_value=255))
def test_a_token_with_any_byte_changed_is_none(place: int, change: int) -> None:
    raw = bytearray(urlsafe_b64decode(write_form_token(SECRET, "key", OWNER) + "=="))
    raw[place] ^= change
    assert read_form_token(SECRET, "key", urlsafe_b64encode(bytes(raw)).decode()) is None


@given(st.text())
def test_made_up_text_is_no_token(token: str) -> None:
    assert read_form_token(SECRET, "key", token) is None


def test_no_two_texts_of_one_token_share_more_than_chance() -> None:
    """Otherwise compressing many answers would show it, byte by byte."""
    texts = [write_form_token(SECRET, "key", OWNER) for _ in range(200)]
    assert len(set(texts)) == len(texts)
    columns = list(zip(*(urlsafe_b64decode(f"{text}==") for text in texts), strict=True))
    assert all(len(set(column)) > 90 for column in columns)


async def test_each_page_masks_its_token_anew_and_all_of_them_serve(owner: Browser) -> None:
    pages = [(await owner.open("/app/tags")).text for _ in range(3)]
    tokens = [TOKEN.findall(page)[0] for page in pages]
    assert len(set(tokens)) == len(tokens)
    for number, token in enumerate(tokens):
        sent = await owner.send("/app/tags", {"name": f"tag-{number}"}, token=token)
        assert sent.status_code == 303


async def test_one_page_has_one_token(owner: Browser) -> None:
    page = (await owner.open("/app/tags")).text
    token = TOKEN.findall(page)[0]
    assert page.count(token) == page.count('name="form_token"') + 1


async def test_a_token_from_before_signing_in_serves_nobody_who_is(
    house: House, owner: Browser
) -> None:
    async with make_client(house.app) as client:
        client.cookies.update({"shorty_forms": owner.client.cookies["shorty_forms"]})
        anonymous = Browser(client)
        await anonymous.open("/app/sign-in")
    answer = await owner.send("/app/tags", {"name": "x"}, token=anonymous.token)
    assert answer.status_code == 403
