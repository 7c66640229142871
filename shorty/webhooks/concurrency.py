"""Limits concurrent turns: overall, per host, and for slow receivers.

Pure. Quick receivers always have half of the slots to themselves, however many others hang.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Final

from shorty.webhooks.queue import Line

# Together as many connections as the HTTP client opens to one host.
QUICK_PER_HOST: Final = 6
SLOW_PER_HOST: Final = 2


class Slots:
    def __init__(self, number: int) -> None:
        self.number = number
        self._most_slow = max(1, number // 2)
        self._most_per_host = {
            True: min(QUICK_PER_HOST, max(1, number // 2)),
            False: min(SLOW_PER_HOST, max(1, self._most_slow // 2)),
        }
        self._taken: Counter[Line] = Counter()
        self._slow = 0
        self._all = 0

    @property
    def free(self) -> int:
        return self.number - self._all

    @property
    def free_for_slow(self) -> int:
        return min(self.free, self._most_slow - self._slow)

    def take(self, lines: Iterable[Line]) -> list[Line]:
        """Takes a slot for each line that may have another; returns those lines, in order."""
        return [line for line in lines if self._take(line)]

    def _take(self, line: Line) -> bool:
        free = self.free if line.is_quick else self.free_for_slow
        if free <= 0 or self._taken[line] >= self._most_per_host[line.is_quick]:
            return False
        self._taken[line] += 1
        self._slow += not line.is_quick
        self._all += 1
        return True

    def give_back(self, line: Line) -> None:
        self._taken[line] -= 1
        if not self._taken[line]:
            del self._taken[line]
        self._slow -= not line.is_quick
        self._all -= 1
