"""Lists of links by their state: each state alone and together with the other filters."""

from typing import Any, Final

import pytest

from shorty.accounts.model import Actor
from shorty.config import Config, DomainConfig
from shorty.domains.service import sync_domains
from shorty.errors import InvalidFieldsError
from shorty.links import listing, listing_store
from shorty.links.address_store import rest_slug
from shorty.links.context import LinkContext
from shorty.links.imported_history import Past, keep_pasts
from shorty.links.listing import list_links
from shorty.links.model import JudgedState, Link, LinkChange, LinkFilter, LinkState, QrSettings
from shorty.links.service import (
    change_link,
    delete_link,
    delete_links,
    restore_link,
    restore_links,
)
from shorty.links.slug import fold_key, slug_key
from tests.links.making import make_link
from tests.links.test_listing import count_clicks, list_slugs
from tests.support import NOW

LATER: Final = NOW + 1000

# What each link is at LATER; every other one is active alone.
MADE: Final[dict[str, tuple[dict[str, Any], set[LinkState]]]] = {
    "plain": ({}, {"active"}),
    "off": ({"is_active": False}, {"disabled"}),
    "ended": ({"expires_at": LATER}, {"expired"}),
    "ending": ({"expires_at": LATER + 1}, {"active"}),
    "early": ({"valid_since": LATER + 1}, {"not-started"}),
    "started": ({"valid_since": LATER}, {"active"}),
    "full": ({"max_clicks": 2}, {"used-up"}),
    "room": ({"max_clicks": 3}, {"active"}),
    "stopped": ({}, {"blocked"}),
    "secret": ({"password": "very secret"}, {"active", "password"}),
    "unasked": ({"password": "very secret", "is_password_asked": False}, {"active"}),
    "page": ({"is_link_in_bio": True}, {"active", "bio-page"}),
    "code": ({"qr_settings": QrSettings()}, {"active", "qr-code"}),
    "star": ({"is_starred": True}, {"active", "starred"}),
    "many": (
        {"is_active": False, "expires_at": LATER, "max_clicks": 1, "is_starred": True},
        {"disabled", "expired", "used-up", "starred"},
    ),
    "gone": ({"is_starred": True, "max_clicks": 1, "expires_at": LATER}, {"deleted"}),
}
STATES: Final[tuple[LinkState, ...]] = (
    *("active", "disabled", "expired", "used-up", "not-started", "blocked", "deleted"),
    *("password", "bio-page", "qr-code", "starred"),
)
CLICKED: Final = 2


