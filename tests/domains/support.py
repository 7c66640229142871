"""Builds objects for tests of domains."""

from msgspec.structs import replace

from shorty.config import Config, DomainConfig, ServerConfig
from shorty.domains import Domain, DomainDirectory
from shorty.domains.service import sync_domains
from shorty.storage.database import Database
from tests.support import NOW

PLAIN = Domain(
    id=1,
    host="go.example.com",
    scheme="https",
    workspace_id=None,
    source="config",
    position=0,
    root_redirect="",
    not_found_redirect="",
    expired_redirect="",
    verification_token="",
    verified_at=NOW,
    created_at=NOW,
)


def make_domain(**only_what_matters: object) -> Domain:
    return replace(PLAIN, **only_what_matters)


def make_config(*hosts: str, host: str = "127.0.0.1", port: int = 8000) -> Config:
    return Config(
        server=ServerConfig(host=host, port=port),
        domains=tuple(DomainConfig(host=each) for each in hosts),
    )


async def start(db: Database, config: Config, now: int = NOW) -> DomainDirectory:
    """What `serve` does with domains when it starts."""
    await db.write(lambda tx: sync_domains(tx, config, now))
    directory = DomainDirectory(db, config)
    await directory.reload()
    return directory
