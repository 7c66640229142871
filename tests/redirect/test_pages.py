"""The pages visitors see: what each says, what it hides, and that nothing on it can be abused."""

import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser
from importlib import resources

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shorty.redirect import pages
from shorty.redirect.decide import Outcome
from shorty.redirect.pages import COMMON_HEADERS, Page
from shorty.redirect.problems import PROBLEMS
from tests.redirect.factory import DESTINATION, make_link

SHORT_URL = "https://go.example/sale"
HOSTILE = st.text(
    st.one_of(st.sampled_from("\"'<>&/={}\\-\n"), st.characters(codec="utf-8")), min_size=1
).filter(str.strip)

MARKED = make_link(
    title="Summer sale",
    description="Half price",
    image="https://example.com/i.png",
    meta_pixel_id="1234567890",
    google_tag_id="G-ABC123",
    button_label="To the shop",
)
PAGES = {
    **{outcome.name: pages.render_outcome(outcome, "") for outcome in PROBLEMS},
    "unavailable": pages.render_unavailable(""),
    "password": pages.render_password_form(),
    "wrong": pages.render_password_wrong(""),
    "limited": pages.render_password_limited("", 90),
    "busy": pages.render_password_busy("", 2),
    "card": pages.render_card(MARKED, SHORT_URL, "/sale?shorty-card=1.x"),
    "cloak": pages.render_cloak(MARKED, DESTINATION, is_opted_out=False, is_secure=True),
    "pixel": pages.render_pixel(MARKED, DESTINATION),
    "details": pages.render_details(MARKED, DESTINATION, SHORT_URL),
    "root": pages.render_root("go.example", is_own=True),
}


class Reading(HTMLParser):
    """The elements of a page with their attributes and what stands inside them."""

    def __init__(self, page: Page) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: list[tuple[str, str]] = []
        self._open = [""]
        self.feed(page.body)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert tag in self._open
        while self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        around = [tag for tag in self._open if tag != "bdi"]
        self.texts.append((around[-1], data))

    def find(self, tag: str) -> list[dict[str, str]]:
        return [attributes for found, attributes in self.elements if found == tag]

    def read(self, tag: str) -> str:
        return "".join(text for found, text in self.texts if found == tag)

    def read_meta(self) -> dict[str, str]:
        return {
            meta.get("property") or meta["name"]: meta["content"]
            for meta in self.find("meta")
            if "content" in meta and "http-equiv" not in meta
        }


def read_policy(page: Page) -> dict[str, list[str]]:
    directives = dict(page.headers)["content-security-policy"].split("; ")
    return {name: sources for name, *sources in (item.split(" ") for item in directives)}


@pytest.mark.parametrize("name", PAGES)
def test_every_page_is_small_whole_and_readable_on_a_phone(name: str) -> None:
    page = PAGES[name]
    reading = Reading(page)
    assert page.body.startswith("<!doctype html>")
    assert len(page.body.encode()) < 6000
    assert reading.find("html") == [{"lang": "en"}]
    assert reading.read_meta()["viewport"] == "width=device-width, initial-scale=1"
    assert reading.read("title").strip()


@pytest.mark.parametrize("name", PAGES)
def test_every_page_has_the_common_headers_and_may_do_nothing_but_show_itself(name: str) -> None:
    page = PAGES[name]
    assert page.headers[: len(COMMON_HEADERS)] == list(COMMON_HEADERS)
    assert len(dict(page.headers)) == len(page.headers)
    assert dict(page.headers)["x-content-type-options"] == "nosniff"
    assert dict(page.headers)["content-type"] == "text/html; charset=utf-8"
    policy = read_policy(page)
    assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == ["'none'"]
    assert "'unsafe-inline'" not in str(policy)


