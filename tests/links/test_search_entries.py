"""The search index catches up with links that were created, changed and deleted before."""

import random
from collections.abc import Sequence
from typing import Any

import pytest

from shorty.accounts.model import Actor
from shorty.errors import StorageUnavailableError
from shorty.links import listing
from shorty.links.context import LinkContext
from shorty.links.listing import list_links
from shorty.links.model import LinkChange, LinkFilter
from shorty.links.search_entries import AT_ONCE, catch_up, index_waiting
from shorty.links.service import change_link, delete_link, restore_link
from shorty.links.store import set_title
from shorty.storage.database import Database, Transaction
from tests.links.making import make_link
from tests.support import NOW

WORDS = ("harbour", "lantern", "meadow", "orchard")


@pytest.fixture(autouse=True)
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small workspaces are searched without the index."""
    monkeypatch.setattr(listing, "SMALL", 0)


async def search(context: LinkContext, actor: Actor, word: str) -> set[int]:
    page = await list_links(context, actor, LinkFilter(search=word))
    return {link.id for link in page.links}


async def find_indexed(db: Database, word: str) -> set[int]:
    """What the index contains by itself, without catching up."""
    if db.dialect.searches_by_entries:
        sql = "select link_id from links_search where is_live = 1 and position($1 in text) > 0"
        return {row[0] for row in await db.find_all(sql, word)}
    sql = "select rowid from links_search where links_search match $1"
    return {row[0] for row in await db.find_all(sql, " AND ".join(cut(word)))}


def cut(word: str) -> Sequence[str]:
    return [f'"{word[place : place + 3]}"' for place in range(len(word) - 2)]


@pytest.mark.parametrize("seed", range(12))
async def test_whatever_happens_before_a_link_is_indexed_its_words_are_found(
    context: LinkContext, actor: Actor, seed: int
) -> None:
    dice = random.Random(seed)  # noqa: S311 - the same actions each time
    titles: dict[int, str] = {}
    deleted: dict[int, str] = {}
    for step in range(60):
        action = dice.choice(("make", "make", "rename", "delete", "restore", "index", "title"))
        word = dice.choice(WORDS)
        if action == "make":
            titles[(await make_link(context, actor, NOW + step, title=word)).id] = word
        elif action == "rename" and titles:
            link_id = dice.choice(list(titles))
            await change_link(context, actor, link_id, LinkChange(title=word), NOW + step)
            titles[link_id] = word
        elif action == "title":
            link = await make_link(context, actor, NOW + step)
            if dice.random() < 0.5:
                await context.db.write(index_waiting)
            await context.db.write(
                lambda tx, link=link, word=word, now=NOW + step: set_title(tx, link.id, word, now)
            )
            titles[link.id] = word
        elif action == "delete" and titles:
            link_id = dice.choice(list(titles))
            await delete_link(context, actor, link_id, NOW + step)
            deleted[link_id] = titles.pop(link_id)
        elif action == "restore" and deleted:
            link_id = dice.choice(list(deleted))
            await restore_link(context, actor, link_id, NOW + step)
            titles[link_id] = deleted.pop(link_id)
        elif action == "index":
            await context.db.write(index_waiting)
    for word in WORDS:
        expected = {link_id for link_id, title in titles.items() if title == word}
        assert await search(context, actor, word) == expected
        assert await find_indexed(context.db, word) == expected


async def test_more_than_fit_one_write_are_indexed_before_they_are_searched(
    context: LinkContext, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shorty.links.search_entries.AT_ONCE", 3)
    made = {(await make_link(context, actor, title="harbour")).id for _ in range(8)}
    assert await find_indexed(context.db, "harbour") == set()
    assert await search(context, actor, "harbour") == made
    assert AT_ONCE > 3


async def test_where_too_many_wait_a_search_waits_for_some_alone(
    context: LinkContext, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a move. SQLite then looks through the links, and PostgreSQL finds what it has."""
    monkeypatch.setattr("shorty.links.search_entries.AT_ONCE", 3)
    monkeypatch.setattr(listing, "INDEX_PATIENCE_S", 0)
    made = [(await make_link(context, actor, title="harbour")).id for _ in range(8)]
    found = await search(context, actor, "harbour")
    indexed = await find_indexed(context.db, "harbour")
    assert len(indexed) == 3
    assert found == (indexed if context.db.dialect.searches_by_entries else set(made))
    assert not await catch_up(context.db, 0)
    assert len(await find_indexed(context.db, "harbour")) == 6
    assert await catch_up(context.db)
    assert await find_indexed(context.db, "harbour") == set(made)
    assert await search(context, actor, "harbour") == set(made)


