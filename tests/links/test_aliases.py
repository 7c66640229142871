"""Aliases: how they are written, kept when a slug changes, freed, restored and rested."""

from collections.abc import Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from shorty.accounts.model import Actor
from shorty.errors import InvalidFieldsError, NotFoundError, SlugRestingError, SlugTakenError
from shorty.links import inserts
from shorty.links.address_store import REST_MS, SWEPT_AT_ONCE, end_old_rests, rest_slug
from shorty.links.aliases import NO_ALIAS, NO_DOMAIN, NO_ROOM, TOO_MANY
from shorty.links.context import LinkContext
from shorty.links.history import list_edits
from shorty.links.live_checks import AddressUse, find_address_use, find_rest
from shorty.links.model import MOST_ALIASES, Link, LinkChange, QrSettings
from shorty.links.service import (
    change_link,
    create_links,
    delete_link,
    get_link,
    restore_link,
)
from shorty.links.store import count_of_domain
from shorty.storage.database import Transaction
from tests.links.making import make_link, new_link
from tests.support import DAY, NOW

LATER = NOW + DAY


def texts(link: Link) -> list[str]:
    return [alias.text for alias in link.aliases]


async def change(context: LinkContext, actor: Actor, link: Link, **changes: Any) -> Link:
    return await change_link(context, actor, link.id, LinkChange(**changes), LATER)


async def visit(context: LinkContext, link: Link, counter: str = "total") -> None:
    sql = f"update link_counters set {counter} = 1 where link_id = $1"  # noqa: S608 - our own names
    await context.db.write(lambda tx: tx.execute(sql, link.id))


async def find(context: LinkContext, link: Link, slug: str) -> int | None:
    found = await context.lookup.find(link.domain_id, slug)
    return found and found.id


async def test_a_link_answers_at_each_of_its_aliases(context: LinkContext, actor: Actor) -> None:
    link = await make_link(context, actor, slug="own")
    other = await make_link(context, actor, domain="localhost:8000")
    assert await find(context, link, "spring") is None
    given = ("spring", "go.example/summer", "https://LOCALHOST:8000/own", "docs/v1.2", "spring")
    changed = await change(context, actor, link, aliases=given)
    assert texts(changed) == [
        "go.example/spring",
        "go.example/summer",
        "localhost:8000/own",
        "go.example/docs/v1.2",
    ]
    assert await get_link(context, actor, link.id) == changed
    for slug in ("own", "spring", "summer", "docs/v1.2"):
        assert await find(context, link, slug) == link.id
    assert await find(context, other, "own") == link.id
    assert await find(context, other, "spring") is None
    fewer = await change(context, actor, link, aliases=("docs/v1.2", "summer"))
    assert texts(fewer) == ["go.example/docs/v1.2", "go.example/summer"]
    assert await get_link(context, actor, link.id) == fewer
    assert [await find(context, link, slug) for slug in ("spring", "summer")] == [None, link.id]
    assert await find(context, other, "own") is None
    assert texts(await change(context, actor, link, aliases=None)) == []


@pytest.mark.parametrize(
    ("alias", "fault"),
    [
        ("", "1 to 128"),
        ("a b", "a space"),
        ("api/x", "is reserved"),
        ("go.example/static", "is reserved"),
        ("other.example/sale", NO_DOMAIN),
        ("https://other/sale", NO_DOMAIN),
        ("localhost:9999/sale", NO_DOMAIN),
        ("[::2]/sale", NO_DOMAIN),
        ("https://go.example", "HOST/SLUG"),
        ("x" * 3000, "too long"),
        ("x" * 129, "1 to 128"),
    ],
)
async def test_a_faulty_alias_is_named_by_its_place(
    context: LinkContext, actor: Actor, alias: str, fault: str
) -> None:
    link = await make_link(context, actor)
    with pytest.raises(InvalidFieldsError) as refused:
        await change(context, actor, link, aliases=("fine", alias), title="x" * 501)
    told = refused.value.fields
    assert fault in told["aliases[1]"]
    assert set(told) == {"title", "aliases[1]"}


