"""What is cached of a link: each column in its place, and which links are plain."""

import asyncio
import threading
from collections import Counter
from collections.abc import Callable
from time import monotonic
from typing import Any

import pytest
from structlog.testing import capture_logs

from shorty.accounts.model import Actor
from shorty.clicks.model import UTM_NAMES
from shorty.errors import StorageUnavailableError
from shorty.links import lookup as lookups
from shorty.links.blocklist import BlockList
from shorty.links.context import LinkContext
from shorty.links.lookup import LETTERS, CachedLink, LinkLookup
from shorty.links.rules import Rule, encode_rules
from shorty.links.service import delete_link
from shorty.links.slug import LONGEST_SPELLING, MAX_SLUG_LENGTH
from shorty.storage.changes import AnythingChanged, Change, LinkChanged
from shorty.storage.database import Database, Reader, Row, Value
from tests.clicks.making import insert_links
from tests.links.making import make_link
from tests.support import NOW


async def read(context: LinkContext, actor: Actor, **values: Any) -> CachedLink:
    """What is cached of a link with these values in its columns, unchecked."""
    link = await make_link(context, actor, slug="s")
    for name, value in values.items():
        sql = f"update links set {name} = $1 where id = $2"  # noqa: S608 - our own names
        await context.db.write(lambda tx, sql=sql, value=value: tx.execute(sql, value, link.id))
    found = await LinkLookup(context.db, BlockList([])).find(link.domain_id, "s")
    assert found is not None
    return found


TEXTS = {
    *{"url", "title", "description", "image", "password_hash", "meta_pixel_id"},
    *{"google_tag_id", "button_label", "expired_url", "gtm_container_id", "utm_id", *UTM_NAMES},
}
NUMBERS = {"status": 308, "valid_since": 4, "expires_at": 5, "max_clicks": 6, "created_at": 7}
FLAGS = {
    *{"cloaked", "forward_parameters", "block_bots", "is_active", "is_link_in_bio", "is_public"},
    *{"hide_referrer", "skip_social_crawler_tracking"},
}
RULE = Rule(id="4f2a", url="https://example.de/app")


async def test_every_column_has_its_place(context: LinkContext, actor: Actor) -> None:
    texts = {name: name for name in TEXTS}
    link = await read(context, actor, **texts, **NUMBERS, link_type="TEL", is_password_asked=1)
    assert {name: getattr(link, name) for name in (*texts, *NUMBERS)} == {**texts, **NUMBERS}
    assert (link.link_type, link.workspace_id) == ("TEL", actor.workspace_id)
    assert link.utm == UTM_NAMES


@pytest.mark.parametrize("flag", sorted(FLAGS))
async def test_every_flag_has_its_place(context: LinkContext, actor: Actor, flag: str) -> None:
    link = await read(context, actor, **{name: int(name == flag) for name in FLAGS})
    assert {name for name in FLAGS if getattr(link, name)} == {flag}
    assert link.utm is None


@pytest.mark.parametrize(("is_asked", "cached"), [(0, None), (1, "hash")])
async def test_a_password_that_is_not_asked_for_is_none(
    context: LinkContext, actor: Actor, is_asked: int, cached: str | None
) -> None:
    link = await read(context, actor, password_hash="hash", is_password_asked=is_asked)
    assert link.password_hash == cached


async def test_a_link_is_plain_where_it_is_said_to_be(context: LinkContext, actor: Actor) -> None:
    links = [await make_link(context, actor, slug=slug) for slug in ("a", "b")]
    lookup = LinkLookup(context.db, BlockList([]), is_plain=lambda link: link.slug == "a")
    found = [await lookup.find(link.domain_id, link.slug) for link in links]
    assert [link and link.is_plain for link in found] == [True, False]


