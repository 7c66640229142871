"""Owns how often one may do a thing: rate limits in memory, per token, address and purpose.

A `RateLimit` counts in windows: a caller's starts with its first request and ends `window_ms`
later, so that what is left and when it is full again are exact. Around the end of a window twice
the limit can pass at once.

A `RefillingLimit` is for what strangers can use up for somebody else: after `burst` requests one
more passes every `refill_ms`, so that the wait stays short however long they go on.
"""

from collections import OrderedDict
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

import msgspec

from shorty.durations import DAY_MS, HOUR_MS, MINUTE_MS
from shorty.errors import RateLimitedError

DEFAULT_CAPACITY: Final = 50_000

# The part of an IPv6 address that one subscriber gets; the rest is theirs to change at will.
_IPV6_NETWORK: Final = (2**64 - 1) << 64
# What one customer of a provider may get: of IPv6 up to 65,536 such subscriber networks.
_WIDE_IPV6_NETWORK: Final = (2**48 - 1) << 80
_WIDE_IPV4_NETWORK: Final = (2**24 - 1) << 8


class Allowance(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a limit said; `reset_at` is UTC milliseconds.

    At `reset_at` a window is over; a limit that refills lets one more request through.
    """

    limit: int
    remaining: int
    reset_at: int
    is_allowed: bool

    @property
    def reset_unix_s(self) -> int:
        """Unix seconds, rounded up: at that second the window is over."""
        return -(-self.reset_at // 1000)

    def retry_after_s(self, now: int) -> int:
        """Whole seconds to wait, at least 1."""
        return max(1, -(-(self.reset_at - now) // 1000))

    def require(self, now: int, reason: str = "Too many requests") -> None:
        """Raises RateLimitedError where the limit was reached."""
        if not self.is_allowed:
            raise RateLimitedError(self.retry_after_s(now), reason)


class RateLimit:
    """One purpose's windows. Beyond `capacity` the one that was used longest ago is forgotten.

    Each purpose has its own, so that a flood of one evicts nothing of another.
    """

    __slots__ = ("_capacity", "_window_ms", "_windows")

    def __init__(self, *, window_ms: int, capacity: int = DEFAULT_CAPACITY) -> None:
        self._window_ms = window_ms
        self._capacity = capacity
        self._windows: OrderedDict[str | int, list[int]] = OrderedDict()  # [reset_at, used]

    def __len__(self) -> int:
        return len(self._windows)

    def take(self, who: str | int, limit: int, now: int) -> Allowance:
        """Count one request of `who`, unless `limit` of them were already counted."""
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
        """What `take` would say, but nothing is counted, and nobody remembered."""
        window = self._find_window(who, now) or [now + self._window_ms, 0]
        return Allowance(
            limit=limit,
            remaining=max(0, limit - window[1]),
            reset_at=window[0],
            is_allowed=window[1] < limit,
        )

    def give_back(self, who: str | int, now: int) -> None:
        """For what need not have been counted, such as a password that was right."""
        window = self._find_window(who, now)
        if window is not None and window[1] > 0:
            window[1] -= 1

    def forget(self, who: str | int) -> None:
        self._windows.pop(who, None)

    def _find_window(self, who: str | int, now: int) -> list[int] | None:
        window = self._windows.get(who)
        if window is None:
            return None
        # A window that ends too far ahead was opened before the clock was set back.
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
    """One purpose's token buckets. Beyond `capacity` the one used longest ago is forgotten.

    A full bucket is the same as none, so that of each only the time at which it is full again is
    kept. Refused requests are not counted, and do not prolong the wait.
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
        return _describe_bucket(full_at, burst, refill_ms, now, is_allowed=is_allowed)

    def look(self, who: str | int, burst: int, refill_ms: int, now: int) -> Allowance:
        """What `take` would say; counts nothing and remembers nobody."""
        full_at = self._find_full_at(who, burst, refill_ms, now)
        is_allowed = full_at + refill_ms <= now + burst * refill_ms
        return _describe_bucket(full_at, burst, refill_ms, now, is_allowed=is_allowed)

    def give_back(self, who: str | int, now: int) -> None:
        """For what need not have been counted, such as a password that was right."""
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
        # The clock may have been set back since: no bucket lacks more than all of it.
        bucket[0] = min(bucket[0], now + burst * refill_ms)
        return max(bucket[0], now)

    def _put(self, who: str | int, full_at: int, refill_ms: int) -> None:
        if who not in self._buckets and len(self._buckets) >= self._capacity:
            self._buckets.popitem(last=False)
        self._buckets[who] = [full_at, refill_ms]


def _describe_bucket(
    full_at: int, burst: int, refill_ms: int, now: int, *, is_allowed: bool
) -> Allowance:
    return Allowance(
        limit=burst,
        remaining=max(0, (now + burst * refill_ms - full_at) // refill_ms),
        reset_at=max(now, full_at + refill_ms - burst * refill_ms),
        is_allowed=is_allowed,
    )


class RateLimits:
    """Everything that is limited, by what for; whom each counts is said beside it."""

    __slots__ = (
        "api_requests",
        "browser_codes",
        "browser_sign_ins",
        "invitations",
        "link_password_networks",
        "link_password_tries",
        "link_passwords",
        "mails",
        "neighbours_told",
        "password_mails",
        "plain_documents",
        "previews",
        "public_link_networks",
        "public_links",
        "session_passwords",
        "setup_codes",
        "sign_in_accounts",
        "sign_in_addresses",
        "sign_in_reports",
        "sign_ins",
    )

    def __init__(self) -> None:
        self.api_requests = RateLimit(window_ms=MINUTE_MS)  # token id
        # address and link; network and link; link
        self.link_passwords = RateLimit(window_ms=10 * MINUTE_MS)
        self.link_password_networks = RateLimit(window_ms=10 * MINUTE_MS)
        self.link_password_tries = RefillingLimit()
        self.previews = RateLimit(window_ms=MINUTE_MS)  # user id
        self.public_links = RateLimit(window_ms=HOUR_MS)  # address
        self.public_link_networks = RateLimit(window_ms=HOUR_MS)  # network
        self.sign_ins = RateLimit(window_ms=10 * MINUTE_MS)  # address, account
        self.sign_in_addresses = RateLimit(window_ms=10 * MINUTE_MS)  # address
        self.sign_in_accounts = RefillingLimit()  # e-mail
        self.sign_in_reports = RateLimit(window_ms=HOUR_MS)  # e-mail
        self.browser_sign_ins = RateLimit(window_ms=10 * MINUTE_MS)  # known browser, account
        self.browser_codes = RateLimit(window_ms=DAY_MS)  # the same
        self.session_passwords = RateLimit(window_ms=10 * MINUTE_MS)  # session id
        self.setup_codes = RateLimit(window_ms=10 * MINUTE_MS)  # session id
        self.invitations = RateLimit(window_ms=HOUR_MS)  # user id
        # The e-mail it goes to, or the id of the user who asks for it.
        self.mails = RateLimit(window_ms=HOUR_MS)
        self.password_mails = RateLimit(window_ms=HOUR_MS)  # e-mail it goes to
        self.neighbours_told = RateLimit(window_ms=DAY_MS)  # peer
        self.plain_documents = RateLimit(window_ms=MINUTE_MS)  # address; "": all


def name_address(address: str) -> str:
    """What a client's address is counted as: itself, or the /64 network it can move about in.

    What is not an address (such as a Unix socket's name) is counted as it stands.
    """
    ip = _read_ip(address)
    if isinstance(ip, IPv6Address):
        return f"{IPv6Address(int(ip) & _IPV6_NETWORK)}/64"
    return address if ip is None else str(ip)


def name_network(address: str) -> str:
    """The wider network that a client's address is in: an IPv6 /48 or an IPv4 /24.

    What is not an address is counted as it stands.
    """
    ip = _read_ip(address)
    if ip is None:
        return address
    if isinstance(ip, IPv6Address):
        return f"{IPv6Address(int(ip) & _WIDE_IPV6_NETWORK)}/48"
    return f"{IPv4Address(int(ip) & _WIDE_IPV4_NETWORK)}/24"


def _read_ip(address: str) -> IPv4Address | IPv6Address | None:
    """An IPv4 address that is mapped into IPv6 is the IPv4 address."""
    try:
        ip = ip_address(address)
    except ValueError:
        return None
    return (ip.ipv4_mapped or ip) if isinstance(ip, IPv6Address) else ip
