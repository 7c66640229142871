"""Owns the readiness check: whether the server can work now, and why not.

It writes a row, because reading works even with a full disk or a lock. It runs at most once a
second; concurrent callers share the result.
"""

import asyncio
import os
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final, Literal

import msgspec
import structlog

from shorty.clicks.recorder import Recorder
from shorty.errors import StorageUnavailableError
from shorty.storage.database import Database
from shorty.storage.state import write_probe

WRITER_PATIENCE_S: Final = 2.0
SHARED_S: Final = 1.0
LONGEST_WAIT_S: Final = 60.0
# What a write needs; the probe's own row is smaller and would still fit.
LEAST_ROOM: Final = 1 << 20

log = structlog.get_logger(__name__)

ReasonCode = Literal[
    "database-replaced",
    "node-name-taken",
    "database-not-readable",
    "database-not-writable",
    "changes-not-heard",
    "disk-full",
    "journal-refuses",
    "visits-wait",
]


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """Why the server is not ready: a stable code, and a sentence for the operator."""

    code: ReasonCode
    detail: str


REPLACED: Final = Reason(
    code="database-replaced",
    detail="The database file was moved, replaced or deleted; restart the server.",
)
NAME_TAKEN: Final = Reason(
    code="node-name-taken",
    detail="Another process writes under this node's name, so this one's writes are refused; give "
    "each its own [storage] node, then restart the server.",
)


class Readiness:
    """One per application."""

    def __init__(
        self,
        db: Database,
        recorder: Recorder,
        *,
        patience_s: float = WRITER_PATIENCE_S,
        read_monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._db = db
        self._recorder = recorder
        self._patience_s = patience_s
        self._read_monotonic = read_monotonic
        self._probes = 0
        self._write: asyncio.Task[str] | None = None
        self._check: asyncio.Task[tuple[Reason, ...]] | None = None
        self._valid_until = 0.0
        self._codes: list[ReasonCode] = []

    async def find_reasons(self) -> tuple[Reason, ...]:
        """Why the server is not ready; empty if it is. Takes at most as long as a write may."""
        check = self._check
        if check is None or (check.done() and self._read_monotonic() >= self._valid_until):
            check = self._check = asyncio.get_running_loop().create_task(self._find_out())
        # A caller that disconnects must not cancel the check for the others.
        return await asyncio.shield(check)

    async def _find_out(self) -> tuple[Reason, ...]:
        cause = await self._try_write()
        self._recorder.try_journal()
        reasons = tuple(self._list_reasons(cause, is_readable=await self._db.is_readable()))
        self._note([reason.code for reason in reasons])
        self._valid_until = self._read_monotonic() + SHARED_S
        return reasons

    def _note(self, codes: list[ReasonCode]) -> None:
        """Logs each change once."""
        if codes != self._codes:
            if codes:
                log.warning("not_ready", reasons=codes)
            else:
                log.info("ready_again")
        self._codes = codes

    async def finish(self) -> None:
        """Call it before the database is closed."""
        for task in (self._check, self._write):
            if task is not None:
                await asyncio.wait({task})

    async def _try_write(self) -> str:
        """Why no row could be written; empty if one was.

        A write that timed out stays pending, so that there is never a second one.
        """
        if self._write is None or self._write.done():
            self._write = asyncio.get_running_loop().create_task(self._write_row())
        done, _ = await asyncio.wait({self._write}, timeout=self._patience_s)
        return self._write.result() if done else f"A write has waited for {self._patience_s:g} s"

    async def _write_row(self) -> str:
        self._probes += 1
        try:
            await self._db.write(partial(write_probe, number=self._probes))
        except StorageUnavailableError as error:
            return f"The database says: {error.__cause__}"
        return ""

    def _list_reasons(self, cause: str, *, is_readable: bool) -> Iterator[Reason]:
        if not self._db.is_in_place():
            yield NAME_TAKEN if self._db.dialect.is_shared else REPLACED
        elif cause:
            yield Reason(code="database-not-writable", detail=f"{cause}.")
        if not is_readable:
            yield Reason(code="database-not-readable", detail="Run `shorty check`.")
        if is_readable and not self._db.can_cache:
            yield Reason(
                code="changes-not-heard",
                detail="What other servers change is not heard, so nothing is cached; see "
                "[storage] listen.",
            )
        if (room := self._measure_room()) < LEAST_ROOM:
            yield Reason(
                code="disk-full",
                detail=f"Only {room >> 10} KiB are free on the database's disk; free up space.",
            )
        yield from self._list_journal_reasons()

    def _measure_room(self) -> int:
        """In bytes; LEAST_ROOM if the file system does not report it."""
        try:
            found = os.statvfs(self._db.place("journal").parent)
        except OSError:
            return LEAST_ROOM
        return found.f_bavail * found.f_frsize if found.f_blocks else LEAST_ROOM

    def _list_journal_reasons(self) -> Iterator[Reason]:
        stats = self._recorder.describe()
        if stats.refused_s is not None:
            yield Reason(
                code="journal-refuses",
                detail=f"The click journal has not accepted visits for {stats.refused_s:.0f} s: "
                f"{stats.in_memory} are held only in memory.",
            )
        if stats.wait_s > LONGEST_WAIT_S:
            yield Reason(
                code="visits-wait",
                detail=f"{stats.waiting} visits are waiting to be stored, the oldest for "
                f"{stats.wait_s:.0f} s.",
            )