async def test_rules_are_compiled_once_and_a_link_with_them_is_steered_and_not_plain(
    context: LinkContext, actor: Actor
) -> None:
    link = await make_link(context, actor, slug="s", utm_source="mail", utm_id="7")
    sql = "update links set rules = $1, expired_url = $2"
    values = (encode_rules((RULE,)), "https://example.com/archive")
    await context.db.write(lambda tx: tx.execute(sql, *values))
    lookup = LinkLookup(context.db, BlockList([]), is_plain=lambda _: True)
    found = await lookup.find(link.domain_id, "s")
    assert found is not None
    assert found.rules is not None
    assert (found.is_plain, found.is_steered) == (False, True)
    assert found.rules.active[0].settled.url == f"{RULE.url}?utm_source=mail&utm_id=7"
    again = await lookup.find(link.domain_id, "s")
    assert again is found
    blocked = await LinkLookup(
        context.db, BlockList(["example.de", "example.com"]), is_plain=lambda _: True
    ).find(link.domain_id, "s")
    assert blocked is not None
    assert (blocked.is_plain, blocked.is_steered, blocked.expired_url) == (False, False, None)


@pytest.mark.parametrize(("blocked", "is_blocked"), [("example.com", True), ("b.example", False)])
async def test_a_host_that_is_blocked_later_blocks_its_links(
    context: LinkContext, actor: Actor, blocked: str, is_blocked: bool
) -> None:
    link = await make_link(context, actor)
    lookup = LinkLookup(context.db, BlockList([blocked]))
    with capture_logs() as logs:
        await lookup.find(link.domain_id, link.slug)
        lookup.forget_all()
        found = await lookup.find(link.domain_id, link.slug)
    said = {"event": "link_blocked", "log_level": "warning", "link_id": link.id}
    said |= {"workspace_id": link.workspace_id, "host": "example.com"}
    assert logs == [said] * is_blocked  # once
    assert found is not None
    assert found.is_blocked == is_blocked


async def test_the_same_slug_on_two_domains_leads_to_two_places(
    context: LinkContext, actor: Actor, stranger: Actor
) -> None:
    places = {"go.example": actor, "localhost:8000": stranger}
    links = [
        await make_link(context, who, domain=host, slug="same", url=f"https://example.com/{host}")
        for host, who in places.items()
    ]
    for _ in range(2):  # read, then cached
        found = [await context.lookup.find(link.domain_id, "same") for link in links]
        assert [each and (each.id, each.workspace_id, each.url) for each in found] == [
            (links[0].id, actor.workspace_id, "https://example.com/go.example"),
            (links[1].id, stranger.workspace_id, "https://example.com/localhost:8000"),
        ]
    await delete_link(context, stranger, links[1].id, NOW)
    assert await context.lookup.find(links[0].domain_id, "same") is not None
    assert await context.lookup.find(links[1].domain_id, "same") is None


async def test_what_is_forgotten_is_read_anew_and_nothing_else(
    db: Database, context: LinkContext, actor: Actor
) -> None:
    one, two = [await make_link(context, actor, slug=slug) for slug in ("one", "two")]
    read: list[int] = []
    lookup = LinkLookup(db, BlockList([]), on_read=read.append)

    async def look() -> list[int]:
        """The ids of the links that had to be read."""
        read.clear()
        for slug in ("one", "two", "none"):
            await lookup.find(one.domain_id, slug)
        return list(read)

    assert await look() == [one.id, two.id]
    assert await look() == []
    lookup.hear(LinkChanged(one.domain_id, "one"))
    lookup.hear(LinkChanged(one.domain_id + 1, "two"))
    assert await look() == [one.id]
    await make_link(context, actor, slug="none")  # heard of without being told
    assert await lookup.find(one.domain_id, "none") is not None
    lookup.forget_all()
    assert len(await look()) == 3


async def test_a_slug_is_found_however_another_version_of_unicode_folded_it(
    db: Database, context: LinkContext, actor: Actor
) -> None:
    link = await make_link(context, actor, slug="\xc9")
    await db.write(lambda tx: tx.execute("update links set folded_key = '?'"))
    lookup = LinkLookup(db, BlockList([]), is_forgiving=True)

    async def find_slugs() -> list[str | None]:
        found = [await lookup.find(link.domain_id, slug) for slug in ("\xe9", "\xc9", "\xc9.")]
        return [each and each.slug for each in found]

    assert await find_slugs() == [None, "\xc9", "\xc9"]
    await make_link(context, actor, slug="\xe9")
    lookup.forget_all()
    for _ in range(2):
        assert await find_slugs() == ["\xe9", "\xc9", "\xc9"]


