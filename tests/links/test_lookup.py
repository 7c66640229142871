"""What is cached of a link: each column in its place, and which links are plain."""

import re
import sqlite3
import threading
from collections.abc import Callable
from typing import Any

import pytest

from shorty.accounts.model import Actor
from shorty.links.blocklist import BlockList
from shorty.links.context import LinkContext
from shorty.links.lookup import FIND_LINK, CachedLink, LinkLookup, build_cached_link
from shorty.links.service import delete_link
from shorty.storage.database import Database
from tests.links.making import make_link
from tests.support import NOW

_LISTED = re.search(r"select (.*?)\sfrom links", FIND_LINK, re.DOTALL)
COLUMNS = [] if _LISTED is None else [name.strip() for name in _LISTED[1].split(",")]
KEPT = {
    *{"id", "workspace_id", "slug", "link_type", "url", "status", "title", "description", "image"},
    *{"password_hash", "expires_at", "max_clicks", "meta_pixel_id", "google_tag_id"},
    *{"button_label", "created_at"},
}
FLAGS = {"cloaked", "forward_parameters", "block_bots", "is_active", "is_link_in_bio", "is_public"}
CONDITIONS = {
    *{"block_bots", "password_hash", "expires_at", "max_clicks", "description", "image"},
    *{"is_link_in_bio", "cloaked", "meta_pixel_id", "google_tag_id", "forward_parameters"},
}


def build(values: dict[str, Any], *, is_blocked: bool = False) -> CachedLink:
    connection = sqlite3.connect(":memory:")
    connection.row_factory = sqlite3.Row
    slots = ", ".join(f"? as {name}" for name in COLUMNS)
    row = connection.execute(f"select {slots}", [values.get(name) for name in COLUMNS]).fetchone()
    connection.close()
    return build_cached_link(row, is_blocked=is_blocked)


def test_every_column_has_its_place() -> None:
    link = build({name: name for name in COLUMNS})
    assert {name: getattr(link, name) for name in KEPT} == {name: name for name in KEPT}
    assert link.utm == ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")


@pytest.mark.parametrize("flag", sorted(FLAGS))
def test_every_flag_has_its_place(flag: str) -> None:
    link = build({name: int(name == flag) for name in FLAGS})
    assert {name for name in FLAGS if getattr(link, name)} == {flag}


def test_a_password_that_is_not_asked_for_is_none() -> None:
    assert build({"password_hash": "hash", "is_password_asked": 0}).password_hash is None
    assert build({"password_hash": "hash", "is_password_asked": 1}).password_hash == "hash"


@pytest.mark.parametrize("name", sorted(set(COLUMNS) - {"is_active"}))
def test_what_depends_on_the_visitor_the_time_or_the_count_is_not_plain(name: str) -> None:
    assert build({"is_active": 1, name: 1}).is_plain == (name not in CONDITIONS)


def test_what_is_off_or_blocked_is_not_plain() -> None:
    assert build({"is_active": 1}).is_plain
    assert not build({"is_active": 0}).is_plain
    assert not build({"is_active": 1}, is_blocked=True).is_plain


async def test_the_same_slug_on_two_domains_leads_to_two_places(
    book: LinkContext, actor: Actor, stranger: Actor
) -> None:
    places = {"go.example": actor, "localhost:8000": stranger}
    links = [
        await make_link(book, who, domain=host, slug="same", url=f"https://example.com/{host}")
        for host, who in places.items()
    ]
    for _ in range(2):  # read, then cached
        found = [book.lookup.find(link.domain_id, "same") for link in links]
        assert [each and (each.id, each.workspace_id, each.url) for each in found] == [
            (links[0].id, actor.workspace_id, "https://example.com/go.example"),
            (links[1].id, stranger.workspace_id, "https://example.com/localhost:8000"),
        ]
    await delete_link(book, stranger, links[1].id, NOW)
    assert book.lookup.find(links[0].domain_id, "same") is not None
    assert book.lookup.find(links[1].domain_id, "same") is None


async def test_what_is_forgotten_is_read_anew_and_nothing_else(
    db: Database, book: LinkContext, actor: Actor
) -> None:
    one, two = [await make_link(book, actor, slug=slug) for slug in ("one", "two")]
    read: list[int] = []
    lookup = LinkLookup(db, BlockList([]), on_read=read.append)

    def look() -> list[int]:
        """The ids of the links that had to be read."""
        read.clear()
        for slug in ("one", "two", "none"):
            lookup.find(one.domain_id, slug)
        return list(read)

    assert look() == [one.id, two.id]
    assert look() == []
    lookup.forget(one.domain_id, "one")
    lookup.forget(one.domain_id + 1, "two")
    assert look() == [one.id]
    await make_link(book, actor, slug="none")
    assert lookup.find(one.domain_id, "none") is None
    lookup.forget(one.domain_id, "none")
    assert lookup.find(one.domain_id, "none") is not None
    lookup.forget_all()
    assert len(look()) == 3


def forget_all(lookup: LinkLookup, *_: object) -> None:
    lookup.forget_all()


@pytest.mark.parametrize("ask", [LinkLookup.forget, forget_all, LinkLookup.find])
async def test_who_holds_the_lock_keeps_everybody_else_waiting(
    book: LinkContext, actor: Actor, ask: Callable[[LinkLookup, int, str], object]
) -> None:
    link = await make_link(book, actor, slug="busy")
    key = (link.domain_id, "busy")
    found = book.lookup.find(*key)
    done = threading.Event()

    def work() -> None:
        ask(book.lookup, *key)
        done.set()

    thread = threading.Thread(target=work)
    with book.lookup.lock:
        thread.start()
        assert not done.wait(0.05)
        assert book.lookup.links.get(key) is found
    assert done.wait(10)
    thread.join()
