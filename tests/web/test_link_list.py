"""The list of links, and what is done from it."""

import re

import pytest

from shorty.links.model import Link
from shorty.links.service import get_link
from shorty.web.link_list import read_back, read_listing
from tests.api.house import House
from tests.web.browser import Browser, read_text

PLACE = "/app/links"
HOSTILE = "<script>alert(1)</script>"


async def find(house: House, link: Link) -> Link:
    return await get_link(house.app.services.links, await house.make_actor(), link.id)


async def count_clicks(house: House, link: Link, clicks: int) -> None:
    sql = "update link_counters set clicks = $2, total = $2 where link_id = $1"
    await house.app.db.write(lambda tx: tx.execute(sql, link.id, clicks))


def list_slugs(page: str) -> list[str]:
    return re.findall(r'class="short"[^>]*><span[^>]*>[^<]*</span><wbr>([^<]*)</a>', page)


async def test_an_empty_list_teaches(owner: Browser, viewer: Browser) -> None:
    assert "Paste a URL above" in read_text((await owner.open(PLACE)).text)
    page = read_text((await viewer.open(PLACE)).text)
    assert "Paste" not in page
    assert "No links yet" in page


async def test_a_row_says_what_matters(house: House, owner: Browser) -> None:
    link = await house.make_link(
        slug="sale", title="Autumn sale", tag_names=("Press",), max_clicks=5, password="x"
    )
    await count_clicks(house, link, 1)
    page = (await owner.open(PLACE)).text
    text = read_text(page)
    for told in ("sale", "Autumn sale", "example.com/there", "Press", "1 click", "1 link"):
        assert told in text
    for badge in ("Limited", "Password"):
        assert f">{badge}</span>" in page
    assert f'data-copy="{link.short_url}"' in page


async def test_hostile_texts_are_shown_as_texts(house: House, owner: Browser) -> None:
    await house.make_link(
        slug="x", title=HOSTILE, url="https://example.com/\"><img src=x onerror='alert(1)'>"
    )
    for path in (PLACE, f"{PLACE}/1/edit", f"{PLACE}/1/delete"):
        page = (await owner.open(path)).text
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


async def test_the_list_is_searched_filtered_and_sorted(house: House, owner: Browser) -> None:
    one = await house.make_link(slug="one", title="Apple", tag_names=("Fruit",))
    house.clock[0] += 1000
    await house.make_link(slug="two", title="Pear", domain="go.example", is_active=False)
    house.clock[0] += 1000
    await house.make_link(slug="three", title="Plum", is_starred=True)
    await count_clicks(house, one, 7)
    wanted = {
        "": ["three", "two", "one"],
        "?sort=createdAt": ["one", "two", "three"],
        "?sort=-clickCount": ["one", "three", "two"],
        "?q=p": ["three", "two", "one"],
        "?q=ppl": ["one"],
        "?tag=1": ["one"],
        "?domain=go.example": ["two"],
        "?state=off": ["two"],
        "?state=disabled": ["two"],
        "?state=active": ["three", "one"],
        "?state=expired": [],
        "?state=on": ["three", "one"],
        "?state=starred": ["three"],
        "?q=zzz": [],
        "?tag=99": [],
        "?tag=x&state=odd&sort=sideways&cursor=nonsense": ["three", "two", "one"],
    }
    for query, slugs in wanted.items():
        assert list_slugs((await owner.open(PLACE + query)).text) == slugs, query
    assert "No matches" in read_text((await owner.open(f"{PLACE}?q=zzz")).text)


async def test_a_script_gets_the_rows_alone(house: House, owner: Browser) -> None:
    await house.make_link(slug="one")
    answer = await owner.client.get(f"{PLACE}?q=one", headers={"x-shorty-fragment": "1"})
    assert list_slugs(answer.text) == ["one"]
    assert "<html" not in answer.text
    assert "1 link" in read_text(answer.text)


