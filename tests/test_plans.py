import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from shorty.config import Config, Plan
from shorty.errors import FeatureOffError, QuotaExceededError
from shorty.plans import (
    AskedQuota,
    QuotaName,
    find_plan,
    give_back_quota,
    read_usage,
    require_feature,
    require_room,
    take_quota,
)
from shorty.storage.database import Database, Transaction
from tests.support import NOW, make_home

PLAN = Plan(name="small", links=50, links_per_month=5, edits_per_month=0)
UNLIMITED = Plan(name="unlimited")
ANN, EVE = 1, 2
DECEMBER = int(datetime(2026, 12, 1, tzinfo=UTC).timestamp() * 1000)


def take(
    quota: QuotaName,
    count: int = 1,
    *,
    plan: Plan = PLAN,
    now: int = NOW,
    workspace_id: int = ANN,
) -> Callable[[Transaction], None]:
    return lambda tx: take_quota(tx, workspace_id, plan, quota, count, now)


@pytest.fixture
async def db(db: Database) -> Database:
    await make_home(db)
    return db


async def find_used(db: Database, quota: QuotaName, now: int = NOW, workspace_id: int = ANN) -> int:
    return (await read_usage(db, workspace_id, PLAN, now))[quota].used


async def test_exactly_as_many_as_the_limit_are_let_through_however_many_come_at_once(
    db: Database,
) -> None:
    takes = [db.write(take("links")) for _ in range(200)]
    answers = await asyncio.gather(*takes, return_exceptions=True)
    assert answers.count(None) == 50
    assert sum(isinstance(answer, QuotaExceededError) for answer in answers) == 150
    assert await find_used(db, "links") == 50


async def test_a_refusal_names_the_quota_and_the_limit_and_takes_nothing(db: Database) -> None:
    await db.write(take("links", 48))
    with pytest.raises(QuotaExceededError) as raised:
        await db.write(take("links", 3))
    assert (raised.value.quota, raised.value.limit) == ("links", 50)
    assert raised.value.retry_after_s is None
    assert await find_used(db, "links") == 48


async def test_more_than_the_limit_at_once_is_refused_from_the_first(db: Database) -> None:
    with pytest.raises(QuotaExceededError):
        await db.write(take("links", 51))
    assert await find_used(db, "links") == 0


async def test_a_limit_of_zero_lets_nothing_through(db: Database) -> None:
    with pytest.raises(QuotaExceededError):
        await db.write(take("edits_per_month"))


async def test_a_monthly_quota_reports_its_reset_and_then_resets(db: Database) -> None:
    await db.write(take("links_per_month", 5))
    with pytest.raises(QuotaExceededError) as raised:
        await db.write(take("links_per_month"))
    assert raised.value.retry_after_s == (DECEMBER - NOW) // 1000
    await db.write(take("links_per_month", now=DECEMBER))
    assert await find_used(db, "links_per_month", DECEMBER) == 1
    assert await find_used(db, "links_per_month", DECEMBER - 1) == 5


async def test_the_wait_is_never_rounded_down_to_a_refusal(db: Database) -> None:
    with pytest.raises(QuotaExceededError) as raised:
        await db.write(take("links_per_month", 6, now=DECEMBER - 1))
    assert raised.value.retry_after_s == 1


async def test_december_is_followed_by_january(db: Database) -> None:
    usage = await read_usage(db, 1, PLAN, DECEMBER)
    january = int(datetime(2027, 1, 1, tzinfo=UTC).timestamp() * 1000)
    assert usage["links_per_month"].resets_at == january
    assert usage["links"].resets_at is None


async def test_what_has_no_limit_is_counted_all_the_same(db: Database) -> None:
    await db.write(take("links", 70, plan=UNLIMITED))
    usage = await read_usage(db, 1, UNLIMITED, NOW)
    assert (usage["links"].used, usage["links"].limit) == (70, None)


async def test_what_is_given_back_may_be_taken_again_but_never_goes_below_zero(
    db: Database,
) -> None:
    await db.write(take("links", 50))
    await db.write(lambda tx: give_back_quota(tx, 1, "links", 2))
    await db.write(take("links", 2))
    await db.write(lambda tx: give_back_quota(tx, 1, "links", 99))
    assert await find_used(db, "links") == 0


async def test_a_monthly_quota_is_given_back_to_its_month(db: Database) -> None:
    await db.write(take("links_per_month", 5))
    await db.write(lambda tx: give_back_quota(tx, 1, "links_per_month", 2, NOW))
    assert await find_used(db, "links_per_month") == 3


