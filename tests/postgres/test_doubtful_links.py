"""Links that a node read before it may have missed changes, while it can hear but not read."""

from collections.abc import AsyncGenerator
from contextlib import suppress
from pathlib import Path

import pytest

from shorty.errors import StorageUnavailableError
from shorty.links import lookup as lookups
from shorty.links.blocklist import BlockList
from shorty.links.lookup import LinkLookup
from shorty.postgres.connections import name_command
from shorty.postgres.database import STALE_S, PostgresDatabase
from shorty.storage.changes import LinkChanged
from shorty.storage.database import Transaction
from tests.clicks.making import insert_links
from tests.postgres.proxy import Proxy
from tests.postgres.support import end_backends, wait_until

pytestmark = pytest.mark.postgres_only

UNKNOWN = "unknown"


class Reading:
    """A node that reads through the proxy and listens past it."""

    def __init__(
        self, url: str, proxy: Proxy, folder: Path, *, stale_s: float = STALE_S, listen: str = ""
    ) -> None:
        way = f"{url}{proxy.way}"
        self.db = PostgresDatabase(way, "two", folder, listen=listen or url, stale_s=stale_s)
        self.lookup = LinkLookup(self.db, BlockList([]), is_forgiving=True)
        self._url = url
        self._proxy = proxy

    async def join(self) -> None:
        await self.db.join(lambda: "{}")

    async def find(self, slug_key: str) -> str | None:
        """Where the link leads; None where there is none."""
        try:
            link = await self.lookup.find(1, slug_key)
        except StorageUnavailableError:
            return UNKNOWN
        return link and link.url

    def lose_reads(self) -> None:
        self._proxy.is_closed = True
        self._proxy.cut()

    async def get_reads_back(self) -> None:
        self._proxy.is_closed = False
        await wait_until(self.db.is_readable)

    async def miss_changes(self) -> None:
        """Its listening connection ends, and another one hears again."""
        self.stop_hearing()
        await self.hear_again()

    def stop_hearing(self) -> None:
        assert end_backends(self._url, "application_name = 'shorty two'")

    async def hear_again(self) -> None:
        with suppress(StorageUnavailableError):  # where the end is noticed by asking
            await self.db.notice_changes()
        await self.db.notice_changes()


@pytest.fixture
async def other(database_url: str, tmp_path: Path) -> AsyncGenerator[PostgresDatabase]:
    """Another node, which changes the links."""
    db = PostgresDatabase(database_url, "one", tmp_path)
    await db.write(insert_links(1, 2))
    yield db
    await db.close()


@pytest.fixture
async def node(
    database_url: str,
    proxy: Proxy,
    other: PostgresDatabase,
    tmp_path: Path,
) -> AsyncGenerator[Reading]:
    node = Reading(database_url, proxy, tmp_path)
    await node.join()
    yield node
    await node.db.close()


async def change(db: PostgresDatabase, column: str, value: str | int, slug: str = "slug1") -> None:
    def work(tx: Transaction) -> None:
        sql = f"update links set {column} = $1 where slug = $2"  # noqa: S608 - a name of our own
        tx.execute(sql, value, slug)
        tx.note_change(LinkChanged(1, slug))

    await db.write(work)


async def test_a_link_that_was_read_is_answered_until_it_can_be_read_again(
    node: Reading, other: PostgresDatabase
) -> None:
    assert await node.find("slug1") == "https://a.example/"
    node.lose_reads()
    await node.miss_changes()
    await change(other, "url", "https://b.example/", "slug2")
    assert [await node.find(slug) for slug in ("slug1", "slug2")] == ["https://a.example/", UNKNOWN]
    await node.miss_changes()
    assert await node.find("slug1") == "https://a.example/"
    await node.get_reads_back()
    await wait_until_read(node)
    node.lose_reads()
    assert await node.find("slug1") == "https://a.example/"


async def wait_until_read(node: Reading) -> None:
    """Until the first link is cached again; just after a fault, reads may still fail at once."""

    async def is_cached() -> bool:
        await node.find("slug1")
        return node.lookup.count_cached()[0] > 0

    await wait_until(is_cached)


