"""Actions on many links: on the selected ones and on all that were found."""

import asyncio
import csv
import io
import zipfile
from collections.abc import Sequence
from typing import Any, Final

import pytest

from shorty.errors import NotFoundError
from shorty.links import bulk_jobs, bulk_model
from shorty.links.bulk_actions import Apply
from shorty.links.bulk_jobs import BulkJobs
from shorty.links.context import Outcome
from shorty.links.model import Link, LinkChange
from shorty.links.service import change_link, delete_link, get_link
from shorty.web import link_downloads, link_jobs, link_list, link_selection
from tests.api.house import House
from tests.reading import reader
from tests.web.browser import Browser, read_text
from tests.web.test_link_list import PLACE, find, list_slugs

MANY: Final = f"{PLACE}/many"
DOWNLOAD: Final = f"{PLACE}/download"


async def make_links(house: House, count: int, **fields: object) -> list[Link]:
    return [await house.make_link(slug=f"s{number}", **fields) for number in range(count)]


@pytest.fixture
def short_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_list, "PER_PAGE", 2)


@pytest.mark.usefixtures("short_pages")
async def test_an_action_is_applied_to_all_that_were_found(house: House, owner: Browser) -> None:
    made = await make_links(house, 5, title="needle")
    other = await house.make_link(slug="other")
    back = f"{PLACE}?q=needle"
    page = (await owner.open(back)).text
    assert 'name="all_found" value="5"' in page
    fields = {"all_found": "5", "action": "off", "back": back}
    text = read_text(await owner.follow(await owner.send(MANY, fields)))
    assert "5 links disabled." in text
    assert [(await find(house, link)).is_active for link in made] == [False] * 5
    assert (await find(house, other)).is_active


async def test_nothing_happens_if_other_links_were_found_since(
    house: House, owner: Browser
) -> None:
    made = await make_links(house, 3)
    for said in ("2", "4", "x"):
        fields = {"all_found": said, "action": "off"}
        page = await owner.follow(await owner.send(MANY, fields))
        assert "The list has changed: it has 3 links now." in read_text(page)
    assert [(await find(house, link)).is_active for link in made] == [True] * 3


