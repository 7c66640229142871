"""Jobs that run in the background, as rows: any node shows or cancels one, a single node runs it.

Who takes a job raises its `run`, and what an earlier taker writes later is ignored. A job whose
node has not been seen for LEASE_MS, or that its node gave back when it stopped, is taken by the
next node that looks; on SQLite that is the next start of the server.

Who adds, takes or drops a job looks at others first, in the lane of all such writes. How far a job
is, and that it was cancelled, is one statement for its row, beside the lanes.
"""

import asyncio
import json
import secrets
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any, Final, Literal

import msgspec

from shorty.durations import DAY_MS
from shorty.errors import ConflictError, StorageUnavailableError
from shorty.storage.database import Database, Reader, Row, Transaction
from shorty.storage.statements import number_places

Kind = Literal["imports", "links"]

LEASE_MS: Final = 15_000
KEEP_S: Final = 1.0
"""How often at most a job that runs writes how far it is."""
RETRY_S: Final = 1.0
MOST_RESTARTS: Final = 3
"""Past so many, the job itself may be what ends its nodes."""
KEPT_JOBS: Final = 10
"""Per workspace and kind, the newest."""
PREVIEW_MS: Final = DAY_MS
ENDED_MS: Final = 7 * DAY_MS
WAITING: Final = "tried"
"""The stage of a job that waits for its person."""

SELECT: Final = """
select job_id, kind, workspace_id, stage, is_running, is_alone, is_cancelled, node, run, restarts,
       started_at, seen_at, work, state
from background_jobs
"""
INSERT: Final = """
insert into background_jobs (
  job_id, kind, workspace_id, stage, is_running, is_alone, is_cancelled, node, run, restarts,
  started_at, seen_at, work, state
) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
"""
FIND: Final = f"{SELECT} where job_id = $1 and workspace_id = $2 and kind = $3"
LIST: Final = f"""
{SELECT} where workspace_id = $1 and kind = $2 order by id desc
"""
FIND_ALONE: Final = """
select 1 from background_jobs
where workspace_id = $1 and kind = $2 and is_running = 1 and is_alone = 1
"""
LIST_ENDED: Final = """
select job_id, stage from background_jobs
where workspace_id = $1 and kind = $2 and is_running = 0 order by id desc
"""
TAKE: Final = """
update background_jobs
set stage = $2, is_running = 1, is_cancelled = 0, node = $3, run = $4, restarts = $5, seen_at = $6,
    work = $7, state = $8
where job_id = $1
"""
KEEP: Final = """
update background_jobs set stage = $3, is_running = $4, seen_at = $5, state = $6
where job_id = $1 and run = $2
returning job_id
"""
CANCEL: Final = """
update background_jobs set is_cancelled = 1
where job_id = $1 and workspace_id = $2 and kind = $3 and is_running = 1
"""
IS_WANTED: Final = """
select is_cancelled from background_jobs where job_id = $1 and run = $2 and is_running = 1
"""
GIVE_BACK_ALL: Final = """
update background_jobs set seen_at = 0 where kind = $1 and node = $2 and is_running = 1
"""
LIST_EXPIRED: Final = """
select job_id, workspace_id from background_jobs
where is_running = 1 and seen_at < $2 and kind = $1 order by seen_at, id limit 100
"""
LIST_OLD: Final = """
select job_id from background_jobs
where kind = $1 and is_running = 0 and (started_at < $2 or stage = $3 and started_at < $4)
order by id limit 100
"""
LIST_IDS: Final = "select job_id from background_jobs where kind = $1"
DROP: Final = "delete from background_jobs where is_running = 0 and job_id in"


class JobRow(msgspec.Struct, frozen=True, kw_only=True):
    """A job as it is stored; `work` and `state` are JSON of its kind."""

    id: str = msgspec.field(name="job_id")
    kind: Kind
    workspace_id: int
    stage: str
    is_running: bool
    is_alone: bool
    is_cancelled: bool = False
    node: str = ""
    run: int = 1
    restarts: int = 0
    started_at: int
    seen_at: int = 0
    work: str
    state: str


