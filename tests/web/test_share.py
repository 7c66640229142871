"""The dashboard as an installed app, and what is shared with it."""

import struct
import time
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from shorty.web.share import read_shared, trim_url
from tests.api.house import House
from tests.rsgi_client import make_client
from tests.web.browser import Browser, read_text

MANIFEST = "/app/manifest.webmanifest"
NEW = "/app/links/new"


async def share(browser: Browser, **fields: str) -> dict[str, str]:
    """What the form of a new link is filled with."""
    answer = await browser.open(f"/app/share?{urlencode(fields)}")
    assert answer.status_code == 303
    place = urlsplit(answer.headers["location"])
    assert place.path == NEW
    return dict(parse_qsl(place.query))


@pytest.mark.parametrize("host", ["localhost:8000", "go.example", "127.0.0.1"])
async def test_anyone_gets_the_manifest_on_every_host(house: House, host: str) -> None:
    """Browsers ask for it without cookies."""
    async with make_client(house.app) as client:
        answer = await client.get(MANIFEST, headers={"host": host})
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/manifest+json"
        assert "set-cookie" not in answer.headers
        manifest = answer.json()
        for path in (manifest["start_url"], manifest["share_target"]["action"]):
            assert path.startswith(manifest["scope"])
        for icon in manifest["icons"]:
            picture = await client.get(icon["src"], headers={"host": host})
            assert picture.status_code == 200
            assert picture.headers["content-type"] == icon["type"]
            if icon["type"] == "image/png":
                width, height = struct.unpack(">II", picture.content[16:24])
                assert icon["sizes"] == f"{width}x{height}"
    sizes = [(icon["sizes"], icon["purpose"]) for icon in manifest["icons"]]
    assert {("192x192", "any"), ("512x512", "any"), ("512x512", "maskable")} <= set(sizes)


async def test_every_page_names_manifest_and_icon(house: House, owner: Browser) -> None:
    async with make_client(house.app) as client:
        for page in (await client.get("/app/sign-in"), await owner.open("/app/tags")):
            assert f'rel="manifest" href="{MANIFEST}"' in page.text
            assert "manifest-src 'self'" in page.headers["content-security-policy"]
            icon = page.text.partition('rel="apple-touch-icon" href="')[2].partition('"')[0]
            picture = await client.get(icon)
            assert picture.content[16:24] == struct.pack(">II", 180, 180)


async def test_a_shared_page_fills_in_the_form(owner: Browser) -> None:
    fields = {"title": "Autumn & co", "url": "https://shop.example/a?b=1&c=2"}
    assert await share(owner, **fields) == fields
    page = (await owner.open(f"{NEW}?{urlencode(fields)}")).text
    assert 'value="https://shop.example/a?b=1&amp;c=2"' in page
    assert 'value="Autumn &amp; co"' in page


async def test_what_has_no_url_asks_for_one(owner: Browser) -> None:
    assert await share(owner, text="Only words") == {"title": "Only words"}
    page = read_text((await owner.open(NEW)).text)
    assert "No URL found in what was shared." in page
    assert await share(owner) == {}


async def test_sharing_creates_nothing_and_needs_a_right(owner: Browser, viewer: Browser) -> None:
    await share(owner, url="https://shop.example/")
    assert "No links yet" in (await owner.open("/app/links")).text
    answer = await viewer.open("/app/share?url=https://shop.example/")
    assert answer.status_code == 403


async def test_who_is_signed_out_comes_back_to_what_was_shared(house: House) -> None:
    async with make_client(house.app) as client:
        answer = await client.get("/app/share?text=https%3A%2F%2Fshop.example%2F")
    query = dict(parse_qsl(urlsplit(answer.headers["location"]).query))
    assert query["next"] == "/app/share?text=https%3A%2F%2Fshop.example%2F"


@pytest.mark.parametrize(
    ("title", "text", "url", "expected"),
    [
        ("T", "words", "https://a.example/", ("https://a.example/", "T")),
        ("", "A fine page https://a.example/b.", "", ("https://a.example/b", "A fine page")),
        ("T", "A fine page https://a.example/b", "", ("https://a.example/b", "T")),
        ("", "See (https://a.example/x), now", "", ("https://a.example/x", "See")),
        ("https://a.example/", "", "", ("https://a.example/", "")),
        (
            "",
            "https://a.example/ \N{EN DASH} A fine page",
            "",
            ("https://a.example/", "A fine page"),
        ),
        (
            "",
            "HTTPS://A.example/ https://b.example/",
            "",
            ("HTTPS://A.example/", "https://b.example/"),
        ),
        ("T", "", "javascript:alert(1)", ("", "T")),
        ("T", "ftp://a.example", "a.example", ("", "T")),
        ("a\nb\t c", "", "https://a.example/", ("https://a.example/", "a b c")),
        ("", "", "", ("", "")),
    ],
)
def test_the_url_is_found_wherever_it_was_put(
    title: str, text: str, url: str, expected: tuple[str, str]
) -> None:
    shared = read_shared(title, text, url)
    assert (shared.url, shared.title) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://a.example/b_(c)", "https://a.example/b_(c)"),
        ("https://a.example/b_(c)).", "https://a.example/b_(c)"),
        ("https://a.example/?q=[1]", "https://a.example/?q=[1]"),
        ("https://a.example/x”,", "https://a.example/x"),
        ("https://a.example/wait…", "https://a.example/wait"),
    ],
)
def test_punctuation_around_a_url_is_none_of_it(text: str, expected: str) -> None:
    assert trim_url(text) == expected


def test_however_much_punctuation_there_is_it_is_trimmed_at_once() -> None:
    """Any page can send its visitors here, with an address as long as the server takes."""
    begun = time.process_time()
    assert trim_url("https://example.com/" + ")" * 200_000) == "https://example.com/"
    assert time.process_time() - begun < 2


def test_a_title_is_no_longer_than_a_links() -> None:
    assert len(read_shared("x" * 9000, "", "https://a.example/").title) < 1000
