"""A database with a million links and ten million clicks, created once and kept in a cache folder.

The clicks are loaded by the import's code, then folded like a server does. They are in a past year,
so that they can be queried on any day; today's are added each time.
"""

import asyncio
import random
import shutil
import time
from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Generic, TypeVar

import msgspec
from rich.progress import track

from shorty.clicks.folding import fold_some
from shorty.clicks.loading import load_batch
from shorty.clicks.model import BOT, LINK, PERSON, QR, Click
from shorty.clicks.rollup_store import forget_visitors
from shorty.clicks.weeks import sum_some_weeks
from shorty.durations import DAY_MS
from shorty.links.search_entries import catch_up
from shorty.sqlite.database import SqliteDatabase
from shorty.storage.database import Database
from tests.benchmarks.engines import use_sqlite
from tests.benchmarks.million import name_schema, prepare_million
from tests.benchmarks.product import DATABASE, Product

T = TypeVar("T")

CLICKS_AT_ONCE = 20_000
FORGOTTEN_AT_ONCE = 100_000

MANY, FEW = 10_000_000, 10_000
CROWD, CROWD_CLICKS = 20_000, 500_000
MANY_ID, FEW_ID = 1, 2
CROWD_IDS = range(3, CROWD + 3)
TODAY = 2_000  # clicks on either link

END = 1_782_864_000_000  # 2026-07-01
SHARE_OF_BOTS, SHARE_OF_SCANS = 0.08, 0.1
TAG_CROWD = (
    "insert into link_tags (link_id, tag_id, position) "
    "select id, 1, 0 from links where id between $1 and $2"
)
YEAR, SEASON = 365, 45  # days before: of the two links' clicks, of the others'


def prepare_clicks(cache: Path, folder: Path) -> None:
    """Copies the data into `folder`, and adds today's."""
    kept = cache / f"links-and-clicks-{MANY}-{FEW}-{CROWD_CLICKS}-{name_schema()}"
    if not kept.exists():
        unfinished = kept.with_suffix(".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        prepare_million(cache, unfinished)
        make_tag(unfinished)
        asyncio.run(fill(unfinished / DATABASE))
        unfinished.rename(kept)
    shutil.copytree(kept, folder, dirs_exist_ok=True)
    asyncio.run(add_today(folder / DATABASE))


def make_tag(folder: Path) -> None:
    with use_sqlite(), Product(folder, core=None) as product:
        product.call("POST", "/tags", {"name": "crowd"})


async def fill(path: Path) -> None:
    db = await SqliteDatabase.open(path)
    await db.write(lambda tx: tx.execute(TAG_CROWD, CROWD_IDS[0], CROWD_IDS[-1]))
    year, season = END - YEAR * DAY_MS, END - SEASON * DAY_MS
    await load(db, make_clicks([FEW_ID], FEW, year, END), FEW)
    await load(db, make_clicks([MANY_ID], MANY, year, END), MANY)
    await load(db, make_clicks(CROWD_IDS, CROWD_CLICKS, season, END), CROWD_CLICKS)
    await catch_up(db)  # a server does so in the background, after minutes
    await db.close()


async def add_today(path: Path) -> None:
    db = await SqliteDatabase.open(path)
    now = time.time_ns() // 1_000_000
    for link in (MANY_ID, FEW_ID):
        for batch in make_clicks([link], TODAY, now // DAY_MS * DAY_MS, now):
            await db.write(lambda tx, batch=batch: load_batch(tx, batch))
    await db.close()


async def load(db: Database, batches: Iterator[list[Click]], clicks: int) -> None:
    """Loads clicks in order of time; folds and forgets days like a server does."""
    told = track(batches, f"Making {clicks:,} clicks, once", total=-(-clicks // CLICKS_AT_ONCE))
    for batch in told:
        await db.write(lambda tx, batch=batch: load_batch(tx, batch))
        await fold_days(db, batch[-1].at)
    await fold_days(db, END + DAY_MS)


async def fold_days(db: Database, now: int) -> None:
    while await fold_some(db, now):
        pass
    while await sum_some_weeks(db, now):
        pass
    while await db.write(lambda tx: forget_visitors(tx, now, FORGOTTEN_AT_ONCE)):
        pass


def make_clicks(links: Sequence[int], clicks: int, start: int, end: int) -> Iterator[list[Click]]:
    """Spread evenly over time and over `links`, and unevenly over the visitors' properties."""
    dice = random.Random(clicks)  # noqa: S311 - the same clicks each time
    for first in range(0, clicks, CLICKS_AT_ONCE):
        count = min(CLICKS_AT_ONCE, clicks - first)
        known = zip(*(pool.draw(dice, count) for pool in POOLS), strict=True)
        yield [
            make_click(dice, links, start + (first + index) * (end - start) // clicks, *values)
            for index, values in enumerate(known)
        ]


def make_click(
    dice: random.Random,
    links: Sequence[int],
    at: int,
    place: tuple[str, str],
    referrer: str | None,
    browser: str,
    machine: tuple[str, str],
    utm: str | None,
) -> Click:
    kind = BOT if dice.random() < SHARE_OF_BOTS else PERSON
    source = QR if dice.random() < SHARE_OF_SCANS else LINK
    visitor = dice.getrandbits(15) + 1
    country, city = place
    link = dice.choice(links)
    return Click(link, at, visitor, kind, source, country, referrer, browser, *machine, utm, city)


class Pool(Generic[T]):
    """Values of which the first are far more frequent than the last, as usual in practice."""

    def __init__(self, values: Sequence[T]) -> None:
        self.values = values
        self.weights = list(accumulate(1 / place for place in range(1, len(values) + 1)))

    def draw(self, dice: random.Random, count: int) -> list[T]:
        return dice.choices(self.values, cum_weights=self.weights, k=count)


def make_utm(number: int) -> str:
    """One of five hundred advertisements."""
    values = (number % 15, number % 8, number // 8, number, number % 40)
    return msgspec.json.encode([f"value{value}" for value in values]).decode()


COUNTRIES = [f"{one}{other}" for one in "ABCDEFGHIJKL" for other in "CEGIKMORTZ"]
POOLS = (
    Pool([(country, f"City {n}") for n in range(20) for country in COUNTRIES]),
    Pool([None, *(f"site{number}.example" for number in range(5000))]),
    Pool(["Chrome", "Safari", "Edge", "Firefox", "Samsung Internet", "Opera", "Other"]),
    Pool([("iOS", "mobile"), ("Android", "mobile"), ("Windows", "desktop"), ("Linux", "tablet")]),
    Pool([None, *map(make_utm, range(500))]),
)
