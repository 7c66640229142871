import csv
import re
from html import unescape
from typing import Any
from urllib.parse import urlencode

import pytest

from shorty.clicks.model import BOT, QR
from shorty.web import overview
from shorty.web.cookies import ZONE
from shorty.web.formatting import write_share
from tests.api.house import House
from tests.api.visits import HOUR, fold, visit
from tests.support import DAY, NOW
from tests.web.browser import Browser, read_text
from tests.web.figures import read_counts, read_figures, read_rows

VALUES = {
    "country": ("DE", "Germany"),
    "referrer": ("Google", "Google"),
    "device": ("mobile", "Mobile"),
    "browser": ("Safari", "Safari"),
    "os": ("iOS", "iOS"),
    "utm_source": ("news & more", "news & more"),
}


async def open_page(person: Browser, path: str = "/app", **query: str) -> str:
    answer = await person.open(f"{path}?{urlencode(query)}" if query else path)
    assert answer.status_code == 200, answer.text
    return answer.text


def find_address(page: str, title: str, row: str) -> str | None:
    """Where a row of a breakdown leads to."""
    section = page.partition(f">{title}</h2>")[2].partition("</section>")[0]
    for address, name in re.findall(
        r'<span class="bar-name">.*?<a href="([^"]+)">(.*?)</a>', section
    ):
        if read_text(name) == row:
            return unescape(address)
    return None


def list_chips(page: str) -> dict[str, str]:
    """The chips, and where each leads to."""
    found = re.findall(r'<li class="chip">(.*?)<a href="([^"]+)"', page, re.DOTALL)
    return {read_text(text): unescape(address) for text, address in found}


async def make_visits(house: House, *more: dict[str, Any]) -> None:
    """Ten from Germany by Google and three from the US without a referrer, on several days."""
    german: dict[str, Any] = {
        "country": "DE",
        "referrer": "google.de",
        "utm": ("news & more", None, None, None, None),
    }
    visits = [german | {"at": NOW - HOUR - n % 5 * DAY, "visitor": n + 1} for n in range(10)]
    visits += [{"country": "US", "visitor": 20 + n, "user_agent": "Wget"} for n in range(3)]
    await visit(house, *visits, *more)
    await fold(house)


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata"])
@pytest.mark.parametrize("place", ["/app", "/app/links/1"])
async def test_a_row_filters_by_its_value(
    house: House, owner: Browser, place: str, zone: str
) -> None:
    await house.make_link(slug="sale")
    await make_visits(house, {"country": "DE", "kind": BOT})
    owner.client.cookies.set(ZONE, zone)
    page = await open_page(owner, place)
    assert read_figures(page)["Clicks"] == 13
    address = find_address(page, "Countries", "Germany")
    assert address is not None
    assert address == f"{place}?country=DE"
    filtered = await open_page(owner, address)
    assert list_chips(filtered) == {"Country: Germany": place}
    assert read_figures(filtered) == {"Clicks": 10, "Visitors": 10}
    assert f"{write_share(10, 13)} of 13" in unescape(filtered)
    assert read_counts(filtered, "Countries") == [("Germany", 10), ("United States", 3)]
    assert read_rows(filtered, "Devices") == []
    assert "other breakdowns, scans and single links can't be combined" in read_text(filtered)
    with_bots = await open_page(owner, place, country="DE", bots="1")
    assert read_figures(with_bots)["Clicks"] == 11


@pytest.mark.parametrize("name", VALUES)
async def test_each_breakdown_filters_by_exactly_its_clicks(
    house: House, owner: Browser, name: str
) -> None:
    await house.make_link(slug="sale")
    await make_visits(house, {"country": "FR", "visitor": 50, "user_agent": ""})
    value, title = VALUES[name]
    page = await open_page(owner, "/app/links/1", **{name: value})
    ((chip, address),) = list_chips(page).items()
    assert chip.endswith(f": {title}")
    assert address == "/app/links/1"
    expected = 10
    assert read_figures(page)["Clicks"] == expected
    # The chart has no line of visitors where they are not kept by value.
    assert ('<th scope="col">Visitors</th>' in page) == (name == "country")


