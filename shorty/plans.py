"""Owns what a plan allows: takes and gives back quotas exactly, and reports their use."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, Literal

import msgspec

from shorty.config import UNLIMITED, Plan
from shorty.errors import FeatureOffError, QuotaExceededError
from shorty.storage.database import Asked, Database, Transaction

QuotaName = Literal[
    "links", "links_per_month", "edits_per_month", "qr_codes", "bio_pages", "domains", "members"
]
Feature = Literal["webhooks"]

QUOTAS: Final[tuple[QuotaName, ...]] = (
    "links",
    "links_per_month",
    "edits_per_month",
    "qr_codes",
    "bio_pages",
    "domains",
    "members",
)
NO_LIMIT: Final = 2**63 - 1

# Condition and update are one statement, so that two concurrent callers cannot take the same unit.
TAKE = """
insert into quotas (workspace_id, quota, period, used) values ($1, $2, $3, $4)
on conflict (workspace_id, quota, period) do update set used = quotas.used + excluded.used
where quotas.used + excluded.used <= $5
"""
GIVE_BACK = """
update quotas set used = case when used > $4 then used - $4 else 0 end
where workspace_id = $1 and quota = $2 and period = $3
"""
FIND_USED = """
select used from quotas where workspace_id = $1 and quota = $2 and period = $3
"""
LIST_USED = """
select quota, used from quotas where workspace_id = $1 and period in ('', $2)
"""


class QuotaUse(msgspec.Struct, frozen=True, kw_only=True):
    """`limit` is None if the plan has none; `resets_at` is set for monthly quotas."""

    limit: int | None
    used: int
    resets_at: int | None

    @property
    def has_room(self) -> bool:
        return self.limit is None or self.used < self.limit


def find_plan(plans: Mapping[str, Plan], name: str) -> Plan:
    """The plan of that name; a name that is not configured has no limits."""
    return plans.get(name) or plans[UNLIMITED]


def require_feature(plan: Plan, feature: Feature) -> None:
    """Raises FeatureOffError if the plan does not include it."""
    if not getattr(plan, feature):
        raise FeatureOffError(feature, plan.name)


class AskedQuota:
    """Units of a quota that were asked for. Whether they fit is known when that is read.

    They are taken even without a limit, so that the use is known.
    """

    __slots__ = ("_asked", "_count", "_now", "_quota", "_room", "_tx", "_workspace_id")

    def __init__(
        self,
        tx: Transaction,
        workspace_id: int,
        plan: Plan,
        quota: QuotaName,
        count: int,
        now: int,
    ) -> None:
        limit = find_limit(plan, quota)
        self._tx, self._workspace_id, self._now = tx, workspace_id, now
        self._quota: QuotaName = quota
        self._room = NO_LIMIT if limit is None else limit
        self._count = max(0, count)
        self._asked = self._ask(self._count)

    def require(self) -> None:
        """Raises QuotaExceededError, without taking any, if the units do not all fit."""
        if not self._fits(self._asked):
            wait_s = count_seconds_to_reset(self._quota, self._now)
            raise QuotaExceededError(self._quota, self._room, wait_s)

    def take_fitting(self) -> int:
        """Takes as many units as fit and returns how many, possibly 0."""
        if self._fits(self._asked):
            return self._count
        period = name_period(self._quota, self._now)
        row = self._tx.find_one(FIND_USED, self._workspace_id, self._quota, period)
        self._count = max(0, self._room - (row["used"] if row else 0))
        self._asked = self._ask(self._count)
        self.require()
        return self._count

    def _ask(self, count: int) -> Asked | None:
        if not 0 < count <= self._room:
            return None
        period = name_period(self._quota, self._now)
        return self._tx.ask(TAKE, self._workspace_id, self._quota, period, count, self._room)

    def _fits(self, asked: Asked | None) -> bool:
        return self._count == 0 if asked is None else asked.count() > 0


def take_quota(
    tx: Transaction, workspace_id: int, plan: Plan, quota: QuotaName, count: int, now: int
) -> None:
    """Takes `count` units. Raises QuotaExceededError, without taking any, if they do not fit."""
    AskedQuota(tx, workspace_id, plan, quota, count, now).require()


def require_room(
    tx: Transaction, workspace_id: int, plan: Plan, quota: QuotaName, now: int
) -> None:
    """Raises QuotaExceededError if no unit is left; takes none."""
    limit = find_limit(plan, quota)
    row = tx.find_one(FIND_USED, workspace_id, quota, name_period(quota, now))
    if limit is not None and (row["used"] if row else 0) >= limit:
        raise QuotaExceededError(quota, limit, count_seconds_to_reset(quota, now))


def give_back_quota(
    tx: Transaction, workspace_id: int, quota: QuotaName, count: int, now: int | None = None
) -> None:
    """Returns `count` units. A monthly quota needs `now`, because it is returned to this month."""
    period = "" if now is None else name_period(quota, now)
    tx.send(GIVE_BACK, workspace_id, quota, period, count)


async def read_usage(
    db: Database, workspace_id: int, plan: Plan, now: int
) -> dict[QuotaName, QuotaUse]:
    """The use of each of the plan's quotas, by name."""
    rows = await db.find_all(LIST_USED, workspace_id, name_month(now))
    used = {row["quota"]: row["used"] for row in rows}
    return {
        quota: QuotaUse(
            limit=find_limit(plan, quota),
            used=used.get(quota, 0),
            resets_at=find_next_month(now) if is_monthly(quota) else None,
        )
        for quota in QUOTAS
    }


def find_limit(plan: Plan, quota: QuotaName) -> int | None:
    return getattr(plan, quota)


def is_monthly(quota: QuotaName) -> bool:
    return quota.endswith("_per_month")


def name_period(quota: QuotaName, now: int) -> str:
    return name_month(now) if is_monthly(quota) else ""


def name_month(now: int) -> str:
    at = datetime.fromtimestamp(now / 1000, UTC)
    return f"{at.year:04}-{at.month:02}"


def find_next_month(now: int) -> int:
    """The first millisecond of the next month, UTC."""
    at = datetime.fromtimestamp(now / 1000, UTC)
    year, month = (at.year + 1, 1) if at.month == 12 else (at.year, at.month + 1)  # noqa: PLR2004 December
    return int(datetime(year, month, 1, tzinfo=UTC).timestamp()) * 1000


def count_seconds_to_reset(quota: QuotaName, now: int) -> int | None:
    """Seconds until a monthly quota resets, rounded up; None if waiting does not help."""
    return -((now - find_next_month(now)) // 1000) if is_monthly(quota) else None
