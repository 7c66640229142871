"""`shorty token`: make, list and revoke API tokens."""

import rich_click as click

from shorty.accounts.model import NewToken, Scope, Token
from shorty.accounts.service import Home, get_home, prepare_first_workspace
from shorty.accounts.tokens import create_token_for, list_all_tokens, revoke_any_token
from shorty.cli.options import (
    config_option,
    json_option,
    print_json,
    print_table,
    show_time,
)
from shorty.cli.session import Session, with_database
from shorty.durations import DAY_MS
from shorty.storage.database import Transaction
from shorty.webcore.times import format_optional_time


@click.group("token")
def command() -> None:
    """API tokens: make, list, revoke."""


@command.command("create")
@click.option("--user", metavar="EMAIL", help="Whose token; otherwise the first workspace's owner.")
@click.option("--name", default="", help="What it is for, to tell it apart.")
@click.option(
    "--scope",
    type=click.Choice(["read", "write", "admin"]),
    default="admin",
    show_default=True,
    help="read: look; write: change links too; admin: manage tokens, domains and members too.",
)
@click.option(
    "--expires-in",
    type=click.IntRange(1, 36500),
    metavar="DAYS",
    help="Days until it stops working; otherwise it never does.",
)
@config_option
@with_database
async def create(
    session: Session, *, user: str | None, name: str, scope: Scope, expires_in: int | None
) -> None:
    """Make a token and print it, alone.

    It is shown this once and kept only as a digest. On an empty database this makes the first
    workspace and its owner, who has no password yet. It works while the server runs, at once.
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
    """List the tokens that work, without their secrets."""
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
    """Stop a token at once; `shorty token list` shows the ids."""
    await session.db.write(lambda tx: revoke_any_token(tx, token_id, session.now))
    click.echo(f"Token {token_id} is revoked.", err=True)
