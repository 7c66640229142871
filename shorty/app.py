"""The composition root: opens storage, mounts the doors, starts and stops the workers in order."""

import asyncio
import random
import time
from asyncio import AbstractEventLoop
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import cache, partial
from pathlib import Path
from typing import Final

from litestar.types import ASGIApp
from msgspec import json

from shorty.accounts.last_used import SessionUses, TokenUses
from shorty.accounts.service import can_anyone_sign_in
from shorty.accounts.setup_key import make_setup_key
from shorty.api.app import DOORS, create_api
from shorty.api.cors import allow_origins
from shorty.api.fast_routes import add_short_ways
from shorty.api.metrics import collect_own
from shorty.api.worker_metrics import WorkerMetrics
from shorty.clicks.adopting import store_left_journal
from shorty.clicks.geo import GeoDatabase
from shorty.clicks.limited import LimitedClicks
from shorty.clicks.recorder import Recorder
from shorty.clicks.visitor import VisitorNumbers, find_shared_key
from shorty.config import Config
from shorty.databases import open_database, prepare_storage
from shorty.domains import DomainDirectory
from shorty.domains.resolver import DnsSettings
from shorty.domains.service import sync_domains
from shorty.domains.verification import Challenges, DomainVerifier
from shorty.durations import DAY_MS
from shorty.fetch import Fetcher
from shorty.granian_bridge import AsgiShim
from shorty.jobs import Jobs
from shorty.limits import RateLimits, SharedCounts
from shorty.links.bulk_jobs import BulkJobs
from shorty.links.checks import read_link_rules
from shorty.links.context import LinkContext
from shorty.links.icons import Icons
from shorty.links.lookup import LinkLookup
from shorty.links.page_fetcher import PageFetcher
from shorty.links.rule_destinations import list_destinations
from shorty.mail import Mailer
from shorty.nodes import describe_node, remove_node
from shorty.pools import close_worker_threads
from shorty.proxies import TrustedProxies
from shorty.qr.sandbox import draw_icon
from shorty.redirect.context import NS_IN_MS, VisitContext
from shorty.redirect.decide import is_plain
from shorty.redirect.password_tries import WrongPasswords
from shorty.redirect.request import Scope
from shorty.redirect.route import Answering, Front
from shorty.storage.database import Lane
from shorty.storage.state import HOST_COOKIES, find_or_make_secret, find_or_note_time
from shorty.transfer.jobs import ImportJobs
from shorty.web.app import build_routers
from shorty.web.error_pages import ERROR_HANDLERS
from shorty.web.setup import WELCOME
from shorty.webcore.drafts import Drafts
from shorty.webcore.readiness import Readiness
from shorty.webcore.requests import SERVICES
from shorty.webcore.services import Attempts, Services
from shorty.webhooks.outbox import Outbox
from shorty.webhooks.worker import WebhookWorker

PAGE_CONNECTIONS: Final = 48  # for requests other than webhooks


@cache
def build_doors() -> ASGIApp:
    """Called once per process, because the routes keep no state of an app."""
    return add_short_ways(create_api(build_routers(), {"app": ERROR_HANDLERS}), DOORS)


