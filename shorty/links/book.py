"""What the functions about links are given: their surroundings, and for whom they act."""

from typing import TYPE_CHECKING

import msgspec

from shorty.accounts.model import Actor
from shorty.config import Plan
from shorty.domains import DomainDirectory
from shorty.links.icons import Icons
from shorty.links.lookup import LinkLookup
from shorty.links.model import Creator, Link, LinkDomain
from shorty.links.rules import LinkRules, Surroundings
from shorty.links.slug import slug_key
from shorty.storage.database import Database
from shorty.storage.together import Together

if TYPE_CHECKING:
    from shorty.links.inserts import Entry


class LinkBook(msgspec.Struct, frozen=True, kw_only=True):
    """Made once by the composition root."""

    db: Database
    domains: DomainDirectory
    lookup: LinkLookup
    rules: LinkRules
    icons: Icons = msgspec.field(default_factory=Icons)
    inserts: "Together[Entry, Link]" = msgspec.field(default_factory=Together)

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

    def forget(self, link: Link) -> None:
        """Called after a commit, so that the next visit reads the link anew."""
        self.lookup.forget(link.domain_id, slug_key(link.slug))


class Maker(msgspec.Struct, frozen=True, kw_only=True):
    """For whom a link is made; `creator` is None where nobody signed in."""

    workspace_id: int
    creator: Creator | None
    plan: Plan


def read_maker(actor: Actor) -> Maker:
    creator = Creator(id=actor.user_id, name=actor.user_name, email=actor.user_email)
    return Maker(workspace_id=actor.workspace_id, creator=creator, plan=actor.plan)
