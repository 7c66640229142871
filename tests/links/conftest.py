"""Fixtures of the tests of links: a real database with two domains and two workspaces."""

import pytest

from shorty.accounts.model import Actor
from shorty.accounts.service import Home
from shorty.config import Config, DomainConfig, Plan
from shorty.domains import DomainDirectory
from shorty.domains.service import sync_domains
from shorty.links.blocklist import BlockList
from shorty.links.checks import LinkRules
from shorty.links.context import LinkContext
from shorty.links.lookup import LinkLookup
from shorty.storage.database import Database
from tests.support import NOW, make_actor, make_home

SMALL = Plan(
    name="small",
    links=3,
    links_per_month=4,
    edits_per_month=2,
    qr_codes=1,
    bio_pages=1,
    webhooks=False,
)
CONFIG = Config(
    domains=(DomainConfig(host="go.example"), DomainConfig(host="localhost:8000")),
    plans={"small": SMALL},
)


@pytest.fixture
def rules() -> LinkRules:
    return LinkRules(slug_length=6, block_list=BlockList(["evil.example"]))


@pytest.fixture
async def context(db: Database, rules: LinkRules) -> LinkContext:
    await db.write(lambda tx: sync_domains(tx, CONFIG, NOW))
    domains = DomainDirectory(db, CONFIG)
    await domains.reload()
    return LinkContext(db=db, domains=domains, lookup=LinkLookup(db, rules.block_list), rules=rules)


@pytest.fixture
async def home(db: Database) -> Home:
    return await make_home(db, CONFIG)


@pytest.fixture
async def actor(db: Database, home: Home) -> Actor:
    return await make_actor(db, home, config=CONFIG)


@pytest.fixture
async def stranger(db: Database) -> Actor:
    """A person in another workspace."""
    return await make_actor(db, await make_home(db, CONFIG, "eve@b.example"), config=CONFIG)
