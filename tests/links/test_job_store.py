"""Jobs as rows: whose they are, who runs them, and when they go."""

from typing import Any

import pytest

from shorty.errors import ConflictError
from shorty.links import job_store
from shorty.links.job_store import ENDED_MS, LEASE_MS, PREVIEW_MS, JobRow, JobRows, is_wanted
from shorty.storage.database import Database
from tests.reading import reader
from tests.support import NOW, make_home

BUSY = "Another one is running."


class Jobs:
    """The jobs of both kinds, and a clock."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.now = NOW
        self.imports = JobRows(db, "imports", lambda: self.now, busy=BUSY)
        self.links = JobRows(db, "links", lambda: self.now, busy=BUSY)

    async def add(self, job_id: str, **only_what_matters: Any) -> JobRow:
        plain: dict[str, Any] = {
            "kind": "imports",
            "workspace_id": 1,
            "stage": "trying",
            "is_running": True,
            "is_alone": True,
            "started_at": self.now,
            "work": "{}",
            "state": "{}",
        }
        row = JobRow(id=job_id, **(plain | only_what_matters))
        await (self.imports if row.kind == "imports" else self.links).add(row)
        return row

    async def list_ids(self, workspace_id: int = 1) -> list[str]:
        rows = [
            *await self.imports.list_all(workspace_id),
            *await self.links.list_all(workspace_id),
        ]
        return [row.id for row in rows]


@pytest.fixture
async def jobs(db: Database) -> Jobs:
    await make_home(db)
    await make_home(db, email="eve@b.example")
    return Jobs(db)


async def test_one_job_of_a_kind_runs_in_a_workspace(jobs: Jobs) -> None:
    await jobs.add("a")
    with pytest.raises(ConflictError, match="Another one is running"):
        await jobs.add("b")
    with pytest.raises(ConflictError):
        await jobs.imports.require_idle(1)
    await jobs.imports.require_idle(2)
    await jobs.links.require_idle(1)
    await jobs.add("b", is_alone=False)
    await jobs.add("c", workspace_id=2)
    await jobs.add("d", kind="links")
    assert await jobs.list_ids() == ["b", "a", "d"]
    assert await jobs.list_ids(2) == ["c"]


async def test_a_job_belongs_to_its_workspace_and_kind(jobs: Jobs) -> None:
    row = await jobs.add("a")
    for rows, workspace_id in ((jobs.imports, 2), (jobs.links, 1)):
        assert await rows.find(workspace_id, "a") is None
        await rows.cancel(workspace_id, "a")
        assert not await rows.drop(workspace_id, "a")
    assert await jobs.imports.find(1, "a\0") is None
    assert is_wanted(reader(jobs.db), row)
    await jobs.imports.cancel(1, "a")
    assert is_wanted(reader(jobs.db), row) is False


async def test_a_job_that_runs_is_not_dropped(jobs: Jobs) -> None:
    row = await jobs.add("a")
    assert not await jobs.imports.drop(1, "a")
    assert await jobs.imports.keep(_end(row))
    assert await jobs.imports.drop(1, "a")
    assert await jobs.list_ids() == []


async def test_the_oldest_that_ended_and_a_preview_make_room(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_store, "KEPT_JOBS", 3)
    await jobs.add("other", workspace_id=2, is_running=False, stage="over")
    await jobs.add("action", kind="links", is_running=False, stage="done")
    await jobs.add("preview", is_running=False, stage="tried")
    for name in ("a", "b", "c"):
        await jobs.add(name, is_running=False, stage="over")
    assert await jobs.list_ids() == ["c", "b", "a", "action"]
    await jobs.add("d")
    assert await jobs.list_ids() == ["d", "c", "b", "action"]
    assert await jobs.list_ids(2) == ["other"]


async def test_only_a_job_that_waits_is_begun(jobs: Jobs) -> None:
    row = await jobs.add("a", is_running=False, stage="tried")
    begun = await jobs.imports.begin(_as(row, stage="importing", work="{1}"))
    assert begun is not None
    assert (begun.stage, begun.is_running, begun.run, begun.work) == ("importing", True, 2, "{1}")
    assert await jobs.imports.find(1, "a") == begun
    assert await jobs.imports.begin(_as(row, stage="importing")) is None
    # Whoever ran it before may not write any more.
    assert not await jobs.imports.keep(_end(row))
    assert is_wanted(reader(jobs.db), row) is None
    assert await jobs.imports.find(1, "a") == begun


async def test_a_job_whose_node_is_gone_is_taken_once(jobs: Jobs) -> None:
    await jobs.add("a")
    await jobs.add("b", workspace_id=2)
    await jobs.add("c", kind="links")
    await jobs.add("over", is_alone=False, is_running=False, stage="over")
    await jobs.imports.cancel(2, "b")
    jobs.now += LEASE_MS
    assert await jobs.imports.take_expired(()) is None
    jobs.now += 1
    first = await jobs.imports.take_expired(())
    second = await jobs.imports.take_expired(())
    assert first
    assert second
    assert (first.id, first.run, first.restarts, first.is_cancelled) == ("a", 2, 1, False)
    assert (second.id, second.run, second.restarts, second.is_cancelled) == ("b", 2, 1, True)
    assert await jobs.imports.take_expired(()) is None


async def test_a_job_that_runs_here_is_not_taken_from_oneself(jobs: Jobs) -> None:
    await jobs.add("a")
    jobs.now += LEASE_MS + 1
    assert await jobs.imports.take_expired({"a"}) is None
    assert await jobs.imports.take_expired({"b"})


async def test_what_a_node_gives_back_is_taken_at_once(jobs: Jobs) -> None:
    row = await jobs.add("a")
    await jobs.imports.give_back(_as(row, state="{2}"))
    taken = await jobs.imports.take_expired(())
    assert taken
    assert (taken.stage, taken.state) == ("trying", "{2}")
    await jobs.imports.start()  # as the next process of the node
    assert await jobs.imports.take_expired(())


async def test_a_start_gives_back_the_nodes_own_jobs_alone(jobs: Jobs) -> None:
    await jobs.add("a")
    await jobs.add("c", kind="links")
    await jobs.db.write(
        lambda tx: tx.execute("update background_jobs set node = 'other' where job_id = 'a'")
    )
    await jobs.imports.start()
    assert await jobs.imports.take_expired(()) is None
    await jobs.links.start()
    taken = await jobs.links.take_expired(())
    assert taken
    assert (taken.id, taken.node) == ("c", jobs.db.node)


async def test_old_jobs_are_deleted_previews_first(jobs: Jobs) -> None:
    await jobs.add("preview", is_running=False, stage="tried")
    await jobs.add("over", workspace_id=2, is_running=False, stage="over")
    await jobs.add("action", kind="links", is_running=False, stage="done")
    await jobs.add("runs", workspace_id=2)
    assert await jobs.imports.delete_old(NOW + PREVIEW_MS) == []
    assert await jobs.imports.delete_old(NOW + PREVIEW_MS + 1) == ["preview"]
    assert await jobs.imports.delete_old(NOW + ENDED_MS + 1) == ["over"]
    assert await jobs.imports.list_ids() == {"runs"}
    assert await jobs.links.list_ids() == {"action"}


def test_a_text_that_has_no_encoding_is_stored_all_the_same() -> None:
    assert job_store.encode({"message": "a\ud800"}) == '{"message": "a?"}'


def _as(row: JobRow, **changed: Any) -> JobRow:
    fields = {name: getattr(row, name) for name in row.__struct_fields__}
    return JobRow(**(fields | changed))


def _end(row: JobRow) -> JobRow:
    return _as(row, is_running=False, stage="over")