@pytest.mark.parametrize("holder", ["slug", "alias"])
@pytest.mark.parametrize("wanted", ["slug", "alias"])
async def test_an_address_has_one_link_whoever_asks(
    context: LinkContext, actor: Actor, stranger: Actor, holder: str, wanted: str
) -> None:
    link = await make_link(context, actor, slug="held" if holder == "slug" else "own")
    if holder == "alias":
        await change(context, actor, link, aliases=("held",))
    for who, spellings in ((actor, ("held",)), (stranger, ("held", "HELD"))):
        other = await make_link(context, who)
        for slug in spellings:
            changes: dict[str, Any] = {"slug": slug} if wanted == "slug" else {"aliases": (slug,)}
            with pytest.raises(SlugTakenError, match=f"'{slug}' is already taken on go.example"):
                await change(context, who, other, **changes)
            assert await get_link(context, who, other.id) == other
            made = await create_links(context, who, [new_link(slug=slug), new_link()], NOW)
            assert [type(each) for each in made] == [SlugTakenError, Link]
    variant = await make_link(context, actor, slug="Held")
    assert texts(await change(context, actor, variant, aliases=("HELD",))) == ["go.example/HELD"]


@pytest.mark.parametrize("use", ["total", "bots", "code", "waiting", None])
async def test_the_address_of_a_link_in_use_is_kept(
    context: LinkContext, actor: Actor, use: str | None
) -> None:
    waiting: set[int] = set()
    context = replace(context, has_waiting_visits=waiting.__contains__)
    code = QrSettings() if use == "code" else None
    link = await make_link(context, actor, slug="old", qr_settings=code)
    if use == "waiting":
        waiting.add(link.id)
    elif use in {"total", "bots"}:
        await visit(context, link, use)
    told = await find_address_use(context, actor, link.id)
    assert told == AddressUse(clicks=0, has_code=use == "code", is_kept=use is not None)
    former = [] if use is None else ["go.example/old"]
    assert texts(await change(context, actor, link, slug="new")) == former
    assert await find(context, link, "old") == (link.id if use else None)
    moved = await change(context, actor, link, domain="localhost:8000")
    assert texts(moved) == [*former, *(["go.example/new"] if use else [])]
    back = await change(context, actor, link, domain="go.example")  # its former address is an alias
    assert texts(back) == [*former, *(["localhost:8000/new"] if use else [])]
    swapped = await change(context, actor, back, slug="old")
    assert texts(swapped) == (["localhost:8000/new", "go.example/new"] if use else [])
    assert swapped.slug == "old"
    assert await find(context, link, "new") == (link.id if use else None)


async def test_what_uses_an_address_is_told_to_its_workspace(
    context: LinkContext, actor: Actor, stranger: Actor
) -> None:
    link = await make_link(context, actor)
    for counter in ("clicks", "scans", "bots", "total"):
        await visit(context, link, counter)
    told = await find_address_use(context, actor, link.id)
    assert told == AddressUse(clicks=2, has_code=False, is_kept=True)
    with pytest.raises(NotFoundError):
        await find_address_use(context, stranger, link.id)


async def test_a_former_address_that_is_not_to_be_kept_is_free(
    context: LinkContext, actor: Actor
) -> None:
    link = await make_link(context, actor, slug="a")
    await visit(context, link)
    assert texts(await change(context, actor, link, slug="b", keeps_old_slug=False)) == []
    assert texts(await change(context, actor, link, slug="c", aliases=("d",))) == ["go.example/d"]
    assert texts(await change(context, actor, link, slug="d", keeps_old_slug=False)) == []
    assert [await find(context, link, slug) for slug in "abcd"] == [None, None, None, link.id]
    await make_link(context, actor, slug="a")


async def test_a_link_has_at_most_twenty_aliases(context: LinkContext, actor: Actor) -> None:
    link = await make_link(context, actor, slug="old")
    many = tuple(f"a{number}" for number in range(MOST_ALIASES))
    for too_many in ((*many, "more"), many * 3):
        with pytest.raises(InvalidFieldsError) as refused:
            await change(context, actor, link, aliases=too_many)
        assert refused.value.fields == {"aliases": TOO_MANY}
    link = await change(context, actor, link, aliases=(*many, "old", "a1"))
    assert len(link.aliases) == MOST_ALIASES
    with pytest.raises(InvalidFieldsError) as refused:
        await change(context, actor, link, add_aliases=("more",))
    assert refused.value.fields == {"aliases": TOO_MANY}
    await visit(context, link)
    with pytest.raises(InvalidFieldsError) as refused:
        await change(context, actor, link, slug="new")
    assert refused.value.fields == {"aliases": NO_ROOM}
    assert (await change(context, actor, link, slug="a3")).aliases[-1].slug == "old"
    assert (await change(context, actor, link, slug="new", keeps_old_slug=False)).slug == "new"


