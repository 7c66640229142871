"""What the functions about links need, and what follows once their changes are stored."""

from collections.abc import Callable
from typing import NamedTuple, TypeAlias
from urllib.parse import unquote

import msgspec

from shorty.accounts.model import Actor
from shorty.domains import DomainDirectory
from shorty.errors import ShortyError
from shorty.links.checks import LinkRules, Surroundings, find_url_fault
from shorty.links.icons import Icons
from shorty.links.lookup import CachedLink, LinkLookup
from shorty.links.model import Author, Creator, Link, LinkDomain, LinkType, PreparedLink
from shorty.links.slug import slug_key
from shorty.storage.batcher import Batcher
from shorty.storage.changes import LinkChanged
from shorty.storage.database import Database, Transaction

AskPage: TypeAlias = Callable[[Link, bool], None]
"""Asks for the icon of a link's destination, and for its title too if that is wanted."""

HasWaitingVisits: TypeAlias = Callable[[int], bool]
"""Whether visits of that link wait to be stored."""

Outcome: TypeAlias = Link | ShortyError
"""Of the write of one link among many."""


def ask_nobody(_link: Link, _wants_title: bool) -> None:  # noqa: FBT001 - as AskPage has it
    """Of the commands, which end before a page could be read."""


def has_none(_link_id: int) -> bool:
    """Of the commands, which do not know the server's visits."""
    return False


def knows_cities(_now: int) -> bool:
    """Of the commands, which say nothing of what the server knows."""
    return True


class LinkWrite(NamedTuple):
    """A link as it was written, and as it was before if it was changed."""

    link: Link
    before: Link | None = None
    fetches_title: bool = False


class LinkContext(msgspec.Struct, frozen=True, kw_only=True):
    """Made once by the composition root."""

    db: Database
    domains: DomainDirectory
    lookup: LinkLookup
    rules: LinkRules
    icons: Icons = msgspec.field(default_factory=Icons)
    ask_page: AskPage = ask_nobody
    has_waiting_visits: HasWaitingVisits = has_none
    names_cities: Callable[[int], bool] = knows_cities
    """Whether the regions and cities of visitors are known."""
    inserts: Batcher[PreparedLink, Link] = msgspec.field(default_factory=Batcher)

    def find_domain(self, workspace_id: int, host: str) -> LinkDomain | None:
        """The workspace's verified domain, or the operator's, of that name."""
        domain = self.domains.find_for_workspace(workspace_id, host)
        if domain is None:
            return None
        return LinkDomain(id=domain.id, host=domain.host, scheme=domain.scheme)

    async def find_named(self, workspace_id: int, text: str, usual_host: str) -> CachedLink | None:
        """The workspace's link by its short URL, HOST/SLUG, or its slug on the usual domain.

        `go.example/sale` names a link of that domain, if there is one, before it is a slug.
        """
        for found_host, found_slug in read_places(text, usual_host):
            domain = self.find_domain(workspace_id, found_host)
            link = await self.lookup.find(domain.id, slug_key(found_slug)) if domain else None
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

    def follow(self, tx: Transaction, *changes: "LinkWrite") -> None:
        """What follows the commit of a write that created, restored or changed links.

        The next visits read them again, and their destinations are asked for what is not known of
        them.
        """

        def ask_pages() -> None:
            for link, _, fetches_title in changes:
                self.ask_page(link, fetches_title and link.title is None)

        tx.note_change(
            *(
                LinkChanged(*address.key)
                for write in changes
                for link in (write.before, write.link)
                if link is not None
                for address in link.addresses
            )
        )
        tx.after_commit(ask_pages)


def attempt(tx: Transaction, work: Callable[[], Link]) -> Outcome:
    """What the work made; where it fails as expected, that alone is undone."""
    try:
        return tx.attempt(work)
    except ShortyError as error:
        return error


def find_destination_fault(
    context: LinkContext, link_type: LinkType, url: str, now: int
) -> str | None:
    """Why no link can lead there, in words that follow a field's name or stand alone."""
    return find_url_fault(link_type, url, context.describe_surroundings(None, now))


def find_web_fault(context: LinkContext, now: int, url: str) -> str | None:
    """The same of an http or https URL, such as where a domain's expired links lead."""
    return find_destination_fault(context, "URL", url, now)


def read_places(text: str, usual_host: str) -> list[tuple[str, str]]:
    """The hosts and slugs that a short URL, HOST/SLUG or a slug may mean, the likeliest first."""
    before, is_url, rest = text.partition("://")
    place = unquote(rest if is_url else before).rstrip("/")
    host, slash, slug = place.partition("/")
    places = [(host, slug)] if slash else []
    return places if is_url else [*places, (usual_host, place)]


def read_author(actor: Actor) -> Author:
    creator = Creator(id=actor.user_id, name=actor.user_name, email=actor.user_email)
    return Author(workspace_id=actor.workspace_id, creator=creator, plan=actor.plan)
