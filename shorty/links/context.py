"""What the functions about links need, and what follows once their changes are stored."""

from collections.abc import Callable
from typing import TypeAlias
from urllib.parse import unquote

import msgspec

from shorty.accounts.model import Actor
from shorty.domains import DomainDirectory
from shorty.links.icons import Icons
from shorty.links.lookup import CachedLink, LinkLookup
from shorty.links.model import Author, Creator, Link, LinkDomain, PreparedLink
from shorty.links.rules import LinkRules, Surroundings
from shorty.links.slug import slug_key
from shorty.storage.batcher import Batcher
from shorty.storage.database import Database

AskPage: TypeAlias = Callable[[Link, bool], None]
"""Asks for the icon of a link's destination, and for its title too if that is wanted."""


def ask_nobody(_link: Link, _wants_title: bool) -> None:  # noqa: FBT001 - as AskPage has it
    """Of the commands, which end before a page could be read."""


class LinkContext(msgspec.Struct, frozen=True, kw_only=True):
    """Made once by the composition root."""

    db: Database
    domains: DomainDirectory
    lookup: LinkLookup
    rules: LinkRules
    icons: Icons = msgspec.field(default_factory=Icons)
    ask_page: AskPage = ask_nobody
    inserts: Batcher[PreparedLink, Link] = msgspec.field(default_factory=Batcher)

    def find_domain(self, workspace_id: int, host: str) -> LinkDomain | None:
        """The workspace's verified domain, or the operator's, of that name."""
        domain = self.domains.find_for_workspace(workspace_id, host)
        if domain is None:
            return None
        return LinkDomain(id=domain.id, host=domain.host, scheme=domain.scheme)

    def find_named(self, workspace_id: int, text: str, usual_host: str) -> CachedLink | None:
        """The workspace's link by its short URL, HOST/SLUG, or its slug on the usual domain.

        `go.example/sale` names a link of that domain, if there is one, before it is a slug.
        """
        before, is_url, rest = text.partition("://")
        place = unquote(rest if is_url else before).rstrip("/")
        host, slash, slug = place.partition("/")
        places = [(host, slug)] if slash else []
        if not is_url:
            places.append((usual_host, place))
        for found_host, found_slug in places:
            domain = self.find_domain(workspace_id, found_host)
            link = self.lookup.find(domain.id, slug_key(found_slug)) if domain else None
            if link is not None and link.workspace_id == workspace_id:
                return link
        return None

    def describe_surroundings(self, domain: LinkDomain | None, now: int) -> Surroundings:
        return Surroundings(
            rules=self.rules,
            domain=domain,
            is_own_host=self.domains.is_own_host,
            find_icon=self.icons.find,
            now=now,
        )

    def committed(
        self, link: Link, before: Link | None = None, *, fetches_title: bool = False
    ) -> None:
        """What follows the commit that created or restored a link, or changed it from `before`.

        The next visit reads it again, and its destination is asked for what is not known of it.
        """
        for each in (before, link):
            if each is not None:
                self.lookup.forget(each.domain_id, slug_key(each.slug))
        self.ask_page(link, fetches_title and link.title is None)


def read_author(actor: Actor) -> Author:
    creator = Creator(id=actor.user_id, name=actor.user_name, email=actor.user_email)
    return Author(workspace_id=actor.workspace_id, creator=creator, plan=actor.plan)
