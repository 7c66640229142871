"""Answers every visit that is not a plain redirect: asks `decide`, keeps count, renders."""

from typing import Final
from urllib.parse import unquote

import can_ada
import msgspec

from shorty.bio.store import read_whole_page
from shorty.bio.view import build_face, write_follow_address
from shorty.clicks.limited import Passage
from shorty.clicks.model import PERSON, Visit
from shorty.clicks.user_agent import is_bot, is_preview_crawler
from shorty.domains import Domain
from shorty.errors import BusyError, StorageUnavailableError
from shorty.links.destination import (
    MARKERS,
    cut_query,
    destination_host,
    destination_port,
    forward_parameters,
)
from shorty.links.lookup import CachedLink
from shorty.links.rule_matching import OWN_DESTINATION
from shorty.links.slug import build_path, slug_key
from shorty.passwords import VISITORS, is_password_right
from shorty.redirect import pages
from shorty.redirect.bio_page import render_bio_page
from shorty.redirect.card import is_mark, is_past_card, write_way_past
from shorty.redirect.context import VisitContext
from shorty.redirect.decide import (
    ENDED,
    STEERED,
    Outcome,
    Visitor,
    count_visit,
    decide,
    decide_details,
    list_methods,
)
from shorty.redirect.pages import COMMON_HEADERS, Page
from shorty.redirect.password import build_cookie, is_cookie_valid
from shorty.redirect.password_tries import (
    Guesser,
    forgive_tries,
    give_back_try,
    look_at_tries,
    read_guesser,
    take_try,
)
from shorty.redirect.problems import PROBLEMS, wants_json
from shorty.redirect.request import (
    Scope,
    follows_button,
    is_prefetched,
    is_secure,
    read_address,
    read_host,
    read_user_agent,
)
from shorty.redirect.rule_visit import VisitorByRules
from shorty.redirect.sent_password import (
    CHALLENGE,
    Body,
    find_basic_password,
    is_browser,
    read_sent_password,
)

DETAILS_SIGN: Final = "+"
DASHBOARD: Final = "/app"
API: Final = "/api/"
UNAUTHORIZED: Final = 401


def answer_report(context: VisitContext, scope: Scope) -> Page:
    """`/report`: leads to where the operator takes reports, if anywhere."""
    accept = scope.headers.get("accept", "")
    if not context.report_url:
        return pages.render_not_found(accept)
    if scope.method not in {"GET", "HEAD"}:
        return pages.render_method_not_allowed(accept, "GET, HEAD")
    return build_redirect(302, context.report_url)


def answer_two_hosts(scope: Scope) -> Page:
    """Which of them was meant, no one can say (RFC 9112, 3.2)."""
    is_program = wants_json(scope.headers.get("accept", "")) or scope.path.startswith(API)
    return pages.render_two_hosts(is_json=is_program)


async def answer_visit(context: VisitContext, scope: Scope, slug: str, body: Body) -> Page:
    """Raises StorageUnavailableError where the link cannot be read, or a limited one counted."""
    headers = scope.headers
    domain = context.domains.find_by_host(read_host(scope, headers))
    if domain is None:
        return pages.render_not_found(headers.get("accept", ""))
    if not slug:
        return _answer_root(context, scope, domain)
    wants_details = slug.endswith(DETAILS_SIGN)
    link = await context.lookup.find(domain.id, slug_key(slug.removesuffix(DETAILS_SIGN)))
    now = context.read_clock()
    outcome, visitor = await _decide(context, scope, link, now, wants_details=wants_details)
    basic = find_basic_password(headers) if outcome is Outcome.PASSWORD_FORM else None
    if link is not None and basic is not None:
        refusal = await _try_basic(context, scope, link, basic)
        if refusal is not None:
            return refusal
        # It took its time: the link may be another one by now, or have another password.
        proven, now = link.password_hash, context.read_clock()
        link = await context.lookup.find(domain.id, slug_key(link.slug))
        outcome, visitor = await _decide(
            context, scope, link, now, wants_details=False, proven=proven
        )
    if link is None or outcome is Outcome.NOT_FOUND:
        return _answer_not_found(context, scope, domain)
    if outcome is not Outcome.PASSWORD_ATTEMPT:
        page = await _answer_link(context, scope, domain, link, outcome, visitor, now)
    elif visitor.knows_password:
        page = build_redirect(303, _repeat(scope, link))
    else:
        page = await _try_password(context, scope, link, body, now)
    return pages.hide_referrer(page) if link.hide_referrer else page