@pytest.mark.parametrize("name", PAGES)
def test_style_and_script_stand_in_the_page_and_are_named_by_their_hash(name: str) -> None:
    reading, policy = Reading(PAGES[name]), read_policy(PAGES[name])
    for tag, directive in (("style", "style-src"), ("script", "script-src")):
        for text in [text for found, text in reading.texts if found == tag]:
            digest = b64encode(sha256(text.encode()).digest()).decode()
            assert f"'sha256-{digest}'" in policy[directive]
    for tag, attributes in reading.elements:
        assert not {"style", "onclick", "onload"} & set(attributes), tag
        assert tag not in {"link", "script"} or not attributes.get("src")


@pytest.mark.parametrize("name", sorted(set(PAGES) - {"cloak", "pixel"}))
def test_pages_without_pixels_may_run_no_script_and_load_nothing(name: str) -> None:
    policy = read_policy(PAGES[name])
    assert not Reading(PAGES[name]).find("script")
    assert "script-src" not in policy
    assert policy["img-src"] == ["data:"]


@pytest.mark.parametrize(
    ("outcome", "status", "words"),
    [
        (Outcome.NOT_FOUND, 404, "Link not found"),
        (Outcome.EXPIRED, 410, "expired"),
        (Outcome.USED_UP, 410, "limit reached"),
        (Outcome.BOT_REFUSED, 403, "Automated visits"),
        (Outcome.BLOCKED, 403, "is blocked"),
        (Outcome.METHOD_NOT_ALLOWED, 405, "Method not allowed"),
    ],
)
def test_a_link_that_does_not_open_says_why_to_people_and_to_programs(
    outcome: Outcome, status: int, words: str
) -> None:
    page = pages.render_outcome(outcome, "text/html")
    assert page.status == status
    assert words in Reading(page).read("h1")
    problem = pages.render_outcome(outcome, "application/json")
    assert problem.status == status
    assert dict(problem.headers)["content-type"] == "application/problem+json"
    assert problem.headers[: len(COMMON_HEADERS)] == list(COMMON_HEADERS)
    details = msgspec.json.decode(problem.body, type=dict[str, str | int])
    assert details["status"] == status
    assert words in str(details["title"])


def test_another_method_is_told_which_ones_there_are() -> None:
    for accept in ("", "application/json"):
        page = pages.render_method_not_allowed(accept, "GET, HEAD, POST")
        assert dict(page.headers)["allow"] == "GET, HEAD, POST"
    assert "allow" not in dict(pages.render_not_found("").headers)


def test_an_unreadable_database_is_told_as_passing() -> None:
    for accept in ("", "application/json"):
        page = pages.render_unavailable(accept)
        assert page.status == 503
        assert dict(page.headers)["retry-after"] == "5"


def test_the_password_form_posts_one_field_to_its_own_address() -> None:
    reading = Reading(pages.render_password_form())
    assert reading.find("form") == [{"method": "post"}]
    (field,) = reading.find("input")
    assert field["name"] == field["type"] == "password"
    assert reading.find("label") == [{"for": field["id"]}]


def test_the_redirect_that_follows_a_right_password_is_not_held_back() -> None:
    targets = read_policy(pages.render_password_form())["form-action"]
    assert targets == ["'self'", "http:", "https:", "mailto:", "tel:", "sms:"]


def test_a_wrong_password_is_said_at_its_field() -> None:
    page = pages.render_password_wrong("")
    reading = Reading(page)
    assert page.status == 401
    (field,) = reading.find("input")
    assert field["aria-invalid"] == "true"
    (alarm,) = [element for element in reading.find("p") if element.get("role") == "alert"]
    assert alarm["id"] == field["aria-describedby"]
    assert "Wrong password" in page.body
    assert pages.render_password_wrong("application/json").status == 401


def test_too_many_tries_are_told_when_to_come_back() -> None:
    for accept in ("", "application/json"):
        page = pages.render_password_limited(accept, 290)
        assert page.status == 429
        assert dict(page.headers)["retry-after"] == "290"
        assert "try again in 5 minutes" in page.body


