"""A plugin of pytest: no mutant goes unnoticed because shorty remembers what it found out before.

mutmut runs all tests once, sees which of them call what, and runs each mutant in a copy of that
process.
"""

import sys
from collections.abc import Callable, Iterator


def pytest_sessionstart() -> None:
    for forget, _ in list_caches():
        forget()


def pytest_runtest_setup() -> None:
    """What is loaded once stays, for it takes long; caches of it have no bound."""
    for forget, most in list_caches():
        if most is not None:
            forget()


def list_caches() -> Iterator[tuple[Callable[[], None], int | None]]:
    """What empties each, and how much it holds at most."""
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] == "shorty":
            for value in list(vars(module).values()):
                if hasattr(value, "cache_clear") and hasattr(value, "cache_parameters"):
                    yield value.cache_clear, value.cache_parameters()["maxsize"]
