"""Tests what becomes of writes and reads when the server or the way to it fails.

Each write adds a row of its own: whatever happens, what was answered is there, and nothing twice.
"""

# pyright: reportPrivateUsage=false

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from itertools import count
from pathlib import Path
from time import monotonic
from typing import Any, Final

import psycopg
import pytest

from shorty.errors import StorageUnavailableError
from shorty.postgres.database import PostgresDatabase
from shorty.postgres.pipeline import Answer
from shorty.postgres.session import Session
from shorty.postgres.writer import GROUP
from shorty.storage.database import Lane, Reader, Row, Transaction
from tests.cluster import Cluster, StopMode
from tests.postgres.proxy import Proxy
from tests.postgres.support import (
    ADD,
    LIST,
    PATIENCE_S,
    add,
    ask_aside,
    end_backends,
    list_names,
    send,
    wait_until,
    write_as_one_group,
)

pytestmark = pytest.mark.postgres_only
CALLERS: Final = 16
LIST_TRANSACTIONS: Final = """
select pid from pg_stat_activity
where datname = current_database() and pid <> pg_backend_pid() and state like 'idle in transaction%'
"""
WAIT_FOR_LOCK: Final = "select pg_advisory_xact_lock(7), 1 as one"
IS_WRITER: Final = "pid = any(select pid from pg_locks where locktype = 'advisory')"


# Of this database: other tests hold locks in theirs all the time.
FIND_LOCKS: Final = """
select 1 from pg_locks where locktype = 'advisory'
  and database = (select oid from pg_database where datname = current_database())
"""


def is_lock_awaited(url: str) -> bool:
    return bool(ask_aside(url, f"{FIND_LOCKS} and objid = 7 and not granted"))


class Load:
    """Callers who write one row after another, and what they were answered."""

    def __init__(self, db: PostgresDatabase) -> None:
        self.answered: list[str] = []
        self.failed: list[str] = []
        self._db = db
        self._numbers = count()
        self._is_over = False
        self._wanted = 0
        self._is_enough = asyncio.Event()
        self._tasks = [asyncio.create_task(self._write(place % 2 == 0)) for place in range(CALLERS)]

    async def _write(self, is_sent: bool) -> None:
        while not self._is_over:
            name = f"{next(self._numbers):06}"
            try:
                await self._db.write((send if is_sent else add)(name))
            except StorageUnavailableError:
                self.failed.append(name)
            else:
                self.answered.append(name)
                if len(self.answered) >= self._wanted:
                    self._is_enough.set()

    async def wait_for_more(self, more: int = 200) -> None:
        """Until so many more writes were answered."""
        self._wanted = len(self.answered) + more
        self._is_enough.clear()
        async with asyncio.timeout(PATIENCE_S):
            await self._is_enough.wait()

    async def end(self) -> None:
        self._is_over = True
        await asyncio.gather(*self._tasks)

    def require_exactness(self, url: str) -> None:
        """No two rows have one name, which is unique, so a write run twice would have failed."""
        found = [row[0] for row in ask_aside(url, LIST)]
        assert set(self.answered) <= set(found)
        assert set(found) <= {*self.answered, *self.failed}


@asynccontextmanager
async def open_loaded(url: str, folder: Path, way: str = "") -> AsyncGenerator[Load]:
    db = PostgresDatabase(f"{url}{way}", "here", folder)
    load = Load(db)
    await load.wait_for_more()
    yield load
    await load.wait_for_more()
    await load.end()
    await db.close()
    load.require_exactness(url)


@pytest.mark.parametrize("mode", ["fast", "immediate"])
async def test_a_server_that_restarts_under_load_loses_and_doubles_nothing(
    own_cluster: tuple[Cluster, str], tmp_path: Path, mode: StopMode
) -> None:
    cluster, url = own_cluster
    async with open_loaded(url, tmp_path) as load:
        for _ in range(4):
            await asyncio.to_thread(cluster.stop, mode)
            await asyncio.to_thread(cluster.start)
            await load.wait_for_more()
    assert load.failed == []


