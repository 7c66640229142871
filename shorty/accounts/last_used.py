"""Records when a token or session was last used: outside the request, at most once a minute."""

import asyncio
from collections.abc import Callable
from typing import Final

import structlog

from shorty.accounts import session_store, token_store
from shorty.accounts.sessions import IDLE_MS, WHOLE_MS
from shorty.durations import MINUTE_MS
from shorty.errors import StorageUnavailableError
from shorty.storage.database import Database, Transaction

USE_NOTED_EVERY_MS: Final = MINUTE_MS

log = structlog.get_logger(__name__)


class Uses:
    """`mark` stores the time of one use; it receives the id and the time."""

    def __init__(
        self, db: Database, what: str, mark: Callable[[Transaction, int, int], None]
    ) -> None:
        self._db = db
        self._what = what
        self._mark = mark
        self._noted: dict[int, int] = {}
        self._writes: set[asyncio.Task[None]] = set()

    def note(self, id: int, now: int) -> None:
        """Costs one dictionary look-up, except for the first use in each minute."""
        if now - self._noted.get(id, -USE_NOTED_EVERY_MS) < USE_NOTED_EVERY_MS:
            return
        self._noted[id] = now
        task = asyncio.get_running_loop().create_task(self._write(id, now))
        self._writes.add(task)
        task.add_done_callback(self._writes.discard)

    async def _write(self, id: int, now: int) -> None:
        try:
            await self._db.write(lambda tx: self._mark(tx, id, now))
        except StorageUnavailableError as error:
            log.warning("use_not_noted", what=self._what, id=id, reason=str(error.__cause__))

    async def finish(self) -> None:
        """Waits for pending writes; call it before closing the database."""
        await asyncio.gather(*self._writes)


class TokenUses(Uses):
    def __init__(self, db: Database) -> None:
        super().__init__(db, "token", token_store.mark_token_used)


class SessionUses(Uses):
    def __init__(self, db: Database) -> None:
        super().__init__(db, "session", _mark_session_used)


def _mark_session_used(tx: Transaction, session_id: int, now: int) -> None:
    session_store.mark_session_used(tx, session_id, now, IDLE_MS, WHOLE_MS)
