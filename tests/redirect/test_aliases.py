"""Visits at aliases: one link, one count, one owner of each address, whatever was done before."""

import asyncio
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unicodedata import normalize
from urllib.parse import quote

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shorty.errors import SlugTakenError
from shorty.links.lookup import LinkLookup
from shorty.links.model import Link, LinkChange, QrSettings
from shorty.links.page_fetcher import fill_title
from shorty.links.service import (
    change_link,
    create_link,
    create_links,
    delete_link,
    get_link,
    restore_link,
)
from shorty.links.slug import trim_marks
from tests.examples import count_examples
from tests.redirect.conftest import CONFIG
from tests.redirect.house import House, open_house
from tests.redirect.visiting import visit_aside, visit_on_loop
from tests.support import make_actor, make_home

BUCHER = "xn--bcher-kva.example"


async def test_a_slug_leads_to_the_only_link_that_fits_by_slug_or_alias(house: House) -> None:
    one = await house.make_link(
        slug="one", aliases=("Sale", "docs/V1.2", "sAlE"), url="https://a.example/"
    )
    two = await house.make_link(slug="two", aliases=("Two", "mixed"), url="https://b.example/")
    three = await house.make_link(slug="Mixed", url="https://c.example/")
    for _ in range(2):
        for path, link in (
            *(
                ("/Sale", one),
                ("/sAlE", one),
                ("/sale", one),
                ("/SALE.", one),
                ("/docs/v1.2!", one),
            ),
            *(("/two", two), ("/TWO)", two), ("/mixed", two), ("/Mixed", three), ("/MIXED", None)),
        ):
            url = link.url if link else ""
            assert await visit_aside(house, path) == url, path
            assert await visit_on_loop(house, path) == url, path
    assert [(await house.read_link(link)).click_count for link in (one, two, three)] == [20, 12, 4]


async def test_a_limit_counts_all_addresses_together(
    house: House, client: httpx.AsyncClient
) -> None:
    aliases = ("alias", f"{BUCHER}/sale")
    await house.make_link(slug="own", aliases=aliases, max_clicks=3)
    other = {"host": BUCHER}
    answers = [
        await client.get("/alias"),
        await client.get("/sale", headers=other),
        await client.get("/own"),
        await client.get("/ALIAS"),
        await client.get("/sale", headers=other),
        await client.get("/own"),
    ]
    assert [answer.status_code for answer in answers] == [302, 302, 302, 410, 410, 410]


async def test_a_password_opens_the_address_at_which_it_was_given(
    house: House, client: httpx.AsyncClient
) -> None:
    link = await house.make_link(slug="own", aliases=("go.example/Sale",), password="open")
    host = {"host": "go.example"}
    assert (
        await client.post("/sale?a=1", headers=host, data={"password": "no"})
    ).status_code == 401
    right = await client.post("/sale?a=1", headers=host, data={"password": "open"})
    assert (right.status_code, right.headers["location"]) == (303, "/Sale?a=1")
    cookie = right.headers["set-cookie"]
    assert "; Path=/Sale;" in cookie
    sent = host | {"cookie": cookie.partition(";")[0]}
    assert (await client.get("/Sale?a=1", headers=sent)).headers["location"] == link.url
    await house.change_link(link, password="other")
    assert (await client.get("/Sale", headers=sent)).status_code == 200  # the form


async def test_pages_at_an_alias_name_that_address(house: House, client: httpx.AsyncClient) -> None:
    aliases = (f"{BUCHER}/Über-uns",)
    await house.make_link(
        slug="own",
        aliases=aliases,
        is_link_in_bio=True,
        description="Half",
        qr_settings=QrSettings(),
    )
    host, path = {"host": BUCHER}, quote("Über-uns")
    page = (await client.get(f"/{path}", headers=host)).text
    assert f'href="/{path}?bio=go"' in page
    assert f"https://{BUCHER}/{path}" in page
    assert (await client.get(f"/{path}?bio=go", headers=host)).status_code == 302
    code = await client.get(f"/qr/{path}.svg", headers=host)
    assert (code.status_code, code.headers["content-type"]) == (200, "image/svg+xml")
    own = await client.get("/qr/own.svg")
    assert code.content == own.content  # it leads to the link's own address
    assert (await client.get("/qr/own.svg", headers=host)).status_code == 404
    details = (await client.get(f"/{path}+", headers=host)).text
    assert f"{BUCHER}/" in details
    slack = host | {"user-agent": "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)"}
    card = (await client.get(f"/{path}", headers=slack)).text
    assert f'content="https://{BUCHER}/{path}"' in card


