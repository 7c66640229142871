"""What link commands need: the links, the person they act for, and how to find a link."""

from typing import NamedTuple

from shorty.accounts.model import Actor
from shorty.cli.domain import open_directory
from shorty.cli.session import Session
from shorty.cli.token import find_home
from shorty.domains import Domain
from shorty.errors import NotFoundError
from shorty.ids import parse_id
from shorty.links.context import LinkContext
from shorty.links.lookup import LinkLookup
from shorty.links.rules import read_link_rules
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
    directory = await open_directory(session)
    home = await session.db.write(lambda tx: find_home(tx, session, email))
    rules = read_link_rules(session.config)
    context = LinkContext(
        db=session.db,
        domains=directory,
        lookup=LinkLookup(session.db, rules.block_list),
        rules=rules,
    )
    actor = Actor(
        user_id=home.user.id,
        user_name=home.user.name,
        user_email=home.user.email,
        workspace_id=home.workspace.id,
        role="owner",
        scope="admin",
        plan=find_plan(session.config.plans, home.workspace.plan),
    )
    return Context(session, context, actor)


def find_link_id(ctx: Context, name: str) -> int:
    """Finds a link by its short link, HOST/SLUG, id, or slug on the default domain.

    Raises NotFoundError.
    """
    link_id = parse_id(name)
    if link_id is not None:
        return link_id
    usual_host = "" if ctx.links.domains.default is None else ctx.links.domains.default.host
    link = ctx.links.find_named(ctx.actor.workspace_id, name, usual_host)
    if link is None:
        raise NotFoundError("link", name)
    return link.id
