"""What link commands need: the links, the person they act for, and how to find a link."""

from typing import NamedTuple

from shorty.accounts.model import Actor
from shorty.cli.domain import open_links
from shorty.cli.session import Session
from shorty.cli.token import find_home
from shorty.domains import Domain
from shorty.errors import NotFoundError
from shorty.ids import parse_id
from shorty.links.context import LinkContext
from shorty.links.deleted import find_deleted_named
from shorty.plans import find_plan


class Context(NamedTuple):
    session: Session
    links: LinkContext
    actor: Actor

    def get_default_domain(self) -> Domain:
        domain = self.links.domains.default
        if domain is None:
            raise NotFoundError("default domain")
        return domain


async def open_context(session: Session, email: str | None) -> Context:
    """The operator acts with an owner's rights, in the person's workspace and within its plan."""
    links = await open_links(session)
    home = await session.db.write(lambda tx: find_home(tx, session, email))
    actor = Actor(
        user_id=home.user.id,
        user_name=home.user.name,
        user_email=home.user.email,
        workspace_id=home.workspace.id,
        role="owner",
        scope="admin",
        plan=find_plan(session.config.plans, home.workspace.plan),
    )
    return Context(session, links, actor)


async def find_link_id(ctx: Context, name: str) -> int:
    """Finds a link by its short link, HOST/SLUG, id, or slug on the default domain.

    Raises NotFoundError.
    """
    link_id = parse_id(name)
    if link_id is not None:
        return link_id
    usual_host = find_usual_host(ctx)
    link = await ctx.links.find_named(ctx.actor.workspace_id, name, usual_host)
    if link is None:
        raise NotFoundError("link", name)
    return link.id


async def find_deleted_id(ctx: Context, name: str) -> int:
    """As find_link_id, of a deleted link; of several with the same short link, the last deleted."""
    link_id = parse_id(name)
    if link_id is None:
        workspace_id, usual_host = ctx.actor.workspace_id, find_usual_host(ctx)
        link_id = await ctx.session.db.read(
            lambda rows: find_deleted_named(rows, workspace_id, name, usual_host)
        )
    if link_id is None:
        raise NotFoundError("deleted link", name)
    return link_id


def find_usual_host(ctx: Context) -> str:
    return "" if ctx.links.domains.default is None else ctx.links.domains.default.host
