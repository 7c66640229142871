"""What the functions about links need, and what follows once their changes are stored."""

from collections.abc import Callable
from typing import TypeAlias

import msgspec

from shorty.accounts.model import Actor
from shorty.domains import DomainDirectory
from shorty.links.icons import Icons
from shorty.links.lookup import LinkLookup
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
