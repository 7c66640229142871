"""Owns whether the wall clock may be believed, before anything is removed for good by it.

A clock that is months ahead for a minute would have everything removed that is not that old. So its
progress is compared with the monotonic clock's. After a jump it has to go on for an hour as a clock
does; one that jumps back by then is believed at once.
"""

from typing import Final, NamedTuple

from shorty.durations import DAY_MS

JUMP_MS: Final = DAY_MS
WAIT_S: Final = 3600.0


class Reading(NamedTuple):
    """Both clocks at one moment: UTC milliseconds, and seconds since some start."""

    now: int
    monotonic: float

    def find_jump(self, later: "Reading") -> int:
        """By how many milliseconds the wall clock has gone further than the other by `later`."""
        return later.now - self.now - int((later.monotonic - self.monotonic) * 1000)


class ClockWatch:
    """Begins with a reading that is believed. `doubted` is the one with which an hour began."""

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
