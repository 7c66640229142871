"""What links that were made elsewhere bring along: when they were made, and how often visited."""

from collections.abc import Iterable
from typing import Final

import msgspec

from shorty.links.listing_store import note_imported
from shorty.storage.database import Transaction

KEEP_PAST: Final = """
update links set
  created_at = coalesce($2, created_at), updated_at = coalesce($3, $2, updated_at),
  edit_count = $4, is_admin_blocked = $5
where id = $1
"""

# The counts never fall: what was counted here meanwhile may be more.
RAISE_COUNTS: Final = """
update link_counters set
  clicks = case when $2 > clicks then $2 else clicks end,
  scans = case when $3 > scans then $3 else scans end,
  bio_clicks = case when $4 > bio_clicks then $4 else bio_clicks end,
  bots = case when $5 > bots then $5 else bots end,
  last_click_at = case when $6 > coalesce(last_click_at, 0) then $6 else last_click_at end
where link_id = $1
"""
# As many visits more as RAISE_TOTAL is going to add; see `clicks.passes`.
RAISE_USED: Final = """
update link_passes set used = used + coalesce((
  select k.clicks + k.scans + k.bio_clicks - k.total from link_counters k
  where k.link_id = link_passes.link_id
), 0)
where link_id = $1
"""
RAISE_TOTAL: Final = """
update link_counters set total = clicks + scans + bio_clicks where link_id = $1
"""


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """Visits of people by the link itself, its QR code and a bio page; then those of bots."""

    clicks: int = 0
    scans: int = 0
    bio_clicks: int = 0
    bots: int = 0
    last_click_at: int | None = None


class Past(msgspec.Struct, frozen=True, kw_only=True):
    """What a new link does not have yet. Without times, it was made just now."""

    created_at: int | None = None
    updated_at: int | None = None
    edit_count: int = 0
    is_admin_blocked: bool = False
    counts: Counts | None = None


def keep_pasts(tx: Transaction, workspace_id: int, pasts: Iterable[tuple[int, Past]]) -> None:
    """Called in the transaction that made the links of these ids."""
    known = list(pasts)
    tx.execute_many(
        KEEP_PAST,
        [
            (
                *(link_id, past.created_at, past.updated_at, past.edit_count),
                int(past.is_admin_blocked),
            )
            for link_id, past in known
        ],
    )
    counts = [(link_id, past.counts) for link_id, past in known if past.counts]
    raise_counts(tx, counts, are_new=True)
    note_imported(tx, workspace_id)


def raise_counts(
    tx: Transaction, counts: Iterable[tuple[int, Counts]], *, are_new: bool = False
) -> None:
    """Sees to it that at least so many are counted; may be done again.

    `are_new`: the links are of this transaction, so that no visit has come to them.
    """
    rows = [
        (link_id, each.clicks, each.scans, each.bio_clicks, each.bots, each.last_click_at)
        for link_id, each in counts
    ]
    ids = [(link_id,) for link_id, *_ in rows]
    tx.execute_many(RAISE_COUNTS, rows)
    if tx.dialect.is_shared and not are_new:
        tx.execute_many(RAISE_USED, ids)
    tx.execute_many(RAISE_TOTAL, ids)
