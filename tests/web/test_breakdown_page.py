"""Every row of a breakdown: the analytics pages show its first ones and lead to the rest."""

import csv
import io
import re
from html import unescape

import pytest

from shorty.clicks.model import BOT
from shorty.web import overview
from tests.api.house import House
from tests.api.visits import fold, visit
from tests.support import NOW
from tests.web.browser import Browser
from tests.web.figures import read_counts

LINK = "/app/links/1"
ALL = re.compile(r'<a href="([^"]+)" aria-label="([^"]+): show all ([\d,]+)"')
NEXT = re.compile(r'rel="next" href="([^"]+)"')
START = re.compile(r'<a class="button" href="([^"]+/breakdown[?][^"]+)">')


@pytest.fixture(autouse=True)
async def link(house: House) -> None:
    await house.make_link(slug="sale")


async def open_page(browser: Browser, path: str) -> str:
    answer = await browser.open(unescape(path))
    assert answer.status_code == 200, answer.text
    return answer.text


def find_all_rows(page: str) -> dict[str, tuple[str, str]]:
    """Where all rows of each breakdown are and how many there are said to be, by its title."""
    return {title: (place, rows) for place, title, rows in ALL.findall(page)}


async def visit_from_sites(house: House, sites: int) -> None:
    """The first site has as many clicks as there are sites, the last one has one."""
    for number in range(sites):
        for first in range(number, sites, 40):
            await visit(
                house,
                *(
                    {"referrer": f"site{number:02}.example", "country": "DE", "city": f"C{number}"}
                    for _ in range(first, min(first + 40, sites))
                ),
            )
    await fold(house)


async def test_one_or_two_more_rows_are_shown_at_once(house: House, owner: Browser) -> None:
    await visit_from_sites(house, 10)
    page = await open_page(owner, LINK)
    assert len(read_counts(page, "Referrers")) == 10
    assert not ALL.search(page)


@pytest.mark.parametrize("place", ["/app", LINK])
async def test_a_page_shows_the_first_rows_and_leads_to_all(
    house: House, owner: Browser, place: str
) -> None:
    await visit_from_sites(house, 12)
    page = await open_page(owner, place)
    expected = [(f"site{number:02}.example", 12 - number) for number in range(12)]
    assert read_counts(page, "Referrers") == expected[:8]
    address, rows = find_all_rows(page)["Referrers"]
    assert rows == "12"
    assert address == f"{place}/breakdown?table=referrers"
    whole = await open_page(owner, address)
    assert read_counts(whole, "Referrers") == expected
    assert "12 rows, most clicks first" in whole
    assert not NEXT.search(whole)
    # A breakdown of few rows is whole where it is.
    assert "Countries" not in find_all_rows(page)


async def test_many_rows_are_divided_into_pages(house: House, owner: Browser) -> None:
    cities = [
        {"country": "NO", "city": f"City {number:03}", "at": NOW - 1 - number * 900_000}
        for number in range(230)
        for _ in range(2 if number < 30 else 1)
    ]
    await visit(house, *cities)
    await fold(house)
    page = await open_page(owner, f"{LINK}?range=90d")
    address, rows = find_all_rows(page)["Cities"]
    assert rows == "230"
    found: list[tuple[str, int]] = []
    for said in ("Rows 1 to 100 of 230", "Rows 101 to 200 of 230", "Rows 201 to 230 of 230"):
        page = await open_page(owner, address)
        assert said in page
        found += read_counts(page, "Cities")
        following = NEXT.search(page)
        address = following[1] if following else ""
    assert address == ""
    assert len({name for name, _ in found}) == len(found) == 230
    assert [clicks for _, clicks in found] == [2] * 30 + [1] * 200
    start = START.search(page)
    assert start
    assert "Rows 1 to 100" in await open_page(owner, start[1])


@pytest.mark.parametrize("after", ["1000", "9999999999999999999999", "-1", "x", ""])
async def test_a_page_that_there_is_not_says_so(house: House, owner: Browser, after: str) -> None:
    await visit(house, {"country": "DE"})
    page = await open_page(owner, f"{LINK}/breakdown?table=countries&after={after}")
    if after == "1000":
        assert "No more rows." in page
    else:
        assert read_counts(page, "Countries") == [("Germany", 1)]


