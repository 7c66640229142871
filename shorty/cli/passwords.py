"""Asks for passwords: they are never an argument, which other users of the machine could read."""

import sys

import rich_click as click

from shorty.errors import InvalidFieldsError
from shorty.passwords import find_password_fault


def read_password() -> str:
    """Asked for twice at a terminal, else one line of standard input. Raises InvalidFieldsError."""
    if sys.stdin.isatty():
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    if fault := find_password_fault(password):
        raise InvalidFieldsError({"password": fault})
    return password
