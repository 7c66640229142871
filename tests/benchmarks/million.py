"""A database with a million links, created once by the bulk call and kept in a cache folder."""

import shutil
from hashlib import sha256
from pathlib import Path

from rich.progress import track

from shorty.sqlite import migrations as sqlite_migrations
from tests.benchmarks.engines import use_sqlite
from tests.benchmarks.product import Product

LINKS = 1_000_000
BULK = 1000
SLUGS = "slugs.txt"


def prepare_million(cache: Path, folder: Path) -> Path:
    """Copies the million links' data into `folder`; returns the file with their slugs."""
    kept = cache / f"links-{name_schema()}"
    if not kept.exists():
        make_million(kept)
    shutil.copytree(kept, folder, dirs_exist_ok=True)
    return folder / SLUGS


def make_million(kept: Path) -> None:
    unfinished = kept.with_suffix(".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    with (
        use_sqlite(),
        Product(unfinished, core=None) as product,
        (unfinished / SLUGS).open("w") as slugs,
    ):
        for first in track(range(0, LINKS, BULK), description="Making a million links, once"):
            made = product.create_links(BULK, first=first)
            slugs.writelines(f"{slug}\n" for slug in made)
    unfinished.rename(kept)


def name_schema() -> str:
    """Changes with the migrations, so that a cached database never has an old schema."""
    folder = Path(sqlite_migrations.__path__[0])
    digest = sha256()
    for file in sorted(folder.glob("*.sql")):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]