async def test_rows_have_the_range_the_filters_and_the_bots_of_the_page(
    house: House, owner: Browser
) -> None:
    day = 86_400_000
    await visit(
        house,
        *({"country": "DE", "city": f"D{number}"} for number in range(11)),
        *({"country": "NO", "city": f"N{number}"} for number in range(11)),
        {"country": "DE", "city": "Old", "at": NOW - 40 * day},
        {"country": "DE", "city": "Bot", "kind": BOT},
    )
    page = await open_page(owner, f"{LINK}?range=7d&bots=1&country=DE")
    address, rows = find_all_rows(page)["Cities"]
    assert rows == "12"
    whole = await open_page(owner, address)
    assert {name for name, _ in read_counts(whole, "Cities")} == {
        "Bot",
        *(f"D{number}" for number in range(11)),
    }
    # Its own links keep the breakdown, and a row filters the page that it came from.
    assert f'href="{LINK}/breakdown?range=90d&amp;bots=1&amp;country=DE&amp;table=cities"' in whole
    assert f'href="{LINK}?range=7d&amp;bots=1&amp;city=DEBot"' in whole
    assert (
        f'href="{LINK}/analytics.csv?range=7d&amp;bots=1&amp;country=DE&amp;table=cities"' in whole
    )
    longer = await open_page(owner, f"{LINK}/breakdown?range=90d&country=DE&table=cities")
    assert ("Old", 1) in read_counts(longer, "Cities")


async def test_the_overviews_rows_are_those_of_its_domain_and_tag(
    house: House, owner: Browser
) -> None:
    await house.make_link(slug="other")
    await visit(house, {"country": "DE"}, {"country": "NO", "link_id": 2})
    page = await open_page(owner, "/app/breakdown?table=countries")
    assert dict(read_counts(page, "Countries")) == {"Germany": 1, "Norway": 1}
    await owner.send("/app/tags", name="autumn", color="#aa0000")
    await owner.send(f"{LINK}/edit", tags="autumn", url="https://example.com/", slug="sale")
    tagged = await open_page(owner, "/app/breakdown?table=countries&tag=1")
    assert dict(read_counts(tagged, "Countries")) == {"Germany": 1}
    unknown = await open_page(owner, "/app/breakdown?table=countries&tag=99")
    assert "This workspace has no such tag." in unknown


async def test_rows_of_many_links_come_after_their_page(
    house: House, owner: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overview, "MOST_LINKS_AT_ONCE", 1)
    for slug in ("a", "b"):
        await house.make_link(slug=slug, tag_names=("spring",))
    await visit(house, {"country": "DE", "link_id": 2}, {"country": "DE", "link_id": 3})
    path = "/app/breakdown?tag=1&table=countries"
    page = await open_page(owner, path)
    assert "takes a moment." in page
    assert read_counts(page, "Countries") == []
    (address,) = re.findall(r'href="(/app/breakdown[^"]*all=1)"', page)
    assert read_counts(await open_page(owner, address), "Countries") == [("Germany", 2)]
    part = await owner.open(path, **{"x-shorty-fragment": "1"})
    assert read_counts(part.text, "Countries") == [("Germany", 2)]
    assert "<html" not in part.text


@pytest.mark.parametrize(
    "query", ["?table=nothing", "?table=over-time", "?table=browsers&country=DE"]
)
@pytest.mark.parametrize("place", ["/app", LINK])
async def test_a_breakdown_that_there_is_not_is_not_found(
    owner: Browser, place: str, query: str
) -> None:
    assert (await owner.open(f"{place}/breakdown{query}")).status_code == 404


async def test_a_file_has_every_row(house: House, owner: Browser) -> None:
    await visit(house, *({"referrer": f"host{number}.example"} for number in range(99)))
    await visit(house, *({"referrer": f"more{number}.example"} for number in range(99)))
    answer = await owner.open("/app/analytics.csv?table=referrers")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert sum(int(row["Clicks"]) for row in rows) == 198
    whole = await open_page(owner, "/app/breakdown?table=referrers")
    assert len(read_counts(whole, "Referrers")) == 100 < len(rows)


async def test_the_rows_of_others_are_not_shown(
    house: House, owner: Browser, stranger: Browser
) -> None:
    await visit(house, {"country": "DE"})
    page = await open_page(stranger, "/app/breakdown?table=countries")
    assert read_counts(page, "Countries") == []
    assert "No clicks in this period." in page
    assert (await owner.open("/app/links/99/breakdown?table=countries")).status_code == 404