async def _answer_link(
    context: VisitContext,
    scope: Scope,
    domain: Domain,
    link: CachedLink,
    outcome: Outcome,
    visitor: Visitor,
    now: int,
) -> Page:
    """Lets the link's rules choose the destination, if the visit is to come to one."""
    choice, by_rules = OWN_DESTINATION, None
    if link.rules is not None and outcome in STEERED:
        by_rules = VisitorByRules(context, scope, scope.headers, link, now)
        choice = by_rules.choose()
        outcome = Outcome.BLOCKED if choice.is_blocked else outcome
    kind = count_visit(outcome, visitor, skips_crawlers=bool(link.skip_social_crawler_tracking))
    if outcome is not Outcome.DETAILS and kind is not None:
        place = by_rules.read_place if by_rules else None
        visit = context.build_visit(
            scope, scope.headers, link, kind, now, domain.id, choice.won, place
        )
        outcome = await _count(context, link, visit, outcome)
    page = await _render(context, scope, domain, link, outcome, choice.url or link.url)
    if by_rules is None or outcome not in STEERED:
        return page
    return page._replace(headers=[*page.headers, *by_rules.list_headers(choice)])


async def _decide(
    context: VisitContext,
    scope: Scope,
    link: CachedLink | None,
    now: int,
    *,
    wants_details: bool,
    proven: str | None = None,
) -> tuple[Outcome, Visitor]:
    """`proven`: the hash of a password that the visitor sent."""
    visitor = _read_visitor(context, scope, link, now, proven)
    is_used_up = (
        link is not None
        and link.max_clicks is not None
        and await context.limited.is_used_up(link.id, link.max_clicks)
    )
    ask = decide_details if wants_details else decide
    return ask(link, visitor, now, is_used_up=is_used_up), visitor


def _read_visitor(
    context: VisitContext, scope: Scope, link: CachedLink | None, now: int, proven: str | None
) -> Visitor:
    if link is None:
        return Visitor(method=scope.method)
    headers = scope.headers
    user_agent = read_user_agent(headers)
    return Visitor(
        method=scope.method,
        is_bot=is_bot(user_agent),
        is_prefetch=is_prefetched(headers),
        is_preview_crawler=is_preview_crawler(user_agent),
        knows_password=link.password_hash is not None
        and (
            link.password_hash == proven
            or is_cookie_valid(
                context.secret,
                "; ".join(headers.get_all("cookie")),
                link_id=link.id,
                password_hash=link.password_hash,
                now=now,
                is_secure=is_secure(scope, headers, context.proxies),
            )
        ),
        is_opted_out=context.is_opted_out(headers),
        follows_button=link.is_link_in_bio and follows_button(scope.query_string),
        is_past_card=is_past_card(
            context.secret, link_id=link.id, query=scope.query_string, now=now
        ),
    )


async def _count(
    context: VisitContext, link: CachedLink, visit: Visit, outcome: Outcome
) -> Outcome:
    """Records the visit; returns USED_UP if the link's limit was reached."""
    if link.max_clicks is None or visit.kind != PERSON:
        context.recorder.record(visit)
        return outcome
    passage = await context.limited.let_through(visit, link.max_clicks)
    if passage is Passage.UNAVAILABLE:
        raise StorageUnavailableError("This link's visits cannot be counted right now.")
    return outcome if passage is Passage.THROUGH else Outcome.USED_UP


def _answer_root(context: VisitContext, scope: Scope, domain: Domain) -> Page:
    if scope.method not in {"GET", "HEAD"}:
        return pages.render_method_not_allowed(scope.headers.get("accept", ""), "GET, HEAD")
    if domain.root_redirect and not _is_asked_for(context, scope, domain, domain.root_redirect):
        return build_redirect(302, domain.root_redirect)
    is_default = context.domains.default == domain
    if is_default and context.is_dashboard_at_root and not domain.root_redirect:
        return build_redirect(302, DASHBOARD)
    return pages.render_root(domain.host, is_own=domain.workspace_id is None)


