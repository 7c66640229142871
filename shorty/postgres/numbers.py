"""The number of a writer's last group of writes, in a row of its own in the table `writers`.

The number settles a commit whose end nobody saw. A group raises it from n to n + 1 before its first
statement, and sends its commit only after it has seen that this changed the row. So whoever finds
n + 1 after a lost connection knows that the group was committed; and whoever finds n, that it never
will be, because its commit was not sent or its transaction is over: asking waits for the row.
"""

from typing import Final

import structlog

from shorty.errors import StorageUnavailableError
from shorty.postgres.connections import COMMAND, NOW_MS, find_node, is_command
from shorty.postgres.session import Session

DAY_MS: Final = 86_400_000
# A process that starts with a name leaves this behind the number of the one that had it before,
# which then finds that its own number is no longer the next.
STEP: Final = 1_000_000

TAKE_NAME: Final = f"""
insert into writers (node, groups, added_at) values ($1, $2, {NOW_MS})
on conflict (node) do update set groups = writers.groups + $2
returning groups
"""  # noqa: S608 - an expression of ours
FORGET_COMMANDS: Final = f"""
delete from writers where node like '{COMMAND}%' and added_at < {NOW_MS} - {DAY_MS}
"""  # noqa: S608
# The change makes it wait for the transaction that may still have the row.
FIND_NUMBER: Final = "update writers set groups = groups where node = $1 returning groups"
PUT_BACK: Final = f"insert into writers (node, groups, added_at) values ($1, $2, {NOW_MS})"  # noqa: S608

log = structlog.get_logger(__name__)


class GroupNumbers:
    """Counts the groups of one writer, and finds out how far the database has counted."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.is_taken = False
        """Whether another process writes under this name, so that this one's writes are refused."""
        self._last = 0
        self._is_named = False

    @property
    def next(self) -> int:
        return self._last + 1

    def count(self) -> None:
        self._last = self.next

    def find(self, session: Session, *, is_doubtful: bool) -> bool | None:
        """Asks for the number, at first for the name.

        Returns whether the group in doubt was committed; None if nobody can tell any more. Raises
        psycopg.Error, and StorageUnavailableError if another process has taken the name.
        """
        if not self._is_named:
            self._last, self._is_named = self._take_name(session), True
            return False
        rows = session.ask(FIND_NUMBER, self.name)
        if not rows:
            # It was deleted, as that of a command that runs for more than a day.
            session.ask(PUT_BACK, self.name, self._last)
            return None
        known, self._last = self._last, self._compare(rows[0]["groups"], self._last + is_doubtful)
        if self._last < known:
            log.error("database_went_back", groups=known - self._last)
        return is_doubtful and self._last == known + 1

    def _compare(self, found: int, most: int) -> int:
        if found > most and not self.is_taken:
            self.is_taken = True
            log.error("writer_name_taken", node=find_node(self.name))
        if self.is_taken:
            error = StorageUnavailableError()
            error.__cause__ = RuntimeError(f"another process writes as {self.name}")
            raise error
        return found

    def _take_name(self, session: Session) -> int:
        if is_command(self.name):
            session.ask(FORGET_COMMANDS)
        return session.ask(TAKE_NAME, self.name, STEP)[0]["groups"]
