"""What Prometheus reads of clicks."""

import os
import re
from pathlib import Path

import msgspec
import structlog
from msgspec.structs import replace
from prometheus_client.exposition import generate_latest

from shorty.api.metrics import ClickCollector, collect_own, write_metrics
from shorty.api.worker_metrics import (
    AllWorkers,
    Family,
    WorkerMetrics,
    label_families,
    read_others,
    write_figures,
)
from shorty.clicks.recorder import Recorder
from tests.api.house import House
from tests.clicks.making import NEVER, make_visit, wait_until
from tests.nodes_at_hand import make_node

MANUAL = Path(__file__).parents[2] / "shorty" / "manual" / "operating.md"


async def test_what_waits_and_what_was_dropped_past_the_bound_is_shown(house: House) -> None:
    clock = [10.0]
    recorder = Recorder(house.app.db, rest_s=NEVER, most_waiting=3, read_monotonic=lambda: clock[0])
    for _ in range(5):
        recorder.record(make_visit())
    clock[0] += 2.5
    services = msgspec.structs.replace(house.app.services, recorder=recorder)
    lines = write_metrics(services, [], [])[0].decode().splitlines()
    assert "shorty_visits_waiting 3.0" in lines
    assert "shorty_visits_in_memory 3.0" in lines
    assert "shorty_visits_dropped_total 2.0" in lines
    assert "shorty_visits_lag_seconds 2.5" in lines
    assert "shorty_journal_refusing_seconds 2.5" in lines
    assert "shorty_database_replaced 0.0" in lines


async def test_several_workers_are_told_apart(house: House) -> None:
    config = house.app.config
    several = replace(config, server=replace(config.server, workers=2))
    lines = (
        write_metrics(replace(house.app.services, config=several), [], [])[0].decode().splitlines()
    )
    node = f'node="{house.app.db.node}"'
    assert f"shorty_visits_stored_total{{{node}}} 0.0" in lines
    assert any(line.startswith("python_info{") and node in line for line in lines)
    samples = [line for line in lines if not line.startswith("#")]
    assert [line for line in samples if node not in line] == []


async def test_a_scrape_shows_what_the_other_workers_wrote_last(
    house: House, tmp_path: Path
) -> None:
    services = house.app.services
    paths = [tmp_path / str(number) / "shorty.metrics" for number in (1, 2, 3)]
    for path in paths:
        path.parent.mkdir()
        write_figures(path, label_families(ClickCollector(services).collect(), path.parent.name))
    os.utime(paths[2], (0, 0))  # its worker is gone
    text = generate_latest(AllWorkers([*collect_own(services), *read_others(paths[0])])).decode()
    stored = re.findall(r'^shorty_visits_stored_total.node="(\w+)". 0.0$', text, re.MULTILINE)
    assert stored == [services.db.node, "2"]
    assert text.count("# TYPE shorty_visits_stored_total counter") == 1


async def test_a_worker_writes_its_metrics_until_it_stops(tmp_path: Path) -> None:
    path = tmp_path / "1" / "shorty.metrics"
    families = [Family("shorty_visits_waiting", "Waiting.", "gauge", [("a", {"node": "a-1"}, 2.0)])]
    metrics = WorkerMetrics(path, lambda: families)
    with structlog.testing.capture_logs() as events:
        metrics.start()
        await wait_until(lambda: bool(events))
        path.parent.mkdir()
        await wait_until(path.exists)
    assert [event["event"] for event in events] == ["metrics_not_shared"]
    assert list(read_others(tmp_path / "2" / "shorty.metrics")) == families
    await metrics.stop()
    assert not path.exists()


async def test_every_metric_has_its_row_in_the_manual_and_no_other(house: House) -> None:
    text = write_metrics(house.app.services, [make_node()], [])[0].decode()
    shown = set(re.findall(r"^(shorty_\w+)[ {]", text, re.MULTILINE))
    assert set(re.findall(r"^\| `(shorty_\w+)`", MANUAL.read_text(), re.MULTILINE)) == shown