class App:
    """The RSGI application: everything in one process, from the open database to the doors."""

    def __init__(
        self,
        config: Config,
        read_ns: Callable[[], int] = time.time_ns,
        read_monotonic: Callable[[], float] = time.monotonic,
        draw: Callable[[], float] = random.random,
    ) -> None:
        """`draw` decides between the variants of a rule: from 0 up to 1."""
        self.config = config
        self._places = GeoDatabase(config.geo.path)
        self._draw = draw
        self._read_ns = read_ns
        self._read_monotonic = read_monotonic
        self._recorder: Recorder | None = None
        self._ending = asyncio.Event()
        self._life: asyncio.Task[None] | None = None

    def read_clock(self) -> int:
        """UTC milliseconds."""
        return self._read_ns() // NS_IN_MS

    def __rsgi_init__(self, loop: AbstractEventLoop) -> None:
        loop.run_until_complete(self.start())

    async def store_left_journal(self, folder: Path) -> None:
        left = await store_left_journal(self.db, folder, self.services.outbox)
        await self.db.write(lambda tx: remove_node(tx, left.node), Lane.CLICKS)

    async def find_setup_path(self) -> str:
        if await self.db.read(can_anyone_sign_in):
            return ""
        key = await self.db.write(lambda tx: make_setup_key(tx, self.db.node))
        return f"{WELCOME}?key={key}"

    @property
    def answer_now(self) -> Callable[[Scope, Answering], bool]:
        """The front's own method, once started, because every visit would pay for another call."""
        return self.front.answer_now

    def __rsgi__(self, scope: Scope, proto: Answering) -> Awaitable[None]:
        return self.front(scope, proto)

    def __rsgi_del__(self, loop: AbstractEventLoop) -> None:
        loop.run_until_complete(self.stop())

    def end_streams(self) -> None:
        self.front.leave_to_loop()
        self.shim.end_streams()

    async def start(self) -> None:
        """Returns once everything is open.

        Raises StartError, with a sentence for the operator, where something cannot be opened.
        """
        loop = asyncio.get_running_loop()
        opened: asyncio.Future[None] = loop.create_future()
        self._life = loop.create_task(self._live(opened))
        await opened

    async def stop(self) -> None:
        """Called after all requests: ends the workers, drains the recorder, closes the database."""
        self._ending.set()
        if self._life is not None:
            await self._life

    async def _live(self, opened: "asyncio.Future[None]") -> None:
        # A single task, because a task group must be closed by the task that opened it.
        try:
            async with AsyncExitStack() as stack:
                await self._open(stack)
                opened.set_result(None)
                await self._ending.wait()
        except BaseException as error:
            if opened.done():
                raise
            opened.set_exception(error)

    async def _open(self, stack: AsyncExitStack) -> None:
        config = self.config
        now = self.read_clock()
        prepare_storage(config.storage, now)
        stack.callback(close_worker_threads)
        self.db = await open_database(config.storage)
        stack.push_async_callback(self.db.close)
        await self.db.join(self._describe_node)
        await self.db.write(lambda tx: sync_domains(tx, config, now))
        self.services = await self._open_services(stack)
        doors = allow_origins(build_doors(), config.server.cors_origins)
        self.shim = AsgiShim(doors, {SERVICES: self.services})
        today = now // DAY_MS
        shared = await find_shared_key(self.db, today, today)
        self.visitors = VisitorNumbers(self.db.place("visitor-key"), now, shared=shared)
        self.front = Front(self._build_context(), self.shim)
        if config.server.workers > 1:
            metrics = WorkerMetrics(self.db.place("metrics"), partial(collect_own, self.services))
            metrics.start()
            stack.push_async_callback(metrics.stop)
        self.jobs = Jobs(self.services, self.visitors, self.read_clock, self._read_monotonic)
        self.jobs.start()
        stack.push_async_callback(self.jobs.stop)

    def _describe_node(self) -> str:
        """Until the recorder starts, the journal of an earlier run has not been read."""
        waiting = self._recorder.describe().waiting if self._recorder else 0
        facts = describe_node(
            self.config,
            schema=self.db.newest_schema,
            waiting=waiting,
            is_keeper=self.db.is_keeper,
        )
        return json.encode(facts).decode()

    async def _open_services(self, stack: AsyncExitStack) -> Services:
        """Services are stopped in the reverse order of their start."""
        db, config = self.db, self.config
        secret = await db.write(find_or_make_secret)
        outbox = Outbox(config.plans, list_destinations)
        db.subscribe(outbox.hear)
        recorder = self._recorder = Recorder(db, outbox=outbox)
        self.limited = LimitedClicks(db, recorder)
        rules = read_link_rules(config)
        lookup = LinkLookup(
            db,
            rules.block_list,
            is_plain=is_plain,
            on_read=self.limited.forget,
            is_forgiving=config.links.forgiving,
        )
        icons = Icons()
        db.subscribe(icons.hear)
        fetcher = await self._open_fetcher(stack)
        mailer = Mailer(config.smtp)
        stack.push_async_callback(mailer.finish)
        page_fetcher = PageFetcher(db, icons, fetcher, self.read_clock, draw_icon)
        page_fetcher.start()
        stack.push_async_callback(page_fetcher.stop)
        domains = DomainDirectory(db, config)
        await domains.reload()
        context = LinkContext(
            db=db,
            domains=domains,
            lookup=lookup,
            rules=rules,
            icons=icons,
            ask_page=page_fetcher.ask,
            has_waiting_visits=recorder.has_waiting,
            names_cities=self._places.names_cities,
        )
        worker = WebhookWorker(db, fetcher, config.webhooks, outbox.news, self.read_clock)
        await worker.start()
        stack.push_async_callback(worker.stop)
        transfers = ImportJobs(context, db.place("transfers"), self.read_clock)
        await transfers.start()
        stack.push_async_callback(transfers.stop)
        bulk_jobs = BulkJobs(context, self.read_clock)
        await bulk_jobs.start_up()
        stack.push_async_callback(bulk_jobs.stop)
        await recorder.start()
        stack.push_async_callback(recorder.stop)
        token_uses, session_uses = TokenUses(db), SessionUses(db)
        stack.push_async_callback(token_uses.finish)
        stack.push_async_callback(session_uses.finish)
        readiness = Readiness(db, recorder)
        stack.push_async_callback(readiness.finish)
        challenges = Challenges(secret)
        return Services(
            config=config,
            db=db,
            domains=context.domains,
            links=context,
            recorder=recorder,
            fetcher=fetcher,
            mailer=mailer,
            page_fetcher=page_fetcher,
            limits=RateLimits(SharedCounts(db, secret) if db.dialect.is_shared else None),
            proxies=TrustedProxies(config.server.trusted_networks()),
            outbox=outbox,
            challenges=challenges,
            verifier=DomainVerifier(db, context.domains, fetcher, challenges, DnsSettings()),
            transfers=transfers,
            bulk_jobs=bulk_jobs,
            token_uses=token_uses,
            session_uses=session_uses,
            attempts=Attempts(),
            drafts=Drafts(db, secret),
            readiness=readiness,
            read_clock=self.read_clock,
            secret=secret,
            host_cookies_since=await db.write(
                lambda tx: find_or_note_time(tx, HOST_COOKIES, self.read_clock())
            ),
        )

    async def _open_fetcher(self, stack: AsyncExitStack) -> Fetcher:
        webhooks = self.config.webhooks
        fetcher = Fetcher(
            allow_private=webhooks.allow_private,
            connections=webhooks.concurrency + PAGE_CONNECTIONS,
        )
        await fetcher.open()
        stack.push_async_callback(fetcher.close)
        return fetcher

    def _build_context(self) -> VisitContext:
        services = self.services
        return VisitContext(
            db=self.db,
            domains=services.domains,
            lookup=services.links.lookup,
            recorder=services.recorder,
            limited=self.limited,
            visitors=self.visitors,
            places=self._places,
            proxies=services.proxies,
            limits=services.limits,
            read_ns=self._read_ns,
            secret=services.secret,
            wrong_passwords=WrongPasswords(services.secret),
            honours_dnt=self.config.privacy.honour_dnt,
            report_url=self.config.public_links.report_url,
            is_strict=self.config.server.hsts,
            is_dashboard_at_root=self.config.dashboard.at_root,
            draw=self._draw,
        )
