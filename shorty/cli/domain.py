"""`shorty domain`: the operator's domains."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import rich_click as click

from shorty.cli.options import (
    config_option,
    json_option,
    print_json,
)
from shorty.cli.session import Session, with_database
from shorty.cli.tables import print_table, show_time
from shorty.config import is_loopback
from shorty.domains import Domain, DomainChange, DomainDirectory, NewDomain
from shorty.domains.app_links import find_app_links
from shorty.domains.model import Scheme
from shorty.domains.service import (
    add_operator_domain,
    change_by_host,
    list_all_domains,
    remove_by_host,
    sync_domains,
)
from shorty.links.checks import read_link_rules
from shorty.links.context import LinkContext, find_web_fault
from shorty.links.lookup import LinkLookup
from shorty.links.store import count_of_domain
from shorty.storage.database import Database
from shorty.webcore.times import format_optional_time

F = TypeVar("F", bound=Callable[..., Any])


@click.group("domain")
def command() -> None:
    """Domains that serve short links: add, change, list, remove."""


async def open_directory(session: Session) -> DomainDirectory:
    """The domains as the server last stored them; for a new database those of the configuration.

    A command never applies the configuration to them, as the server may run on another port.
    """
    directory = DomainDirectory(session.db, session.config)
    await directory.reload()
    if directory.default is None:
        await session.db.write(lambda tx: sync_domains(tx, session.config, session.now))
        await directory.reload()
    return directory


async def open_links(session: Session) -> LinkContext:
    """Raises StartError where a block list cannot be read."""
    rules = read_link_rules(session.config)
    return LinkContext(
        db=session.db,
        domains=await open_directory(session),
        lookup=LinkLookup(session.db, rules.block_list),
        rules=rules,
    )


def read_file(_ctx: click.Context, _option: click.Parameter, file: Path | None) -> str | None:
    if file is None:
        return None
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise click.BadParameter(f"{file} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise click.BadParameter(f"{file} is not text in UTF-8.") from error


def app_links_options(command: F) -> F:
    """`--apple-app-site-association FILE` and `--asset-links FILE`; the command gets the texts."""
    kind = click.Path(path_type=Path)
    apple = click.option(
        "--apple-app-site-association",
        type=kind,
        metavar="FILE",
        callback=read_file,
        help="JSON by which iOS and macOS know which apps open the domain's links.",
    )
    android = click.option(
        "--asset-links",
        type=kind,
        metavar="FILE",
        callback=read_file,
        help="JSON by which Android knows which apps open the domain's links.",
    )
    return apple(android(command))


@command.command("add")
@click.argument("host")
@click.option(
    "--scheme",
    type=click.Choice(["https", "http"]),
    help="Scheme of its short links. Default: https, or http for localhost.",
)
@click.option("--root-redirect", default="", metavar="URL", help="Where / redirects.")
@click.option(
    "--not-found-redirect", default="", metavar="URL", help="Where unknown short links redirect."
)
@click.option(
    "--expired-redirect",
    default="",
    metavar="URL",
    help="Where expired and used-up links without their own --expired-url redirect.",
)
@app_links_options
@config_option
@with_database
async def add(
    session: Session,
    *,
    host: str,
    scheme: Scheme | None,
    root_redirect: str,
    not_found_redirect: str,
    expired_redirect: str,
    apple_app_site_association: str | None,
    asset_links: str | None,
) -> None:
    """Serve short links on HOST, for every workspace.

    The domain counts as verified; a DNS record must point to this server. Put permanent domains
    in shorty.toml instead.
    """
    find_fault = partial(find_web_fault, await open_links(session), session.now)
    new = NewDomain(
        host=host,
        scheme=scheme or ("http" if is_loopback(host) else "https"),
        root_redirect=root_redirect,
        not_found_redirect=not_found_redirect,
        expired_redirect=expired_redirect,
        apple_app_site_association=apple_app_site_association,
        asset_links=asset_links,
    )
    domain = await session.db.write(
        lambda tx: add_operator_domain(tx, new, session.now, find_fault)
    )
    click.echo(f"Links on {domain.origin} are now served.", err=True)


@command.command("change")
@click.argument("host")
@click.option("--root-redirect", metavar="URL", help='Where / redirects; "" for a short notice.')
@click.option(
    "--not-found-redirect",
    metavar="URL",
    help='Where unknown short links redirect; "" for a "not found" page.',
)
@click.option(
    "--expired-redirect",
    metavar="URL",
    help="Where expired and used-up links without their own --expired-url redirect; "
    '"" for a page that says so.',
)
@app_links_options
@config_option
@with_database
async def change(session: Session, *, host: str, **given: str | None) -> None:
    """Change a domain that was added with `shorty domain add`.

    Omitted options keep their value. An empty file removes that list of apps.
    """
    asked = {name: value for name, value in given.items() if value is not None}
    find_fault = partial(find_web_fault, await open_links(session), session.now)
    domain = await session.db.write(
        lambda tx: change_by_host(tx, host, DomainChange(**asked), find_fault)
    )
    click.echo(f"Changed {domain.origin}.", err=True)


@command.command("list")
@json_option
@config_option
@with_database
async def list_(session: Session, *, as_json: bool) -> None:
    """List all domains: the operator's, default first, then those of workspaces."""
    await open_directory(session)
    domains = await list_all_domains(session.db)
    if as_json:
        print_json([await describe_domain(session.db, domain) for domain in domains])
        return
    print_table(
        [
            *("DOMAIN", "FROM", "WORKSPACE", "VERIFIED"),
            *("ROOT REDIRECT", "NOT FOUND REDIRECT", "EXPIRED REDIRECT"),
        ],
        [
            (
                *(domain.origin, domain.source, domain.workspace_id or "all"),
                *(show_time(domain.verified_at), domain.root_redirect, domain.not_found_redirect),
                domain.expired_redirect,
            )
            for domain in domains
        ],
        empty="No domains.",
    )


async def describe_domain(db: Database, domain: Domain) -> dict[str, object]:
    app_links = await db.read(lambda rows: find_app_links(rows, domain.id))
    return {
        "id": str(domain.id),
        "host": domain.host,
        "scheme": domain.scheme,
        "source": domain.source,
        "workspaceId": str(domain.workspace_id) if domain.workspace_id is not None else None,
        "rootRedirect": domain.root_redirect,
        "notFoundRedirect": domain.not_found_redirect,
        "expiredRedirect": domain.expired_redirect,
        "appleAppSiteAssociation": show_json(app_links.apple_app_site_association),
        "assetLinks": show_json(app_links.asset_links),
        "verifiedAt": format_optional_time(domain.verified_at),
        "createdAt": format_optional_time(domain.created_at),
    }


def show_json(text: str) -> msgspec.Raw | None:
    return msgspec.Raw(text.encode()) if text else None


@command.command("remove")
@click.argument("host")
@config_option
@with_database
async def remove(session: Session, *, host: str) -> None:
    """Stop serving links on HOST. Links and analytics are kept and return if you add it again."""
    domain = await session.db.write(lambda tx: remove_by_host(tx, host, session.now))
    links = await count_of_domain(session.db, domain.id)
    click.echo(f"Links on {domain.origin} are no longer served: {links:,}.", err=True)
