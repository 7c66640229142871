"""A node among the others: hears their changes, is seen by them, and may be their keeper.

All on one connection that is the node's own, with the locks of a session: one of its name, which no
two processes share, and one of all nodes, which makes it the keeper. The server ends the session of
a node that says nothing for five seconds, because it stands still or is cut off.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable
from time import monotonic, time_ns
from typing import Final

import psycopg
import structlog

from shorty.errors import StartError, StorageUnavailableError
from shorty.postgres.connections import LISTENER_SETTINGS, NOW_MS, connect_async
from shorty.postgres.lanes import NAME_KEY, NAMESPACE
from shorty.postgres.messages import LISTEN, read_message
from shorty.postgres.readers import AsyncPipeline
from shorty.postgres.values import write_parameters
from shorty.storage.changes import AnythingChanged, KeeperChanged, Subscribers
from shorty.storage.database import Row, Value

NOTICE_S: Final = 0.25
ANSWER_S: Final = 0.5
REPORT_S: Final = 1.0
# So long after its last word a node is no longer believed to hear, or to be the keeper.
DEAF_S: Final = 1.5
# The server needs five seconds to find out that the former process of this name has gone.
NAME_PATIENCE_S: Final = 8.0
NAME_PAUSE_S: Final = 0.2
LIVE_MS: Final = 5000

KEEPER: Final = 16  # beside the lanes' numbers
TRY_KEEPER: Final = "select pg_try_advisory_lock($1, $2) as is_mine"
TRY_NAME: Final = f"select pg_try_advisory_lock({NAME_KEY}) as is_mine"
BEAT: Final = "select 1 as answer"
REPORT: Final = f"""
insert into nodes (name, started_at, seen_at, ahead_ms, facts)
values ($1, {NOW_MS}, {NOW_MS}, cast($2 as bigint) - {NOW_MS}, $3)
on conflict (name) do update set
  started_at = case when $4 = 1 then excluded.started_at else nodes.started_at end,
  seen_at = excluded.seen_at, ahead_ms = excluded.ahead_ms, facts = excluded.facts
returning (
  select count(*) from nodes where seen_at > {NOW_MS} - {LIVE_MS} and name <> $1
) as others
"""  # noqa: S608 - expressions of ours
LEAVE: Final = "delete from nodes where name = $1"

log = structlog.get_logger(__name__)


class Listener:
    """Its methods belong to one event loop.

    `can_reach` tells whether the database answers on other connections, which it may do where the
    address to listen at is another. Where it does not, nobody can change anything as far as this
    node can tell, and what is cached may be used for `stale_s`.
    """

    def __init__(
        self,
        conninfo: str,
        node: str,
        subscribers: Subscribers,
        *,
        can_reach: Callable[[], Awaitable[bool]],
        stale_s: float,
        read_ns: Callable[[], int] = time_ns,
    ) -> None:
        self.node = node
        self.live_nodes = 1
        self._conninfo = conninfo
        self._subscribers = subscribers
        self._can_reach = can_reach
        self._stale_s = stale_s
        self._read_ns = read_ns
        self._describe: Callable[[], str] | None = None
        self._pipeline: AsyncPipeline | None = None
        self._heard_at = -math.inf  # all changes before this time were heard
        self._reported_at = 0.0
        self._is_away = False
        self._has_name = False
        self._is_keeper = False

    @property
    def is_hearing(self) -> bool:
        return monotonic() - self._heard_at < DEAF_S

    @property
    def can_cache(self) -> bool:
        """Also of a process that never joined, which caches for itself alone."""
        if self._describe is None or self.is_hearing:
            return True
        return self._is_away and monotonic() - self._heard_at < self._stale_s

    @property
    def is_keeper(self) -> bool:
        """Also a process that never joined."""
        return self._describe is None or (self._is_keeper and self.is_hearing)

    async def join(self, describe: Callable[[], str]) -> None:
        """Raises StartError where the name is another's, and StorageUnavailableError."""
        self._describe = describe
        ends_at = monotonic() + NAME_PATIENCE_S
        await self._connect()
        while not await self._take_name():
            if monotonic() > ends_at:
                raise StartError(
                    f"Another process runs as the node {self.node} on this database. Give each "
                    "server a name of its own in [storage] node, or stop the other one."
                )
            await asyncio.sleep(NAME_PAUSE_S)
        await self._beat(is_first=True)

    async def notice_changes(self) -> None:
        """One heartbeat: whatever was committed before it has been heard after it.

        Raises StorageUnavailableError where the node can't hear.
        """
        try:
            if self._pipeline is None or self._pipeline.lost:
                await self._connect()
            await self._beat()
        except StorageUnavailableError:
            self._is_away = not await self._can_reach()
            if not self.can_cache:
                self._note_missed()
            raise

    async def close(self) -> None:
        """Leaves the other nodes."""
        if self._pipeline and self._pipeline.lost is None and self._has_name:
            try:
                await self._ask(LEAVE, self.node)
            except StorageUnavailableError as error:
                log.info("node_not_left", node=self.node, reason=str(error.__cause__))
        self._drop()

    async def _connect(self) -> None:
        self._drop()
        try:
            connection = await connect_async(self._conninfo, LISTENER_SETTINGS)
        except psycopg.Error as error:
            raise StorageUnavailableError from error
        self._pipeline = AsyncPipeline(connection, self._hear)
        await self._ask(LISTEN)
        # What was said while nobody listened is lost.
        self._note_missed()

    async def _beat(self, *, is_first: bool = False) -> None:
        sent_at = monotonic()
        if not self._has_name:
            await self._take_name()
        if self._is_keeper:
            await self._ask(BEAT)
        else:
            await self._try_to_keep()
        if is_first or sent_at - self._reported_at >= REPORT_S:
            await self._report(is_first=is_first)
            self._reported_at = sent_at
        self._heard_at, self._is_away = sent_at, False

    async def _try_to_keep(self) -> None:
        rows = await self._ask(TRY_KEEPER, NAMESPACE, KEEPER)
        self._is_keeper = bool(rows[0]["is_mine"])
        if self._is_keeper:
            self._heard_at = monotonic()
            log.info("keeper_is_this_node", node=self.node)
            self._subscribers.publish([KeeperChanged()])

    async def _take_name(self) -> bool:
        rows = await self._ask(TRY_NAME, self.node)
        self._has_name = bool(rows[0]["is_mine"])
        return self._has_name

    async def _report(self, *, is_first: bool) -> None:
        facts = self._describe() if self._describe else "{}"
        rows = await self._ask(
            REPORT, self.node, self._read_ns() // 1_000_000, facts, int(is_first)
        )
        self.live_nodes = 1 + rows[0]["others"]

    async def _ask(self, sql: str, *parameters: Value) -> list[Row]:
        """Raises StorageUnavailableError, and then the connection is of no use."""
        pipeline = self._pipeline
        if pipeline is None:
            raise StorageUnavailableError
        try:
            asked = pipeline.find_all(sql, write_parameters(parameters))
            return await asyncio.wait_for(asked, ANSWER_S)
        except (psycopg.Error, TimeoutError) as error:
            self._drop()
            raise StorageUnavailableError from error

    def _hear(self, message: str) -> None:
        self._subscribers.publish(read_message(message, self.node))

    def _note_missed(self) -> None:
        self._subscribers.publish([AnythingChanged(heard_until=self._heard_at)])

    def _drop(self) -> None:
        if self._pipeline:
            self._pipeline.close()
        self._pipeline = None
        self._has_name = self._is_keeper = False
