import re
from html import unescape
from urllib.parse import quote

import pytest

from tests.web.browser import Browser, read_text

PLACE = "/app/utm"
TEMPLATES = f"{PLACE}/templates"


async def compose(browser: Browser, query: str) -> str:
    """The composed URL, or empty."""
    found = re.search(r'data-copy="([^"]*)"', (await browser.open(f"{PLACE}?{query}")).text)
    return unescape(found[1]) if found else ""


async def test_an_address_is_composed_without_scripts(owner: Browser) -> None:
    url = quote("https://example.com/p?a=1#part", safe="")
    address = await compose(owner, f"url={url}&utm_source=news&utm_medium=e%20mail&utm_term=")
    assert address == "https://example.com/p?a=1&utm_source=news&utm_medium=e%20mail#part"
    page = (await owner.open(f"{PLACE}?url={url}&utm_source=news")).text
    assert f'href="/app/links/new?url={url}&amp;utm_source=news"' in page


async def test_a_script_gets_the_address_alone(owner: Browser) -> None:
    fragment = {"x-shorty-fragment": "1"}
    part = await owner.open(f"{PLACE}?url=https://example.com/&utm_id=7", **fragment)
    assert "https://example.com/?utm_id=7" in part.text
    assert "<form" not in part.text


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("url=nowhere", "Enter the full URL including https://"),
        ("url=javascript:alert(1)", "Only http and https destinations are allowed"),
        (f"url=https://a.example/&utm_term={'x' * 501}", "May be at most 500 characters long"),
        ("", "Enter a destination"),
        ("utm_source=%00", "Contains a character that cannot be stored"),
    ],
)
async def test_what_cannot_be_composed_says_why(owner: Browser, query: str, told: str) -> None:
    assert await compose(owner, query) == ""
    assert told in read_text((await owner.open(f"{PLACE}?{query}")).text)


async def test_a_template_is_kept_used_changed_and_deleted(owner: Browser) -> None:
    assert "Save parameters that you use often" in (await owner.open(PLACE)).text
    saved = await owner.send(
        TEMPLATES, name="News", url="https://example.com/", utm_source="news", utm_medium="email"
    )
    page = await owner.follow(saved)
    assert "Template “News” saved." in read_text(page)
    assert 'value="https://example.com/"' in page
    address = await compose(owner, "template=1&url=https://example.com/?utm_source=x")
    assert address == "https://example.com/?utm_source=news&utm_medium=email"
    assert 'value="email"' in (await owner.open(f"{TEMPLATES}/1")).text
    page = await owner.follow(await owner.send(f"{TEMPLATES}/1", name="<b>", utm_source="paper"))
    assert "&lt;b&gt;" in page
    assert "<b>" not in page
    page = await owner.follow(await owner.send(f"{TEMPLATES}/1/delete"))
    assert "Save parameters that you use often" in page


async def test_a_wrong_name_stands_beside_its_field_and_nothing_is_lost(owner: Browser) -> None:
    await owner.send(TEMPLATES, name="News", utm_source="news")
    answer = await owner.send(TEMPLATES, name="news", utm_source="other")
    assert answer.status_code == 422
    assert "A UTM template named" in read_text(answer.text)
    assert 'value="news"' in answer.text
    assert 'value="other"' in answer.text
    answer = await owner.send(f"{TEMPLATES}/1", name=" ", utm_source="x" * 501)
    assert answer.status_code == 422
    assert "Must not be empty" in read_text(answer.text)
    assert "May be at most 500 characters long" in read_text(answer.text)
    assert "x" * 501 in answer.text


async def test_a_viewer_composes_and_keeps_nothing(owner: Browser, viewer: Browser) -> None:
    await owner.send(TEMPLATES, name="News", utm_source="news")
    page = (await viewer.open(f"{PLACE}?template=1&url=https://example.com/")).text
    assert "https://example.com/?utm_source=news" in page
    assert "/app/links/new" not in page
    assert "Save template" not in page
    assert "Save</button>" not in (await viewer.open(f"{TEMPLATES}/1")).text
    for path in ("", "/1", "/1/delete"):
        assert (await viewer.send(f"{TEMPLATES}{path}", name="Mine")).status_code == 403


async def test_another_workspaces_template_is_not_there(owner: Browser, stranger: Browser) -> None:
    await owner.send(TEMPLATES, name="News", utm_source="news")
    assert "News" not in read_text((await stranger.open(PLACE)).text)
    for path in (f"{TEMPLATES}/1", f"{PLACE}?template=1"):
        assert (await stranger.open(path)).status_code == 404
    for path in ("/1", "/1/delete"):
        assert (await stranger.send(f"{TEMPLATES}{path}", name="Mine")).status_code == 404


async def test_an_address_may_come_without_its_scheme(owner: Browser) -> None:
    page = (await owner.open("/app/utm?url=example.com/page&utm_source=news")).text
    assert "https://example.com/page?utm_source=news" in page