async def insist(work: Callable[[], Awaitable[None]], is_stopping: Callable[[], bool]) -> None:
    """Does the work again and again while the database is away, but not once this process stops."""
    while True:
        try:
            return await work()
        except StorageUnavailableError:
            if is_stopping():
                return None
            await asyncio.sleep(RETRY_S)


def make_job_id() -> str:
    return secrets.token_urlsafe(12)


def encode(value: object) -> str:
    """As JSON. A text out of a file may have code points that no encoding has."""
    try:
        return msgspec.json.encode(value).decode()
    except UnicodeEncodeError:
        text = json.dumps(msgspec.to_builtins(value), ensure_ascii=False)
        return text.encode(errors="replace").decode()


class JobRows:
    """The jobs of one kind. Each method but `take_expired` and `start` is of one workspace's.

    All raise StorageUnavailableError.
    """

    def __init__(
        self, db: Database, kind: Kind, read_clock: Callable[[], int], *, busy: str
    ) -> None:
        """`busy` says that another job of the workspace has to end first."""
        self._db = db
        self._kind: Kind = kind
        self._read_clock = read_clock
        self._busy = busy

    async def start(self) -> None:
        """Gives back what an earlier process of this node ran."""
        await self._db.run_alone(GIVE_BACK_ALL, self._kind, self._db.node)

    async def require_idle(self, workspace_id: int) -> None:
        """Raises ConflictError."""
        await self._db.read(lambda rows: self._require_idle(rows, workspace_id))

    async def add(self, row: JobRow) -> list[str]:
        """Stores a job that this node runs from now on.

        Returns the ids of those that made room for it: one that waited, and the oldest of too many.
        Raises ConflictError while another job runs that must be alone, as it must.
        """
        started = msgspec.structs.replace(row, node=self._db.node, seen_at=self._read_clock())

        def insert(tx: Transaction) -> list[str]:
            if row.is_alone:
                self._require_idle(tx, row.workspace_id)
            ended = tx.find_all(LIST_ENDED, row.workspace_id, row.kind)
            left = [
                each["job_id"]
                for number, each in enumerate(ended)
                if each["stage"] == WAITING or number >= KEPT_JOBS - 1
            ]
            drop_rows(tx, left)
            tx.execute(INSERT, *map(_write_value, msgspec.structs.astuple(started)))
            return left

        return await self._db.write(insert)

    async def begin(self, row: JobRow) -> JobRow | None:
        """Runs one that waited: `row` is what it becomes. None if it waits no more.

        Raises ConflictError while another one runs.
        """

        def begin(tx: Transaction) -> JobRow | None:
            stored = self._find(tx, row.workspace_id, row.id)
            if stored is None or stored.stage != WAITING:
                return None
            self._require_idle(tx, row.workspace_id)
            return self._take(tx, msgspec.structs.replace(row, run=stored.run, restarts=0))

        return await self._db.write(begin)

    async def keep(self, row: JobRow) -> bool:
        """Writes how far a job of this node is; False if it is another's by now, or gone."""
        seen_at = self._read_clock()
        place = row.id, row.run, row.stage, int(row.is_running), seen_at, row.state
        return bool(await self._db.run_alone(KEEP, *place))

    async def give_back(self, row: JobRow) -> None:
        """Lets any node go on with a job of this one."""
        place = row.id, row.run, row.stage, 1, 0, row.state
        await self._db.run_alone(KEEP, *place)

    async def cancel(self, workspace_id: int, job_id: str) -> None:
        """Its node ends it within a second."""
        await self._db.run_alone(CANCEL, job_id, workspace_id, self._kind)

    async def drop(self, workspace_id: int, job_id: str) -> bool:
        """Deletes one that does not run."""

        def drop(tx: Transaction) -> bool:
            stored = self._find(tx, workspace_id, job_id)
            return stored is not None and drop_rows(tx, [stored.id]) > 0

        return await self._db.write(drop)

    async def find(self, workspace_id: int, job_id: str) -> JobRow | None:
        return await self._db.read(lambda rows: self._find(rows, workspace_id, job_id))

    async def list_all(self, workspace_id: int) -> list[JobRow]:
        """The newest first."""
        return list(map(_read_row, await self._db.find_all(LIST, workspace_id, self._kind)))

    async def take_expired(self, own: Collection[str]) -> JobRow | None:
        """Takes a job whose node is gone, if there is one; `restarts` counts this time too.

        Those with the ids `own` run here, even if this node could not say so for a while. One at a
        time, so that all nodes share the work of one that died.
        """
        before = self._read_clock() - LEASE_MS
        if not _choose(await self._db.find_all(LIST_EXPIRED, self._kind, before), own):
            return None

        def take(tx: Transaction) -> JobRow | None:
            chosen = _choose(tx.find_all(LIST_EXPIRED, self._kind, before), own)
            if chosen is None:
                return None
            row = self._find(tx, chosen["workspace_id"], chosen["job_id"])
            if row is None:
                return None
            taken = self._take(tx, msgspec.structs.replace(row, restarts=row.restarts + 1))
            return msgspec.structs.replace(taken, is_cancelled=row.is_cancelled)

        return await self._db.write(take)

    async def delete_old(self, now: int) -> list[str]:
        """The ids of some that it deleted: unused previews after a day, all else after seven."""

        def delete(tx: Transaction) -> list[str]:
            place = self._kind, now - ENDED_MS, WAITING, now - PREVIEW_MS
            old = [each["job_id"] for each in tx.find_all(LIST_OLD, *place)]
            drop_rows(tx, old)
            return old

        return await self._db.write(delete)

    async def list_ids(self) -> set[str]:
        """Of all workspaces."""
        return {each["job_id"] for each in await self._db.find_all(LIST_IDS, self._kind)}

    def _find(self, rows: Reader, workspace_id: int, job_id: str) -> JobRow | None:
        if "\0" in job_id:
            return None
        row = rows.find_one(FIND, job_id, workspace_id, self._kind)
        return None if row is None else _read_row(row)

    def _require_idle(self, rows: Reader, workspace_id: int) -> None:
        if rows.find_one(FIND_ALONE, workspace_id, self._kind) is not None:
            raise ConflictError(self._busy)

    def _take(self, tx: Transaction, row: JobRow) -> JobRow:
        taken = msgspec.structs.replace(
            row,
            is_running=True,
            is_cancelled=False,
            node=self._db.node,
            run=row.run + 1,
            seen_at=self._read_clock(),
        )
        place = taken.id, taken.stage, taken.node, taken.run, taken.restarts, taken.seen_at
        tx.execute(TAKE, *place, taken.work, taken.state)
        return taken


def is_wanted(rows: Reader, row: JobRow) -> bool | None:
    """Whether the job of this node may go on; None if it is another's by now, or gone."""
    found = rows.find_one(IS_WANTED, row.id, row.run)
    return None if found is None else found["is_cancelled"] == 0


def drop_rows(tx: Transaction, job_ids: Sequence[str]) -> int:
    if not job_ids:
        return 0
    return tx.execute(f"{DROP} ({number_places(len(job_ids), 1)})", *job_ids)


def _choose(expired: Sequence[Row], own: Collection[str]) -> Row | None:
    return next((row for row in expired if row["job_id"] not in own), None)


def _read_row(row: Row) -> JobRow:
    return msgspec.convert(dict(row), JobRow, strict=False)


def _write_value(value: Any) -> Any:
    return int(value) if isinstance(value, bool) else value
