"""The page Import: a file is tried, taken in, and forgotten; whose it is, and what it leaves."""

import asyncio
import csv
import io
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import httpx
import msgspec
import pytest
from structlog.testing import capture_logs

from shorty.accounts.members import change_role, remove_member
from shorty.accounts.model import Actor
from shorty.accounts.service import set_password
from shorty.accounts.sessions import end_session, find_signed_in
from shorty.errors import StorageUnavailableError
from shorty.links import job_store
from shorty.links.listing import list_links
from shorty.links.model import LinkFilter
from shorty.links.utm_templates import (
    NewUtmTemplate,
    create_template,
    delete_template,
    list_templates,
)
from shorty.storage.database import Transaction
from shorty.transfer import job_files, job_runs
from shorty.transfer.job_runs import ImportJob
from shorty.transfer.jobs import ImportJobs
from shorty.web.cookies import SESSION
from tests.api.house import House
from tests.reading import reader
from tests.web.browser import Browser, read_text

PLACE = "/app/import"
TABLE = "url,slug,clicks\nhttps://example.com/a,a,5\nhttps://example.com/b,b,\nnonsense,c,\n"


async def send_file(
    browser: Browser, content: str | bytes = TABLE, name: str = "links.csv", **fields: str
) -> httpx.Response:
    data = {"form_token": browser.token, "source": "csv", "on_conflict": "skip", **fields}
    return await browser.client.post(PLACE, data=data, files={"file": (name, content)})


async def wait_for_job(house: House) -> ImportJob:
    """The newest, once what it does is done."""
    transfers, actor = house.app.services.transfers, await house.make_actor()
    job = (await transfers.list_jobs(actor))[0]
    if (run := transfers.runs.get(job.id)) is not None:
        assert run.task is not None
        await run.task
    return await transfers.get_job(actor, job.id)


async def count_links(house: House) -> int:
    found = await list_links(house.app.services.links, await house.make_actor(), LinkFilter())
    return found.total


def list_uploads(house: House) -> list[Path]:
    return sorted(house.app.db.place("transfers").glob("*"))


def hold_imports(monkeypatch: pytest.MonkeyPatch, may_go_on: asyncio.Event) -> None:
    """Imports and previews wait before they read anything."""
    real = job_runs.import_file

    async def wait_first(*args: object) -> None:
        await may_go_on.wait()
        await real(*args)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(job_runs, "import_file", wait_first)


async def test_a_file_is_tried_and_then_taken_in(house: House, owner: Browser) -> None:
    answer = await send_file(owner)
    assert answer.status_code == 303
    place = answer.headers["location"]
    await wait_for_job(house)
    tried = read_text((await owner.open(place)).text)
    assert "Nothing has been imported yet" in tried
    assert "Links 2 would be imported" in tried
    assert "line 4" in tried
    assert await count_links(house) == 0
    assert [path.stat().st_mode & 0o777 for path in list_uploads(house)] == [0o600, 0o600]

    answer = await owner.send(f"{place}/begin")
    assert answer.headers["location"] == place
    await wait_for_job(house)
    done = read_text((await owner.open(place)).text)
    assert "Import finished." in done
    assert "Links 2 imported" in done
    assert await count_links(house) == 2
    assert [path.suffix for path in list_uploads(house)] == [".report"]

    report = await owner.open(f"{place}/report")
    assert report.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.reader(io.StringIO(report.text)))
    assert [row[:3] for row in rows] == [["result", "place", "link"], ["failed", "line 4", "c"]]

    listed = read_text((await owner.open(PLACE)).text)
    assert "links.csv" in listed
    page = await owner.follow(await owner.send(f"{place}/drop"))
    assert "links.csv discarded" in read_text(page)
    assert (await owner.open(place)).status_code == 404
    assert list_uploads(house) == []