@pytest.mark.usefixtures("short_pages")
async def test_more_links_than_can_be_counted_are_not_selected_at_once(
    house: House, owner: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (link_selection, link_list):
        monkeypatch.setattr(module, "MOST_SELECTED", 4)
    await make_links(house, 5)
    page = (await owner.open(PLACE)).text
    assert "More than 4 links found: narrow the list to select them all." in read_text(page)
    assert 'name="all_found"' not in page
    text = read_text(await owner.follow(await owner.send(MANY, all_found="5", action="off")))
    assert "more than 4; narrow the list down first" in text


async def test_deleting_all_that_were_found_is_asked_and_undone(
    house: House, owner: Browser
) -> None:
    await make_links(house, 4)
    asked = (await owner.send(MANY, all_found="4", action="delete")).text
    assert "Delete 4 links?" in read_text(asked)
    assert 'name="all_found" value="4"' in asked
    assert 'name="ids"' not in asked
    answer = await owner.send(MANY, all_found="4", action="delete", sure="1")
    page = await owner.follow(answer)
    assert "4 links deleted." in read_text(page)
    assert list_slugs(page) == []
    bin_ = f"{PLACE}?state=deleted"
    fields = {"all_found": "4", "action": "restore", "back": bin_}
    text = read_text(await owner.follow(await owner.send(MANY, fields)))
    assert "4 links restored." in text
    assert len(list_slugs((await owner.open(PLACE)).text)) == 4


async def test_a_delete_of_many_is_undone_from_its_notice(
    house: House, owner: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link_jobs, "UNDONE_AT_ONCE", 1)
    links = await make_links(house, 3)
    answer = await owner.send(MANY, all_found="3", action="delete", sure="1")
    page = await owner.follow(answer)
    undo = page.partition('action="/app/links/jobs/')[2].partition('"')[0]
    assert undo.endswith("/undo")
    page = await owner.follow(await owner.send(f"{PLACE}/jobs/{undo}", back=PLACE))
    assert "3 links restored." in read_text(page)
    assert [(await find(house, link)).slug for link in links] == ["s0", "s1", "s2"]


async def test_the_expiry_of_many_is_set_and_removed(house: House, owner: Browser) -> None:
    links = await make_links(house, 2)
    ids = [str(link.id) for link in links]
    fields = {"ids": ids, "action": "expiry", "expires_at": "2030-01-01T10:00"}
    assert "Expiry set for 2 links." in read_text(
        await owner.follow(await owner.send(MANY, fields))
    )
    assert [(await find(house, link)).expires_at for link in links] == [1893492000000] * 2
    fields = {"ids": ids, "action": "expiry", "expires_at": ""}
    text = read_text(await owner.follow(await owner.send(MANY, fields)))
    assert "Expiry removed from 2 links." in text
    assert [(await find(house, link)).expires_at for link in links] == [None] * 2


async def test_links_that_cannot_move_to_a_domain_are_reported_one_by_one(
    house: House, owner: Browser
) -> None:
    links = await make_links(house, 4)
    for slug in ("s1", "s3"):
        await house.make_link(slug=slug, domain="go.example")
    fields = {
        "ids": [str(link.id) for link in links],
        "action": "domain",
        "to_domain": "go.example",
        "back": f"{PLACE}?sort=createdAt",
    }
    answer = await owner.send(MANY, fields)
    assert answer.headers["location"].startswith(f"{PLACE}/jobs/")
    page = (await owner.open(answer.headers["location"])).text
    text = read_text(page)
    assert "2 links moved" in text
    assert "2 links failed" in text
    for slug in ("s1", "s3"):
        assert f"localhost:8000/{slug}" in text
    assert "already taken" in text
    assert f'href="{PLACE}?sort=createdAt"' in page
    hosts = [(await find(house, link)).host for link in links]
    assert hosts == ["go.example", "localhost:8000", "go.example", "localhost:8000"]


async def test_a_quick_action_without_a_page_is_not_stored(house: House, owner: Browser) -> None:
    await make_links(house, 3)
    text = read_text(await owner.follow(await owner.send(MANY, all_found="3", action="star")))
    assert "3 links starred." in text
    assert reader(house.app.db).find_all("select 1 from background_jobs") == []


async def test_one_link_that_cannot_move_is_said_at_the_list(house: House, owner: Browser) -> None:
    links = await make_links(house, 2)
    await house.make_link(slug="s1", domain="go.example")
    fields = {"ids": [str(link.id) for link in links], "action": "domain"}
    page = await owner.follow(await owner.send(MANY, {**fields, "to_domain": "go.example"}))
    assert "1 link moved. 1 link failed:" in read_text(page)


def replace_action(monkeypatch: pytest.MonkeyPatch, action: str, apply: Apply) -> None:
    real = bulk_jobs.build_apply

    def build(*args: Any) -> Apply:
        return apply if args[2] == action else real(*args)

    monkeypatch.setattr(bulk_jobs, "build_apply", build)


class Held:
    """An action that waits until it is let go, so that a job can be looked at while it runs."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, action: str = "off") -> None:
        self.started = asyncio.Event()
        self.go = asyncio.Event()
        replace_action(monkeypatch, action, self.apply)

    async def apply(self, link_ids: Sequence[int]) -> Sequence[Outcome]:
        self.started.set()
        await self.go.wait()
        return [NotFoundError("link", link_id) for link_id in link_ids]


async def test_a_long_action_has_a_page_with_its_progress(
    house: House, owner: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_jobs, "AT_ONCE", 2)
    jobs = house.app.services.bulk_jobs
    held = Held(monkeypatch)
    job = await jobs.start(await house.make_actor(), "off", [1, 2, 3, 4, 5])
    await held.started.wait()
    place = f"{PLACE}/jobs/{job.id}"
    page = (await owner.open(place)).text
    assert "Disabling 5 links" in read_text(page)
    assert '<progress aria-label="Progress" max="5" value="0">' in page
    fields = {"all_found": "0", "action": "off"}
    assert "notice" in await owner.follow(await owner.send(MANY, fields))
    answer = await owner.send(f"{place}/cancel", back=PLACE)
    assert answer.headers["location"] == f"{place}?back=%2Fapp%2Flinks"
    held.go.set()
    assert job.task is not None
    await job.task
    text = read_text((await owner.open(place)).text)
    assert "Cancelled after 2 of 5 links." in text
    assert "2 links failed" in text


async def test_a_long_action_waits_for_no_other_one(
    house: House, owner: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_jobs, "AT_ONCE", 2)
    links = await make_links(house, 3)
    held = Held(monkeypatch)
    job = await house.app.services.bulk_jobs.start(await house.make_actor(), "off", [1, 2, 3])
    page = await owner.follow(await owner.send(MANY, all_found="3", action="star"))
    assert "Another action on many links is running." in read_text(page)
    page = await owner.follow(await owner.send(MANY, one=f"star {links[0].id}"))
    assert "1 link starred." in read_text(page)
    held.go.set()
    assert job.task is not None
    await job.task


async def test_an_action_stops_when_its_person_may_no_longer_write(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk_jobs, "AT_ONCE", 1)
    actor = await house.make_actor()
    held = Held(monkeypatch)
    job = await house.app.services.bulk_jobs.start(actor, "off", [1, 2])
    await held.started.wait()
    await house.app.db.write(
        lambda tx: tx.execute(
            "update members set role = 'viewer' where user_id = $1", actor.user_id
        )
    )
    held.go.set()
    assert job.task is not None
    await job.task
    assert (job.state, job.seen) == ("stopped", 1)
    assert "role that may not" in (job.error or "")


async def test_an_action_that_breaks_says_so(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    async def break_down(_ids: Sequence[int]) -> Sequence[Outcome]:
        raise ZeroDivisionError

    replace_action(monkeypatch, "off", break_down)
    job = await house.app.services.bulk_jobs.start(await house.make_actor(), "off", [1])
    assert job.task is not None
    await job.task
    assert (job.state, job.error) == ("failed", bulk_jobs.UNFORESEEN)


async def test_the_oldest_ended_actions_are_forgotten(house: House) -> None:
    actor = await house.make_actor()
    jobs = BulkJobs(house.app.services.links, lambda: house.now)
    started: list[bulk_model.BulkJob] = []
    for _ in range(bulk_jobs.KEPT_JOBS + 2):
        job = await jobs.start(actor, "restore", [1])
        assert job.task is not None
        await job.task
        started.append(job)
    for job in started[:2]:
        with pytest.raises(NotFoundError):
            await jobs.get_job(actor, job.id)
    assert [await jobs.get_job(actor, job.id) for job in started[2:]] == started[2:]


async def test_another_workspaces_action_is_not_seen(
    house: House,
    owner: Browser,
    stranger: Browser,
    viewer: Browser,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (link,) = await make_links(house, 1)
    actor = await house.make_actor()
    held = Held(monkeypatch, "delete")
    job = await house.app.services.bulk_jobs.start(actor, "delete", [link.id])
    place = f"{PLACE}/jobs/{job.id}"
    assert (await stranger.open(place)).status_code == 404
    for path in (f"{place}/cancel", f"{place}/undo"):
        assert (await stranger.send(path)).status_code == 404
        assert (await viewer.send(path)).status_code == 403
    assert not job.is_cancelled
    held.go.set()
    assert job.task is not None
    await job.task


async def test_another_workspaces_links_are_not_changed_by_ids_or_filter(
    house: House, owner: Browser, stranger: Browser
) -> None:
    links = await make_links(house, 2)
    ids = [str(link.id) for link in links]
    await stranger.send(MANY, {"ids": ids, "action": "off"})
    await stranger.send(MANY, {"ids": ids, "action": "delete", "sure": "1"})
    for said in ("0", "2"):
        await stranger.send(MANY, all_found=said, action="off")
    assert [(await find(house, link)).is_active for link in links] == [True, True]
    answer = await stranger.send(DOWNLOAD, {"ids": ids, "action": "csv"})
    assert len(read_csv(answer.text)) == 0


def read_csv(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


@pytest.mark.usefixtures("short_pages")
async def test_the_links_found_are_downloaded_as_csv(
    house: House, owner: Browser, viewer: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link_downloads, "LINKS_AT_ONCE", 2)
    await make_links(house, 5, title="=needle()", webhook_urls=("https://hooks.example/secret",))
    await house.make_link(slug="other")
    page = (await owner.open(f"{PLACE}?q=needle")).text
    assert 'href="/app/links/found.csv?q=needle"' in page
    answer = await owner.open(f"{PLACE}/found.csv?q=needle&sort=createdAt")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert 'filename="links-2026-11-22.csv"' in answer.headers["content-disposition"]
    rows = read_csv(answer.text)
    assert [row["slug"] for row in rows] == ["s0", "s1", "s2", "s3", "s4"]
    assert {row["title"] for row in rows} == {"'=needle()"}
    assert rows[0]["webhookUrls"] == "https://hooks.example/secret"
    rows = read_csv((await viewer.open(f"{PLACE}/found.csv?q=needle")).text)
    assert len(rows) == 5
    assert "secret" not in rows[0]["webhookUrls"]
    assert (await owner.open(f"{PLACE}/found.csv?state=deleted")).status_code == 409


async def test_selected_links_are_downloaded_as_csv_in_the_lists_order(
    house: House, viewer: Browser
) -> None:
    links = await make_links(house, 3)
    ids = [str(links[2].id), str(links[0].id), "99"]
    rows = read_csv((await viewer.send(DOWNLOAD, {"ids": ids, "action": "csv"})).text)
    assert [row["slug"] for row in rows] == ["s2", "s0"]
    change = LinkChange(aliases=("go.example/old",))
    context, actor = house.app.services.links, await house.make_actor()
    await change_link(context, actor, links[0].id, change, house.now)
    rows = read_csv((await viewer.send(DOWNLOAD, all_found="3", action="csv")).text)
    assert [row["aliases"] for row in rows] == ["", "", "go.example/old"]
    assert [row["slug"] for row in rows] == ["s2", "s1", "s0"]


async def test_qr_codes_are_downloaded_as_an_archive(house: House, viewer: Browser) -> None:
    links = [
        await house.make_link(slug="docs/api"),
        await house.make_link(slug="größe", domain="go.example"),
    ]
    ids = [str(link.id) for link in links]
    for action, start in (("svg", b"<svg"), ("png", b"\x89PNG")):
        answer = await viewer.send(DOWNLOAD, {"ids": ids, "action": action})
        assert answer.headers["content-type"] == "application/zip"
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            assert archive.testzip() is None
            names = archive.namelist()
            assert names == [
                f"localhost-8000_docs-api_{links[0].id}.{action}",
                f"go.example_größe_{links[1].id}.{action}",
            ]
            assert all(archive.read(name).startswith(start) for name in names)


async def test_no_more_links_are_restored_at_once_than_can_be_selected(
    house: House, owner: Browser
) -> None:
    ids = " ".join(map(str, range(1, 100_000)))
    page = await owner.follow(await owner.send(f"{PLACE}/restore", {"ids": ids}))
    assert "Select up to 10,000 links for this." in read_text(page)
    assert house.app.services.bulk_jobs.jobs == {}


async def test_too_many_qr_codes_and_none_are_refused(
    house: House, viewer: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link_downloads, "MOST_CODES", 2)
    await make_links(house, 3)
    for fields, told in (
        ({"all_found": "3", "action": "svg"}, "Select up to 2 links for this."),
        ({"action": "csv"}, "Select links first."),
        ({"all_found": "2", "action": "csv"}, "The list has changed: it has 3 links now."),
    ):
        assert told in read_text(await viewer.follow(await viewer.send(DOWNLOAD, fields)))


async def test_a_deleted_link_cannot_be_changed_by_an_old_page(
    house: House, owner: Browser
) -> None:
    links = await make_links(house, 2)
    actor = await house.make_actor()
    await delete_link(house.app.services.links, actor, links[0].id, house.now)
    fields = {"ids": [str(link.id) for link in links], "action": "delete", "sure": "1"}
    text = read_text(await owner.follow(await owner.send(MANY, fields)))
    assert f"1 link deleted. 1 link failed: Link {links[0].id} not found." in text
    with pytest.raises(NotFoundError):
        await get_link(house.app.services.links, actor, links[1].id)


async def test_only_a_delete_is_undone(
    house: House, owner: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    actor = await house.make_actor()

    async def find_none(ids: Sequence[int]) -> Sequence[Outcome]:
        return [NotFoundError("link", link_id) for link_id in ids]

    for action in ("off", "delete"):
        replace_action(monkeypatch, action, find_none)
        job = await house.app.services.bulk_jobs.start(actor, action, [1])
        assert job.task is not None
        await job.task
        answer = await owner.send(f"{PLACE}/jobs/{job.id}/undo", back=PLACE)
        assert answer.status_code == 409
