"""What answering a visit calls on, and how a visit is written down."""

import random
from collections.abc import Callable
from typing import Final

import msgspec

from shorty.clicks.geo import GeoDatabase, GeoPlace
from shorty.clicks.limited import LimitedClicks
from shorty.clicks.model import (
    LINK,
    LONGEST_REFERRER_HEADER,
    LONGEST_USER_AGENT,
    Kind,
    Visit,
    Won,
    read_referrer,
    read_utm,
)
from shorty.clicks.recorder import Recorder
from shorty.clicks.visitor import NOT_TOLD_APART, VisitorNumbers, wants_privacy
from shorty.domains import DomainDirectory
from shorty.limits import RateLimits
from shorty.links.lookup import CachedLink, LinkLookup
from shorty.proxies import TrustedProxies
from shorty.redirect.password_tries import WrongPasswords
from shorty.redirect.request import Headers, Scope, read_source
from shorty.storage.database import Database

NS_IN_MS: Final = 1_000_000


class VisitContext(msgspec.Struct, frozen=True, kw_only=True):
    """`read_ns` gives UTC nanoseconds, as `time.time_ns`; `secret` signs the password cookies.

    `report_url` is where bad links can be reported; empty: nowhere. `is_strict`: browsers are asked
    to use https alone, where that is the operator's to ask. `is_dashboard_at_root`: the default
    domain's root leads to the dashboard. `draw` decides between the variants of a rule.
    """

    db: Database
    domains: DomainDirectory
    lookup: LinkLookup
    recorder: Recorder
    limited: LimitedClicks
    visitors: VisitorNumbers
    places: GeoDatabase
    proxies: TrustedProxies
    limits: RateLimits
    read_ns: Callable[[], int]
    secret: bytes
    wrong_passwords: WrongPasswords
    honours_dnt: bool
    report_url: str = ""
    is_strict: bool = False
    is_dashboard_at_root: bool = False
    draw: Callable[[], float] = random.random

    def read_clock(self) -> int:
        """UTC milliseconds."""
        return self.read_ns() // NS_IN_MS

    def is_opted_out(self, headers: Headers) -> bool:
        return self.honours_dnt and wants_privacy(
            headers.get("sec-gpc", ""), headers.get("dnt", "")
        )

    def build_visit(
        self,
        scope: Scope,
        headers: Headers,
        link: CachedLink,
        kind: Kind,
        now: int,
        domain_id: int,
        won: Won | None = None,
        place: GeoPlace | None = None,
        address: str | None = None,
    ) -> Visit:
        """The address is turned into a country and the day's visitor number, and forgotten.

        `domain_id` is of the domain by which the visitor came. `won`: by which rule they were led.
        `place` and `address`: where they are and come from, if that is known already.

        Written out in one piece, for every call that it makes can be felt in a redirect.
        """
        get = headers.get
        if address is None:
            peer = scope.client.rpartition(":")[0]
            # Some proxies add a header of their own after the one that the client made up.
            forwarded = ",".join(headers.get_all("x-forwarded-for"))
            proxies = self.proxies
            address = proxies.ways.get((peer, forwarded))
            if address is None:
                address = proxies.find_client_address(peer, forwarded)
        user_agent = get("user-agent", "")[:LONGEST_USER_AGENT]
        query = scope.query_string
        referrer = get("referer", "")
        place = place or self.places.find_place(address, now)
        is_opted_out = self.honours_dnt and (get("sec-gpc", "") == "1" or get("dnt", "") == "1")
        return Visit(
            at=now,
            link_id=link.id,
            visitor=NOT_TOLD_APART
            if is_opted_out
            else self.visitors.number_visitor(address, user_agent, now),
            country=place.country,
            source=read_source(query) if query else LINK,
            kind=kind,
            user_agent=user_agent,
            referrer=read_referrer(referrer[:LONGEST_REFERRER_HEADER]) if referrer else "",
            utm=read_utm(query, link.utm) if query else link.utm,
            city=place.city,
            domain_id=domain_id,
            won=won,
        )
