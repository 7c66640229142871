"""Reads the wall clock, and owns whether it is trusted before data is deleted because of its age.

A clock that is months ahead, even for a minute, would delete all data younger than that. Its
progress is therefore compared with the monotonic clock's. After a jump it must run steadily for an
hour before it is trusted; a clock that jumps back before then is trusted at once.
"""

from time import time_ns
from typing import Final, NamedTuple

from shorty.durations import DAY_MS

JUMP_MS: Final = DAY_MS
WAIT_S: Final = 3600.0


def read_clock() -> int:
    """The wall clock, in UTC milliseconds."""
    return time_ns() // 1_000_000


class Reading(NamedTuple):
    """Both clocks at one moment: UTC milliseconds, and seconds since an arbitrary start."""

    now: int
    monotonic: float

    def find_jump(self, later: "Reading") -> int:
        """The milliseconds by which the wall clock has advanced more than the other by `later`."""
        return later.now - self.now - int((later.monotonic - self.monotonic) * 1000)


class ClockWatch:
    """Starts with a trusted reading. `doubted` is the reading with which the hour began."""

    def __init__(self, believed: Reading) -> None:
        self.doubted: Reading | None = None
        self._believed = believed

    def find_jump(self, reading: Reading) -> int:
        return self._believed.find_jump(reading)

    def may_believe(self, reading: Reading) -> bool:
        if abs(self._believed.find_jump(reading)) <= JUMP_MS:
            self.doubted = None
            return True
        if self.doubted is None or abs(self.doubted.find_jump(reading)) > JUMP_MS:
            self.doubted = reading
        if reading.monotonic - self.doubted.monotonic < WAIT_S:
            return False
        self._believed, self.doubted = reading, None
        return True
