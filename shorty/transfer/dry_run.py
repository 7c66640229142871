"""Says what an import would do, and changes nothing."""

from collections.abc import Sequence

from shorty.errors import QuotaExceededError, SlugTakenError
from shorty.links.context import LinkContext
from shorty.links.model import Author, PreparedLink
from shorty.plans import QuotaName, count_seconds_to_reset, read_usage
from shorty.transfer.conflicts import Claims, settle
from shorty.transfer.import_links import Arrival, Prepared
from shorty.transfer.model import ImportOptions


class DryRun:
    """Remembers what it would have made, so that the file's later lines are judged by it too."""

    def __init__(self, context: LinkContext, author: Author, options: ImportOptions) -> None:
        self._context = context
        self._author = author
        self._options = options
        self._claims = Claims()
        self._now = 0
        self._room: dict[QuotaName, int] = {}
        self._limits: dict[QuotaName, int] = {}

    async def begin(self, now: int) -> None:
        self._now = now
        usage = await read_usage(
            self._context.db, self._author.workspace_id, self._author.plan, now
        )
        for quota, use in usage.items():
            if use.limit is not None:
                self._limits[quota] = use.limit
                self._room[quota] = max(0, use.limit - use.used)

    def insert_links(self, prepared: Sequence[Prepared]) -> list[Arrival | None]:
        """None stands for a link that would be made. Raises as a real import does."""
        return [self._insert(each.link) for each in prepared]

    def _insert(self, link: PreparedLink) -> Arrival | None:
        on_conflict = self._options.on_conflict
        arrival = settle(
            self._context.db.look_up, self._claims, self._author.workspace_id, link, on_conflict
        )
        if isinstance(arrival, SlugTakenError) and on_conflict == "fail":
            raise arrival
        if not isinstance(arrival, PreparedLink):
            return arrival
        missing = self._find_missing_room(arrival)
        if missing is not None:
            return missing
        self._claims.add(arrival)
        return None

    def _find_missing_room(self, link: PreparedLink) -> QuotaExceededError | None:
        """Takes what the link needs of the plan, or says what of it is used up."""
        needed: list[QuotaName] = ["links", "links_per_month"]
        if link.fields.qr_settings is not None:
            needed.append("qr_codes")
        if link.fields.is_link_in_bio:
            needed.append("bio_pages")
        for quota in needed:
            if self._room.get(quota, 1) <= 0:
                wait_s = count_seconds_to_reset(quota, self._now)
                return QuotaExceededError(quota, self._limits[quota], wait_s)
        for quota in needed:
            if quota in self._room:
                self._room[quota] -= 1
        return None
