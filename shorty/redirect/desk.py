"""What answering a visit calls on, and how a visit is written down."""

from collections.abc import Callable

import msgspec

from shorty.clicks.geo import GeoDatabase
from shorty.clicks.limited import LimitedClicks
from shorty.clicks.model import LINK, Kind, Visit, read_referrer, read_utm
from shorty.clicks.recorder import Recorder
from shorty.clicks.visitor import NOT_TOLD_APART, VisitorNumbers, wants_privacy
from shorty.domains import DomainDirectory
from shorty.limits import RateLimits
from shorty.links.lookup import CachedLink, LinkLookup
from shorty.proxies import TrustedProxies
from shorty.redirect.request import Headers, Scope, read_address, read_source, read_user_agent
from shorty.storage.database import Database


class VisitDesk(msgspec.Struct, frozen=True, kw_only=True):
    """`clock` gives UTC milliseconds; `secret` signs the password cookies.

    `report_url` is where bad links can be reported; empty: nowhere.
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
    clock: Callable[[], int]
    secret: bytes
    honours_dnt: bool
    report_url: str = ""

    def is_opted_out(self, headers: Headers) -> bool:
        return self.honours_dnt and wants_privacy(
            headers.get("sec-gpc", ""), headers.get("dnt", "")
        )

    def build_visit(
        self, scope: Scope, headers: Headers, link: CachedLink, kind: Kind, now: int
    ) -> Visit:
        """The address is turned into a country and the day's visitor number, and forgotten."""
        address = read_address(scope, headers, self.proxies)
        user_agent = read_user_agent(headers)
        query = scope.query_string
        referrer = headers.get("referer", "")
        place = self.places.find_place(address, now)
        return Visit(
            at=now,
            link_id=link.id,
            visitor=NOT_TOLD_APART
            if self.is_opted_out(headers)
            else self.visitors.number_visitor(address, user_agent, now),
            country=place.country,
            source=read_source(query) if query else LINK,
            kind=kind,
            user_agent=user_agent,
            referrer=read_referrer(referrer) if referrer else "",
            utm=read_utm(query, link.utm) if query else link.utm,
            city=place.city,
        )