async def test_sessions_that_end_under_load_lose_and_double_nothing(
    url: str, tmp_path: Path
) -> None:
    async with open_loaded(url, tmp_path) as load:
        ended = 0
        for _ in range(40):
            ended += await asyncio.to_thread(end_backends, url, IS_WRITER)
            await load.wait_for_more(20)
    assert ended > 5
    assert load.failed == []


async def test_a_network_that_fails_under_load_loses_and_doubles_nothing(
    url: str, proxy: Proxy, tmp_path: Path
) -> None:
    async with open_loaded(url, tmp_path, proxy.way) as load:
        for _ in range(20):
            proxy.cut()
            await load.wait_for_more(50)
    assert load.failed == []


class LostCommits:
    """Sees to it that the end of the writer's next commits is not seen.

    The server has committed when the way to it is cut; or it ends the session before the commit.
    """

    def __init__(self, db: PostgresDatabase, url: str, proxy: Proxy) -> None:
        session = db._writers["here/main"]._session
        assert session
        self.pipeline = session.pipeline
        self.send = session.pipeline.send
        self.url = url
        self.proxy = proxy
        self.loop = asyncio.get_running_loop()

    def send_into_nothing(self, sql: str, *arguments: Any, **named: Any) -> Answer:
        if sql == "commit":
            end_backends(self.url, IS_WRITER)
        return self.send(sql, *arguments, **named)

    def send_and_go_away(self, sql: str, *arguments: Any, **named: Any) -> Answer:
        self.proxy.is_closed |= sql == "commit"
        return self.send_and_cut(sql, *arguments, **named)

    def send_and_cut(self, sql: str, *arguments: Any, **named: Any) -> Answer:
        if sql != "commit":
            return self.send(sql, *arguments, **named)
        self.proxy.holds_back = True
        answer = self.send(sql)
        self.pipeline.send_sync()
        while ask_aside(self.url, FIND_LOCKS):
            continue  # each question is a round trip
        self.loop.call_soon_threadsafe(self.proxy.cut)
        return answer


@pytest.fixture
async def proxied(url: str, proxy: Proxy, tmp_path: Path) -> AsyncGenerator[PostgresDatabase]:
    """A database behind the proxy, on which one write was made."""
    db = PostgresDatabase(f"{url}{proxy.way}", "here", tmp_path, patience_s=0.5)
    await db.write(add("first"))
    yield db
    await db.close()


@pytest.mark.parametrize("is_committed", [True, False])
async def test_a_commit_whose_end_nobody_saw_is_settled(
    proxied: PostgresDatabase,
    url: str,
    proxy: Proxy,
    monkeypatch: pytest.MonkeyPatch,
    is_committed: bool,
) -> None:
    ran: list[str] = []

    def work(tx: Transaction) -> str:
        ran.append("work")
        tx.execute(ADD, f"{len(ran)}")
        tx.after_commit(lambda: ran.append("after"))
        return f"{len(ran)}"

    lost = LostCommits(proxied, url, proxy)
    send = lost.send_and_cut if is_committed else lost.send_into_nothing
    monkeypatch.setattr(lost.pipeline, "send", send)
    answer = await proxied.write(work)
    assert ran == (["work", "after"] if is_committed else ["work", "work", "after"])
    assert answer == ("1" if is_committed else "2")
    assert await list_names(proxied) == [answer, "first"]


