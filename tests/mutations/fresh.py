"""A pytest plugin that clears shorty's caches, so that no mutant goes unnoticed because of them.

mutmut runs all tests once, records which of them call what, and runs each mutant in a copy of that
process.
"""

import sys
from collections.abc import Callable, Iterator


def pytest_sessionstart() -> None:
    for forget, _ in list_caches():
        forget()


def pytest_runtest_setup() -> None:
    """Unbounded caches stay, because what they contain takes long to load."""
    for forget, most in list_caches():
        if most is not None:
            forget()


def list_caches() -> Iterator[tuple[Callable[[], None], int | None]]:
    """The function that clears each cache, and its maximum size."""
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] == "shorty":
            for value in list(vars(module).values()):
                if hasattr(value, "cache_clear") and hasattr(value, "cache_parameters"):
                    yield value.cache_clear, value.cache_parameters()["maxsize"]
