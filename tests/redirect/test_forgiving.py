"""Slugs with a sentence's marks behind them, or in another case, at both ways of a visit."""

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory
from unicodedata import normalize
from urllib.parse import quote

import httpx
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from shorty.config import Config, LinksConfig
from shorty.links.model import Link
from shorty.links.slug import trim_marks
from tests.examples import count_examples
from tests.redirect.conftest import CONFIG
from tests.redirect.house import House, open_house
from tests.redirect.visiting import visit_aside, visit_on_loop

SLUGS = ("sale", "docs/V1.2", "Straße", "two", "Two", "Éte", "❤️")
TABLE: list[tuple[str, str | None]] = [
    *((f"/sale{mark}", "sale") for mark in (".", ",", ";", ":", "!", ")", "]", "}", "'", '"')),
    *(
        (f"/sale{quote(mark)}", "sale")
        for mark in ("?", "»", "…", "”", "\u200b", "\xa0", "\n", "`>")
    ),
    *(
        (path, "sale")
        for path in ("/SALE", "/Sale.", "/sALE/", "/sale./", "/sale/,", "/sale...%22")
    ),
    *(
        (path, "docs/V1.2")
        for path in ("/docs/v1.2", "/DOCS/V1.2).", "/docs%2FV1.2.", "/docs/V1.2")
    ),
    *((f"/{quote(text)}", "Straße") for text in ("straße", "STRASSE", "STRASSE!", "Straße。")),
    ("/two", "two"),
    ("/two.", "two"),
    ("/Two)", "Two"),
    ("/TWO", None),
    ("/tWO.", None),
    ("/%C3%A9te", "Éte"),
    ("/E%CC%81TE.", "Éte"),
    ("/ete", None),
    ("/%E2%9D%A4!", "❤️"),
    ("/%E2%9D%A4%EF%B8%8F.", "❤️"),
    ("/sal", None),
    ("/sale-", None),
    ("/sale_.", None),
    ("/.sale", None),
    ("/sale.x", None),
    ("/sale%00", None),
    ("/...", None),
    ("/sale" + "." * 500, "sale"),
    ("/sale" + "." * 5000, None),
    ("/" + "x" * 5000, None),
]


@pytest.fixture
async def links(house: House) -> dict[str, Link]:
    return {
        slug: await house.make_link(slug=slug, url=f"https://example.com/{number}")
        for number, slug in enumerate(SLUGS)
    }


async def test_a_slug_leads_to_the_only_link_that_fits(
    house: House, links: dict[str, Link]
) -> None:
    for _ in range(2):  # read, then cached
        for path, slug in TABLE:
            url = links[slug].url if slug else ""
            assert await visit_aside(house, path) == url, path
            assert await visit_on_loop(house, path) == url, path
    asked = [slug for _, slug in TABLE]
    for slug, link in links.items():
        assert (await house.read_link(link)).click_count == 4 * asked.count(slug), slug


async def test_no_spelling_pushes_a_link_out_of_the_cache(
    house: House, links: dict[str, Link]
) -> None:
    for path, _ in TABLE:
        await visit_aside(house, path)
    cached, spellings = house.app.services.links.lookup.count_cached()
    assert cached == len(links)
    assert spellings < len(TABLE) / 2


class TestStrict:
    @pytest.fixture
    def config(self) -> Config:
        return replace(CONFIG, links=LinksConfig(forgiving=False))

    async def test_only_the_slug_itself_leads_anywhere(
        self, house: House, links: dict[str, Link]
    ) -> None:
        own = {"/two": "two", "/docs/V1.2": "docs/V1.2"}
        for _ in range(2):
            for path, _slug in TABLE:
                url = links[own[path]].url if path in own else ""
                assert await visit_aside(house, path) == url, path
                assert await visit_on_loop(house, path) == url, path


async def test_a_new_link_ends_what_was_known_of_every_spelling(
    house: House, client: httpx.AsyncClient
) -> None:
    async def look(*paths: str) -> list[str]:
        answers = [await client.get(path) for path in paths]
        return [answer.headers.get("location", "") for answer in answers]

    spellings = ("/sale.", "/Sale", "/SALE!", "/sale")
    assert await look(*spellings) == [""] * 4
    one = await house.make_link(slug="Sale", url="https://example.com/1")
    assert await look(*spellings) == [one.url] * 4
    two = await house.make_link(slug="sale", url="https://example.com/2")
    assert await look(*spellings) == [two.url, one.url, "", two.url]
    await house.change_link(two, slug="other", keeps_old_slug=False)
    assert await look(*spellings) == [one.url] * 4
    await house.change_link(one, url="https://example.com/3")
    assert await look(*spellings) == ["https://example.com/3"] * 4
    await house.delete_link(one)
    assert await look(*spellings) == [""] * 4


