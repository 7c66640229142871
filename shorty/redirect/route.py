"""Answers visitors in front of every router: the hot path.

A plain link is one look into a cache, one journalled click and one redirect, all without waiting,
aside of the event loop. So is one that has only rules besides. Every other visit goes through
`answer.py` on the loop. What is no visit (the API, the dashboard) is handed on.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final, Protocol

from shorty.clicks.model import PREFETCH, UNKNOWN, Kind
from shorty.clicks.user_agent import is_prefetch
from shorty.domains import Domain
from shorty.errors import StorageUnavailableError
from shorty.links.lookup import CachedLink
from shorty.links.slug import RESERVED_SLUGS, slug_key
from shorty.redirect import pages
from shorty.redirect.answer import answer_report, answer_two_hosts, answer_visit
from shorty.redirect.context import NS_IN_MS, VisitContext
from shorty.redirect.pages import COMMON_HEADERS, Page
from shorty.redirect.request import Headers, Scope, read_host
from shorty.redirect.rule_visit import VisitorByRules
from shorty.redirect.strict import STRICT_HEADERS, StrictProtocol, is_strict

REPORT: Final = "report"


class Answering(Protocol):
    """The half of granian's RSGI protocol that visits need."""

    def __aiter__(self) -> AsyncIterator[bytes]: ...
    def response_empty(self, status: int, headers: list[tuple[str, str]], /) -> None: ...
    def response_str(self, status: int, headers: list[tuple[str, str]], body: str, /) -> None: ...


class Front:
    """The RSGI callable that granian calls; `fallback` takes what is no visit."""

    def __init__(
        self, context: VisitContext, fallback: Callable[[Scope, Answering], Awaitable[None]]
    ) -> None:
        self._context = context
        self._fallback = fallback
        self._is_strict = context.is_strict
        self._is_aside = True  # whether visits are answered aside of the loop

    async def __call__(self, scope: Scope, proto: Answering) -> None:
        if len(scope.headers.get_all("host")) > 1:
            send_page(answer_two_hosts(scope), proto)
            return
        if self._is_strict:
            domain = self._context.domains.find_by_host(read_host(scope, scope.headers))
            if domain is not None and is_strict(scope, domain, self._context.proxies):
                proto = StrictProtocol(proto)
        slug = scope.path[1:].rstrip("/")
        if slug == REPORT:
            send_page(answer_report(self._context, scope), proto)
            return
        if slug.partition("/")[0] in RESERVED_SLUGS:
            await self._fallback(scope, proto)
            return
        try:
            page = await answer_visit(self._context, scope, slug, proto)
        except StorageUnavailableError:
            page = pages.render_unavailable(scope.headers.get("accept", ""))
        send_page(page, proto)

    def leave_to_loop(self) -> None:
        """Returns once no visit is being answered aside; from now on none is.

        The recorder is about to stop, and must know that none comes after the last.
        """
        with self._context.lookup.lock:
            self._is_aside = False

    def answer_now(self, scope: Scope, proto: Answering) -> bool:
        """Redirects a visit to a plain link, the commonest by far, and returns whether it did.

        In any thread. All else is left to the loop. Written out in one piece, like what it calls:
        each call of a function less is 0.3 µs of a redirect's 25.
        """
        headers = scope.headers
        hosts = headers.get_all("host")
        if scope.method != "GET" or len(hosts) != 1:
            return False
        context = self._context
        get = headers.get
        domain = context.domains.by_header.get(scope.authority or hosts[0])
        if domain is None:
            return False
        slug = scope.path[1:].rstrip("/")
        if not slug.isascii():
            slug = slug_key(slug)
        if slug in RESERVED_SLUGS or ("/" in slug and slug.partition("/")[0] in RESERVED_SLUGS):
            return False
        hint = get("sec-purpose", "") + get("purpose", "") + get("x-moz", "")
        kind = PREFETCH if hint and is_prefetch(hint) else UNKNOWN
        lookup = context.lookup
        # Whoever changes the link waits until this visit is recorded, and so finds it counted.
        with lookup.lock:
            if not self._is_aside:
                return False
            link = lookup.links.get((domain.id, slug))
            if link is None:
                try:
                    link = lookup.find_held(domain.id, slug)
                except StorageUnavailableError:
                    return False
            if link is None or not (link.is_plain or link.is_steered):
                return False
            now = context.read_ns() // NS_IN_MS
            if link.is_plain:
                visit = context.build_visit(scope, headers, link, kind, now, domain.id)
                context.recorder.record(visit)
                ways = (("location", link.url),)
            else:
                ways = self._steer(scope, headers, link, kind, now, domain)
        is_strict_here = self._is_strict and is_strict(scope, domain, context.proxies)
        common = STRICT_HEADERS if is_strict_here else COMMON_HEADERS
        proto.response_empty(link.status, [*common, *ways])
        return True

    def _steer(
        self,
        scope: Scope,
        headers: Headers,
        link: CachedLink,
        kind: Kind,
        now: int,
        domain: Domain,
    ) -> tuple[tuple[str, str], ...]:
        """The headers that lead a visit as the link's rules choose. For who holds the lock."""
        context = self._context
        visitor = VisitorByRules(context, scope, headers, link, now)
        choice = visitor.choose()
        place, address = visitor.read_place, visitor.read_address
        context.recorder.record(
            context.build_visit(
                scope, headers, link, kind, now, domain.id, choice.won, place, address
            )
        )
        location = ("location", choice.url or link.url)
        return (location, *visitor.list_headers(choice)) if choice.is_kept else (location,)


def send_page(page: Page, proto: Answering) -> None:
    # The body of an answer to HEAD is left out further down, where its length is told.
    if page.body:
        proto.response_str(page.status, page.headers, page.body)
    else:
        proto.response_empty(page.status, page.headers)
