"""The commands: parse, call a domain, print. One module per group, loaded on demand.

Results go to stdout, everything else to stderr. Exit codes: 0 success, 1 failure, 2 misuse.
"""

import sys
from importlib import import_module
from typing import Final

import rich_click as click

from shorty import __version__
from shorty.cli.options import config_option
from shorty.errors import InvalidFieldsError, ShortyError, StorageUnavailableError

MODULES: Final = {
    "adopt": "shorty.cli.adopt",
    "analytics": "shorty.cli.analytics",
    "backup": "shorty.cli.backup",
    "check": "shorty.cli.check",
    "domain": "shorty.cli.domain",
    "export": "shorty.cli.exports",
    "import": "shorty.cli.imports",
    "link": "shorty.cli.link",
    "move": "shorty.cli.move",
    "nodes": "shorty.cli.nodes",
    "restore": "shorty.cli.restore",
    "serve": "shorty.cli.serve",
    "token": "shorty.cli.token",
    "user": "shorty.cli.user",
}


class LazyGroup(click.RichGroup):
    """Imports a command's module only when it is used: `--version` needs none."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return sorted(MODULES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        module = MODULES.get(cmd_name)
        return import_module(module).command if module else None


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="shorty", message="%(prog)s %(version)s")
@config_option
def root() -> None:
    """A self-hosted link shortener."""


def main() -> None:
    """Runs the command line; expected errors are printed to stderr as one plain sentence."""
    try:
        root()
    except Exception as error:
        if not is_expected(error):
            raise
        click.echo(describe_failure(error), err=True)
        sys.exit(1)


def is_expected(error: Exception) -> bool:
    """SQLite's errors are recognised by their names, as only the commands that need it load it."""
    return isinstance(error, ShortyError | OSError) or type(error).__module__ == "sqlite3"


def describe_failure(error: Exception) -> str:
    """The sentence with its cause, which the operator may see but API callers may not."""
    if isinstance(error, InvalidFieldsError):
        faults = error.fields.items()
        return "\n".join(
            f"{name.replace('_', '-')}: {fault.rstrip('.')}." for name, fault in faults
        )
    if isinstance(error, StorageUnavailableError):
        return f"{error} ({error.__cause__})"
    if isinstance(error, ShortyError):
        return error.message
    if isinstance(error, OSError):
        return f"{error.filename}: {error.strerror}." if error.filename else f"{error.strerror}."
    return f"The database cannot be used: {error}."
