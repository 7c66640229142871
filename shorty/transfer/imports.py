"""Takes a file of elsewhere into a workspace, batch by batch; tells what became of each line."""

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
from shorty.links.model import Link
from shorty.links.tags import make_colored_tags
from shorty.pools import WorkerThreads
from shorty.transfer.conflicts import There
from shorty.transfer.dry_run import DryRun
from shorty.transfer.files import InvalidFileError, OpenFile, ReadingStoppedError
from shorty.transfer.history import WOULD_BE_MADE, History
from shorty.transfer.import_links import Arrival, Prepared, insert_links, prepare_import
from shorty.transfer.model import (
    Fault,
    ImportedClick,
    ImportedCounts,
    ImportedLink,
    ImportedPage,
    ImportedPicture,
    ImportedTag,
    ImportedTemplate,
    ImportOptions,
    Item,
    Remark,
    SourceName,
)
from shorty.transfer.pages import Pages
from shorty.transfer.pictures import Pictures
from shorty.transfer.progress import TransferProgress
from shorty.transfer.sources import READERS
from shorty.transfer.templates import take_templates

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
    """The progress says how it ended, also where the file or the plan put an end to it.

    Once the progress is cancelled, whatever is being read or stored ends well within a second.
    Raises ForbiddenError before anything is read, and StorageUnavailableError.
    """
    require_scope(actor, "write")
    try:
        file = OpenFile(path, is_stopped=lambda: progress.is_cancelled)
        try:
            progress.total = file.size
            await Import(context, actor, options, now, progress).run(file, READERS[source](file))
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
    """One run: what it has learned of the file, and what it has made of it."""

    def __init__(
        self,
        context: LinkContext,
        actor: Actor,
        options: ImportOptions,
        now: int,
        progress: TransferProgress,
    ) -> None:
        # A file must not make the server call thousands of hosts.
        self._context = replace(context, ask_page=ask_nobody)
        self._actor = actor
        self._author = read_author(actor)
        self._owner = f"workspace {actor.workspace_id}"
        self._options = options
        self._now = now
        self._progress = progress
        is_dry_run = options.is_dry_run
        self._dry_run = DryRun(context, self._author, options) if is_dry_run else None
        self._history = History(context.db, progress, now, is_dry_run=is_dry_run)
        self._pictures = Pictures(context, actor, progress, now, is_dry_run=is_dry_run)
        pages = Pages(
            context, actor, progress, self._history, self._pictures, now, is_dry_run=is_dry_run
        )
        self._takers: dict[type, Callable[[list[Any]], Awaitable[None]]] = {
            ImportedLink: self._take_links,
            ImportedTag: self._take_tags,
            ImportedTemplate: self._take_templates,
            ImportedPicture: self._pictures.take,
            ImportedPage: pages.take,
            ImportedClick: self._history.take_clicks,
            ImportedCounts: self._history.take_counts,
            Fault: self._note_faults,
            Remark: self._note_remarks,
        }

    async def run(self, file: OpenFile, items: Iterator[Item]) -> None:
        if self._options.domain is not None:
            self._require_domain(self._options.domain)
        if self._dry_run is not None:
            await self._dry_run.begin(self._now)
        while True:
            batch, error = await self._read(items)
            for kind, alike in groupby(batch, key=type):
                found = list(alike)
                await self._takers[kind](found)
                self._require_wanted()
                self._progress.belongings += len(found) if kind in BELONGINGS else 0
            self._progress.move(file.position)
            if error is not None:
                raise error
            if not batch:
                break
        await self._history.finish()
        self._require_wanted()

    async def _read(self, items: Iterator[Item]) -> tuple[list[Item], InvalidFileError | None]:
        try:
            batch = await THREADS.run(self._owner, partial(read_batch, items))
        except asyncio.CancelledError:
            self._progress.cancel()  # the thread would read on for nobody
            raise
        self._require_wanted()
        return batch

    def _require_wanted(self) -> None:
        """Raises ReadingStoppedError once somebody has cancelled."""
        if self._progress.is_cancelled:
            raise ReadingStoppedError

    def _require_domain(self, host: str) -> None:
        if self._context.find_domain(self._actor.workspace_id, host) is None:
            fault = f"{host[:100]!r} is no domain of this workspace: add it first"
            raise InvalidFieldsError({"domain": fault})

    async def _take_links(self, items: Sequence[ImportedLink]) -> None:
        prepared: list[Prepared] = []
        for item in items:
            try:
                prepared.append(await self._prepare(item))
            except ShortyError as error:
                self._fail(item, error)
            # Visitors get their turn between links.
            await asyncio.sleep(0)
            self._require_wanted()
        arrivals = await self._insert(prepared)
        for each, arrival in zip(prepared, arrivals, strict=True):
            self._note_arrival(each, arrival)
        for arrival in arrivals:
            if isinstance(arrival, QuotaExceededError) and arrival.quota in LINK_QUOTAS:
                raise arrival

    async def _prepare(self, item: ImportedLink) -> Prepared:
        logos = self._pictures.list_ours("logo")
        return await prepare_import(self._context, self._author, item, self._options, logos)

    async def _insert(self, prepared: Sequence[Prepared]) -> Sequence[Arrival | None]:
        """None stands for a link that would be made."""
        if self._dry_run is not None:
            return self._dry_run.insert_links(prepared)
        if not prepared:
            return []
        context, author, on_conflict = self._context, self._author, self._options.on_conflict
        return await context.db.write(
            lambda tx: insert_links(tx, context, author, prepared, on_conflict, self._now)
        )

    def _note_arrival(self, prepared: Prepared, arrival: Arrival | None) -> None:
        item, progress = prepared.item, self._progress
        match arrival:
            case Link() | None:
                progress.created += 1
                link_id = arrival.id if arrival else WOULD_BE_MADE
                self._history.know(item.ref, link_id, is_new=True)
                if prepared.remark is not None:
                    progress.note("note", item.place, name_link(item), prepared.remark)
            case There():
                progress.there += 1
                self._history.know(item.ref, arrival.link_id, is_new=False)
            case _:
                self._fail(item, arrival)

    def _fail(self, item: ImportedLink, error: ShortyError) -> None:
        sort = "skipped" if isinstance(error, SlugTakenError) else "failed"
        self._progress.note(sort, item.place, name_link(item), error.message)

    async def _take_tags(self, items: Sequence[ImportedTag]) -> None:
        if self._options.is_dry_run:
            return
        workspace_id, now = self._actor.workspace_id, self._now
        for item in items:
            self._require_wanted()
            try:
                await self._context.db.write(
                    lambda tx, new=item.new: make_colored_tags(tx, workspace_id, [new], now)
                )
            except InvalidFieldsError as error:
                self._progress.note(
                    "failed", item.place, f"tag {item.new.name[:60]}", error.message
                )

    async def _take_templates(self, items: Sequence[ImportedTemplate]) -> None:
        if not self._options.is_dry_run:
            await take_templates(self._context.db, self._actor, items, self._now, self._progress)

    async def _note_faults(self, items: Sequence[Fault]) -> None:
        for item in items:
            self._progress.note("failed", item.place, item.subject, item.message)

    async def _note_remarks(self, items: Sequence[Remark]) -> None:
        for item in items:
            self._progress.note("note", item.place, "", item.message)


def read_batch(items: Iterator[Item]) -> tuple[list[Item], InvalidFileError | None]:
    """The next items, and the fault of the file that ends them, if there is one."""
    batch: list[Item] = []
    try:
        for item in islice(items, AT_ONCE):
            batch.append(item)
            if isinstance(item, ImportedPicture):
                break  # of these, one is much to hold
    except InvalidFileError as error:
        return batch, error
    return batch, None


def name_link(item: ImportedLink) -> str:
    return (item.change.slug or item.change.url or "")[:200]