def test_a_withheld_destination_is_204_and_bare_headers() -> None:
    assert pages.render_withheld() == Page(204, list(COMMON_HEADERS), "")


def test_a_card_tells_all_but_where_the_link_leads() -> None:
    page = PAGES["card"]
    assert page.status == 200
    assert Reading(page).read_meta() == {
        "viewport": "width=device-width, initial-scale=1",
        "description": "Half price",
        "og:type": "website",
        "og:url": SHORT_URL,
        "og:title": "Summer sale",
        "og:description": "Half price",
        "og:image": "https://example.com/i.png",
        "twitter:card": "summary_large_image",
        "twitter:title": "Summer sale",
        "twitter:description": "Half price",
        "twitter:image": "https://example.com/i.png",
    }
    assert DESTINATION.partition("?")[0] not in page.body


def test_a_card_of_a_link_without_words_of_its_own_is_named_by_its_address() -> None:
    meta = Reading(pages.render_card(make_link(), SHORT_URL, "")).read_meta()
    assert meta["og:title"] == "go.example/sale"
    assert meta["twitter:card"] == "summary"
    assert "og:description" not in meta


def test_a_cloaked_link_fills_the_page_with_its_destination() -> None:
    page = pages.render_cloak(make_link(), DESTINATION, is_opted_out=False, is_secure=False)
    (frame,) = Reading(page).find("iframe")
    assert frame["src"] == DESTINATION
    assert frame["referrerpolicy"] == "no-referrer-when-downgrade"
    assert frame["title"] == Reading(page).read("title") == "example.com"
    assert read_policy(page)["frame-src"] == ["http:", "https:"]
    assert "upgrade-insecure-requests" not in read_policy(page)


def test_a_cloaked_link_behind_tls_asks_for_its_destination_by_https() -> None:
    assert "upgrade-insecure-requests" in read_policy(PAGES["cloak"])
    assert Reading(PAGES["cloak"]).read("title") == "Summer sale"


def test_the_pixel_page_moves_on_with_and_without_scripts() -> None:
    reading = Reading(PAGES["pixel"])
    assert reading.find("script") == [
        {"data-to": DESTINATION, "data-meta": "1234567890", "data-google": "G-ABC123"}
    ]
    (link,) = reading.find("a")
    assert link["href"] == DESTINATION
    refresh = [meta["content"] for meta in reading.find("meta") if "http-equiv" in meta]
    assert refresh == [f"1; url={DESTINATION}"]
    (image,) = reading.find("img")
    assert image["src"] == "https://www.facebook.com/tr?id=1234567890&ev=PageView&noscript=1"


def test_the_pixel_page_says_where_it_leads() -> None:
    reading = Reading(pages.render_pixel(MARKED, DESTINATION))
    assert (reading.read("title"), reading.read("h1")) == ("Summer sale", "Continue to example.com")
    untitled = Reading(pages.render_pixel(make_link(), "mailto:ann@example.com?subject=Hi"))
    assert untitled.read("title") == "ann@example.com"


def test_pages_that_stay_report_the_visit_and_lead_nowhere_by_themselves() -> None:
    assert Reading(PAGES["cloak"]).find("script") == [
        {"data-meta": "1234567890", "data-google": "G-ABC123"}
    ]


def test_only_the_hosts_of_the_pixels_are_reached() -> None:
    hosts = set(
        re.findall(r"https://[^/\s;]+", dict(PAGES["pixel"].headers)["content-security-policy"])
    )
    assert hosts == {
        "https://connect.facebook.net",
        "https://www.facebook.com",
        "https://*.googletagmanager.com",
        "https://*.google-analytics.com",
        "https://*.analytics.google.com",
    }


def test_who_opted_out_is_reported_to_nobody() -> None:
    page = pages.render_cloak(MARKED, DESTINATION, is_opted_out=True, is_secure=False)
    assert not Reading(page).find("script")
    assert not Reading(page).find("img")
    assert "script-src" not in read_policy(page)


