"""Imports a file into a workspace, batch by batch, and says what became of each line."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import partial
from itertools import groupby, islice
from pathlib import Path
from typing import Any, Final

from msgspec.structs import replace

from shorty.accounts.model import Actor
from shorty.accounts.roles import require_scope
from shorty.errors import (
    InvalidFieldsError,
    QuotaExceededError,
    ShortyError,
    SlugTakenError,
)
from shorty.links.context import LinkContext, ask_nobody, read_author
from shorty.links.model import Address, Link, PreparedLink
from shorty.links.store import COUNTER_LANES
from shorty.pools import WorkerThreads
from shorty.transfer.belongings import Tags, Templates
from shorty.transfer.conflicts import Existing
from shorty.transfer.files import Fault, InvalidFileError, OpenFile, ReadingStoppedError
from shorty.transfer.history import WOULD_BE_CREATED, History
from shorty.transfer.import_links import (
    Arrival,
    DryRun,
    Prepared,
    insert_links,
    note_lost_aliases,
    prepare_import,
    require_domain,
)
from shorty.transfer.model import (
    ImportedClick,
    ImportedCounts,
    ImportedLink,
    ImportedPage,
    ImportedPicture,
    ImportedTag,
    ImportedTemplate,
    ImportOptions,
    ImportRun,
    Item,
    Remark,
    SourceName,
)
from shorty.transfer.pages import Pages
from shorty.transfer.pictures import Pictures
from shorty.transfer.progress import TransferProgress
from shorty.transfer.remarks import describe_closings
from shorty.transfer.sources import READERS

AT_ONCE: Final = 500
THREADS: Final = WorkerThreads("read-imports", threads=2, waiting=1000, patience_s=600)
BELONGINGS: Final = frozenset({ImportedTag, ImportedTemplate, ImportedPicture})
LINK_QUOTAS: Final = ("links", "links_per_month")


async def import_file(
    context: LinkContext,
    actor: Actor,
    source: SourceName,
    path: Path,
    options: ImportOptions,
    now: int,
    progress: TransferProgress,
) -> None:
    """The progress says how it ended, also if the file or the plan ended it.

    Once the progress is cancelled, reading and storing end well within a second. Raises
    ForbiddenError before anything is read, and StorageUnavailableError.
    """
    require_scope(actor, "write")
    # A file must not make the server call thousands of hosts.
    quiet = replace(context, ask_page=ask_nobody)
    run = ImportRun(context=quiet, actor=actor, options=options, progress=progress, now=now)
    try:
        file = OpenFile(path, lambda: progress.is_cancelled, options.hints)
        try:
            progress.total = file.size
            await Import(run).take_file(file, READERS[source](file))
        finally:
            file.close()
    except InvalidFileError as error:
        progress.finish("failed", str(error))
    except (InvalidFieldsError, SlugTakenError, QuotaExceededError) as error:
        progress.finish("failed", error.message)
    except ReadingStoppedError:
        progress.finish_early()
    else:
        progress.finish("done")


class Import:
    """Takes each kind of item in."""

    def __init__(self, run: ImportRun) -> None:
        self._run = run
        self._progress = run.progress
        self._author = read_author(run.actor)
        dry_run = DryRun(run.context, self._author, run.options)
        self._dry_run = dry_run if run.is_dry_run else None
        self._history = History(run)
        self._pictures = Pictures(run)
        self._tags, self._templates = Tags(run), Templates(run)
        self._takers: dict[type, Callable[[list[Any]], Awaitable[None]]] = {
            ImportedLink: self._take_links,
            ImportedTag: self._tags.take,
            ImportedTemplate: self._templates.take,
            ImportedPicture: self._pictures.take,
            ImportedPage: Pages(run, self._history, self._pictures).take,
            ImportedClick: self._history.take_clicks,
            ImportedCounts: self._history.take_counts,
            Fault: self._note_faults,
            Remark: self._note_remarks,
        }

    async def take_file(self, file: OpenFile, items: Iterator[Item]) -> None:
        """Raises InvalidFileError, InvalidFieldsError, SlugTakenError, QuotaExceededError and
        ReadingStoppedError."""
        run = self._run
        if run.options.domain is not None:
            require_domain(run.context, run.workspace_id, run.options.domain)
        if self._dry_run is not None:
            await self._dry_run.begin(run.now)
        await self._tags.begin()
        await self._templates.begin()
        while True:
            batch, error = await self._read(items)
            for kind, alike in groupby(batch, key=type):
                found = list(alike)
                await self._takers[kind](found)
                run.require_wanted()
                self._progress.belongings += len(found) if kind in BELONGINGS else 0
            self._progress.move(file.position)
            if error is not None:
                raise error
            if not batch:
                break
        await self._history.finish()
        run.require_wanted()

    async def _read(self, items: Iterator[Item]) -> tuple[list[Item], InvalidFileError | None]:
        owner = f"workspace {self._run.workspace_id}"
        try:
            batch = await THREADS.run(owner, partial(read_batch, items))
        except asyncio.CancelledError:
            self._progress.cancel()  # the thread would read on for nobody
            raise
        self._run.require_wanted()
        return batch

    async def _take_links(self, items: Sequence[ImportedLink]) -> None:
        prepared: list[Prepared] = []
        for item in items:
            try:
                prepared.append(await self._prepare(item))
            except ShortyError as error:
                self._fail(item, error)
            # Visitors get their turn between links.
            await asyncio.sleep(0)
            self._run.require_wanted()
        arrivals = await self._insert(prepared)
        for each, arrival in zip(prepared, arrivals, strict=True):
            self._note_arrival(each, arrival)
        for arrival in arrivals:
            if isinstance(arrival, QuotaExceededError) and arrival.quota in LINK_QUOTAS:
                raise arrival

    async def _prepare(self, item: ImportedLink) -> Prepared:
        return await prepare_import(
            self._run, self._author, item, self._pictures.list_ours("logo"), self._tags
        )

    async def _insert(self, prepared: Sequence[Prepared]) -> Sequence[Arrival | PreparedLink]:
        """A PreparedLink for a link that would be created."""
        if self._dry_run is not None:
            return await self._dry_run.insert_links(prepared)
        if not prepared:
            return []
        run, author = self._run, self._author
        return await run.context.db.write(
            lambda tx: insert_links(
                tx, run.context, author, prepared, run.options.on_conflict, run.now
            ),
            *(COUNTER_LANES if any(each.item.past.counts for each in prepared) else ()),
        )

    def _note_arrival(self, prepared: Prepared, arrival: Arrival | PreparedLink) -> None:
        item, progress = prepared.item, self._progress
        match arrival:
            case Link() | PreparedLink():
                progress.created += 1
                link_id = arrival.id if isinstance(arrival, Link) else WOULD_BE_CREATED
                self._history.know(item.ref, link_id, is_new=True)
                self._note_remarks_of(prepared, arrival.aliases)
            case Existing():
                progress.there += 1
                self._history.know(item.ref, arrival.link_id, is_new=False)
            case _:
                self._fail(item, arrival)

    def _note_remarks_of(self, prepared: Prepared, aliases: Sequence[Address]) -> None:
        place, subject, progress = prepared.item.place, name_link(prepared.item), self._progress
        if prepared.closed:
            message = describe_closings(prepared.closed)
            progress.note("note", place, subject, message, "switched off")
            progress.switch_off(prepared.closed[0].reason)
        for remark in prepared.remarks:
            progress.note("note", place, subject, remark.message, remark.kind)
        lost = list(note_lost_aliases(prepared.link, aliases))
        for message in lost:
            progress.note("note", place, subject, message, "other")
        progress.flawed += bool(prepared.closed or prepared.remarks or lost)

    def _fail(self, item: ImportedLink, error: ShortyError) -> None:
        sort = "skipped" if isinstance(error, SlugTakenError) else "failed"
        self._progress.note(sort, item.place, name_link(item), error.message)

    async def _note_faults(self, items: Sequence[Fault]) -> None:
        for item in items:
            self._progress.note("failed", item.place, item.subject, item.message)

    async def _note_remarks(self, items: Sequence[Remark]) -> None:
        for item in items:
            self._progress.note("note", item.place, "", item.message, "columns")


def read_batch(items: Iterator[Item]) -> tuple[list[Item], InvalidFileError | None]:
    """The next items, and the fault of the file that ends them, if any."""
    batch: list[Item] = []
    try:
        for item in islice(items, AT_ONCE):
            batch.append(item)
            if isinstance(item, ImportedPicture):
                break  # they are large
    except InvalidFileError as error:
        return batch, error
    return batch, None


def name_link(item: ImportedLink) -> str:
    return (item.change.slug or item.change.url or "")[:200]
