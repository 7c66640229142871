"""A primary server dies under load, and a standby takes over while two nodes run."""

from pathlib import Path

import pytest

from tests.cluster import find_programs
from tests.nodes.failover import AT_LEAST, fail_over

pytestmark = pytest.mark.postgres_only


@pytest.fixture
def programs() -> Path:
    found = find_programs()
    assert found
    return found


def test_a_synchronous_standby_lacks_nothing_that_was_answered(
    programs: Path, tmp_path: Path
) -> None:
    outcome = fail_over(programs, tmp_path, is_synchronous=True)
    assert min(outcome.created, outcome.visited) > 4 * AT_LEAST
    assert (outcome.created_and_lost, outcome.visits_lost) == (0, 0)


def test_clicks_that_a_standby_lacks_are_stored_once_more(programs: Path, tmp_path: Path) -> None:
    outcome = fail_over(programs, tmp_path, is_synchronous=False, is_behind=True)
    assert outcome.created_and_lost > 0  # so it was behind
    assert outcome.visits_lost == 0