async def test_aliases_are_added_and_removed_one_by_one(context: LinkContext, actor: Actor) -> None:
    link = await make_link(context, actor, slug="own")
    await change(context, actor, link, aliases=("a", "b"))
    changed = await change(context, actor, link, add_aliases=("c", "a"), remove_aliases=("b",))
    assert texts(changed) == ["go.example/a", "go.example/c"]
    for unknown in ("b", "own", "localhost:8000/a"):
        with pytest.raises(InvalidFieldsError) as refused:
            await change(context, actor, link, remove_aliases=("a", unknown))
        assert refused.value.fields == {"remove_aliases[1]": NO_ALIAS}
    assert await get_link(context, actor, link.id) == changed


async def test_deleting_frees_the_aliases_and_restoring_brings_them_back(
    context: LinkContext, actor: Actor
) -> None:
    link = await make_link(context, actor, slug="own")
    link = await change(context, actor, link, aliases=("a", "b", "c"))
    assert await find(context, link, "b") == link.id
    await delete_link(context, actor, link.id, LATER)
    assert [await find(context, link, slug) for slug in ("own", "a", "b")] == [None] * 3
    taker = await make_link(context, actor, slug="b")
    restored = await restore_link(context, actor, link.id, LATER)
    assert texts(restored) == ["go.example/a", "go.example/c"]
    assert [alias.text for alias in restored.lost_aliases] == ["go.example/b"]
    found = [await find(context, link, slug) for slug in ("own", "a", "b", "c")]
    assert found == [link.id, link.id, taker.id, link.id]
    assert texts(await get_link(context, actor, link.id)) == texts(restored)
    edits = await list_edits(context.db, actor.workspace_id, link.id)
    assert edits[0].kind == "restored"
    before, after = ["go.example/a", "go.example/b", "go.example/c"], texts(restored)
    assert edits[0].changes == {"aliases": (before, after)}
    assert edits[-1].changes == {"aliases": ([], before)}
    await delete_link(context, actor, taker.id, LATER)
    await delete_link(context, actor, link.id, LATER)
    again = await restore_link(context, actor, link.id, LATER)
    assert (texts(again), again.lost_aliases) == (texts(restored), ())


FREEING = ["delete", "rename", "move", "remove"]


async def free(context: LinkContext, actor: Actor, link: Link, how: str) -> None:
    """Frees the slug `old` of the link, or its alias of that name."""
    if how == "remove":
        await change(context, actor, link, slug="own", aliases=("old",))
        await change(context, actor, link, aliases=())
    elif how == "delete":
        await delete_link(context, actor, link.id, LATER)
    else:
        changes = {"slug": "new"} if how == "rename" else {"domain": "localhost:8000"}
        await change(context, actor, link, **changes, keeps_old_slug=False)


@pytest.mark.parametrize("how", FREEING)
async def test_a_freed_slug_rests_for_others_alone(
    context: LinkContext, actor: Actor, stranger: Actor, how: str
) -> None:
    link = await make_link(context, actor, slug="old")
    await visit(context, link)
    await free(context, actor, link, how)
    others = await make_link(context, stranger)
    for slug in ("old", "OLD"):
        for changes in ({"slug": slug}, {"aliases": (slug,)}):
            with pytest.raises(SlugRestingError, match=f"'{slug}' on go.example was in use"):
                await change(context, stranger, others, **changes)
        made = await create_links(context, stranger, [new_link(slug=slug)], LATER)
        assert [type(each) for each in made] == [SlugRestingError]
    until = LATER + REST_MS
    assert await find_rest(context, actor, "go.example", "OLD", until - 1) == until
    assert await find_rest(context, actor, "go.example", "old", until) is None
    assert await find_rest(context, stranger, "go.example", "old", until - 1) is None
    assert await find_rest(context, actor, "nobody.example", "old", LATER) is None
    own = await make_link(context, actor, LATER, slug="old")
    await delete_link(context, actor, own.id, LATER + 1)  # it had no visits, but the first one had
    late = await create_links(context, stranger, [new_link(slug="old")], until - 1)
    assert [type(each) for each in late] == [SlugRestingError]
    await make_link(context, stranger, until, slug="old")


@pytest.mark.parametrize("how", FREEING)
async def test_a_slug_that_nobody_visited_does_not_rest(
    context: LinkContext, actor: Actor, stranger: Actor, how: str
) -> None:
    await free(context, actor, await make_link(context, actor, slug="old"), how)
    await make_link(context, stranger, slug="old")


