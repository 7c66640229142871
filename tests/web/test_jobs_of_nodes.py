"""Imports and actions on many links where each request of a browser reaches another node."""

import asyncio
import csv
import io
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from shorty import jobs
from shorty.app import App
from shorty.links import bulk_jobs, job_store
from shorty.links.context import Outcome
from shorty.links.listing import list_links
from shorty.links.model import LinkFilter
from shorty.transfer import imports, job_runs
from tests.api.house import House
from tests.reading import reader
from tests.rsgi_client import make_client
from tests.web.browser import Browser, read_text
from tests.web.test_imports import ENDLESS, PLACE, count_links, hold_imports, send_file
from tests.web.test_link_bulk import MANY, Held, make_links
from tests.web.test_link_list import PLACE as LINKS

pytestmark = pytest.mark.postgres_only

PATIENCE_S = 20.0
ROWS = 12
LONG_TABLE = "url,slug\n" + "".join(f"https://example.com/{n},s{n}\n" for n in range(ROWS))


async def start_second(house: House, folder: Path) -> House:
    """Another node of the same database."""
    config, clock = house.app.config, house.clock
    storage = replace(config.storage, folder=str(folder), node="second")
    app = App(
        replace(config, storage=storage), lambda: clock[0] * 1_000_000, lambda: clock[0] / 1000
    )
    await app.start()
    return House(app=app, home=house.home, clock=clock)


@pytest.fixture
async def second(house: House, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[House]:
    second = await start_second(house, tmp_path_factory.mktemp("second"))
    yield second
    await second.close()
    await second.app.stop()


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "AT_ONCE", 5)
    monkeypatch.setattr(job_runs, "ASK_AGAIN_S", 0.01)
    monkeypatch.setattr(job_runs, "KEEP_S", 0.0)
    monkeypatch.setattr(bulk_jobs, "KEEP_S", 0.0)
    monkeypatch.setattr(jobs, "TAKE_UP_S", 1000.0)  # but for the start of a node, tests say when


def go_to(node: House, browser: Browser) -> Browser:
    """The same browser, whose requests reach that node from now on."""
    client = make_client(node.app)
    client.cookies.update(browser.client.cookies)
    other = Browser(client)
    other.token = browser.token
    return other


@pytest.fixture
def there(second: House, owner: Browser) -> Browser:
    return go_to(second, owner)