async def test_pages_follow_one_another(
    house: House, owner: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shorty.web.link_list.PER_PAGE", 2)
    for slug in ("a", "b", "c"):
        await house.make_link(slug=slug)
    first = (await owner.open(f"{PLACE}?sort=createdAt")).text
    assert list_slugs(first) == ["a", "b"]
    following = re.search(r'rel="next" href="([^"]+)"', first)
    assert following
    second = (await owner.open(following[1].replace("&amp;", "&"))).text
    assert list_slugs(second) == ["c"]
    assert 'rel="next"' not in second
    assert "To the start" in read_text(second)


async def test_many_are_tagged_switched_and_starred_at_once(house: House, owner: Browser) -> None:
    links = [await house.make_link(slug=slug, tag_names=("own",)) for slug in "abc"]
    ids = [str(link.id) for link in links[:2]]
    actions = [
        ({"action": "tag", "tag": "New, own"}, "2 links tagged."),
        ({"action": "untag", "tag": "OWN"}, "Tag removed from 2 links."),
        ({"action": "off"}, "2 links disabled."),
        ({"action": "star"}, "2 links starred."),
    ]
    for fields, told in actions:
        answer = await owner.send(f"{PLACE}/many", {"ids": ids, **fields})
        assert told in read_text(await owner.follow(answer))
    answer = await owner.send(f"{PLACE}/many", {"ids": ids, "action": "untag", "tag": "Nwe"})
    assert "This workspace has no such tag" in read_text(await owner.follow(answer))
    changed = [await find(house, link) for link in links]
    assert [[tag.name for tag in link.tags] for link in changed] == [["New"], ["New"], ["own"]]
    assert [link.is_active for link in changed] == [False, False, True]
    assert [link.is_starred for link in changed] == [True, True, False]


async def test_a_rows_own_button_is_about_its_link_alone(house: House, owner: Browser) -> None:
    links = [await house.make_link(slug=slug) for slug in "ab"]
    page = (await owner.open(PLACE)).text
    assert f'name="one" value="off {links[0].id}"' in page
    answer = await owner.send(f"{PLACE}/many", one=f"off {links[0].id}", back=f"{PLACE}?state=on")
    assert answer.headers["location"] == f"{PLACE}?state=on#link-{links[0].id}"  # if still there
    assert list_slugs(await owner.follow(answer)) == ["b"]
    answer = await owner.send(f"{PLACE}/many", one="off x")
    assert "notice alarm" in await owner.follow(answer)


async def test_what_cannot_be_done_says_why(house: House, owner: Browser) -> None:
    link = await house.make_link()
    refused = [
        ({"action": "on"}, "Select links first."),
        ({"ids": str(link.id), "action": "tag"}, "Enter a tag first"),
        ({"ids": str(link.id), "action": "odd", "tag": "x"}, "Choose an action"),
        ({"ids": str(link.id), "action": "domain", "to_domain": "x.example"}, "Choose a domain"),
        ({"ids": str(link.id), "action": "expiry", "expires_at": "soon"}, "a date and a time"),
        ({"ids": str(link.id), "action": "expiry", "expires_at": "2020-01-01T10:00"}, "future"),
        ({"ids": str(link.id), "action": "tag", "tag": "x" * 60}, "1 link failed:"),
        ({"ids": "99", "action": "on"}, "Link 99 not found."),
    ]
    for fields, told in refused:
        page = await owner.follow(await owner.send(f"{PLACE}/many", fields))
        assert told in read_text(page)
        assert "notice alarm" in page


async def test_deleting_is_asked_before_and_can_be_undone(house: House, owner: Browser) -> None:
    links = [await house.make_link(slug=slug) for slug in "abc"]
    ids = [str(link.id) for link in links[:2]]
    back = f"{PLACE}?sort=createdAt"
    asked = await owner.send(f"{PLACE}/many", {"ids": ids, "action": "delete", "back": back})
    assert "Delete 2 links?" in read_text(asked.text)
    assert len(list_slugs((await owner.open(back)).text)) == 3
    sure = {"ids": ids, "action": "delete", "back": back, "sure": "1"}
    answer = await owner.send(f"{PLACE}/many", sure)
    assert answer.headers["location"] == back
    page = await owner.follow(answer)
    assert "2 links deleted." in read_text(page)
    assert list_slugs(page) == ["c"]
    undo = re.search(
        r'action="(/app/links/restore)".*?name="ids" value="([\d ]+)"', page, re.DOTALL
    )
    assert undo
    page = await owner.follow(await owner.send(undo[1], ids=undo[2], back=back))
    assert "2 links restored." in read_text(page)
    assert list_slugs(page) == ["a", "b", "c"]


async def test_one_link_is_deleted_on_a_page_that_asks(house: House, owner: Browser) -> None:
    link = await house.make_link(slug="gone")
    page = (await owner.open(f"{PLACE}/{link.id}/delete")).text
    assert "Delete this link?" in read_text(page)
    sure = {"ids": str(link.id), "action": "delete", "sure": "1"}
    assert "1 link deleted." in read_text(
        await owner.follow(await owner.send(f"{PLACE}/many", sure))
    )
    assert (await owner.send(f"{PLACE}/many", sure)).status_code == 404


async def test_a_slug_that_is_taken_since_stands_in_the_way_of_undoing(
    house: House, owner: Browser
) -> None:
    link = await house.make_link(slug="mine")
    await owner.send(f"{PLACE}/many", {"ids": str(link.id), "action": "delete", "sure": "1"})
    await house.make_link(slug="mine")
    page = await owner.follow(await owner.send(f"{PLACE}/restore", ids=str(link.id)))
    assert "already taken" in read_text(page)
    page = await owner.follow(await owner.send(f"{PLACE}/restore", ids="x"))
    assert "notice alarm" in page


async def test_a_viewer_sees_links_and_changes_none(
    house: House, owner: Browser, viewer: Browser
) -> None:
    link = await house.make_link(slug="sale")
    page = (await viewer.open(PLACE)).text
    assert list_slugs(page) == ["sale"]
    for part in ("/app/links/many", "Shorten", "/edit", "Add tag", "data-delete"):
        assert part not in page
    forms = [
        (f"{PLACE}/many", {"ids": str(link.id), "action": "off"}),
        (f"{PLACE}/restore", {"ids": str(link.id)}),
        (PLACE, {"url": "https://example.com/"}),
        (f"{PLACE}/{link.id}/edit", {"slug": "mine"}),
        (f"{PLACE}/preview", {"url": "https://example.com/"}),
    ]
    for path, fields in forms:
        assert (await viewer.send(path, fields)).status_code == 403, path
    for path in ("new", f"{link.id}/edit", f"{link.id}/delete", f"{link.id}/duplicate", "check"):
        assert (await viewer.open(f"{PLACE}/{path}")).status_code == 403, path
    assert await find(house, link) == link


async def test_another_workspaces_links_are_not_there(
    house: House, owner: Browser, stranger: Browser
) -> None:
    link = await house.make_link(slug="ours")
    assert list_slugs((await stranger.open(PLACE)).text) == []
    for path in ("edit", "delete", "duplicate", "code.svg"):
        assert (await stranger.open(f"{PLACE}/{link.id}/{path}")).status_code == 404, path
    assert (await stranger.send(f"{PLACE}/{link.id}/edit", slug="mine")).status_code == 404
    sure = {"ids": str(link.id), "action": "delete", "sure": "1"}
    assert (await stranger.send(f"{PLACE}/many", sure)).status_code == 404
    await owner.send(f"{PLACE}/many", sure)
    page = await stranger.follow(await stranger.send(f"{PLACE}/restore", ids=str(link.id)))
    assert " not found." in read_text(page)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("/app/links?q=a%20b&sort=-clickCount", "/app/links?q=a%20b&sort=-clickCount"),
        ("/app/links", "/app/links"),
        ("", PLACE),
        ("//evil.example", PLACE),
        ("https://evil.example/app/links", PLACE),
        ("/app/links/../tokens", PLACE),
        ("/app/links?q=a\r\nset-cookie: x", PLACE),
        ("/app/links?q=é", PLACE),
    ],
)
def test_a_form_leads_back_to_a_list_and_nowhere_else(text: str, place: str) -> None:
    assert read_back(text) == place


def test_the_address_of_a_list_holds_all_it_asks_for() -> None:
    query = {"q": "a b&c", "tag": "5", "state": "disabled", "sort": "clickCount", "cursor": "x"}
    wanted = read_listing(query)
    assert wanted.write_place() == "/app/links?q=a+b%26c&tag=5&state=disabled&sort=clickCount"
    assert read_listing({}).write_place() == PLACE
