"""The page Export, and the files that it gives."""

import csv
import io

from tests.api.house import House
from tests.web.browser import Browser, read_text

PLACE = "/app/export"


async def test_the_page_says_how_much_there_is(house: House, owner: Browser) -> None:
    await house.make_link()
    page = read_text((await owner.open(PLACE)).text)
    assert "1 link, to take with you" in page
    assert "With every single click" in page


async def test_a_table_holds_every_link(house: House, owner: Browser) -> None:
    for number in range(3):
        await house.make_link(slug=f"s{number}", title="=1+1")
    answer = await owner.open(f"{PLACE}/links.csv")
    assert answer.headers["content-disposition"] == 'attachment; filename="links-2026-11-22.csv"'
    assert answer.headers["cache-control"] == "no-store"
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [(row["slug"], row["title"]) for row in rows] == [
        (f"s{number}", "'=1+1") for number in range(3)
    ]


async def test_only_those_who_change_links_get_the_hashes_of_passwords(
    house: House, owner: Browser, viewer: Browser
) -> None:
    await house.make_link(slug="closed", password="open sesame")
    assert "$argon2id$" in (await owner.open(f"{PLACE}/links.ndjson")).text
    assert "Everything" not in (await viewer.open(PLACE)).text
    assert (await viewer.open(f"{PLACE}/links.ndjson")).status_code == 403
    table = (await viewer.open(f"{PLACE}/links.csv")).text
    assert "closed" in table
    assert "argon2" not in table


async def test_a_viewers_table_tells_only_the_hosts_of_webhooks(
    house: House, owner: Browser, viewer: Browser
) -> None:
    await house.make_link(webhook_urls=("https://a.example/key", "https://b.example/"))
    for browser, told in (
        (owner, "https://a.example/key https://b.example/"),
        (viewer, "https://a.example/… https://b.example/"),
    ):
        table = (await browser.open(f"{PLACE}/links.csv")).text
        (row,) = csv.DictReader(io.StringIO(table))
        assert row["webhookUrls"] == told


async def test_an_export_holds_no_other_workspaces_links(
    house: House, owner: Browser, stranger: Browser
) -> None:
    await house.make_link(slug="mine")
    for name in ("links.csv", "links.ndjson?clicks=1"):
        assert "mine" in (await owner.open(f"{PLACE}/{name}")).text
        assert "mine" not in (await stranger.open(f"{PLACE}/{name}")).text


async def test_nobody_exports_without_signing_in(house: House, owner: Browser) -> None:
    owner.client.cookies.clear()
    for way in ("", "/links.csv", "/links.ndjson"):
        answer = await owner.open(f"{PLACE}{way}")
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/app/sign-in")
