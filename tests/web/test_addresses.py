"""The page to return to after sign-in, parsed like browsers do."""

import re
from typing import Final
from urllib.parse import unquote

import can_ada
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shorty.webcore.addresses import read_way_back

OWN: Final = "https://go.example"
PIECES: Final = (
    *("/", "//", "\\", "/\\", ".", "..", "/../", "%2e", "%2E%2e", ".%2e", "%2f", "%5c", "%252e"),
    *("/app", "app", "APP", "sale", "links", "sign-in", "?", "#", ";", ":", "@", "&", "="),
    *("\t", "\n", "\r", "\x00", " ", "\u3002", "\uff0e", "\u2024", "\uff0f", "\ud800", "é"),
    *("https:", "http:", "javascript:", "data:", "evil.example", "user:pw@", "[::1]", ":8000"),
    *("dashboard.invalid", "https://dashboard.invalid"),
)
PLACES: Final = st.one_of(
    st.lists(st.sampled_from(PIECES), max_size=12).map("".join),
    st.lists(st.sampled_from(PIECES), max_size=8).map(lambda parts: "/app/" + "".join(parts)),
    st.text(max_size=40),
)


@example("/app/../sale")
@example("/app/%2e%2e/sale")
@example("/app/.%09./sale")
@example("/app/..\t/sale")
@example("/app\\..\\sale")
@example("/app/..%2fsale")
@example("/app/../app/../sale")
@example("//dashboard.invalid/app")
@given(PLACES)
def test_the_way_back_stays_below_the_dashboard_whatever_is_asked_for(place: str) -> None:
    found = read_way_back(place)
    assert re.fullmatch("[!-~]+", found)
    assert "\\" not in found.partition("?")[0].partition("#")[0]
    for page in ("/app/sign-in", "/app/sign-in/code?next=/x", "/app"):
        url = can_ada.parse(OWN + page) + found
        assert url.origin == OWN
        assert not url.username
        assert not url.password
        assert url.pathname == "/app" or url.pathname.startswith("/app/")
        # A proxy that decodes a path before it passes it on.
        assert ".." not in re.split(r"[/\\]", unquote(url.pathname))
    assert read_way_back(found) == found


@pytest.mark.parametrize(
    "place", ["/app", "/app/links?q=a%20b&cursor=x", "/app/links/7#clicks", "/app/links/7/clicks"]
)
def test_a_page_of_the_dashboard_is_led_back_to(place: str) -> None:
    assert read_way_back(place) == place


def test_a_place_that_no_page_has_leads_to_the_first_page() -> None:
    assert read_way_back("/app/" + "a" * 4000) == "/app"
