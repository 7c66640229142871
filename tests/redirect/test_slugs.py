"""Slugs with dots and slashes at the doors of visitors, and whether every slug is reached."""

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import unquote

import can_ada
import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shorty.errors import InvalidFieldsError
from shorty.links.slug import RESERVED_SLUGS, is_reserved, parse_slug, slug_key
from tests.examples import count_examples
from tests.redirect.conftest import CONFIG
from tests.redirect.house import House, open_house
from tests.redirect.visiting import ask, visit_aside, visit_on_loop
from tests.rsgi_client import Exchange


@pytest.mark.parametrize(
    ("slug", "paths"),
    [
        ("docs/api", ["/docs/api", "/docs/api/", "/docs%2Fapi", "/docs%2fapi", "/docs/api?x=1"]),
        ("v1.2", ["/v1.2", "/v1%2E2", "/v1.2/"]),
        (
            "v1.2/été.❤️",
            ["/v1.2/%C3%A9t%C3%A9.%E2%9D%A4", "/v1.2%2Fe%CC%81te%CC%81.%E2%9D%A4%EF%B8%8F"],
        ),
        ("docs/api/v1", ["/docs/api/v1"]),
    ],
)
async def test_a_slug_with_dots_and_slashes_is_reached(
    house: House, slug: str, paths: list[str]
) -> None:
    link = await house.make_link(slug=slug)
    for path in paths:
        assert await visit_aside(house, path) == link.url, path
        assert await visit_on_loop(house, path) == link.url, path
    for path in ("/docs", "/docs/", "/v1", "/docs//api", "//docs/api", "/docs/api/v2"):
        assert await visit_aside(house, path) == "", path
        assert await visit_on_loop(house, path) == "", path
    assert (await house.read_link(link)).click_count == 2 * len(paths)


async def test_a_path_of_ours_is_not_looked_up(house: House) -> None:
    for path in ("/api/v1/links", "/qr/docs/api.svg", "/static/x.y/z.css", "/.well-known/x/y"):
        assert not house.app.answer_now(ask(path), Exchange(b""))
    assert house.app.services.links.lookup.count_cached() == (0, 0)


async def test_a_name_that_is_reserved_for_new_links_still_opens_an_older_one(
    house: House, client: httpx.AsyncClient
) -> None:
    link = await house.make_link(slug="older")
    sql = (
        "update links set slug = 'Sitemap', slug_key = 'Sitemap', folded_key = 'sitemap'"
        " where id = $1"
    )
    await house.app.db.write(lambda tx: tx.execute(sql, link.id))
    assert (await client.get("/Sitemap")).headers["location"] == link.url
    changed = await house.change_link(link, title="Map", slug="Sitemap")
    assert (changed.title, changed.slug) == ("Map", "Sitemap")
    await house.delete_link(link)
    with pytest.raises(InvalidFieldsError):
        await house.make_link(slug="Sitemap")


async def test_a_password_page_below_a_slash_leads_back_to_its_link(
    house: House, client: httpx.AsyncClient
) -> None:
    link = await house.make_link(slug="docs/v1.2", password="open sesame")
    await house.make_link(slug="docs", password="open sesame")
    form = await client.get("/docs%2Fv1.2")
    assert "<form" in form.text
    right = await client.post("/docs%2Fv1.2?a=1", data={"password": "open sesame"})
    assert (right.status_code, right.headers["location"]) == (303, "/docs/v1.2?a=1")
    assert "; Path=/docs/v1.2;" in right.headers["set-cookie"]
    assert (await client.get("/docs/v1.2")).headers["location"] == link.url
    assert "location" not in (await client.get("/docs")).headers


async def test_pages_below_a_slash_say_where_they_are(
    house: House, client: httpx.AsyncClient
) -> None:
    await house.make_link(slug="ann/links", is_link_in_bio=True)
    page = (await client.get("/ann/links")).text
    assert 'rel="canonical" href="http://localhost:8000/ann/links"' in page
    assert 'href="/ann/links?bio=go"' in page
    assert 'src="/qr/ann/links.svg"' in page
    assert (await client.get("/qr/ann/links.svg")).status_code == 200
    details = await client.get("/ann/links+")
    assert (details.status_code, "localhost:8000/ann/links" in details.text) == (200, True)


SEGMENTS = st.text(
    st.characters(categories=["L", "M", "Nd"], include_characters="-_"), min_size=1, max_size=5
) | st.sampled_from(
    [*sorted(RESERVED_SLUGS), "🎉", "👩‍👩‍👧", "#️⃣", "❤️", "é", "sitemap", "API", "+", ""]
)
SLUGS = st.lists(st.tuples(SEGMENTS, st.sampled_from("./")), min_size=1, max_size=4).map(
    lambda parts: "".join(part + sign for part, sign in parts)[:-1]
)


def is_slug(text: str) -> bool:
    try:
        return not is_reserved(parse_slug(text))
    except ValueError:
        return False


@settings(max_examples=count_examples(10), deadline=None)
@given(st.lists(SLUGS, min_size=5, max_size=30, unique_by=slug_key))
def test_each_slug_is_reached_by_its_short_url_and_hides_no_path_of_ours(slugs: list[str]) -> None:
    async def visit(folder: Path) -> None:
        async with open_house(folder, CONFIG) as house:
            for number, slug in enumerate(slugs):
                url = f"https://example.com/{number}"
                if not is_slug(slug):
                    with pytest.raises(InvalidFieldsError):
                        await house.make_link(slug=slug or " ", url=url)
                    continue
                link = await house.make_link(slug=slug, url=url)
                path = can_ada.parse(link.short_url).pathname  # as a browser asks for it
                assert await visit_aside(house, path) == url
                assert await visit_on_loop(house, path) == url
                assert unquote(path)[1:].partition("/")[0].casefold() not in RESERVED_SLUGS

    with TemporaryDirectory() as folder:
        asyncio.run(visit(Path(folder)))
