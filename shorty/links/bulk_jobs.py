"""Runs actions on many links in the background, some hundreds in a transaction.

A job ends after the transaction at hand when it is cancelled, and when its person loses the right
to it; what was done before stays. A short one lives in this process alone. One that is long, or has
a page, is a row that every node can show and cancel; when the node that runs it stops or dies, the
next one that looks goes on with it.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from time import monotonic
from typing import Final

import structlog

from shorty.accounts.model import Actor
from shorty.accounts.roles import may_still, require_scope
from shorty.errors import (
    InvalidFieldsError,
    NotFoundError,
    ShortyError,
    StorageUnavailableError,
)
from shorty.links.aliases import write_loss
from shorty.links.bulk_actions import build_apply, forgive_done
from shorty.links.bulk_model import BulkJob, Failure, Work, read_job, write_row
from shorty.links.context import LinkContext, Outcome
from shorty.links.deleted import find_deleted_links
from shorty.links.job_store import (
    KEEP_S,
    KEPT_JOBS,
    MOST_RESTARTS,
    JobRow,
    JobRows,
    encode,
    insist,
    is_wanted,
    make_job_id,
)
from shorty.links.model import LinkChange
from shorty.links.store import find_links
from shorty.storage.database import Reader

AT_ONCE: Final = 200  # in one transaction, so that others' writes come in between
KEPT_FAILURES: Final = 200
KEPT_LOSSES: Final = 200
BUSY: Final = "Another action on many links is running. Wait for it, or cancel it."
NO_RIGHT: Final = (
    "This was stopped: the person who started it was signed out, removed or given a role that may "
    "not change links. What was done before stays."
)
GIVEN_UP: Final = (
    "This was stopped: the server that ran it stopped unexpectedly, again and again. What was done "
    "before stays."
)
UNFORESEEN: Final = "Something went wrong. What was done before stays."

log = structlog.get_logger(__name__)


class BulkJobs:
    """To be used on the event loop only."""

    def __init__(self, context: LinkContext, read_clock: Callable[[], int]) -> None:
        self._context = context
        self._read_clock = read_clock
        self._rows = JobRows(context.db, "links", read_clock, busy=BUSY)
        self.jobs: dict[str, BulkJob] = {}
        """What this node runs, and the last that it ran, by id."""

    async def start_up(self) -> None:
        """Gives back what an earlier process of this node ran."""
        await self._rows.start()

    async def stop(self) -> None:
        """Returns once no job runs here; other nodes, or the next start, go on with long ones."""
        jobs = list(self.jobs.values())
        for job in jobs:
            job.is_given_back = job.row is not None
            job.is_cancelled = job.is_cancelled or job.row is None
        await asyncio.gather(*(job.task for job in jobs if job.task))
        self.jobs.clear()

    async def take_up(self) -> None:
        """Goes on with a job whose node is gone, if there is one."""
        own = {job.id for job in self.jobs.values() if not job.is_lost}
        row = await self._rows.take_expired(own)
        if row is None:
            return
        if (former := self.jobs.get(row.id)) is not None:
            former.is_lost = True
            await asyncio.gather(*filter(None, [former.task]))
        job = self.jobs[row.id] = read_job(row)
        job.is_cancelled = row.is_cancelled
        if row.restarts > MOST_RESTARTS:
            job.state, job.error = "stopped", GIVEN_UP
        job.task = asyncio.create_task(self._run(job))

    async def delete_old(self, now: int) -> int:
        """Deletes some of those that nobody needs; returns how many."""
        return len(await self._rows.delete_old(now))

    async def start(
        self,
        actor: Actor,
        action: str,
        link_ids: Sequence[int],
        change: LinkChange | None = None,
    ) -> BulkJob:
        """Raises ForbiddenError, and ConflictError for a long job while the workspace runs one."""
        require_scope(actor, "write")
        work = Work(actor=actor, action=action, link_ids=tuple(link_ids), change=change)
        job = BulkJob(make_job_id(), work)
        if is_long(job):
            await self._add(job)
        self._make_room(actor.workspace_id)
        self.jobs[job.id] = job
        job.task = asyncio.create_task(self._run(job))
        return job

    async def keep(self, job: BulkJob) -> None:
        """Shows a job to every node, because it gets a page."""
        if job.row is None:
            row = await self._add(job)
            if not job.is_running:
                await self._rows.keep(write_row(job, row))

    async def cancel(self, actor: Actor, job_id: str) -> BulkJob:
        """It ends after the transaction at hand. Raises ForbiddenError and NotFoundError."""
        require_scope(actor, "write")
        job = await self.get_job(actor, job_id)
        job.is_cancelled = True
        if job.row is not None:
            await self._rows.cancel(actor.workspace_id, job_id)
        return job

    async def get_job(self, actor: Actor, job_id: str) -> BulkJob:
        """Raises NotFoundError, for another workspace's too."""
        known = self.jobs.get(job_id)
        if known is not None and known.actor.workspace_id == actor.workspace_id:
            return known
        row = await self._rows.find(actor.workspace_id, job_id)
        if row is None:
            raise NotFoundError("action", job_id[:40])
        return read_job(row)

    def _make_room(self, workspace_id: int) -> None:
        """Forgets the oldest of those that ended here."""
        ended = [
            job
            for job in self.jobs.values()
            if job.actor.workspace_id == workspace_id and not job.is_running
        ]
        for job in ended[: max(0, len(ended) - KEPT_JOBS + 1)]:
            del self.jobs[job.id]

    async def _add(self, job: BulkJob) -> JobRow:
        row = JobRow(
            id=job.id,
            kind="links",
            workspace_id=job.actor.workspace_id,
            stage=job.state,
            is_running=job.is_running,
            is_alone=is_long(job),
            started_at=self._read_clock(),
            work=encode(job.work),
            state=encode(job.describe()),
        )
        await self._rows.add(row)
        job.row = row
        return row

    async def _run(self, job: BulkJob) -> None:
        work = job.work
        apply = build_apply(self._context, work.actor, work.action, work.change, self._read_clock)
        try:
            for first in range(job.seen, job.total, AT_ONCE):
                if await self._has_ended(job):
                    break
                link_ids = job.link_ids[first : first + AT_ONCE]
                await self._note(job, link_ids, await apply(link_ids))
                await self._keep_at_times(job)
            else:
                job.state = "done" if job.is_running else job.state
        except ShortyError as error:
            job.state, job.error = "failed", error.message
        except Exception:
            log.exception("bulk_action_failed", action=job.action)
            job.state, job.error = "failed", UNFORESEEN
        await self._keep_end(job)

    async def _has_ended(self, job: BulkJob) -> bool:
        if job.is_given_back or job.is_lost or not job.is_running:
            return True
        now, row = self._read_clock(), job.row

        def ask(rows: Reader) -> tuple[bool, bool | None]:
            is_ours = True if row is None else is_wanted(rows, row)
            return may_still(rows, job.actor, "write", now), is_ours

        is_allowed, wanted = await self._context.db.read(ask)
        if wanted is None:
            job.is_lost = True
        elif job.is_cancelled or not wanted:
            job.state = "cancelled"
        elif not is_allowed:
            job.state, job.error = "stopped", NO_RIGHT
        return job.is_lost or not job.is_running

    async def _keep_at_times(self, job: BulkJob) -> None:
        if job.row is not None and monotonic() - job.kept_at >= KEEP_S:
            job.kept_at = monotonic()
            with suppress(StorageUnavailableError):  # it is tried again in a second, and at the end
                await self._rows.keep(write_row(job, job.row))

    async def _keep_end(self, job: BulkJob) -> None:
        row = job.row
        if row is not None and not job.is_lost:

            async def keep() -> None:
                if job.is_given_back and job.is_running:
                    await self._rows.give_back(write_row(job, row))
                else:
                    job.is_lost = not await self._rows.keep(write_row(job, row))

            await insist(keep, lambda: job.is_given_back)
        if job.is_lost and self.jobs.get(job.id) is job:
            del self.jobs[job.id]

    async def _note(
        self, job: BulkJob, link_ids: Sequence[int], outcomes: Sequence[Outcome]
    ) -> None:
        if job.row is not None and job.row.restarts:
            place = self._context, job.actor, job.action, link_ids, outcomes
            outcomes = await forgive_done(*place, self._read_clock())
        failed: dict[int, ShortyError] = {}
        for link_id, outcome in zip(link_ids, outcomes, strict=True):
            if isinstance(outcome, ShortyError):
                failed[link_id] = outcome
            else:
                job.done_ids.append(link_id)
                job.lost += len(outcome.lost_aliases)
                job.losses += map(write_loss, outcome.lost_aliases)
        del job.losses[KEPT_LOSSES:]
        job.failed_ids += failed
        shown = list(failed)[: KEPT_FAILURES - len(job.failures)]
        place = self._context.db, job.actor.workspace_id, shown
        found = (
            await find_deleted_links(*place, self._read_clock())
            if job.action == "restore"
            else await find_links(*place)
        )
        names = {link.id: f"{link.host}/{link.slug}" for link in found}
        job.failures += [
            Failure(name=names.get(link_id, f"#{link_id}"), message=sum_up(failed[link_id]))
            for link_id in shown
        ]


def is_long(job: BulkJob) -> bool:
    return job.total > AT_ONCE


def sum_up(error: ShortyError) -> str:
    """What went wrong, without the names of fields."""
    return (
        ". ".join(error.fields.values()) if isinstance(error, InvalidFieldsError) else error.message
    )
