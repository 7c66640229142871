"""Sends statements without waiting for each answer: libpq's pipeline on one connection.

Psycopg's own cursors cost some 50 µs a statement in Python, and forget what they prepared at each
`rollback to`; this is the same with a fifth of the work. `Pipeline` waits for nothing:
`BlockingPipeline` waits in a thread, `readers.AsyncPipeline` on an event loop.
"""

import select
from collections import OrderedDict, deque
from collections.abc import Sequence
from itertools import count
from typing import TYPE_CHECKING, Any, Final

import psycopg
from psycopg.adapt import Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, ExecStatus

from shorty.postgres.connections import is_fatal, is_pooled
from shorty.postgres.values import PostgresRow, shape_row

if TYPE_CHECKING:
    from psycopg.pq.abc import PGresult

PREPARED: Final = 512
"""Statements that one connection keeps prepared; the least recently used one makes room."""

STALE_PLAN: Final = "0A000"

_GOOD: Final = frozenset({ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK})
_READING: Final = select.POLLIN
_WRITING: Final = select.POLLIN | select.POLLOUT


class LostConnectionError(psycopg.OperationalError):
    """The connection ended, whoever ended it; what was sent and not answered may have run."""


class Statement:
    """One SQL text on one connection: prepared from its second use on, unless it is a pool's."""

    __slots__ = ("name", "row", "sql")

    def __init__(self, sql: str) -> None:
        self.sql = sql.encode()
        self.name = b""
        self.row: type[PostgresRow] | None = None


class Answer:
    """What the server answers to something that was sent; without a result until it `is_done`."""

    __slots__ = ("is_done", "result", "statement")

    def __init__(self, statement: Statement | None = None) -> None:
        self.statement = statement
        self.result: PGresult | None = None
        self.is_done = False

    def finish(self) -> None:
        self.is_done = True

    def take_blame(self) -> "Answer":
        """Whose fault it is if this is one."""
        return self

    @property
    def is_good(self) -> bool:
        """Whether it is there, and no fault."""
        return self.is_done and self.result is not None and self.result.status in _GOOD

    @property
    def is_skipped(self) -> bool:
        """Whether the server skipped it because of an earlier fault."""
        return self.result is not None and self.result.status == ExecStatus.PIPELINE_ABORTED

    @property
    def tag(self) -> bytes | None:
        """What the server calls what it did, such as `COMMIT`."""
        return self.result.command_status if self.result else None

    def list_types(self) -> list[int]:
        """Those of the parameters of a statement that was described."""
        result = self.result
        return [result.param_type(place) for place in range(result.nparams)] if result else []

    @property
    def count(self) -> int:
        """How many rows the statement changed or found; -1 where it does neither."""
        number = self.result.command_tuples if self.result else None
        return -1 if number is None else number


class Preparation(Answer):
    """The answer to preparing a statement, for the answer to running it."""

    __slots__ = ("answer",)

    def __init__(self, statement: Statement, answer: Answer) -> None:
        super().__init__(statement)
        self.answer = answer

    def finish(self) -> None:
        super().finish()
        if self.statement and not self.is_good:
            self.statement.name = b""

    def take_blame(self) -> Answer:
        self.answer.result = self.result
        return self.answer


