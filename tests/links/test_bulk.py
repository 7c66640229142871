"""Many links in one transaction."""

import pytest
from msgspec.structs import replace

from shorty.accounts.model import Actor
from shorty.errors import (
    ForbiddenError,
    InvalidFieldsError,
    QuotaExceededError,
    SlugTakenError,
)
from shorty.links.context import LinkContext
from shorty.links.model import Link, LinkChange, QrSettings
from shorty.links.service import (
    Outcome,
    change_links,
    create_links,
    delete_links,
    get_link,
    restore_links,
)
from shorty.plans import read_usage
from tests.links.conftest import SMALL
from tests.links.making import make_link, new_link
from tests.reading import reader
from tests.support import NOW


def name_kinds(outcomes: list[Outcome]) -> list[str]:
    return [type(outcome).__name__ for outcome in outcomes]


async def count_used(context: LinkContext, actor: Actor) -> dict[str, int]:
    usage = await read_usage(context.db, actor.workspace_id, actor.plan, NOW)
    return {quota: use.used for quota, use in usage.items() if use.used and quota != "members"}


async def test_the_good_ones_are_made_and_the_others_say_why(
    context: LinkContext, actor: Actor
) -> None:
    await make_link(context, actor, slug="taken")
    news = [
        new_link(slug="a", tag_names=("x",)),
        new_link(slug="taken", tag_names=("never",)),
        new_link(url="nonsense"),
        new_link(slug="a"),
        new_link(tag_ids=(99,)),
        new_link(max_clicks=7, unread={"maxClicks": "is unreadable"}),
        new_link(password="pw"),
    ]
    outcomes = await create_links(context, actor, news, NOW)
    assert name_kinds(outcomes) == [
        "Link",
        "SlugTakenError",
        "InvalidFieldsError",
        "SlugTakenError",
        "InvalidFieldsError",
        "InvalidFieldsError",
        "Link",
    ]
    for outcome in outcomes:
        if isinstance(outcome, Link):
            assert await get_link(context, actor, outcome.id) == outcome
            assert await context.lookup.find(outcome.domain_id, outcome.slug) is not None
    assert await count_used(context, actor) == {"links": 3, "links_per_month": 3}
    assert reader(context.db).find_one("select 1 from tags where name = 'never'") is None


async def test_a_plan_with_room_for_some_makes_the_first_good_ones(
    context: LinkContext, actor: Actor
) -> None:
    poor = replace(actor, plan=SMALL)
    await make_link(context, actor, slug="taken")
    news = [
        new_link(slug="taken"),
        new_link(qr_settings=QrSettings()),
        new_link(qr_settings=QrSettings()),
        new_link(),
        new_link(),
    ]
    outcomes = await create_links(context, poor, news, NOW)
    assert name_kinds(outcomes) == [
        "SlugTakenError",
        "Link",
        "QuotaExceededError",
        "Link",
        "QuotaExceededError",
    ]
    assert [each.quota for each in outcomes if isinstance(each, QuotaExceededError)] == [
        "qr_codes",
        "links",
    ]
    used = {"links": 3, "links_per_month": 3, "qr_codes": 1}
    assert await count_used(context, poor) == used


async def test_what_is_remembered_is_committed_with_the_links(
    context: LinkContext, actor: Actor
) -> None:
    seen: list[list[Outcome]] = []
    outcomes = await create_links(
        context, actor, [new_link()], NOW, lambda _tx, made: seen.append(made)
    )
    assert seen == [outcomes]


async def test_one_change_is_made_to_each(
    context: LinkContext, actor: Actor, stranger: Actor
) -> None:
    one, two = await make_link(context, actor), await make_link(context, actor, slug="two")
    theirs = await make_link(context, stranger)
    ids = [one.id, theirs.id, two.id, 99, one.id]
    outcomes = await change_links(context, actor, ids, LinkChange(title="T", password="p"), NOW + 1)
    assert name_kinds(outcomes) == ["Link", "NotFoundError", "Link", "NotFoundError"]
    assert (await get_link(context, actor, one.id)).title == "T"
    assert (await get_link(context, stranger, theirs.id)).title is None
    outcomes = await change_links(context, actor, [one.id, two.id], LinkChange(slug="new"), NOW + 2)
    assert isinstance(outcomes[0], Link)
    assert isinstance(outcomes[1], SlugTakenError)
    assert await context.lookup.find(one.domain_id, one.slug) is None