async def wait_until(is_true: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not await is_true():  # noqa: ASYNC110 - another node, which tells nobody
            await asyncio.sleep(0.01)


async def wait_for_words(browser: Browser, place: str, words: str) -> str:
    text = ""

    async def has_come() -> bool:
        nonlocal text
        text = read_text((await browser.open(place)).text)
        return words in text

    await wait_until(has_come)
    return text


async def kill(node: House) -> None:
    """Ends what the node runs, which says nothing to the database any more."""
    tasks = [run.task for run in node.app.services.transfers.runs.values()]
    for task in filter(None, tasks):
        task.cancel()
    await asyncio.gather(*filter(None, tasks), return_exceptions=True)
    node.app.services.transfers.runs.clear()


async def outlive_lease(node: House) -> None:
    node.clock[0] += job_store.LEASE_MS + 1
    await node.app.jobs.take_up_jobs()


def list_files(node: House) -> list[Path]:
    return sorted(node.app.db.place("transfers").glob("*"))


def count_pieces(node: House) -> int:
    """Of uploads."""
    row = reader(node.app.db).find_one("select count(*) as n from job_pieces where run = 0")
    assert row is not None
    return row["n"]


async def has_pieces(node: House) -> bool:
    return count_pieces(node) > 0


def hold_after_half(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Imports, but not previews, wait before they store their second batch."""
    may_go_on = asyncio.Event()
    real = imports.Import._insert  # pyright: ignore[reportPrivateUsage]

    async def insert(self: Any, prepared: Sequence[Any]) -> Any:
        if self._progress.created and not self._run.is_dry_run:
            await self._progress.unless_cancelled(may_go_on.wait())
            self._run.require_wanted()
        return await real(self, prepared)

    monkeypatch.setattr(imports.Import, "_insert", insert)
    return may_go_on


async def test_each_step_of_an_import_may_reach_another_node(
    house: House, second: House, owner: Browser, there: Browser
) -> None:
    place = (await send_file(owner)).headers["location"]
    tried = await wait_for_words(there, place, "Nothing has been imported yet")
    assert "Links 2 would be imported" in tried
    assert "line 4" in tried
    assert (await there.send(f"{place}/columns", encoding="cp1252")).status_code == 303
    await wait_for_words(owner, place, "Nothing has been imported yet")
    assert (await there.send(f"{place}/begin")).status_code == 303
    assert "Links 2 imported" in await wait_for_words(owner, place, "Import finished.")
    assert await count_links(house) == 2
    for browser in (owner, there):
        report = (await browser.open(f"{place}/report")).text
        rows = list(csv.reader(io.StringIO(report)))
        assert [row[:3] for row in rows] == [
            ["result", "place", "link"],
            ["failed", "line 4", "c"],
        ]
    assert count_pieces(house) == 0
    assert list_files(house) == list_files(second) == []
    assert "links.csv discarded" in read_text(await there.follow(await there.send(f"{place}/drop")))
    assert (await owner.open(place)).status_code == 404


async def test_progress_is_seen_and_an_import_is_cancelled_from_another_node(
    house: House, owner: Browser, there: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold_after_half(monkeypatch)
    place = (await send_file(owner, LONG_TABLE)).headers["location"]
    await wait_for_words(there, place, "Nothing has been imported yet")
    await there.send(f"{place}/begin")
    assert "Importing" in await wait_for_words(owner, place, "Links 5 imported")
    assert "Running" in read_text((await owner.open(PLACE)).text)
    assert (await owner.send(f"{place}/drop")).status_code == 409
    assert (await owner.send(f"{place}/cancel")).status_code == 303
    await wait_for_words(owner, place, "Cancelled.")
    assert "Links 5 imported" in await wait_for_words(there, place, "Cancelled.")
    assert await count_links(house) == 5
    assert count_pieces(house) == 0


async def test_what_is_being_read_is_cancelled_from_another_node(
    owner: Browser, there: Browser
) -> None:
    place = (await send_file(owner, ENDLESS, source="yourls")).headers["location"]
    await there.send(f"{place}/cancel")
    await wait_for_words(there, place, "Cancelled.")


async def test_a_large_upload_comes_whole_to_another_node(
    second: House, owner: Browser, there: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of several pieces."""
    monkeypatch.setattr(imports, "AT_ONCE", 500)
    rows = "".join(f"https://example.com/{'x' * 2000}/{n},s{n}\n" for n in range(400))
    place = (await send_file(owner, f"url,slug\n{rows}")).headers["location"]
    await wait_for_words(there, place, "Nothing has been imported yet")
    assert count_pieces(second) == 4
    await there.send(f"{place}/begin")
    assert "Links 400 imported" in await wait_for_words(there, place, "Import finished.")


async def test_another_node_goes_on_with_the_import_of_one_that_died(
    house: House,
    second: House,
    owner: Browser,
    there: Browser,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    may_go_on = hold_after_half(monkeypatch)
    place = (await send_file(owner, LONG_TABLE)).headers["location"]
    await wait_for_words(owner, place, "Nothing has been imported yet")
    await owner.send(f"{place}/begin")
    await wait_for_words(there, place, "Links 5 imported")
    await kill(house)
    await second.app.services.transfers.take_up()
    assert second.app.services.transfers.runs == {}  # its lease has not run out
    assert "Importing" in read_text((await there.open(place)).text)
    may_go_on.set()
    await outlive_lease(second)
    text = await wait_for_words(owner, place, "Import finished.")
    assert "Links 7 imported Already imported 5" in text
    assert "the import was started again from the beginning" in text
    assert await count_links(house) == ROWS
    assert count_pieces(house) == 0


async def test_a_node_that_was_frozen_finds_its_import_taken(
    house: House,
    second: House,
    owner: Browser,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    may_go_on = hold_after_half(monkeypatch)
    place = (await send_file(owner, LONG_TABLE)).headers["location"]
    await wait_for_words(owner, place, "Nothing has been imported yet")
    await owner.send(f"{place}/begin")
    (run,) = house.app.services.transfers.runs.values()
    monkeypatch.setattr(run, "kept_at", float("inf"))  # it says nothing more
    may_go_on.clear()
    await outlive_lease(second)
    assert run.task is not None
    async with asyncio.timeout(PATIENCE_S):
        await run.task
    assert run.is_lost
    assert house.app.services.transfers.runs == {}
    assert list_files(house) == []
    may_go_on.set()
    await wait_for_words(owner, place, "Import finished.")
    assert await count_links(house) == ROWS


async def test_a_node_that_stops_gives_its_import_to_the_next_one(
    house: House,
    owner: Browser,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    may_go_on = hold_after_half(monkeypatch)
    place = (await send_file(owner, LONG_TABLE)).headers["location"]
    await wait_for_words(owner, place, "Nothing has been imported yet")
    await owner.send(f"{place}/begin")
    await house.app.services.transfers.stop()
    assert list_files(house) == []
    may_go_on.set()
    second = await start_second(house, tmp_path_factory.mktemp("second"))
    await wait_for_words(go_to(second, owner), place, "Import finished.")
    assert await count_links(house) == ROWS
    await second.close()
    await second.app.stop()


async def test_an_import_that_ends_its_nodes_is_given_up(
    house: House, second: House, owner: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold_imports(monkeypatch, asyncio.Event())
    place = (await send_file(owner)).headers["location"]
    await wait_until(lambda: has_pieces(house))
    await kill(house)
    for _ in range(job_store.MOST_RESTARTS):
        await outlive_lease(second)
        await kill(second)
        assert "Reading the file" in read_text((await owner.open(place)).text)
    await outlive_lease(second)
    assert "again and again" in await wait_for_words(owner, place, "This import was stopped")
    assert count_pieces(house) == 0


async def test_an_import_that_was_cancelled_is_not_taken_up(
    house: House, second: House, owner: Browser, there: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold_imports(monkeypatch, asyncio.Event())
    place = (await send_file(owner)).headers["location"]
    await wait_until(lambda: has_pieces(house))
    await kill(house)
    await there.send(f"{place}/cancel")
    await outlive_lease(second)
    await wait_for_words(there, place, "Cancelled.")
    assert await count_links(house) == 0


async def test_one_import_of_a_workspace_runs_on_all_nodes_together(
    house: House, owner: Browser, there: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_go_on = asyncio.Event()
    hold_imports(monkeypatch, may_go_on)
    answers = await asyncio.gather(send_file(owner, name="a.csv"), send_file(there, name="b.csv"))
    assert sorted(answer.status_code for answer in answers) == [303, 409]
    place = next(answer.headers["location"] for answer in answers if answer.status_code == 303)
    refused = await send_file(there, name="c.csv")
    assert "Another import is running" in read_text(refused.text)
    may_go_on.set()
    await wait_for_words(owner, place, "Nothing has been imported yet")
    may_go_on.clear()
    answers = await asyncio.gather(owner.send(f"{place}/begin"), there.send(f"{place}/begin"))
    assert sorted(answer.status_code for answer in answers) == [303, 409]
    may_go_on.set()
    await wait_for_words(owner, place, "Import finished.")
    assert await count_links(house) == 2
    # An unused preview gives way to that of another node.
    first = (await send_file(owner, name="d.csv")).headers["location"]
    await wait_for_words(there, first, "Nothing has been imported yet")
    await wait_for_words(there, (await send_file(there)).headers["location"], "2")
    assert (await owner.open(first)).status_code == 404


async def test_another_workspace_reaches_an_import_by_no_node(
    second: House, owner: Browser, there: Browser, stranger: Browser
) -> None:
    place = (await send_file(owner)).headers["location"]
    await wait_for_words(owner, place, "Nothing has been imported yet")
    eve = go_to(second, stranger)
    await eve.open(PLACE)
    for browser in (stranger, eve):
        assert "links.csv" not in (await browser.open(PLACE)).text
        for way in ("", "/report"):
            assert (await browser.open(place + way)).status_code == 404
        for action in ("begin", "cancel", "columns", "drop"):
            assert (await browser.send(f"{place}/{action}")).status_code == 404
    # Their own neither waits for it nor takes its place.
    own = (await send_file(eve, name="eve.csv")).headers["location"]
    await wait_for_words(stranger, own, "Nothing has been imported yet")
    assert (await owner.open(own)).status_code == 404
    assert "Links 2 would be imported" in read_text((await there.open(place)).text)
    await there.send(f"{place}/begin")
    await wait_for_words(owner, place, "Import finished.")
    assert "Nothing has been imported yet" in read_text((await eve.open(own)).text)


async def test_files_that_the_databases_crash_has_taken_are_asked_for_again(
    house: House, owner: Browser, there: Browser
) -> None:
    place = (await send_file(owner)).headers["location"]
    await wait_for_words(owner, place, "Nothing has been imported yet")
    await house.app.db.write(lambda tx: tx.execute("delete from job_pieces"))
    assert (await there.open(f"{place}/report")).status_code == 409
    await there.send(f"{place}/begin")
    await wait_for_words(owner, place, "The uploaded file no longer exists.")
    assert await count_links(house) == 0


async def test_old_imports_are_deleted_with_their_files(
    house: House, second: House, owner: Browser, stranger: Browser
) -> None:
    transfers = second.app.services.transfers
    over = (await send_file(owner)).headers["location"]
    await wait_for_words(owner, over, "Nothing has been imported yet")
    await owner.send(f"{over}/begin")
    await wait_for_words(owner, over, "Import finished.")
    tried = (await send_file(owner)).headers["location"]
    await wait_for_words(owner, tried, "Nothing has been imported yet")
    house.clock[0] += 1
    newer = (await send_file(stranger)).headers["location"]
    await wait_for_words(stranger, newer, "Nothing has been imported yet")
    assert await transfers.delete_old(house.now - 1 + job_store.PREVIEW_MS) == 0
    assert await transfers.delete_old(house.now + job_store.PREVIEW_MS) == 1
    assert (await owner.open(tried)).status_code == 404
    assert (await stranger.open(newer)).status_code == 200
    assert (await owner.open(f"{over}/report")).status_code == 200
    assert count_pieces(house) == 1
    assert await transfers.delete_old(house.now + job_store.ENDED_MS) == 2
    assert reader(house.app.db).find_all("select 1 from job_pieces") == []


async def test_an_action_is_seen_cancelled_and_undone_from_another_node(
    house: House, owner: Browser, there: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_jobs, "AT_ONCE", 2)
    await make_links(house, 5)
    held = Held(monkeypatch)
    actor = await house.make_actor()
    job = await house.app.services.bulk_jobs.start(actor, "off", [1, 2, 3, 4, 5])
    await held.started.wait()
    page = f"{LINKS}/jobs/{job.id}"
    assert "Disabling 5 links" in read_text((await there.open(page)).text)
    refused = await there.follow(await there.send(MANY, all_found="5", action="delete", sure="1"))
    assert "Another action on many links is running." in read_text(refused)
    assert (await there.send(f"{page}/cancel", back=LINKS)).status_code == 303
    held.go.set()
    text = await wait_for_words(there, page, "Cancelled after 2 of 5 links.")
    assert "2 links failed" in text

    answer = await owner.send(MANY, all_found="5", action="delete", sure="1")
    assert "5 links deleted." in read_text(await owner.follow(answer))
    (row,) = reader(house.app.db).find_all(
        "select job_id from background_jobs where id = (select max(id) from background_jobs)"
    )
    undone = await there.send(f"{LINKS}/jobs/{row['job_id']}/undo", back=LINKS)
    assert "5 links restored." in read_text(await there.follow(undone))


async def test_another_workspace_reaches_an_action_by_no_node(
    house: House, second: House, stranger: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_jobs, "AT_ONCE", 1)
    await make_links(house, 2)
    actor = await house.make_actor()
    job = await house.app.services.bulk_jobs.start(actor, "delete", [1, 2])
    assert job.task is not None
    await job.task
    eve = go_to(second, stranger)
    await eve.open(PLACE)
    page = f"{LINKS}/jobs/{job.id}"
    assert (await eve.open(page)).status_code == 404
    for action in ("cancel", "undo"):
        assert (await eve.send(f"{page}/{action}", back=LINKS)).status_code == 404
    assert await count_links(house) == 0


async def test_another_node_goes_on_with_the_action_of_one_that_died(
    house: House, second: House, there: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It died after a transaction of which it said nothing yet."""
    monkeypatch.setattr(bulk_jobs, "AT_ONCE", 2)
    links = await make_links(house, 5)
    ids = [link.id for link in links]
    kept = await house.make_link(slug="kept")
    done = asyncio.Event()
    real = bulk_jobs.build_apply

    def build(*args: Any) -> Any:
        apply = real(*args)

        async def apply_and_die(link_ids: Sequence[int]) -> Sequence[Outcome]:
            await apply(link_ids)
            done.set()
            await asyncio.Event().wait()
            raise AssertionError

        return apply_and_die

    monkeypatch.setattr(bulk_jobs, "build_apply", build)
    job = await house.app.services.bulk_jobs.start(await house.make_actor(), "delete", ids)
    await done.wait()
    assert job.task is not None
    job.task.cancel()
    await asyncio.gather(job.task, return_exceptions=True)
    house.app.services.bulk_jobs.jobs.clear()
    monkeypatch.setattr(bulk_jobs, "build_apply", real)
    await outlive_lease(second)
    text = await wait_for_words(there, f"{LINKS}/jobs/{job.id}", "5 links deleted")
    assert "failed" not in text
    left = await list_links(house.app.services.links, await house.make_actor(), LinkFilter())
    assert [link.id for link in left.links] == [kept.id]


async def test_a_node_that_stops_gives_its_action_back(
    house: House, second: House, there: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_jobs, "AT_ONCE", 2)
    await make_links(house, 5)
    held = Held(monkeypatch)
    job = await house.app.services.bulk_jobs.start(await house.make_actor(), "off", [1, 2, 3, 4, 5])
    await held.started.wait()
    stopping = asyncio.create_task(house.app.services.bulk_jobs.stop())
    held.go.set()
    await stopping
    text = read_text((await there.open(f"{LINKS}/jobs/{job.id}")).text)
    assert "2 of 5 links" in text
    await second.app.services.bulk_jobs.take_up()
    await wait_for_words(there, f"{LINKS}/jobs/{job.id}", "5 links failed")
