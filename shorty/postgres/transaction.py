"""The transaction that a write receives: statements, and parts that fail alone."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from shorty.postgres.inserts import ManyRows, describe_insert
from shorty.postgres.lanes import NAMESPACE, TAKE_LANE
from shorty.postgres.pipeline import STALE_PLAN, Answer, BlockingPipeline
from shorty.postgres.search import POSTGRES
from shorty.postgres.values import write_parameters
from shorty.storage.changes import Change, Subscribers
from shorty.storage.database import Lane, Row, Value

if TYPE_CHECKING:
    import psycopg

T = TypeVar("T")

ROWS_AT_ONCE: Final = 5000
# A deadlock, a conflict of transactions, and a plan that a change of the schema made useless.
AGAIN: Final = frozenset({"40P01", "40001", STALE_PLAN})


class PostgresAnswer:
    """`storage.database.Asked`: an answer that may be on its way."""

    __slots__ = ("_answer", "_transaction")

    def __init__(self, transaction: "PostgresTransaction", answer: Answer) -> None:
        self._transaction = transaction
        self._answer = answer

    def count(self) -> int:
        return self._transaction.read(self._answer).count

    def rows(self) -> list[Row]:
        return self._transaction.read_rows(self._answer)

    def row(self) -> Row | None:
        rows = self.rows()
        return rows[0] if rows else None


class PostgresTransaction:
    """`storage.database.Transaction` on the writer's connection.

    Savepoints, and statements that are only sent, travel with the next statement whose answer is
    awaited. If one of them fails, it is not known to whom that belongs: `must_repeat` says that
    each write of the group has to be run again alone, and `is_careful`, so that it is known.
    """

    dialect = POSTGRES

    def __init__(
        self, pipeline: BlockingPipeline, inserts: dict[str, ManyRows], subscribers: Subscribers
    ) -> None:
        self.is_careful = False
        self.must_repeat = False
        self.changes: list[Change] = []
        """What the writes of the group have changed so far."""
        self._pipeline = pipeline
        self._inserts = inserts
        self._subscribers = subscribers
        self._fault: psycopg.Error | None = None
        self._late: list[tuple[str, Sequence[Value]]] = []
        self._next: list[Callable[[], object]] = []

    def begin(self, *, is_careful: bool) -> None:
        self.is_careful, self.must_repeat, self._fault = is_careful, False, None
        self.changes, self._late, self._next = [], [], []

    def run(self, work: "Callable[[PostgresTransaction], T]") -> T:
        """Runs a whole write; if it raises, the changes of those before it stay."""
        return self.attempt(lambda: self._complete(work))

    def execute(self, sql: str, *parameters: Value) -> int:
        return self._ask(sql, parameters).count

    def send(self, sql: str, *parameters: Value) -> None:
        if self.is_careful:
            self._ask(sql, parameters)
        else:
            self._require()
            self._pipeline.send(sql, write_parameters(parameters))

    def ask(self, sql: str, *parameters: Value) -> PostgresAnswer:
        if self.is_careful:
            return PostgresAnswer(self, self._ask(sql, parameters))
        self._require()
        return PostgresAnswer(self, self._pipeline.send(sql, write_parameters(parameters)))

    def read(self, answer: Answer) -> Answer:
        """Waits for an answer. Raises its fault, or that of anything sent before it."""
        self._require()
        if not answer.is_done:
            self._await([answer])
        if not answer.is_good:
            raise AssertionError("This was asked in a part of the write that was rolled back.")
        return answer

    def read_rows(self, answer: Answer) -> list[Row]:
        return self._pipeline.read_rows(self.read(answer))

    def execute_late(self, sql: str, *parameters: Value) -> None:
        """Runs one statement at the end of the write: it may read what the write stores later."""
        self._late.append((sql, parameters))

    def take_lane(self, lane: Lane) -> None:
        self.find_all(TAKE_LANE, NAMESPACE, lane)

    def execute_many(self, sql: str, rows: Sequence[Sequence[Value]]) -> int:
        self._require()
        answers = [self._pipeline.send(sql, write_parameters(row)) for row in rows]
        return sum(answer.count for answer in self._await(answers))

    def insert(self, sql: str, *parameters: Value) -> int | None:
        row = self.find_one(f"{sql.rstrip()} returning id", *parameters)
        return row[0] if row else None

    def insert_rows(self, sql: str, rows: Sequence[Sequence[Value]]) -> int:
        return sum(answer.count for answer in self._await(self._send_many(sql, rows)))

    def send_rows(self, sql: str, rows: Sequence[Sequence[Value]]) -> None:
        answers = self._send_many(sql, rows)
        if self.is_careful:
            self._await(answers)

    def insert_rows_returning(self, sql: str, rows: Sequence[Sequence[Value]]) -> list[Row]:
        answers = self._await(self._send_many(sql, rows))
        return [row for answer in answers for row in self._pipeline.read_rows(answer)]

    def find_one(self, sql: str, *parameters: Value) -> Row | None:
        rows = self.find_all(sql, *parameters)
        return rows[0] if rows else None

    def find_all(self, sql: str, *parameters: Value) -> list[Row]:
        return self._pipeline.read_rows(self._ask(sql, parameters))

    def note_change(self, *changes: Change) -> None:
        self.changes.extend(changes)
        self._next.append(partial(self._subscribers.publish, changes))

    def after_commit(self, work: Callable[[], object]) -> None:
        self._next.append(work)

    def take_next(self) -> list[Callable[[], object]]:
        """The callbacks that were added by `after_commit` since the last call."""
        taken, self._next = self._next, []
        return taken

    def attempt(self, work: Callable[[], T]) -> T:
        """A fault that the work kept to itself fails it all the same, as nothing can follow it."""
        late, following, changes = len(self._late), len(self._next), len(self.changes)
        self._require()
        self._pipeline.send("savepoint attempt")
        try:
            result = work()
            self._require()
        except BaseException:
            del self._late[late:], self._next[following:], self.changes[changes:]
            self._go_back()
            raise
        self._pipeline.send("release attempt")
        return result

    def _complete(self, work: "Callable[[PostgresTransaction], T]") -> T:
        result = work(self)
        late, self._late = self._late, []
        for sql, parameters in late:
            self.send(sql, *parameters)
        return result

    def _go_back(self) -> None:
        if self._pipeline.lost is None:
            self._pipeline.send("rollback to attempt")
            self._pipeline.send("release attempt")
            self._fault = None

    def _send_many(self, sql: str, rows: Sequence[Sequence[Value]]) -> list[Answer]:
        self._require()
        if not rows:
            return []
        many = self._inserts.get(sql) or self._describe(sql)
        return [
            self._pipeline.send(many.sql, many.write_columns(rows[first : first + ROWS_AT_ONCE]))
            for first in range(0, len(rows), ROWS_AT_ONCE)
        ]

    def _describe(self, sql: str) -> ManyRows:
        answer = self._pipeline.send_description(sql)
        self._await([answer])
        self._inserts[sql] = many = describe_insert(sql, answer.list_types())
        return many

    def _ask(self, sql: str, parameters: Sequence[Value]) -> Answer:
        self._require()
        answer = self._pipeline.send(sql, write_parameters(parameters))
        self._await([answer])
        return answer

    def _require(self) -> None:
        """A transaction with a fault takes nothing more, until it goes back to a savepoint."""
        if self._fault:
            raise self._fault

    def _await(self, answers: Sequence[Answer]) -> Sequence[Answer]:
        if not answers:
            return answers
        self._pipeline.wait(answers[-1])
        if fault := self._pipeline.take_fault():
            failed, self._fault = fault
            self.must_repeat |= failed not in answers or self._fault.sqlstate in AGAIN
            raise self._fault
        return answers