async def test_each_workspace_quota_and_month_has_a_count_of_its_own(db: Database) -> None:
    await make_home(db, email="eve@b.example")

    async def list_used() -> list[list[int]]:
        return [
            [
                await find_used(db, "links", workspace_id=each),
                await find_used(db, "links_per_month", workspace_id=each),
                await find_used(db, "links_per_month", DECEMBER, workspace_id=each),
            ]
            for each in (ANN, EVE)
        ]

    for each, count in ((ANN, 4), (EVE, 2)):
        await db.write(take("links", count + 40, workspace_id=each))
        await db.write(take("links_per_month", count, workspace_id=each))
        await db.write(take("links_per_month", count + 1, now=DECEMBER, workspace_id=each))
    assert await list_used() == [[44, 4, 5], [42, 2, 3]]
    await db.write(lambda tx: give_back_quota(tx, EVE, "links", 9))
    await db.write(lambda tx: give_back_quota(tx, EVE, "links_per_month", 1, DECEMBER))
    assert await list_used() == [[44, 4, 5], [33, 2, 2]]
    await db.write(lambda tx: give_back_quota(tx, ANN, "links_per_month", 3, NOW))
    assert await list_used() == [[44, 1, 5], [33, 2, 2]]
    for each, fitting in ((ANN, 6), (EVE, 17)):
        taken = await db.write(
            lambda tx, each=each: AskedQuota(tx, each, PLAN, "links", 20, 0).take_fitting()
        )
        assert taken == fitting
    assert await list_used() == [[50, 1, 5], [50, 2, 2]]


async def test_require_room_takes_nothing(db: Database) -> None:
    await make_home(db, email="eve@b.example")

    async def ask(quota: QuotaName, workspace_id: int, plan: Plan = PLAN, now: int = NOW) -> None:
        await db.write(lambda tx: require_room(tx, workspace_id, plan, quota, now))

    await db.write(take("links", 50))
    await db.write(take("links", 49, workspace_id=EVE))
    await db.write(take("links_per_month", 5, workspace_id=EVE))
    with pytest.raises(QuotaExceededError) as raised:
        await ask("links", ANN)
    assert (raised.value.quota, raised.value.limit) == ("links", 50)
    assert raised.value.retry_after_s is None
    with pytest.raises(QuotaExceededError) as raised:
        await ask("links_per_month", EVE)
    assert (raised.value.limit, raised.value.retry_after_s) == (5, (DECEMBER - NOW) // 1000)
    with pytest.raises(QuotaExceededError):
        await ask("edits_per_month", ANN)
    await ask("links", EVE)
    await ask("links", ANN, UNLIMITED)
    await ask("links_per_month", ANN)
    await ask("links_per_month", EVE, now=DECEMBER)
    assert await find_used(db, "links", workspace_id=EVE) == 49
    assert await find_used(db, "links_per_month") == 0


@pytest.mark.parametrize(
    ("quota", "used", "wanted", "fitting"),
    [
        ("links", 0, 10, 10),
        ("links", 0, 60, 50),
        ("links", 45, 10, 5),
        ("links", 50, 10, 0),
        ("links", 50, 0, 0),
        ("links_per_month", 0, 7, 5),
        ("links_per_month", 3, 7, 2),
        ("links_per_month", 5, 7, 0),
    ],
)
async def test_as_many_as_fit_are_taken(
    db: Database, quota: QuotaName, used: int, wanted: int, fitting: int
) -> None:
    await db.write(take(quota, used))
    taken = await db.write(lambda tx: AskedQuota(tx, 1, PLAN, quota, wanted, NOW).take_fitting())
    assert (taken, await find_used(db, quota)) == (fitting, used + fitting)


async def test_a_lowered_limit_takes_nothing_away_and_lets_nothing_in(db: Database) -> None:
    await db.write(take("links", 70, plan=UNLIMITED))
    assert await db.write(lambda tx: AskedQuota(tx, 1, PLAN, "links", 5, NOW).take_fitting()) == 0
    assert await find_used(db, "links") == 70


async def test_everything_fits_without_a_limit(db: Database) -> None:
    taken_now = await db.write(
        lambda tx: AskedQuota(tx, 1, UNLIMITED, "links", 9, NOW).take_fitting()
    )
    assert taken_now == 9


def test_a_feature_the_plan_lacks_is_refused_by_name() -> None:
    require_feature(PLAN, "webhooks")
    with pytest.raises(FeatureOffError, match="'bare' does not include webhooks"):
        require_feature(Plan(name="bare", webhooks=False), "webhooks")


def test_a_plan_the_configuration_has_lost_limits_nothing() -> None:
    plans = Config().plans
    assert find_plan(plans, "free").links == 1000
    assert find_plan(plans, "gold") == plans["unlimited"]
