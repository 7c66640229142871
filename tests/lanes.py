"""To which lane each table belongs; on PostgreSQL, each statement of a write is held against it.

A write of shorty's own that changes a table outside of the table's lane, or takes lanes in another
order than all others, fails the test in which it runs. What a test writes itself is its own matter.
"""

import re
import sys
from collections.abc import Generator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from shorty.postgres import session
from shorty.postgres.lanes import TAKE_LANE
from shorty.postgres.pipeline import Answer, BlockingPipeline
from shorty.storage.database import Lane
from tests.engines import name_engine

if TYPE_CHECKING:
    import psycopg

TABLES: Final[Mapping[Lane, str]] = {
    Lane.CLICKS: """
        click_days click_domains click_quarters click_removals click_seasons click_weeks clicks
        day_visitors days_to_recount domain_sums former_domains journals link_counters
        link_passes recounts
    """,
    Lane.WEBHOOKS: """
        webhook_deliveries webhook_lines webhook_receivers webhook_secrets webhook_snapshots
        webhook_tries
    """,
    Lane.MAIN: """
        aliases background_jobs bio_blocks bio_pages domain_app_links domains favicons
        idempotency_keys invitations link_edits link_tags links links_search mail_links
        members pictures quotas recovery_codes resting_slugs search_mark second_factors
        server_state sessions tags tokens users utm_templates visitor_keys workspaces
    """,
}
LANES: Final = {table: lane for lane, tables in TABLES.items() for table in tables.split()}
# A new row, which nobody else knows yet.
LANES_OF_NEW_ROWS: Final = {"link_counters": Lane.MAIN}
# A writer's and a node's own row; counts that one statement raises, whoever else does; and what
# only an upgrade writes, which is in all lanes.
IN_NO_LANE: Final = frozenset(
    {"writers", "nodes", "rate_limits", "job_pieces", "drafts", "schema_migrations"}
)
OF_TESTS: Final = frozenset({"things", "parts"})

PACKAGE: Final = Path(session.__file__).parents[1]
ENGINE: Final = PACKAGE / "postgres"
TESTS: Final = Path(__file__).parent
_CHANGE: Final = re.compile(
    r"\b(insert into|update|delete from)\s+(?!(?:set|of)\b)(\w+)", re.IGNORECASE
)

faults: Final[list[str]] = []


@cache
def list_lanes(sql: str) -> Mapping[str, Lane | None]:
    """The lane in which a statement may change each table; None if the table has none yet."""
    found: dict[str, Lane | None] = {}
    for verb, table in _CHANGE.findall(sql):
        if table not in IN_NO_LANE | OF_TESTS:
            new = LANES_OF_NEW_ROWS.get(table) if verb.lower() == "insert into" else None
            found[table] = new or LANES.get(table)
    return found


class WatchedPipeline(BlockingPipeline):
    """Knows from what is sent which lanes the transaction is in."""

    def __init__(self, connection: "psycopg.Connection[Any]") -> None:
        super().__init__(connection)
        self._held: list[Lane] = []

    def send(
        self,
        sql: str,
        values: Sequence[bytes | None] = (),
        answer: Answer | None = None,
        *,
        is_kept: bool = True,
    ) -> Answer:
        if sql == TAKE_LANE:
            self._note_lane(Lane(int(values[1] or 0)))
        elif sql in {"commit", "rollback"}:
            self._held.clear()
        else:
            for table, lane in list_lanes(sql).items():
                if lane is None:
                    self._note_fault(f"{table} has no lane in tests/lanes.py")
                elif lane not in self._held:
                    self._note_fault(f"{table} is changed outside of {lane.name}: {sql.strip()}")
        return super().send(sql, values, answer, is_kept=is_kept)

    def _note_lane(self, lane: Lane) -> None:
        if lane not in self._held:
            if self._held and lane < self._held[-1]:
                self._note_fault(f"{lane.name} is taken after {self._held[-1].name}")
            self._held.append(lane)

    def _note_fault(self, fault: str) -> None:
        place = find_work()
        if place is None or not place.is_relative_to(TESTS):
            faults.append(f"{place}: {fault}")


def find_work() -> Path | None:
    """The file of the write that runs in this thread; None if it is the engine's own."""
    work, frame = None, sys._getframe()  # pyright: ignore[reportPrivateUsage]
    while frame is not None:
        path = Path(frame.f_code.co_filename)
        if path.is_relative_to(PACKAGE) or path.is_relative_to(TESTS):
            is_engine = path.is_relative_to(ENGINE) or path == Path(__file__)
            work = work if is_engine else path
        frame = frame.f_back
    return work


def pytest_configure(config: pytest.Config) -> None:
    if name_engine(config) == "postgres":
        session.BlockingPipeline = WatchedPipeline


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown() -> Generator[None, object, object]:
    """A test fails for what was written outside of its lane."""
    try:
        return (yield)
    finally:
        found = faults.copy()
        faults.clear()
        assert not found, found


@pytest.fixture
def lanes() -> list[str]:
    """What was written outside of its lane during the test."""
    return faults
