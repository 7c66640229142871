"""`shorty link`: manages links from the shell."""

import re
from collections.abc import Awaitable, Iterable
from typing import Any, Final, TypeVar, get_args

import rich_click as click
from msgspec import to_builtins
from msgspec.structs import replace

from shorty.api.link_object import show_link
from shorty.cli.link_context import Context, find_deleted_id, find_link_id, open_context
from shorty.cli.link_options import field_options, name_options, read_fields
from shorty.cli.numbers import numbers_options, print_numbers, read_numbers, read_wanted
from shorty.cli.options import config_option, json_option, print_json
from shorty.cli.rule_lines import describe_rules
from shorty.cli.session import Session, with_database
from shorty.cli.tables import print_facts, print_table, show_time
from shorty.clicks.stats_store import Scope
from shorty.errors import InvalidFieldsError, NotFoundError
from shorty.links.aliases import write_loss
from shorty.links.listing import is_filtered, list_links
from shorty.links.model import (
    Deletion,
    JudgedState,
    Link,
    LinkChange,
    LinkFilter,
    LinkPage,
    LinkSort,
    LinkState,
)
from shorty.links.service import change_link, create_link, delete_link, get_link, restore_link
from shorty.links.tags import fold_name, list_tags

T = TypeVar("T")

ORDERS: Final[dict[str, LinkSort]] = {
    "created": "createdAt",
    "-created": "-createdAt",
    "clicks": "clickCount",
    "-clicks": "-clickCount",
    "deleted": "deletedAt",
    "-deleted": "-deletedAt",
}


class OrderType(click.ParamType[LinkSort]):
    """Reads an order by the command's names, and by those of the API."""

    name = "order"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> LinkSort:
        found: list[LinkSort] = [sort for name, sort in ORDERS.items() if value in {name, sort}]
        if not found:
            self.fail(f"{value!r} is not one of {', '.join(ORDERS)}.", param, ctx)
        return found[0]


