"""Sends queued deliveries as soon as they are due, for the life of the process.

Only the turns in progress are in memory; all other deliveries stay in the database.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from random import SystemRandom
from secrets import token_hex
from typing import Final

import structlog

from shorty.clock import Reading
from shorty.config import WebhooksConfig
from shorty.durations import MINUTE_MS
from shorty.errors import FetchError, StorageUnavailableError
from shorty.fetch import Answer, Fetcher
from shorty.storage.database import Database, Lane
from shorty.webhooks.concurrency import Slots
from shorty.webhooks.due_times import find_longest_wait, pull_in
from shorty.webhooks.leases import (
    DueDelivery,
    Lease,
    Tried,
    Turn,
    claim_turns,
    finish_turn,
    void_leases,
)
from shorty.webhooks.model import Outcome
from shorty.webhooks.queue import Line, find_due_lines, find_next_time
from shorty.webhooks.rules import plan_next_try, read_outcome
from shorty.webhooks.signature import build_headers

TURN_S: Final = 1.0  # a turn that took longer leaves its rest to the next turn
LEASE_MARGIN_S: Final = 60.0
STEP_BACK_MS: Final = MINUTE_MS
LONGEST_SLEEP_S: Final = 30.0
STORAGE_RETRY_S: Final = 1.0
GRACE_S: Final = 3.0

log = structlog.get_logger(__name__)


class WebhookWorker:
    """Runs from `start` to `stop`. `news` signals that deliveries may have been queued.

    Only the keeper's sends. A killed worker leaves its leases behind. The next one voids them and
    sends their deliveries again, with the same webhook-id.
    """

    def __init__(
        self,
        db: Database,
        fetcher: Fetcher,
        config: WebhooksConfig,
        news: asyncio.Event,
        read_clock: Callable[[], int],
        *,
        grace_s: float = GRACE_S,
        read_monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._db = db
        self._fetcher = fetcher
        self._config = config
        self._news = news
        self._read_clock = read_clock
        self._read_monotonic = read_monotonic
        self._clocks = self._look_at_clocks()
        self._pull_in_at: list[float] = []
        self._grace_s = grace_s
        self._name = token_hex(8)
        self._chance = SystemRandom().random
        self._slots = Slots(config.concurrency)
        self._turns: set[asyncio.Task[None]] = set()
        self._must_stop = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._waits: dict[str, str] = {}
        self._is_keeper = False

    async def start(self) -> None:
        """Raises StorageUnavailableError if the leases of earlier workers cannot be voided."""
        if self._db.is_keeper:
            await self._take_over()
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """Takes no more deliveries; those in progress end within the grace, or are sent again."""
        if self._task is None:
            return
        self._must_stop.set()
        self._news.set()
        await self._task
        if self._turns:
            _, hanging = await asyncio.wait(self._turns, timeout=self._grace_s)
            for turn in hanging:
                turn.cancel()
            await asyncio.gather(*hanging, return_exceptions=True)

    async def _take_over(self) -> None:
        """What the node that was the keeper before had taken is sent again."""
        work = partial(void_leases, now=self._read_clock())
        voided = await self._db.write(work, Lane.WEBHOOKS)
        if voided:
            log.info("webhooks_resumed", deliveries=voided)
        await self._pull_in()
        self._is_keeper = True

    async def _run(self) -> None:
        while not self._must_stop.is_set():
            self._news.clear()
            try:
                sleep_s = await self._work()
            except StorageUnavailableError as error:
                self._note_wait("queue", error)
                sleep_s = STORAGE_RETRY_S
            else:
                self._waits.pop("queue", None)
            with suppress(TimeoutError):
                async with asyncio.timeout(sleep_s):
                    await self._news.wait()

    async def _work(self) -> float:
        """Sends what is due, if this node is the keeper; returns the seconds until the next look.

        Becoming the keeper sets `news`, which ends the sleep.
        """
        if not self._db.is_keeper:
            self._is_keeper = False
            return LONGEST_SLEEP_S
        if not self._is_keeper:
            await self._take_over()
        await self._mind_clock()
        return await self._find_sleep(await self._fill_slots())

    def _note_wait(self, waiting: str, error: StorageUnavailableError) -> None:
        """Logs once why the database is unavailable, not at each retry."""
        reason = str(error.__cause__)
        if reason not in self._waits.values():
            log.warning("webhooks_wait", reason=reason)
        self._waits[waiting] = reason

    async def _mind_clock(self) -> None:
        """Pulls in due times after the clock was set back, and once more when the turns have ended.

        Clicks with the former time may have been on their way into the queue until then.
        """
        before, self._clocks = self._clocks, self._look_at_clocks()
        if before.find_jump(self._clocks) < -STEP_BACK_MS:
            self._pull_in_at = [self._clocks.monotonic, self._clocks.monotonic + LEASE_MARGIN_S]
        while self._pull_in_at and self._pull_in_at[0] <= self._clocks.monotonic:
            await self._pull_in()
            del self._pull_in_at[0]

    async def _pull_in(self) -> None:
        lease, longest_wait_ms = self._lease(), find_longest_wait(self._config.retries_s)
        work = partial(
            pull_in,
            now=lease.begun_at,
            longest_wait_ms=longest_wait_ms,
            lease_until=lease.until,
        )
        if deliveries := await self._db.write(work, Lane.WEBHOOKS):
            log.warning("webhooks_pulled_in", deliveries=deliveries)

    def _look_at_clocks(self) -> Reading:
        return Reading(self._read_clock(), self._read_monotonic())

    async def _fill_slots(self) -> int:
        """Returns the time of its last look at the queue."""
        while True:
            looked_at = self._read_clock()
            chosen = self._slots.take(await self._find_lines(looked_at))
            if not chosen:
                return looked_at
            try:
                work = partial(claim_turns, due=chosen, lease=self._lease())
                turns = await self._db.write(work, Lane.WEBHOOKS)
            except BaseException:
                self._give_back(chosen)
                raise
            begun = {turn.line for turn in turns}
            self._give_back([line for line in chosen if line not in begun])
            for turn in turns:
                self._begin(turn)

    async def _find_lines(self, now: int) -> list[Line]:
        """So many due lines that lines without a free slot cannot hide one that has a slot."""
        lines: list[Line] = []
        for is_quick, free in ((True, self._slots.free), (False, self._slots.free_for_slow)):
            if free > 0 and not self._must_stop.is_set():
                limit = self._slots.number + free
                lines += await find_due_lines(self._db, now, is_quick=is_quick, limit=limit)
        return lines

    def _lease(self) -> Lease:
        now = self._read_clock()
        seconds = TURN_S + self._config.timeout_s + LEASE_MARGIN_S
        return Lease(worker=self._name, begun_at=now, until=now + int(seconds * 1000))

    def _give_back(self, lines: list[Line]) -> None:
        for line in lines:
            self._slots.give_back(line)

    async def _find_sleep(self, looked_at: int) -> float:
        """Seconds until another line is due.

        The end of a turn sets `news`, which ends the sleep.
        """
        next_at = await find_next_time(self._db, looked_at)
        if next_at is None:
            return LONGEST_SLEEP_S
        return min(max(0, next_at - self._read_clock()) / 1000, LONGEST_SLEEP_S)

    def _begin(self, turn: Turn) -> None:
        task = asyncio.get_running_loop().create_task(self._take_turn(turn))
        self._turns.add(task)
        task.add_done_callback(partial(self._end, turn.line))

    def _end(self, line: Line, task: asyncio.Task[None]) -> None:
        self._turns.discard(task)
        self._slots.give_back(line)
        self._news.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("webhook_turn_failed", exc_info=error)

    async def _take_turn(self, turn: Turn) -> None:
        """Sends one delivery after another, until one fails or the turn has taken long enough."""
        began = self._read_monotonic()
        tried: list[Tried] = []
        for delivery in turn.deliveries:
            outcome = await self._send(turn, delivery)
            tried.append(self._judge(delivery, outcome))
            if not outcome.is_success or self._must_stop.is_set():
                break
            if self._read_monotonic() - began > TURN_S:
                break
        await self._write_down(turn, tried)

    async def _send(self, turn: Turn, delivery: DueDelivery) -> Outcome:
        now = self._read_clock()
        began = self._read_monotonic()
        answer = await self._post(turn, delivery, now)
        duration_ms = int((self._read_monotonic() - began) * 1000)
        # Not the clock at the beginning, which may have been set since: the next attempt is planned
        # from
        # this time.
        return read_outcome(answer, self._read_clock() - duration_ms, duration_ms)

    async def _post(self, turn: Turn, delivery: DueDelivery, now: int) -> Answer | FetchError:
        headers = build_headers(delivery.message_id, now // 1000, delivery.body, turn.secrets)
        try:
            return await self._fetcher.post(
                turn.receiver.url, delivery.body, headers, self._config.timeout_s
            )
        except FetchError as error:
            return error
        except Exception:
            # One odd receiver must not block its line for ever.
            log.exception("webhook_not_sent", delivery_id=delivery.id)
            return FetchError("It could not be sent; the server's log says why.")

    def _judge(self, delivery: DueDelivery, outcome: Outcome) -> Tried:
        next_try_at = None
        if not (outcome.is_success or outcome.is_stop):
            next_try_at = plan_next_try(
                outcome, delivery.step + 1, self._config.retries_s, self._chance()
            )
        return Tried(delivery=delivery, outcome=outcome, next_try_at=next_try_at)

    async def _write_down(self, turn: Turn, tried: list[Tried]) -> None:
        """Retries while the database rejects writes; results lost at a stop are sent again."""
        while True:
            work = partial(finish_turn, turn=turn, tried=tried, now=self._read_clock())
            try:
                await self._db.write(work, Lane.WEBHOOKS)
            except StorageUnavailableError as error:
                self._note_wait("results", error)
                if self._must_stop.is_set():
                    return
                with suppress(TimeoutError):
                    async with asyncio.timeout(STORAGE_RETRY_S):
                        await self._must_stop.wait()
            else:
                self._waits.pop("results", None)
                return