def _answer_not_found(context: VisitContext, scope: Scope, domain: Domain) -> Page:
    accept = scope.headers.get("accept", "")
    target = domain.not_found_redirect
    if target and not wants_json(accept) and not _is_asked_for(context, scope, domain, target):
        return build_redirect(302, target)
    return pages.render_not_found(accept)


def _is_asked_for(context: VisitContext, scope: Scope, domain: Domain, target: str) -> bool:
    """Whether a domain's redirect would lead to the very address that was asked for, for ever.

    By whichever name of the domain, and however it is spelt.
    """
    domains, host = context.domains, destination_host(target)
    if not domains.is_own_host(host, destination_port(target)):
        return False
    url = can_ada.parse(target)
    return domains.find_by_host(url.host) == domain and unquote(url.pathname) == scope.path


def build_redirect(status: int, location: str) -> Page:
    return Page(status, [*COMMON_HEADERS, ("location", location)], "")


async def _try_password(
    context: VisitContext, scope: Scope, link: CachedLink, body: Body, now: int
) -> Page:
    headers = scope.headers
    guesser = read_guesser(link.id, read_address(scope, headers, context.proxies))
    allowance = await look_at_tries(context.limits, guesser, now)
    if not allowance.is_allowed:
        accept = headers.get("accept", "")
        return pages.render_password_limited(accept, allowance.retry_after_s(now))
    # Counted once it is there: forms that take their time use up nothing.
    password = await read_sent_password(headers, body)
    refusal = await _find_refusal(context, scope, link, guesser, password)
    if refusal is not None:
        return refusal
    cookie = build_cookie(
        context.secret,
        link_id=link.id,
        slug=link.slug,
        password_hash=link.password_hash or "",
        now=context.read_clock(),
        is_secure=is_secure(scope, headers, context.proxies),
    )
    return Page(
        303, [*COMMON_HEADERS, ("location", _repeat(scope, link)), ("set-cookie", cookie)], ""
    )


async def _try_basic(
    context: VisitContext, scope: Scope, link: CachedLink, password: str
) -> Page | None:
    """None for the right password. One that was wrong before cannot be right, and counts once."""
    password_hash = link.password_hash or ""
    if (password_hash, password) in context.wrong_passwords:
        return _challenge(scope, pages.render_password_wrong(scope.headers.get("accept", "")))
    address = read_address(scope, scope.headers, context.proxies)
    refusal = await _find_refusal(context, scope, link, read_guesser(link.id, address), password)
    if refusal is not None and refusal.status == UNAUTHORIZED:
        context.wrong_passwords.remember(password_hash, password)
    return refusal


async def _find_refusal(
    context: VisitContext, scope: Scope, link: CachedLink, guesser: Guesser, password: str
) -> Page | None:
    """Counts one try. None for the right password."""
    limits, now, accept = context.limits, context.read_clock(), scope.headers.get("accept", "")
    allowance = await take_try(limits, guesser, now)
    if not allowance.is_allowed:
        return pages.render_password_limited(accept, allowance.retry_after_s(now))
    try:
        is_right = await is_password_right(
            link.password_hash or "", password, pool=VISITORS, owner=guesser.network
        )
    except BusyError as error:
        await give_back_try(limits, guesser, now)
        return pages.render_password_busy(accept, error.retry_after_s)
    if not is_right:
        return _challenge(scope, pages.render_password_wrong(accept))
    await forgive_tries(limits, guesser, now)
    return None


def _challenge(scope: Scope, page: Page) -> Page:
    """Tells programs how to send the password; a browser would open a dialog."""
    if page.status != UNAUTHORIZED or is_browser(scope.headers):
        return page
    return pages.add_header(page, *CHALLENGE)


def _repeat(scope: Scope, link: CachedLink) -> str:
    """The link's address, where the cookie is sent too, with the query that was asked for."""
    path = build_path(link.slug)
    query = cut_query(scope.query_string)
    return f"{path}?{query}" if query else path