async def test_aliases_rest_with_their_link(
    context: LinkContext, actor: Actor, stranger: Actor
) -> None:
    link = await make_link(context, actor)
    await visit(context, link)
    await change(context, actor, link, aliases=("a",))
    await delete_link(context, actor, link.id, LATER)
    with pytest.raises(SlugRestingError):
        await make_link(context, stranger, LATER, slug="a")
    assert texts(await restore_link(context, actor, link.id, LATER)) == ["go.example/a"]


async def test_generated_slugs_avoid_aliases_and_slugs_that_rest(
    context: LinkContext, actor: Actor, stranger: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = await make_link(context, actor, slug="own")
    await visit(context, link)
    await change(context, actor, link, aliases=("alias", "rest"))
    await change(context, actor, link, aliases=("alias",))
    for who in (actor, stranger):
        drawn = iter(("ALIAS", "Rest", "rest", "alias", f"free{who.workspace_id}"))

        def draw(_length: int, drawn: Iterator[str] = drawn) -> str:
            return next(drawn)

        monkeypatch.setattr(inserts, "generate_slug", draw)
        assert (await make_link(context, who, LATER)).slug == f"free{who.workspace_id}"


async def test_what_has_rested_long_enough_is_forgotten(context: LinkContext) -> None:
    row = await context.db.find_one("select id from domains limit 1")
    assert row is not None

    def fill(tx: Transaction) -> None:
        for number in range(SWEPT_AT_ONCE + 2):
            rest_slug(tx, 1, row["id"], f"s{number}", NOW + number)

    await context.db.write(fill)
    last = NOW + SWEPT_AT_ONCE + REST_MS
    assert [await end_old_rests(context.db, last) for _ in range(3)] == [SWEPT_AT_ONCE, 1, 0]
    left = await context.db.find_all("select folded_key, until from resting_slugs")
    assert [tuple(each) for each in left] == [(f"s{SWEPT_AT_ONCE + 1}", last + 1)]


async def test_an_alias_on_a_removed_domain_waits_for_it(
    context: LinkContext, actor: Actor
) -> None:
    link = await make_link(context, actor, slug="own")
    link = await change(context, actor, link, aliases=("localhost:8000/a",))
    sql = "update domains set removed_at = $1 where host = 'localhost:8000'"
    await context.db.write(lambda tx: tx.execute(sql, LATER))
    await context.domains.reload()
    changed = await change(context, actor, link, title="T", aliases=("b", "localhost:8000/a"))
    assert texts(changed) == ["go.example/b", "localhost:8000/a"]
    with pytest.raises(InvalidFieldsError) as refused:
        await change(context, actor, link, add_aliases=("localhost:8000/b",))
    assert refused.value.fields == {"add_aliases[0]": NO_DOMAIN}
    await delete_link(context, actor, link.id, LATER)
    assert texts(await restore_link(context, actor, link.id, LATER)) == texts(changed)
    assert texts(await change(context, actor, link, remove_aliases=("localhost:8000/a",))) == [
        "go.example/b"
    ]


async def test_a_domain_counts_each_link_that_answers_on_it(
    context: LinkContext, actor: Actor, stranger: Actor
) -> None:
    one = await make_link(context, actor, slug="one", aliases=("a", "b", "localhost:8000/a"))
    two = await make_link(context, stranger, domain="localhost:8000", aliases=("go.example/c",))
    await make_link(context, stranger, domain="localhost:8000")
    gone = await make_link(context, actor, aliases=("localhost:8000/d",))
    await delete_link(context, actor, gone.id, NOW)
    domain_ids = (one.domain_id, two.domain_id)
    assert [await count_of_domain(context.db, domain_id) for domain_id in domain_ids] == [2, 3]


async def test_a_new_link_may_bring_its_aliases(
    context: LinkContext, actor: Actor, stranger: Actor
) -> None:
    link = await make_link(context, actor, slug="own", aliases=("a", "go.example/own", "a"))
    assert texts(link) == ["go.example/a"]
    assert await get_link(context, actor, link.id) == link
    wanted = [
        new_link(slug="x", aliases=("a",)),
        new_link(slug="y", aliases=("x",)),
        new_link(slug="z", aliases=("y",)),
        new_link(aliases=("a b",)),
        new_link(aliases=tuple(f"n{number}" for number in range(MOST_ALIASES + 1))),
    ]
    made = await create_links(context, stranger, wanted, NOW)
    kinds = [SlugTakenError, Link, SlugTakenError, InvalidFieldsError, InvalidFieldsError]
    assert [type(each) for each in made] == kinds
    assert isinstance(made[1], Link)
    assert (
        await find(context, link, "x") == made[1].id
    )  # that of the first, which was undone, was free
