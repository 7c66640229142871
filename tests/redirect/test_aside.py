"""Visits answered outside the event loop, in several threads at once."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from threading import Event, RLock, Thread

import httpx
import pytest

from shorty.clicks.journal import Journal, Position
from shorty.clicks.recorder import Recorder
from shorty.storage.database import Database
from tests.clicks.making import (
    NEVER,
    count_clicks,
    find_folder,
    insert_links,
    make_person,
    run_recorder,
    wait_until,
)
from tests.redirect.house import House
from tests.rsgi_client import Exchange, Scope

THREADS = 3
PATIENCE_S = 5
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


on_sqlite = pytest.mark.sqlite_only(
    "threads answer what they had to read as well: elsewhere a change leaves the link to the loop"
)


class Visitors:
    """Threads that visit a link until they are stopped, or it is no longer answered at once."""

    def __init__(self, house: House, path: str) -> None:
        self._house = house
        self._request = httpx.Request(
            "GET", f"http://localhost:8000{path}", headers={"user-agent": BROWSER}
        )
        self._must_stop = Event()
        self._counts = [0] * THREADS
        self._threads = [Thread(target=self._visit, args=(number,)) for number in range(THREADS)]

    @property
    def count(self) -> int:
        return sum(self._counts)

    @contextmanager
    def visit(self) -> Generator[None]:
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            self._must_stop.set()
            for thread in self._threads:
                thread.join()

    def visit_once(self) -> bool:
        exchange = Exchange(b"")
        is_answered = self._house.app.answer_now(Scope(self._request, "192.0.2.7:4711"), exchange)
        assert exchange.status == (302 if is_answered else 0)
        return is_answered

    def _visit(self, number: int) -> None:
        while not self._must_stop.is_set() and self.visit_once():
            self._counts[number] += 1


class WatchedLock:
    """Signals when another thread waits for it."""

    def __init__(self) -> None:
        self._lock = RLock()
        self.is_wanted = Event()

    def __enter__(self) -> None:
        self.is_wanted.set()
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


@on_sqlite
async def test_every_visit_is_stored_once(house: House) -> None:
    link = await house.make_link()
    visitors = Visitors(house, "/sale")
    with visitors.visit():
        await wait_until(lambda: visitors.count > 5000)
    assert (await house.read_link(link)).click_count == visitors.count


@on_sqlite
async def test_a_limit_that_is_set_meanwhile_knows_of_every_visit_before_it(
    house: House, client: httpx.AsyncClient
) -> None:
    for number in range(20):
        link = await house.make_link(slug=f"sale{number}")
        visitors = Visitors(house, f"/sale{number}")
        with visitors.visit():
            await wait_until(lambda visitors=visitors: visitors.count > 50)
            await house.change_link(link, max_clicks=1_000_000)
            # Its count is read now, while the last of them may still be in progress.
            assert (await client.get(f"/sale{number}")).status_code == 302
        expected = visitors.count + 1
        limited = house.app.limited
        assert await limited.is_used_up(link.id, expected)
        assert not await limited.is_used_up(link.id, expected + 1)
        assert (await house.read_link(link)).click_count == expected


@on_sqlite
async def test_a_link_that_was_changed_leads_nowhere_else_afterwards(house: House) -> None:
    link = await house.make_link()
    visitors = Visitors(house, "/sale")
    with visitors.visit():
        await wait_until(lambda: visitors.count > 50)
        await house.change_link(link, is_active=False)
        assert not visitors.visit_once()
    assert (await house.read_link(link)).click_count == visitors.count


@on_sqlite
async def test_before_the_end_visits_are_left_to_the_loop(
    house: House, client: httpx.AsyncClient
) -> None:
    link = await house.make_link()
    visitors = Visitors(house, "/sale")
    with visitors.visit():
        await wait_until(lambda: visitors.count > 50)
        house.app.end_streams()
        assert not visitors.visit_once()
        assert (await client.get("/sale")).status_code == 302
    assert (await house.read_link(link)).click_count == visitors.count + 1


@on_sqlite
async def test_the_end_waits_for_the_visit_that_is_being_answered(house: House) -> None:
    await house.make_link()
    visitors, front = Visitors(house, "/sale"), house.app.front
    lock = WatchedLock()
    house.app.services.links.lookup.lock = lock  # pyright: ignore[reportAttributeAccessIssue]
    leaving = Thread(target=front.leave_to_loop)
    with lock:
        lock.is_wanted.clear()
        leaving.start()
        assert lock.is_wanted.wait(PATIENCE_S)
        assert leaving.is_alive()
        assert visitors.visit_once()
    leaving.join()
    assert not visitors.visit_once()


async def test_the_journal_holds_what_several_threads_write_into_it(db: Database) -> None:
    await db.write(insert_links(1))

    def record(recorder: Recorder) -> None:
        for number in range(1000):
            assert recorder.record(make_person(visitor=number))

    async with run_recorder(db, rest_s=NEVER) as recorder:
        await asyncio.gather(*(asyncio.to_thread(record, recorder) for _ in range(THREADS)))
        journal = Journal(find_folder(db))
        assert len(list(journal.read_after(Position(0, 0)))) == THREADS * 1000
    assert await count_clicks(db) == THREADS * 1000