def test_bad_links_can_be_reported_where_the_operator_takes_reports() -> None:
    way = {"href": "/report", "rel": "nofollow"}
    for outcome in set(PROBLEMS) - {Outcome.METHOD_NOT_ALLOWED}:
        assert Reading(pages.render_outcome(outcome, "", is_reportable=True)).find("a") == [way]
        assert not Reading(pages.render_outcome(outcome, "")).find("a")
    details = pages.render_details(MARKED, DESTINATION, SHORT_URL, is_reportable=True)
    assert way in Reading(details).find("a")
    assert way not in Reading(PAGES["details"]).find("a")


def test_the_details_show_destination_title_and_when_the_link_was_made() -> None:
    page = pages.render_details(
        make_link(title="Summer sale", created_at=1_793_491_200_999), DESTINATION, SHORT_URL
    )
    reading = Reading(page)
    assert reading.read("title") == "Destination of go.example/sale"
    assert reading.read("h1") == "Summer sale"
    assert DESTINATION in reading.read("dd")
    assert reading.read("time") == "1 November 2026"
    assert reading.find("time") == [{"datetime": "2026-11-01T00:00:00Z"}]


@pytest.mark.parametrize(
    ("destination", "place"),
    [
        ("https://user:pw@xn--mnchen-3ya.de:444/x", "xn--mnchen-3ya.de"),
        ("mailto:a%C3%B1a@example.com?subject=x", "aña@example.com"),
        ("tel:*100%23", "*100#"),
        ("sms:+1555?body=x", "+1555"),
    ],
)
def test_a_page_names_the_place_that_a_link_leads_to(destination: str, place: str) -> None:
    reading = Reading(pages.render_details(make_link(), destination, SHORT_URL))
    assert reading.read("h1") == place


@given(title=HOSTILE, description=HOSTILE, meta=HOSTILE, google=HOSTILE)
def test_nothing_that_a_link_says_can_leave_its_place(
    title: str, description: str, meta: str, google: str
) -> None:
    link = make_link(title=title, description=description, meta_pixel_id=meta, google_tag_id=google)
    for page, expected in (
        (pages.render_card(link, SHORT_URL, "/sale?shorty-card=1.x"), PAGES["card"]),
        (pages.render_pixel(link, DESTINATION), PAGES["pixel"]),
        (
            pages.render_cloak(link, DESTINATION, is_opted_out=False, is_secure=True),
            PAGES["cloak"],
        ),
        (pages.render_details(link, DESTINATION, SHORT_URL), PAGES["details"]),
    ):
        tags = [tag for tag, _ in Reading(page).elements if tag != "meta"]
        assert tags == [tag for tag, _ in Reading(expected).elements if tag != "meta"]
        assert page.headers == expected.headers
    script = Reading(pages.render_pixel(link, DESTINATION)).find("script")[0]
    assert script == {"data-to": DESTINATION, "data-meta": meta, "data-google": google}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground(scheme: str) -> None:
    style = resources.files("shorty.redirect").joinpath("templates/style.css").read_text()
    palettes = style.split("prefers-color-scheme: dark")
    colors = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]+)", palettes[scheme == "dark"]))
    for ink, ground in (
        ("ink", "card"),
        ("soft", "card"),
        ("alarm", "card"),
        ("on-accent", "accent"),
        ("ink", "paper"),
    ):
        assert measure_contrast(colors[ink], colors[ground]) >= 4.5, (ink, ground)


def measure_contrast(one: str, other: str) -> float:
    """WCAG 2.2, "contrast ratio"."""
    light, dark = sorted((measure_luminance(one), measure_luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def measure_luminance(color: str) -> float:
    digits = color[1:] if len(color) == 7 else "".join(digit * 2 for digit in color[1:])
    channels = [int(digits[start : start + 2], 16) / 255 for start in (0, 2, 4)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
