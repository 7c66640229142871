"""The process: a light supervisor that owns the port and the database's lock, and its workers.

The supervisor keeps `lock`, and `port` with its `listener`, for its whole life. `supervisor`
starts, watches and stops the workers: one, or several on PostgreSQL. `signals` are what it obeys,
`slots` the workers' places, `process` is a worker as it sees it, and `handshake` defines what both
exchange. `worker` runs the application on granian, `shares` closes connections of clients that have
too many, `arrivals` handles the last connections before a stop, and `left_journals` stores the
clicks of workers that run no longer. Only workers import granian and the application, so that the
supervisor stays small.
"""

from collections.abc import Callable

from msgspec.structs import replace

from shorty.config import Config
from shorty.serve.handshake import Patience
from shorty.serve.lock import lock_database
from shorty.serve.port import open_port
from shorty.serve.supervisor import Supervisor

__all__ = ["Patience", "lock_database", "serve"]

APPLICATION = "shorty.app:App"
PATIENCE = Patience()


def serve(
    config: Config,
    read_config: Callable[[], Config] | None = None,
    *,
    application: str = APPLICATION,
    patience: Patience = PATIENCE,
) -> None:
    """Serves until SIGTERM or Ctrl-C; raises StartError, as a sentence, if it cannot.

    SIGHUP restarts the worker with the result of `read_config`. `application` names a class as
    `module:Class`, which the worker instantiates: see `worker.Application`.
    """
    with (
        lock_database(config.storage.lock, patience.lock_s),
        open_port(config.server.host, config.server.port, config.server.workers) as port,
    ):
        Supervisor(application, port, settle_port(config, port.number), patience).run(read_config)


def settle_port(config: Config, port: int) -> Config:
    """Port 0 in the settings means any free one; returns the settings with the actual port."""
    return replace(config, server=replace(config.server, port=port))
