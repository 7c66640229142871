"""The progress of a transfer and its problems: a bounded list, and a report of all of them."""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, BinaryIO, Final, Literal, TypeVar

import msgspec

from shorty.transfer.remarks import Reason, RemarkKind
from shorty.transfer.tables import write_cell, write_rows

Sort = Literal["failed", "skipped", "note"]
State = Literal["running", "done", "failed", "cancelled", "stopped"]

T = TypeVar("T")

KEPT_PROBLEMS: Final = 100
REPORT_HEADING: Final = ("result", "place", "link", "message", "about")


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the file that was not imported cleanly.

    `place` is its place in the file, `subject` the link that it is about. `about` is the kind of a
    remark, None for what did not come in.
    """

    sort: Sort
    place: str
    subject: str
    message: str
    about: RemarkKind | None = None


class Transfer(msgspec.Struct, frozen=True, kw_only=True):
    """The state of an import or export at one moment.

    `done` and `total` are bytes of the file that is read, or rows to write. `there` counts links
    that existed before, `flawed` those that came in with a remark. `remarks` and `switched_off` say
    how many remarks of each kind there are, and how many links came in switched off for each
    reason. `problems` has only the first. A person has `cancelled`; `error` says why a transfer was
    `stopped`.
    """

    state: State
    done: int
    total: int
    created: int
    there: int
    skipped: int
    failed: int
    clicks: int
    flawed: int
    remarks: Mapping[RemarkKind, int]
    switched_off: Mapping[Reason, int]
    problems: tuple[Problem, ...]
    problem_count: int
    error: str | None

    @property
    def is_clean(self) -> bool:
        """Whether every row came in as it was meant."""
        return self.state == "done" and not (self.failed or self.skipped or self.flawed)


def list_tally(counts: Mapping[Any, int]) -> str:
    """As `banned 2, paused 1`."""
    return ", ".join(f"{name} {count:,}" for name, count in counts.items())


class TransferProgress:
    """Counts while a transfer runs. `on_change` and `on_problem` must not block.

    `belongings` counts tags, templates and pictures, which are not shown.
    """

    def __init__(
        self,
        total: int = 0,
        *,
        on_change: Callable[[Transfer], None] | None = None,
        on_problem: Callable[[Problem], None] | None = None,
    ) -> None:
        self.total = total
        self.done = self.created = self.there = self.skipped = self.failed = self.clicks = 0
        self.belongings = self.flawed = 0
        self._remarks: Counter[RemarkKind] = Counter()
        self._switched_off: Counter[Reason] = Counter()
        self.state: State = "running"
        self.error: str | None = None
        self._cancelled = asyncio.Event()
        self._stopped_by: str | None = None
        self._problems: list[Problem] = []
        self._problem_count = 0
        self._on_change = on_change
        self._on_problem = on_problem

    def report_to(self, on_problem: Callable[[Problem], None]) -> None:
        self._on_problem = on_problem

    def cancel(self) -> None:
        """The transfer ends within a second. What was imported before stays."""
        self._cancelled.set()

    def stop(self, reason: str) -> None:
        """As cancel, for a reason that no person has chosen. The first reason stays."""
        self._stopped_by = self._stopped_by or reason
        self._cancelled.set()

    @property
    def is_cancelled(self) -> bool:
        """May be called from any thread."""
        return self._cancelled.is_set()

    async def unless_cancelled(self, work: Coroutine[Any, Any, T]) -> T | None:
        """The result of long work; None if the transfer was cancelled meanwhile."""
        working = asyncio.ensure_future(work)
        cancelled = asyncio.ensure_future(self._cancelled.wait())
        try:
            await asyncio.wait({working, cancelled}, return_when=asyncio.FIRST_COMPLETED)
            return working.result() if working.done() else None
        finally:
            cancelled.cancel()
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)

    def note(
        self, sort: Sort, place: str, subject: str, message: str, about: RemarkKind = "other"
    ) -> None:
        """`about` is of remarks, which are of the sort "note"."""
        if sort == "failed":
            self.failed += 1
        elif sort == "skipped":
            self.skipped += 1
        else:
            self._remarks[about] += 1
        problem = Problem(
            sort=sort,
            place=place,
            subject=subject,
            message=message,
            about=about if sort == "note" else None,
        )
        self._problem_count += 1
        if len(self._problems) < KEPT_PROBLEMS:
            self._problems.append(problem)
        if self._on_problem is not None:
            self._on_problem(problem)

    def switch_off(self, reason: Reason) -> None:
        """Counts a link that came in switched off."""
        self._switched_off[reason] += 1

    def move(self, done: int) -> None:
        """Never moves back, nor past the total."""
        self.done = min(max(done, self.done), self.total) if self.total else done
        if self._on_change is not None:
            self._on_change(self.describe())

    def finish(self, state: State, error: str | None = None) -> None:
        self.state, self.error = state, error
        self.move(self.total if state == "done" else self.done)

    def finish_early(self) -> None:
        self.finish("stopped" if self._stopped_by else "cancelled", self._stopped_by)

    def describe(self) -> Transfer:
        return Transfer(
            state=self.state,
            done=self.done,
            total=self.total,
            created=self.created,
            there=self.there,
            skipped=self.skipped,
            failed=self.failed,
            clicks=self.clicks,
            flawed=self.flawed,
            remarks=dict(self._remarks.most_common()),
            switched_off=dict(self._switched_off.most_common()),
            problems=tuple(self._problems),
            problem_count=self._problem_count,
            error=self.error,
        )


class Report:
    """A CSV file with every problem, written as they come."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        file.write(write_rows([REPORT_HEADING]))

    def add(self, problem: Problem) -> None:
        about = problem.about or ""
        cells = (problem.sort, problem.place, problem.subject, problem.message, about)
        self._file.write(write_rows([map(write_cell, cells)]))
