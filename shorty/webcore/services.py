"""What handlers use: the open database, the settings and the domains' state."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import msgspec

from shorty.accounts.last_used import SessionUses, TokenUses
from shorty.clicks.recorder import Recorder
from shorty.config import Config
from shorty.domains import DomainDirectory
from shorty.domains.verification import Challenges, DomainVerifier
from shorty.fetch import Fetcher
from shorty.limits import RateLimits
from shorty.links.bulk_jobs import BulkJobs
from shorty.links.context import LinkContext
from shorty.links.page_fetcher import PageFetcher
from shorty.mail import Mailer
from shorty.proxies import TrustedProxies
from shorty.storage.database import Database
from shorty.transfer.jobs import ImportJobs
from shorty.webcore.drafts import Drafts
from shorty.webcore.readiness import Readiness
from shorty.webhooks.outbox import Outbox


class Attempts:
    """Runs one request at a time for each token and Idempotency-Key."""

    def __init__(self) -> None:
        self._running: dict[tuple[int, str], asyncio.Event] = {}

    @asynccontextmanager
    async def run_alone(self, token_id: int, key: str) -> AsyncGenerator[None]:
        name = (token_id, key)
        while (running := self._running.get(name)) is not None:
            await running.wait()
        done = self._running[name] = asyncio.Event()
        try:
            yield
        finally:
            del self._running[name]
            done.set()


class Services(msgspec.Struct, frozen=True, kw_only=True):
    """Created once by the composition root; every request has it.

    `read_clock` returns UTC milliseconds; `secret` signs cookies. Before `host_cookies_since`,
    cookies had no prefix over https.
    """

    config: Config
    db: Database
    domains: DomainDirectory
    links: LinkContext
    recorder: Recorder
    fetcher: Fetcher
    mailer: Mailer
    page_fetcher: PageFetcher
    limits: RateLimits
    proxies: TrustedProxies
    outbox: Outbox
    challenges: Challenges
    verifier: DomainVerifier
    transfers: ImportJobs
    bulk_jobs: BulkJobs
    token_uses: TokenUses
    session_uses: SessionUses
    attempts: Attempts
    drafts: Drafts
    readiness: Readiness
    read_clock: Callable[[], int]
    secret: bytes
    host_cookies_since: int
