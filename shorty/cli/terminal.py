"""Terminal input and output of commands: passwords, and the progress of a transfer."""

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager

import rich_click as click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from shorty.cli.tables import count
from shorty.errors import InvalidFieldsError
from shorty.passwords import find_own_password_fault, find_password_fault
from shorty.transfer.progress import Transfer


def read_password(*, is_own: bool = False) -> str:
    """Prompts twice at a terminal, else reads a line of standard input. Raises InvalidFieldsError.

    Passwords are never an argument, which other users of the machine could read. `is_own` is for
    the password of an account, which must be longer than a link's.
    """
    if sys.stdin.isatty():
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    find_fault = find_own_password_fault if is_own else find_password_fault
    if fault := find_fault(password):
        raise InvalidFieldsError({"password": fault})
    return password


@contextmanager
def show_progress(what: str) -> Generator[Callable[[Transfer], None]]:
    """Shows progress on stderr inside the block."""
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what, total=None)

        def show(state: Transfer) -> None:
            links = f"{what}: {count(state.created + state.there, 'link')}"
            clicks = f", {count(state.clicks, 'click')}" if state.clicks else ""
            progress.update(
                task, completed=state.done, total=state.total or None, description=links + clicks
            )

        yield show
