"""Owns the schema's history on PostgreSQL: the twin of each SQLite migration, under its number.

No fill follows a migration here, as those of SQLite do: a database on PostgreSQL is never older
than this folder, so none of their rows exist. A migration that needs one brings the means along.

Nodes of two releases may share a database. With each migration the database records the oldest
schema whose release can still use it: an older release starts on a newer schema by that, and a
migration that a running node could not bear is refused.
"""

from functools import cache
from typing import Final

import psycopg
import structlog

from shorty.errors import StartError
from shorty.postgres.inspection import Place, open_checked, require_search
from shorty.postgres.lanes import NAME_KEY, NAMESPACE
from shorty.storage.database import Lane
from shorty.storage.migrations import Migration, read_migrations

RECORD: Final = """
create table if not exists schema_migrations (
  version bigint primary key,
  name text collate "C" not null,
  applied_at bigint not null,
  runs_from bigint
)
"""
# Releases that recorded none needed the schema to be theirs.
_ADD_FLOOR: Final = "alter table schema_migrations add column if not exists runs_from bigint"
_EXISTS: Final = "select to_regclass('schema_migrations') is not null"
_READ: Final = "select version, name from schema_migrations order by version"
_ADD: Final = """
insert into schema_migrations (version, name, applied_at, runs_from) values (%s, %s, %s, %s)
"""
# By way of JSON, as a database that was never upgraded by such a release has no such column.
_FIND_FLOOR: Final = """
select coalesce(max(coalesce(cast(to_jsonb(m) ->> 'runs_from' as bigint), version)), 0)
from schema_migrations m where version > %s
"""
_HAS_NODES: Final = "select to_regclass('nodes') is not null"
# A node that runs has the lock of its name.
_LIST_LEFT_BEHIND: Final = f"""
select name from nodes
where coalesce(cast(cast(facts as jsonb) ->> 'schema' as bigint), 0) < %s
  and not pg_try_advisory_xact_lock({NAME_KEY.replace("$1", "name")})
order by name
"""  # noqa: S608 - an expression of ours
# Relations of the schema in which shorty's would be created, without those of extensions.
_RELATIONS: Final = """
select c.relname from pg_class c
where c.relnamespace = to_regnamespace(current_schema()) and c.relkind in ('r', 'p', 'v', 'm', 'f')
  and not exists (select from pg_depend d where d.objid = c.oid and d.deptype = 'e')
order by c.relname
"""
# Waiting for a lock on a table stops all who come later, so it must not take long.
LOCK_PATIENCE: Final = "3s"
TRIES: Final = 20
_SETTINGS: Final = """
select set_config('lock_timeout', %s, true), set_config('statement_timeout', '0', true),
  set_config('idle_in_transaction_session_timeout', '0', true)
"""
LANES: Final = tuple(sorted(Lane))
_LOCK: Final = "select pg_advisory_xact_lock(%s, lane) from unnest(%s::int[]) as lane order by lane"

log = structlog.get_logger(__name__)


@cache
def list_migrations() -> tuple[Migration, ...]:
    """Every migration this release knows, oldest first."""
    return read_migrations("shorty.postgres.migrations")


def prepare_database(url: str, now: int) -> list[Migration]:
    """Creates the schema or brings it up to date; returns the migrations that were applied.

    Raises StartError, with a sentence for the operator, if that fails.
    """
    place = Place(url)
    applied: list[Migration] = []
    with open_checked(place) as connection:
        while migration := _apply_patiently(connection, place, now):
            applied.append(migration)
        _note_newer(connection)
    return applied


def find_version(url: str) -> int:
    """The schema's version; 0 for a database without one."""
    with open_checked(Place(url)) as connection:
        applied = read_applied(connection)
    return applied[-1][0] if applied else 0


def read_applied(connection: psycopg.Connection) -> list[tuple[int, str]]:
    """Version and name of each recorded migration, oldest first."""
    if connection.execute(_EXISTS).fetchone() != (True,):
        return []
    return connection.execute(_READ).fetchall()


def require_own_schema(connection: psycopg.Connection, place: Place) -> None:
    """Raises StartError unless the database is empty, or has a schema that this release can use."""
    applied = read_applied(connection)
    known = [(each.version, each.name) for each in list_migrations()]
    if not applied:
        _require_emptiness(connection, place)
    elif applied[0] != known[0]:
        raise StartError(f"{place} is another program's: create one for shorty alone.")
    elif applied[: len(known)] != known[: len(applied)]:
        raise StartError(f"{place} has a schema that this version of shorty does not know.")
    elif _find_floor(connection, known[-1][0]) > known[-1][0]:
        raise StartError(
            f"{place} was upgraded by a newer shorty (schema {applied[-1][0]}; this version "
            f"supports up to {known[-1][0]}): install that version, or restore an earlier backup."
        )


def _find_floor(connection: psycopg.Connection, version: int) -> int:
    """The oldest schema whose release can use the migrations after `version`; 0 for any."""
    row = connection.execute(_FIND_FLOOR, (version,)).fetchone()
    return row[0] if row else 0


def list_relations(connection: psycopg.Connection) -> list[str]:
    """Tables and views of the schema that shorty uses, without those of extensions."""
    return [name for (name,) in connection.execute(_RELATIONS).fetchall()]


def _note_newer(connection: psycopg.Connection) -> None:
    newest, known = read_applied(connection)[-1][0], list_migrations()[-1].version
    if newest > known:
        log.info("database_newer", schema=newest, supports=known)


def _require_emptiness(connection: psycopg.Connection, place: Place) -> None:
    found = [name for name in list_relations(connection) if name != "schema_migrations"]
    if found:
        raise StartError(
            f"{place} has tables of another program ({', '.join(found[:3])}): create one for "
            "shorty alone."
        )


def _apply_patiently(connection: psycopg.Connection, place: Place, now: int) -> Migration | None:
    """Applies the next migration once nobody stands in its way; None if there is none."""
    for number in range(1, TRIES + 1):
        try:
            with connection.transaction():
                return _apply_next(connection, place, now)
        except psycopg.errors.LockNotAvailable:
            log.warning("database_upgrade_waits", attempt=number, attempts=TRIES)
    raise StartError(
        f"{place} is written to by another process without a pause, so its schema cannot be "
        "upgraded: stop that process first."
    )


def _apply_next(connection: psycopg.Connection, place: Place, now: int) -> Migration | None:
    connection.execute(_SETTINGS, (LOCK_PATIENCE,))
    connection.execute(_LOCK, (NAMESPACE, list(LANES)))
    require_own_schema(connection, place)
    require_search(connection, place)
    missing = list_migrations()[len(read_applied(connection)) :]
    if not missing:
        return None
    migration = missing[0]
    _require_no_older_nodes(connection, place, migration)
    connection.execute(RECORD)
    connection.execute(_ADD_FLOOR)
    connection.execute(migration.sql.encode())
    connection.execute(_ADD, (migration.version, migration.name, now, migration.runs_from))
    return migration


def _require_no_older_nodes(
    connection: psycopg.Connection, place: Place, migration: Migration
) -> None:
    """Raises StartError where a node runs that could not go on after the migration."""
    if connection.execute(_HAS_NODES).fetchone() != (True,):
        return
    nodes = [name for (name,) in connection.execute(_LIST_LEFT_BEHIND, (migration.runs_from,))]
    if nodes:
        raise StartError(
            f"{place} is used by an older release that cannot run after this upgrade (schema "
            f"{migration.version}), on {', '.join(nodes)}: stop it there, and start this release "
            "again. It upgrades the database, and then starts everywhere."
        )
