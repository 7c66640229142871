"""The bin: deleted links in the list, and how they come back."""

import re
from typing import Final

import pytest

from shorty.config import Config, Plan
from shorty.domains import NewDomain
from shorty.domains.service import add_operator_domain, remove_by_host
from shorty.links.address_store import rest_slug
from shorty.links.model import Link
from shorty.links.service import delete_link
from tests.api.conftest import DOMAINS
from tests.api.house import House
from tests.support import DAY
from tests.web.browser import Browser, read_text
from tests.web.test_link_list import list_slugs

PLACE: Final = "/app/links"
BIN: Final = f"{PLACE}?state=deleted"


async def make_deleted(house: House, **fields: object) -> Link:
    link = await house.make_link(**fields)
    await delete_link(house.app.services.links, await house.make_actor(), link.id, house.now)
    return link


async def test_the_bin_says_who_deleted_a_link_and_when(house: House, owner: Browser) -> None:
    assert "No deleted links" in read_text((await owner.open(BIN)).text)
    await make_deleted(house, slug="gone", title="Old <b>sale</b>", tag_names=("Press",))
    await house.make_link(slug="live")
    house.clock[0] += 2 * DAY
    page = (await owner.open(BIN)).text
    text = read_text(page)
    for told in ("localhost:8000/ gone", "Old &lt;b&gt;sale&lt;/b&gt;", "Press", "1 link"):
        assert told.replace("&lt;", "<").replace("&gt;", ">") in text
    assert "Deleted 2 days ago by ann" in text
    assert "live" not in text
    assert "<b>sale" not in page
    assert list_slugs((await owner.open(PLACE)).text) == ["live"]


async def test_the_link_that_was_deleted_last_comes_first(house: House, owner: Browser) -> None:
    for slug in ("first", "second"):
        await house.make_link(slug=slug)
    for number in (2, 1):
        house.clock[0] += 1000
        actor = await house.make_actor()
        await delete_link(house.app.services.links, actor, number, house.now)
    page = (await owner.open(BIN)).text
    assert page.index('id="link-1"') < page.index('id="link-2"')
    page = (await owner.open(f"{BIN}&sort=createdAt")).text
    assert page.index('id="link-2"') < page.index('id="link-1"')


async def test_a_link_is_restored_by_its_button(house: House, owner: Browser) -> None:
    link = await make_deleted(house, slug="gone")
    assert f'value="restore {link.id}"' in (await owner.open(BIN)).text
    answer = await owner.send(f"{PLACE}/many", one=f"restore {link.id}", back=BIN)
    assert answer.headers["location"] == BIN
    text = read_text(await owner.follow(answer))
    assert "1 link restored." in text
    assert "No deleted links" in text
    assert list_slugs((await owner.open(PLACE)).text) == ["gone"]


async def test_selected_links_are_restored_and_what_fails_is_said(
    house: House, owner: Browser
) -> None:
    made = [await make_deleted(house, slug=slug) for slug in ("a", "b", "taken")]
    await house.make_link(slug="taken")
    fields = {"ids": [str(link.id) for link in made], "action": "restore", "back": BIN}
    text = read_text(await owner.follow(await owner.send(f"{PLACE}/many", fields)))
    assert "2 links restored. 1 link failed:" in text
    assert "already taken" in text
    both = [await make_deleted(house, slug=slug) for slug in ("one", "two")]
    for slug in ("one", "two"):
        await house.make_link(slug=slug)
    fields["ids"] = [str(link.id) for link in both]
    text = read_text(await owner.follow(await owner.send(f"{PLACE}/many", fields)))
    assert "2 links failed" in text
    assert "localhost:8000/one" in text


async def test_what_stands_in_the_way_is_said_in_the_row(house: House, owner: Browser) -> None:
    db = house.app.db
    await db.write(lambda tx: add_operator_domain(tx, NewDomain(host="old.example"), house.now))
    await house.app.services.domains.reload()
    taken = await make_deleted(house, slug="taken")
    lost = await make_deleted(house, slug="lost", domain="old.example")
    await house.make_link(slug="taken")
    await db.write(lambda tx: remove_by_host(tx, "old.example", house.now))
    page = (await owner.open(BIN)).text
    text = read_text(page)
    for told in ("Slug taken", "Another link uses its slug now.", "Domain removed"):
        assert told in text
    assert "To restore it, add the domain old.example again." in text
    for link in (taken, lost):
        assert f'value="restore {link.id}"' not in page


