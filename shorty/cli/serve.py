"""`shorty serve`: runs everything."""

import os

import rich_click as click

from shorty.cli.options import config_option, find_named_config
from shorty.config import Config, load_config
from shorty.serve import serve


@click.command("serve")
@click.option("--host", help="The address to listen on, instead of the configuration's.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    metavar="PORT",
    help="The port to listen on, instead of the configuration's; 0 takes any free one.",
)
@config_option
def command(*, host: str | None, port: int | None) -> None:
    """Run everything: API, redirects, webhooks, dashboard.

    Creates the database and brings it up to date by itself. Prints one line when it answers. Stops
    cleanly on SIGTERM and Ctrl-C; SIGHUP reads the configuration again.
    """
    file = find_named_config()

    def read_settings() -> Config:
        return load_config(file, os.environ, host=host, port=port)

    serve(read_settings(), read_settings)
