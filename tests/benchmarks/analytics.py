"""Answers about one link with many clicks, made once by loading them and kept in a cache folder."""

import asyncio
import random
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from urllib.parse import quote

from rich.progress import track

from shorty.clicks.folding import fold_some
from shorty.clicks.loading import CLICKS_AT_ONCE, load_batch
from shorty.clicks.model import LINK, PERSON, Click
from shorty.storage.database import Database
from tests.benchmarks.bench import Bench, make_folder
from tests.benchmarks.million import name_schema
from tests.benchmarks.product import Product
from tests.benchmarks.report import Line, Measure

FEW, MANY = 10_000, 10_000_000
SPAN_MS = 60 * 86_400_000  # two months back from today, half of them in the period asked for
ZONE = quote("Asia/Kolkata")  # none of its days is one of UTC's
QUERIES = {
    "summary": "/analytics/summary?linkId=1",
    "days": f"/analytics/timeseries?linkId=1&timezone={ZONE}",
    "countries": f"/analytics/geo?linkId=1&timezone={ZONE}",
}


def run_analytics(bench: Bench) -> Line:
    few, many = (time_answers(bench, clicks) for clicks in (FEW, MANY))
    return Line(
        title="analytics of one link with 10 M clicks",
        measures=[
            *(Measure(label=f"{name} ms", own=many[name], bar=30) for name in QUERIES),
            *(
                Measure(label=f"{name} / 10 k", own=many[name] / few[name], bar=2)
                for name in QUERIES
            ),
        ],
    )


def time_answers(bench: Bench, clicks: int) -> dict[str, float]:
    """The median milliseconds of each question."""
    with make_folder() as folder:
        prepare_clicks(bench.cache, folder, clicks)
        with Product(folder, core=None) as product:
            return {name: time_answer(bench, product, path) for name, path in QUERIES.items()}


def time_answer(bench: Bench, product: Product, path: str) -> float:
    product.call("GET", path)  # the first reads the file
    taken: list[float] = []
    for _ in range(bench.rounds * 4 + 1):
        started = time.monotonic()
        product.call("GET", path)
        taken.append((time.monotonic() - started) * 1000)
    return median(taken)


def prepare_clicks(cache: Path, folder: Path, clicks: int) -> None:
    """Copies the data into `folder`. It is made anew each day, for the last month is asked for."""
    kept = cache / f"clicks-{clicks}-{name_schema()}-{time.time_ns() // 86_400_000_000_000}"
    if not kept.exists():
        unfinished = kept.with_suffix(".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        with Product(unfinished, core=None) as product:
            product.create_links(1)
        asyncio.run(fill(next(unfinished.glob("**/*.db")), clicks))
        unfinished.rename(kept)
    shutil.copytree(kept, folder, dirs_exist_ok=True)


async def fill(path: Path, clicks: int) -> None:
    db = await Database.open(path)
    now = time.time_ns() // 1_000_000
    batches = range(0, clicks, CLICKS_AT_ONCE)
    for first in track(batches, description=f"Making {clicks:,} clicks, once"):
        batch = list(make_clicks(first, clicks, now))
        await db.write(lambda tx, batch=batch: load_batch(tx, batch))
    while await fold_some(db, now):  # as a server does, once days are over
        pass
    await db.close()


def make_clicks(first: int, clicks: int, now: int) -> Iterator[Click]:
    """Some of the clicks, spread evenly in time and unevenly over what is known of them."""
    dice = random.Random(first)  # noqa: S311 - the same clicks each time
    for index in range(first, min(first + CLICKS_AT_ONCE, clicks)):
        country, host = int(dice.random() ** 2 * 26), int(dice.random() ** 3 * 150)
        yield Click(
            1,
            now - SPAN_MS + index * SPAN_MS // clicks,
            dice.getrandbits(24) + 1,
            PERSON,
            LINK,
            f"A{chr(65 + country)}",
            f"site{host}.example",
            dice.choice(["Chrome", "Safari", "Firefox", "Edge"]),
            dice.choice(["Windows", "iOS", "Android", "macOS"]),
            dice.choice(["desktop", "mobile", "tablet"]),
            None,
        )
