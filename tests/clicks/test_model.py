import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shorty.clicks.model import (
    QR,
    Utm,
    Visit,
    clean_text,
    decode_fields,
    encode_visit,
    read_referrer,
    read_utm,
)

NO_UTM = (None, None, None, None, None)

REFERRERS = [
    ("https://t.co/AbC?x=1#y", "t.co"),
    ("http://www.Example.COM:8080/a/b", "example.com"),
    ("https://example.com", "example.com"),
    ("https://example.com?q", "example.com"),
    ("https://example.com./", "example.com"),
    ("https://user:secret@example.com/", "example.com"),
    ("https://xn--bcher-kva.example/", "xn--bcher-kva.example"),
    ("https://[2001:DB8::1]:8080/", "[2001:db8::1]"),
    ("android-app://com.google.android.gm/", "com.google.android.gm"),
    ("", ""),
    ("about:blank", ""),
    ("javascript://example.com/%0aalert(1)", ""),
    ("https://exa mple.com/", ""),
    ("https://<script>/", ""),
    ("https://" + "a" * 300 + "/", ""),
    ("example.com", ""),
]


@pytest.mark.parametrize(("header", "host"), REFERRERS)
def test_of_a_referrer_only_the_host_is_kept(header: str, host: str) -> None:
    assert read_referrer(header) == host


@given(st.text())
def test_no_referrer_header_yields_more_than_a_host(header: str) -> None:
    assert not set(read_referrer(header)) & set("/?#@ \n<>\"'")
    assert not set(read_referrer(f"https://{header}")) & set("/?#@ \n<>\"'")


QUERIES: list[tuple[str, Utm | None, Utm | None]] = [
    ("", None, None),
    ("a=1", None, None),
    ("", ("x", "mail", None, None, None), ("x", "mail", None, None, None)),
    ("utm_source=t%20v&utm_content=c", None, ("t v", None, None, None, "c")),
    ("utm_source=b", ("x", "mail", None, None, None), ("b", "mail", None, None, None)),
    ("utm_source=", ("x", None, None, None, None), ("x", None, None, None, None)),
    ("utm_id=7&utm_nothing=1", None, None),
    ("utm_source=%00%0a", None, None),
    ("utm_source=" + "s" * 999, None, ("s" * 200, None, None, None, None)),
    ("utm_source=b&" + "a=1&" * 200, ("x", None, None, None, None), ("b", None, None, None, None)),
    ("a=1&" * 200 + "utm_source=b", ("x", None, None, None, None), ("x", None, None, None, None)),
    ("a=" + "1" * 9000 + "&utm_source=b", None, None),
]


@pytest.mark.parametrize(("query", "of_link", "utm"), QUERIES)
def test_the_utm_values_of_a_visit(query: str, of_link: Utm | None, utm: Utm | None) -> None:
    assert read_utm(query, of_link) == utm


@given(st.text())
def test_clean_text_can_always_be_stored(text: str) -> None:
    cleaned = clean_text(text, 200)
    assert len(cleaned.encode()) <= 800
    assert "\0" not in cleaned


def test_the_fast_reader_returns_a_visits_fields_in_order() -> None:
    utm = ("news", None, None, None, "märz")
    visit = Visit(at=1, link_id=2, visitor=3, country="DE", source=QR, utm=utm, city="Bonn")
    ruled = msgspec.structs.replace(visit, domain_id=4, won=("4f2a", "b"))
    assert decode_fields(encode_visit(visit)) == msgspec.structs.astuple(visit)
    assert decode_fields(encode_visit(ruled)) == msgspec.structs.astuple(ruled)


def test_a_visit_of_an_older_release_can_be_read() -> None:
    oldest = msgspec.msgpack.encode([1790000000000, 7, 12345])
    assert msgspec.msgpack.decode(oldest, type=Visit) == Visit(
        at=1790000000000, link_id=7, visitor=12345
    )


def test_a_visit_of_a_newer_release_can_be_read() -> None:
    visit = Visit(at=1, link_id=7, visitor=3, utm=("a", None, None, None, None))
    newer = msgspec.msgpack.encode([*msgspec.msgpack.decode(msgspec.msgpack.encode(visit)), "new"])
    assert msgspec.msgpack.decode(newer, type=Visit) == visit