async def test_a_commit_that_is_settled_too_late_is_followed_up_all_the_same(
    proxied: PostgresDatabase, url: str, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its caller was told that the database is not available; what is cached must change."""
    followed = asyncio.Event()

    def work(tx: Transaction) -> None:
        tx.execute(ADD, "second")
        tx.after_commit(followed.set)

    lost = LostCommits(proxied, url, proxy)
    monkeypatch.setattr(lost.pipeline, "send", lost.send_and_go_away)
    with pytest.raises(StorageUnavailableError):
        await proxied.write(work)
    assert not followed.is_set()
    proxy.is_closed = False
    async with asyncio.timeout(PATIENCE_S):
        await followed.wait()
    assert await proxied.write(add("third")) == "third"
    assert await list_names(proxied) == ["first", "second", "third"]


@pytest.mark.parametrize("moment", ["begin", "work", "end"])
async def test_a_session_that_ends_within_a_group_is_replaced(
    db: PostgresDatabase, url: str, moment: str
) -> None:
    def end(tx: Transaction) -> str:
        runs.append("end")
        if moment == "work":
            tx.execute(ADD, "lost")
        if len(runs) == 1:
            assert end_backends(url, "query not like 'listen%'") == 1
        if moment != "end":
            tx.execute(ADD, "kept")
        return "ended"

    runs: list[str] = []
    await db.write(add("first"))
    if moment == "begin":
        assert end_backends(url) == 1
    answers = await write_as_one_group(db, add("before"), end, add("behind"), fail)
    assert answers == ["before", "ended", "behind", LookupError]
    names = {"end": [], "begin": ["kept"], "work": ["kept", "lost"]}[moment]
    assert await list_names(db) == sorted(["before", "behind", "first", *names])


def fail(tx: Transaction) -> None:
    tx.execute(ADD, "failed")
    raise LookupError


async def test_a_write_that_ends_its_session_fails_alone(url: str, tmp_path: Path) -> None:
    def end(tx: Transaction) -> None:
        tx.execute("select pg_terminate_backend(pg_backend_pid())")

    db = PostgresDatabase(url, "here", tmp_path, patience_s=0.5)
    answers = await write_as_one_group(db, add("before"), end, add("behind"))
    assert answers == ["before", StorageUnavailableError, "behind"]
    assert await list_names(db) == ["before", "behind"]
    await db.close()


async def test_a_transaction_that_stands_still_is_ended_by_the_server(
    url: str, tmp_path: Path
) -> None:
    """Then its lane is another node's, whose write waited for it."""
    is_in_lane = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stand_still(tx: Transaction) -> None:
        tx.execute("set local idle_in_transaction_session_timeout = '20ms'")
        loop.call_soon_threadsafe(is_in_lane.set)
        wait_for_end(url)
        tx.execute(ADD, "late")

    db = PostgresDatabase(url, "here", tmp_path, patience_s=0.2)
    other = PostgresDatabase(url, "there", tmp_path)
    standing = asyncio.create_task(db.write(stand_still))
    await is_in_lane.wait()
    assert await other.write(add("other")) == "other"
    with pytest.raises(StorageUnavailableError):
        await standing
    assert await db.write(add("next")) == "next"
    assert await list_names(db) == ["next", "other"]
    await db.close()
    await other.close()


async def test_no_write_keeps_its_lane_for_long(url: str, tmp_path: Path) -> None:
    db = PostgresDatabase(url, "here", tmp_path)
    for lane in Lane:
        assert await db.write(list_timeouts, lane) == ["1min", "20s", "5s"]
    await db.close()


def list_timeouts(tx: Transaction) -> list[str]:
    names = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
    sql = f"select {', '.join(f'current_setting({name!r})' for name in names)}"
    (row,) = tx.find_all(sql)
    return [*row]


def wait_for_end(url: str) -> None:
    """Until no session is in a transaction."""
    while ask_aside(url, LIST_TRANSACTIONS):
        continue  # each question is a round trip


async def test_writes_wait_for_a_server_as_long_as_they_are_patient(
    own_cluster: tuple[Cluster, str], tmp_path: Path
) -> None:
    cluster, url = own_cluster
    db = PostgresDatabase(url, "here", tmp_path, patience_s=0.3)
    await db.write(add("first"))
    cluster.stop("fast")
    begun = monotonic()
    tasks = [asyncio.create_task(db.write(add(f"{number:03}"))) for number in range(3 * GROUP)]
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert {type(each) for each in answers} == {StorageUnavailableError}
    assert 0.2 < monotonic() - begun < 3
    with pytest.raises(StorageUnavailableError):
        await db.write(add("still away"))
    cluster.start()
    assert await db.write(add("second")) == "second"
    assert await list_names(db) == ["first", "second"]
    await db.close()


async def test_reads_fail_at_once_while_the_server_is_away(
    own_cluster: tuple[Cluster, str], tmp_path: Path
) -> None:
    def find(reader: Reader) -> object:
        return reader.find_one("select 1 as one")

    async def read_all() -> list[object]:
        async with db.open_snapshot() as snapshot:
            return list(await snapshot.find_all("select 1 as one"))

    cluster, url = own_cluster
    db = PostgresDatabase(url, "here", tmp_path)
    ways = [
        lambda: db.find_all("select 1 as one"),
        lambda: db.look_up("select 1 as one"),
        lambda: db.read(find),
        lambda: db.run_alone("select 1 as one"),
        read_all,
    ]
    for _ in range(2):
        for way in ways:
            await way()
        assert await db.is_readable()
        cluster.stop("fast")
        begun = monotonic()
        for way in ways:
            with pytest.raises(StorageUnavailableError):
                await way()
        assert not await db.is_readable()
        assert monotonic() - begun < 2
        cluster.start()
        await wait_until(db.is_readable)
    await db.close()


async def test_reads_go_on_over_a_restart_that_happened_between_them(
    own_cluster: tuple[Cluster, str], tmp_path: Path
) -> None:
    cluster, url = own_cluster
    db = PostgresDatabase(url, "here", tmp_path)
    for mode in ("fast", "immediate"):
        found = await asyncio.gather(
            *[db.find_one("select 1 as one") for _ in range(20)],
            *[db.look_up("select 1 as one") for _ in range(20)],
            *[db.read(lambda reader: reader.find_one("select 1 as one")) for _ in range(20)],
        )
        assert [tuple(row or ()) for row in found] == [(1,)] * 60
        cluster.stop(mode)
        cluster.start()
    await db.close()


@pytest.mark.parametrize("way", ["find", "look up", "read"])
async def test_a_read_whose_connection_is_lost_meanwhile_is_asked_again(
    proxied: PostgresDatabase, url: str, proxy: Proxy, way: str
) -> None:
    ways: dict[str, Callable[[], Awaitable[Row | None]]] = {
        "find": lambda: proxied.find_one(WAIT_FOR_LOCK),
        "look up": lambda: proxied.look_up(WAIT_FOR_LOCK),
        "read": lambda: proxied.read(lambda reader: reader.find_one(WAIT_FOR_LOCK)),
    }

    async def is_waiting() -> bool:
        return is_lock_awaited(url)

    with closing(psycopg.connect(url, autocommit=True)) as holder:
        holder.execute("select pg_advisory_lock(7)")
        reading = asyncio.ensure_future(ways[way]())
        await wait_until(is_waiting)
        proxy.cut()
    found = await reading
    assert found is not None
    assert found["one"] == 1


@pytest.mark.parametrize("is_committed", [True, False])
async def test_a_fault_of_the_writer_itself_fails_its_group_alone(
    db: PostgresDatabase, monkeypatch: pytest.MonkeyPatch, is_committed: bool
) -> None:
    def commit(session: Session, numbered: Answer) -> None:
        if is_committed:
            real_commit(session, numbered)
            session.is_commit_sent = True
        raise RuntimeError("a mistake")

    real_commit = Session._commit
    await db.write(add("first"))
    with monkeypatch.context() as patch:
        patch.setattr(Session, "_commit", commit)
        for name in ("second", "third"):
            with pytest.raises(RuntimeError):
                await db.write(add(name))
    assert await db.write(add("last")) == "last"
    kept = ["second", "third"] if is_committed else []
    assert await list_names(db) == sorted(["first", "last", *kept])


async def test_a_role_without_rights_is_a_database_that_is_not_available(
    db: PostgresDatabase, url: str
) -> None:
    await db.write(add("first"))
    ask_aside(url, "revoke insert on things from current_user")
    with pytest.raises(StorageUnavailableError):
        await db.write(add("second"))
    assert await list_names(db) == ["first"]