async def test_the_page_says_what_was_switched_off_and_why(house: House, owner: Browser) -> None:
    table = "url,slug,status\nhttps://example.com/a,a,banned\nhttps://example.com/b,b,paused\n"
    place = (await send_file(owner, table)).headers["location"]
    for step in ("tried", "over"):
        assert (await wait_for_job(house)).stage == step
        shown = read_text((await owner.open(place)).text)
        assert "Switched off 2 banned 1, paused 1" in shown
        assert "Notes 2 switched off 2" in shown
        assert "Came in switched off: it was banned" in shown
        await owner.send(f"{place}/begin")


async def test_what_is_under_way_shows_how_far_it_is_and_may_be_cancelled(
    house: House, owner: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_go_on = asyncio.Event()
    hold_imports(monkeypatch, may_go_on)
    place = (await send_file(owner)).headers["location"]
    page = (await owner.open(place)).text
    assert '<meta http-equiv="refresh" content="2">' in page
    assert "<progress" in page
    fragment = await owner.open(place, **{"x-shorty-fragment": "1"})
    assert "<html" not in fragment.text
    assert "data-watched" in fragment.text
    second = await send_file(owner, name="second.csv")
    assert second.status_code == 409
    assert "Another import is running" in read_text(second.text)
    assert (await owner.send(f"{place}/drop")).status_code == 409
    await owner.send(f"{place}/cancel")
    may_go_on.set()
    await wait_for_job(house)
    page = (await owner.open(place)).text
    assert "Cancelled." in read_text(page)
    assert "refresh" not in page
    assert await count_links(house) == 0
    assert [path.suffix for path in list_uploads(house)] == [".report"]


async def test_a_file_that_cannot_be_read_is_told(house: House, owner: Browser) -> None:
    answer = await send_file(owner, b"\x89PNG\xff", source="kutt")
    await wait_for_job(house)
    page = (await owner.open(answer.headers["location"])).text
    assert 'role="alert"' in page
    assert "Import</button>" not in page
    assert [path.suffix for path in list_uploads(house)] == [".report"]


async def test_a_form_without_a_file_is_shown_again(owner: Browser) -> None:
    await owner.open(PLACE)
    answer = await owner.client.post(
        PLACE,
        data={"form_token": owner.token, "source": "kutt"},
        files={"file": ("", b"")},
    )
    assert answer.status_code == 422
    assert "Choose a file." in read_text(answer.text)
    assert 'value="kutt" checked' in answer.text


async def test_a_file_that_is_too_large_is_refused(owner: Browser) -> None:
    headers = {
        "content-type": "multipart/form-data; boundary=x",
        "content-length": str(64 * 1024 * 1024 + 1),
    }
    answer = await owner.client.post(PLACE, content=b"--x", headers=headers)
    assert answer.status_code == 413


async def test_a_large_file_comes_whole(house: House, owner: Browser) -> None:
    """Larger than what stays in memory, and than other forms may be."""
    rows = "".join(f"https://example.com/{'x' * 2000}/{n},s{n}\n" for n in range(6000))
    await send_file(owner, f"url,slug\n{rows}")
    job = await wait_for_job(house)
    assert job.progress.created == 6000
    assert job.work.size == len(rows) + 9


async def test_names_and_faults_are_shown_as_text(house: House, owner: Browser) -> None:
    answer = await send_file(owner, "url\n<script>1</script>\n", name="<img src=x>.csv")
    await wait_for_job(house)
    page = (await owner.open(answer.headers["location"])).text
    assert "<img src=x>" not in page
    assert "<script>1" not in page


UNKNOWN = "url,ref\nhttps://example.com/a,a\nhttps://example.com/b,b\n"


async def test_columns_are_named_in_the_preview(house: House, owner: Browser) -> None:
    place = (await send_file(owner, UNKNOWN)).headers["location"]
    await wait_for_job(house)
    page = (await owner.open(place)).text
    assert "Its columns are: url, ref." in read_text(page)
    assert "Import</button>" not in page
    answer = await owner.send(f"{place}/columns", column_1="slug")
    assert answer.headers["location"] == place
    await wait_for_job(house)
    page = (await owner.open(place)).text
    assert "Links 2 would be imported" in read_text(page)
    assert '<option value="slug" selected>' in page
    await owner.send(f"{place}/begin")
    await wait_for_job(house)
    found = await list_links(house.app.services.links, await house.make_actor(), LinkFilter())
    assert sorted(link.slug for link in found.links) == ["a", "b"]
    again = await owner.send(f"{place}/columns", column_1="slug")
    assert again.status_code == 409


async def test_a_table_without_slugs_can_be_accepted(house: House, owner: Browser) -> None:
    place = (await send_file(owner, UNKNOWN, new_slugs="1")).headers["location"]
    job = await wait_for_job(house)
    assert job.progress.created == 2
    await owner.send(f"{place}/columns")
    job = await wait_for_job(house)
    assert (job.progress.created, job.progress.state) == (0, "failed")
    await owner.send(f"{place}/columns", new_slugs="1", column_0="hat", column_7="slug")
    job = await wait_for_job(house)
    assert job.progress.created == 2


async def test_an_encoding_is_chosen(house: House, owner: Browser) -> None:
    table = "url,slug\nhttps://example.com/a,größe\n".encode("cp1252")
    place = (await send_file(owner, table)).headers["location"]
    await wait_for_job(house)
    assert "not in UTF-8" in read_text((await owner.open(place)).text)
    await owner.send(f"{place}/columns", encoding="cp1252")
    job = await wait_for_job(house)
    assert (job.progress.created, job.progress.failed) == (1, 0)


async def test_a_form_that_is_not_ours_is_refused(house: House, owner: Browser) -> None:
    owner.token = "0" * 64
    assert (await send_file(owner)).status_code == 403
    assert list_uploads(house) == []


async def test_a_viewer_imports_nothing(house: House, viewer: Browser) -> None:
    assert (await viewer.open(PLACE)).status_code == 403
    assert (await send_file(viewer)).status_code == 403
    assert list_uploads(house) == []


async def test_another_workspaces_import_is_not_there(
    house: House, owner: Browser, stranger: Browser
) -> None:
    place = (await send_file(owner)).headers["location"]
    await wait_for_job(house)
    assert "links.csv" not in (await stranger.open(PLACE)).text
    for way in ("", "/report"):
        refused = await stranger.open(place + way)
        assert refused.status_code == 404
        assert f"Import {place.rpartition('/')[2]} not found." in read_text(refused.text)
    for action in ("begin", "cancel", "columns", "drop"):
        assert (await stranger.send(f"{place}/{action}")).status_code == 404
    assert len(list_uploads(house)) == 2


async def test_a_file_that_was_tried_and_left_gives_way_to_the_next(
    house: House, owner: Browser
) -> None:
    first = (await send_file(owner)).headers["location"]
    await wait_for_job(house)
    await send_file(owner, name="second.csv")
    await wait_for_job(house)
    assert (await owner.open(first)).status_code == 404
    assert len(list_uploads(house)) == 2


async def test_an_import_can_be_forgotten_whose_files_somebody_has_removed(
    house: House, owner: Browser
) -> None:
    place = (await send_file(owner)).headers["location"]
    await wait_for_job(house)
    for path in list_uploads(house):
        path.unlink()
    assert (await owner.send(f"{place}/drop")).status_code == 303
    assert (await owner.open(place)).status_code == 404


async def test_only_the_last_imports_are_remembered(
    house: House, owner: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_store, "KEPT_JOBS", 2)
    for number in range(4):
        place = (await send_file(owner, name=f"{number}.csv")).headers["location"]
        await wait_for_job(house)
        await owner.send(f"{place}/begin")
        await wait_for_job(house)
    actor = await house.make_actor()
    names = [job.file_name for job in await house.app.services.transfers.list_jobs(actor)]
    assert names == ["3.csv", "2.csv"]
    assert len(list_uploads(house)) == 2


async def test_nothing_is_begun_twice(house: House, owner: Browser) -> None:
    place = (await send_file(owner)).headers["location"]
    await wait_for_job(house)
    await owner.send(f"{place}/begin")
    assert (await owner.send(f"{place}/begin")).status_code == 409


async def test_files_go_with_their_import_once_it_is_old(house: House, owner: Browser) -> None:
    place = (await send_file(owner)).headers["location"]
    await wait_for_job(house)
    transfers, start = house.app.services.transfers, house.now
    assert await transfers.delete_old(start + job_store.PREVIEW_MS) == 0
    assert len(list_uploads(house)) == 2
    assert await transfers.delete_old(start + job_store.PREVIEW_MS + 1) == 1
    assert list_uploads(house) == []
    assert (await owner.open(place)).status_code == 404


async def start_again(house: House) -> ImportJobs:
    """As the next process of the node does."""
    jobs = ImportJobs(house.app.services.links, house.app.db.place("transfers"), lambda: house.now)
    await jobs.start()
    return jobs


async def test_a_preview_is_there_after_the_next_start(house: House, owner: Browser) -> None:
    place = (await send_file(owner)).headers["location"]
    await wait_for_job(house)
    await house.app.services.transfers.stop()
    await start_again(house)
    assert "Links 2 would be imported" in read_text((await owner.open(place)).text)
    await owner.send(f"{place}/begin")
    assert (await wait_for_job(house)).progress.created == 2


async def test_what_a_killed_process_left_is_removed(house: House, owner: Browser) -> None:
    await send_file(owner)
    await wait_for_job(house)
    kept = list_uploads(house)
    left = house.app.db.place("transfers") / "old.upload"
    left.write_text("links")
    await start_again(house)
    assert list_uploads(house) == ([] if house.app.db.here is None else kept)


async def test_what_cannot_be_removed_is_logged(house: House, tmp_path: Path) -> None:
    place = tmp_path / "transfers"
    place.write_text("a file in the folder's place")
    with capture_logs() as logs:
        await ImportJobs(house.app.services.links, place, lambda: house.now).start()
    (logged,) = [each for each in logs if each["event"] == "uploads_remain"]
    assert logged["log_level"] == "warning"
    assert (logged["folder"], logged["reason"]) == (str(place), "Not a directory")


async def test_an_import_that_went_wrong_is_over(
    house: House, owner: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise RuntimeError("inner detail")

    monkeypatch.setattr(job_runs, "import_file", fail)
    place = (await send_file(owner)).headers["location"]
    await wait_for_job(house)
    page = (await owner.open(place)).text
    assert "Something went wrong. What was imported stays" in read_text(page)
    assert "inner detail" not in page


async def test_our_own_export_comes_back(house: House, owner: Browser) -> None:
    await house.make_link(slug="kept", title="Kept")
    exported = (await owner.open("/app/export/links.ndjson?clicks=1")).text
    kinds = [msgspec.json.decode(line)["kind"] for line in exported.splitlines()]
    assert kinds == ["export", "link"]
    await send_file(owner, exported, source="shorty")
    job = await wait_for_job(house)
    assert (job.progress.created, job.progress.there) == (0, 1)


async def test_a_file_without_links_is_taken_in_too(house: House, owner: Browser) -> None:
    made = house.app.services
    actor = await house.make_actor()
    new = NewUtmTemplate(name="Letter", utm_source="mail")
    template = await made.db.write(lambda tx: create_template(tx, actor, new, house.now))
    exported = (await owner.open("/app/export/links.ndjson")).text
    await made.db.write(lambda tx: delete_template(tx, actor, template.id))
    place = (await send_file(owner, exported, source="shorty")).headers["location"]
    await wait_for_job(house)
    assert await list_templates(made.db, actor.workspace_id) == []
    await owner.send(f"{place}/begin")
    await wait_for_job(house)
    (there,) = await list_templates(made.db, actor.workspace_id)
    assert (there.name, there.utm_source) == ("Letter", "mail")


async def test_a_file_that_must_wait_leaves_nothing_behind(
    house: House, owner: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = (await send_file(owner)).headers["location"]
    await wait_for_job(house)
    before, copy = list_uploads(house), job_files.copy_upload
    may_go_on = asyncio.Event()
    hold_imports(monkeypatch, may_go_on)
    copied, begun = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def begin_meanwhile(file: BinaryIO, path: Path) -> None:
        copy(file, path)
        loop.call_soon_threadsafe(copied.set)
        begun.wait(PATIENCE_S)

    monkeypatch.setattr(job_files, "copy_upload", begin_meanwhile)
    sending = asyncio.create_task(send_file(owner, name="second.csv"))
    await copied.wait()
    await owner.send(f"{place}/begin")
    begun.set()
    assert (await sending).status_code == 409
    assert list_uploads(house) == before
    may_go_on.set()
    assert (await wait_for_job(house)).progress.created == 2


# Takes many seconds to read, and no item comes out of it.
ENDLESS = "INSERT INTO yourls_url VALUES (" + "'a',\n" * 4_000_000
PATIENCE_S = 10.0

TakeRight = Callable[[Transaction, House, Actor], object]


async def test_what_is_being_read_is_cancelled_at_once(house: House, owner: Browser) -> None:
    place = (await send_file(owner, ENDLESS, source="yourls")).headers["location"]
    await owner.send(f"{place}/cancel")
    job = await asyncio.wait_for(wait_for_job(house), PATIENCE_S)
    assert (job.progress.state, job.stage) == ("cancelled", "over")
    assert "Cancelled." in read_text((await owner.open(place)).text)


async def test_a_stop_ends_whatever_is_being_read_and_the_next_start_goes_on(
    house: House, owner: Browser
) -> None:
    place = (await send_file(owner, ENDLESS, source="yourls")).headers["location"]
    await asyncio.wait_for(house.app.services.transfers.stop(), PATIENCE_S)
    assert "Reading the file" in read_text((await owner.open(place)).text)
    jobs = await start_again(house)
    await jobs.take_up()
    assert list(jobs.runs) == [place.rpartition("/")[2]]
    await owner.send(f"{place}/cancel")
    await asyncio.wait_for(
        asyncio.gather(*(run.task for run in jobs.runs.values() if run.task)), PATIENCE_S
    )
    assert "Cancelled." in read_text((await owner.open(place)).text)
    assert [path.suffix for path in list_uploads(house)] == [".report"]


async def test_an_import_goes_on_where_the_clock_was_put_forward(
    house: House, owner: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_go_on = asyncio.Event()
    hold_imports(monkeypatch, may_go_on)
    await send_file(owner)
    transfers = house.app.services.transfers
    (run,) = transfers.runs.values()
    house.clock[0] += job_store.LEASE_MS + 1
    await transfers.take_up()
    assert list(transfers.runs.values()) == [run]
    may_go_on.set()
    job = await wait_for_job(house)
    assert (job.stage, job.row.restarts) == ("tried", 0)


def find_actor(house: House, browser: Browser) -> Actor:
    services = house.app.services
    text = browser.client.cookies[SESSION]
    signed_in = find_signed_in(reader(services.db), text, services.config.plans, house.now)
    assert signed_in is not None
    return signed_in.actor


def take_membership(tx: Transaction, house: House, editor: Actor) -> None:
    remove_member(tx, make_owner(editor), editor.user_id, house.now)


def take_role(tx: Transaction, house: House, editor: Actor) -> None:
    del house
    change_role(tx, make_owner(editor), editor.user_id, "viewer")


def take_session(tx: Transaction, house: House, editor: Actor) -> None:
    end_session(tx, editor.user_id, editor.session_id or 0, house.now)


def take_password(tx: Transaction, house: House, editor: Actor) -> None:
    set_password(tx, editor.user_email, "$argon2id$", house.now)


def make_owner(actor: Actor) -> Actor:
    return msgspec.structs.replace(actor, role="owner", scope="admin")


TAKEN = [take_membership, take_role, take_session, take_password]


@pytest.mark.parametrize("take", TAKEN)
async def test_an_import_ends_with_its_persons_right_while_a_file_is_read(
    house: House,
    owner: Browser,
    editor: Browser,
    monkeypatch: pytest.MonkeyPatch,
    take: TakeRight,
) -> None:
    monkeypatch.setattr(job_runs, "ASK_AGAIN_S", 0.01)
    actor = find_actor(house, editor)
    place = (await send_file(editor, ENDLESS, source="yourls")).headers["location"]
    await house.app.db.write(lambda tx: take(tx, house, actor))
    job = await asyncio.wait_for(wait_for_job(house), PATIENCE_S)
    assert (job.progress.state, job.stage) == ("stopped", "over")
    page = read_text((await owner.open(place)).text)
    assert "the person who started it was signed out, removed" in page
    assert "Stopped" in read_text((await owner.open(PLACE)).text)


@pytest.mark.parametrize("take", TAKEN)
async def test_what_came_in_before_the_right_was_lost_stays_and_is_told(
    house: House,
    owner: Browser,
    editor: Browser,
    monkeypatch: pytest.MonkeyPatch,
    take: TakeRight,
) -> None:
    """Asked with each batch, whatever the clock says."""
    monkeypatch.setattr(job_runs, "ASK_AGAIN_S", 1000.0)
    rows = "".join(f"https://example.com/{n},s{n}\n" for n in range(3000))
    place = (await send_file(editor, f"url,slug\n{rows}")).headers["location"]
    await wait_for_job(house)
    actor = find_actor(house, editor)
    await editor.open(place)
    await editor.send(f"{place}/begin")
    async with asyncio.timeout(PATIENCE_S):
        while not await count_links(house):  # noqa: ASYNC110 - nothing tells of a batch
            await asyncio.sleep(0.001)
    await house.app.db.write(lambda tx: take(tx, house, actor))
    job = await wait_for_job(house)
    assert job.progress.state == "stopped"
    assert 0 < job.progress.created < 3000
    assert await count_links(house) == job.progress.created
    page = read_text((await owner.open(place)).text)
    assert f"Links {job.progress.created:,} imported" in page


async def test_an_import_rests_on_the_right_of_whoever_began_it(
    house: House, owner: Browser, editor: Browser
) -> None:
    """Not of whoever tried the file."""
    place = (await send_file(editor)).headers["location"]
    await wait_for_job(house)
    actor = find_actor(house, editor)
    await house.app.db.write(lambda tx: take_membership(tx, house, actor))
    await owner.send(f"{place}/begin")
    job = await wait_for_job(house)
    assert (job.progress.state, job.progress.created) == ("done", 2)
    (link, _) = (
        await list_links(house.app.services.links, await house.make_actor(), LinkFilter())
    ).links
    assert link.created_by is not None
    assert link.created_by.email == "ann@a.example"


async def test_an_import_whose_right_cannot_be_read_is_stopped(
    house: House, owner: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> bool:
        raise StorageUnavailableError("The database is locked.")

    place = (await send_file(owner)).headers["location"]
    await wait_for_job(house)
    monkeypatch.setattr(job_runs, "may_still", fail)
    monkeypatch.setattr(job_runs, "UNASKED_S", 0.0)
    await owner.send(f"{place}/begin")
    job = await wait_for_job(house)
    assert (job.progress.state, job.progress.error) == ("stopped", "The database is locked.")
    assert await count_links(house) in {0, 2}


async def test_an_import_waits_for_a_database_that_is_away_for_a_moment(
    house: House, owner: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, asked = job_runs.may_still, 0

    def fail_at_first(*args: Any) -> bool:
        nonlocal asked
        asked += 1
        if asked == 1:
            raise StorageUnavailableError("The database is locked.")
        return real(*args)

    place = (await send_file(owner)).headers["location"]
    await wait_for_job(house)
    monkeypatch.setattr(job_runs, "ASK_AGAIN_S", 0.01)
    monkeypatch.setattr(job_runs, "may_still", fail_at_first)
    await owner.send(f"{place}/begin")
    job = await wait_for_job(house)
    assert (job.progress.state, job.progress.created) == ("done", 2)
    assert asked >= 1
