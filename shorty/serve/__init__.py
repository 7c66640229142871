"""The process: a light supervisor that owns the port and the database's lock, and one worker.

`lock` and `listener` are what the supervisor holds for its whole life, `supervisor` starts, watches
and stops the worker, `worker` runs the application on granian, `shares` closes connections where a
client has too many, `arrivals` looks after the last ones before a stop, `handshake` is what both
processes agree on. Only the worker imports granian and the application, so that the supervisor
stays small.
"""

from collections.abc import Callable

from msgspec.structs import replace

from shorty.config import Config
from shorty.serve.handshake import Patience
from shorty.serve.listener import open_listener
from shorty.serve.lock import lock_database
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
    """Serves until SIGTERM or Ctrl-C; raises StartError, in a sentence, where it cannot.

    SIGHUP restarts the worker with what `read_config` returns then. `application` names a class
    as `module:Class`, made in the worker: see `worker.Application`.
    """
    with (
        lock_database(config.storage.database, patience.lock_s),
        open_listener(config.server.host, config.server.port) as listener,
    ):
        settled = settle_port(config, listener.getsockname()[1])
        Supervisor(application, listener, settled, patience).run(read_config)


def settle_port(config: Config, port: int) -> Config:
    """Port 0 in the settings means any free one; from here on it is the one that was given."""
    return replace(config, server=replace(config.server, port=port))
