"""Owns the SQLite file: one writer thread, a few readers, and the pragmas with their reasons."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import asynccontextmanager
from functools import lru_cache
from itertools import chain, groupby
from operator import itemgetter
from pathlib import Path
from queue import Empty, SimpleQueue
from re import compile as compile_pattern
from typing import TYPE_CHECKING, Final, TypeVar

import aiosqlite

from shorty.errors import StorageUnavailableError
from shorty.storage.text import contains_folded

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

T = TypeVar("T")
Value = str | int | float | bytes | None
Row = sqlite3.Row

READERS: Final = 3
BATCH: Final = 256
BUSY_TIMEOUT_MS: Final = 5000

# How many rows one statement inserts, the largest numbers first.
ROWS_AT_ONCE: Final = (64, 32, 16, 8, 4, 2, 1)

# Statements are written with $1 so that a PostgreSQL driver can run them; SQLite numbers with ?1.
_PARAMETER = compile_pattern(r"\$(\d+)")
_ROW = compile_pattern(r"values (\([^()]*\))")

_SHARED_PRAGMAS = (
    f"pragma busy_timeout = {BUSY_TIMEOUT_MS}",
    "pragma foreign_keys = on",
    "pragma temp_store = memory",
    # 8 MB a connection: the upper levels of the indexes; the rest is the system's page cache's.
    "pragma cache_size = -8000",
)
_WRITER_PRAGMAS = (
    "pragma journal_mode = wal",
    # What was acknowledged survives a power cut; affordable because commits are grouped.
    "pragma synchronous = full",
    # 16 MB of log before they move into the database, instead of 4: the pages that every write
    # changes, such as the ends of indexes, move there once and not four times.
    "pragma wal_autocheckpoint = 4000",
    # The log is cut back after a checkpoint, so that one burst does not keep its size for ever.
    "pragma journal_size_limit = 67108864",
)


@lru_cache(maxsize=1024)
def number_parameters(sql: str) -> str:
    """`$1` becomes `?1`, SQLite's spelling of the same thing."""
    return _PARAMETER.sub(r"?\1", sql)


@lru_cache(maxsize=256)
def repeat_row(sql: str, count: int) -> str:
    """The insert of one row (`values ($1, …)`) as one of so many rows."""
    match = _ROW.search(sql)
    if match is None:
        raise AssertionError(sql)
    row = match[1]
    width = max(int(number) for number in _PARAMETER.findall(row))

    def number_row(place: int) -> str:
        return _PARAMETER.sub(lambda found: f"${int(found[1]) + place * width}", row)

    rows = ", ".join(map(number_row, range(count)))
    return f"{sql[: match.start(1)]}{rows}{sql[match.end(1) :]}"


def connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """Opens one connection with the pragmas that each needs; usable from any thread.

    Raises sqlite3.Error where the file cannot be opened.
    """
    mode = "ro" if read_only else "rwc"
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=512,
    )
    connection.row_factory = sqlite3.Row
    connection.create_function("contains_folded", -1, contains_folded, deterministic=True)
    for pragma in _SHARED_PRAGMAS if read_only else _SHARED_PRAGMAS + _WRITER_PRAGMAS:
        connection.execute(pragma)
    return connection