async def test_links_that_come_meanwhile_keep_nobody_waiting(
    context: LinkContext, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await make_link(context, actor, title="harbour")
    writes = 0
    write = context.db.write

    async def write_and_make(work: Any, **asked_at: float) -> Any:
        nonlocal writes
        writes += work is index_waiting
        made = await write(work, **asked_at)
        if work is index_waiting:
            await make_link(context, actor, title="harbour")
        return made

    monkeypatch.setattr(context.db, "write", write_and_make)
    await catch_up(context.db)
    assert writes == 1
    assert await find_indexed(context.db, "harbour") == {first.id}


async def test_a_write_that_fails_leaves_its_links_waiting(
    context: LinkContext, actor: Actor
) -> None:
    link = await make_link(context, actor, title="harbour")

    def fail(tx: Transaction) -> None:
        tx.execute("update search_mark set indexed_until = indexed_until + 1")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await context.db.write(fail)
    assert await search(context, actor, "harbour") == {link.id}


async def test_where_nothing_can_be_written_what_is_indexed_is_found(
    context: LinkContext, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = await make_link(context, actor, title="harbour")
    await catch_up(context.db)
    await make_link(context, actor, title="harbour")

    async def refuse(_: object) -> None:
        raise StorageUnavailableError

    monkeypatch.setattr(context.db, "write", refuse)
    assert await search(context, actor, "harbour") == {known.id}


@pytest.mark.parametrize("small", [0, 10**6])  # with the index, and without
@pytest.mark.parametrize("seed", range(6))
async def test_links_are_found_by_the_aliases_they_have(
    context: LinkContext, actor: Actor, seed: int, small: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "SMALL", small)
    dice = random.Random(seed)  # noqa: S311 - the same actions each time
    live: dict[int, str] = {}
    deleted: dict[int, str] = {}
    actions = ("make", "make", "alias", "delete", "restore", "lose", "index", "title")
    for step in range(60):
        action, word = dice.choice(actions), dice.choice(WORDS)
        alias = f"{word}-{step}"
        if action == "make":
            live[(await make_link(context, actor, NOW + step, aliases=(alias,))).id] = alias
        elif action == "alias" and live:
            link_id = dice.choice(list(live))
            change = LinkChange(aliases=(f"go.example/{alias}",))
            await change_link(context, actor, link_id, change, NOW + step)
            live[link_id] = alias
        elif action == "title" and live:
            link_id = dice.choice(list(live))
            await context.db.write(lambda tx, link_id=link_id: set_title(tx, link_id, "T", NOW))
        elif action == "delete" and live:
            link_id = dice.choice(list(live))
            await delete_link(context, actor, link_id, NOW + step)
            deleted[link_id] = live.pop(link_id)
        elif action in {"restore", "lose"} and deleted:
            link_id = dice.choice(list(deleted))
            lost = deleted.pop(link_id)
            if action == "lose" and lost:
                await make_link(context, actor, NOW + step, slug=lost, title="holder")
                live[link_id] = ""
            else:
                live[link_id] = lost
            await restore_link(context, actor, link_id, NOW + step)
        elif action == "index":
            await context.db.write(index_waiting)
    await catch_up(context.db)
    holders = await search(context, actor, "holder")
    for word in WORDS:
        expected = {link_id for link_id, alias in live.items() if alias.startswith(word)}
        assert await search(context, actor, word) - holders == expected
        assert await find_indexed(context.db, word) - holders == expected
