"""A database written by the release with schema 15 is migrated without losing anything.

The file is as that release left it, and is never generated again.
"""

import lzma
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from shorty.accounts.model import Actor
from shorty.app import App
from shorty.config import Config, StorageConfig
from shorty.links.model import Link, QrSettings
from shorty.links.service import get_link
from shorty.passwords import is_password_right
from shorty.sqlite.migrations import find_version, list_migrations
from shorty.transfer.exports import export_lines
from shorty.transfer.progress import TransferProgress
from tests.api.conftest import DOMAINS
from tests.clicks.making import store_all
from tests.reading import reader
from tests.rsgi_client import make_client
from tests.support import NOW

KEPT: Final = Path(__file__).with_name("fixtures") / "schema_15.db.xz"
WORKSPACE: Final = 1
ROWS: Final = {
    "users": 1,
    "members": 1,
    "workspaces": 1,
    "sessions": 1,
    "invitations": 1,
    "tokens": 4,
    "links": 4,
    "link_counters": 4,
    "link_edits": 2,
    "link_tags": 2,
    "tags": 1,
    "domains": 3,
    "bio_pages": 1,
    "bio_blocks": 1,
    "pictures": 2,
    "utm_templates": 1,
    "clicks": 1,
    "webhook_deliveries": 1,
    "webhook_receivers": 1,
    "webhook_secrets": 1,
    "webhook_tries": 1,
}
FULL: Final[dict[str, Any]] = {
    "slug": "full",
    "host": "go.example",
    "scheme": "https",
    "link_type": "URL",
    "original_url": "https://example.com/a?x=1",
    "status": 301,
    "title": "Sale",
    "url": "https://example.com/a?x=1&utm_source=s&utm_medium=m&utm_campaign=c&utm_term=t"
    "&utm_content=co&utm_id=i",
    "description": "All of it",
    "image": "https://example.com/i.png",
    "cloaked": True,
    "valid_since": None,
    "expires_at": 1_924_991_999_000,
    "max_clicks": 10,
    "forward_parameters": True,
    "block_bots": True,
    "is_active": True,
    "is_starred": False,
    "is_password_asked": True,
    "utm_source": "s",
    "utm_medium": "m",
    "utm_campaign": "c",
    "utm_term": "t",
    "utm_content": "co",
    "utm_id": "i",
    "meta_pixel_id": "1234567890",
    "google_tag_id": "G-ABC123DEF4",
    "is_link_in_bio": False,
    "made_through": "link",
    "webhook_urls": ("https://hooks.example/one", "https://hooks.example/two"),
    "qr_settings": QrSettings(color="#ff0000", margin=2),
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "shorty.db"
    path.write_bytes(lzma.decompress(KEPT.read_bytes()))
    return path


@pytest.fixture
async def app(path: Path) -> AsyncGenerator[App]:
    config = Config(domains=DOMAINS, storage=StorageConfig(database=str(path)))
    app = App(config, lambda: NOW * 1_000_000, lambda: NOW / 1000)
    await app.start()
    yield app
    await app.stop()


async def find_link(app: App, slug: str) -> Link:
    row = reader(app.db).find_one(
        "select id from links where slug = $1 and deleted_at is null", slug
    )
    assert row is not None
    actor = Actor(
        user_id=1,
        user_name="",
        user_email="",
        workspace_id=WORKSPACE,
        role="owner",
        scope="admin",
        plan=app.config.plans["unlimited"],
    )
    return await get_link(app.services.links, actor, row["id"])


@pytest.mark.usefixtures("app")
async def test_it_gets_the_schema_of_today(path: Path) -> None:
    assert find_version(path) == list_migrations()[-1].version


async def test_no_row_of_it_is_lost(app: App) -> None:
    counted = {}
    for table in ROWS:
        row = reader(app.db).find_one(f"select count(*) as rows from {table}")  # noqa: S608 - our own names
        counted[table] = row and row["rows"]
    assert counted == ROWS


async def test_each_field_of_a_link_is_read(app: App) -> None:
    link = await find_link(app, "full")
    assert {name: getattr(link, name) for name in FULL} == FULL
    assert [tag.name for tag in link.tags] == ["anns-tag"]
    assert link.password_hash is not None
    assert await is_password_right(link.password_hash, "open sesame")


async def test_it_answers_and_continues_counting(app: App) -> None:
    before = await find_link(app, "anns-link")
    assert (before.title, before.clicks, before.edit_count) == ("Anns new title", 1, 1)
    async with make_client(app) as client:
        agent = {"user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101"}
        answer = await client.get("/anns-link", headers=agent)
    assert (answer.status_code, answer.headers["location"]) == (302, "https://example.com/anns")
    await store_all(app.services.recorder)
    assert (await find_link(app, "anns-link")).clicks == 2


async def test_it_can_be_exported_whole(app: App) -> None:
    parts = export_lines(app.db, WORKSPACE, NOW, TransferProgress(), has_clicks=True)
    lines = b"".join([part async for part in parts]).splitlines()
    kinds = [msgspec.json.decode(line)["kind"] for line in lines]
    assert {kind: kinds.count(kind) for kind in kinds} == {
        "export": 1,
        "tag": 1,
        "template": 1,
        "logo": 1,
        "picture": 1,
        "link": 3,
        "page": 1,
        "click": 1,
        "counts": 1,
    }
