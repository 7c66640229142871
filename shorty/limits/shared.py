"""Rate limits that all nodes share: in memory where there is one, otherwise in the database.

There a count is a row, which a request changes and reads by one statement. Its key is a digest with
the server's secret, so that no IP address and no email is stored. Whatever waits for the database
raises StorageUnavailableError where that is not reachable; then the request may be counted or not.
"""

from hashlib import blake2b
from typing import Final

from shorty.limits.windows import Allowance, RateLimit, RefillingLimit, describe_bucket
from shorty.storage.database import Database, Row

DELETED_AT_ONCE: Final = 10_000
_DIGEST_BYTES: Final = 16
# Nodes' clocks differ, so a window may end later than one that this node had begun just now. One
# that ends later than this was begun before a clock was set back.
_LONGEST_WINDOWS: Final = 2

_IS_OPEN: Final = "r.until > $3 and r.until <= $4"
TAKE: Final = f"""
insert into rate_limits as r (key, until, used, is_counted) values ($1, $2, 1, 1)
on conflict (key) do update set
  until = case when {_IS_OPEN} then r.until else excluded.until end,
  used = case when not ({_IS_OPEN}) then 1 when r.used < $5 then r.used + 1 else r.used end,
  is_counted = case when {_IS_OPEN} and r.used >= $5 then 0 else 1 end
returning until, used, is_counted
"""  # noqa: S608 - a condition of our own
GIVE_BACK: Final = """
update rate_limits set used = used - 1
where key = $1 and used > 0 and until > $2 and until <= $3
"""

# A bucket never lacks more than its size, even if a clock was set back since.
_FULL_AT: Final = "least(greatest(r.until, $2), $4)"
TAKE_REFILLING: Final = f"""
insert into rate_limits as r (key, until, used, is_counted)
values ($1, cast($2 as bigint) + $3, 0, 1)
on conflict (key) do update set
  until = {_FULL_AT} + case when {_FULL_AT} + $3 <= $4 then $3 else 0 end,
  is_counted = case when {_FULL_AT} + $3 <= $4 then 1 else 0 end
returning until, used, is_counted
"""  # noqa: S608 - an expression of our own
GIVE_BACK_REFILLING: Final = "update rate_limits set until = until - $2 where key = $1"

FIND: Final = "select until, used from rate_limits where key = $1"
FORGET: Final = "delete from rate_limits where key = $1"
DELETE_OLD: Final = """
delete from rate_limits where key in (
  select key from rate_limits where until <= $1 limit $2
) returning until
"""


class SharedCounts:
    """The counts of all nodes, in the table `rate_limits`; `secret` is the server's."""

    def __init__(self, db: Database, secret: bytes) -> None:
        self.run = db.run_alone
        self._secret = secret[:64]

    def name(self, purpose: str, who: str | int) -> bytes:
        text = f"{purpose} {who!r}".encode()
        return blake2b(text, digest_size=_DIGEST_BYTES, key=self._secret).digest()


class SharedLimit:
    """A `RateLimit` whose windows all nodes share."""

    def __init__(self, purpose: str, counts: SharedCounts | None, *, window_ms: int) -> None:
        self._own = RateLimit(window_ms=window_ms)
        self._purpose = purpose
        self._counts = counts
        self._window_ms = window_ms

    def __len__(self) -> int:
        """Those in memory."""
        return len(self._own)

    async def take(self, who: str | int, limit: int, now: int) -> Allowance:
        if (counts := self._counts) is None:
            return self._own.take(who, limit, now)
        if limit < 1:
            return self._describe(None, limit, now)
        key, fresh = counts.name(self._purpose, who), now + self._window_ms
        (row,) = await counts.run(TAKE, key, fresh, now, self._find_latest(now), limit)
        return self._describe(row, limit, now, is_allowed=bool(row["is_counted"]))

    async def look(self, who: str | int, limit: int, now: int) -> Allowance:
        if (counts := self._counts) is None:
            return self._own.look(who, limit, now)
        rows = await counts.run(FIND, counts.name(self._purpose, who))
        is_open = bool(rows) and now < rows[0]["until"] <= self._find_latest(now)
        return self._describe(rows[0] if is_open else None, limit, now)

    async def give_back(self, who: str | int, now: int) -> None:
        if (counts := self._counts) is None:
            self._own.give_back(who, now)
        else:
            key = counts.name(self._purpose, who)
            await counts.run(GIVE_BACK, key, now, self._find_latest(now))

    async def forget(self, who: str | int) -> None:
        if (counts := self._counts) is None:
            self._own.forget(who)
        else:
            await counts.run(FORGET, counts.name(self._purpose, who))

    def _find_latest(self, now: int) -> int:
        return now + _LONGEST_WINDOWS * self._window_ms

    def _describe(
        self, row: Row | None, limit: int, now: int, *, is_allowed: bool | None = None
    ) -> Allowance:
        used = row["used"] if row else 0
        return Allowance(
            limit=limit,
            remaining=max(0, limit - used),
            reset_at=row["until"] if row else now + self._window_ms,
            is_allowed=used < limit if is_allowed is None else is_allowed,
        )


class SharedRefillingLimit:
    """A `RefillingLimit` whose buckets all nodes share."""

    def __init__(self, purpose: str, counts: SharedCounts | None) -> None:
        self._own = RefillingLimit()
        self._purpose = purpose
        self._counts = counts

    def __len__(self) -> int:
        """Those in memory."""
        return len(self._own)

    async def take(self, who: str | int, burst: int, refill_ms: int, now: int) -> Allowance:
        if (counts := self._counts) is None:
            return self._own.take(who, burst, refill_ms, now)
        if burst < 1:
            return describe_bucket(now, burst, refill_ms, now, is_allowed=False)
        key, latest = counts.name(self._purpose, who), now + burst * refill_ms
        (row,) = await counts.run(TAKE_REFILLING, key, now, refill_ms, latest)
        is_allowed = bool(row["is_counted"])
        return describe_bucket(row["until"], burst, refill_ms, now, is_allowed=is_allowed)

    async def look(self, who: str | int, burst: int, refill_ms: int, now: int) -> Allowance:
        if (counts := self._counts) is None:
            return self._own.look(who, burst, refill_ms, now)
        rows = await counts.run(FIND, counts.name(self._purpose, who))
        latest = now + burst * refill_ms
        full_at = max(now, min(rows[0]["until"], latest)) if rows else now
        is_allowed = full_at + refill_ms <= latest
        return describe_bucket(full_at, burst, refill_ms, now, is_allowed=is_allowed)

    async def give_back(self, who: str | int, refill_ms: int, now: int) -> None:
        if (counts := self._counts) is None:
            self._own.give_back(who, now)
        else:
            await counts.run(GIVE_BACK_REFILLING, counts.name(self._purpose, who), refill_ms)


async def delete_old_counts(db: Database, now: int) -> int:
    """Deletes some counts that are over, where they are in the database; returns how many."""
    if not db.dialect.is_shared:
        return 0
    return len(await db.run_alone(DELETE_OLD, now, DELETED_AT_ONCE))
