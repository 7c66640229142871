"""Pulls in due times that are further ahead than any this worker would set.

A clock that was ahead leaves such times behind when it is set back. Without this, deliveries would
wait until the time that it showed, possibly for years.
"""

from collections.abc import Sequence
from typing import Final

from shorty.storage.database import Transaction
from shorty.webhooks.rules import LONGEST_HOLD_MS, LONGEST_PAUSE_MS, MOST_JITTER

PULL_IN_DELIVERIES: Final = """
update webhook_deliveries set due_at = $1
where status = 0 and leased_by is null and due_at > $2
"""
PULL_IN_LEASES: Final = """
update webhook_deliveries set due_at = $1 where leased_by is not null and due_at > $1
"""
PULL_IN_RECEIVERS: Final = """
update webhook_receivers set
  held_until = case when held_until > $2 then $1 else held_until end,
  busy_until = case when busy_until > $3 then $3 else busy_until end,
  paused_at = case when paused_at > $1 then $1 else paused_at end,
  stopped_at = case when stopped_at > $1 then $1 else stopped_at end
where held_until > $2 or busy_until > $3 or paused_at > $1 or stopped_at > $1
"""
# A line's time may be too early, which only costs a look.
ADVANCE_RECEIVERS: Final = "update webhook_receivers set next_at = $1 where next_at > $1"
ADVANCE_LINES: Final = "update webhook_lines set next_at = $1 where next_at > $1"


def pull_in(tx: Transaction, now: int, longest_wait_ms: int, lease_until: int) -> int:
    """Makes deliveries due now that are due after the longest wait, and shortens long leases.

    Returns how many deliveries became due.
    """
    latest = now + longest_wait_ms
    deliveries = tx.execute(PULL_IN_DELIVERIES, now, latest)
    others = tx.execute(PULL_IN_LEASES, lease_until)
    others += tx.execute(PULL_IN_RECEIVERS, now, latest, lease_until)
    if deliveries or others:
        tx.execute(ADVANCE_RECEIVERS, now)
        tx.execute(ADVANCE_LINES, now)
    return deliveries


def find_longest_wait(retries_s: Sequence[float]) -> int:
    """The longest time in milliseconds until the next attempt of any delivery."""
    longest_retry = int(max(retries_s, default=0) * 1000 * (1 + MOST_JITTER))
    return max(longest_retry, LONGEST_HOLD_MS, LONGEST_PAUSE_MS)
