"""Tests that two nodes keep every promise while parts of them fail; see `python -m tests.nodes`."""

from pathlib import Path
from typing import Final

import pytest

from tests.cluster import MISSING, find_programs
from tests.nodes.balancer import MISSING as MISSING_HAPROXY
from tests.nodes.balancer import find_haproxy
from tests.nodes.running import Effort, Report, Step, run, run_balanced
from tests.nodes.scenarios import FROZEN, SCENARIOS

pytestmark = pytest.mark.postgres_only
EFFORT: Final = Effort(visitors=3, pace_s=0.02)
# Which nodes fail, and for how many seconds; the longest start of a node is what takes most time.
FAULTS: Final = {
    "no fault": ((), 1.0),
    "a killed node": (("a",), 0.0),
    "a killed node with clicks": (("b",), 0.0),
    FROZEN: (("a",), 2.0),
    "a cut connection": (("b",), 1.0),
    "a restarted database": ((), 0.2),
}
# What must have happened for the comparison to mean anything.
WANTED: Final = {
    *("visits", "created", "created with a key", "created many", "created in a plan"),
    *("edited", "deleted", "used up", "filled a plan", "imported"),
}


@pytest.mark.timeout(600)  # the machine may be busy with everything else
async def test_nothing_is_lost_or_doubled_while_parts_of_two_nodes_fail(tmp_path: Path) -> None:
    programs = find_programs()
    if programs is None:
        pytest.skip(MISSING)
    steps = [
        Step(name=name, scenario=SCENARIOS[name], nodes=nodes, fault_s=fault_s)
        for name, (nodes, fault_s) in FAULTS.items()
    ]
    report = await run(programs, tmp_path, steps, EFFORT)
    require_exactness(report)


def require_exactness(report: Report) -> None:
    assert not report.faults, "\n".join(report.faults)
    assert {what for what in WANTED if not report.ledger.counts[what]} == set()
    assert report.deliveries > 0
    assert report.ledger.delays


@pytest.mark.timeout(600)
async def test_no_request_fails_while_two_nodes_restart_in_turn_behind_haproxy(
    tmp_path: Path,
) -> None:
    programs, haproxy = find_programs(), find_haproxy()
    if programs is None:
        pytest.skip(MISSING)
    if haproxy is None:
        pytest.skip(MISSING_HAPROXY)
    report = await run_balanced(programs, haproxy, tmp_path, EFFORT)
    require_exactness(report)
