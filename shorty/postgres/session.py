"""The writer's session: groups of writes, each one transaction, numbered in the writer's own row.

What the number is for stands in `numbers`.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, NoReturn

import psycopg

from shorty.errors import StorageUnavailableError
from shorty.postgres.connections import (
    SETTINGS,
    describe_failure,
    find_node,
    write_settings,
)
from shorty.postgres.lanes import NAMESPACE, TAKE_LANE
from shorty.postgres.messages import NOTIFY, write_messages
from shorty.postgres.pipeline import Answer, BlockingPipeline
from shorty.postgres.transaction import AGAIN, PostgresTransaction
from shorty.postgres.values import write_parameters
from shorty.storage.changes import Subscribers
from shorty.storage.database import Value
from shorty.storage.write_queue import Job

if TYPE_CHECKING:
    from shorty.postgres.inserts import ManyRows

NUMBER_GROUP: Final = """
update writers set groups = $2 where node = $1 and groups = cast($2 as bigint) - 1
"""


SET_OWN: Final = write_settings(SETTINGS)


class RepeatAloneError(Exception):
    """Nothing of the group was committed; each of its writes has to be run again alone."""


class NumberError(StorageUnavailableError):
    """The writer's row does not have the number that this process gave it."""


class Session:
    """One connection of the writer. After LostConnectionError it is of no use."""

    def __init__(
        self, connection: "psycopg.Connection[Any]", name: str, subscribers: Subscribers
    ) -> None:
        self.pipeline = BlockingPipeline(connection)
        self.is_commit_sent = False
        """Whether the end of the last group is unknown if the connection is lost now."""
        self._name = name
        self._inserts: dict[str, ManyRows] = {}
        self._groups = 0
        self._transaction = PostgresTransaction(self.pipeline, self._inserts, subscribers)

    @property
    def is_lost(self) -> bool:
        return self.pipeline.lost is not None

    def ask(self, sql: str, *parameters: Value) -> list[Any]:
        """A statement that is its own transaction. Raises psycopg.Error."""
        answer = self.pipeline.wait(self.pipeline.send(sql, write_parameters(parameters)))
        if fault := self.pipeline.take_fault():
            raise fault[1]
        return self.pipeline.read_rows(answer)

    def run(self, jobs: Sequence[Job], number: int, *, is_careful: bool) -> None:
        """Commits the jobs, which are all of the same lanes, as the group of this number.

        A job that fails by itself has its error, and none of its changes is kept. Raises
        RepeatAloneError, NumberError or psycopg.Error if nothing was committed, except for
        LostConnectionError while `is_commit_sent`.
        """
        self._transaction.begin(is_careful=is_careful)
        numbered = self._begin(number, jobs[0])
        try:
            if is_careful:
                self._expect(numbered)
            for job in jobs:
                self._run_job(job, numbered)
            self._commit(numbered)
        except BaseException:
            self._roll_back()
            raise

    def forget(self) -> None:
        """Prepares everything anew, since the schema may have changed."""
        self._inserts.clear()
        self.pipeline.forget_statements()

    def close(self) -> None:
        self.pipeline.close()

    def _begin(self, number: int, first: Job) -> Answer:
        """Sends it without waiting; returns what will be the answer to numbering the group."""
        self._plan_anew()
        self.pipeline.send("begin isolation level read committed")
        if self.pipeline.is_pooled:
            self.pipeline.send(SET_OWN)
        for lane in first.lanes:
            self.pipeline.send(TAKE_LANE, write_parameters((NAMESPACE, lane)))
        return self.pipeline.send(NUMBER_GROUP, write_parameters((self._name, number)))

    def _plan_anew(self) -> None:
        """Drops the plans of prepared statements each time that the groups have doubled.

        Those that the server chose for small tables would go on being used while the tables grow,
        until it has gathered statistics: for a minute or more.
        """
        self._groups += 1
        if not self._groups & (self._groups - 1):
            self.pipeline.send("discard plans", is_kept=False)

    def _run_job(self, job: Job, numbered: Answer) -> None:
        transaction = self._transaction
        job.result, job.error, job.next = None, None, []
        fault: Exception | None = None
        try:
            job.result = transaction.run(job.work)
            job.next = transaction.take_next()
        except Exception as error:  # noqa: BLE001 - the caller handles it
            job.error, fault = describe_failure(error), error
        if self.pipeline.lost:
            raise self.pipeline.lost
        if isinstance(fault, psycopg.Error) and not numbered.is_good:
            raise fault  # of the beginning, and so of all jobs
        if transaction.must_repeat:
            raise RepeatAloneError from fault

    def _commit(self, numbered: Answer) -> None:
        self._expect(numbered)
        if numbered.count != 1:
            raise NumberError
        for message in write_messages(find_node(self._name), self._transaction.changes):
            self.pipeline.send(NOTIFY, write_parameters((message,)))
        self.is_commit_sent = True
        answer = self.pipeline.wait(self.pipeline.send("commit"))
        self.is_commit_sent = False
        if fault := self.pipeline.take_fault():
            self._raise_again(fault[1])
        if answer.tag != b"COMMIT":
            raise RepeatAloneError

    def _expect(self, answer: Answer) -> None:
        self.pipeline.wait(answer)
        if fault := self.pipeline.take_fault():
            if answer.is_good:
                self._raise_again(fault[1])
            raise fault[1]

    def _raise_again(self, error: psycopg.Error) -> NoReturn:
        """A fault of one job of the group, or of the only one."""
        if self._transaction.is_careful and error.sqlstate not in AGAIN:
            raise error
        raise RepeatAloneError from error

    def _roll_back(self) -> None:
        if self.pipeline.lost is None:
            self.pipeline.wait_for_all()
            self.pipeline.wait(self.pipeline.send("rollback"))
            self.pipeline.take_fault()