PAGE: Final = 100
CAPITALS: Final = re.compile(r"[A-Z]")
# Facts whose options are called otherwise.
FACT_NAMES: Final = {
    "shortCode": "slug",
    "shortUrl": "short-link",
    "linkType": "type",
    "redirectType": "redirect",
    "isActive": "active",
    "cloaked": "cloak",
    "hasPassword": "password",
    "clickCount": "clicks",
    "metaPixelId": "meta-pixel",
    "googleTagId": "google-tag",
    "webhookUrls": "webhook",
    "tags": "tag",
}

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
    """Links: add, list, show, stats, edit, delete, restore.

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
    aliases = fields.pop("add_aliases", ())
    change = LinkChange(url=url, aliases=aliases, **fields)
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
    "--state",
    type=click.Choice(get_args(LinkState)),
    help="Only links in this state; all but deleted ones by default.",
)
@click.option("--deleted", is_flag=True, help="Deleted links, the last one first.")
@click.option(
    "--sort",
    type=OrderType(),
    metavar="ORDER",
    help="Sort order: created, clicks or, of deleted links, deleted; "
    'prefix "-" to reverse. Default: -created.',
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
    state: LinkState | None,
    deleted: bool,
    sort: LinkSort | None,
    limit: int,
    as_json: bool,
    **options: Any,
) -> None:
    """List links, newest first."""
    if deleted and state not in {None, "deleted"}:
        raise click.UsageError(f"--deleted and --state {state} exclude each other.")
    state = "deleted" if deleted else state
    ctx = await open_context(session, user)
    wanted = LinkFilter(
        tag_id=await find_tag_id(ctx, tag) if tag else None,
        state=JudgedState(name=state, now=session.now) if state else None,
        sort=sort or ("-deletedAt" if state == "deleted" else "-createdAt"),
        **options,
    )
    links, page = await explain_options(collect_links(ctx, wanted, limit))
    if as_json:
        print_json([show_link(link) for link in links])
    elif state == "deleted":
        print_deleted(links)
    else:
        print_links(links, is_filtered=is_filtered(wanted))
    if len(links) < page.total:
        more = "more than " if page.total_is_capped else ""
        click.echo(
            f"Showing {len(links):,} of {more}{page.total:,}; use --limit for more.", err=True
        )


async def find_tag_id(ctx: Context, name: str) -> int:
    tags = await list_tags(ctx.session.db, ctx.actor.workspace_id)
    for tag in tags:
        if fold_name(tag.name) == fold_name(name):
            return tag.id
    raise NotFoundError("tag", name)


async def collect_links(
    ctx: Context, wanted: LinkFilter, limit: int
) -> tuple[list[Link], LinkPage]:
    """The first links, and the last page that was read of them, with the total."""
    links: list[Link] = []
    page = LinkPage(links=(), next_cursor=None, total=0, total_is_capped=False)
    while len(links) < limit:
        cut = replace(wanted, cursor=page.next_cursor, limit=min(limit - len(links), PAGE))
        page = await list_links(ctx.links, ctx.actor, cut)
        links += page.links
        if page.next_cursor is None:
            break
    return links, page


def print_links(links: Iterable[Link], *, is_filtered: bool) -> None:
    print_table(
        ["ID", "SHORT LINK", "URL", "TITLE", "CLICKS", "CREATED"],
        [
            (
                *(link.id, link.short_url, link.url, link.title),
                *(link.click_count, show_time(link.created_at)),
            )
            for link in links
        ],
        empty="No links match." if is_filtered else "No links.",
    )


def print_deleted(links: Iterable[Link]) -> None:
    print_table(
        ["ID", "SHORT LINK", "URL", "TITLE", "CLICKS", "DELETED", "BY", "OBSTACLE"],
        [
            (*(link.id, link.short_url, link.url, link.title, link.click_count), *deletion)
            for link in links
            if (deletion := describe_deletion(link))
        ],
        empty="No deleted links.",
    )


def describe_deletion(link: Link) -> tuple[str, str | None, str | None]:
    deletion = link.deletion
    if deletion is None:
        return ("-", None, None)
    return (
        show_time(deletion.at),
        deletion.by.email if deletion.by else None,
        name_obstacle(deletion),
    )


def name_obstacle(deletion: Deletion) -> str | None:
    if deletion.is_domain_gone:
        return "domain removed"
    if deletion.is_slug_taken:
        return "slug taken"
    return "slug reserved" if deletion.is_slug_resting else None


@command.command("show")
@click.argument("name", metavar="LINK")
@user_option
@json_option
@config_option
@with_database
async def show(session: Session, *, name: str, user: str | None, as_json: bool) -> None:
    """Show everything about a link."""
    ctx = await open_context(session, user)
    link = await get_link(ctx.links, ctx.actor, await find_link_id(ctx, name))
    if as_json:
        print_json(show_link(link))
    else:
        print_facts(list_facts(link))


def list_facts(link: Link) -> dict[str, object]:
    facts: dict[str, object] = to_builtins(show_link(link))
    del facts["password"], facts["rules"]
    facts["aliases"] = ", ".join(alias.text for alias in link.aliases)
    facts["tags"] = ", ".join(tag.name for tag in link.tags)
    facts["createdBy"] = link.created_by.email if link.created_by else None
    named = {FACT_NAMES.get(name) or name_fact(name): value for name, value in facts.items()}
    return named | dict(describe_rules(link.rules))


def name_fact(name: str) -> str:
    """`expiresAt` as its option says it: `expires-at`."""
    return CAPITALS.sub(lambda found: f"-{found[0].lower()}", name)


@command.command("edit")
@click.argument("name", metavar="LINK")
@click.option("--url", metavar="URL", help="The new destination.")
@field_options
@click.option(
    "--remove-alias",
    "remove_aliases",
    multiple=True,
    metavar="SHORT_LINK",
    help="An alias to remove; can be repeated.",
)
@click.option(
    "--free-old-slug",
    "frees_old_slug",
    is_flag=True,
    help="Do not keep the previous short link as an alias of a link that had visits or has a QR "
    "code.",
)
@user_option
@config_option
@with_database
async def edit(
    session: Session, *, name: str, user: str | None, frees_old_slug: bool, **options: Any
) -> None:
    """Update the given fields of a link and print its short link.

    An empty text clears a field: --title "" or --expires-at "". --tag and --webhook replace all
    existing ones, --alias adds to them.
    """
    ctx = await open_context(session, user)
    change = LinkChange(**read_fields(options), keeps_old_slug=not frees_old_slug)
    link_id = await find_link_id(ctx, name)
    before = await get_link(ctx.links, ctx.actor, link_id)
    link = await explain_options(change_link(ctx.links, ctx.actor, link_id, change, session.now))
    click.echo(link.short_url)
    if before.address.key in {alias.key for alias in link.aliases}:
        click.echo(f"{before.short_url} stays as an alias.", err=True)


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
        await delete_link(ctx.links, ctx.actor, await find_link_id(ctx, name), session.now)
        click.echo(f"Deleted {name}.", err=True)


@command.command("restore")
@click.argument("names", metavar="LINK...", nargs=-1, required=True)
@user_option
@config_option
@with_database
async def restore(session: Session, *, names: tuple[str, ...], user: str | None) -> None:
    """Restore deleted links, with their analytics, and print their short links.

    Of several deleted links with the same short link, the one deleted last is restored; name
    another one by its id, which `shorty link list --deleted` shows.
    """
    ctx = await open_context(session, user)
    for name in names:
        link_id = await find_deleted_id(ctx, name)
        link = await restore_link(ctx.links, ctx.actor, link_id, session.now)
        click.echo(link.short_url)
        for alias in link.lost_aliases:
            click.echo(write_loss(alias), err=True)


@command.command("stats")
@click.argument("name", metavar="LINK")
@numbers_options
@user_option
@config_option
@with_database
async def stats(session: Session, *, name: str, user: str | None, **options: Any) -> None:
    """Show the clicks of a link: totals, over time, and the top of each breakdown."""
    wanted = read_wanted(session.now, **options)
    ctx = await open_context(session, user)
    link = await get_link(ctx.links, ctx.actor, await find_link_id(ctx, name))
    scope = Scope(workspace_id=ctx.actor.workspace_id, link_id=link.id)
    numbers = await read_numbers(session.db, scope, wanted)
    print_numbers(numbers, wanted, {"link": link.short_url})