async def test_clicks_without_a_value_filter_where_they_are_a_row(
    house: House, owner: Browser
) -> None:
    await house.make_link(slug="sale")
    await visit(house, *({"visitor": n} for n in range(3)), {"country": "DE", "referrer": "t.co"})
    page = await open_page(owner)
    for title, row, clicks in (("Countries", "Unknown", 3), ("Referrers", "Direct", 3)):
        address = find_address(page, title, row)
        assert address is not None
        filtered = await open_page(owner, address)
        assert read_figures(filtered)["Clicks"] == clicks


async def test_a_country_shows_its_cities(house: House, owner: Browser) -> None:
    await house.make_link(slug="sale")
    await visit(
        house,
        {"country": "DE", "city": "Bonn"},
        {"country": "US", "city": "Bonn", "visitor": 8},
        {"country": "US", "city": "Portland", "visitor": 9},
    )
    page = await open_page(owner, "/app/links/1", country="US")
    assert read_counts(page, "Cities") == [("Bonn", 1), ("Portland", 1)]
    address = find_address(page, "Cities", "Bonn")
    assert address == "/app/links/1?city=USBonn"
    assert read_figures(await open_page(owner, address)) == {"Clicks": 1, "Visitors": 1}


async def test_filters_stay_in_every_address_of_the_page(house: House, owner: Browser) -> None:
    await house.make_link(slug="sale", tag_names=("spring",))
    await make_visits(house)
    page = await open_page(owner, tag="1", domain="go.example", range="7d", country="DE")
    assert list_chips(page) == {
        "Domain: go.example": "/app?range=7d&tag=1&country=DE",
        "Tag: spring": "/app?range=7d&domain=go.example&country=DE",
        "Country: Germany": "/app?range=7d&domain=go.example&tag=1",
    }
    assert 'href="/app?range=90d&amp;domain=go.example&amp;tag=1&amp;country=DE"' in page
    assert '<input type="hidden" name="country" value="DE">' in page
    without = await open_page(owner, domain="go.example", range="7d", country="DE")
    assert read_figures(without)["Clicks"] == 0  # it is on localhost:8000
    by_domain = await open_page(owner, domain="localhost:8000", range="7d")
    assert "/app/links/1?range=7d" in by_domain


async def test_the_overview_by_domain_and_by_tag(house: House, owner: Browser) -> None:
    client = await house.make_client()
    await house.make_link(slug="a", tag_names=("spring",))
    await house.make_link(slug="b")
    await visit(
        house,
        {"domain_id": 1, "visitor": 1, "source": QR},
        {"domain_id": 2, "visitor": 2},
        {"domain_id": 2, "visitor": 3, "link_id": 2},
    )
    for host, clicks in (("localhost:8000", 1), ("go.example", 2)):
        page = await open_page(owner, domain=host)
        assert read_figures(page)["Clicks"] == clicks
        answer = await client.get("/api/v1/analytics/summary", params={"domain": host})
        assert answer.json()["clicks"] == clicks
    page = await open_page(owner, tag="1")
    assert read_figures(page)["Clicks"] == 2
    (top,) = read_rows(page, "Top links")
    assert top[0].startswith("localhost:8000/ a ")


async def test_a_filter_that_is_not_here_is_said(house: House, owner: Browser) -> None:
    await house.make_link(slug="a")
    await visit(house, {})
    page = await open_page(owner, tag="99", domain="elsewhere.example")
    assert "This workspace has no such domain. This workspace has no such tag." in read_text(page)
    assert list_chips(page) == {}
    assert read_figures(page)["Clicks"] == 1


