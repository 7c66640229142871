"""Takes in single clicks and counts: of links that this import made, and of those that were there.

Of a link that was there an earlier import may have brought clicks already; none is taken twice.
"""

from collections.abc import Sequence
from typing import Final

from shorty.clicks.loading import find_new_clicks, load_batch
from shorty.clicks.model import Click
from shorty.clicks.rebuild import note_days, rebuild_noted_day
from shorty.clicks.rollups import DAY_MS, KnownVisitors
from shorty.links.imported_history import raise_counts
from shorty.storage.database import Database, Transaction
from shorty.transfer.model import ImportedClick, ImportedCounts
from shorty.transfer.progress import TransferProgress

# Past so many, a visitor who comes back on a day long past might be counted twice.
KNOWN_VISITORS: Final = 1_000_000
# What a dry run knows of a link, in the place of its id.
WOULD_BE_MADE: Final = 0


class History:
    """Knows the file's links by what the file calls them."""

    def __init__(
        self, db: Database, progress: TransferProgress, now: int, *, is_dry_run: bool
    ) -> None:
        self._db = db
        self._progress = progress
        self._now = now
        self._is_dry_run = is_dry_run
        self._new: dict[str, int] = {}
        self._there: dict[str, int] = {}
        self._visitors = KnownVisitors(KNOWN_VISITORS)
        self._left_out = 0

    def know(self, ref: str | None, link_id: int | None, *, is_new: bool) -> None:
        if ref is not None and link_id is not None:
            (self._new if is_new else self._there)[ref] = link_id

    def find_link(self, ref: str) -> int | None:
        """The link of this workspace that the file calls so; None where it was not imported."""
        link_id = self._new.get(ref)
        return self._there.get(ref) if link_id is None else link_id

    async def take_clicks(self, items: Sequence[ImportedClick]) -> None:
        known = [item for item in items if item.click.at <= self._now]
        of_new = _find_links(known, self._new)
        of_there = _find_links(known, self._there)
        self._left_out += len(items) - len(of_new) - len(of_there)
        if self._is_dry_run:
            self._progress.clicks += len(of_new)
            return
        late = await self._db.write(lambda tx: self._store(tx, of_new, of_there))
        self._visitors.keep_noted()
        self._progress.clicks += len(of_new) + len(late)

    def _store(
        self, tx: Transaction, of_new: Sequence[Click], of_there: Sequence[Click]
    ) -> list[Click]:
        """Which of those that might be stored already were not."""
        late = find_new_clicks(tx, of_there)
        if of_new or late:
            load_batch(tx, [*of_new, *late], self._visitors)
        note_days(tx, sorted(self._find_doubtful_days(of_new, late)))
        return late

    def _find_doubtful_days(self, of_new: Sequence[Click], late: Sequence[Click]) -> set[int]:
        """Who was seen on days long past is forgotten: where it matters, these are recounted.

        Each batch notes its own anew, for the server may have recounted those of an earlier one.
        """
        days = _list_days(late)
        if self._progress.clicks + len(of_new) + len(late) > KNOWN_VISITORS:
            days |= _list_days(of_new)
        return days

    async def take_counts(self, items: Sequence[ImportedCounts]) -> None:
        counts = [
            (link_id, item.counts)
            for item in items
            if (link_id := self._new.get(item.ref) or self._there.get(item.ref))
        ]
        if counts and not self._is_dry_run:
            await self._db.write(lambda tx: raise_counts(tx, counts))

    async def finish(self) -> None:
        """An import that ends before leaves the days that are to be recounted to the server."""
        if self._left_out:
            reason = "single clicks left out, of links that were not imported or of the future"
            self._progress.note("note", "", "", f"{reason}: {self._left_out:,}")
        while not self._progress.is_cancelled and await rebuild_noted_day(self._db):
            pass


def _find_links(items: Sequence[ImportedClick], links: dict[str, int]) -> list[Click]:
    return [
        item.click._replace(link_id=link_id)
        for item in items
        if (link_id := links.get(item.ref)) is not None
    ]


def _list_days(clicks: Sequence[Click]) -> set[int]:
    return {click.at // DAY_MS * DAY_MS for click in clicks}
