"""What Prometheus is told of clicks."""

import msgspec

from shorty.api.metrics import write_metrics
from shorty.clicks.recorder import Recorder
from tests.api.house import House
from tests.clicks.making import NEVER, make_visit


async def test_what_waits_and_what_was_dropped_past_the_bound_is_shown(house: House) -> None:
    recorder = Recorder(house.app.db, rest_s=NEVER, most_waiting=3)
    for _ in range(5):
        recorder.record(make_visit(at=house.now - 2500))
    services = msgspec.structs.replace(house.app.services, recorder=recorder)
    lines = write_metrics(services, house.now)[0].decode().splitlines()
    assert "shorty_visits_waiting 3.0" in lines
    assert "shorty_visits_dropped_total 2.0" in lines
    assert "shorty_visits_lag_seconds 2.5" in lines
