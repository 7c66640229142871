"""The transaction that a write receives: statements, and parts that fail alone."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import chain, groupby
from operator import itemgetter
from typing import Final, TypeVar

from shorty.sqlite.connections import number_parameters
from shorty.sqlite.search import SQLITE
from shorty.storage.changes import Change, Subscribers
from shorty.storage.database import Lane, Row, Value
from shorty.storage.statements import repeat_row

T = TypeVar("T")

# How many rows one statement inserts, largest first.
ROWS_AT_ONCE: Final = (64, 32, 16, 8, 4, 2, 1)


def _divide_rows(rows: Sequence[T]) -> Iterator[Sequence[T]]:
    """Pieces whose lengths are in ROWS_AT_ONCE."""
    first = 0
    for size in ROWS_AT_ONCE:
        while len(rows) - first >= size:
            yield rows[first : first + size]
            first += size


class SqliteAnswer:
    """`storage.database.Asked`: SQLite answers at once."""

    __slots__ = ("_count", "_rows")

    def __init__(self, cursor: sqlite3.Cursor) -> None:
        # Fetches all rows, so that a statement with `returning` runs to its end.
        self._rows: list[Row] = cursor.fetchall()
        self._count = cursor.rowcount

    def count(self) -> int:
        return self._count

    def rows(self) -> list[Row]:
        return self._rows

    def row(self) -> Row | None:
        return self._rows[0] if self._rows else None


class SqliteTransaction:
    """`storage.database.Transaction` on the writer's connection."""

    __slots__ = ("_connection", "_late", "_next", "_subscribers")

    dialect = SQLITE

    def __init__(self, connection: sqlite3.Connection, subscribers: Subscribers) -> None:
        self._connection = connection
        self._subscribers = subscribers
        self._late: list[tuple[str, Sequence[Value]]] = []
        self._next: list[Callable[[], object]] = []

    def send(self, sql: str, *parameters: Value) -> None:
        self._connection.execute(number_parameters(sql), parameters)

    def ask(self, sql: str, *parameters: Value) -> SqliteAnswer:
        return SqliteAnswer(self._connection.execute(number_parameters(sql), parameters))

    def take_lane(self, lane: Lane) -> None:
        """The only writer is in all of them."""

    def execute_late(self, sql: str, *parameters: Value) -> None:
        """Runs one statement just before the commit, after all writes of the group.

        Used for the search index, which flushes to its tables at every savepoint after a change.
        """
        self._late.append((sql, parameters))

    def after_commit(self, work: Callable[[], object]) -> None:
        self._next.append(work)

    def note_change(self, *changes: Change) -> None:
        self._next.append(partial(self._subscribers.publish, changes))

    def insert(self, sql: str, *parameters: Value) -> int | None:
        """Inserts one row and returns its id; None if a conflict made it do nothing.

        A third faster than `returning id`, for which SQLite builds a temporary table.
        """
        cursor = self._connection.execute(number_parameters(sql), parameters)
        return cursor.lastrowid if cursor.rowcount else None

    def attempt(self, work: Callable[[], T]) -> T:
        """Runs part of a write; if it raises, only that part is rolled back."""
        late, following = len(self._late), len(self._next)
        self._connection.execute("savepoint attempt")
        try:
            return work()
        except BaseException:
            del self._late[late:], self._next[following:]
            if self._connection.in_transaction:
                self._connection.execute("rollback to attempt")
            raise
        finally:
            if self._connection.in_transaction:
                self._connection.execute("release attempt")

    def take_next(self) -> list[Callable[[], object]]:
        """The callbacks that were added by `after_commit` since the last call."""
        taken, self._next = self._next, []
        return taken

    def finish(self) -> None:
        """Runs the statements that were deferred to the commit."""
        late, self._late = self._late, []
        for sql, statements in groupby(late, key=itemgetter(0)):
            self.execute_many(sql, [parameters for _, parameters in statements])

    def forget_late(self) -> None:
        """Drops the deferred statements after the whole transaction was rolled back."""
        self._late.clear()

    def execute(self, sql: str, *parameters: Value) -> int:
        """Runs one statement and returns the number of changed rows."""
        return self._connection.execute(number_parameters(sql), parameters).rowcount

    def execute_many(self, sql: str, rows: Sequence[Sequence[Value]]) -> int:
        """Runs one statement for each row and returns the total of changed rows."""
        return self._connection.executemany(number_parameters(sql), rows).rowcount

    def insert_rows(self, sql: str, rows: Sequence[Sequence[Value]]) -> int:
        """Inserts all rows with few statements; returns the number of inserted rows.

        Fewer statements mean fewer handovers of the GIL to other threads. Not for the search index,
        which flushes before a statement with several rows.
        """
        return sum(
            self.execute(repeat_row(sql, len(piece)), *chain.from_iterable(piece))
            for piece in _divide_rows(rows)
        )

    def send_rows(self, sql: str, rows: Sequence[Sequence[Value]]) -> None:
        self.insert_rows(sql, rows)

    def insert_rows_returning(self, sql: str, rows: Sequence[Sequence[Value]]) -> list[Row]:
        """The same for an insert with `returning`: the returned rows, in no particular order."""
        returned: list[Row] = []
        for piece in _divide_rows(rows):
            returned += self.find_all(repeat_row(sql, len(piece)), *chain.from_iterable(piece))
        return returned

    def find_one(self, sql: str, *parameters: Value) -> Row | None:
        # Fetches all rows, so that a statement with `returning` runs to its end.
        rows = self._connection.execute(number_parameters(sql), parameters).fetchall()
        return rows[0] if rows else None

    def find_all(self, sql: str, *parameters: Value) -> list[Row]:
        return self._connection.execute(number_parameters(sql), parameters).fetchall()
