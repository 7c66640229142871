"""Asks for passwords: they are never an argument, which other users of the machine could read."""

import sys

import rich_click as click

from shorty.errors import InvalidFieldsError
from shorty.passwords import find_own_password_fault, find_password_fault


def read_password(*, is_own: bool = False) -> str:
    """Asked for twice at a terminal, else one line of standard input. Raises InvalidFieldsError.

    `is_own` is for what opens an account, which may not be as short as a link's.
    """
    if sys.stdin.isatty():
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    find_fault = find_own_password_fault if is_own else find_password_fault
    if fault := find_fault(password):
        raise InvalidFieldsError({"password": fault})
    return password
