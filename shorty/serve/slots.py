"""The places of the workers: each has one worker at a time, and knows when the next may start."""

import time
from typing import Final

from shorty.serve.process import Worker

AT_ONCE: Final = 3  # crashes in a row after which the next worker starts without a pause
STEADY_S: Final = 60.0  # a worker that was ready for longer begins a new row
FIRST_PAUSE_S: Final = 1.0
LONGEST_PAUSE_S: Final = 30.0


class Slot:
    def __init__(self, number: int) -> None:
        self.number = number
        self.worker: Worker | None = None
        self._crashes = 0  # in a row
        self._not_before = 0.0

    @property
    def is_answering(self) -> bool:
        return self.worker is not None and self.worker.is_answering

    def clear(self, worker: Worker) -> None:
        """Notes the worker's end."""
        self.worker = None
        if worker.stop_sent_at is not None:
            self.forget_crashes()
            return
        is_first = worker.count_seconds_ready() >= STEADY_S
        self._crashes = 1 if is_first else self._crashes + 1
        self._not_before = time.monotonic() + find_pause(self._crashes)

    def forget_crashes(self) -> None:
        self._crashes, self._not_before = 0, 0.0

    def count_seconds_to_wait(self) -> float:
        """Seconds until a worker may start here."""
        return max(0.0, self._not_before - time.monotonic())


def find_pause(crashes: int) -> float:
    """Seconds before the next start, after so many crashes in a row."""
    if crashes <= AT_ONCE:
        return 0.0
    return min(FIRST_PAUSE_S * 2.0 ** min(crashes - AT_ONCE - 1, 10), LONGEST_PAUSE_S)