async def test_a_change_that_runs_out_of_edits_is_undone_alone(
    context: LinkContext, actor: Actor
) -> None:
    links = [await make_link(context, actor, title="old") for _ in range(3)]
    poor = replace(actor, plan=SMALL)
    outcomes = await change_links(
        context, poor, [link.id for link in links], LinkChange(title="new"), NOW
    )
    assert name_kinds(outcomes) == ["Link", "Link", "QuotaExceededError"]
    assert [(await get_link(context, actor, link.id)).title for link in links] == [
        "new",
        "new",
        "old",
    ]


async def test_a_faulty_change_says_so_of_each(context: LinkContext, actor: Actor) -> None:
    link = await make_link(context, actor)
    outcomes = await change_links(context, actor, [link.id], LinkChange(max_clicks=0), NOW)
    assert isinstance(outcomes[0], InvalidFieldsError)


async def test_many_are_deleted(context: LinkContext, actor: Actor, stranger: Actor) -> None:
    links = [await make_link(context, actor) for _ in range(3)]
    theirs = await make_link(context, stranger)
    ids = [links[0].id, theirs.id, 99, links[2].id, links[0].id]
    assert await delete_links(context, actor, ids, NOW) == [links[0].id, links[2].id]
    assert await count_used(context, actor) == {"links": 1, "links_per_month": 3}
    assert (await get_link(context, stranger, theirs.id)).id == theirs.id
    assert await context.lookup.find(links[0].domain_id, links[0].slug) is None


async def test_many_come_back_and_the_others_say_why(
    context: LinkContext, actor: Actor, stranger: Actor
) -> None:
    links = [await make_link(context, actor, slug=f"s{number}") for number in range(3)]
    ids = [link.id for link in links]
    await delete_links(context, actor, ids, NOW)
    await make_link(context, stranger, slug="s1")
    outcomes = await restore_links(context, actor, [*ids, ids[0], 99], NOW)
    assert name_kinds(outcomes) == ["Link", "SlugTakenError", "Link", "NotFoundError"]
    assert await count_used(context, actor) == {"links": 2, "links_per_month": 3}
    assert await context.lookup.find(links[2].domain_id, "s2") is not None


async def test_tags_are_added_and_removed_beside_the_others(
    context: LinkContext, actor: Actor
) -> None:
    one = await make_link(context, actor, tag_names=("a", "b"))
    two = await make_link(context, actor, tag_names=("c",))
    ids = [one.id, two.id]
    a, b, c = (tag.id for tag in (*one.tags, *two.tags))
    change = LinkChange(add_tag_ids=(c, a), add_tag_names=("B", "new"), remove_tag_ids=(b, 99))
    outcomes = await change_links(context, actor, ids, change, NOW + 1)
    told = [[tag.name for tag in link.tags] for link in outcomes if isinstance(link, Link)]
    assert told == [["a", "c", "b", "new"], ["c", "a", "b", "new"]]
    for link_id, outcome in zip(ids, outcomes, strict=True):
        assert await get_link(context, actor, link_id) == outcome
    again = await change_links(
        context, actor, ids, LinkChange(add_tag_ids=(a,), add_tag_names=("NEW",)), NOW + 2
    )
    assert again == outcomes
    unknown = await change_links(context, actor, [one.id], LinkChange(add_tag_ids=(98,)), NOW + 3)
    assert isinstance(unknown[0], InvalidFieldsError)
    assert set(unknown[0].fields) == {"add_tag_ids"}


async def test_there_are_limits_and_readers_may_not(context: LinkContext, actor: Actor) -> None:
    for ids in ([], [1] * 1001):
        with pytest.raises(InvalidFieldsError):
            await delete_links(context, actor, ids, NOW)
        with pytest.raises(InvalidFieldsError):
            await restore_links(context, actor, ids, NOW)
        with pytest.raises(InvalidFieldsError):
            await change_links(context, actor, ids, LinkChange(), NOW)
        with pytest.raises(InvalidFieldsError):
            await create_links(context, actor, [new_link()] * len(ids), NOW)
    reader = replace(actor, scope="read")
    with pytest.raises(ForbiddenError):
        await create_links(context, reader, [new_link()], NOW)
    with pytest.raises(ForbiddenError):
        await change_links(context, reader, [1], LinkChange(), NOW)
    with pytest.raises(ForbiddenError):
        await delete_links(context, reader, [1], NOW)
    with pytest.raises(ForbiddenError):
        await restore_links(context, reader, [1], NOW)
