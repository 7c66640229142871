"""`shorty link`: manages links from the shell."""

from collections.abc import Awaitable, Iterable
from typing import Any, Final, TypeVar, get_args

import rich_click as click
from msgspec import to_builtins
from msgspec.structs import replace

from shorty.api.link_object import show_link
from shorty.cli.link_context import Context, find_link_id, open_context
from shorty.cli.link_options import field_options, name_options, read_fields
from shorty.cli.options import (
    config_option,
    json_option,
    print_facts,
    print_json,
    print_table,
    show_time,
)
from shorty.cli.session import Session, with_database
from shorty.errors import InvalidFieldsError, NotFoundError
from shorty.links.listing import list_links
from shorty.links.model import Link, LinkChange, LinkFilter, LinkPage, LinkSort
from shorty.links.names import fold_name
from shorty.links.service import change_link, create_link, delete_link, get_link
from shorty.links.tags import list_tags

T = TypeVar("T")

PAGE: Final = 100

user_option = click.option(
    "--user", metavar="EMAIL", help="Whose workspace to use. Default: the first workspace."
)


async def explain_options(work: Awaitable[T]) -> T:
    """Faults use the options' names."""
    try:
        return await work
    except InvalidFieldsError as error:
        raise name_options(error) from None


@click.group("link")
def command() -> None:
    """Links: add, list, show, edit, delete.

    LINK is a short link, HOST/SLUG, an id, or a slug on the default domain.
    """


@command.command("add")
@click.argument("url")
@field_options
@user_option
@config_option
@with_database
async def add(session: Session, *, url: str, user: str | None, **options: Any) -> None:
    """Create a link to URL and print only its short link.

    Without --domain it uses the default domain; without --slug it gets a random slug.
    """
    ctx = await open_context(session, user)
    fields: dict[str, Any] = {"domain": ctx.get_default_domain().host, **read_fields(options)}
    change = LinkChange(url=url, **fields)
    link = await explain_options(create_link(ctx.links, ctx.actor, change, session.now))
    click.echo(link.short_url)


@command.command("list")
@click.option(
    "--search", default="", metavar="TEXT", help="Part of the slug, title or destination."
)
@click.option("--domain", metavar="HOST", help="Only links on this domain.")
@click.option("--tag", metavar="NAME", help="Only links with this tag.")
@click.option(
    "--active/--inactive", "is_active", default=None, help="Only active (or inactive) links."
)
@click.option(
    "--sort",
    type=click.Choice(get_args(LinkSort)),
    default="-createdAt",
    show_default=True,
    help='Sort order; prefix "-" to reverse.',
)
@click.option(
    "--limit",
    type=click.IntRange(1),
    metavar="N",
    default=50,
    show_default=True,
    help="Maximum number of links to show.",
)
@user_option
@json_option
@config_option
@with_database
async def list_(
    session: Session,
    *,
    user: str | None,
    tag: str | None,
    limit: int,
    as_json: bool,
    **options: Any,
) -> None:
    """List links, newest first."""
    ctx = await open_context(session, user)
    tag_id = await find_tag_id(ctx, tag) if tag else None
    links, total = await collect_links(ctx, LinkFilter(tag_id=tag_id, **options), limit)
    if as_json:
        print_json([show_link(link) for link in links])
    else:
        print_links(links)
    if len(links) < total:
        click.echo(f"Showing {len(links)} of {total}; use --limit for more.", err=True)


async def find_tag_id(ctx: Context, name: str) -> int:
    tags = await list_tags(ctx.session.db, ctx.actor.workspace_id)
    for tag in tags:
        if fold_name(tag.name) == fold_name(name):
            return tag.id
    raise NotFoundError("tag", name)


async def collect_links(ctx: Context, wanted: LinkFilter, limit: int) -> tuple[list[Link], int]:
    """The first links and the total (with a filter, counted up to 10,000)."""
    links: list[Link] = []
    page = LinkPage(links=(), next_cursor=None, total=0, total_is_capped=False)
    while len(links) < limit:
        cut = replace(wanted, cursor=page.next_cursor, limit=min(limit - len(links), PAGE))
        page = await list_links(ctx.links, ctx.actor, cut)
        links += page.links
        if page.next_cursor is None:
            break
    return links, page.total


def print_links(links: Iterable[Link]) -> None:
    print_table(
        ["ID", "SHORT", "URL", "TITLE", "CLICKS", "CREATED"],
        [
            (
                *(link.id, link.short_url, link.url, link.title),
                *(link.click_count, show_time(link.created_at)),
            )
            for link in links
        ],
    )


@command.command("show")
@click.argument("name", metavar="LINK")
@user_option
@json_option
@config_option
@with_database
async def show(session: Session, *, name: str, user: str | None, as_json: bool) -> None:
    """Show everything about a link."""
    ctx = await open_context(session, user)
    link = await get_link(ctx.links, ctx.actor, find_link_id(ctx, name))
    if as_json:
        print_json(show_link(link))
    else:
        print_facts(list_facts(link))


def list_facts(link: Link) -> dict[str, object]:
    facts: dict[str, object] = to_builtins(show_link(link))
    del facts["password"]
    facts["tags"] = ", ".join(tag.name for tag in link.tags)
    facts["createdBy"] = link.created_by.email if link.created_by else None
    return facts


@command.command("edit")
@click.argument("name", metavar="LINK")
@click.option("--url", metavar="URL", help="The new destination.")
@field_options
@user_option
@config_option
@with_database
async def edit(session: Session, *, name: str, user: str | None, **options: Any) -> None:
    """Update the given fields of a link and print its short link.

    An empty text clears a field: --title "" or --expires-at "". --tag and --webhook replace all
    existing ones.
    """
    ctx = await open_context(session, user)
    change = LinkChange(**read_fields(options))
    link_id = find_link_id(ctx, name)
    link = await explain_options(change_link(ctx.links, ctx.actor, link_id, change, session.now))
    click.echo(link.short_url)


@command.command("delete")
@click.argument("names", metavar="LINK...", nargs=-1, required=True)
@user_option
@config_option
@with_database
async def delete(session: Session, *, names: tuple[str, ...], user: str | None) -> None:
    """Delete links. The short links stop working immediately and their slugs become available.

    Analytics are kept.
    """
    ctx = await open_context(session, user)
    for name in names:
        await delete_link(ctx.links, ctx.actor, find_link_id(ctx, name), session.now)
        click.echo(f"Deleted {name}.", err=True)
