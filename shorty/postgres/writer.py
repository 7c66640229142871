"""A thread that writes: commits queued writes in groups, whatever becomes of the server."""

import threading
from collections.abc import Sequence
from time import monotonic, sleep
from typing import Final

import psycopg
import structlog

from shorty.errors import StorageUnavailableError
from shorty.postgres.connections import SETTINGS, connect, describe_failure
from shorty.postgres.lanes import group_by_lanes
from shorty.postgres.numbers import GroupNumbers
from shorty.postgres.session import NumberError, RepeatAloneError, Session
from shorty.storage.changes import Subscribers
from shorty.storage.write_queue import Job, WriteQueue, answer, fail_all

# With more savepoints in one transaction, all sessions of the server become slower.
GROUP: Final = 64
PATIENCE_S: Final = 5.0
TRIES_ALONE: Final = 5
FIRST_PAUSE_S: Final = 0.05
LONGEST_PAUSE_S: Final = 1.0

log = structlog.get_logger(__name__)


class Writer(threading.Thread):
    """Commits queued writes in groups of the same lanes, each write in its own savepoint.

    A write that fails is rolled back alone and gets its own error. If the connection is lost, the
    writes that were certainly not committed are run again on another one, for as long as
    `patience_s` from their request or from the loss; then they fail with StorageUnavailableError.
    """

    def __init__(
        self, conninfo: str, name: str, subscribers: Subscribers, patience_s: float = PATIENCE_S
    ) -> None:
        super().__init__(name=f"shorty-writer {name}", daemon=True)
        self.queue = WriteQueue()
        self.numbers = GroupNumbers(name)
        self._conninfo = conninfo
        self._subscribers = subscribers
        self._patience_s = patience_s
        self._session: Session | None = None
        self._doubtful: Sequence[Job] = ()
        """The group whose commit was sent, and whose end nobody saw."""
        self._lost_at: float | None = None

    def run(self) -> None:
        while not self.queue.is_finished:
            if jobs := self.queue.take(GROUP, LONGEST_PAUSE_S if self._doubtful else None):
                for group in group_by_lanes(jobs):
                    self._finish(group)
                    answer(group)
            elif self._doubtful:
                self._try_to_settle()
        self._drop_session()

    def _finish(self, jobs: list[Job]) -> None:
        """Runs the jobs until each has its result or its error."""
        try:
            self._commit(jobs)
        except RepeatAloneError as error:
            log.info("writes_repeated", count=len(jobs), reason=str(error.__cause__ or error))
            self._forget_statements()
            for job in jobs:
                self._finish_alone(job)
        except Exception as error:
            log.exception("writes_not_run", count=len(jobs), reason=repr(error))
            self._drop_session(jobs)
            fail_all(jobs, error)

    def _finish_alone(self, job: Job) -> None:
        reason: BaseException | None = None
        for _ in range(TRIES_ALONE):
            try:
                return self._commit([job], is_careful=True)
            except RepeatAloneError as error:
                reason = error.__cause__
        fail_all([job], describe_failure(reason or StorageUnavailableError()))
        return None

    def _commit(self, jobs: list[Job], *, is_careful: bool = False) -> None:
        """Commits the jobs on as many connections as it takes. Raises RepeatAloneError.

        A group that loses its connection twice may have a write that ends its session each time.
        """
        pause, losses = FIRST_PAUSE_S, 0
        while jobs:
            try:
                session, settled = self._open()
                if jobs[0] not in settled:
                    if losses > 1 and len(jobs) > 1:
                        raise RepeatAloneError
                    losses += 1
                    self._run(session, jobs, is_careful=is_careful)
                self._note_success()
            except (psycopg.Error, StorageUnavailableError) as error:
                if self._session and not self._session.is_lost:
                    return fail_all(jobs, describe_failure(error))
                jobs = self._bear_loss(jobs, error)
                sleep(pause if jobs else 0)
                pause = min(2 * pause, LONGEST_PAUSE_S)
            else:
                return None
        return None

    def _run(self, session: Session, jobs: Sequence[Job], *, is_careful: bool) -> None:
        try:
            session.run(jobs, self.numbers.next, is_careful=is_careful)
        except NumberError:  # nothing was committed, and now the number is right or refused
            self.numbers.find(session, is_doubtful=False)
            session.run(jobs, self.numbers.next, is_careful=is_careful)
        self.numbers.count()

    def _open(self) -> tuple[Session, Sequence[Job]]:
        """Connects if need be. Returns the group in doubt too if it is found to be over.

        Raises psycopg.Error, and StorageUnavailableError if the writer's name is another's now.
        """
        if self._session and not self._session.is_lost:
            return self._session, ()
        self._drop_session()
        connection = connect(self._conninfo, SETTINGS)
        session = Session(connection, self.numbers.name, self._subscribers)
        try:
            is_committed = self.numbers.find(session, is_doubtful=bool(self._doubtful))
        except BaseException:
            session.close()
            raise
        self._session = session
        return session, self._settle(is_committed=is_committed)

    def _settle(self, *, is_committed: bool | None) -> Sequence[Job]:
        doubtful, self._doubtful = self._doubtful, ()
        if not doubtful or is_committed is False:
            return ()
        log.info("writes_settled", count=len(doubtful), committed=is_committed)
        if is_committed is None:
            fail_all(doubtful, StorageUnavailableError())
        for job in doubtful:
            if isinstance(job.error, StorageUnavailableError):  # its caller no longer waits
                for work in job.next:
                    job.loop.call_soon_threadsafe(work)
        return doubtful

    def _try_to_settle(self) -> None:
        try:
            self._open()
        except (psycopg.Error, StorageUnavailableError) as error:
            log.debug("database_connection_refused", reason=str(error))
        else:
            self._note_success()

    def _note_success(self) -> None:
        if self._lost_at is not None:
            log.info("database_connection_back", after_s=round(monotonic() - self._lost_at, 3))
            self._lost_at = None

    def _bear_loss(self, jobs: list[Job], error: Exception) -> list[Job]:
        """Returns the jobs that may wait for another connection; the others get the error."""
        if self._lost_at is None:
            self._lost_at = monotonic()
            log.warning("database_connection_lost", reason=str(error).strip())
        self._drop_session(jobs)
        waiting = self.queue.remove(self._is_overdue)
        fail_all(waiting, describe_failure(error))
        answer(waiting)
        fail_all([job for job in jobs if self._is_overdue(job)], describe_failure(error))
        return [job for job in jobs if not self._is_overdue(job)]

    def _is_overdue(self, job: Job) -> bool:
        lost_at = self._lost_at or 0
        return max(job.asked_at, lost_at) + self._patience_s <= monotonic()

    def _forget_statements(self) -> None:
        if self._session and not self._session.is_lost:
            self._session.forget()

    def _drop_session(self, jobs: Sequence[Job] = ()) -> None:
        """The jobs are in doubt if their commit was sent."""
        if self._session:
            if self._session.is_commit_sent:
                self._doubtful = list(jobs)
            self._session.close()
        self._session = None
