"""Checks at the start whether a PostgreSQL server and its database are fit for shorty."""

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import Final, LiteralString

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from shorty.errors import StartError

OLDEST_VERSION: Final = 15
CONNECT_TIMEOUT_S: Final = 10
NO_URL: Final = (
    "[storage] database is not the URL of a PostgreSQL database: write it as "
    "postgresql://user:password@host/name, with %-codes for special characters."
)
EXTENSIONS: Final[tuple[LiteralString, ...]] = ("pg_trgm", "btree_gin")
# pg_trgm takes no letter but those of ASCII where the database's ctype is C.
_KNOWS_LETTERS: Final = "select cardinality(show_trgm('\N{LATIN SMALL LETTER E WITH ACUTE}')) > 0"
# The server writes its reason in its own language, of which this is the usual one.
_REASONS: Final[Mapping[str, str]] = {
    "authentication failed": "it does not accept the password of {user}",
    "no password supplied": "{user} needs a password: put it in the URL or a password file",
    "no pg_hba.conf entry": "its pg_hba.conf does not let {user} in from this machine",
    'role "': "it has no role {user}",
    'database "': "it has no database {database}: create it with `create database {database} "
    "owner {user} encoding 'UTF8' template template0`",
    "too many": "it has no free connection",
    "starting up": "it is starting up",
    "shutting down": "it is shutting down",
}
_COLUMNS: Final = """
select attname from pg_attribute
where attrelid = to_regclass(%s) and attnum > 0 and not attisdropped
"""
_ROWS_AT_ONCE: Final = 2000


class Place:
    """Where a URL leads, in words without its password."""

    def __init__(self, url: str) -> None:
        try:
            parts = conninfo_to_dict(url)
        except (psycopg.ProgrammingError, UnicodeDecodeError):  # which may contain the password
            raise StartError(NO_URL) from None
        # A slash in the password would make the rest of it the name of the database.
        if "@" in url.partition("://")[2].partition("?")[0].partition("/")[2]:
            raise StartError(NO_URL)
        self.url = url
        self.has_timeout = "connect_timeout" in parts
        self.host = str(parts.get("host") or "its default host")
        self.user = str(parts.get("user") or "the default user")
        self.database = str(parts.get("dbname") or self.user)

    def __str__(self) -> str:
        return f"The database {self.database} on {self.host}"


@contextmanager
def open_checked(place: Place) -> Generator[psycopg.Connection]:
    """A connection, on which each statement is a transaction, to a database fit for shorty.

    Raises StartError, with a sentence for the operator, for any other.
    """
    with closing(connect_place(place)) as connection:
        try:
            require_usable_server(connection, place)
            require_session(connection, place)
            yield connection
        except psycopg.errors.ReadOnlySqlTransaction as error:
            raise StartError(
                f"{place} is read-only: use the primary server, and a role that may write."
            ) from error
        except psycopg.errors.InsufficientPrivilege as error:
            raise StartError(
                f"{place} does not allow {place.user} to create tables: run `alter database "
                f"{place.database} owner to {place.user}`."
            ) from error
        except psycopg.Error as error:
            raise StartError(f"{place} cannot be used: {write_reason(error)}.") from error


def connect_place(place: Place) -> psycopg.Connection:
    """On the connection each statement is a transaction. Raises StartError."""
    timeout = None if place.has_timeout else CONNECT_TIMEOUT_S
    try:
        return psycopg.connect(
            place.url, autocommit=True, connect_timeout=timeout, prepare_threshold=None
        )
    except psycopg.Error as error:
        text = str(error)
        known = next((reason for part, reason in _REASONS.items() if part in text), None)
        reason = known.format(**vars(place)) if known else write_reason(error)
        raise StartError(f"{place} cannot be reached: {reason}.") from error


def write_reason(error: psycopg.Error) -> str:
    """The first line of what the server or its client says, without the end of its sentence."""
    text = error.diag.message_primary or str(error)
    line = text.strip().partition("\n")[0].rpartition("FATAL: ")[2]
    return line.strip().removeprefix("connection failed: ").rstrip(".") or type(error).__name__


def require_usable_server(connection: psycopg.Connection, place: Place) -> None:
    """Raises StartError for a server that is too old, and a database that cannot hold all texts."""
    version = connection.info.server_version
    if version < OLDEST_VERSION * 10_000:
        raise StartError(
            f"{place} runs on PostgreSQL {version // 10_000}: shorty needs {OLDEST_VERSION} or "
            "newer."
        )
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise StartError(
            f"{place} has the encoding {encoding}: create one with `create database "
            f"{place.database} owner {place.user} encoding 'UTF8' template template0`."
        )


def require_session(connection: psycopg.Connection, place: Place) -> None:
    """Raises StartError where a pool stands between: through one, no node hears the others.

    Its sessions have other numbers than those that the pool gives its own clients.
    """
    if connection.execute("select pg_backend_pid()").fetchone() != (connection.info.backend_pid,):
        raise StartError(
            f"{place} is behind a pool of connections, such as pgbouncer, through which no node "
            "hears what others change: let [storage] listen lead to the server itself."
        )


def require_search(connection: psycopg.Connection, place: Place) -> None:
    """Creates the extensions that searches need. Two processes must not do so at the same time.

    Raises StartError where they cannot be created, or would find ASCII letters alone.
    """
    for name in EXTENSIONS:
        try:
            connection.execute(b"create extension if not exists " + name.encode())
        except psycopg.errors.FeatureNotSupported as error:
            raise StartError(
                f"{place} lacks the extension {name}: install the package with PostgreSQL's own "
                "extensions (postgresql-contrib)."
            ) from error
        except psycopg.errors.InsufficientPrivilege as error:
            raise StartError(
                f"{place} lacks the extension {name}, which {place.user} may not create: run "
                f"`create extension {name}` there as its owner or a superuser."
            ) from error
    require_letters(connection, place)


def require_letters(connection: psycopg.Connection, place: Place) -> None:
    """Raises StartError where searches would find ASCII letters alone; needs the extensions."""
    row = connection.execute(_KNOWS_LETTERS).fetchone()
    if row != (True,):
        raise StartError(
            f"{place} has the ctype C, with which searches find ASCII letters alone: create one "
            f"with `create database {place.database} owner {place.user} encoding 'UTF8' "
            "locale 'C.UTF-8' template template0`."
        )


class PostgresColumns:
    """`storage.findings.StoredColumns` of one moment, on a connection that does nothing else."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection

    def read_columns(self, table: str, names: Sequence[str]) -> Iterator[Sequence[object]]:
        known = {name for (name,) in self._connection.execute(_COLUMNS, (table,)).fetchall()}
        if not known:
            return
        columns = [sql.Identifier(each) if each in known else sql.NULL for each in names]
        query = sql.SQL("select {} from {}").format(
            sql.SQL(", ").join(columns), sql.Identifier(table)
        )
        with self._connection.transaction(), self._connection.cursor("columns") as cursor:
            cursor.itersize = _ROWS_AT_ONCE
            yield from cursor.execute(query)
