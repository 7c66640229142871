"""The dashboard's imports: first a preview of the file, then the import, in the background.

Each is a row that every node can show, cancel and begin; the node that was asked runs it. When that
node stops or dies, the next one that looks starts it again. Unused previews are deleted after a
day, all else after seven.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import BinaryIO, Final

from msgspec.structs import replace

from shorty.accounts.model import Actor
from shorty.accounts.roles import require_scope
from shorty.errors import ConflictError, NotFoundError
from shorty.links.context import LinkContext
from shorty.links.job_store import MOST_RESTARTS, JobRow, JobRows, encode, make_job_id
from shorty.transfer.files import Hints
from shorty.transfer.job_files import JobFiles, find_size
from shorty.transfer.job_runs import (
    ImportJob,
    Run,
    Runner,
    Stage,
    Work,
    begin_state,
    read_job,
)
from shorty.transfer.model import ImportOptions, SourceName

BUSY: Final = "Another import is running. Wait for it, or cancel it."
RUNNING: Final = "This import is running; cancel it first."
STARTED: Final = "This import has already started or ended."
GIVEN_UP: Final = (
    "This import was stopped: the server that ran it stopped unexpectedly, again and again. What "
    "was imported stays; import the rest of the file in smaller parts."
)


class ImportJobs:
    """To be used on the event loop only. `folder` is used by nothing else."""

    def __init__(self, context: LinkContext, folder: Path, read_clock: Callable[[], int]) -> None:
        self._read_clock = read_clock
        self._rows = JobRows(context.db, "imports", read_clock, busy=BUSY)
        self._files = JobFiles(context.db, folder)
        self._runner = Runner(context, self._rows, self._files, read_clock)
        self.runs: dict[str, Run] = {}
        """What this node runs, by the id of the job."""

    async def start(self) -> None:
        """Gives back what an earlier process of this node ran, and removes what it left."""
        await self._rows.start()
        await self._clear_folder()

    async def stop(self) -> None:
        """Returns once no job runs here; other nodes, or the next start, go on with them."""
        runs = list(self.runs.values())
        for run in runs:
            run.give_back()
        await asyncio.gather(*(run.task for run in runs if run.task))

    async def take_up(self) -> None:
        """Goes on with a job whose node is gone, if there is one."""
        own = {job_id for job_id, run in self.runs.items() if not run.is_lost}
        row = await self._rows.take_expired(own)
        if row is None:
            return
        if (former := self.runs.get(row.id)) is not None:
            former.lose()
            await asyncio.gather(*filter(None, [former.task]))
        job = read_job(row)
        run = self._run(replace(job, state=begin_state(job.state)))
        if row.is_cancelled:
            run.progress.cancel()
        elif row.restarts > MOST_RESTARTS:
            run.progress.stop(GIVEN_UP)

    async def delete_old(self, now: int) -> int:
        """Deletes some of those that nobody needs; returns how many."""
        job_ids = await self._rows.delete_old(now)
        self._files.delete(job_ids)
        return len(job_ids)

    async def try_file(
        self,
        actor: Actor,
        file: BinaryIO,
        file_name: str,
        source: SourceName,
        options: ImportOptions,
    ) -> ImportJob:
        """Copies the file and starts its preview.

        Raises ForbiddenError, and ConflictError while another import of the workspace runs.
        """
        require_scope(actor, "write")
        await self._rows.require_idle(actor.workspace_id)
        size = find_size(file)
        work = Work(actor=actor, file_name=file_name, source=source, options=options, size=size)
        job = self._build(work)
        await self._files.take_upload(job.row, file)
        try:
            room = await self._rows.add(job.row)
        except BaseException:  # another import, a full disk, a server that stops
            self._files.leave_to_others(job.row)
            raise
        self._files.delete(room)
        return self._run(job).describe()

    async def begin(self, actor: Actor, job_id: str) -> ImportJob:
        """Imports a previewed file. Raises NotFoundError, ForbiddenError and ConflictError."""
        require_scope(actor, "write")
        job = await self.get_job(actor, job_id)
        return await self._begin(job, "importing", replace(job.work, actor=actor))

    async def try_again(self, actor: Actor, job_id: str, hints: Hints) -> ImportJob:
        """Previews a file again. Raises NotFoundError, ForbiddenError and ConflictError."""
        require_scope(actor, "write")
        job = await self.get_job(actor, job_id)
        options = replace(job.options, hints=hints)
        return await self._begin(job, "trying", replace(job.work, actor=actor, options=options))

    async def cancel(self, actor: Actor, job_id: str) -> None:
        """A running job ends within a second. Raises ForbiddenError and NotFoundError."""
        require_scope(actor, "write")
        job = await self.get_job(actor, job_id)
        await self._rows.cancel(actor.workspace_id, job.id)
        if (run := self._find_run(job.row)) is not None:
            run.progress.cancel()

    async def drop(self, actor: Actor, job_id: str) -> None:
        """Deletes a job that does not run. Raises NotFoundError and ConflictError."""
        require_scope(actor, "write")
        job = await self.get_job(actor, job_id)
        if not await self._rows.drop(actor.workspace_id, job.id):
            raise ConflictError(RUNNING)
        self._files.delete([job.id])

    async def get_job(self, actor: Actor, job_id: str) -> ImportJob:
        """Raises NotFoundError, for another workspace's too."""
        row = await self._rows.find(actor.workspace_id, job_id)
        if row is None:
            raise NotFoundError("import", job_id[:40])
        return self._show(row)

    async def list_jobs(self, actor: Actor) -> list[ImportJob]:
        """The newest first."""
        return list(map(self._show, await self._rows.list_all(actor.workspace_id)))

    async def read_report(self, job: ImportJob) -> AsyncGenerator[bytes]:
        """What is written so far. Raises ConflictError where it is not there any more."""
        return await self._files.read_report(job.row)

    def _build(self, work: Work) -> ImportJob:
        state = begin_state()
        row = JobRow(
            id=make_job_id(),
            kind="imports",
            workspace_id=work.actor.workspace_id,
            stage="trying",
            is_running=True,
            is_alone=True,
            started_at=self._read_clock(),
            work=encode(work),
            state=encode(state),
        )
        return ImportJob(row=row, work=work, state=state)

    async def _begin(self, job: ImportJob, stage: Stage, work: Work) -> ImportJob:
        state = begin_state(job.state)
        wanted = replace(job.row, stage=stage, work=encode(work), state=encode(state))
        row = await self._rows.begin(wanted)
        if row is None:
            raise ConflictError(STARTED)
        return self._run(ImportJob(row=row, work=work, state=state)).describe()

    def _run(self, job: ImportJob) -> Run:
        run = self.runs[job.id] = Run(job)
        run.task = asyncio.create_task(self._run_to_end(run))
        return run

    async def _run_to_end(self, run: Run) -> None:
        try:
            await self._runner.run(run)
        finally:
            if self.runs.get(run.job.id) is run:
                del self.runs[run.job.id]

    def _show(self, row: JobRow) -> ImportJob:
        """As it is now if this node runs it, else as it was within the last second."""
        job, run = read_job(row), self._find_run(row)
        return job if run is None else replace(job, state=run.describe().state)

    def _find_run(self, row: JobRow) -> Run | None:
        run = self.runs.get(row.id)
        return run if run is not None and run.job.row.run == row.run else None

    async def _clear_folder(self) -> None:
        self._files.clear(await self._rows.list_ids())
