"""Fixtures of the tests of clicks."""

from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs

from tests.clicks.making import Events


# Some tests limit the size of files, and the log would be written to one.
@pytest.fixture(autouse=True)
def events() -> Iterator[Events]:
    """What is logged, in order."""
    with capture_logs() as events:
        yield events
