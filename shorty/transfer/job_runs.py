"""Runs one import of the dashboard on this node: its preview, or the import itself.

It ends within a second when its person loses the right to import or cancels it on any node, and
when this process stops; then another node, or this one once it is started again, begins it anew. An
import may be repeated, since it creates nothing twice.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import BinaryIO, Final, Literal

import msgspec
import structlog
from msgspec.structs import replace

from shorty.accounts.model import Actor
from shorty.accounts.roles import may_still
from shorty.errors import BusyError, StorageUnavailableError
from shorty.links.context import LinkContext
from shorty.links.job_store import KEEP_S, JobRow, JobRows, encode, insist, is_wanted
from shorty.storage.database import Reader
from shorty.transfer.imports import import_file
from shorty.transfer.job_files import JobFiles
from shorty.transfer.model import ImportOptions, SourceName
from shorty.transfer.progress import Report, Transfer, TransferProgress
from shorty.transfer.sources import read_headings

Stage = Literal["trying", "tried", "importing", "over"]

ASK_AGAIN_S: Final = 0.5
UNASKED_S: Final = 10.0
"""So long an import goes on while nobody can say whether it may, as its writes wait for a server
that is restarted; nobody can lose the right meanwhile."""
NO_RIGHT: Final = (
    "This import was stopped: the person who started it was signed out, removed or given a role "
    "that may not import. What was imported stays; anyone who may import can import the file again."
)
UNFORESEEN: Final = "Something went wrong. What was imported stays; import the file again."
NO_UPLOAD: Final = (
    "The uploaded file no longer exists. What was imported stays; import the file again."
)
STOPPING: Final = "The server is stopping."
TAKEN: Final = "Another server has taken this import over."

log = structlog.get_logger(__name__)


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """What an import is about; `size` is the upload's, in bytes."""

    actor: Actor
    file_name: str
    source: SourceName
    options: ImportOptions
    size: int


class State(msgspec.Struct, frozen=True, kw_only=True):
    """How far it is. `headings` are those of a table's columns, once it was tried."""

    transfer: Transfer
    has_something: bool = False
    headings: tuple[str, ...] = ()


class ImportJob(msgspec.Struct, frozen=True, kw_only=True):
    """One uploaded file, from its preview to its end."""

    row: JobRow
    work: Work
    state: State

    @property
    def id(self) -> str:
        return self.row.id

    @property
    def stage(self) -> Stage:
        return self.row.stage  # pyright: ignore[reportReturnType] - as it was stored

    @property
    def is_running(self) -> bool:
        return self.row.is_running

    @property
    def file_name(self) -> str:
        return self.work.file_name

    @property
    def source(self) -> SourceName:
        return self.work.source

    @property
    def options(self) -> ImportOptions:
        return self.work.options

    @property
    def started_at(self) -> int:
        return self.row.started_at

    @property
    def was_restarted(self) -> bool:
        return self.row.restarts > 0 and self.stage in {"importing", "over"}

    @property
    def headings(self) -> tuple[str, ...]:
        return self.state.headings

    @property
    def progress(self) -> Transfer:
        return self.state.transfer

    @property
    def has_something(self) -> bool:
        """Whether anything in it can be imported, as far as is known."""
        return self.state.has_something


def read_job(row: JobRow) -> ImportJob:
    return ImportJob(
        row=row,
        work=msgspec.json.decode(row.work, type=Work),
        state=msgspec.json.decode(row.state, type=State),
    )


def begin_state(state: State | None = None) -> State:
    """Before anything is known; the headings stay."""
    return State(
        transfer=TransferProgress().describe(), headings=() if state is None else state.headings
    )


class Run:
    """A job that this node runs, until it has kept how it ended."""

    def __init__(self, job: ImportJob) -> None:
        self.job = job
        self.news = asyncio.Event()  # the import has got on
        self.progress = TransferProgress(on_change=lambda _: self.news.set())
        self.headings = job.headings
        self.is_given_back = False
        self.is_lost = False
        self.reported = 0  # bytes of the report that other nodes see
        self.kept_at = self.asked_at = monotonic()
        self.task: asyncio.Task[None] | None = None

    def describe(self) -> ImportJob:
        """The job as it is now."""
        transfer, progress = self.progress.describe(), self.progress
        found = progress.created or progress.there or progress.clicks or progress.belongings
        has_something = progress.state not in {"cancelled", "stopped"} and bool(found)
        state = State(transfer=transfer, has_something=has_something, headings=self.headings)
        return replace(self.job, state=state)

    def give_back(self) -> None:
        """To whoever takes it next."""
        self.is_given_back = True
        self.progress.stop(STOPPING)

    def lose(self) -> None:
        """To the node that has taken it."""
        self.is_lost = True
        self.progress.stop(TAKEN)


