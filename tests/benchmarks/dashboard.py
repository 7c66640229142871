"""Pages of the dashboard with a million links, one of them with ten million clicks."""

import asyncio
import time
from collections.abc import Mapping
from pathlib import Path
from statistics import median

from shorty.accounts.sessions import start_session
from shorty.sqlite.database import SqliteDatabase
from tests.benchmarks.bench import Bench, make_folder
from tests.benchmarks.load import HOST
from tests.benchmarks.million import LINKS
from tests.benchmarks.past_clicks import FEW_ID, MANY, MANY_ID, prepare_clicks
from tests.benchmarks.product import DATABASE, Product
from tests.benchmarks.report import Line, Measure

BAR_MS = 50
MONTH = "range=custom&from=2026-06-01&to=2026-06-30"
YEAR = "range=custom&from=2025-07-01&to=2026-06-30"

PAGES = {
    "list": "/app/links",
    "list, searched": "/app/links?q=lantern",
    "list, most clicked": "/app/links?sort=-clickCount",
    "overview": "/app",
    "a link": f"/app/links/{LINKS // 2}",
    "overview, month": f"/app?{MONTH}",
    "overview, year": f"/app?{YEAR}",
    "overview, a domain": f"/app?domain={HOST}&{MONTH}",
    "overview, a country": f"/app?country=AC&{MONTH}",
    "link of 10 M, today": f"/app/links/{MANY_ID}?range=today",
    "link of 10 M, month": f"/app/links/{MANY_ID}?{MONTH}",
    "link of 10 M, year": f"/app/links/{MANY_ID}?{YEAR}",
    "link of 10 M, clicks": f"/app/links/{MANY_ID}/clicks",
    "link of 10 k, month": f"/app/links/{FEW_ID}?{MONTH}",
    "link of 10 k, clicks": f"/app/links/{FEW_ID}/clicks",
}


def run_dashboard(bench: Bench) -> Line:
    """The time from the request to the whole page, on loopback."""
    with make_folder() as folder:
        prepare_clicks(bench.cache, folder)
        return Line(
            title=f"dashboard pages, {LINKS / 1e6:.0f} M links and {MANY / 1e6:.0f} M clicks",
            measures=time_pages(bench, folder, PAGES),
        )


def time_pages(bench: Bench, folder: Path, pages: Mapping[str, str]) -> list[Measure]:
    session = asyncio.run(sign_in(folder / DATABASE))
    with Product(folder, core=None) as product:
        return [
            Measure(label=f"{name}, ms", own=time_page(bench, product, path, session), bar=BAR_MS)
            for name, path in pages.items()
        ]


async def sign_in(path: Path) -> str:
    """A session of the owner of the first workspace."""
    db = await SqliteDatabase.open(path)
    now = time.time_ns() // 1_000_000
    made = await db.write(lambda tx: start_session(tx, 1, 1, "Benchmarks", now))
    await db.close()
    return made.text


def time_page(bench: Bench, product: Product, path: str, session: str) -> float:
    taken: list[float] = []
    for _ in range(bench.rounds * 2 + 1):
        started = time.perf_counter()
        product.open_page(path, session)
        taken.append((time.perf_counter() - started) * 1000)
    bench.say(f"  {path}: {median(taken):.1f} ms")
    return median(taken)