@pytest.fixture(params=["looked through", "ranked", "followed", "walked"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """A small workspace is scanned; limits of 0 treat few links like many."""
    if request.param != "looked through":
        monkeypatch.setattr(listing, "SMALL", 0)
    if request.param == "followed":
        monkeypatch.setattr(listing, "FEW", 0)
    if request.param == "walked":
        # Every source seems to give too much, so that the order is walked, and then ranked.
        monkeypatch.setattr(listing, "COUNTED", 1)
        monkeypatch.setattr(listing, "BUDGETS", dict.fromkeys(listing.BUDGETS, 4))
    return request.param


def at(name: LinkState, now: int = LATER) -> JudgedState:
    return JudgedState(name=name, now=now)


async def make_every_kind(context: LinkContext, actor: Actor, **fields: Any) -> None:
    for number, (slug, (given, _)) in enumerate(MADE.items()):
        link = await make_link(context, actor, NOW + number, slug=slug, **given, **fields)
        await count_clicks(context, link, CLICKED)
        if slug == "stopped":
            await block(context, link)
        if slug == "gone":
            await delete_link(context, actor, link.id, LATER)


async def block(context: LinkContext, link: Link) -> None:
    sql = "update links set is_admin_blocked = 1 where id = $1"
    await context.db.write(lambda tx: tx.execute(sql, link.id))


def expect(state: LinkState) -> list[str]:
    return [slug for slug, (_, states) in MADE.items() if state in states]


async def walk_through(context: LinkContext, actor: Actor, **filters: Any) -> list[str]:
    """The slugs of all pages of two."""
    slugs: list[str] = []
    cursor: str | None = None
    while True:
        wanted = LinkFilter(cursor=cursor, limit=2, **filters)
        page = await list_links(context, actor, wanted)
        slugs += [link.slug for link in page.links]
        cursor = page.next_cursor
        if cursor is None:
            return slugs


@pytest.mark.parametrize("state", STATES)
async def test_links_are_found_by_their_state(
    context: LinkContext, actor: Actor, stranger: Actor, way: str, state: LinkState
) -> None:
    await make_every_kind(context, actor, title="needle", tag_names=("t",))
    await make_every_kind(context, stranger, domain="localhost:8000", title="needle")
    tag_id = (await make_link(context, actor, LATER, slug="other", tag_names=("t",))).tags[0].id
    await delete_link(context, actor, (await find(context, actor, "other")).id, LATER)
    extra = ["other"] if state == "deleted" else []
    every: list[tuple[dict[str, Any], list[str]]] = [
        ({}, expect(state) + extra),
        ({"domain": "go.example"}, expect(state) + extra),
        ({"domain": "localhost:8000"}, []),
        ({"search": "needle"}, expect(state)),
        ({"tag_id": tag_id}, expect(state) + extra),
        ({"tag_id": tag_id, "search": "edl", "domain": "go.example"}, expect(state)),
    ]
    for filters, expected in every:
        for sort, way_round in (("createdAt", 1), ("-createdAt", -1), ("clickCount", 0)):
            found = await walk_through(context, actor, state=at(state), sort=sort, **filters)
            if way_round:
                assert found == expected[::way_round], (way, filters, sort)
            assert sorted(found) == sorted(expected), (way, filters, sort)


async def find(context: LinkContext, actor: Actor, slug: str) -> Link:
    return (await list_links(context, actor, LinkFilter(search=slug))).links[0]


@pytest.mark.parametrize("state", STATES)
async def test_a_state_has_an_exact_total(
    context: LinkContext, actor: Actor, state: LinkState
) -> None:
    await make_every_kind(context, actor)
    for sort in ("createdAt", "-clickCount"):
        assert await list_slugs(context, actor, state=at(state), sort=sort, limit=1)
    page = await list_links(context, actor, LinkFilter(state=at(state)))
    assert (page.total, page.total_is_capped) == (len(expect(state)), False)


async def test_a_states_total_is_counted_to_a_limit(
    context: LinkContext, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "COUNTED", 1)
    monkeypatch.setattr(listing_store, "COUNTED", 1)
    await make_every_kind(context, actor)
    for state in ("active", "expired", "used-up", "starred"):
        page = await list_links(context, actor, LinkFilter(state=at(state)))
        assert (page.total, page.total_is_capped) == (1, True), state


async def test_a_state_is_that_of_the_moment_asked_for(context: LinkContext, actor: Actor) -> None:
    await make_every_kind(context, actor)

    async def ask(name: LinkState, now: int) -> list[str]:
        return await list_slugs(context, actor, state=at(name, now), sort="createdAt")

    assert await ask("expired", LATER - 1) == []
    assert await ask("expired", LATER + 1) == ["ended", "ending", "many"]
    assert await ask("not-started", LATER - 1) == ["early", "started"]
    assert await ask("not-started", LATER + 1) == []


async def test_a_state_and_its_opposite_fit_no_link(context: LinkContext, actor: Actor) -> None:
    await make_every_kind(context, actor)
    for wanted in (
        LinkFilter(state=at("active"), is_active=False),
        LinkFilter(state=at("disabled"), is_active=True),
        LinkFilter(state=at("starred"), is_starred=False),
    ):
        page = await list_links(context, actor, wanted)
        assert (page.links, page.total) == ((), 0)
    assert await list_slugs(context, actor, state=at("expired"), is_active=False) == ["many"]


async def test_a_new_limit_uses_a_link_up_or_frees_it(context: LinkContext, actor: Actor) -> None:
    await make_every_kind(context, actor)
    room, full = await find(context, actor, "room"), await find(context, actor, "full")
    await change_link(context, actor, room.id, LinkChange(max_clicks=1), LATER)
    await change_link(context, actor, full.id, LinkChange(max_clicks=None), LATER)
    assert set(await list_slugs(context, actor, state=at("used-up"))) == {"room", "many"}
    assert "full" in await list_slugs(context, actor, state=at("active"))
    gone = (await list_links(context, actor, LinkFilter(state=at("deleted")))).links[0]
    await restore_link(context, actor, gone.id, LATER)
    assert set(await list_slugs(context, actor, state=at("used-up"))) == {"room", "many", "gone"}


async def test_used_up_links_made_elsewhere_are_listed_by_their_own_time(
    context: LinkContext, actor: Actor, way: str
) -> None:
    for number, created_at in enumerate((NOW, NOW - 5, NOW + 5)):
        link = await make_link(context, actor, NOW, slug=f"s{number}", max_clicks=1)
        await count_clicks(context, link, 1)
        past = Past(created_at=created_at)
        await context.db.write(
            lambda tx, given=(link.id, past): keep_pasts(tx, actor.workspace_id, [given])
        )
    slugs = await walk_through(context, actor, state=at("used-up"), sort="createdAt")
    assert slugs == ["s1", "s0", "s2"], way


async def test_deleted_links_are_sorted_by_when_they_were_deleted(
    context: LinkContext, actor: Actor, way: str
) -> None:
    made = [await make_link(context, actor, NOW + n, slug=f"s{n}") for n in range(5)]
    for number, place in enumerate((3, 0, 4, 1)):
        await delete_link(context, actor, made[place].id, LATER + number)
    found = await walk_through(context, actor, state=at("deleted"), sort="-deletedAt")
    assert found == ["s1", "s4", "s0", "s3"], way
    found = await walk_through(context, actor, state=at("deleted"), sort="deletedAt", search="s")
    assert found == ["s3", "s0", "s4", "s1"], way


async def test_only_deleted_links_are_sorted_by_their_deletion(
    context: LinkContext, actor: Actor
) -> None:
    for state in (None, at("active")):
        with pytest.raises(InvalidFieldsError) as raised:
            await list_links(context, actor, LinkFilter(sort="-deletedAt", state=state))
        assert set(raised.value.fields) == {"sort"}


async def test_a_deleted_link_says_when_and_by_whom(
    context: LinkContext, actor: Actor, stranger: Actor
) -> None:
    link = await make_link(context, actor, slug="mine", title="T", tag_names=("a", "b"))
    theirs = await make_link(context, stranger, slug="theirs")
    await delete_link(context, actor, link.id, LATER)
    await delete_link(context, stranger, theirs.id, LATER)
    page = await list_links(context, actor, LinkFilter(state=at("deleted")))
    (found,) = page.links
    assert (found.id, found.title, [tag.name for tag in found.tags]) == (link.id, "T", ["a", "b"])
    assert found.deletion is not None
    assert found.deletion.by is not None
    assert (found.deletion.at, found.deletion.by.email) == (LATER, actor.user_email)
    assert list_obstacles(found) == []


def list_obstacles(link: Link) -> list[str]:
    deletion = link.deletion
    assert deletion is not None
    found = {
        "taken": deletion.is_slug_taken,
        "resting": deletion.is_slug_resting,
        "domain": deletion.is_domain_gone,
    }
    return [name for name, is_so in found.items() if is_so]


async def test_what_keeps_a_deleted_link_from_coming_back_is_known(
    context: LinkContext, actor: Actor, stranger: Actor
) -> None:
    slugs = ("taken", "Case", "alias", "Theirs", "own", "free", "Rested", "both")
    made = [await make_link(context, actor, slug=slug) for slug in slugs]
    away = await make_link(context, actor, slug="away", domain="localhost:8000")
    await delete_links(context, actor, [*(link.id for link in made), away.id], LATER)
    await make_link(context, actor, slug="taken")
    await make_link(context, stranger, slug="cASE", aliases=("theirs",))
    await make_link(context, actor, aliases=("alias", "Free"))
    await make_link(context, actor, slug="OWN")  # one's own link in another case is no hindrance
    await rest_slugs(context, stranger, "rested", "both")
    await rest_slugs(context, actor, "both")  # what rests for several rests for none of them
    left = Config(domains=(DomainConfig(host="go.example"),))
    await context.db.write(lambda tx: sync_domains(tx, left, LATER))
    page = await list_links(context, actor, LinkFilter(state=at("deleted")))
    told = {link.slug: list_obstacles(link) for link in page.links}
    assert told == {
        "taken": ["taken"],
        "Case": ["taken"],
        "alias": ["taken"],
        "Theirs": ["taken"],
        "own": [],
        "free": [],
        "Rested": ["resting"],
        "both": [],
        "away": ["domain"],
    }
    for link in page.links:
        outcome = await try_to_restore(context, actor, link.id)
        assert isinstance(outcome, Link) == (not told[link.slug]), link.slug


async def rest_slugs(context: LinkContext, actor: Actor, *slugs: str) -> None:
    """As if the workspace had freed slugs that were in use."""
    link = await make_link(context, actor)
    for slug in slugs:
        await context.db.write(
            lambda tx, slug=slug: rest_slug(
                tx, actor.workspace_id, link.domain_id, fold_key(slug_key(slug)), LATER
            )
        )


async def try_to_restore(context: LinkContext, actor: Actor, link_id: int) -> object:
    return (await restore_links(context, actor, [link_id], LATER))[0]


async def test_public_links_that_were_deleted_are_not_listed(
    context: LinkContext, actor: Actor
) -> None:
    link = await make_link(context, actor, slug="fleeting", is_public=True)
    await make_link(context, actor, slug="kept")
    await delete_link(context, actor, link.id, LATER)
    assert await list_slugs(context, actor, state=at("deleted")) == []


INDEXES: Final[dict[LinkState, str]] = {
    "active": "links_newest",
    "disabled": "links_inactive",
    "expired": "links_newest_ending",
    "blocked": "links_blocked",
    "deleted": "links_deleted_newest",
    "password": "links_with_passwords",
    "bio-page": "links_of_bio_pages",
    "qr-code": "links_with_codes",
    "starred": "links_starred",
}


@pytest.mark.sqlite_only("how it reads a statement; PostgreSQL decides by its statistics")
@pytest.mark.parametrize("state", INDEXES)
async def test_each_states_list_is_read_from_its_own_index(
    context: LinkContext, actor: Actor, state: LinkState, monkeypatch: pytest.MonkeyPatch
) -> None:
    plans: list[str] = []
    find_all = context.db.find_all

    async def explain(sql: str, *values: Any) -> Any:
        if "order by l.created_at" in sql:
            rows = await find_all(f"explain query plan {sql}", *values)
            plans.extend(row["detail"] for row in rows if "links" in row["detail"])
        return await find_all(sql, *values)

    monkeypatch.setattr(context.db, "find_all", explain)
    monkeypatch.setattr(listing, "COUNTED", -1)  # also of no link there are too many
    await make_every_kind(context, actor)
    for domain in (None, "go.example"):
        if state == "active" and domain:
            continue  # a domain has an index of its own
        plans.clear()
        await list_links(context, actor, LinkFilter(state=at(state), domain=domain))
        assert plans
        for plan in plans:
            assert f" {INDEXES[state]} (" in plan, (domain, plans)
