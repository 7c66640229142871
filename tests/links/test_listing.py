"""Lists of links: order, pages, filters and searches, in small and in large workspaces."""

from itertools import combinations_with_replacement
from typing import Any

import pytest

from shorty.accounts.model import Actor
from shorty.errors import InvalidFieldsError
from shorty.links import listing, listing_store
from shorty.links.context import LinkContext
from shorty.links.imported_history import Past, keep_pasts
from shorty.links.listing import list_links, write_cursor
from shorty.links.listing_store import Position
from shorty.links.model import Link, LinkChange, LinkFilter, LinkKind, LinkPage, QrSettings
from shorty.links.service import change_link, create_links, delete_link
from shorty.links.tags import NewTag, create_tag, delete_tag
from tests.links.making import make_link, new_link
from tests.support import NOW


@pytest.fixture(params=["looked through", "ranked", "followed"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """A small workspace is scanned; limits of 0 treat few links like many."""
    if request.param != "looked through":
        monkeypatch.setattr(listing, "SMALL", 0)
    if request.param == "followed":
        monkeypatch.setattr(listing, "FEW", 0)
    return request.param


async def ask(context: LinkContext, actor: Actor, **filters: Any) -> LinkPage:
    return await list_links(context, actor, LinkFilter(**filters))


async def list_slugs(context: LinkContext, actor: Actor, **filters: Any) -> list[str]:
    """The slugs of all pages, whose totals and lengths are checked."""
    slugs: list[str] = []
    cursor: str | None = None
    limit = filters.pop("limit", 50)
    while True:
        page = await ask(context, actor, cursor=cursor, limit=limit, **filters)
        slugs += [link.slug for link in page.links]
        cursor = page.next_cursor
        assert len(page.links) == limit or cursor is None
        if cursor is None:
            assert (page.total, page.total_is_capped) == (len(slugs), False)
            return slugs


async def count_clicks(context: LinkContext, link: Link, total: int) -> None:
    sql = "update link_counters set clicks = $2, total = $2 where link_id = $1"
    await context.db.write(lambda tx: tx.execute(sql, link.id, total))


async def test_pages_follow_one_another_in_either_order(context: LinkContext, actor: Actor) -> None:
    slugs = [f"s{number}" for number in range(7)]
    for number, slug in enumerate(slugs):
        # Three links share each moment, so that the id decides their order.
        link = await make_link(context, actor, NOW + number // 3, slug=slug)
        await count_clicks(context, link, number % 3)
    by_clicks = ["s0", "s3", "s6", "s1", "s4", "s2", "s5"]
    for limit in (1, 2, 3, 7, 50):
        for sort, expected in (("createdAt", slugs), ("clickCount", by_clicks)):
            assert await list_slugs(context, actor, sort=sort, limit=limit) == expected
            assert await list_slugs(context, actor, sort=f"-{sort}", limit=limit) == expected[::-1]


async def test_links_come_whole(context: LinkContext, actor: Actor) -> None:
    link = await make_link(context, actor, tag_names=("a", "b"), title="T", max_clicks=3)
    assert (await ask(context, actor)).links == (link,)


async def test_another_workspace_and_deleted_links_are_not_listed(
    context: LinkContext, actor: Actor, stranger: Actor, way: str
) -> None:
    for slug in ("theirs", "hers"):
        await make_link(context, stranger, slug=slug)
    gone = await make_link(context, actor, slug="gone")
    await make_link(context, actor, slug="mine", tag_names=("t",))
    await delete_link(context, actor, gone.id, NOW)
    for filters in ({}, {"search": "example"}, {"domain": "go.example"}, {"is_active": True}):
        for sort in ("createdAt", "-clickCount"):
            assert await list_slugs(context, actor, sort=sort, **filters) == ["mine"], way


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        ("summer", {"summer-sale", "a1"}),
        ("SUMMER", {"summer-sale", "a1"}),
        ("mer-s", {"summer-sale"}),
        ("/deep/p", {"a2"}),
        ("q=1", {"a2"}),
        ("s", {"summer-sale", "a1", "a2", "é", "a3"}),
        ("1", {"a1", "a2", "a3"}),
        ("a1", {"a1"}),
        ("le", {"summer-sale", "a1", "a2", "é"}),
        ("é", {"é"}),
        ("É", {"é"}),
        ("straße", {"a3"}),
        ("STRASSE", {"a3"}),
        ("münchen", {"a2"}),
        ("\U0001f31e", {"a3"}),
        ('a"b', {"a3"}),
        ("100%", {"a3"}),
        ("_", set[str]()),
        ("\\", set[str]()),
        ("er-sal_", set[str]()),
        ("er%sal", set[str]()),
        ("er-s\\ale", set[str]()),
        ("a1\nlate", set[str]()),
        ("AND", set[str]()),
        ("NOT summer", set[str]()),
        ("zzz", set[str]()),
        ("summerx", set[str]()),
        ("x\x00y", set[str]()),
        ("\n\n", {"summer-sale", "a1", "a2", "é", "a3"}),
    ],
)
async def test_a_search_finds_parts_of_slug_title_and_destination(
    context: LinkContext, actor: Actor, way: str, search: str, expected: set[str]
) -> None:
    await make_link(context, actor, slug="summer-sale", url="https://shop.example.com/")
    await make_link(context, actor, slug="a1", title="Late Summer", url="https://x.example/")
    await make_link(context, actor, slug="a2", url="https://münchen.example/deep/path?q=1&s=2")
    await make_link(context, actor, slug="é", url="https://s.example/")
    await make_link(
        context, actor, slug="a3", title='Straße \U0001f31e a"b 100%', url="TEL:5", link_type="TEL"
    )
    found = await list_slugs(context, actor, search=search)
    assert set(found) == expected, way
    assert len(found) == len(expected)


async def test_filters_and_a_search_are_combined(
    context: LinkContext, actor: Actor, way: str
) -> None:
    tag, other = [
        await context.db.write(lambda tx, name=name: create_tag(tx, actor, NewTag(name=name), NOW))
        for name in ("t", "other")
    ]
    made: dict[str, dict[str, Any]] = {}
    for number in range(32):
        has = {
            name: bool(number & bit)
            for name, bit in (("tag", 1), ("off", 2), ("local", 4), ("word", 8), ("star", 16))
        }
        made[f"s{number}"] = has
        await make_link(
            context,
            actor,
            NOW + number,
            slug=f"s{number}",
            tag_ids=(tag.id,) if has["tag"] else (other.id,),
            is_active=not has["off"],
            is_starred=has["star"],
            domain="localhost:8000" if has["local"] else "go.example",
            title="needle" if has["word"] else None,
        )
    choices: list[tuple[str, dict[str, Any], Any]] = [
        ("tag", {"tag_id": tag.id}, True),
        ("off", {"is_active": False}, True),
        ("off", {"is_active": True}, False),
        ("local", {"domain": "LOCALHOST:8000"}, True),
        ("local", {"domain": "go.example"}, False),
        ("word", {"search": "needle"}, True),
        ("word", {"search": "ee"}, True),
        ("star", {"is_starred": True}, True),
        ("star", {"is_starred": False}, False),
    ]
    for chosen in combinations_with_replacement(choices, 3):
        if len({name for name, _, _ in chosen}) < len({(name, value) for name, _, value in chosen}):
            continue  # active and inactive at once
        filters = {name: value for _, each, _ in chosen for name, value in each.items()}
        expected = [
            slug
            for slug, has in made.items()
            if all(has[name] == value for name, _, value in chosen)
        ]
        assert await list_slugs(context, actor, sort="createdAt", **filters) == expected, way
        downwards = await list_slugs(context, actor, sort="-clickCount", limit=3, **filters)
        assert downwards == expected[::-1], way


async def test_a_kind_is_combined_with_the_other_filters(
    context: LinkContext, actor: Actor, way: str
) -> None:
    tag = await context.db.write(lambda tx: create_tag(tx, actor, NewTag(name="t"), NOW))
    kinds: dict[str, dict[str, Any]] = {
        "plain": {},
        "qr": {"made_through": "qr", "qr_settings": QrSettings()},
        "bio": {"is_link_in_bio": True},
        "both": {"made_through": "qr", "is_link_in_bio": True},
    }
    for number, (name, fields) in enumerate([*kinds.items()] * 2):
        special = {"tag_ids": (tag.id,), "is_active": False, "title": "needle"}
        given = fields | (special if number >= len(kinds) else {}) | {"slug": f"{name}{number}"}
        await make_link(context, actor, NOW + number, domain="go.example", **given)
    expected: dict[LinkKind, list[str]] = {
        "plain": ["plain0", "plain4"],
        "qr": ["qr1", "both3", "qr5", "both7"],
        "bio": ["bio2", "bio6"],
        "qr-or-bio": ["qr1", "bio2", "both3", "qr5", "bio6", "both7"],
        "coded": ["qr1", "qr5"],
    }
    for kind, slugs in expected.items():
        half = slugs[len(slugs) // 2 :]
        every: list[tuple[dict[str, Any], list[str]]] = [
            ({}, slugs),
            ({"domain": "go.example"}, slugs),
            ({"tag_id": tag.id}, half),
            ({"is_active": False}, half),
            ({"search": "needle"}, half),
            ({"search": "needle", "tag_id": tag.id, "domain": "go.example"}, half),
        ]
        for filters, found in every:
            told = await list_slugs(context, actor, kind=kind, sort="createdAt", **filters)
            assert told == found, way
            told = await list_slugs(
                context, actor, kind=kind, sort="-clickCount", limit=1, **filters
            )
            assert told == found[::-1], way


async def test_what_changes_is_found_as_it_is_now(
    context: LinkContext, actor: Actor, way: str
) -> None:
    link = await make_link(context, actor, slug="old-slug", title="Old title", tag_names=("t",))
    tag_id = link.tags[0].id
    change = LinkChange(
        slug="new-slug",
        title="Young title",
        is_active=False,
        domain="localhost:8000",
        url="https://fresh.example/",
    )
    await change_link(context, actor, link.id, change, NOW + 1)
    for search in ("old", "example.com"):
        assert await list_slugs(context, actor, search=search) == [], way
    for search in ("new-s", "young", "fresh"):
        assert await list_slugs(context, actor, search=search) == ["new-slug"]
    assert await list_slugs(context, actor, search="young", is_active=True) == []
    assert await list_slugs(context, actor, search="young", domain="go.example") == []
    assert await list_slugs(context, actor, search="young", tag_id=tag_id) == ["new-slug"]
    await context.db.write(lambda tx: delete_tag(tx, actor, tag_id))
    assert await list_slugs(context, actor, tag_id=tag_id) == []


async def test_the_total_with_a_filter_is_counted_to_a_limit(
    context: LinkContext, actor: Actor, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "COUNTED", 20)
    monkeypatch.setattr(listing_store, "COUNTED", 20)
    await create_links(context, actor, [new_link(title="common word")] * 30, NOW)
    await make_link(context, actor, title="rare word")
    whole = await ask(context, actor)
    assert (whole.total, whole.total_is_capped) == (31, False)
    everything: list[dict[str, Any]] = [
        {"search": "common word"},
        {"search": "o"},
        {"is_active": True},
        {"domain": "go.example"},
    ]
    for filters in everything:
        for sort in ("-createdAt", "clickCount"):
            page = await ask(context, actor, sort=sort, limit=7, **filters)
            assert (page.total, page.total_is_capped) == (20, True), way
            assert len(page.links) == 7
    rare = await ask(context, actor, search="rare word")
    assert (rare.total, len(rare.links)) == (1, 1)


async def test_what_lies_beyond_the_walk_is_found_all_the_same(
    context: LinkContext, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "SMALL", 0)
    monkeypatch.setattr(listing, "COUNTED", 5)
    monkeypatch.setattr(listing, "BUDGETS", {"created_at": 4, "total": 4})
    for number in range(30):
        title = "old needle" if number < 12 else None
        await make_link(context, actor, NOW + number, slug=f"s{number}", title=title)
    expected = [f"s{number}" for number in range(12)]
    for sort in ("createdAt", "clickCount"):
        for way, slugs in (("", expected), ("-", expected[::-1])):
            found: list[str] = []
            cursor = None
            for _ in range(3):
                page = await ask(
                    context, actor, search="needle", sort=f"{way}{sort}", limit=4, cursor=cursor
                )
                found += [link.slug for link in page.links]
                cursor = page.next_cursor
            assert found == slugs
            assert cursor is None


async def test_links_made_elsewhere_earlier_are_listed_by_their_own_time(
    context: LinkContext, actor: Actor, way: str
) -> None:
    for number, created_at in enumerate((NOW, NOW - 5, NOW + 5)):
        link = await make_link(
            context, actor, NOW, slug=f"s{number}", title="needle", tag_names=("t",)
        )
        past = Past(created_at=created_at)
        await context.db.write(
            lambda tx, given=(link.id, past): keep_pasts(tx, actor.workspace_id, [given])
        )
    for filters in ({}, {"search": "needle"}, {"tag_id": 1}, {"search": "needle", "tag_id": 1}):
        slugs = await list_slugs(context, actor, sort="createdAt", limit=1, **filters)
        assert slugs == ["s1", "s0", "s2"], way


async def test_a_strange_cursor_is_refused(context: LinkContext, actor: Actor) -> None:
    other = write_cursor("clickCount", Position(key=1, id=1))
    huge = write_cursor("-createdAt", Position(key=2**63, id=1))
    for cursor in ("x", "", "é", "\ud800", "AAAA", other, huge, "W10", "a" * 5000):
        if cursor:
            with pytest.raises(InvalidFieldsError) as raised:
                await ask(context, actor, cursor=cursor)
            assert set(raised.value.fields) == {"cursor"}


async def test_an_unknown_domain_or_tag_has_no_links(
    context: LinkContext, actor: Actor, stranger: Actor
) -> None:
    link = await make_link(context, actor, tag_names=("t",))
    assert await list_slugs(context, actor, domain="nobody.example") == []
    assert await list_slugs(context, actor, tag_id=99) == []
    assert await list_slugs(context, stranger, tag_id=link.tags[0].id) == []


async def test_a_search_whose_last_round_finds_nothing_ends_there(
    context: LinkContext, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "SMALL", 0)
    await make_link(context, actor, slug="real", title="qwxyz real")
    for slug in ("false1", "false2"):
        # It contains every trigram of the query, but not the whole.
        await make_link(context, actor, slug=slug, title="xyz qwx")
    for sort in ("createdAt", "-createdAt", "clickCount"):
        page = await ask(context, actor, search="qwxyz", limit=2, sort=sort)
        assert [link.slug for link in page.links] == ["real"]
        assert (page.next_cursor, page.total) == (None, 1)


async def test_a_title_cannot_pretend_to_the_labels_of_the_index(
    context: LinkContext, actor: Actor, stranger: Actor, way: str
) -> None:
    off = "\uf8f0\uf8f1\uf8f2"
    # The labels of the first workspaces and domains, whichever this one has.
    others = "".join(
        f"{base}\uefa0{chr(0xEFA0 + number)}" for base in "\ue000\ue7d0" for number in range(5)
    )
    forger = await make_link(context, stranger, slug="forger", title=f"word {off}{others}")
    await make_link(context, actor, slug="mine", title="word")
    for sort in ("createdAt", "clickCount"):
        assert await list_slugs(context, actor, search="wor", sort=sort) == ["mine"], way
        assert await list_slugs(context, stranger, search="wor", is_active=False, sort=sort) == []
        assert await list_slugs(context, stranger, search="wor", is_active=True) == ["forger"]
        assert await list_slugs(context, stranger, search="wor", domain="localhost:8000") == []
        for search in ("d \uf8f0", off, "\uf8f1", f"{off}\ue000"):
            assert await list_slugs(context, stranger, search=search) == ["forger"], search
            assert await list_slugs(context, actor, search=search) == []
    await change_link(context, stranger, forger.id, LinkChange(title="other"), NOW + 1)
    assert await list_slugs(context, stranger, search="wor") == []
