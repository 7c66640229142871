"""What both engines are: an open database, a write's transaction, and a snapshot to read.

`shorty.sqlite` and `shorty.postgres` implement these protocols, and `shorty.databases` opens the
one that the configuration names. Domains know nothing else of a database.
"""

from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from enum import IntEnum
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeAlias, TypeVar

from shorty.storage.changes import Change, Hear
from shorty.storage.dialect import Dialect

T = TypeVar("T")

Value: TypeAlias = str | int | float | bytes | None


class Row(Protocol):
    """A row, by place and by name; `tuple(row)`, unpacking and `dict(row)` work as well."""

    def __getitem__(self, key: int | str, /) -> Any: ...
    def __iter__(self) -> Iterator[Any]: ...
    def __len__(self) -> int: ...
    def keys(self) -> list[str]: ...


class Lane(IntEnum):
    """What a write changes. At any time one transaction is in a lane, over all nodes.

    So a write may count on from the highest id, or read a sum and write it back. Each table belongs
    to a lane. SQLite has one writer for all lanes.

    A write names all that it needs, and they are taken in this order: whoever is in MAIN, for which
    people wait, never waits for a batch of clicks.
    """

    CLICKS = 1
    WEBHOOKS = 2
    MAIN = 3


class LaneHolder(NamedTuple):
    """A transaction in a lane: the server's process of its session, and what the session is named.

    The name of one of shorty's nodes follows the word `shorty`. `held_ms` is the time since the
    transaction began, in milliseconds; 0 where shorty's role may not see it. `waiting` is how many
    others wait for the lane.
    """

    lane: Lane
    pid: int | None
    role: str | None
    program: str
    state: str
    held_ms: int
    waiting: int


class Reader(Protocol):
    """Reads that are answered before they return: a transaction, or the current state."""

    def find_one(self, sql: str, *parameters: Value) -> Row | None: ...

    def find_all(self, sql: str, *parameters: Value) -> list[Row]: ...


class Asked(Protocol):
    """A statement that was sent. Reading its answer waits for it, and for all sent before it."""

    def count(self) -> int:
        """How many rows the statement changed."""
        ...

    def rows(self) -> list[Row]: ...

    def row(self) -> Row | None:
        """The first row."""
        ...


class Transaction(Reader, Protocol):
    """Statements inside the writer's transaction; valid only during the write that received it."""

    @property
    def dialect(self) -> Dialect: ...

    def execute(self, sql: str, *parameters: Value) -> int:
        """Runs one statement; returns how many rows it changed."""
        ...

    def send(self, sql: str, *parameters: Value) -> None:
        """Runs one statement whose count nobody reads.

        Its fault may be raised by a later statement or at the end of the write.
        """
        ...

    def ask(self, sql: str, *parameters: Value) -> Asked:
        """Runs one statement whose answer is read later.

        Over a network, several that are asked before the first is read take as long as one. Reading
        raises the fault of the statement.
        """
        ...

    def execute_late(self, sql: str, *parameters: Value) -> None:
        """Runs one statement just before the commit, after all writes of the group."""
        ...

    def execute_many(self, sql: str, rows: Sequence[Sequence[Value]]) -> int:
        """Runs one statement for each row of parameters; returns how many rows it changed."""
        ...

    def insert(self, sql: str, *parameters: Value) -> int | None:
        """Inserts one row and returns its id; None if a conflict made it do nothing."""
        ...

    def insert_rows(self, sql: str, rows: Sequence[Sequence[Value]]) -> int:
        """Runs the insert of one row (`values ($1, …)`) for many; returns how many it inserted."""
        ...

    def send_rows(self, sql: str, rows: Sequence[Sequence[Value]]) -> None:
        """The same without the count, as `send`."""
        ...

    def insert_rows_returning(self, sql: str, rows: Sequence[Sequence[Value]]) -> list[Row]:
        """As `insert_rows`, with `returning`: the returned rows, in no particular order."""
        ...

    def take_lane(self, lane: Lane) -> None:
        """Takes a lane that the write seldom needs; it is behind all that the write has named."""
        ...

    def attempt(self, work: Callable[[], T]) -> T:
        """Runs part of a write; if it raises, only that part is rolled back."""
        ...

    def note_change(self, *changes: Change) -> None:
        """After the commit, before the write returns, this process's subscribers hear of them.

        And so do those of all other processes, within a second.
        """
        ...

    def after_commit(self, work: Callable[[], object]) -> None:
        """Runs `work` on the caller's event loop after the commit, before the write returns.

        Also runs if the caller was cancelled meanwhile, because a cache must not keep the old
        state.
        """
        ...


class Rows(Protocol):
    """A source of rows: a snapshot, or the database with its current state at each query."""

    async def find_all(self, sql: str, *parameters: Value) -> list[Row]: ...


