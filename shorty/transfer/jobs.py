"""Runs the dashboard's imports in the background: first a preview of the file, then the import.

Jobs live in this process. A job ends within a second when the process stops, and when its person
loses the right to import: session, membership and role are checked all the time. Uploads lie beside
the database, readable by the server alone, and are deleted once they are no longer needed.
"""

import asyncio
import os
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Final, Literal

import structlog
from msgspec.structs import replace

from shorty.accounts.model import Actor
from shorty.accounts.roles import may_still, require_scope
from shorty.errors import BusyError, ConflictError, NotFoundError, StorageUnavailableError
from shorty.links.context import LinkContext
from shorty.transfer.files import Hints
from shorty.transfer.imports import import_file
from shorty.transfer.model import ImportOptions, SourceName
from shorty.transfer.progress import Report, Transfer, TransferProgress
from shorty.transfer.sources import read_headings

Stage = Literal["trying", "tried", "importing", "over"]

PIECE_BYTES: Final = 1024 * 1024
KEPT_JOBS: Final = 10
"""Per workspace, the newest."""
ASK_AGAIN_S: Final = 0.5
NO_RIGHT: Final = (
    "This import was stopped: the person who started it was signed out, removed or given a role "
    "that may not import. What was imported stays; anyone who may import can import the file again."
)
UNFORESEEN: Final = "Something went wrong. What was imported stays; import the file again."

log = structlog.get_logger(__name__)


class ImportJob:
    """One uploaded file, from its preview to its end."""

    def __init__(
        self,
        folder: Path,
        actor: Actor,
        file_name: str,
        source: SourceName,
        options: ImportOptions,
        now: int,
    ) -> None:
        self.id = secrets.token_urlsafe(12)
        self.actor = actor
        self.file_name = file_name
        self.source: SourceName = source
        self.options = options
        self.started_at = now
        self.stage: Stage = "trying"
        self.path = folder / f"{self.id}.upload"
        self.report_path = folder / f"{self.id}.report"
        self.progress = TransferProgress()
        self.task: asyncio.Task[None] | None = None
        self.headings: tuple[str, ...] = ()
        """Of a table's columns, once it was tried."""

    @property
    def is_running(self) -> bool:
        return self.stage in {"trying", "importing"}

    @property
    def has_something(self) -> bool:
        """Whether anything in it can be imported, as far as is known."""
        progress = self.progress
        found = progress.created or progress.there or progress.clicks or progress.belongings
        return progress.state not in {"cancelled", "stopped"} and bool(found)

    def describe(self) -> Transfer:
        return self.progress.describe()


