"""An action on many links: what is to be done, and how far it is."""

import asyncio
from time import monotonic
from typing import Literal

import msgspec
from msgspec.structs import replace

from shorty.accounts.model import Actor
from shorty.links.job_store import JobRow, encode
from shorty.links.model import LinkChange

JobState = Literal["running", "done", "cancelled", "stopped", "failed"]


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """A link to which nothing was done; `name` is its short link, or its id if it is gone."""

    name: str
    message: str


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be done; `change` is that of an action that changes links."""

    actor: Actor
    action: str
    link_ids: tuple[int, ...]
    change: LinkChange | None = None


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far it is: all before `seen` was done, but for the failed ones."""

    state: JobState
    error: str | None
    seen: int
    failed_ids: tuple[int, ...]
    failures: tuple[Failure, ...]
    losses: tuple[str, ...]
    lost: int


class BulkJob:
    """One action on many links: `done_ids` are those it changed, `failures` the first others.

    `losses` are sentences about the first aliases that restored links did not get back, `lost` is
    how many there are. A job that only this process knows has no row.
    """

    task: asyncio.Task[None] | None = None

    def __init__(self, job_id: str, work: Work, row: JobRow | None = None) -> None:
        self.id = job_id
        self.work = work
        self.row = row
        self.state: JobState = "running"
        self.error: str | None = None
        self.done_ids: list[int] = []
        self.failed_ids: list[int] = []
        self.failures: list[Failure] = []
        self.losses: list[str] = []
        self.lost = 0
        self.is_cancelled = False
        self.is_given_back = False
        self.is_lost = False
        self.kept_at = monotonic()

    @property
    def actor(self) -> Actor:
        return self.work.actor

    @property
    def action(self) -> str:
        return self.work.action

    @property
    def link_ids(self) -> tuple[int, ...]:
        return self.work.link_ids

    @property
    def is_running(self) -> bool:
        return self.state == "running"

    @property
    def total(self) -> int:
        return len(self.link_ids)

    @property
    def failed(self) -> int:
        return len(self.failed_ids)

    @property
    def seen(self) -> int:
        return len(self.done_ids) + self.failed

    def describe(self) -> Progress:
        return Progress(
            state=self.state,
            error=self.error,
            seen=self.seen,
            failed_ids=tuple(self.failed_ids),
            failures=tuple(self.failures),
            losses=tuple(self.losses),
            lost=self.lost,
        )

    def go_on_from(self, progress: Progress) -> None:
        failed = set(progress.failed_ids)
        self.state, self.error = progress.state, progress.error
        self.done_ids = [each for each in self.link_ids[: progress.seen] if each not in failed]
        self.failed_ids = list(progress.failed_ids)
        self.failures, self.losses = list(progress.failures), list(progress.losses)
        self.lost = progress.lost


def read_job(row: JobRow) -> BulkJob:
    job = BulkJob(row.id, msgspec.json.decode(row.work, type=Work), row)
    job.go_on_from(msgspec.json.decode(row.state, type=Progress))
    return job


def write_row(job: BulkJob, row: JobRow) -> JobRow:
    """The row of a job as it is now."""
    return replace(row, stage=job.state, is_running=job.is_running, state=encode(job.describe()))
