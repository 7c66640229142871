"""Fixtures of the tests of the process."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def folder() -> Iterator[Path]:
    """With a short path, which is compared, and shown when a test fails."""
    with tempfile.TemporaryDirectory() as path:
        yield Path(path)
