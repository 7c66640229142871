"""The sums by domain: of clicks that carry their domain, and of those stored before they did."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shorty.clicks.days import Totals
from shorty.clicks.domain_sums import fill_day
from shorty.clicks.export import read_clicks
from shorty.clicks.folding import fold_some
from shorty.clicks.model import BOT, LINK, PERSON, PREFETCH, QR, Click
from shorty.clicks.owners import find_workspace
from shorty.clicks.rebuild import list_days, rebuild_day
from shorty.clicks.retention import remove_old_clicks
from shorty.clicks.rollups import COUNTRY, QUARTER_MS
from shorty.clicks.stats import count_by_slot, count_values
from shorty.clicks.stats_store import Scope, find_domains_done
from shorty.clicks.weeks import sum_some_weeks
from shorty.config import Plan
from shorty.durations import DAY_MS
from shorty.storage.database import Database
from tests.clicks.making import AT, insert_links, load_clicks
from tests.clicks.recount import assert_sums_are_right, read_rollups
from tests.databases import ALL
from tests.examples import count_examples
from tests.support import open_new

DAY = AT // DAY_MS * DAY_MS
NEVER: int = 2**62
STEP = next(each for each in ALL if "click_domains" in each.name)


def make_click(**only_what_matters: object) -> Click:
    plain = Click(1, DAY, 7, PERSON, LINK, "DE", "t.co", "Chrome", None, "desktop", None)
    return plain._replace(**only_what_matters)  # pyright: ignore[reportArgumentType]


async def begin(db: Database) -> None:
    """Links 1 and 2 of workspace 1 and 3 of workspace 2, all on domain 1; domain 2 is there too."""
    await db.write(insert_links(1, 2))
    await db.write(insert_links(3, workspace_id=2))
    await db.write(
        lambda tx: tx.execute(
            "insert into domains (id, host, scheme, source, created_at)"
            " values (2, 'to.example', 'https', 'config', 0)"
        )
    )


@pytest.fixture(autouse=True)
async def begun(db: Database) -> None:
    await begin(db)


async def move_link(db: Database, link_id: int, domain_id: int) -> None:
    await db.write(
        lambda tx: tx.execute("update links set domain_id = $2 where id = $1", link_id, domain_id)
    )


async def fold(db: Database, now: int) -> None:
    while await fold_some(db, now):
        pass
    while await sum_some_weeks(db, now):
        pass


async def fill(db: Database) -> None:
    while await fill_day(db):
        pass


async def go_back(db: Database) -> None:
    """Leaves what the release before this schema would have stored, then upgrades."""
    for table in ("click_quarters", "click_days", "click_weeks", "click_seasons"):
        sql = f"delete from {table} where owner < -2147483648"  # noqa: S608 - names of our own
        await db.write(lambda tx, sql=sql: tx.execute(sql))
    rows = await db.find_all("select day, visitor, owner from day_visitors where owner < 0")
    former = [(row["day"], row["visitor"], -find_workspace(row["owner"])) for row in rows]
    await db.write(
        lambda tx: (
            tx.execute("delete from day_visitors where owner < 0"),
            tx.execute_many(
                "insert into day_visitors values ($1, $2, $3) on conflict do nothing", former
            ),
        )
    )
    undo = (
        "alter table clicks drop column domain_id",
        "alter table link_counters drop column domain_id",
        *(f"drop table {name}" for name in ("former_domains", "click_domains", "domain_sums")),
    )
    lines = [line for line in STEP.sql.splitlines() if not line.startswith("--")]
    statements = [each for each in "\n".join(lines).split(";") if each.strip()]
    await db.write(lambda tx: [tx.execute(each) for each in (*undo, *statements)])


async def count(
    db: Database, domain_id: int, workspace_id: int = 1, start: int = DAY, end: int = DAY + DAY_MS
) -> Totals:
    scope = Scope(workspace_id=workspace_id, domain_id=domain_id)
    (totals,) = await count_by_slot(db, scope, (start, end))
    values = await count_values(db, scope, start, end)
    assert values.totals == totals
    assert sum(values.persons.get(COUNTRY, {}).values()) == totals[0]
    return totals


async def test_a_click_counts_for_the_domain_by_which_it_came(db: Database) -> None:
    await load_clicks(db, [make_click(domain_id=2), make_click(visitor=8), make_click(link_id=2)])
    assert await count(db, 1) == (2, 2, 0, 0, 0)
    assert await count(db, 2) == (1, 1, 0, 0, 0)
    await move_link(db, 1, 2)
    assert await count(db, 1) == (2, 2, 0, 0, 0)
    await load_clicks(db, [make_click(visitor=9)])
    assert await count(db, 2) == (2, 2, 0, 0, 0)
    await assert_sums_are_right(db)


async def test_clicks_of_deleted_links_stay_the_domains(db: Database) -> None:
    await load_clicks(db, [make_click()])
    await db.write(lambda tx: tx.execute("update links set deleted_at = 1 where id = 1"))
    assert await count(db, 1) == (1, 1, 0, 0, 0)


async def test_workspaces_on_one_domain_never_see_each_others_numbers(db: Database) -> None:
    await load_clicks(db, [make_click(), make_click(link_id=3), make_click(link_id=3, visitor=8)])
    assert await count(db, 1, workspace_id=1) == (1, 1, 0, 0, 0)
    assert await count(db, 1, workspace_id=2) == (2, 2, 0, 0, 0)
    assert await count(db, 1, workspace_id=3) == (0, 0, 0, 0, 0)
    assert await count(db, 2, workspace_id=2) == (0, 0, 0, 0, 0)


async def test_a_visitor_by_two_domains_is_one_of_the_link_and_of_each_domain(
    db: Database,
) -> None:
    for n in range(4):
        await load_clicks(db, [make_click(at=DAY + n * QUARTER_MS, domain_id=n % 2 + 1)])
    assert [(await count(db, domain_id))[1] for domain_id in (1, 2)] == [1, 1]
    sums = await read_rollups(db)
    assert [sums[owner, DAY].totals["visitors"] for owner in (1, -1)] == [1, 1]
    await load_clicks(db, [make_click(link_id=2, domain_id=2, at=DAY + n) for n in range(2)])
    assert [(await count(db, domain_id))[1] for domain_id in (1, 2)] == [1, 1]
    await assert_sums_are_right(db)


@pytest.mark.sqlite_only("upgrades what an earlier release stored, and none had PostgreSQL")
async def test_an_export_by_domain_has_the_clicks_that_came_by_it(db: Database) -> None:
    await load_clicks(db, [make_click(visitor=1), make_click(visitor=2, domain_id=2)])
    await go_back(db)
    await move_link(db, 1, 2)
    await load_clicks(db, [make_click(visitor=3)])
    for domain_id, expected in (
        (1, [(1, "go.example"), (2, "go.example")]),
        (2, [(3, "to.example")]),
    ):
        scope = Scope(workspace_id=1, domain_id=domain_id)
        pieces = read_clicks(db, scope, DAY, DAY + DAY_MS, has_bots=False)
        found = [(row["visitor"], row["host"]) async for rows in pieces for row in rows]
        assert found == expected


@pytest.mark.sqlite_only("upgrades what an earlier release stored, and none had PostgreSQL")
@pytest.mark.parametrize("is_folded", [False, True])
async def test_the_past_is_filled_in_the_latest_day_first(db: Database, *, is_folded: bool) -> None:
    days = [DAY - 9 * DAY_MS, DAY - 2 * DAY_MS, DAY - DAY_MS]
    await load_clicks(db, [make_click(at=at, kind=kind) for at in days for kind in (PERSON, BOT)])
    right = await read_rollups(db)
    if is_folded:
        await fold(db, DAY)
    await go_back(db)
    assert await find_domains_done(db) == NEVER
    for done_since in (*days[::-1], 0):
        assert await count(db, 1, start=days[0]) == (3, 3, 3, 0, 0)
        assert await fill_day(db) == 1
        assert await find_domains_done(db) == done_since
    assert await fill_day(db) == 0
    assert await count(db, 1, start=days[0]) == (3, 3, 3, 0, 0)
    assert await read_rollups(db) == right


async def test_a_new_database_has_nothing_to_fill_in(db: Database) -> None:
    assert await find_domains_done(db) == 0
    assert await fill_day(db) == 0


@pytest.mark.sqlite_only("upgrades what an earlier release stored, and none had PostgreSQL")
async def test_links_that_move_after_the_upgrade_keep_their_past_where_it_was(
    db: Database,
) -> None:
    await load_clicks(db, [make_click(), make_click(at=DAY - DAY_MS)])
    await go_back(db)
    await fill_day(db)
    await move_link(db, 1, 2)
    await fill(db)
    for day in await list_days(db):
        assert await rebuild_day(db, day) == 0
    assert await count(db, 1, start=DAY - DAY_MS) == (2, 2, 0, 0, 0)
    assert await count(db, 2, start=DAY - DAY_MS) == (0, 0, 0, 0, 0)


@pytest.mark.sqlite_only("upgrades what an earlier release stored, and none had PostgreSQL")
async def test_where_single_clicks_were_removed_a_domain_has_what_its_links_had(
    db: Database,
) -> None:
    await db.write(lambda tx: tx.execute("update workspaces set plan = 'short' where id = 1"))
    await load_clicks(
        db,
        [make_click(at=DAY + n * QUARTER_MS, link_id=link) for n in (0, 1) for link in (1, 2, 3)],
    )
    await load_clicks(db, [make_click(at=DAY + 2 * DAY_MS)])
    await fold(db, DAY + DAY_MS)
    await go_back(db)
    plans = {
        "unlimited": Plan(name="unlimited"),
        "short": Plan(name="short", click_retention_days=3),
    }
    while await remove_old_clicks(db, plans, DAY + 4 * DAY_MS):
        pass
    await move_link(db, 2, 2)
    assert (
        await db.find_all("select 1 from clicks where link_id < 3 and at < $1", DAY + DAY_MS) == []
    )
    await fill(db)
    assert await count(db, 1) == (4, 2, 0, 0, 0)  # one visitor, counted for each link
    assert await count(db, 1, workspace_id=2) == (2, 1, 0, 0, 0)
    assert await count(db, 1, start=DAY + DAY_MS, end=DAY + 3 * DAY_MS) == (1, 1, 0, 0, 0)
    assert await count(db, 2) == (0, 0, 0, 0, 0)
    for day in await list_days(db):
        assert await rebuild_day(db, day) == 0


CLICKS = st.builds(
    make_click,
    at=st.sampled_from([DAY - QUARTER_MS, DAY, DAY + QUARTER_MS]),
    link_id=st.sampled_from([1, 1, 2, 3]),
    visitor=st.sampled_from([0, 1, 1, 2]),
    kind=st.sampled_from([PERSON, PERSON, BOT, PREFETCH]),
    source=st.sampled_from([LINK, QR]),
    country=st.sampled_from([None, "DE"]),
    domain_id=st.integers(0, 2),
)
STEPS = st.one_of(
    st.lists(CLICKS, max_size=5),
    st.tuples(st.just("move"), st.integers(1, 3), st.integers(1, 2)),
    st.sampled_from(["fold", "rebuild", "fill", "upgrade"]),
)


@pytest.mark.sqlite_only("upgrades what an earlier release stored, and none had PostgreSQL")
@settings(max_examples=count_examples(40), deadline=None)
@given(steps=st.lists(STEPS, max_size=10))
async def test_domains_have_the_sums_of_their_clicks_after_any_history(
    steps: list[list[Click] | tuple[str, int, int] | str],
) -> None:
    with TemporaryDirectory() as folder:
        db = await open_new(Path(folder))
        try:
            await begin(db)
            for step in steps:
                match step:
                    case "fold":
                        await fold(db, DAY)
                    case "rebuild":
                        for day in await list_days(db):
                            await rebuild_day(db, day)
                    case "fill":
                        await fill_day(db)
                    case "upgrade":
                        await go_back(db)
                    case ("move", link_id, domain_id):
                        await move_link(db, int(link_id), int(domain_id))
                    case _:
                        await load_clicks(db, [each for each in step if isinstance(each, Click)])
            await fill(db)
            await assert_sums_are_right(db)
        finally:
            await db.close()
