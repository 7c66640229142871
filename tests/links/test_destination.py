"""Destinations: which addresses a link may lead to, and what is added to them on the way."""

from urllib.parse import parse_qsl

import can_ada
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from shorty.links.destination import (
    MAX_DESTINATION_LENGTH,
    MAX_FORWARDED_LENGTH,
    UTM_PARAMETERS,
    apply_utm,
    destination_host,
    destination_port,
    forward_parameters,
    parse_destination,
)
from shorty.links.model import LinkType

HOSTILE = st.text(
    st.one_of(
        st.sampled_from("&=%+#?/\\\"'<> \t\r\n\x00;[]{}|^`~éü🎉\udc80\udcff\ud800"),
        st.sampled_from("abqr1u"),
        st.characters(),
    ),
    max_size=40,
)
URLS = st.builds(
    "https://example.com/{}{}{}".format,
    st.sampled_from(["", "a/b", "%2f", "ü"]),
    st.one_of(st.just(""), HOSTILE.map(lambda text: "?" + text.replace("#", ""))),
    st.one_of(st.just(""), HOSTILE.map(lambda text: "#" + text)),
).map(lambda text: parse_destination("URL", text))
UTMS = st.dictionaries(st.sampled_from(UTM_PARAMETERS), st.one_of(st.none(), HOSTILE))


def query_of(url: str) -> str:
    return url.partition("#")[0].partition("?")[2]


def pairs_of(query: str) -> list[tuple[str, str]]:
    return parse_qsl(query, keep_blank_values=True, errors="surrogateescape")


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("https://example.com/long-url", "https://example.com/long-url"),
        ("  HTTPS://Example.COM  ", "https://example.com/"),
        ("http://münchen.de/ü?ü#ü", "http://xn--mnchen-3ya.de/%C3%BC?%C3%BC#%C3%BC"),
        ("http://0x7f.1/", "http://127.0.0.1/"),
        ("http://①②⑦.0.0.1", "http://127.0.0.1/"),
        ("https://ex.com\\@evil.com", "https://ex.com/@evil.com"),
        ("https:example.com", "https://example.com/"),
        ("https://a.b/\r\nSet-Cookie: x=1", "https://a.b/Set-Cookie:%20x=1"),
        ("https://a.b/?x=%zz&&=&y=a+b%2F", "https://a.b/?x=%zz&&=&y=a+b%2F"),
        ("http://localhost:8080/x", "http://localhost:8080/x"),
        ("https://a.b/\ud800", "https://a.b/?"),
    ],
)
def test_addresses_are_read_as_browsers_read_them(text: str, stored: str) -> None:
    assert parse_destination("URL", text) == stored


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("", "Enter a destination"),
        (" \n", "Enter a destination"),
        ("example.com/page", "full URL"),
        ("example.com:80/page", "full URL"),
        ("localhost:8000", "full URL"),
        ("//example.com", "full URL"),
        ("not an address", "full URL"),
        ("https://", "cannot|cannot open"),
        ("https://exa mple.com/", "cannot open"),
        ("https://example.com:99999/", "cannot open"),
        ("javascript:alert(1)", "http and https"),
        ("java\tscript:alert(1)", "http and https"),
        ("data:text/html,x", "http and https"),
        ("file:///etc/passwd", "http and https"),
        ("ftp://example.com/", "http and https"),
        ("blob:https://example.com/x", "http and https"),
        ("mailto:ana@example.com", "MAILTO"),
        ("tel:+1", "TEL"),
        ("https://example.com/" + "x" * MAX_DESTINATION_LENGTH, "at most"),
    ],
)
def test_what_a_browser_cannot_or_must_not_open_is_refused_with_advice(
    text: str, advice: str
) -> None:
    with pytest.raises(ValueError, match=advice):
        parse_destination("URL", text)


@pytest.mark.parametrize(
    ("link_type", "text", "stored"),
    [
        ("MAILTO", "ana@example.com", "mailto:ana@example.com"),
        ("MAILTO", "MAILTO:Ana+x@Example.com", "mailto:Ana+x@example.com"),
        ("MAILTO", "mailto:a@b.c,d@e.f?subject=Hi there", "mailto:a@b.c,d@e.f?subject=Hi%20there"),
        ("MAILTO", "mailto:?body=x\r\nBcc: y", "mailto:?body=x%0D%0ABcc:%20y"),
        ("MAILTO", "ana@例え.jp", "mailto:ana@xn--r8jz45g.jp"),
        ("MAILTO", "añá@example.com", "mailto:a%C3%B1%C3%A1@example.com"),
        ("MAILTO", "a&b=c/d@example.com", "mailto:a%26b%3Dc%2Fd@example.com"),
        ("TEL", "tel:+1-201-555-0123", "tel:+1-201-555-0123"),
        ("TEL", "+1 (201) 555-0123", "tel:+1(201)555-0123"),
        ("TEL", "030/1234 567", "tel:0301234567"),
        ("TEL", "\u202d+34 600\u202c", "tel:+34600"),
        ("TEL", "*100#", "tel:*100%23"),
        ("TEL", "TEL:112;ext=5", "tel:112;ext=5"),
        ("SMS", "sms:+15550123", "sms:+15550123"),
        ("SMS", "+1 555 0123", "sms:+15550123"),
        ("SMS", "sms:+1555,+1666?body=hé llo", "sms:+1555,+1666?body=h%C3%A9%20llo"),
        ("SMS", "sms:?body=x", "sms:?body=x"),
    ],
)
def test_mail_phone_and_text_addresses_are_taken_with_or_without_scheme(
    link_type: LinkType, text: str, stored: str
) -> None:
    assert parse_destination(link_type, text) == stored
    assert parse_destination(link_type, stored) == stored