class Snapshot(Protocol):
    """The database at the moment of the first read. Its methods raise StorageUnavailableError."""

    async def find_all(self, sql: str, *parameters: Value) -> list[Row]: ...

    def read_pieces(
        self, sql: str, *parameters: Value, size: int
    ) -> AsyncGenerator[list[Row], None]:
        """Lists of up to `size` rows, in constant memory."""
        ...


class Database(Protocol):
    """The open database: `write` changes it, all else reads.

    Whatever waits for the database raises StorageUnavailableError where it is locked, full, broken
    or not reachable.
    """

    @property
    def dialect(self) -> Dialect: ...

    @property
    def name(self) -> str:
        """How messages name it: its path, or its URL without a password."""
        ...

    @property
    def node(self) -> str:
        """The name of the node that stores its journal here."""
        ...

    def place(self, ending: str) -> Path:
        """A file or folder of the node's own, such as its journal."""
        ...

    @property
    def here(self) -> Reader | None:
        """Reads in the calling thread, whichever it is, about 10 µs by key; None on PostgreSQL."""
        ...

    async def write(
        self, work: Callable[[Transaction], T], *lanes: Lane, asked_at: float | None = None
    ) -> T:
        """Runs `work` in the writer's thread, inside a transaction; returns after the commit.

        Raises what `work` raises, and then keeps none of its changes. Where no lane is named, it is
        MAIN. The wait for a lock is measured from `asked_at`, a monotonic time, or from now. `work`
        may be run again after its transaction was rolled back, so it changes nothing else.
        """
        ...

    async def find_one(self, sql: str, *parameters: Value) -> Row | None: ...

    async def find_all(self, sql: str, *parameters: Value) -> list[Row]: ...

    async def read(self, work: Callable[[Reader], T]) -> T:
        """Runs `work` with the current state: on SQLite at once, else in a thread of its own.

        For what a function asks that is also called inside writes, and for reads by key that
        somebody waits for.
        """
        ...

    async def read_by_key(self, work: Callable[[Reader], T]) -> T:
        """As `read`, for one or two reads by key that each request waits for.

        On PostgreSQL it needs no thread, and the reads of many callers leave together. There `work`
        is run again for each read, so it changes nothing.
        """
        ...

    def open_snapshot(self) -> AbstractAsyncContextManager[Snapshot]: ...

    async def run_alone(self, sql: str, *parameters: Value) -> list[Row]:
        """Runs one statement that is a transaction by itself, whoever writes; returns its rows.

        It is in no lane: for rows that only such statements change. If the connection is lost
        meanwhile, it raises StorageUnavailableError, and the statement may have run.
        """
        ...

    def subscribe(self, hear: Hear) -> None:
        """`hear` is called on the event loop with each change that a write has named."""
        ...

    async def join(self, describe: Callable[[], str]) -> None:
        """Enters as one of the nodes, and from then on hears of other processes' changes.

        `describe` gives the node's facts, as JSON, for who lists the nodes. Raises StartError if
        another process runs as this node.
        """
        ...

    @property
    def notice_s(self) -> float:
        """The pause, in seconds, between two calls of `notice_changes`."""
        ...

    async def notice_changes(self) -> None:
        """Hands on what other processes have committed until now; called again and again.

        Raises StorageUnavailableError where they cannot be heard.
        """
        ...

    @property
    def can_cache(self) -> bool:
        """Whether changes by other processes are heard of, or none can be made by anybody.

        Otherwise nothing that is read may be kept.
        """
        ...

    @property
    def stale_s(self) -> float:
        """For how many seconds what was read may be used while the database cannot be reached."""
        ...

    @property
    def is_keeper(self) -> bool:
        """Whether this node is the one of all that does what is done by the clock.

        Two may be for a moment, so what they do can be done twice.
        """
        ...

    @property
    def newest_schema(self) -> int:
        """The number of the last migration that this release knows."""
        ...

    @property
    def live_nodes(self) -> int:
        """How many nodes run, this one among them, as it was a second ago."""
        ...

    async def keep_day_key(self, day: int, fresh: bytes, oldest: int) -> bytes | None:
        """The key that visitors are numbered with on a UTC day: `fresh` for the first who asks.

        It is in no backup and on no replica. Keys of days before `oldest` are deleted. None on
        SQLite, whose only node keeps it in a file that can be overwritten in place.
        """
        ...

    async def list_lane_holders(self) -> list[LaneHolder]:
        """Who is in a lane now, over all nodes, the longest first; nobody on SQLite."""
        ...

    async def is_readable(self) -> bool: ...

    def is_in_place(self) -> bool:
        """Whether what was written is kept: not where an SQLite file was replaced."""
        ...

    async def close(self) -> None:
        """Finishes the queued writes, then closes every connection."""
        ...