def _find_place_after_end(
    context: VisitContext, scope: Scope, domain: Domain, link: CachedLink
) -> str:
    """Where visitors of a link that works no more are led; empty: nowhere."""
    if link.is_blocked or scope.path.endswith(DETAILS_SIGN):
        return ""
    target = link.expired_url or domain.expired_redirect
    return "" if not target or _is_asked_for(context, scope, domain, target) else target


async def _render(
    context: VisitContext,
    scope: Scope,
    domain: Domain,
    link: CachedLink,
    outcome: Outcome,
    destination: str,
) -> Page:
    if outcome in ENDED and (target := _find_place_after_end(context, scope, domain, link)):
        return build_redirect(302, target)
    if outcome in PROBLEMS:
        return pages.render_outcome(
            outcome,
            scope.headers.get("accept", ""),
            list_methods(link),
            is_reportable=bool(context.report_url),
        )
    short_url = f"{domain.origin}{build_path(link.slug)}"
    match outcome:
        case Outcome.PASSWORD_FORM:
            return _challenge(
                scope, pages.render_password_question(scope.headers.get("accept", ""))
            )
        case Outcome.WITHHELD:
            return pages.render_withheld()
        case Outcome.PREVIEW_CARD:
            return pages.render_card(
                await _take_page_words(context, link),
                short_url,
                _write_way_past(context, scope, link),
            )
        case Outcome.DETAILS:
            return pages.render_details(
                link, link.url, short_url, is_reportable=bool(context.report_url)
            )
        case _:
            return await _render_way(context, scope, domain, link, outcome, destination)


def _write_way_past(context: VisitContext, scope: Scope, link: CachedLink) -> str:
    """Nothing for a limited link: no program gets past its card."""
    if link.max_clicks is not None:
        return ""
    return write_way_past(
        context.secret,
        link_id=link.id,
        slug=link.slug,
        query=scope.query_string,
        now=context.read_clock(),
    )


async def _take_page_words(context: VisitContext, link: CachedLink) -> CachedLink:
    """A card of a bio page says what the page says."""
    if not link.is_link_in_bio:
        return link
    now = context.read_clock()
    page, _ = await context.db.read(lambda rows: read_whole_page(rows, link.id, now))
    settings = page.settings
    return msgspec.structs.replace(
        link,
        title=settings.title or link.title,
        description=settings.description or link.description,
    )


async def _render_way(
    context: VisitContext,
    scope: Scope,
    domain: Domain,
    link: CachedLink,
    outcome: Outcome,
    url: str,
) -> Page:
    """How a visitor comes to the destination."""
    headers = scope.headers
    if link.forward_parameters and scope.query_string:
        url = forward_parameters(url, scope.query_string)
    match outcome:
        case Outcome.CLOAK:
            return pages.render_cloak(
                link,
                url,
                is_opted_out=context.is_opted_out(headers) or link.is_link_in_bio,
                is_secure=is_secure(scope, headers, context.proxies),
            )
        case Outcome.PIXEL:
            return pages.render_pixel(link, url)
        case Outcome.BIO_PAGE:
            return await _render_bio_page(context, scope, domain, link, url)
        case _:
            return build_redirect(link.status, url)


async def _render_bio_page(
    context: VisitContext, scope: Scope, domain: Domain, link: CachedLink, url: str
) -> Page:
    """The button of a limited link leads to `url` itself: the page was the visit that counts."""
    now = context.read_clock()
    stored, blocks = await context.db.read(lambda rows: read_whole_page(rows, link.id, now))
    face = build_face(
        link,
        stored.settings,
        blocks,
        now,
        origin=domain.origin,
        icon_path=stored.icon_path,
        follow=_write_follow_address(scope, link) if link.max_clicks is None else url,
    )
    return render_bio_page(
        face,
        pages.list_pixels(link, is_opted_out=context.is_opted_out(scope.headers)),
        is_opted_out=context.is_opted_out(scope.headers),
        is_reportable=bool(context.report_url),
    )


def _write_follow_address(scope: Scope, link: CachedLink) -> str:
    """With the query that was asked for, where that is to be handed on, and past the card."""
    parts = cut_query(scope.query_string).split("&")
    kept = [part for part in parts if part and part not in MARKERS]
    if not link.forward_parameters:
        kept = [part for part in kept if is_mark(part)]
    return "&".join([write_follow_address(link.slug), *kept])