class ImportJobs:
    """To be used on the event loop only. `folder` is used by nothing else."""

    def __init__(self, context: LinkContext, folder: Path, read_clock: Callable[[], int]) -> None:
        self._context = context
        self._folder = folder
        self._read_clock = read_clock
        self._jobs: dict[str, ImportJob] = {}

    def start(self) -> None:
        """Removes the uploads that a killed process has left."""
        self._clear_folder()

    async def stop(self) -> None:
        """Returns once no job runs."""
        for job in self._jobs.values():
            job.progress.cancel()
        await asyncio.gather(*(job.task for job in self._jobs.values() if job.task))
        self._jobs.clear()
        self._clear_folder()

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
        self._require_idle(actor)
        self._folder.mkdir(mode=0o700, exist_ok=True)
        job = ImportJob(self._folder, actor, file_name, source, options, self._read_clock())
        try:
            await asyncio.to_thread(copy_upload, file, job.path)
            self._require_idle(actor)
        except BaseException:  # a full disk, another import, a server that stops
            job.path.unlink(missing_ok=True)
            raise
        self._make_room(actor)
        self._jobs[job.id] = job
        job.progress = self._make_progress(job)
        job.task = asyncio.create_task(self._try(job))
        return job

    def begin(self, actor: Actor, job_id: str) -> ImportJob:
        """Imports a previewed file. Raises NotFoundError, ForbiddenError and ConflictError."""
        require_scope(actor, "write")
        job = self.get_job(actor, job_id)
        if job.stage != "tried":
            raise ConflictError("This import has already started or ended.")
        self._require_idle(actor)
        job.actor, job.stage = actor, "importing"
        job.progress = self._make_progress(job)
        job.task = asyncio.create_task(self._import(job))
        return job

    def try_again(self, actor: Actor, job_id: str, hints: Hints) -> ImportJob:
        """Previews a file again. Raises NotFoundError, ForbiddenError and ConflictError."""
        require_scope(actor, "write")
        job = self.get_job(actor, job_id)
        if job.stage != "tried":
            raise ConflictError("This import has already started or ended.")
        self._require_idle(actor)
        job.actor, job.stage = actor, "trying"
        job.options = replace(job.options, hints=hints)
        job.progress = self._make_progress(job)
        job.task = asyncio.create_task(self._try(job))
        return job

    def cancel(self, actor: Actor, job_id: str) -> None:
        """A running job ends within a second. Raises ForbiddenError and NotFoundError."""
        require_scope(actor, "write")
        self.get_job(actor, job_id).progress.cancel()

    def drop(self, actor: Actor, job_id: str) -> None:
        """Deletes a job that does not run. Raises NotFoundError and ConflictError."""
        require_scope(actor, "write")
        job = self.get_job(actor, job_id)
        if job.is_running:
            raise ConflictError("This import is running; cancel it first.")
        self._drop(job)

    def get_job(self, actor: Actor, job_id: str) -> ImportJob:
        """Raises NotFoundError, for another workspace's too."""
        job = self._jobs.get(job_id)
        if job is None or job.actor.workspace_id != actor.workspace_id:
            raise NotFoundError("import", job_id[:40])
        return job

    def list_jobs(self, actor: Actor) -> list[ImportJob]:
        """The newest first."""
        workspace_id = actor.workspace_id
        jobs = [job for job in self._jobs.values() if job.actor.workspace_id == workspace_id]
        return jobs[::-1]

    def _require_idle(self, actor: Actor) -> None:
        if any(job.is_running for job in self.list_jobs(actor)):
            raise ConflictError("Another import is running. Wait for it, or cancel it.")

    def _make_room(self, actor: Actor) -> None:
        """Drops an unused preview, and the oldest of too many jobs."""
        jobs = self.list_jobs(actor)
        for job in [*(job for job in jobs if job.stage == "tried"), *jobs[KEPT_JOBS - 1 :]]:
            if job.id in self._jobs:
                self._drop(job)

    def _drop(self, job: ImportJob) -> None:
        del self._jobs[job.id]
        job.path.unlink(missing_ok=True)
        job.report_path.unlink(missing_ok=True)

    async def _try(self, job: ImportJob) -> None:
        await self._run(job, replace(job.options, is_dry_run=True))
        if job.progress.state not in {"cancelled", "stopped"}:
            job.headings = await asyncio.to_thread(
                read_headings, job.source, job.path, job.options.hints
            )
        # A file with nothing to import does not wait for its person, unless as a table whose
        # columns they can name.
        job.stage = "tried" if job.has_something or job.headings else "over"
        if job.stage == "over":
            job.path.unlink(missing_ok=True)

    async def _import(self, job: ImportJob) -> None:
        await self._run(job, job.options)
        job.stage = "over"
        job.path.unlink(missing_ok=True)

    async def _run(self, job: ImportJob, options: ImportOptions) -> None:
        progress = job.progress
        try:
            with open_private(job.report_path) as file:
                progress.report_to(Report(file).add)
                importing = asyncio.ensure_future(
                    import_file(
                        self._context,
                        job.actor,
                        job.source,
                        job.path,
                        options,
                        self._read_clock(),
                        progress,
                    )
                )
                while not importing.done():
                    await asyncio.wait({importing}, timeout=ASK_AGAIN_S)
                    self._ask_again(job)
                await importing
        except (BusyError, StorageUnavailableError) as error:
            progress.finish("failed", error.message)
        except Exception:
            log.exception("import_failed", source=job.source)
            progress.finish("failed", UNFORESEEN)

    def _make_progress(self, job: ImportJob) -> TransferProgress:
        return TransferProgress(on_change=lambda _: self._ask_again(job))

    def _ask_again(self, job: ImportJob) -> None:
        """Stops a job whose person may no longer import; called for each batch and meanwhile."""
        try:
            if not may_still(self._context.db, job.actor, "write", self._read_clock()):
                job.progress.stop(NO_RIGHT)
        except StorageUnavailableError as error:
            job.progress.stop(error.message)

    def _clear_folder(self) -> None:
        try:
            if self._folder.exists():
                shutil.rmtree(self._folder)
        except OSError as error:
            log.warning("uploads_remain", folder=str(self._folder), reason=error.strerror)


def copy_upload(file: BinaryIO, path: Path) -> None:
    file.seek(0)
    with open_private(path) as copy:
        shutil.copyfileobj(file, copy, PIECE_BYTES)


def open_private(path: Path) -> BinaryIO:
    """A new file, which replaces one of an earlier run."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    return os.fdopen(descriptor, "wb")
