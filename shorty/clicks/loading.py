"""Loads past clicks, such as another product's: counts, sums up and stores them like our own."""

from collections.abc import Iterable, Sequence
from typing import Final

from shorty.clicks.model import Click
from shorty.clicks.passes import add_used
from shorty.clicks.retention import list_removals
from shorty.clicks.rollup_store import add_to_rollups, find_homes
from shorty.clicks.rollups import KnownVisitors
from shorty.clicks.store import INSERT_CLICK, add_counts, name_domains
from shorty.storage.database import Transaction

FIND_CLICK: Final = """
select id from clicks
where at = $1 and link_id = $2 and visitor = $3 and kind = $4 and source = $5 limit 1
"""


def load_batch(tx: Transaction, clicks: Sequence[Click], known: KnownVisitors | None = None) -> int:
    """Returns how many clicks were counted; skips clicks of links that do not exist.

    Clicks older than the plan's retention are counted but not stored. Loading triggers no webhooks.
    """
    counted = name_domains(tx, add_counts(tx, list(clicks)))
    removals = list_removals(tx)
    homes = find_homes(tx, {click.link_id for click in counted})
    kept = [
        click for click in counted if click.at >= removals.get(homes[click.link_id].workspace_id, 0)
    ]
    tx.insert_rows(INSERT_CLICK, kept)
    add_to_rollups(tx, counted, known)
    add_used(tx, counted)
    return len(counted)


def find_new_clicks(tx: Transaction, clicks: Iterable[Click]) -> list[Click]:
    """The clicks that are not stored yet, for links whose clicks may have been loaded before.

    None after single clicks were removed, because they can no longer be compared.
    """
    asked = list(clicks)
    removals = list_removals(tx)
    homes = find_homes(tx, {click.link_id for click in asked}) if asked else {}
    return [
        click
        for click in asked
        if click.link_id in homes
        and click.at >= removals.get(homes[click.link_id].workspace_id, 0)
        and tx.find_one(
            FIND_CLICK, click.at, click.link_id, click.visitor, click.kind, click.source
        )
        is None
    ]
