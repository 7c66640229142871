"""A plugin of pytest: forgets what shorty remembered in mutmut's first run of the tests.

Each mutant runs in a copy of that process, in which it would not be noticed otherwise.
"""

import sys


def pytest_sessionstart() -> None:
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] == "shorty":
            for value in list(vars(module).values()):
                if clear := getattr(value, "cache_clear", None):
                    clear()