async def test_a_change_that_was_missed_is_seen_once_the_link_can_be_read(
    node: Reading, other: PostgresDatabase
) -> None:
    assert await node.find("slug1") == await node.find("slug2") == "https://a.example/"
    node.lose_reads()
    node.stop_hearing()
    await change(other, "url", "https://b.example/")
    await change(other, "deleted_at", 5, "slug2")
    await node.hear_again()
    assert await node.find("slug1") == await node.find("slug2") == "https://a.example/"
    await node.get_reads_back()
    await wait_until_read(node)
    assert [await node.find(slug) for slug in ("slug1", "slug2")] == ["https://b.example/", None]
    # What was read is newer than what was known, for good.
    await node.miss_changes()
    assert [await node.find(slug) for slug in ("slug1", "slug2")] == ["https://b.example/", None]
    node.lose_reads()
    await node.miss_changes()
    assert [await node.find(slug) for slug in ("slug1", "slug2")] == ["https://b.example/", UNKNOWN]


async def test_a_change_that_was_heard_ends_what_was_known(
    node: Reading, other: PostgresDatabase
) -> None:
    assert await node.find("slug1") == await node.find("slug2") == "https://a.example/"
    node.lose_reads()
    await node.miss_changes()
    await change(other, "is_active", 0)
    await node.db.notice_changes()
    assert [await node.find(slug) for slug in ("slug1", "slug2")] == [UNKNOWN, "https://a.example/"]


async def test_what_a_command_may_have_changed_is_not_known_any_more(
    node: Reading, database_url: str, tmp_path: Path
) -> None:
    assert await node.find("slug1") == "https://a.example/"
    node.lose_reads()
    await node.miss_changes()
    command = PostgresDatabase(database_url, "one", tmp_path, writer=name_command())
    await change(command, "is_active", 0)
    await command.close()
    await node.db.notice_changes()
    assert await node.find("slug1") == UNKNOWN


@pytest.mark.parametrize(
    ("column", "value"), [("max_clicks", 5), ("password_hash", "hash"), ("is_active", 0)]
)
async def test_limits_and_passwords_are_not_taken_from_what_was_known(
    node: Reading, other: PostgresDatabase, column: str, value: str | int
) -> None:
    await change(other, "is_password_asked", 1)
    await change(other, column, value)
    await node.db.notice_changes()
    assert await node.find("slug1") == "https://a.example/"
    node.lose_reads()
    await node.miss_changes()
    is_known = column == "is_active"
    assert await node.find("slug1") == ("https://a.example/" if is_known else UNKNOWN)


async def test_other_spellings_of_a_slug_are_known_too(node: Reading) -> None:
    for spelling in ("Slug1", "slug2."):
        assert await node.find(spelling) == "https://a.example/"
    node.lose_reads()
    await node.miss_changes()
    for spelling in ("Slug1", "slug1", "slug2.", "slug2"):
        assert await node.find(spelling) == "https://a.example/"
    for spelling in ("SLUG2", "slug3"):
        assert await node.find(spelling) == UNKNOWN


@pytest.mark.parametrize("stale_s", [0, 0.001])
async def test_what_was_known_is_used_only_for_the_time_that_is_set(
    database_url: str, proxy: Proxy, other: PostgresDatabase, tmp_path: Path, stale_s: float
) -> None:
    assert other.stale_s == STALE_S
    node = Reading(database_url, proxy, tmp_path, stale_s=stale_s)
    await node.join()
    assert await node.find("slug1") == "https://a.example/"
    node.lose_reads()
    await node.miss_changes()
    assert await node.find("slug1") == UNKNOWN
    await node.db.close()


async def test_a_link_is_answered_as_it_was_where_the_database_hangs(
    node: Reading, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookups, "PATIENCE_S", 0.05)
    assert await node.find("slug1") == "https://a.example/"
    await node.miss_changes()
    proxy.hold()
    assert await node.find("slug1") == "https://a.example/"
    proxy.let_go()
    await wait_until_read(node)


async def test_who_cannot_hear_knows_what_it_read_last(
    database_url: str, proxy: Proxy, other: PostgresDatabase, tmp_path: Path
) -> None:
    nowhere = "postgresql://shorty@127.0.0.1:1/none"
    node = Reading(database_url, proxy, tmp_path, listen=nowhere)
    with pytest.raises(StorageUnavailableError):
        await node.join()
    assert await node.find("slug1") == await node.find("slug2") == "https://a.example/"
    await change(other, "url", "https://b.example/")
    await change(other, "deleted_at", 5, "slug2")
    with pytest.raises(StorageUnavailableError):
        await node.db.notice_changes()
    assert [await node.find(slug) for slug in ("slug1", "slug2")] == ["https://b.example/", None]
    assert node.lookup.count_cached() == (0, 0)
    node.lose_reads()
    assert [await node.find(slug) for slug in ("slug1", "slug2")] == ["https://b.example/", UNKNOWN]
    await node.db.close()