class Transaction:
    """Statements inside the writer's transaction; lives as long as the function it is given to."""

    __slots__ = ("_connection", "_late")

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._late: list[tuple[str, Sequence[Value]]] = []

    def execute_late(self, sql: str, *parameters: Value) -> None:
        """Runs one statement just before the commit, after all writes of the group.

        For the search index: it writes itself out at every savepoint that follows a change of it.
        """
        self._late.append((sql, parameters))

    def insert(self, sql: str, *parameters: Value) -> int | None:
        """Runs an insert of one row and returns its id; None where a conflict let it do nothing.

        A third quicker than `returning id`, which builds a table of what it returns.
        """
        cursor = self._connection.execute(number_parameters(sql), parameters)
        return cursor.lastrowid if cursor.rowcount else None

    def attempt(self, work: Callable[[], T]) -> T:
        """Runs a part of a write: if it raises, that part alone is undone."""
        late = len(self._late)
        self._connection.execute("savepoint attempt")
        try:
            return work()
        except BaseException:
            del self._late[late:]
            if self._connection.in_transaction:
                self._connection.execute("rollback to attempt")
            raise
        finally:
            if self._connection.in_transaction:
                self._connection.execute("release attempt")

    def finish(self) -> None:
        """Runs what was left for the end."""
        late, self._late = self._late, []
        for sql, statements in groupby(late, key=itemgetter(0)):
            self.execute_many(sql, [parameters for _, parameters in statements])

    def forget_late(self) -> None:
        """Called where the whole transaction is undone."""
        self._late.clear()

    def execute(self, sql: str, *parameters: Value) -> int:
        """Runs one statement and returns how many rows it changed."""
        return self._connection.execute(number_parameters(sql), parameters).rowcount

    def execute_many(self, sql: str, rows: Sequence[Sequence[Value]]) -> int:
        """Runs one statement for each row and returns how many rows they changed together."""
        return self._connection.executemany(number_parameters(sql), rows).rowcount

    def insert_rows(self, sql: str, rows: Sequence[Sequence[Value]]) -> int:
        """Runs the insert of one row for each with few statements; returns how many there are now.

        At each statement another thread may get its turn, and with it the interpreter. Not for the
        search index, which writes itself out before a statement with several rows.
        """
        inserted = first = 0
        for size in ROWS_AT_ONCE:
            while len(rows) - first >= size:
                values = chain.from_iterable(rows[first : first + size])
                inserted += self.execute(repeat_row(sql, size), *values)
                first += size
        return inserted

    def find_one(self, sql: str, *parameters: Value) -> Row | None:
        # Fetching all lets a statement with `returning` run to its end.
        rows = self._connection.execute(number_parameters(sql), parameters).fetchall()
        return rows[0] if rows else None

    def find_all(self, sql: str, *parameters: Value) -> list[Row]:
        return self._connection.execute(number_parameters(sql), parameters).fetchall()


class _Job:
    """A waiting write: what to run, whom to answer, and what came of it."""

    __slots__ = ("error", "future", "in_transaction", "loop", "result", "work")

    def __init__(
        self,
        work: Callable[[Transaction], object],
        future: "asyncio.Future[object]",
        *,
        in_transaction: bool,
    ) -> None:
        self.work = work
        self.future = future
        self.loop = future.get_loop()
        self.in_transaction = in_transaction
        self.result: object = None
        self.error: BaseException | None = None

    def answer(self) -> None:
        if self.future.done():
            return
        if self.error is None:
            self.future.set_result(self.result)
        else:
            self.future.set_exception(self.error)


def _answer_all(jobs: list[_Job]) -> None:
    for job in jobs:
        job.answer()


def describe_failure(error: BaseException) -> BaseException:
    """SQLite's own troubles become StorageUnavailableError; mistakes in statements stay."""
    if isinstance(error, sqlite3.OperationalError | sqlite3.DatabaseError) and not isinstance(
        error, sqlite3.IntegrityError | sqlite3.ProgrammingError
    ):
        unavailable = StorageUnavailableError()
        unavailable.__cause__ = error
        return unavailable
    return error


