"""Takes in single clicks and counts, of links that this import created or that existed before.

An earlier import may have brought clicks of a link that existed; none is stored twice.
"""

from collections.abc import Sequence
from typing import Final

from shorty.clicks.loading import find_new_clicks, load_batch
from shorty.clicks.model import Click
from shorty.clicks.rebuild import note_days, rebuild_noted_day
from shorty.clicks.rollups import DAY_MS, KnownVisitors
from shorty.links.imported_history import raise_counts
from shorty.storage.database import Lane, Transaction
from shorty.transfer.model import ImportedClick, ImportedCounts, ImportRun

# Past so many, a visitor who comes back on a day long past might be counted twice.
KNOWN_VISITORS: Final = 1_000_000
# In a dry run, the id of a link that would be created.
WOULD_BE_CREATED: Final = 0


class History:
    """Knows the file's links by the file's own references."""

    def __init__(self, run: ImportRun) -> None:
        self._run = run
        self._progress = run.progress
        self._new: dict[str, int] = {}
        self._there: dict[str, int] = {}
        self._visitors = KnownVisitors(KNOWN_VISITORS)
        self._left_out = 0
        self._domains: dict[str, int] = {}

    def know(self, ref: str | None, link_id: int | None, *, is_new: bool) -> None:
        if ref is not None and link_id is not None:
            (self._new if is_new else self._there)[ref] = link_id

    def find_link(self, ref: str) -> int | None:
        """The id of the link in this workspace; None where it was not imported."""
        link_id = self._new.get(ref)
        return self._there.get(ref) if link_id is None else link_id

    async def take_clicks(self, items: Sequence[ImportedClick]) -> None:
        past = [item for item in items if item.click.at <= self._run.now]
        of_new = self._find_links(past, self._new)
        of_there = self._find_links(past, self._there)
        self._left_out += len(items) - len(of_new) - len(of_there)
        db = self._run.context.db
        if self._run.is_dry_run:
            known = await db.write(lambda tx: find_new_clicks(tx, of_there), Lane.CLICKS)
            self._progress.clicks += len(of_new) + len(known)
            return
        late = await db.write(lambda tx: self._store(tx, of_new, of_there), Lane.CLICKS)
        self._visitors.keep_noted()
        self._progress.clicks += len(of_new) + len(late)

    def _store(
        self, tx: Transaction, of_new: Sequence[Click], of_there: Sequence[Click]
    ) -> list[Click]:
        """Returns those of `of_there` that were not stored before."""
        late = find_new_clicks(tx, of_there)
        if of_new or late:
            load_batch(tx, [*of_new, *late], self._visitors)
        note_days(tx, sorted(self._find_doubtful_days(of_new, late)))
        return late

    def _find_doubtful_days(self, of_new: Sequence[Click], late: Sequence[Click]) -> set[int]:
        """Days to recount: the server has forgotten who visited on days long past.

        Each batch notes its own, since the server may have recounted those of an earlier one.
        """
        days = _list_days(late)
        if self._progress.clicks + len(of_new) + len(late) > KNOWN_VISITORS:
            days |= _list_days(of_new)
        return days

    def _find_links(self, items: Sequence[ImportedClick], links: dict[str, int]) -> list[Click]:
        return [
            item.click._replace(link_id=link_id, domain_id=self._find_domain(item.domain))
            for item in items
            if (link_id := links.get(item.ref)) is not None
        ]

    def _find_domain(self, host: str | None) -> int:
        """The id of a domain of this workspace, else 0: the click counts for its link's domain.

        So it does if every link was moved to one domain.
        """
        if host is None or self._run.options.domain is not None:
            return 0
        if host not in self._domains:
            domain = self._run.context.find_domain(self._run.workspace_id, host)
            self._domains[host] = 0 if domain is None else domain.id
        return self._domains[host]

    async def take_counts(self, items: Sequence[ImportedCounts]) -> None:
        counts = [(link_id, item.counts) for item in items if (link_id := self.find_link(item.ref))]
        if counts and not self._run.is_dry_run:
            await self._run.context.db.write(lambda tx: raise_counts(tx, counts), Lane.CLICKS)

    async def finish(self) -> None:
        """Recounts the noted days. An import that is cancelled leaves them to the server."""
        if self._left_out:
            reason = "single clicks skipped, of links not imported or from the future"
            self._progress.note("note", "", "", f"{reason}: {self._left_out:,}")
        while not self._progress.is_cancelled and await rebuild_noted_day(self._run.context.db):
            pass


def _list_days(clicks: Sequence[Click]) -> set[int]:
    return {click.at // DAY_MS * DAY_MS for click in clicks}
