"""Reads of a request what its link's rules ask for, each thing once, and nothing else."""

from typing import Final

from shorty.clicks.geo import GeoPlace
from shorty.clicks.model import LONGEST_REFERRER_HEADER, read_referrer
from shorty.clicks.user_agent import is_bot as is_bots_agent
from shorty.clicks.user_agent import read_user_agent
from shorty.links.lookup import CachedLink
from shorty.links.rule_matching import OWN_DESTINATION, Choice, choose
from shorty.links.rule_visitor import (
    LONGEST_LANGUAGES,
    NO_PARAMETERS,
    UNKNOWN_COUNTRIES,
    Address,
    Query,
    fold_name,
    read_client_address,
    read_languages,
    read_query,
)
from shorty.redirect.context import VisitContext
from shorty.redirect.kept_variant import build_kept_cookie, find_kept_key
from shorty.redirect.request import Headers, Scope, is_secure, read_address

SET_COOKIE: Final = "set-cookie"


class VisitorByRules:
    """A request as `RuleVisitor` describes it.

    `choose` asks for each thing once; only what several of them need is remembered here.
    """

    __slots__ = (
        *("_context", "_headers", "_link", "_scope", "now", "read_address", "read_place"),
        "user_agent",
    )

    def __init__(
        self, context: VisitContext, scope: Scope, headers: Headers, link: CachedLink, now: int
    ) -> None:
        self.now = now
        self.user_agent = headers.get("user-agent", "")
        self._context = context
        self._scope = scope
        self._headers = headers
        self._link = link
        self.read_address: str | None = None  # as far as a rule asked for it
        self.read_place: GeoPlace | None = None

    @property
    def is_program(self) -> bool:
        """Every preview crawler is a bot too."""
        return is_bots_agent(self.user_agent)

    @property
    def place(self) -> GeoPlace:
        place = self.read_place
        if place is None:
            address = self.client_address
            self.read_place = place = self._context.places.find_place(address, self.now)
        return place

    @property
    def client_address(self) -> str:
        address = self.read_address
        if address is None:
            address = read_address(self._scope, self._headers, self._context.proxies)
            self.read_address = address
        return address

    @property
    def country(self) -> str | None:
        country = self.place.country
        return None if country in UNKNOWN_COUNTRIES else country

    @property
    def region(self) -> str | None:
        return self.place.region or None

    @property
    def city(self) -> str | None:
        return fold_name(self.place.city) or None

    @property
    def device(self) -> str | None:
        return fold_name(read_user_agent(self.user_agent).device)

    @property
    def os(self) -> str | None:
        return fold_name(read_user_agent(self.user_agent).os) or None

    @property
    def browser(self) -> str | None:
        return fold_name(read_user_agent(self.user_agent).browser) or None

    @property
    def languages(self) -> frozenset[str] | None:
        return read_languages(self._headers.get("accept-language", "")[:LONGEST_LANGUAGES])

    @property
    def query(self) -> Query | None:
        query = self._scope.query_string
        return read_query(query) if query else NO_PARAMETERS

    @property
    def referrer_host(self) -> str | None:
        return read_referrer(self._headers.get("referer", "")[:LONGEST_REFERRER_HEADER]) or None

    @property
    def address(self) -> Address | None:
        return read_client_address(self.client_address)

    @property
    def is_secure(self) -> bool:
        return is_secure(self._scope, self._headers, self._context.proxies)

    def find_kept_variant(self, rule_id: str) -> str | None:
        """None for who opted out: they are drawn anew each time."""
        cookies = self._headers.get_all("cookie")
        if not cookies or self._context.is_opted_out(self._headers):
            return None
        return find_kept_key(
            self._context.secret,
            "; ".join(cookies),
            link_id=self._link.id,
            rule_id=rule_id,
            is_secure=self.is_secure,
        )

    def choose(self) -> Choice:
        rules = self._link.rules
        if rules is None:
            return OWN_DESTINATION
        return choose(rules, self, self._context.draw())

    def list_headers(self, choice: Choice) -> list[tuple[str, str]]:
        """The cookie that keeps the variant; none for HEAD, nor for who has it or opted out."""
        rule, variant = choice.rule, choice.variant
        if not choice.is_kept or rule is None or variant is None or self._scope.method != "GET":
            return []
        if self._context.is_opted_out(self._headers):
            return []
        if self.find_kept_variant(rule.id) == variant.key:
            return []
        cookie = build_kept_cookie(
            self._context.secret,
            link_id=self._link.id,
            slug=self._link.slug,
            rule=rule,
            key=variant.key,
            now=self.now,
            is_secure=self.is_secure,
        )
        return [(SET_COOKIE, cookie)]