async def test_every_change_holds_at_every_alias_at_once(
    house: House, client: httpx.AsyncClient
) -> None:
    link = await house.make_link(slug="own", aliases=("a", "go.example/b"))

    async def look() -> list[str]:
        asked = (("/own", ""), ("/a", ""), ("/A.", ""), ("/b", "go.example"))
        answers = [
            await client.get(path, headers={"host": host} if host else None) for path, host in asked
        ]
        return [answer.headers.get("location", "") for answer in answers]

    assert await look() == [link.url] * 4
    await house.change_link(link, url="https://example.com/2")
    assert await look() == ["https://example.com/2"] * 4
    await house.change_link(link, is_active=False)
    lost = "https://example.com/lost"  # of go.example
    assert await look() == ["", "", "", lost]
    await house.change_link(link, is_active=True, aliases=("go.example/b",))
    assert await look() == ["https://example.com/2", "", "", "https://example.com/2"]
    other = await house.make_link(slug="a", url="https://example.com/3")
    assert (await look())[1:3] == [other.url] * 2
    await house.delete_link(link)
    assert await look() == ["", other.url, other.url, lost]


async def test_a_title_that_is_found_later_shows_at_an_alias(
    house: House, client: httpx.AsyncClient
) -> None:
    link = await house.make_link(slug="own", aliases=("alias",), title=None)
    assert "Found" not in (await client.get("/alias+")).text
    assert await fill_title(house.app.db, link, "Found", house.now + 1)
    assert "Found" in (await client.get("/alias+")).text


NAMES = ("sale", "Sale", "É")
STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ["make", "make", "rename", "drop", "alias", "alias", "bare", "delete", "restore"]
        ),
        st.sampled_from(NAMES),
        st.integers(0, 7),
    ),
    min_size=10,
    max_size=30,
)


def fold(text: str) -> str:
    return normalize("NFC", text.casefold())


class Model:
    """What two workspaces have on one domain, by the rules written out in one piece.

    Every address is visited after each step: so a link that is renamed keeps its former slug, and
    whatever is freed rests.
    """

    def __init__(self) -> None:
        self.live: dict[int, list[str]] = {}  # the own slug, then the aliases
        self.deleted: dict[int, list[str]] = {}
        self.owners: dict[int, int] = {}
        self.rests: dict[str, set[int]] = {}

    def is_free(self, owner: int, name: str, link_id: int = 0) -> bool:
        for other, names in self.live.items():
            if other == link_id:
                continue
            is_others = self.owners[other] != owner
            if name in names or (is_others and fold(name) in map(fold, names)):
                return False
        resting = self.rests.get(fold(name), set())
        return owner in resting or not resting

    def put(self, link_id: int, names: list[str]) -> None:
        for name in set(self.live.get(link_id, ())) - set(names):
            self.rests.setdefault(fold(name), set()).add(self.owners[link_id])
        self.live[link_id] = names

    def find(self, asked: str) -> int | None:
        for name in (asked, trim_marks(asked)):
            for link_id, names in self.live.items():
                if name in names:
                    return link_id
        fitting = [
            link_id
            for link_id, names in self.live.items()
            if fold(trim_marks(asked)) in map(fold, names)
        ]
        return fitting[0] if len(fitting) == 1 else None


class Pair:
    """Two workspaces, told apart by what each step's number is odd or even."""

    def __init__(self, house: House, stranger: House) -> None:
        self.house, self.stranger = house, stranger
        self.model = Model()

    async def step(self, deed: str, name: str, number: int) -> None:
        model = self.model
        who = self.house if number % 2 else self.stranger
        owner = who.actor.workspace_id
        context, now = who.app.services.links, who.now
        if deed == "make":
            new = LinkChange(url="https://example.com/", domain="localhost:8000", slug=name)
            made = await self.attempt(
                create_link(context, who.actor, new, now), model.is_free(owner, name)
            )
            if made is not None:
                model.owners[made.id] = owner
                model.live[made.id] = [name]
                await change_link(
                    context,
                    who.actor,
                    made.id,
                    LinkChange(url=f"https://example.com/{made.id}"),
                    now,
                )
            return
        links = model.deleted if deed == "restore" else model.live
        mine = sorted(link_id for link_id in links if model.owners[link_id] == owner)
        if not mine:
            return
        link_id = mine[number % len(mine)]
        names = links[link_id]
        if deed == "delete":
            await delete_link(context, who.actor, link_id, now)
            model.put(link_id, [])
            del model.live[link_id]
            model.deleted[link_id] = names
        elif deed == "restore":
            is_free = model.is_free(owner, names[0])
            back = [each for each in names[1:] if model.is_free(owner, each)]
            restored = restore_link(context, who.actor, link_id, now)
            if await self.attempt(restored, is_free) is not None:
                del model.deleted[link_id]
                model.live[link_id] = [names[0], *back]
        else:
            wanted, change = plan(deed, name, names)
            is_free = all(model.is_free(owner, each, link_id) for each in set(wanted) - set(names))
            changed = change_link(context, who.actor, link_id, change, now)
            if await self.attempt(changed, is_free) is not None:
                model.put(link_id, wanted)

    async def attempt(self, work: Any, is_free: bool) -> Link | None:
        try:
            link: Link = await work
        except SlugTakenError:
            assert not is_free
            return None
        assert is_free
        return link

    async def check(self) -> None:
        lookup = self.house.app.services.links.lookup
        fresh = LinkLookup(self.house.app.db, self.house.app.services.links.rules.block_list)
        held = [name for names in self.model.live.values() for name in names]
        assert len(held) == len(set(held))
        domain = self.house.app.services.domains.default
        assert domain is not None
        for asked in (each + ending for each in NAMES for ending in ("", ".")):
            link_id = self.model.find(asked)
            url = f"https://example.com/{link_id}" if link_id else ""
            assert await visit_aside(self.house, f"/{quote(asked)}") == url, asked
        for name in NAMES:
            found = await fresh.find(domain.id, name)
            assert (found and found.id) == (self.model.find(name) if name in held else None)
            cached = await lookup.find(domain.id, name)
            assert (cached and cached.id) == self.model.find(name)
        for link_id, names in self.model.live.items():
            who = (
                self.house if self.model.owners[link_id] == self.house.actor.workspace_id else None
            )
            who = who or self.stranger
            link = await get_link(who.app.services.links, who.actor, link_id)
            assert [address.slug for address in link.addresses] == names


