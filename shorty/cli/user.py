"""`shorty user`: people's accounts. Passwords are prompted for or read, never an argument."""

import rich_click as click

from shorty.accounts.email_proof import is_unproven_account
from shorty.accounts.model import User
from shorty.accounts.rules import NOBODYS_EMAIL
from shorty.accounts.second_factor import has_second_factor, remove_second_factor
from shorty.accounts.service import (
    Home,
    add_user,
    change_email,
    claim_first_workspace,
    get_user,
    list_users,
    prepare_first_workspace,
    set_password,
)
from shorty.accounts.tokens import count_own_tokens
from shorty.cli.options import (
    config_option,
    json_option,
    print_json,
)
from shorty.cli.session import Session, with_database
from shorty.cli.tables import print_table, show_time
from shorty.cli.terminal import read_password
from shorty.passwords import hash_password
from shorty.storage.database import Transaction
from shorty.webcore.times import format_optional_time


@click.group("user")
def command() -> None:
    """Accounts: add, list, change an email or a password, reset a second factor."""


@command.command("add")
@click.argument("email")
@click.option(
    "--name", default="", help="The person's name. Default: the part of the email before the @."
)
@config_option
@with_database
async def add(session: Session, *, email: str, name: str) -> None:
    """Add a person who can sign in, with their own workspace.

    The password is prompted for, or read from standard input. The first person gets the workspace
    that `shorty token create` created, if it exists.
    """
    password_hash = await hash_password(read_password(is_own=True))
    home = await session.db.write(lambda tx: add_person(tx, session, email, name, password_hash))
    click.echo(f"Added {home.user.email} with the workspace {home.workspace.name!r}.", err=True)


def add_person(
    tx: Transaction, session: Session, email: str, name: str, password_hash: str
) -> Home:
    config, now = session.config, session.now
    if prepare_first_workspace(tx, config, now).user.email == NOBODYS_EMAIL:
        return claim_first_workspace(tx, config, email, name, password_hash, now, by_operator=True)
    return add_user(tx, config, email, now, name=name, password_hash=password_hash)


@command.command("list")
@json_option
@config_option
@with_database
async def list_(session: Session, *, as_json: bool) -> None:
    """List all accounts."""
    users = await list_users(session.db)
    if as_json:
        print_json([describe_user(user) for user in users])
        return
    rows = [
        (
            *(user.id, user.email, user.email_verified_at is not None),
            *(user.name, show_time(user.created_at)),
        )
        for user in users
    ]
    print_table(["ID", "EMAIL", "VERIFIED", "NAME", "CREATED"], rows, empty="No accounts.")


def describe_user(user: User) -> dict[str, object]:
    return {
        "id": str(user.id),
        "email": user.email,
        "emailVerified": user.email_verified_at is not None,
        "name": user.name,
        "createdAt": format_optional_time(user.created_at),
    }


@command.command("email")
@click.argument("email")
@click.argument("new", required=False)
@config_option
@with_database
async def email_(session: Session, *, email: str, new: str | None) -> None:
    """Change an account's email to NEW. Without NEW, confirm that the current email is right.

    Either way it counts as verified afterwards, on your word.
    """

    def change(tx: Transaction) -> tuple[User, list[str]]:
        user = get_user(tx, email)
        left = [] if new else list_what_opens(tx, user, session.now, has_new_password=False)
        return change_email(tx, user.id, new or user.email, session.now), left

    changed, left = await session.db.write(change)
    said = "now signs in with" if new else "is verified as"
    click.echo(f"{changed.name} {said} {changed.email}.", err=True)
    tell_of_former_holder(left)


def list_what_opens(tx: Transaction, user: User, now: int, *, has_new_password: bool) -> list[str]:
    """What still gives access to an account with an unverified email, and how to end each."""
    if not is_unproven_account(tx, user.id):
        return []
    left: list[str] = []
    if not has_new_password:
        left.append(f"the password and active sessions: shorty user passwd {user.email}")
    if tokens := count_own_tokens(tx, user.id, now):
        left.append(f"API tokens ({tokens}): shorty token list, shorty token revoke ID")
    if has_second_factor(tx, user.id):
        left.append(f"the second factor: shorty user reset-totp {user.email}")
    return left


def tell_of_former_holder(left: list[str]) -> None:
    if left:
        click.echo("If someone else set up this account earlier, remove their access:", err=True)
        for line in left:
            click.echo(f"  {line}", err=True)


@command.command("passwd")
@click.argument("email")
@config_option
@with_database
async def passwd(session: Session, *, email: str) -> None:
    """Set an account's password, which is prompted for or read from standard input."""
    await session.db.write(lambda tx: get_user(tx, email))
    password_hash = await hash_password(read_password(is_own=True))

    def change(tx: Transaction) -> list[str]:
        set_password(tx, email, password_hash, session.now)
        return list_what_opens(tx, get_user(tx, email), session.now, has_new_password=True)

    left = await session.db.write(change)
    click.echo(f"The password of {email} was changed; all sessions were ended.", err=True)
    tell_of_former_holder(left)


@command.command("reset-totp")
@click.argument("email")
@config_option
@with_database
async def reset_totp(session: Session, *, email: str) -> None:
    """Reset an account's second factor, for example after losing a phone."""
    await session.db.write(lambda tx: remove_second_factor(tx, get_user(tx, email).id))
    click.echo(
        f"{email} signs in with only the password until a new second factor is set up.", err=True
    )