async def test_another_workspaces_tag_filters_nothing(
    house: House, owner: Browser, stranger: Browser
) -> None:
    await house.make_link(slug="a", tag_names=("spring",))
    await visit(house, {})
    answer = await stranger.send("/app/links", {"url": "https://example.com/"})
    assert answer.status_code == 303
    link_id = (await house.app.db.find_all("select max(id) as id from links"))[0]["id"]
    await visit(house, *[{"link_id": link_id, "visitor": n} for n in range(5)])
    page = await open_page(stranger, tag="1", domain="localhost:8000")
    assert "This workspace has no such tag." in read_text(page)
    assert "spring" not in page
    assert read_figures(page)["Clicks"] == 5
    assert read_figures(await open_page(owner, domain="localhost:8000"))["Clicks"] == 1


async def test_a_page_of_many_links_comes_before_its_numbers(
    house: House, owner: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overview, "MOST_LINKS_AT_ONCE", 1)
    for slug in ("a", "b"):
        await house.make_link(slug=slug, tag_names=("spring",))
    await visit(house, {}, {"link_id": 2})
    page = await open_page(owner, tag="1")
    assert read_figures(page) == {}
    assert "takes a moment." in read_text(page)
    (address,) = re.findall(r'href="(/app\?[^"]*all=1)"', page)
    assert read_figures(await open_page(owner, unescape(address)))["Clicks"] == 2
    part = await owner.open("/app?tag=1", **{"x-shorty-fragment": "1"})
    assert read_figures(part.text)["Clicks"] == 2
    assert "<html" not in part.text


async def test_rows_that_cannot_filter_are_no_links(house: House, owner: Browser) -> None:
    await house.make_link(slug="a")
    await visit(house, *({"referrer": f"{n}.example", "visitor": n} for n in range(110)))
    page = await open_page(owner)
    assert find_address(page, "Referrers", "0.example") is not None
    assert ("Other", 10) in read_counts(page, "Referrers")
    assert find_address(page, "Referrers", "Other") is None


async def test_downloads_keep_the_filters(house: House, owner: Browser) -> None:
    await house.make_link(slug="a", tag_names=("spring",))
    await house.make_link(slug="b")
    await visit(
        house,
        {"country": "DE", "city": "Bonn", "visitor": 1},
        {"country": "US", "city": "Bonn", "visitor": 2},
        {"country": "DE", "link_id": 2, "visitor": 3, "domain_id": 2},
    )
    page = await open_page(owner, country="DE", tag="1", range="today")
    (address,) = re.findall(r'href="([^"]+table=over-time)"', page)
    rows = await read_csv(owner, unescape(address))
    assert [sum(int(row[column]) for row in rows[1:]) for column in (2, 3)] == [1, 1]
    (address,) = re.findall(r'href="([^"]+table=cities)"', page)
    assert [row[:4] for row in (await read_csv(owner, unescape(address)))[1:]] == [
        ["Bonn", "Germany", "DE", "1"]
    ]
    of_domain = await read_csv(owner, "/app/analytics.csv?table=countries&domain=go.example")
    assert [row[1:3] for row in of_domain[1:]] == [["DE", "1"]]
    of_link = await read_csv(owner, "/app/links/1/analytics.csv?table=over-time&device=mobile")
    assert sum(int(row[2]) for row in of_link[1:]) == 2
    assert of_link[0][2:] == ["Clicks", "Previous period", "Note"]  # no visitors of a device
    assert (await owner.open("/app/analytics.csv?domain=elsewhere.example")).status_code == 404
    top = await read_csv(owner, "/app/analytics.csv?table=top-links&tag=1")
    assert [row[3] for row in top[1:]] == ["2"]


async def read_csv(person: Browser, address: str) -> list[list[str]]:
    answer = await person.open(address)
    assert answer.status_code == 200, answer.text
    return list(csv.reader(answer.text.removeprefix("\ufeff").splitlines()))


async def test_a_long_range_of_fewer_links_waits_too(
    house: House, owner: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overview, "MOST_DAYS_AT_ONCE", 60)
    for slug in ("a", "b", "c"):
        await house.make_link(slug=slug, tag_names=("spring",))
    await visit(house, {})
    assert read_figures(await open_page(owner, tag="1", range="7d"))["Clicks"] == 1
    assert read_figures(await open_page(owner, tag="1", range="30d")) == {}
