"""Scheduled deletions wait while the clock cannot be trusted."""

import pytest
from structlog.testing import capture_logs

from shorty import jobs as jobs_module
from shorty.clicks.model import LINK, PERSON, Click
from shorty.jobs import Jobs
from shorty.storage.state import find_believed_time
from tests.api.house import House
from tests.clicks.making import load_clicks
from tests.reading import reader
from tests.support import DAY

HOUR = 3_600_000


class Clocks:
    def __init__(self, now: int) -> None:
        self.now = now
        self.monotonic = 0.0

    def pass_by(self, ms: int) -> None:
        self.now += ms
        self.monotonic += ms / 1000

    def build(self, house: House) -> Jobs:
        """The jobs of a process that has just started."""
        self.monotonic = 0.0
        app = house.app
        return Jobs(app.services, app.visitors, lambda: self.now, lambda: self.monotonic)


@pytest.fixture
async def clocks(house: House) -> Clocks:
    """The session expires in ten days."""
    expires_at = house.now + 10 * DAY
    await house.app.db.write(
        lambda tx: tx.execute(
            "insert into sessions (digest, user_id, workspace_id, user_agent, created_at,"
            " last_used_at, expires_at) values ('', $1, $2, '', 0, 0, $3)",
            house.home.user.id,
            house.home.workspace.id,
            expires_at,
        )
    )
    await house.app.jobs.sweep()
    return Clocks(house.now)


def has_session(house: House) -> bool:
    return reader(house.app.db).find_one("select 1 from sessions") is not None


async def test_a_stop_does_not_wait_until_every_link_is_indexed(
    house: House, clocks: Clocks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a move a million links wait for it."""
    monkeypatch.setattr(jobs_module, "INDEX_S", 0)
    monkeypatch.setattr("shorty.links.search_entries.AT_ONCE", 1)
    for _ in range(3):
        await house.make_link()
    jobs = clocks.build(house)
    await jobs.stop()
    await jobs.index_new_links()
    mark = "select indexed_until from search_mark"
    assert reader(house.app.db).find_all(mark)[0][0] < 3
    await clocks.build(house).index_new_links()
    assert reader(house.app.db).find_all(mark)[0][0] == 3


async def test_a_clock_that_is_ahead_for_a_minute_removes_nothing(
    house: House, clocks: Clocks
) -> None:
    jobs = clocks.build(house)
    await jobs.sweep()
    clocks.now += 60 * DAY
    with capture_logs() as logs:
        await jobs.sweep()
        clocks.pass_by(60_000)
        await jobs.sweep()
        clocks.now -= 60 * DAY
        await jobs.sweep()
    assert has_session(house)
    assert [(each["event"], each["log_level"]) for each in logs] == [
        ("sweeps_wait", "warning"),
        ("sweeps_go_on", "info"),
    ]
    assert logs[0]["clock_jumped_s"] == 60 * DAY // 1000


async def test_a_clock_that_stays_ahead_for_an_hour_is_believed(
    house: House, clocks: Clocks
) -> None:
    jobs = clocks.build(house)
    await jobs.sweep()
    clocks.now += 60 * DAY
    await jobs.sweep()
    clocks.pass_by(HOUR)
    await jobs.sweep()
    assert not has_session(house)


async def test_a_server_that_was_off_for_a_month_waits_an_hour_and_says_so(
    house: House, clocks: Clocks
) -> None:
    clocks.now += 30 * DAY
    jobs = clocks.build(house)
    with capture_logs() as logs:
        await jobs.sweep()
    assert has_session(house)
    assert [(each["event"], each["log_level"]) for each in logs] == [("sweeps_wait", "info")]
    clocks.pass_by(HOUR)
    await jobs.sweep()
    assert not has_session(house)


async def test_a_restart_while_the_clock_is_wrong_does_not_make_it_right(
    house: House, clocks: Clocks
) -> None:
    clocks.now += 60 * DAY
    link = await house.make_link()
    for _ in range(2):
        await load_clicks(house.app.db, [make_click(link.id, clocks.now)])
        jobs = clocks.build(house)
        await jobs.sweep()
        clocks.pass_by(HOUR - 1000)
        await jobs.sweep()
    assert has_session(house)


async def test_a_database_that_was_never_swept_is_judged_by_its_newest_click(
    house: House, clocks: Clocks
) -> None:
    link = await house.make_link()
    await load_clicks(house.app.db, [make_click(link.id, clocks.now)])
    await house.app.db.write(
        lambda tx: tx.execute("delete from server_state where name = 'clock_believed_at'")
    )
    clocks.now += 60 * DAY
    await clocks.build(house).sweep()
    assert has_session(house)


async def test_the_time_that_is_believed_is_noted_once_an_hour(
    house: House, clocks: Clocks
) -> None:
    jobs, start = clocks.build(house), clocks.now
    for minutes, noted in ((0, 0), (30, 0), (29, 0), (1, 60), (59, 60), (1, 120)):
        clocks.pass_by(minutes * 60_000)
        await jobs.sweep()
        assert find_believed_time(reader(house.app.db)) == start + noted * 60_000


def make_click(link_id: int, at: int) -> Click:
    return Click(link_id, at, 0, PERSON, LINK, None, None, None, None, None, None)
