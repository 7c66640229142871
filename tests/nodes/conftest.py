"""Fixtures of the tests with several nodes."""

from collections.abc import Generator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.copies import find_databases
from tests.nodes.pair import Pair


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Generator[Pair]:
    """Two nodes for all tests of a module, which each bring their own people."""
    databases = find_databases()
    if databases is None:
        pytest.skip("PostgreSQL's own: runs with --engine postgres")
    with ExitStack() as stack:
        pair = Pair(tmp_path_factory.mktemp("pair"), databases.create())
        pair.start(stack)
        yield pair
        assert pair.stop() == [0, 0]


@pytest.fixture
def own_pair(tmp_path: Path) -> Generator[Pair]:
    """Two nodes on an empty database that are this test's own, started one after the other."""
    databases = find_databases()
    assert databases is not None
    with ExitStack() as stack:
        pair = Pair(tmp_path, databases.create())
        pair.start(stack, is_in_turn=True)
        yield pair