@pytest.mark.parametrize(
    ("link_type", "text"),
    [
        ("MAILTO", "mailto:"),
        ("MAILTO", "ana"),
        ("MAILTO", "ana@"),
        ("MAILTO", "@example.com"),
        ("MAILTO", "a b@example.com"),
        ("MAILTO", "a@b@c.d"),
        ("MAILTO", "https://example.com/"),
        ("MAILTO", "tel:+1"),
        ("MAILTO", "a@exa mple.com"),
        ("TEL", "tel:"),
        ("TEL", "FLOWERS"),
        ("TEL", "+"),
        ("TEL", "javascript:alert(1)"),
        ("TEL", "12?x=1"),
        ("SMS", "sms:"),
        ("SMS", "ana@example.com"),
        ("SMS", "sms:+1555;x\r\ny==1"),
    ],
)
def test_what_is_no_such_address_is_refused(link_type: LinkType, text: str) -> None:
    with pytest.raises(ValueError, match=r"^Enter an? (email|phone number)"):
        parse_destination(link_type, text)


@given(st.sampled_from(["URL", "MAILTO", "TEL", "SMS"]), HOSTILE, st.booleans())
def test_whatever_is_accepted_is_ascii_and_can_never_break_a_header(
    link_type: LinkType, text: str, is_prefixed: bool
) -> None:
    prefix = {"URL": "https://a.b/", "MAILTO": "mailto:a@b.c", "TEL": "tel:", "SMS": "sms:1"}
    try:
        stored = parse_destination(link_type, prefix[link_type] + text if is_prefixed else text)
    except ValueError:
        return
    assert stored.isascii()
    assert stored.isprintable()
    assert " " not in stored
    assert stored.startswith(("http://", "https://", "mailto:", "tel:", "sms:"))
    assert parse_destination(link_type, stored) == stored


def test_the_host_of_a_destination_is_the_browsers() -> None:
    assert destination_host("https://xn--mnchen-3ya.de:444/x") == "xn--mnchen-3ya.de"
    assert destination_host("https://example.com./x") == "example.com"
    assert destination_host("https://user:pw@example.com/x@y") == "example.com"
    assert destination_host("http://[::1]:8000/") == "[::1]"
    assert destination_host("mailto:ana@example.com") == ""


def test_the_port_of_a_destination_is_its_schemes_unless_written() -> None:
    assert destination_port("https://example.com/") == 443
    assert destination_port("http://example.com/") == 80
    assert destination_port("http://example.com:8000/") == 8000
    assert destination_port("tel:+1") is None


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://a.b/", "https://a.b/?utm_source=x%20y"),
        ("https://a.b/?", "https://a.b/?utm_source=x%20y"),
        ("https://a.b/?q=%zz+&&#f?x", "https://a.b/?q=%zz+&&utm_source=x%20y#f?x"),
        ("https://a.b/?utm_source=o&z=1#f", "https://a.b/?utm_source=x%20y&z=1#f"),
        ("https://a.b/?utm_source=o&z=1&utm%5Fsource=p", "https://a.b/?utm_source=x%20y&z=1"),
        ("https://a.b/?UTM_source=o", "https://a.b/?UTM_source=o&utm_source=x%20y"),
        ("https://a.b/?z=utm_source", "https://a.b/?z=utm_source&utm_source=x%20y"),
        ("mailto:a@b.c?subject=x", "mailto:a@b.c?subject=x"),
        ("tel:+1", "tel:+1"),
    ],
)
def test_utm_parameters_replace_those_of_the_same_name(url: str, expected: str) -> None:
    assert apply_utm(url, {"utm_source": "x y", "utm_medium": None, "utm_term": ""}) == expected


def test_utm_parameters_are_added_in_their_usual_order() -> None:
    utm: dict[str, str | None] = dict.fromkeys(reversed(UTM_PARAMETERS), "1")
    assert query_of(apply_utm("https://a.b/", utm)) == "&".join(f"{n}=1" for n in UTM_PARAMETERS)


