"""Opens connections to the server, with the settings of every session, and names its failures.

Behind a pool that gives each transaction any session, such as pgbouncer, a session keeps neither
settings nor prepared statements for us. `is_pooled` tells such a connection.
"""

import secrets
from collections.abc import Mapping
from typing import Any, Final

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from shorty.errors import StorageUnavailableError
from shorty.postgres.values import register_loaders
from shorty.storage.database import Lane

COMMAND: Final = "command-"
OF: Final = "/"  # which no node's name contains
NOW_MS: Final = "cast(extract(epoch from clock_timestamp()) * 1000 as bigint)"
"""The server's clock, for statements: UTC milliseconds."""

LONGEST_NAME: Final = 63  # in bytes; nodes' names are ASCII
# What a URL does not say itself. A peer that has gone without a word is noticed in ten seconds.
_DEFAULTS: Final[Mapping[str, str | int]] = {
    "connect_timeout": 3,
    "keepalives": 1,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 5000,
}
_ALWAYS: Final[Mapping[str, str]] = {"client_encoding": "UTF8"}

# A transaction that stands still keeps all others of its lane waiting, so the server ends it.
SETTINGS: Final[Mapping[str, str]] = {
    "statement_timeout": "60s",
    # A node that stands still with all three lanes may give them up one after the other.
    "lock_timeout": "20s",
    "idle_in_transaction_session_timeout": "5s",
    # The server ends a statement whose caller has gone away.
    "client_connection_check_interval": "2s",
    # It ends the session of a caller that is cut off, in five seconds, with the lanes that it has.
    "tcp_keepalives_idle": "2s",
    "tcp_keepalives_interval": "1s",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "5s",
    # Compiling a plan takes longer than what it saves of reads as short as ours.
    "jit": "off",
}
# A node that stands still, or can't reach the server, is no node for the others after this time.
LISTENER_SETTINGS: Final[Mapping[str, str]] = {**SETTINGS, "idle_session_timeout": "5s"}

# The server itself ended the session: it stops, has crashed, or the transaction stood still.
_FATAL: Final = frozenset({"FATAL", "PANIC"})
_NO_PRIVILEGE: Final = "42501"


def name_command() -> str:
    """The name of a process beside the server, which ends soon and never starts again."""
    return f"{COMMAND}{secrets.token_hex(8)}"


def is_command(writer: str) -> bool:
    return writer.startswith(COMMAND)


def name_lane(node: str, lane: Lane) -> str:
    """The name of a node's writer for that lane."""
    return f"{node}{OF}{lane.name.lower()}"


def find_node(writer: str) -> str:
    """Whose writer that is."""
    return writer.partition(OF)[0]


def write_conninfo(url: str, node: str) -> str:
    """The connection string with our defaults. Raises psycopg.ProgrammingError for a faulty URL.

    The server knows the sessions by the node's name.
    """
    said = conninfo_to_dict(url)
    defaults = {"application_name": f"shorty {node}"[:LONGEST_NAME], **_DEFAULTS}
    missing = {name: value for name, value in defaults.items() if name not in said}
    return make_conninfo(url, **missing, **_ALWAYS)


def write_name(url: str) -> str:
    """How messages name the database: without the password and the options."""
    said = conninfo_to_dict(url)
    host = said.get("host") or said.get("hostaddr") or "localhost"
    port = f":{said['port']}" if "port" in said else ""
    return f"postgresql://{host}{port}/{said.get('dbname') or said.get('user') or ''}"


def write_settings(settings: Mapping[str, str]) -> str:
    """A statement that makes them those of the transaction."""
    return f"select {_list_settings(settings, is_local=True)}"


def _list_settings(settings: Mapping[str, str], *, is_local: bool) -> str:
    end = "true" if is_local else "false"
    return ", ".join(f"set_config('{name}', '{text}', {end})" for name, text in settings.items())


def _write_session(settings: Mapping[str, str], pid: int) -> bytes:
    """Answers no row and sets nothing where the session is a pool's, which has a `pid` of its own.

    A pool would hand the settings on to whoever gets the session next.
    """
    set_all = _list_settings(settings, is_local=False)
    return f"select {set_all} where pg_backend_pid() = {pid}".encode()


def is_pooled(connection: "psycopg.Connection[Any] | psycopg.AsyncConnection[Any]") -> bool:
    """Whether the transactions of a connection that was opened here may be in various sessions."""
    return connection.prepare_threshold is None


def connect(conninfo: str, settings: Mapping[str, str]) -> psycopg.Connection[Any]:
    """Raises psycopg.OperationalError if the server cannot be reached or refuses."""
    connection = psycopg.connect(conninfo, autocommit=True)
    try:
        own = connection.execute(_write_session(settings, connection.info.backend_pid)).fetchone()
    except BaseException:
        connection.close()
        raise
    if own is None:
        connection.prepare_threshold = None
    register_loaders(connection.adapters)
    return connection


async def connect_async(conninfo: str, settings: Mapping[str, str]) -> psycopg.AsyncConnection[Any]:
    """Raises psycopg.OperationalError if the server cannot be reached or refuses."""
    connection = await psycopg.AsyncConnection.connect(conninfo, autocommit=True)
    try:
        pid = connection.info.backend_pid
        own = await (await connection.execute(_write_session(settings, pid))).fetchone()
    except BaseException:
        await connection.close()
        raise
    if own is None:
        connection.prepare_threshold = None
    register_loaders(connection.adapters)
    return connection


def describe_failure(error: BaseException) -> BaseException:
    """Turns the server's failures into StorageUnavailableError; keeps faults in statements."""
    if isinstance(
        error, psycopg.OperationalError | psycopg.InterfaceError | psycopg.InternalError
    ) or (isinstance(error, psycopg.Error) and error.sqlstate == _NO_PRIVILEGE):
        unavailable = StorageUnavailableError()
        unavailable.__cause__ = error
        return unavailable
    return error


def is_fatal(error: psycopg.Error) -> bool:
    """Whether the session has ended with it.

    Each of the server's errors has a code; one without is the driver's, about the connection.
    """
    return error.sqlstate is None or error.diag.severity_nonlocalized in _FATAL