def plan(deed: str, name: str, names: list[str]) -> tuple[list[str], LinkChange]:
    """The link's addresses after the change."""
    kept = [each for each in names[1:] if each != name]
    if deed == "rename":
        return [name, *kept, *(names[:1] if name != names[0] else ())], LinkChange(slug=name)
    if deed == "drop":
        return [name, *kept], LinkChange(slug=name, keeps_old_slug=False)
    if deed == "alias":
        wanted = names if name in names else [*names, name]
        return wanted, LinkChange(add_aliases=(name,))
    return [names[0]], LinkChange(aliases=None)


@settings(max_examples=count_examples(15), deadline=None)
@given(STEPS)
def test_no_address_ever_has_two_owners(steps: list[tuple[str, str, int]]) -> None:
    async def run(folder: Path) -> None:
        async with open_house(folder, CONFIG) as house:
            pair = Pair(house, await invite_stranger(house))
            for step in steps:
                await pair.step(*step)
                await pair.check()

    with TemporaryDirectory() as folder:
        asyncio.run(run(Path(folder)))


async def invite_stranger(house: House) -> House:
    """The same house as another workspace sees it."""
    db = house.app.db
    other = await make_home(db, email="eve@b.example")
    return house._replace(actor=await make_actor(db, other, config=house.app.config))


WAYS_TO_GET = ("create", "create as alias", "bulk", "rename", "add")


@pytest.mark.parametrize("first", WAYS_TO_GET)
async def test_of_many_who_want_an_address_at_once_one_gets_it(house: House, first: str) -> None:
    stranger = await invite_stranger(house)
    new: dict[str, Any] = {"url": "https://example.com/", "domain": "localhost:8000"}
    named, aliased = LinkChange(**new, slug="same"), LinkChange(**new, aliases=("same",))

    async def get(way: str, number: int) -> list[Any]:
        who = (house, stranger)[number]
        context, actor, now = who.app.services.links, who.actor, who.now
        if way == "bulk":
            return await create_links(context, actor, [aliased, named, aliased], now)
        if way.startswith("create"):
            return [await create_link(context, actor, named if way == "create" else aliased, now)]
        change = LinkChange(slug="same") if way == "rename" else LinkChange(add_aliases=("same",))
        return [await change_link(context, actor, links[way, number].id, change, now)]

    links = {
        (way, number): await (house, stranger)[number].make_link(slug=f"{way}{number}")
        for way in ("rename", "add")
        for number in range(2)
    }
    others = [way for way in WAYS_TO_GET if way != first]
    tries = [get(way, number) for way in (first, *others) for number in range(2)]
    won: list[Link] = []
    for outcome in await asyncio.gather(*tries, return_exceptions=True):
        for each in outcome if isinstance(outcome, list) else [outcome]:
            assert isinstance(each, Link | SlugTakenError)
            won += [each] if isinstance(each, Link) else []
    assert len(won) == 1
    domain = house.app.services.domains.default
    assert domain is not None
    found = await house.app.services.links.lookup.find(domain.id, "same")
    assert found is not None
    assert found.id == won[0].id


@pytest.mark.parametrize(("one", "two"), list(product(WAYS_TO_GET, WAYS_TO_GET)))
async def test_of_two_who_want_an_address_the_first_gets_it(
    house: House, one: str, two: str
) -> None:
    """Of the same workspace, where case does not matter."""
    context, actor, now = house.app.services.links, house.actor, house.now
    new: dict[str, Any] = {"url": "https://example.com/", "domain": "localhost:8000"}
    taken = 0
    for number, way in enumerate((one, two)):
        other = await house.make_link(slug=f"s{number}")
        changes: dict[str, Any] = (
            {"slug": "same"} if way in {"create", "rename"} else {"aliases": ("same",)}
        )
        try:
            if way in {"rename", "add"}:
                await change_link(context, actor, other.id, LinkChange(**changes), now)
            elif way == "bulk":
                (outcome,) = await create_links(context, actor, [LinkChange(**new, **changes)], now)
                taken += isinstance(outcome, SlugTakenError)
            else:
                await create_link(context, actor, LinkChange(**new, **changes), now)
        except SlugTakenError:
            taken += 1
    assert taken == 1
