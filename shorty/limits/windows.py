"""Rate limits in memory: windows, and buckets that refill.

A `RateLimit` counts in windows: a caller's window starts with the first request and ends
`window_ms` later, so the remaining requests and the reset time are exact. Twice the limit can pass
around the end of a window.

A `RefillingLimit` is for what strangers can use up for another person: after `burst` requests one
more passes every `refill_ms`, so the wait stays short however many requests they send.
"""

from collections import OrderedDict
from typing import Final

import msgspec

from shorty.errors import RateLimitedError

DEFAULT_CAPACITY: Final = 50_000


class Allowance(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The answer of a limit; `reset_at` is UTC milliseconds.

    At `reset_at` a window ends; a refilling limit then allows one more request.
    """

    limit: int
    remaining: int
    reset_at: int
    is_allowed: bool

    @property
    def reset_unix_s(self) -> int:
        """Unix seconds, rounded up to a second at which the window is over."""
        return -(-self.reset_at // 1000)

    def retry_after_s(self, now: int) -> int:
        """Whole seconds to wait, at least 1."""
        return max(1, -(-(self.reset_at - now) // 1000))

    def require(self, now: int, reason: str = "Too many requests") -> None:
        """Raises RateLimitedError if the limit was reached."""
        if not self.is_allowed:
            raise RateLimitedError(self.retry_after_s(now), reason)


class RateLimit:
    """The windows of one purpose. Beyond `capacity` the least recently used one is dropped.

    Each purpose has its own, so that a flood of one does not evict another's windows.
    """

    __slots__ = ("_capacity", "_window_ms", "_windows")

    def __init__(self, *, window_ms: int, capacity: int = DEFAULT_CAPACITY) -> None:
        self._window_ms = window_ms
        self._capacity = capacity
        self._windows: OrderedDict[str | int, list[int]] = OrderedDict()  # [reset_at, used]

    def __len__(self) -> int:
        return len(self._windows)

    def take(self, who: str | int, limit: int, now: int) -> Allowance:
        """Counts one request of `who`, unless `limit` of them were already counted."""
        window = self._find_window(who, now)
        if window is None:
            window = self._open_window(who, now)
        is_allowed = window[1] < limit
        if is_allowed:
            window[1] += 1
        return Allowance(
            limit=limit,
            remaining=max(0, limit - window[1]),
            reset_at=window[0],
            is_allowed=is_allowed,
        )

    def look(self, who: str | int, limit: int, now: int) -> Allowance:
        """The answer of `take`, without counting or remembering the caller."""
        window = self._find_window(who, now) or [now + self._window_ms, 0]
        return Allowance(
            limit=limit,
            remaining=max(0, limit - window[1]),
            reset_at=window[0],
            is_allowed=window[1] < limit,
        )

    def give_back(self, who: str | int, now: int) -> None:
        """Uncounts a request that should not count, such as a right password."""
        window = self._find_window(who, now)
        if window is not None and window[1] > 0:
            window[1] -= 1

    def forget(self, who: str | int) -> None:
        self._windows.pop(who, None)

    def _find_window(self, who: str | int, now: int) -> list[int] | None:
        window = self._windows.get(who)
        if window is None:
            return None
        # A window that ends too far ahead was started before the clock was set back.
        if not 0 < window[0] - now <= self._window_ms:
            del self._windows[who]
            return None
        self._windows.move_to_end(who)
        return window

    def _open_window(self, who: str | int, now: int) -> list[int]:
        if len(self._windows) >= self._capacity:
            self._windows.popitem(last=False)
        window = self._windows[who] = [now + self._window_ms, 0]
        return window


class RefillingLimit:
    """The token buckets of one purpose. Beyond `capacity` the least recently used one is dropped.

    Only the time at which a bucket is full again is stored, because a full bucket is the same as
    none. Refused requests are not counted and do not prolong the wait.
    """

    __slots__ = ("_buckets", "_capacity")

    def __init__(self, *, capacity: int = DEFAULT_CAPACITY) -> None:
        self._capacity = capacity
        self._buckets: OrderedDict[str | int, list[int]] = OrderedDict()  # [full_at, refill_ms]

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, who: str | int, burst: int, refill_ms: int, now: int) -> Allowance:
        """Counts one request of `who`, unless their bucket of `burst` requests is empty."""
        full_at = self._find_full_at(who, burst, refill_ms, now)
        is_allowed = full_at + refill_ms <= now + burst * refill_ms
        if is_allowed:
            full_at += refill_ms
            self._put(who, full_at, refill_ms)
        return describe_bucket(full_at, burst, refill_ms, now, is_allowed=is_allowed)

    def look(self, who: str | int, burst: int, refill_ms: int, now: int) -> Allowance:
        """The answer of `take`, without counting or remembering the caller."""
        full_at = self._find_full_at(who, burst, refill_ms, now)
        is_allowed = full_at + refill_ms <= now + burst * refill_ms
        return describe_bucket(full_at, burst, refill_ms, now, is_allowed=is_allowed)

    def give_back(self, who: str | int, now: int) -> None:
        """Uncounts a request that should not count, such as a right password."""
        bucket = self._buckets.get(who)
        if bucket is None:
            return
        bucket[0] -= bucket[1]
        if bucket[0] <= now:
            del self._buckets[who]

    def forget(self, who: str | int) -> None:
        self._buckets.pop(who, None)

    def _find_full_at(self, who: str | int, burst: int, refill_ms: int, now: int) -> int:
        bucket = self._buckets.get(who)
        if bucket is None:
            return now
        self._buckets.move_to_end(who)
        # The clock may have been set back since, but a bucket never lacks more than its size.
        bucket[0] = min(bucket[0], now + burst * refill_ms)
        return max(bucket[0], now)

    def _put(self, who: str | int, full_at: int, refill_ms: int) -> None:
        if who not in self._buckets and len(self._buckets) >= self._capacity:
            self._buckets.popitem(last=False)
        self._buckets[who] = [full_at, refill_ms]


def describe_bucket(
    full_at: int, burst: int, refill_ms: int, now: int, *, is_allowed: bool
) -> Allowance:
    """The answer for a bucket that is full again at `full_at`."""
    return Allowance(
        limit=burst,
        remaining=max(0, (now + burst * refill_ms - full_at) // refill_ms),
        reset_at=max(now, full_at + refill_ms - burst * refill_ms),
        is_allowed=is_allowed,
    )
