"""Counts by value of a period: their order, clicks without a value, other values, and bots."""

from shorty.clicks.folding import fold_some
from shorty.clicks.model import BOT, LINK, PERSON, Click
from shorty.clicks.rollups import COUNTRY, OTHER, REFERRER, VISITORS_OF_COUNTRY
from shorty.clicks.stats import Count, ValueCounts, count_values
from shorty.clicks.stats_store import Scope
from shorty.clicks.weeks import find_week, sum_some_weeks
from shorty.durations import DAY_MS, WEEK_MS
from shorty.storage.database import Database
from tests.clicks.making import AT, insert_links, load_clicks

MONDAY = find_week(AT // DAY_MS * DAY_MS)


def make_counts(*, clicks: int = 0, visitors: int = 0, bots: int = 0, **hosts: int) -> ValueCounts:
    return ValueCounts(
        totals=(clicks, visitors, bots, 0, 0), persons={REFERRER: hosts}, programs={}
    )


def list_hosts(counts: ValueCounts, limit: int | None = None) -> list[tuple[str | None, int]]:
    return [(each.value, each.clicks) for each in counts.list_counts(REFERRER, limit=limit)]


def test_the_most_frequent_come_first_and_of_equals_those_that_do_not_say() -> None:
    counts = make_counts(clicks=11, c=2, b=3, a=2, d=2)
    assert list_hosts(counts) == [("b", 3), (None, 2), ("a", 2), ("c", 2), ("d", 2)]
    assert list_hosts(counts, 3) == [("b", 3), (None, 2), ("a", 2)]
    assert list_hosts(counts, 5) == list_hosts(counts, 9) == list_hosts(counts)
    assert list_hosts(make_counts(clicks=2, a=2)) == [("a", 2)]


def test_clicks_that_do_not_say_can_be_left_out() -> None:
    counts = make_counts(clicks=9, a=2)
    assert counts.list_counts(REFERRER, has_unknown=False) == [Count("a", 2, 0)]


def test_capped_values_are_added_to_a_value_named_other() -> None:
    assert list_hosts(make_counts(clicks=5, a=2, **{OTHER: 3})) == [("other", 3), ("a", 2)]
    assert list_hosts(make_counts(clicks=5, other=1, **{OTHER: 4})) == [("other", 5)]


def test_visitors_are_shown_with_clicks_including_unknown_values() -> None:
    counts = ValueCounts(
        totals=(9, 6, 0, 0, 0),
        persons={COUNTRY: {"DE": 5, "FR": 1}, VISITORS_OF_COUNTRY: {"DE": 3, "FR": 1}},
        programs={},
    )
    found = counts.list_counts(COUNTRY, of_visitors=VISITORS_OF_COUNTRY)
    assert found == [Count("DE", 5, 3), Count(None, 3, 2), Count("FR", 1, 1)]


def test_bots_are_added_where_they_are_asked_for() -> None:
    counts = ValueCounts(
        totals=(3, 3, 4, 0, 0),
        persons={REFERRER: {"a": 2}},
        programs={REFERRER: {"a": 1, "b": 2}},
    )
    assert counts.list_counts(REFERRER) == [Count("a", 2, 0), Count(None, 1, 3)]
    found = counts.list_counts(REFERRER, has_bots=True)
    assert found == [Count("a", 3, 0), Count(None, 2, 3), Count("b", 2, 0)]


async def test_bots_are_read_from_weeks_days_and_quarter_hours_alike(db: Database) -> None:
    await db.write(insert_links(1))
    moments = [MONDAY, MONDAY + WEEK_MS, MONDAY + WEEK_MS + DAY_MS]
    await load_clicks(
        db,
        [
            Click(*(1, at, 7, kind, LINK, "DE", f"{kind}.example", "Chrome"), None, "desktop", None)
            for at in moments
            for kind in (PERSON, BOT)
        ],
    )
    end = moments[-1]
    while await fold_some(db, end) or await sum_some_weeks(db, end):
        pass
    counts = await count_values(db, Scope(workspace_id=1, link_id=1), MONDAY, end + DAY_MS)
    assert counts.totals == (3, 3, 3, 0, 0)
    assert counts.persons[REFERRER] == {f"{PERSON}.example": 3}
    assert counts.programs[REFERRER] == {f"{BOT}.example": 3}
