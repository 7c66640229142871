"""Builds what transfers move: two domains, files to import, exports of everything."""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

from msgspec.structs import asdict, replace

from shorty.accounts.model import Actor
from shorty.config import Config, DomainConfig, Plan
from shorty.domains import DomainDirectory
from shorty.domains.service import sync_domains
from shorty.links import store
from shorty.links.blocklist import BlockList
from shorty.links.checks import LinkRules
from shorty.links.context import LinkContext
from shorty.links.lookup import LinkLookup
from shorty.links.model import Link, LinkChange, LinkFields
from shorty.storage.database import Database
from shorty.transfer.exports import export_lines, export_table
from shorty.transfer.imports import import_file
from shorty.transfer.model import ImportedLink, ImportOptions, Item, SourceName
from shorty.transfer.progress import Problem, Transfer, TransferProgress
from tests.support import NOW, make_actor, make_home, open_new

CONFIG = Config(
    domains=(DomainConfig(host="go.example"), DomainConfig(host="localhost:8000")),
    plans={
        "small": Plan(name="small", links=3, links_per_month=4, qr_codes=1, webhooks=False),
    },
)


class House(NamedTuple):
    context: LinkContext
    actor: Actor

    @property
    def db(self) -> Database:
        return self.context.db


async def build_house(db: Database, email: str = "ann@a.example") -> House:
    rules = LinkRules(slug_length=6, block_list=BlockList(["evil.example"]))
    await db.write(lambda tx: sync_domains(tx, CONFIG, NOW))
    domains = DomainDirectory(db, CONFIG)
    await domains.reload()
    lookup = LinkLookup(db, rules.block_list)
    context = LinkContext(db=db, domains=domains, lookup=lookup, rules=rules)
    home = await make_home(db, CONFIG, email)
    return House(context, await make_actor(db, home, config=CONFIG))


def run_in_house(move: Callable[[House], Awaitable[None]]) -> None:
    """For examples that hypothesis makes up: each has a database of its own."""

    async def run(folder: Path) -> None:
        db = await open_new(folder)
        try:
            await move(await build_house(db))
        finally:
            await db.close()

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(run(Path(folder)))


def run_in_two_houses(move: Callable[[House, House], Awaitable[None]]) -> None:
    """The same, with two databases."""

    async def run(folder: Path) -> None:
        (folder / "new").mkdir()
        old, new = [await open_new(place) for place in (folder, folder / "new")]
        try:
            await move(await build_house(old), await build_house(new))
        finally:
            await old.close()
            await new.close()

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(run(Path(folder)))


def on_small_plan(house: House) -> House:
    return house._replace(actor=replace(house.actor, plan=CONFIG.plans["small"]))


async def import_text(
    house: House,
    source: SourceName,
    text: str | bytes,
    progress: TransferProgress | None = None,
    **options: Any,
) -> Transfer:
    path = house.db.place("import.txt")
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return await import_path(house, source, path, progress, **options)


async def import_path(
    house: House,
    source: SourceName,
    path: Path,
    progress: TransferProgress | None = None,
    **options: Any,
) -> Transfer:
    progress = progress or TransferProgress()
    wanted = ImportOptions(**options)
    await import_file(house.context, house.actor, source, path, wanted, NOW, progress)
    return progress.describe()


async def export_all(
    house: House, progress: TransferProgress | None = None, *, has_clicks: bool = False
) -> bytes:
    async with house.db.open_snapshot() as snapshot:
        parts = export_lines(
            snapshot,
            house.actor.workspace_id,
            NOW,
            progress or TransferProgress(),
            has_clicks=has_clicks,
        )
        return b"".join([part async for part in parts])


async def export_csv(
    house: House, progress: TransferProgress | None = None, *, hides_webhooks: bool = False
) -> bytes:
    workspace_id = house.actor.workspace_id
    parts = export_table(
        house.db, workspace_id, progress or TransferProgress(), hides_webhooks=hides_webhooks
    )
    return b"".join([part async for part in parts])


async def list_all(house: House) -> list[Link]:
    rows = await house.db.find_all(
        "select id from links where workspace_id = $1 and deleted_at is null order by id",
        house.actor.workspace_id,
    )
    return await store.find_links(house.db, house.actor.workspace_id, [row["id"] for row in rows])


async def get_only(house: House) -> Link:
    (link,) = await list_all(house)
    return link


def leave_out_defaults(items: Iterable[Item]) -> list[Item]:
    """The items with changes that say nothing of what a new link has by itself."""
    return [
        replace(item, change=_leave_out_defaults(item.change))
        if isinstance(item, ImportedLink)
        else item
        for item in items
    ]


def _leave_out_defaults(change: LinkChange) -> LinkChange:
    plain = {
        **asdict(LinkFields()),
        "domain": "",
        "tag_names": (),
        "aliases": (),
        "slug": None,
    }
    given = {name: value for name, value in asdict(change).items() if value != plain.get(name)}
    return LinkChange(**given)


def tell(problem: Problem) -> tuple[str, str, str]:
    return problem.sort, problem.place, problem.subject
