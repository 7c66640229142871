"""`shorty token`: creates, lists and revokes API tokens."""

import rich_click as click

from shorty.accounts.model import NewToken, Scope, Token
from shorty.accounts.service import Home, get_home, prepare_first_workspace
from shorty.accounts.tokens import create_token_for, list_all_tokens, revoke_any_token
from shorty.cli.options import (
    config_option,
    json_option,
    print_json,
)
from shorty.cli.session import Session, with_database
from shorty.cli.tables import print_table, show_time
from shorty.durations import DAY_MS
from shorty.storage.database import Transaction
from shorty.webcore.times import format_optional_time


@click.group("token")
def command() -> None:
    """API tokens: create, list, revoke."""


@command.command("create")
@click.option(
    "--user", metavar="EMAIL", help="Whose token. Default: the owner of the first workspace."
)
@click.option("--name", default="", help="A name to recognise it by.")
@click.option(
    "--scope",
    type=click.Choice(["read", "write", "admin"]),
    default="admin",
    show_default=True,
    help="read: read only; write: also change links; admin: also manage tokens, domains and "
    "members.",
)
@click.option(
    "--expires-in",
    type=click.IntRange(1, 36500),
    metavar="DAYS",
    help="Days until the token expires. Default: never.",
)
@config_option
@with_database
async def create(
    session: Session, *, user: str | None, name: str, scope: Scope, expires_in: int | None
) -> None:
    """Create a token and print only the token.

    It is shown only once and stored as a digest. In an empty database this also creates the first
    workspace and its owner, who has no password yet. The server can keep running; the token works
    immediately.
    """
    expires_at = session.now + expires_in * DAY_MS if expires_in else None

    def work(tx: Transaction) -> str:
        home = find_home(tx, session, user)
        new = NewToken(name=name, scope=scope, expires_at=expires_at)
        return create_token_for(tx, home.workspace.id, home.user.id, new, session.now).text

    click.echo(await session.db.write(work))


def find_home(tx: Transaction, session: Session, email: str | None) -> Home:
    """Raises NotFoundError."""
    first = prepare_first_workspace(tx, session.config, session.now, *([email] if email else []))
    return get_home(tx, email) if email else first


@command.command("list")
@json_option
@config_option
@with_database
async def list_(session: Session, *, as_json: bool) -> None:
    """List active tokens, without their secrets."""
    tokens = await list_all_tokens(session.db)
    if as_json:
        print_json([describe_token(token) for token in tokens])
        return
    print_table(
        ["ID", "TOKEN", "USER", "SCOPE", "NAME", "CREATED", "LAST USED", "EXPIRES"],
        [
            (
                *(token.id, f"{token.hint}…", token.user_email, token.scope, token.name),
                *map(show_time, (token.created_at, token.last_used_at, token.expires_at)),
            )
            for token in tokens
        ],
        empty="No tokens.",
    )


def describe_token(token: Token) -> dict[str, object]:
    return {
        "id": str(token.id),
        "hint": token.hint,
        "user": token.user_email,
        "workspaceId": str(token.workspace_id),
        "scope": token.scope,
        "name": token.name,
        "createdAt": format_optional_time(token.created_at),
        "lastUsedAt": format_optional_time(token.last_used_at),
        "expiresAt": format_optional_time(token.expires_at),
    }


@command.command("revoke")
@click.argument("token_id", metavar="ID", type=int)
@config_option
@with_database
async def revoke(session: Session, *, token_id: int) -> None:
    """Revoke a token immediately; `shorty token list` shows the ids."""
    await session.db.write(lambda tx: revoke_any_token(tx, token_id, session.now))
    click.echo(f"Token {token_id} was revoked.", err=True)