@pytest.mark.parametrize(
    ("url", "query", "expected"),
    [
        ("https://a.b/", "", "https://a.b/"),
        ("https://a.b/", "&&", "https://a.b/"),
        ("https://a.b/", "qr=1", "https://a.b/"),
        ("https://a.b/", "x=1&shorty-card=1.x&shorty%2Dcard", "https://a.b/?x=1"),
        ("https://a.b/", "q%72=%31&x=1", "https://a.b/?x=1"),
        ("https://a.b/", "qr=2", "https://a.b/?qr=2"),
        ("https://a.b/#f", "x=1&x=2&y", "https://a.b/?x=1&x=2&y#f"),
        ("https://a.b/?p=1&q=2", "q=9&r=3", "https://a.b/?p=1&q=9&r=3"),
        ("https://a.b/?q=1&p=2&q=3", "q=9&q=8", "https://a.b/?p=2&q=9&q=8"),
        ("https://a.b/?p[]=1", "p%5B%5D=2", "https://a.b/?p%5B%5D=2"),
        ("https://a.b/?a=%2f+&&b", "c=%2F+%zz%", "https://a.b/?a=%2f+&&b&c=%2F+%zz%"),
        ("https://a.b/", "x=\r\nSet-Cookie: a", "https://a.b/?x=%0D%0ASet-Cookie:%20a"),
        ("https://a.b/", "x=é\udcff\ud800#'", "https://a.b/?x=%C3%A9%FF%3F%23%27"),
        ("mailto:a@b.c", "subject=a+b&bcc=x@y.z&fbclid=1", "mailto:a@b.c?subject=a%20b"),
        ("mailto:a@b.c?subject=o&cc=d@e.f", "subject=n", "mailto:a@b.c?cc=d@e.f&subject=n"),
        ("sms:+1", "body=hi&subject=x", "sms:+1?body=hi"),
        ("tel:+1", "body=hi", "tel:+1"),
    ],
)
def test_the_visitors_parameters_are_added_and_replace(url: str, query: str, expected: str) -> None:
    assert forward_parameters(url, query) == expected


@pytest.mark.parametrize("sent", ["a=1", "%C3%A9=%", "x", "+"])
def test_as_many_whole_parameters_are_sent_on_as_fit(sent: str) -> None:
    result = forward_parameters("https://a.b/", "&".join([sent] * 10_000))
    added = result.removeprefix("https://a.b/?").split("&")
    assert set(added) == {sent}
    assert len("&".join(added)) <= MAX_FORWARDED_LENGTH < len("&".join([*added, sent]))


def test_what_must_be_percent_encoded_counts_as_it_is_sent() -> None:
    assert forward_parameters("https://a.b/", "é" * 3000 + "&x=1") == "https://a.b/"


def test_a_first_parameter_that_is_too_long_hides_no_destination() -> None:
    assert forward_parameters("https://a.b/?p=1", "x" * 9000 + "&p=2") == "https://a.b/?p=1"


@given(URLS, HOSTILE)
def test_forwarding_makes_an_address_that_browsers_leave_as_it_is(url: str, query: str) -> None:
    result = forward_parameters(url, query)
    assert can_ada.parse(result).href == result
    assert destination_host(result) == "example.com"
    assert result.partition("#")[2] == url.partition("#")[2]


@given(URLS, HOSTILE)
def test_forwarding_keeps_the_visitors_order_and_what_it_does_not_replace(
    url: str, query: str
) -> None:
    assume(not any("\ud800" <= char <= "\udfff" for char in query))
    added = [pair for pair in pairs_of(query) if pair not in {("qr", "1"), ("", "")}]
    assume(("", "") not in pairs_of(query))
    names = {name for name, _ in added}
    kept = [pair for pair in pairs_of(query_of(url)) if pair[0] not in names]
    assert pairs_of(query_of(forward_parameters(url, query))) == kept + added


@given(URLS, UTMS)
def test_utm_parameters_are_there_once_and_the_rest_keeps_its_bytes(
    url: str, utm: dict[str, str | None]
) -> None:
    result = apply_utm(url, utm)
    given_utm = {name: value for name, value in utm.items() if value}
    for name, value in given_utm.items():
        values = [found for key, found in pairs_of(query_of(result)) if key == name]
        assert values == [value.encode(errors="replace").decode()]
    rest = [part for part in query_of(url).split("&") if part.partition("=")[0] not in given_utm]
    result_rest = [
        part for part in query_of(result).split("&") if part.partition("=")[0] not in given_utm
    ]
    assert [part for part in result_rest if part] == [part for part in rest if part]
    assert can_ada.parse(result).href == result


@given(URLS, UTMS)
def test_applying_utm_parameters_twice_changes_nothing_more(
    url: str, utm: dict[str, str | None]
) -> None:
    once = apply_utm(url, utm)
    assert apply_utm(once, utm) == once
