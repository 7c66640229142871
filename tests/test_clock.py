from shorty.clock import ClockWatch, Reading
from shorty.durations import DAY_MS

START = Reading(1_795_348_800_000, 1000.0)


class Clocks:
    """Two clocks that advance together until the wall clock is set."""

    def __init__(self) -> None:
        self.reading = START
        self.watch = ClockWatch(START)

    def pass_by(self, seconds: float) -> bool:
        now, monotonic = self.reading
        self.reading = Reading(now + int(seconds * 1000), monotonic + seconds)
        return self.watch.may_believe(self.reading)

    def set_by(self, days: float) -> bool:
        self.reading = self.reading._replace(now=self.reading.now + int(days * DAY_MS))
        return self.watch.may_believe(self.reading)


def test_a_steady_clock_is_trusted_after_any_time() -> None:
    clocks = Clocks()
    assert all(clocks.pass_by(seconds) for seconds in (0, 60, 90 * 86_400, 60))


def test_a_clock_that_jumps_by_more_than_a_day_is_believed_after_an_hour() -> None:
    for days in (60, 1.1, -1.1, -60):
        clocks = Clocks()
        assert not clocks.set_by(days)
        assert not clocks.pass_by(3599)
        assert clocks.watch.doubted is not None
        assert clocks.pass_by(1)
        assert clocks.watch.doubted is None
        assert clocks.pass_by(60)


def test_a_clock_that_is_set_by_less_than_a_day_is_believed() -> None:
    clocks = Clocks()
    assert clocks.set_by(0.9)
    assert clocks.set_by(-0.9)


def test_small_steps_that_come_to_more_than_a_day_are_a_jump() -> None:
    clocks = Clocks()
    assert clocks.set_by(0.9)
    assert not clocks.set_by(0.2)


def test_a_clock_that_jumps_back_is_believed_at_once_and_waits_again_at_its_next_jump() -> None:
    clocks = Clocks()
    assert not clocks.set_by(60)
    assert not clocks.pass_by(3500)
    assert clocks.set_by(-60)
    assert not clocks.set_by(60)
    assert not clocks.pass_by(3500)


def test_a_second_jump_restarts_the_hour() -> None:
    clocks = Clocks()
    assert not clocks.set_by(60)
    assert not clocks.pass_by(3500)
    assert not clocks.set_by(60)
    assert not clocks.pass_by(3500)
    assert clocks.pass_by(100)
