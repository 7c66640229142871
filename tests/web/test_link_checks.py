"""What a script requests while a person edits a link."""

import pytest

from shorty.config import Config, WebhooksConfig
from tests.api.conftest import DOMAINS
from tests.api.house import House
from tests.test_fetch import PRIVATE, answer_with, run_server
from tests.web.browser import Browser

PLACE = "/app/links"
PAGE = b"""<html><head><title>A page</title><meta name="description" content="About it">
<meta property="og:image" content="/i.png"></head></html>"""


@pytest.fixture
def config() -> Config:
    """Receivers of webhooks may be private, and so may pages."""
    return Config(domains=DOMAINS, webhooks=WebhooksConfig(allow_private=True))


async def test_slug_and_destination_are_judged(house: House, owner: Browser) -> None:
    link = await house.make_link(slug="taken")
    base = f"{PLACE}/check?domain=localhost:8000"
    expected = {
        "&slug=free&url=example.com": (None, None),
        "&slug=taken": ("already taken", None),
        f"&slug=taken&link={link.id}": (None, None),
        "&slug=taken&link=²": ("already taken", None),
        "&slug=a%20b&url=nonsense": ("a space", "Enter the full URL"),
        "&url=http://localhost:8000/x": (None, "loop"),
        "&url=mailto:ana@example.com": (None, None),
        "": (None, None),
    }
    for query, (slug, url) in expected.items():
        told = (await owner.open(base + query)).json()
        for fault, part in ((told["slug"], slug), (told["url"], url)):
            assert part in fault if part else fault is None, query


async def test_a_link_with_the_same_destination_is_named(
    house: House, owner: Browser, stranger: Browser
) -> None:
    link = await house.make_link(
        slug="first", title="T", url="https://example.com/a", utm_source="s"
    )
    mail = await house.make_link(slug="mail", url="mailto:ana@example.com", link_type="MAILTO")
    base = f"{PLACE}/check?url="
    same = {"id": str(link.id), "name": "localhost:8000/first", "short_url": link.short_url}
    for query, told in {
        "example.com/a&utm_source=s": {**same, "title": "T"},
        "example.com/a?utm_source=s": {**same, "title": "T"},
        "example.com/a": None,
        f"example.com/a&utm_source=s&link={link.id}": None,
        "nonsense": None,
    }.items():
        assert (await owner.open(base + query)).json()["same"] == told, query
    found = (await owner.open(f"{base}ana@example.com&link_type=MAILTO")).json()
    assert (found["same"]["id"], found["url"]) == (str(mail.id), None)
    theirs = await stranger.open(f"{base}example.com/a&utm_source=s")
    assert theirs.json()["same"] is None


async def test_a_page_is_looked_at(owner: Browser) -> None:
    async with run_server(answer_with(PAGE)) as server:
        origin = f"http://{PRIVATE}:{server.port}"
        told = (await owner.send(f"{PLACE}/preview", url=origin)).json()
    assert told == {"title": "A page", "description": "About it", "image": f"{origin}/i.png"}
    nothing = dict.fromkeys(told)
    assert (await owner.send(f"{PLACE}/preview", url="nonsense")).json() == nothing


async def test_a_picture_comes_through_the_server(owner: Browser) -> None:
    png = b"\x89PNG\r\n\x1a\n"
    async with run_server(answer_with(png, content_type="image/png")) as server:
        url = f"http://{PRIVATE}:{server.port}/i.png"
        answer = await owner.open(f"{PLACE}/picture?url={url}")
        assert (answer.content, answer.headers["content-type"]) == (png, "image/png")
        assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
        assert answer.headers["x-content-type-options"] == "nosniff"
    for kind in ("text/html", "image/svg+xml"):
        async with run_server(answer_with(png, content_type=kind)) as server:
            url = f"http://{PRIVATE}:{server.port}/i"
            assert (await owner.open(f"{PLACE}/picture?url={url}")).status_code == 204
    for url in ("", "nonsense", f"http://{PRIVATE}:1/", "http://localhost:8000/x"):
        assert (await owner.open(f"{PLACE}/picture?url={url}")).status_code == 204


async def test_strangers_pages_are_looked_at_so_many_times_a_minute(
    house: House, owner: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shorty.web.link_checks.PREVIEWS_PER_MINUTE", 2)
    for status in (200, 200, 429):
        assert (await owner.send(f"{PLACE}/preview", url="x")).status_code == status
    house.clock[0] += 60_000
    assert (await owner.send(f"{PLACE}/preview", url="x")).status_code == 200