async def test_a_slug_that_rests_for_another_workspace_is_said_in_the_row(
    house: House, owner: Browser, stranger: Browser
) -> None:
    link = await make_deleted(house, slug="lent")
    await house.app.db.write(
        lambda tx: rest_slug(tx, 1 + link.workspace_id, link.domain_id, "lent", house.now)
    )
    page = (await owner.open(BIN)).text
    assert "Slug reserved" in read_text(page)
    assert "reserved for another workspace" in read_text(page)
    assert f'value="restore {link.id}"' not in page
    answer = await owner.send(f"{PLACE}/many", one=f"restore {link.id}", back=BIN)
    assert "0 links restored. 1 link failed:" in read_text(await owner.follow(answer))


class TestFullQuotas:
    @pytest.fixture
    def config(self) -> Config:
        plan = Plan(name="small", qr_codes=0, bio_pages=0)
        return Config(domains=DOMAINS, plans={"small": plan, "unlimited": plan})

    async def test_a_quota_that_is_full_is_said_in_the_row(
        self, house: House, owner: Browser
    ) -> None:
        coded, page_link, plain = [await make_deleted(house, slug=slug) for slug in "abc"]
        await house.app.db.write(
            lambda tx: (
                tx.execute("update links set qr_settings = '{}' where id = $1", coded.id),
                tx.execute("update links set is_link_in_bio = 1 where id = $1", page_link.id),
            )
        )
        page = (await owner.open(BIN)).text
        text = read_text(page)
        assert "Your plan has no room for more QR codes." in text
        assert "Your plan has no room for more bio pages." in text
        assert re.findall(r'value="restore (\d+)"', page) == [str(plain.id)]
        for link in (coded, page_link):
            answer = await owner.send(f"{PLACE}/many", one=f"restore {link.id}", back=BIN)
            assert "0 links restored. 1 link failed:" in read_text(await owner.follow(answer))


class TestFullPlan:
    @pytest.fixture
    def config(self) -> Config:
        plan = Plan(name="small", links=1)
        return Config(domains=DOMAINS, plans={"small": plan, "unlimited": plan})

    async def test_a_full_plan_is_said_above_the_bin(self, house: House, owner: Browser) -> None:
        gone = await make_deleted(house, slug="gone")
        live = await house.make_link(slug="live")
        page = (await owner.open(BIN)).text
        assert "Your plan has no room for more links." in read_text(page)
        assert f'value="restore {gone.id}"' not in page
        answer = await owner.send(f"{PLACE}/many", one=f"restore {gone.id}", back=BIN)
        assert "0 links restored. 1 link failed:" in read_text(await owner.follow(answer))
        actor = await house.make_actor()
        await delete_link(house.app.services.links, actor, live.id, house.now)
        assert f'value="restore {gone.id}"' in (await owner.open(BIN)).text


async def test_a_viewer_sees_the_bin_and_restores_nothing(
    house: House, owner: Browser, viewer: Browser
) -> None:
    link = await make_deleted(house, slug="gone")
    page = (await viewer.open(BIN)).text
    assert "gone" in read_text(page)
    assert "restore" not in page.lower().replace("can be restored", "")
    answer = await viewer.send(f"{PLACE}/many", one=f"restore {link.id}")
    assert answer.status_code == 403
    assert "gone" in read_text((await owner.open(BIN)).text)


async def test_another_workspaces_bin_is_its_own(
    house: House, owner: Browser, stranger: Browser
) -> None:
    link = await make_deleted(house, slug="gone")
    assert "No deleted links" in read_text((await stranger.open(BIN)).text)
    answer = await stranger.send(f"{PLACE}/many", one=f"restore {link.id}", back=BIN)
    assert "not found" in read_text(await stranger.follow(answer))
    assert "gone" in read_text((await owner.open(BIN)).text)