class _Writer(threading.Thread):
    """Commits the waiting writes in groups, each in a savepoint of its own.

    One that fails rolls back alone and gets its own error. After a full disk or an I/O error SQLite
    may have rolled back everything: then every write of the group so far failed with it.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__(name="shorty-writer", daemon=True)
        self.connection = connection
        self.transaction = Transaction(connection)
        self.queue: SimpleQueue[_Job | None] = SimpleQueue()

    def run(self) -> None:
        while (job := self.queue.get()) is not None:
            jobs, is_last = self._take_waiting(job)
            self._run_group(jobs)
            jobs[0].loop.call_soon_threadsafe(_answer_all, jobs)
            if is_last:
                return

    def _take_waiting(self, first: _Job) -> tuple[list[_Job], bool]:
        jobs = [first]
        while len(jobs) < BATCH:
            try:
                job = self.queue.get_nowait()
            except Empty:
                break
            if job is None:
                return jobs, True
            jobs.append(job)
        return jobs, False

    def _run_group(self, jobs: list[_Job]) -> None:
        for job in jobs:
            if not job.in_transaction:
                self._run_outside(job)
        writes = [job for job in jobs if job.in_transaction]
        while writes:
            writes = self._run_transaction(writes)

    def _run_outside(self, job: _Job) -> None:
        try:
            job.result = job.work(self.transaction)
        except Exception as error:  # noqa: BLE001 - it is the caller's to handle
            job.error = describe_failure(error)

    def _run_transaction(self, jobs: list[_Job]) -> list[_Job]:
        """Runs the jobs in one transaction and returns those that must be run in another."""
        try:
            self.connection.execute("begin immediate")
            for done, job in enumerate(jobs, start=1):
                self._run_in_savepoint(job)
                if not self.connection.in_transaction:
                    self.transaction.forget_late()
                    _fail_all(jobs[:done], job.error or StorageUnavailableError())
                    return jobs[done:]
            self.transaction.finish()
            self.connection.execute("commit")
        except sqlite3.Error as error:
            self.transaction.forget_late()
            if self.connection.in_transaction:
                self.connection.execute("rollback")
            _fail_all(jobs, describe_failure(error))
        return []

    def _run_in_savepoint(self, job: _Job) -> None:
        try:
            job.result = self.transaction.attempt(lambda: job.work(self.transaction))
        except Exception as error:  # noqa: BLE001 - it is the caller's to handle
            job.error = describe_failure(error)


def _fail_all(jobs: list[_Job], error: BaseException) -> None:
    for job in jobs:
        job.error = job.error or error


class Database:
    """The open database: `write` to change it, `find_…` to ask it, `look_up…` to ask it at once."""

    def __init__(
        self,
        path: Path,
        writer: sqlite3.Connection,
        quick: sqlite3.Connection,
        readers: list[aiosqlite.Connection],
    ) -> None:
        self.path = path
        self._writer = _Writer(writer)
        self._quick = quick
        self._quick_lock = threading.Lock()
        self._readers = readers
        self._idle: asyncio.Queue[aiosqlite.Connection] = asyncio.Queue()
        for reader in readers:
            self._idle.put_nowait(reader)
        self._writer.start()

    @classmethod
    async def open(cls, path: Path) -> "Database":
        """Opens a database whose schema is up to date (see `migrations.prepare_database`)."""
        writer = connect(path)
        quick = connect(path, read_only=True)
        readers = [await _open_reader(path) for _ in range(READERS)]
        return cls(path, writer, quick, readers)

    async def write(self, work: Callable[[Transaction], T]) -> T:
        """Runs `work` in the writer's thread, inside a transaction; returns after the commit.

        Raises what `work` raises (nothing of it is kept then), and StorageUnavailableError where
        the database is locked, full or broken.
        """
        return await self._send(work, in_transaction=True)

    async def find_data_version(self) -> int:
        """A number that moves whenever another process has committed, and only then."""

        def ask(tx: Transaction) -> int:
            row = tx.find_one("pragma data_version")
            return row[0] if row else 0

        return await self._send(ask, in_transaction=False)

    async def _send(self, work: Callable[[Transaction], T], *, in_transaction: bool) -> T:
        future: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        self._writer.queue.put(_Job(work, future, in_transaction=in_transaction))
        # If its caller is cancelled, the write goes on and nobody is answered.
        return await future  # pyright: ignore[reportReturnType]

    async def find_one(self, sql: str, *parameters: Value) -> Row | None:
        rows = await self.find_all(sql, *parameters)
        return rows[0] if rows else None

    async def find_all(self, sql: str, *parameters: Value) -> list[Row]:
        async with self.borrow_reader() as reader:
            try:
                return list(await reader.execute_fetchall(number_parameters(sql), parameters))
            except sqlite3.Error as error:
                raise describe_failure(error) from error

    @asynccontextmanager
    async def borrow_reader(self) -> "AsyncGenerator[aiosqlite.Connection]":
        """A reader of one's own for a while, such as for a stream of rows."""
        reader = await self._idle.get()
        try:
            yield reader
        finally:
            self._idle.put_nowait(reader)

    def look_up(self, sql: str, *parameters: Value) -> Row | None:
        """Reads in the thread that asks: about 10 µs by key, for what a visitor waits on."""
        rows = self.look_up_all(sql, *parameters)
        return rows[0] if rows else None

    def look_up_all(self, sql: str, *parameters: Value) -> list[Row]:
        try:
            with self._quick_lock:
                return self._quick.execute(number_parameters(sql), parameters).fetchall()
        except sqlite3.Error as error:
            raise describe_failure(error) from error

    def is_readable(self) -> bool:
        try:
            return bool(self.look_up("select count(*) as migrations from schema_migrations"))
        except StorageUnavailableError:
            return False

    async def close(self) -> None:
        """Lets the waiting writes finish, then closes every connection."""
        self._writer.queue.put(None)
        await asyncio.to_thread(self._writer.join)
        for reader in self._readers:
            await reader.close()
        self._quick.close()
        self._writer.connection.close()


async def _open_reader(path: Path) -> aiosqlite.Connection:
    return await aiosqlite.Connection(lambda: connect(path, read_only=True), iter_chunk_size=256)