@pytest.mark.parametrize("is_forgiving", [False, True])
async def test_what_is_too_long_for_a_slug_takes_no_place_in_the_cache(
    db: Database, context: LinkContext, actor: Actor, is_forgiving: bool
) -> None:
    link = await make_link(context, actor, slug="x" * MAX_SLUG_LENGTH)
    lookup = LinkLookup(db, BlockList([]), is_forgiving=is_forgiving)
    for length in (MAX_SLUG_LENGTH + 1, LONGEST_SPELLING, LONGEST_SPELLING + 1, 32_000):
        for letter in ("x", ".", "\u0301"):
            assert await lookup.find(link.domain_id, letter * length) is None
    assert lookup.count_cached() == (0, 0)
    assert await lookup.find(link.domain_id, link.slug) is not None
    assert await lookup.find(link.domain_id, "y" * MAX_SLUG_LENGTH) is None
    assert lookup.count_cached() == (1, 1)


async def test_no_more_misses_are_kept_than_there_is_room_for(
    db: Database, context: LinkContext, actor: Actor
) -> None:
    link = await make_link(context, actor, slug="Sale")
    lookup = LinkLookup(db, BlockList([]), is_forgiving=True, links=3, misses=3)
    for number in range(9):
        assert await lookup.find(link.domain_id, f"none{number}") is None
        assert await lookup.find(link.domain_id, "sale" + "." * number) is not None
    assert lookup.count_cached() == (1, 3)


async def test_a_link_with_many_rules_takes_the_room_of_several(
    db: Database, context: LinkContext, actor: Actor
) -> None:
    rules = tuple(
        Rule(id=f"{number:04}", url=f"https://example.de/{'x' * 200}", is_active=False)
        for number in range(5)
    )
    links = [await make_link(context, actor, slug=f"plain{number}") for number in range(9)]
    lookup = LinkLookup(db, BlockList([]), links=10)
    for link in links:
        await lookup.find(link.domain_id, link.slug)
    assert lookup.count_cached()[0] == 9
    heavy = await make_link(context, actor, slug="heavy", rules=rules)
    assert await lookup.find(heavy.domain_id, "heavy") is not None
    assert lookup.count_cached()[0] == 1 + 10 - heavy_weight(rules)
    assert (heavy.domain_id, "heavy") in lookup.links


async def test_a_link_whose_rules_need_more_room_than_there_is_has_all_of_it(
    db: Database, context: LinkContext, actor: Actor
) -> None:
    rules = (Rule(id="4f2a", url=f"https://example.de/{'x' * 2000}"),)
    link = await make_link(context, actor, slug="heavy", rules=rules)
    lookup = LinkLookup(db, BlockList([]), links=2)
    found = [await lookup.find(link.domain_id, "heavy") for _ in range(2)]
    assert found[0] is not None
    assert found[0] is found[1]


def heavy_weight(rules: tuple[Rule, ...]) -> int:
    return 1 + len(encode_rules(rules) or "") // LETTERS


def find_in_thread(lookup: LinkLookup, *key: Any) -> None:
    asyncio.run(lookup.find(*key))


def hear_change(lookup: LinkLookup, domain_id: int, slug_key: str) -> None:
    lookup.hear(LinkChanged(domain_id, slug_key))


def forget_all(lookup: LinkLookup, *_: object) -> None:
    lookup.forget_all()


@pytest.mark.parametrize("ask", [hear_change, forget_all, find_in_thread])
async def test_who_holds_the_lock_keeps_everybody_else_waiting(
    context: LinkContext, actor: Actor, ask: Callable[[LinkLookup, int, str], object]
) -> None:
    link = await make_link(context, actor, slug="busy")
    key = (link.domain_id, "busy")
    found = await context.lookup.find(*key)
    done = threading.Event()

    def work() -> None:
        ask(context.lookup, *key)
        done.set()

    thread = threading.Thread(target=work)
    with context.lookup.lock:
        thread.start()
        assert not done.wait(0.05)
        assert context.lookup.links.get(key) is found
    assert done.wait(10)
    thread.join()


