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
from shorty.storage.database import Database
from shorty.storage.together import Together

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
    inserts: Together[PreparedLink, Link] = msgspec.field(default_factory=Together)

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

    def committed(self, *links: Link, fetches_title: bool = False) -> None:
        """Called after each commit that created or changed links, with them as they are now.

        The next visit reads them again, and pages nothing is known of are asked for. Of a link
        whose slug or domain has changed, the former place is given to `forget`.
        """
        for link in links:
            self.forget(link)
            self.ask_page(link, fetches_title and link.title is None)

    def forget(self, *links: Link) -> None:
        """Lets the next visit read the links again."""
        for link in links:
            self.lookup.forget(link.domain_id, slug_key(link.slug))


def read_author(actor: Actor) -> Author:
    creator = Creator(id=actor.user_id, name=actor.user_name, email=actor.user_email)
    return Author(workspace_id=actor.workspace_id, creator=creator, plan=actor.plan)