class Runner:
    """To be used on the event loop only."""

    def __init__(
        self, context: LinkContext, rows: JobRows, files: JobFiles, read_clock: Callable[[], int]
    ) -> None:
        self._context = context
        self._rows = rows
        self._files = files
        self._read_clock = read_clock

    async def run(self, run: Run) -> None:
        """Returns once it is stored how the job ended, or that this node does not run it."""
        await self._read_file(run)
        ended = self._end(run)
        if not run.is_lost:
            await self._keep_end(run, ended)
        if run.is_lost:
            self._files.leave_to_others(run.job.row)
        if run.job.stage == "importing" and not ended.is_running and not run.is_lost:
            _log_end(ended)

    def _end(self, run: Run) -> ImportJob:
        """What becomes of the job. A file with nothing to import does not wait for its person,
        unless as a table whose columns they can name.
        """
        job = run.describe()
        if run.is_given_back and job.progress.state == "stopped":
            return job
        waits = job.stage == "trying" and (job.has_something or bool(job.headings))
        stage: Stage = "tried" if waits else "over"
        return replace(job, row=replace(job.row, stage=stage, is_running=False))

    async def _keep_end(self, run: Run, ended: ImportJob) -> None:
        row = replace(ended.row, state=encode(ended.state))

        async def keep() -> None:
            await self._share_report(run)
            if row.is_running:
                await self._rows.give_back(row)
            elif not await self._rows.keep(row):
                run.is_lost = True
                return
            needs_upload = row.is_running or row.stage == "tried"
            await self._files.leave(row, keeps_upload=needs_upload)

        await insist(keep, lambda: run.is_given_back)

    async def _read_file(self, run: Run) -> None:
        progress = run.progress
        try:
            with self._files.open_report(run.job.row) as report:
                progress.report_to(Report(report).add)
                reading = asyncio.ensure_future(self._bring_and_import(run))
                try:
                    while not reading.done():
                        await _wait_for_either(reading, run.news, ASK_AGAIN_S)
                        await self._look_around(run, report)
                    await reading
                finally:
                    reading.cancel()
        except (BusyError, StorageUnavailableError) as error:
            progress.finish("failed", error.message)
        except Exception:
            log.exception("import_failed", source=run.job.source)
            progress.finish("failed", UNFORESEEN)

    async def _bring_and_import(self, run: Run) -> None:
        job, progress = run.job, run.progress
        is_trying = job.stage == "trying"

        def is_stopped() -> bool:
            return progress.is_cancelled and not run.is_given_back

        if job.row.run == 1:  # who takes it next needs the whole file
            await self._files.share_upload(job.row, is_stopped)
        path = await self._files.find_upload(job.row, job.work.size, is_stopped)
        if progress.is_cancelled:
            progress.finish_early()
            return
        if path is None:
            progress.finish("failed", NO_UPLOAD)
            return
        options = replace(job.options, is_dry_run=is_trying)
        now = self._read_clock()
        await import_file(self._context, job.work.actor, job.source, path, options, now, progress)
        if is_trying and progress.state not in {"cancelled", "stopped"}:
            hints = job.options.hints
            run.headings = await asyncio.to_thread(read_headings, job.source, path, hints)

    async def _look_around(self, run: Run, report: BinaryIO) -> None:
        """Called for each batch and meanwhile: ends what may not go on, shows how far it is."""
        await self._ask_again(run)
        if monotonic() - run.kept_at >= KEEP_S and not run.progress.is_cancelled:
            run.kept_at = monotonic()
            report.flush()
            with suppress(StorageUnavailableError):  # it is tried again in a second, and at the end
                await self._keep(run)

    async def _keep(self, run: Run) -> None:
        job = run.describe()
        if not await self._rows.keep(replace(job.row, state=encode(job.state))):
            run.lose()
            return
        await self._share_report(run)

    async def _share_report(self, run: Run) -> None:
        run.reported = await self._files.share_report(run.job.row, run.reported)

    async def _ask_again(self, run: Run) -> None:
        job, now = run.job, self._read_clock()

        def ask(rows: Reader) -> tuple[bool, bool | None]:
            return may_still(rows, job.work.actor, "write", now), is_wanted(rows, job.row)

        try:
            is_allowed, wanted = await self._context.db.read(ask)
        except StorageUnavailableError as error:
            if monotonic() - run.asked_at >= UNASKED_S:
                run.progress.stop(error.message)
            return
        run.asked_at = monotonic()
        if wanted is None:
            run.lose()
        elif not wanted:
            run.progress.cancel()
        elif not is_allowed:
            run.progress.stop(NO_RIGHT)


def _log_end(job: ImportJob) -> None:
    done, actor = job.progress, job.work.actor
    log.info(
        "import_done",
        workspace_id=actor.workspace_id,
        user_id=actor.user_id,
        source=job.source,
        state=done.state,
        created=done.created,
        skipped=done.skipped,
        failed=done.failed,
    )


async def _wait_for_either(
    task: "asyncio.Task[None]", news: asyncio.Event, timeout_s: float
) -> None:
    hearing = asyncio.create_task(news.wait())
    try:
        await asyncio.wait({task, hearing}, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
    finally:
        hearing.cancel()
    news.clear()
