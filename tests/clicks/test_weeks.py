import random
from collections import Counter
from collections.abc import Sequence

import msgspec
import pytest

from shorty.clicks.folding import fold_some
from shorty.clicks.model import BOT, LINK, PERSON, Click
from shorty.clicks.rebuild import rebuild_day
from shorty.clicks.retention import forget_sums
from shorty.clicks.rollups import QUARTER_MS, REFERRER, Counts, decode_counts, decode_some
from shorty.clicks.stats import count_values
from shorty.clicks.stats_store import Scope
from shorty.clicks.weeks import SEASONS, WEEKS_OF_SEASON, find_week, sum_some_weeks
from shorty.durations import DAY_MS, WEEK_MS
from shorty.storage.database import Database
from tests.clicks.making import AT, insert_links, load_clicks

MONDAY = find_week(AT // DAY_MS * DAY_MS)
NOW = MONDAY + 5 * WEEK_MS
SEASON_MS = SEASONS.length
SEASON = SEASONS.find_start(MONDAY)
AFTER = SEASON + 3 * SEASON_MS
LINK_SCOPE = Scope(workspace_id=1, link_id=1)


def make_clicks(count: int, start: int, end: int, *, hosts: int = 90) -> list[Click]:
    dice = random.Random(count)  # noqa: S311 - the same clicks each time
    return [
        Click(
            *(1, dice.randrange(start, end), dice.randrange(1, 500)),
            BOT if dice.random() < 0.2 else PERSON,
            *(LINK, dice.choice(("DE", "FR", None)), f"site{dice.randrange(hosts)}.example"),
            *("Chrome", "Windows", "desktop", None),
        )
        for _ in range(count)
    ]


async def fold(db: Database, now: int = NOW) -> None:
    while await fold_some(db, now):
        pass
    while await sum_some_weeks(db, now):
        pass


async def find_weeks(db: Database, owner: int = 1) -> list[tuple[int, int]]:
    """When each begins, and whether it is due."""
    rows = await db.find_all(
        "select day, is_due from click_weeks where owner = $1 order by day", owner
    )
    return [(row["day"], row["is_due"]) for row in rows]


async def count_referrers(db: Database, start: int, end: int) -> tuple[dict[str, int], int]:
    """The clicks from each host, and the number of all clicks."""
    counts = await count_values(db, LINK_SCOPE, start, end, (REFERRER,), has_bots=False)
    assert counts.persons.keys() <= {REFERRER}
    assert counts.programs == {}
    return counts.persons.get(REFERRER, {}), counts.totals[0]


def recount(clicks: list[Click], start: int, end: int) -> tuple[dict[str, int], int]:
    found = Counter(
        str(click.referrer) for click in clicks if click.kind == PERSON and start <= click.at < end
    )
    return dict(found), found.total()


@pytest.fixture(autouse=True)
async def begun(db: Database) -> None:
    await db.write(insert_links(1, 2))


PERIODS = (
    (MONDAY - 10 * DAY_MS, MONDAY + 30 * DAY_MS),
    (MONDAY, MONDAY + WEEK_MS),
    (MONDAY - DAY_MS, MONDAY + WEEK_MS + DAY_MS),
    (MONDAY + DAY_MS, MONDAY + 2 * WEEK_MS),
    (MONDAY + 22 * QUARTER_MS, MONDAY + 2 * WEEK_MS + 74 * QUARTER_MS),
    (MONDAY + 12 * QUARTER_MS, MONDAY + 36 * QUARTER_MS),
    (MONDAY + 13 * QUARTER_MS, MONDAY + 14 * QUARTER_MS),
    (MONDAY + 95 * QUARTER_MS, MONDAY + DAY_MS + 13 * QUARTER_MS),
)


async def test_sums_of_every_period_equal_its_clicks(
    db: Database,
) -> None:
    clicks = make_clicks(2500, MONDAY - 2 * DAY_MS, MONDAY + 2 * WEEK_MS + 2 * DAY_MS)
    await load_clicks(db, clicks)
    expected = {period: recount(clicks, *period) for period in PERIODS}
    assert {period: await count_referrers(db, *period) for period in PERIODS} == expected
    await fold(db)
    weeks = [MONDAY - WEEK_MS, MONDAY, MONDAY + WEEK_MS, MONDAY + 2 * WEEK_MS]
    assert await find_weeks(db) == await find_weeks(db, -1) == [(week, 0) for week in weeks]
    eighths = await db.find_one("select count(eighths) as days from click_days where owner = 1")
    assert eighths is not None
    assert eighths["days"] > 10
    assert {period: await count_referrers(db, *period) for period in PERIODS} == expected


async def test_a_week_is_not_summed_up_before_it_is_over(db: Database) -> None:
    await load_clicks(db, make_clicks(1000, MONDAY, MONDAY + 3 * DAY_MS))
    await fold(db, MONDAY + WEEK_MS - 1)
    assert await find_weeks(db) == [(MONDAY, 1)]
    await fold(db, MONDAY + WEEK_MS)
    assert await find_weeks(db) == [(MONDAY, 0)]


async def test_weeks_of_little_are_left_to_their_days(db: Database) -> None:
    await load_clicks(db, make_clicks(40, MONDAY, MONDAY + WEEK_MS, hosts=3))
    await fold(db)
    assert await find_weeks(db) == []


async def test_a_late_click_counts_at_once_and_in_its_week_later(db: Database) -> None:
    clicks = make_clicks(1000, MONDAY, MONDAY + WEEK_MS)
    await load_clicks(db, clicks)
    await fold(db)
    late = make_clicks(1, MONDAY + DAY_MS, MONDAY + DAY_MS + 1)
    await load_clicks(db, late)
    period = (MONDAY, MONDAY + WEEK_MS)
    expected = recount(clicks + late, *period)
    assert await count_referrers(db, *period) == expected
    while await fold_some(db, NOW):
        pass
    assert await find_weeks(db) == [(MONDAY, 1)]
    assert await count_referrers(db, *period) == expected
    await fold(db)
    assert await find_weeks(db) == [(MONDAY, 0)]
    assert await count_referrers(db, *period) == expected


async def test_a_rebuild_reaches_the_weeks(db: Database) -> None:
    clicks = make_clicks(1000, MONDAY, MONDAY + WEEK_MS)
    await load_clicks(db, clicks)
    await fold(db)
    await db.write(lambda tx: tx.execute("delete from clicks where at < $1", MONDAY + DAY_MS))
    await rebuild_day(db, MONDAY)
    assert await find_weeks(db) == [(MONDAY, 1)]
    await fold(db)
    period = (MONDAY, MONDAY + WEEK_MS)
    assert await count_referrers(db, *period) == recount(
        [click for click in clicks if click.at >= MONDAY + DAY_MS], *period
    )


async def test_a_link_whose_sums_are_forgotten_leaves_no_week(db: Database) -> None:
    await load_clicks(db, make_clicks(1000, MONDAY, MONDAY + DAY_MS))
    await fold(db)
    await db.write(lambda tx: forget_sums(tx, 1, MONDAY, MONDAY + DAY_MS))
    assert await find_weeks(db) == []
    assert await count_referrers(db, MONDAY, NOW) == ({}, 0)


def make_season() -> list[Click]:
    """A season and a week on either side; its third week has few clicks and its fifth none."""
    clicks: list[Click] = []
    for number in range(-1, WEEKS_OF_SEASON + 1):
        start = SEASON + number * WEEK_MS
        if number == 2:
            clicks += make_clicks(9, start, start + WEEK_MS, hosts=3)
        elif number != 4:
            clicks += make_clicks(600 + number, start, start + WEEK_MS)
    return clicks


async def find_seasons(db: Database, owner: int = 1) -> list[tuple[int, int]]:
    """When each begins, and whether it is due."""
    rows = await db.find_all(
        "select day, is_due from click_seasons where owner = $1 order by day", owner
    )
    return [(row["day"], row["is_due"]) for row in rows]


SEASON_PERIODS = (
    (SEASON, SEASON + SEASON_MS),
    (SEASON - WEEK_MS, SEASON + SEASON_MS + WEEK_MS),
    (SEASON - 3 * DAY_MS, SEASON + SEASON_MS + 2 * DAY_MS),
    (SEASON + DAY_MS, SEASON + SEASON_MS),
    (SEASON, SEASON + SEASON_MS - QUARTER_MS),
    (SEASON - 9 * QUARTER_MS, SEASON + SEASON_MS + 9 * QUARTER_MS),
)


async def test_sums_of_a_season_equal_its_clicks(db: Database) -> None:
    clicks = make_season()
    await load_clicks(db, clicks)
    expected = {period: recount(clicks, *period) for period in SEASON_PERIODS}
    assert {period: await count_referrers(db, *period) for period in SEASON_PERIODS} == expected
    await fold(db, AFTER)
    seasons = [(SEASON - SEASON_MS, 0), (SEASON, 0), (SEASON + SEASON_MS, 0)]
    assert await find_seasons(db) == await find_seasons(db, -1) == seasons
    assert {period: await count_referrers(db, *period) for period in SEASON_PERIODS} == expected
    # Read from the season alone: without it and its weeks, only the days of the edges are left.
    await db.write(lambda tx: tx.execute("delete from click_weeks"))
    await db.write(lambda tx: tx.execute("delete from click_days"))
    assert await count_referrers(db, *SEASON_PERIODS[0]) == expected[SEASON_PERIODS[0]]


async def test_a_season_is_not_summed_up_before_it_is_over(db: Database) -> None:
    await load_clicks(db, make_clicks(600, SEASON, SEASON + WEEK_MS))
    await fold(db, SEASON + SEASON_MS - 1)
    assert await find_seasons(db) == [(SEASON, 1)]
    await fold(db, SEASON + SEASON_MS)
    assert await find_seasons(db) == [(SEASON, 0)]


async def test_a_late_click_counts_at_once_and_in_its_season_later(db: Database) -> None:
    clicks = make_season()
    await load_clicks(db, clicks)
    await fold(db, AFTER)
    # On a busy day, on a quiet one, and on one that had none.
    for number in (1, 2, 4):
        day = SEASON + number * WEEK_MS + DAY_MS
        late = make_clicks(1, day, day + 1)
        await load_clicks(db, late)
        clicks += late
        period = SEASON_PERIODS[0]
        assert await count_referrers(db, *period) == recount(clicks, *period)
        while await fold_some(db, AFTER):
            pass
        assert (SEASON, 1) in await find_seasons(db)
        assert await count_referrers(db, *period) == recount(clicks, *period)
        await fold(db, AFTER)
        assert (SEASON, 0) in await find_seasons(db)
        assert await count_referrers(db, *period) == recount(clicks, *period)


async def test_a_rebuild_reaches_the_season(db: Database) -> None:
    clicks = make_season()
    await load_clicks(db, clicks)
    await fold(db, AFTER)
    await db.write(
        lambda tx: tx.execute(
            "delete from clicks where at >= $1 and at < $2", SEASON, SEASON + DAY_MS
        )
    )
    await rebuild_day(db, SEASON)
    assert (SEASON, 1) in await find_seasons(db)
    await fold(db, AFTER)
    left = [click for click in clicks if not SEASON <= click.at < SEASON + DAY_MS]
    period = SEASON_PERIODS[0]
    assert await count_referrers(db, *period) == recount(left, *period)


async def test_a_link_whose_sums_are_forgotten_leaves_no_season(db: Database) -> None:
    await load_clicks(db, make_clicks(1000, SEASON, SEASON + DAY_MS))
    await fold(db, AFTER)
    assert await find_seasons(db) == [(SEASON, 0)]
    await db.write(lambda tx: forget_sums(tx, 1, SEASON, SEASON + DAY_MS))
    assert await find_seasons(db) == []


async def test_values_are_read_as_they_were_kept_at_first() -> None:
    encoded = msgspec.msgpack.encode({"cDE": 2, "rt.co": 1, "r\0": 3})
    assert decode_counts(encoded) == {"c": {"DE": 2}, "r": {"t.co": 1, "\0": 3}}
    assert decode_some(encoded, ("r", "o")) == {"r": {"t.co": 1, "\0": 3}}
    assert decode_some(encoded, ("o",)) == {}


@pytest.mark.parametrize(
    ("counts", "kinds", "found"),
    [
        ({"c": {"DE": 2}, "r": {"t.co": 1}}, ("r",), {"r": {"t.co": 1}}),
        ({"c": {"DE": 2}, "1": {"mail": 1}}, ("1", "c", ""), {"c": {"DE": 2}, "1": {"mail": 1}}),
        ({"c": {"DE": 2}}, ("C", "r"), {}),
        ({"c": {"DE": 2}}, (), {}),
        ({}, ("c",), {}),
    ],
)
async def test_only_values_of_chosen_kinds_are_read(
    counts: Counts, kinds: Sequence[str], found: Counts
) -> None:
    assert decode_some(msgspec.msgpack.encode(counts), kinds) == found


async def test_days_are_read_as_they_were_kept_at_first(db: Database) -> None:
    encode = msgspec.msgpack.encode
    none: dict[str, int] = {}
    series = encode([(0, 1, 1, 0, 0, 0), (5, 2, 2, 0, 0, 0)])
    persons = encode({"cDE": 3, "rt.co": 1, "rx.com": 2})
    quarters = encode([(0, {"cDE": 1, "rt.co": 1}, none), (5, {"cDE": 2, "rx.com": 2}, none)])
    await db.write(
        lambda tx: tx.execute(
            "insert into click_days (owner, day, clicks, visitors, bots, scans, bio_clicks,"
            " series, persons, quarters) values (1, $1, 3, 3, 0, 0, 0, $2, $3, $4)",
            *(MONDAY, series, persons, quarters),
        )
    )
    whole = {"t.co": 1, "x.com": 2}
    assert await count_referrers(db, MONDAY, MONDAY + DAY_MS) == (whole, 3)
    assert await count_referrers(db, MONDAY + QUARTER_MS, NOW) == ({"x.com": 2}, 2)
    await load_clicks(db, make_clicks(1, MONDAY, MONDAY + 1))
    await fold(db)
    found, _ = await count_referrers(db, MONDAY, MONDAY + DAY_MS)
    assert found.items() >= whole.items()
