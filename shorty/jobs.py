"""Periodic jobs of the server: notices other processes' changes, and deletes what has expired.

Of several nodes, only the keeper deletes, and does what else is done by the clock for all.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Final

import structlog

from shorty.accounts.invitations import delete_old_invitations
from shorty.accounts.mail_links import delete_old_mail_links
from shorty.accounts.sessions import delete_old_sessions
from shorty.accounts.tokens import end_expired_tokens
from shorty.api.idempotency import delete_old_keys
from shorty.clicks.domain_sums import fill_day
from shorty.clicks.folding import fold_some
from shorty.clicks.rebuild import rebuild_noted_day
from shorty.clicks.retention import forget_sums, remove_old_clicks
from shorty.clicks.rollup_store import forget_some_visitors
from shorty.clicks.store import find_newest_time
from shorty.clicks.visitor import VisitorNumbers, find_shared_key
from shorty.clicks.weeks import sum_some_weeks
from shorty.clock import WAIT_S, ClockWatch, Reading
from shorty.durations import DAY_MS, HOUR_MS
from shorty.errors import StorageUnavailableError
from shorty.limits import delete_old_counts
from shorty.links.address_store import end_old_rests
from shorty.links.public import (
    CLICK_DAYS,
    PUBLIC_WORKSPACE_ID,
    delete_expired_public_links,
)
from shorty.links.search_entries import catch_up
from shorty.storage.state import find_believed_time, note_believed_time
from shorty.webcore.services import Services
from shorty.webhooks.service import delete_old_deliveries

RELOAD_S: Final = 0.5
INDEX_S: Final = 1.0
TAKE_UP_S: Final = 2.0
SWEEP_S: Final = 60.0
NOTED_MS: Final = HOUR_MS
KEY_AHEAD_MS: Final = 10 * 60_000

log = structlog.get_logger(__name__)


class Jobs:
    """Started last and stopped first.

    A job that the database refuses is retried at its next turn.
    """

    def __init__(
        self,
        services: Services,
        visitors: VisitorNumbers,
        read_clock: Callable[[], int],
        read_monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._services = services
        self._visitors = visitors
        self._key_days = (0, 0)
        self._read_clock = read_clock
        self._read_monotonic = read_monotonic
        self._watch: ClockWatch | None = None  # until the first sweep
        self._believed_at: int | None = None
        self._stopping = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        loop, db = asyncio.get_running_loop(), self._services.db
        self._tasks = [
            loop.create_task(self._repeat(db.notice_s, db.notice_changes)),
            loop.create_task(self._follow_domains()),
            loop.create_task(self._repeat(INDEX_S, self.index_new_links)),
            loop.create_task(self._repeat(TAKE_UP_S, self.take_up_jobs)),
            loop.create_task(self._repeat(SWEEP_S, self.bring_visitor_key)),
            loop.create_task(self._repeat(SWEEP_S, self.sweep)),
            loop.create_task(self._repeat(SWEEP_S, self.fill_domains)),
        ]

    async def stop(self) -> None:
        self._stopping.set()
        self._services.domains.outdated.set()  # ends the wait for it
        await asyncio.gather(*self._tasks)

    async def _follow_domains(self) -> None:
        """Reads the domains again after others than this process's own writes changed them."""
        domains = self._services.domains
        while not self._stopping.is_set():
            await domains.outdated.wait()
            try:
                await domains.reload()
            except StorageUnavailableError as error:
                log.debug("domains_not_read", reason=str(error.__cause__))
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), RELOAD_S)

    async def bring_visitor_key(self) -> None:
        """Ten minutes before midnight UTC, as the database may be away then; deletes it after."""
        now = self._read_clock()
        days = now // DAY_MS, (now + KEY_AHEAD_MS) // DAY_MS
        if days == self._key_days:
            return
        today, coming = days
        key = await find_shared_key(self._services.db, coming, today)
        if key is not None:
            self._visitors.bring_key(coming, key)
        self._key_days = days

    async def index_new_links(self) -> None:
        """Where so many wait that it takes longer, a stop does not wait for the rest."""
        while self._services.db.is_keeper and not self._stopping.is_set():
            if await catch_up(self._services.db, INDEX_S):
                return

    async def take_up_jobs(self) -> None:
        """Goes on with imports and actions on many links whose node stopped or died."""
        await self._services.transfers.take_up()
        await self._services.bulk_jobs.take_up()

    async def fill_domains(self) -> None:
        """Ends after the first start of a release that keeps sums of domains."""
        if self._services.db.is_keeper:
            await self._drain(lambda: fill_day(self._services.db))

    async def sweep(self) -> None:
        reading = Reading(self._read_clock(), self._read_monotonic())
        if not self._services.db.is_keeper or not await self._may_believe(reading):
            return
        now, services = reading.now, self._services
        await self._drain(lambda: delete_expired_public_links(services.links, now, forget_sums))
        await self._drain(lambda: end_old_rests(services.db, now))
        await self._drain(lambda: delete_old_keys(services.db, now))
        await self._drain(lambda: end_expired_tokens(services.db, now))
        await self._drain(lambda: delete_old_sessions(services.db, now))
        await self._drain(lambda: delete_old_invitations(services.db, now))
        await self._drain(lambda: delete_old_mail_links(services.db, now))
        await self._drain(lambda: delete_old_counts(services.db, now))
        await self._drain(lambda: services.drafts.delete_old(self._read_clock()))
        await self._drain(lambda: delete_old_deliveries(services.db, now))
        await self._drain(lambda: services.transfers.delete_old(now))
        await self._drain(lambda: services.bulk_jobs.delete_old(now))
        await self._drain(lambda: forget_some_visitors(services.db, now))
        await self._drain(lambda: rebuild_noted_day(services.db))
        await self._drain(lambda: fold_some(services.db, now))
        await self._drain(lambda: sum_some_weeks(services.db, now))
        brief = {PUBLIC_WORKSPACE_ID: CLICK_DAYS}
        await self._drain(lambda: remove_old_clicks(services.db, services.config.plans, now, brief))

    async def _may_believe(self, reading: Reading) -> bool:
        """Whether this time is trusted for irreversible deletions; logs if they must wait."""
        watch = self._watch
        if watch is None:
            watch = self._watch = ClockWatch(await self._find_believed(reading))
            note = log.info  # expected after a month without the server
        else:
            note = log.warning
        jump, before = watch.find_jump(reading), watch.doubted
        if not watch.may_believe(reading):
            if watch.doubted != before:
                note("sweeps_wait", clock_jumped_s=jump // 1000, wait_s=int(WAIT_S))
            return False
        if before is not None:
            log.info("sweeps_go_on")
        if self._believed_at is None or abs(reading.now - self._believed_at) >= NOTED_MS:
            await self._services.db.write(partial(note_believed_time, now=reading.now))
            self._believed_at = reading.now
        return True

    async def _find_believed(self, reading: Reading) -> Reading:
        """The time that an earlier process trusted, else the newest click's, else the clock."""
        db = self._services.db
        believed = await db.read(find_believed_time)
        if believed is None:
            believed = await db.read(find_newest_time)
        return reading if believed is None else reading._replace(now=believed)

    async def _drain(self, do_some: Callable[[], Awaitable[int]]) -> None:
        """Works in small batches, so that no caller waits long for the writer."""
        while await do_some() and not self._stopping.is_set():
            pass

    async def _repeat(self, pause_s: float, work: Callable[[], Awaitable[None]]) -> None:
        waits_for = ""  # logged once, not at every turn
        while not self._stopping.is_set():
            try:
                await work()
            except StorageUnavailableError as error:
                reason = str(error.__cause__)
                if reason != waits_for:
                    log.warning("upkeep_waits", reason=reason)
                waits_for = reason
            else:
                waits_for = ""
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause_s)