@pytest.mark.postgres_only
@pytest.mark.parametrize(
    ("domain_id", "slug_key", "is_kept"),
    [(1, "slug1", False), (1, "slug2", True), (2, "slug1", True), (1, "é", False)],
)
async def test_what_is_read_is_kept_unless_it_changes_meanwhile(
    db: Database, monkeypatch: pytest.MonkeyPatch, domain_id: int, slug_key: str, *, is_kept: bool
) -> None:
    """While others create links without a pause, those that are visited have to be cached."""
    await db.write(insert_links(1))
    lookup, read = LinkLookup(db, BlockList(())), db.read

    async def read_and_hear(work: Callable[[Reader], Any]) -> Any:
        found = await read(work)
        lookup.hear(LinkChanged(domain_id, slug_key))
        return found

    monkeypatch.setattr(db, "read", read_and_hear)
    assert await lookup.find(1, "slug1")
    assert lookup.count_cached() == (int(is_kept), 0)
    monkeypatch.setattr(db, "read", read)
    assert await lookup.find(1, "slug1")
    assert lookup.count_cached() == (1, 0)


@pytest.mark.postgres_only
@pytest.mark.parametrize(
    ("change", "is_known"),
    [
        (AnythingChanged(monotonic()), True),
        (AnythingChanged(), False),
        (LinkChanged(1, "slug1"), False),
    ],
)
async def test_what_is_read_while_changes_are_missed_is_known_until_it_changes(
    db: Database, monkeypatch: pytest.MonkeyPatch, change: Change, *, is_known: bool
) -> None:
    await db.write(insert_links(1))
    lookup, read = LinkLookup(db, BlockList(())), db.read

    async def read_and_hear(work: Callable[[Reader], Any]) -> Any:
        found = await read(work)
        lookup.hear(change)
        return found

    async def fail(_work: object) -> None:
        raise StorageUnavailableError

    monkeypatch.setattr(db, "read", read_and_hear)
    assert await lookup.find(1, "slug1")
    assert lookup.count_cached() == (0, 0)
    monkeypatch.setattr(db, "read", fail)
    if is_known:
        assert await lookup.find(1, "slug1")
    else:
        with pytest.raises(StorageUnavailableError):
            await lookup.find(1, "slug1")


@pytest.mark.postgres_only
async def test_a_change_that_is_heard_while_the_database_hangs_ends_what_was_known(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await db.write(insert_links(1))
    lookup = LinkLookup(db, BlockList(()))
    assert await lookup.find(1, "slug1")
    lookup.hear(AnythingChanged(monotonic()))

    async def change_and_hang(_work: object) -> None:
        lookup.hear(LinkChanged(1, "slug1"))
        await asyncio.Event().wait()

    monkeypatch.setattr(lookups, "PATIENCE_S", 0.01)
    monkeypatch.setattr(db, "read", change_and_hang)
    with pytest.raises(StorageUnavailableError):
        await lookup.find(1, "slug1")


@pytest.mark.postgres_only
async def test_who_asks_for_the_same_link_at_once_shares_one_read(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await db.write(insert_links(1, 2))
    lookup, read, asked = LinkLookup(db, BlockList(())), db.read, Counter[Value]()

    class Counting:
        def __init__(self, rows: Reader) -> None:
            self._rows = rows

        def find_one(self, sql: str, *parameters: Value) -> Row | None:
            asked[parameters[1]] += 1
            return self._rows.find_one(sql, *parameters)

        def find_all(self, sql: str, *parameters: Value) -> list[Row]:
            asked[parameters[1]] += 1
            return self._rows.find_all(sql, *parameters)

    async def count(work: Callable[[Reader], Any]) -> Any:
        return await read(lambda rows: work(Counting(rows)))

    monkeypatch.setattr(db, "read", count)
    slugs = ["slug1", "slug2", "slug1", "none"] * 5
    found = await asyncio.gather(*(lookup.find(1, slug) for slug in slugs))
    assert [link and link.slug for link in found] == ["slug1", "slug2", "slug1", None] * 5
    assert asked == {"slug1": 1, "slug2": 1, "none": 1}
