"""What Prometheus reads of clicks."""

import re
from pathlib import Path

import msgspec

from shorty.api.metrics import write_metrics
from shorty.clicks.recorder import Recorder
from tests.api.house import House
from tests.clicks.making import NEVER, make_visit

MANUAL = Path(__file__).parents[2] / "shorty" / "manual" / "operating.md"


async def test_what_waits_and_what_was_dropped_past_the_bound_is_shown(house: House) -> None:
    clock = [10.0]
    recorder = Recorder(house.app.db, rest_s=NEVER, most_waiting=3, read_monotonic=lambda: clock[0])
    for _ in range(5):
        recorder.record(make_visit())
    clock[0] += 2.5
    services = msgspec.structs.replace(house.app.services, recorder=recorder)
    lines = write_metrics(services)[0].decode().splitlines()
    assert "shorty_visits_waiting 3.0" in lines
    assert "shorty_visits_in_memory 3.0" in lines
    assert "shorty_visits_dropped_total 2.0" in lines
    assert "shorty_visits_lag_seconds 2.5" in lines
    assert "shorty_journal_refusing_seconds 2.5" in lines
    assert "shorty_database_replaced 0.0" in lines


async def test_every_metric_has_its_row_in_the_manual_and_no_other(house: House) -> None:
    text = write_metrics(house.app.services)[0].decode()
    shown = set(re.findall(r"^(shorty_\w+) ", text, re.MULTILINE))
    assert set(re.findall(r"^\| `(shorty_\w+)`", MANUAL.read_text(), re.MULTILINE)) == shown