async def test_a_spelling_of_several_hides_none_of_them(
    house: House, client: httpx.AsyncClient
) -> None:
    for number, slug in enumerate(("sale", "Sale")):
        await house.make_link(slug=slug, url=f"https://example.com/{number}")
    asked = ("/SALE", "/sAlE.", "/Sale.", "/SALE", "/sale", "/SALE")
    found = [(await client.get(path)).headers.get("location", "") for path in asked]
    one, two = "https://example.com/0", "https://example.com/1"
    assert found == ["", "", two, "", one, ""]


async def test_a_password_is_asked_for_and_taken_at_any_spelling(
    house: House, client: httpx.AsyncClient
) -> None:
    link = await house.make_link(slug="Sale", password="open sesame")
    form = await client.get("/sale.?a=1")
    assert (form.status_code, 'name="password"' in form.text) == (200, True)
    assert "action=" not in form.text  # so it is sent to where it was asked for
    assert (await client.post("/sale.?a=1", data={"password": "wrong"})).status_code == 401
    right = await client.post("/sale.?a=1", data={"password": "open sesame"})
    assert (right.status_code, right.headers["location"]) == (303, "/Sale?a=1")
    assert (await client.get("/Sale?a=1")).headers["location"] == link.url
    assert (await house.read_link(link)).click_count == 1


async def test_any_spelling_keeps_what_the_link_keeps(
    house: House, client: httpx.AsyncClient
) -> None:
    limited = await house.make_link(slug="One", max_clicks=2)
    statuses = [(await client.get(path)).status_code for path in ("/ONE", "/one.", "/One", "/oNE")]
    assert statuses == [302, 302, 410, 410]
    await house.change_link(limited, is_active=False)
    assert (await client.get("/ONE")).status_code == 404
    await house.make_link(slug="Late", valid_since=house.now + 1)
    assert (await client.get("/late")).status_code == 404
    await house.make_link(slug="Page", is_link_in_bio=True)
    assert 'href="/Page?bio=go"' in (await client.get("/page,")).text
    details = await client.get("/PAGE+")
    assert (details.status_code, "localhost:8000/Page" in details.text) == (200, True)
    assert (await client.head("/page.")).status_code == 200


NAMES = ("sale", "Sale", "SALE", "straße", "STRASSE", "a.b", "A.b", "é", "É")
ENDINGS = ("", ".", ")!", "\u200b")
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["make", "delete", "rename", "look", "look"]), st.sampled_from(NAMES)
    ),
    min_size=1,
    max_size=25,
)


def fold(text: str) -> str:
    return normalize("NFC", text.casefold())


def find_expected(live: dict[str, Link], asked: str) -> str:
    """Where a visit leads, by the rules written out in one piece."""
    name = asked if asked in live else trim_marks(asked)
    if name in live:
        return live[name].url
    fitting = [link for slug, link in live.items() if fold(slug) == fold(name)]
    return fitting[0].url if len(fitting) == 1 else ""


@settings(max_examples=count_examples(10), deadline=None)
@example([("make", "sale"), ("make", "SALE")])
@given(STEPS)
def test_what_is_cached_never_outlives_a_change(steps: list[tuple[str, str]]) -> None:
    async def run(folder: Path) -> None:
        live: dict[str, Link] = {}
        async with open_house(folder, CONFIG) as house:
            for number, (step, name) in enumerate(steps):
                other = NAMES[(number + len(name)) % len(NAMES)]
                if step == "make" and name not in live:
                    url = f"https://example.com/{number}"
                    live[name] = await house.make_link(slug=name, url=url)
                elif step == "delete" and name in live:
                    await house.delete_link(live.pop(name))
                elif step == "rename" and name in live and other not in live:
                    link = live.pop(name)
                    live[other] = await house.change_link(link, slug=other, keeps_old_slug=False)
                for asked in (each + ending for each in NAMES for ending in ENDINGS):
                    assert await visit_aside(house, f"/{quote(asked)}") == find_expected(
                        live, asked
                    )

    with TemporaryDirectory() as folder:
        asyncio.run(run(Path(folder)))
