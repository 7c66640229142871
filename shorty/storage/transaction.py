"""The transaction that a write receives: statements, and parts that fail alone."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import chain, groupby
from operator import itemgetter
from re import compile as compile_pattern
from typing import Final, TypeVar

from shorty.storage.connections import PARAMETER, Row, Value, number_parameters

T = TypeVar("T")

# How many rows one statement inserts, largest first.
ROWS_AT_ONCE: Final = (64, 32, 16, 8, 4, 2, 1)

_ROW = compile_pattern(r"values (\([^()]*\))")


@lru_cache(maxsize=256)
def repeat_row(sql: str, count: int) -> str:
    """Turns the insert of one row (`values ($1, …)`) into an insert of `count` rows."""
    match = _ROW.search(sql)
    if match is None:
        raise AssertionError(sql)
    row = match[1]
    width = max(int(number) for number in PARAMETER.findall(row))

    def number_row(place: int) -> str:
        return PARAMETER.sub(lambda found: f"${int(found[1]) + place * width}", row)

    rows = ", ".join(map(number_row, range(count)))
    return f"{sql[: match.start(1)]}{rows}{sql[match.end(1) :]}"


def _divide_rows(rows: Sequence[T]) -> Iterator[Sequence[T]]:
    """Pieces whose lengths are in ROWS_AT_ONCE."""
    first = 0
    for size in ROWS_AT_ONCE:
        while len(rows) - first >= size:
            yield rows[first : first + size]
            first += size


class Transaction:
    """Statements inside the writer's transaction; valid only during the write that received it."""

    __slots__ = ("_connection", "_late", "_next")

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._late: list[tuple[str, Sequence[Value]]] = []
        self._next: list[Callable[[], object]] = []

    def execute_late(self, sql: str, *parameters: Value) -> None:
        """Runs one statement just before the commit, after all writes of the group.

        Used for the search index, which flushes to its tables at every savepoint after a change.
        """
        self._late.append((sql, parameters))

    def after_commit(self, work: Callable[[], object]) -> None:
        """Runs `work` on the caller's event loop after the commit, before the write returns.

        Also runs if the caller was cancelled meanwhile, because a cache must not keep the old
        state.
        """
        self._next.append(work)

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
