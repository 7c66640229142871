"""Storing clicks: a batch of hot links, as the recorder stores it, in this process."""

import asyncio
import random
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from statistics import fmean, median
from typing import NamedTuple

from shorty.clicks.journal import Position
from shorty.clicks.model import encode_visit
from shorty.clicks.recorder import BATCH_VISITS
from shorty.clicks.rollups import KnownVisitors
from shorty.clicks.store import begin_journal, store_batch
from shorty.clicks.user_agent import load_patterns
from shorty.clicks.waiting import Batch
from shorty.config import StorageConfig
from shorty.databases import open_database
from shorty.durations import DAY_MS
from shorty.storage.database import Lane
from tests.benchmarks.bench import Bench, make_folder
from tests.benchmarks.engines import SETTING, name_database, read_database_cpu_s, run_shorty
from tests.benchmarks.product import DATABASE, write_configuration
from tests.benchmarks.report import Line, Measure
from tests.clicks.making import insert_links, make_person

HOT_LINKS = 10
VISITORS = 100_000
BAR_US = 35
JOURNAL = "measured"
START = Position(1, 8)


class Taken(NamedTuple):
    """Microseconds a click: as it took, and of the CPU of this process and of the database's."""

    wall_us: float
    cpu_us: float
    database_us: float


def run_store(bench: Bench) -> Line:
    with make_folder() as folder:
        own = name_database()
        run_shorty({**write_configuration(folder), **own}, "token", "create")
        database = own.get(SETTING, str(folder / DATABASE))
        taken = asyncio.run(store_batches(database, folder, bench.rounds + 1))
    bench.say(f"  µs a click: {', '.join(f'{each.wall_us:.1f}' for each in taken)}")
    return Line(
        title=f"storing clicks on {HOT_LINKS} links, {VISITORS:,} visitors",
        measures=[
            Measure(label="µs a click", own=median(each.wall_us for each in taken[1:]), bar=BAR_US),
            Measure(label="at best", own=min(each.wall_us for each in taken[1:])),
            Measure(label="CPU µs", own=median(each.cpu_us for each in taken[1:])),
            Measure(label="database µs", own=fmean(each.database_us for each in taken[1:])),
        ],
    )


async def store_batches(database: str, folder: Path, count: int) -> Sequence[Taken]:
    """Of each batch; the first one is a warm-up."""
    load_patterns()
    db = await open_database(StorageConfig(database=database, folder=str(folder)))
    try:
        await db.write(insert_links(*range(1001, 1001 + HOT_LINKS)))
        await db.write(
            partial(begin_journal, journal_id=JOURNAL, node=db.node, start=START), Lane.CLICKS
        )
        known, chance = KnownVisitors(), random.Random(1)  # noqa: S311 - no secret
        taken: list[Taken] = []
        for number in range(1, count + 1):
            batch = make_batch(number, chance)
            store = partial(store_batch, journal_id=JOURNAL, batch=batch, known=known)
            started = time.perf_counter()
            used = time.process_time(), read_database_cpu_s()
            await db.write(store, Lane.CLICKS)
            taken.append(
                Taken(
                    wall_us=(time.perf_counter() - started) * 1e6 / BATCH_VISITS,
                    cpu_us=(time.process_time() - used[0]) * 1e6 / BATCH_VISITS,
                    database_us=(read_database_cpu_s() - used[1]) * 1e6 / BATCH_VISITS,
                )
            )
            known.keep_noted()
        return taken
    finally:
        await db.close()


def make_batch(number: int, chance: random.Random) -> Batch:
    now = int(time.time() * 1000) // DAY_MS * DAY_MS + number * 1000
    payloads = [
        encode_visit(
            make_person(
                at=now + each // 20,
                link_id=1001 + chance.randrange(HOT_LINKS),
                visitor=chance.randrange(1, VISITORS + 1),
                country=chance.choice(["DE", "US", "FR", "IN"]),
                referrer=chance.choice(["", "google.com", "news.example"]),
                domain_id=1,
            )
        )
        for each in range(BATCH_VISITS)
    ]
    batch = Batch(START.segment, payloads, START.offset + number)
    batch.number = number
    return batch
