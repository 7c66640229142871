"""`shorty serve`: runs everything."""

import os

import rich_click as click

from shorty.cli.options import config_option, find_named_config
from shorty.config import Config, load_config
from shorty.serve import serve


@click.command("serve")
@click.option("--host", help="IP address or host name to listen on, instead of the configured one.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    metavar="PORT",
    help="Port to listen on, instead of the configured one; 0 uses any free port.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    metavar="COUNT",
    help="Processes that answer requests, instead of the configured number; needs PostgreSQL.",
)
@config_option
def command(*, host: str | None, port: int | None, workers: int | None) -> None:
    """Run everything: API, redirects, webhooks, dashboard.

    Creates and upgrades the database automatically. Prints one line once it is ready. Shuts down
    cleanly on SIGTERM and Ctrl-C; SIGHUP reloads the configuration.
    """
    file = find_named_config()

    def read_settings() -> Config:
        return load_config(file, os.environ, host=host, port=port, workers=workers)

    serve(read_settings(), read_settings)