class Pipeline:
    """Statements on one connection, in the order in which they are sent, and their answers.

    After a fault the server skips everything up to the next `sync`.
    """

    def __init__(
        self, connection: "psycopg.Connection[Any] | psycopg.AsyncConnection[Any]"
    ) -> None:
        self.pgconn = connection.pgconn
        self.is_pooled = is_pooled(connection)
        """Whether the next transaction may be in another session."""
        self.fault: Answer | None = None
        """The first answer with a fault since the last recovery."""
        self.lost: LostConnectionError | None = None
        self._transformer = Transformer(connection)
        self._waiting: deque[Answer] = deque()
        self._statements: OrderedDict[str, Statement] = OrderedDict()
        self._names = count()
        self.pgconn.nonblocking = 1
        self.pgconn.enter_pipeline_mode()

    def send(
        self,
        sql: str,
        values: Sequence[bytes | None] = (),
        answer: Answer | None = None,
        *,
        is_kept: bool = True,
    ) -> Answer:
        """Queues a statement, which is prepared at its second use where it `is_kept`.

        Behind a pool, none is: another session would not know it. Raises LostConnectionError if the
        connection is known to be lost.
        """
        self._require()
        answer = answer or Answer()
        is_kept = is_kept and not self.is_pooled
        statement = self._find_statement(sql, answer) if is_kept else Statement(sql)
        answer.statement = statement
        if statement.name:
            self.pgconn.send_query_prepared(statement.name, values)
        else:
            self.pgconn.send_query_params(statement.sql, values)
        self._waiting.append(answer)
        return answer

    def send_sync(self) -> Answer:
        """Marks the end of what a fault skips; outside of a transaction, it commits."""
        self._require()
        self.pgconn.pipeline_sync()
        self._waiting.append(answer := Answer())
        return answer

    def send_description(self, sql: str) -> Answer:
        """Asks for the types of a statement's parameters, which its result then has."""
        self._require()
        self.pgconn.send_prepare(b"", sql.encode())
        self._waiting.append(Answer())
        self.pgconn.send_describe_prepared(b"")
        self._waiting.append(answer := Answer())
        return answer

    def receive(self) -> None:
        """Takes the answers that have arrived."""
        while self._waiting and not self.pgconn.is_busy():
            answer, result = self._waiting[0], self.pgconn.get_result()
            if result is not None and result.status != ExecStatus.PIPELINE_SYNC:
                answer.result = answer.result or result
                if self.fault is None and result.status not in _GOOD:
                    self.fault = answer.take_blame()
                continue
            self._waiting.popleft()
            answer.finish()

    def read_rows(self, answer: Answer) -> list[Any]:
        """The rows of an answer, each a `PostgresRow`."""
        result, statement = answer.result, answer.statement
        if result is None or statement is None or not result.ntuples:
            return []
        if (row := statement.row) is None or len(row.names) != result.nfields:
            names = [(result.fname(place) or b"").decode() for place in range(result.nfields)]
            row = statement.row = shape_row(tuple(names))
        self._transformer.set_pgresult(result)
        return self._transformer.load_rows(0, result.ntuples, row)

    def describe_fault(self, answer: Answer) -> psycopg.Error:
        if answer.result is None:
            return psycopg.OperationalError("the server did not answer")
        return error_from_result(answer.result)

    def note_loss(self, error: BaseException | None = None) -> LostConnectionError:
        """From now on everything raises the error that this returns."""
        if self.lost is None:
            said = str(error) if error else self.pgconn.get_error_message()
            self.lost = LostConnectionError(said.strip() or "the connection was closed")
            self.lost.__cause__ = error
        return self.lost

    def find_loss(self) -> LostConnectionError | None:
        """Looks whether the server or the network ended the connection."""
        if self.lost:
            return self.lost
        # What was skipped tells nothing, and may arrive behind the fault for which it was.
        fault = self.fault if self.fault and not self.fault.is_skipped else None
        error = self.describe_fault(fault) if fault else None
        if self.pgconn.status != ConnStatus.OK or (error and is_fatal(error)):
            return self.note_loss(error)
        return None

    def forget_stale(self, answer: Answer, error: psycopg.Error) -> bool:
        """Whether the fault is that of a plan which a change of the schema made useless.

        Then the statement is prepared anew if it is sent again.
        """
        statement = answer.statement
        if error.sqlstate != STALE_PLAN or statement is None or not statement.name:
            return False
        self._statements.pop(statement.sql.decode(), None)
        self.send(f"deallocate {statement.name.decode()}", is_kept=False)
        return True

    def forget_statements(self) -> None:
        """For statements that were prepared before the schema changed."""
        self._statements.clear()
        if not self.is_pooled:
            self.send("deallocate all", is_kept=False)

    def _require(self) -> None:
        if self.lost:
            raise self.lost

    def _find_statement(self, sql: str, answer: Answer) -> Statement:
        statement = self._statements.get(sql)
        if statement is None:
            self._statements[sql] = statement = Statement(sql)
            self._make_room()
            return statement
        self._statements.move_to_end(sql)
        if not statement.name:
            statement.name = b"shorty_%d" % next(self._names)
            self.pgconn.send_prepare(statement.name, statement.sql)
            self._waiting.append(Preparation(statement, answer))
        return statement

    def _make_room(self) -> None:
        if len(self._statements) <= PREPARED:
            return
        _, oldest = self._statements.popitem(last=False)
        if oldest.name:
            self.pgconn.send_query_params(b"deallocate " + oldest.name, ())
            self._waiting.append(Answer())


class BlockingPipeline(Pipeline):
    """A pipeline whose answers a thread waits for. Closing it closes the connection."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        super().__init__(connection)
        self._connection = connection
        self._poll = select.poll()

    def wait(self, answer: Answer) -> Answer:
        """Waits until everything that was sent is answered; it may be a fault.

        Only after a sync does the server know that it waits for us, and for how long it may. Raises
        LostConnectionError.
        """
        if not answer.is_done:
            self.wait_for_all()
        return answer

    def wait_for_all(self) -> None:
        """Ends the skipping that follows a fault. Raises LostConnectionError."""
        sync = self.send_sync()
        while not sync.is_done:
            self._communicate()

    def take_fault(self) -> "tuple[Answer, psycopg.Error] | None":
        """The first answer since the last call that is a fault; nothing was done behind it."""
        failed, self.fault = self.fault, None
        return (failed, self.describe_fault(failed)) if failed else None

    def close(self) -> None:
        self._connection.close()

    def _communicate(self) -> None:
        try:
            self._poll.register(self.pgconn.socket, _WRITING if self.pgconn.flush() else _READING)
            if any(event & ~select.POLLOUT for _, event in self._poll.poll()):
                self.pgconn.consume_input()
            self.receive()
        except (OSError, psycopg.OperationalError) as error:
            # What the server said last tells more than the end of the connection.
            self.receive_last()
            raise self.find_loss() or self.note_loss(error) from None
        if loss := self.find_loss():
            raise loss

    def receive_last(self) -> None:
        try:
            self.receive()
        except psycopg.OperationalError:
            return
