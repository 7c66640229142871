"""Checks a PostgreSQL server and its database for `shorty check`, and changes neither."""

import secrets
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from typing import Any, Final

import psycopg

from shorty.config import StorageConfig
from shorty.errors import StartError
from shorty.postgres.inspection import (
    EXTENSIONS,
    Place,
    connect_place,
    open_checked,
    require_letters,
)
from shorty.postgres.lanes import LIST_HOLDERS, NAMESPACE, read_holder
from shorty.postgres.migrations import list_migrations, read_applied, require_own_schema
from shorty.postgres.readers import READERS
from shorty.postgres.schema import list_schema_faults
from shorty.postgres.threads import THREADS
from shorty.storage.database import Lane, LaneHolder
from shorty.storage.findings import Finding, note, ok, wrong
from shorty.storage.lane_holders import describe_longest
from shorty.storage.text import limit_findings

# The writers, one each for what travels together, for what runs alone and for changes of other
# nodes, the other readers and the threads.
CONNECTIONS: Final = len(Lane) + 3 + READERS + THREADS
CLOCK_DIFFERENCE_S: Final = 0.5
# The server ends transactions of shorty's own that stand still much earlier.
OLD_TRANSACTION_S: Final = 300
# Twice what autovacuum waits for by default, in a table that is not small.
MANY_DEAD_ROWS: Final = 10_000
DEAD_SHARE: Final = 0.4

_EXTENSIONS: Final = """
select w.name, e.extname is not null, a.name is not null
from unnest(%s::text[]) as w (name)
left join pg_extension e on e.extname = w.name
left join pg_available_extensions a on a.name = w.name
"""
_FOREIGN_OWNERS: Final = """
select distinct pg_get_userbyid(relowner) from pg_class
where relnamespace = to_regnamespace(current_schema()) and relkind = 'r'
  and not pg_has_role(relowner, 'usage')
"""
_UNSAFE: Final = ("fsync", "full_page_writes")
_SETTING: Final = "select current_setting(%s)"
_FREE_CONNECTIONS: Final = """
with others as (
  select datname, usename from pg_stat_activity
  where backend_type = 'client backend' and pid <> pg_backend_pid()
)
select used, most from (
  select 1 as place, (select count(*) from others) as used,
    current_setting('max_connections')::int
      - current_setting('superuser_reserved_connections')::int as most
  union all select 2, (select count(*) from others where others.datname = d.datname), datconnlimit
  from pg_database d where d.datname = current_database() and datconnlimit >= 0
  union all select 3, (select count(*) from others where others.usename = r.rolname), rolconnlimit
  from pg_roles r where r.rolname = current_user and rolconnlimit >= 0
) as limits
order by most - used, place limit 1
"""
_TRY_LOCK: Final = "select pg_try_advisory_xact_lock(%s, %s)"
_CLOCK: Final = "select cast(extract(epoch from clock_timestamp()) as double precision)"
_OLDEST: Final = """
select a.pid, a.usename, a.application_name, a.state,
  extract(epoch from clock_timestamp() - a.xact_start)::bigint as age
from pg_stat_activity a
where a.datname = current_database() and a.pid <> pg_backend_pid() and a.xact_start is not null
  and a.backend_type in ('client backend', 'walsender')
order by a.xact_start
"""
_PREPARED: Final = """
select gid, extract(epoch from clock_timestamp() - prepared)::bigint from pg_prepared_xacts
where database = current_database() order by prepared limit 1
"""
_DEAD_ROWS: Final = """
select relname, n_dead_tup, n_live_tup from pg_stat_user_tables
where schemaname = current_schema() and n_dead_tup >= %s and n_dead_tup > %s * n_live_tup
order by n_dead_tup desc limit 3
"""

Connection = psycopg.Connection[Any]


def list_findings(
    storage: StorageConfig, clock: Callable[[], float]
) -> Generator[Finding, None, bool]:
    """Returns whether the database can be used as it is; `clock` gives seconds since the epoch."""
    try:
        place, shared = Place(storage.direct), Place(storage.database)
        with open_checked(place) as connection:
            return (yield from _inspect(connection, place, shared, clock))
    except StartError as error:
        yield wrong(f"Database: {error.message.removeprefix('The database ')}")
        return False


def _inspect(
    connection: Connection, place: Place, shared: Place, clock: Callable[[], float]
) -> Generator[Finding, None, bool]:
    version = connection.info.parameter_status("server_version") or ""
    yield ok(
        f"Server: PostgreSQL {version.partition(' ')[0]} on {place.host}; the database "
        f"{place.database} has the encoding UTF8."
    )
    yield check_clock(connection, clock)
    yield from check_durability(connection, place)
    yield check_connections(connection)
    yield from check_transactions(connection)
    yield from check_dead_rows(connection)
    yield check_lock(place, shared)
    is_known = yield from check_history(connection, place)
    has_extensions = yield from check_extensions(connection, place)
    return is_known and has_extensions and (yield from check_schema(connection, place))


def check_clock(connection: Connection, clock: Callable[[], float]) -> Finding:
    before = clock()
    server = _find_value(connection, _CLOCK)
    after = clock()
    ahead = (before + after) / 2 - server
    if abs(ahead) - (after - before) / 2 < CLOCK_DIFFERENCE_S:
        return ok("Clock: this machine and the server agree.")
    word = "ahead of" if ahead > 0 else "behind"
    return note(
        f"Clock: this machine is {abs(ahead):.1f} s {word} the server; synchronise both clocks by "
        "NTP."
    )


def check_durability(connection: Connection, place: Place) -> Iterator[Finding]:
    """An answered request must survive a crash of the server, and of its machine."""
    unsafe = [name for name in _UNSAFE if _find_value(connection, _SETTING, name) == "off"]
    for name in unsafe:
        yield wrong(
            f"Durability: {name} is off, so a power cut can destroy the database; set {name} = on "
            "in postgresql.conf and reload the server."
        )
    commit = _find_value(connection, _SETTING, "synchronous_commit")
    replicas = _find_value(connection, _SETTING, "synchronous_standby_names")
    repair = f"run `alter database {place.database} set synchronous_commit = on`"
    if commit == "off":
        yield wrong(
            "Durability: synchronous_commit is off, so a crash loses clicks and changes that were "
            f"answered; {repair}."
        )
    elif commit == "local" and replicas:
        yield note(
            "Durability: synchronous_commit is local, so a replica that takes over may lack what "
            f"was answered; {repair}."
        )
    elif not unsafe:
        to_replicas = " and on the synchronous replicas" if replicas else ""
        yield ok(f"Durability: what is answered is on the server's disk{to_replicas}.")


def check_connections(connection: Connection) -> Finding:
    """Of the limits of the server, the database and the role, that with the least room counts."""
    row = connection.execute(_FREE_CONNECTIONS).fetchone()
    used, most = row or (0, 0)
    text = f"Connections: {used} of {most} are in use"
    if most - used >= CONNECTIONS:
        return ok(f"{text}.")
    return note(
        f"{text}; a server of shorty needs up to {CONNECTIONS}. Raise max_connections, or the "
        "limit of the database or the role."
    )


def check_transactions(connection: Connection) -> Iterator[Finding]:
    """The oldest open transaction, and the one that keeps writers waiting."""
    holders = list_lane_holders(connection)
    in_lanes = {each.pid for each in holders}
    longest = describe_longest(holders)
    rows = connection.execute(_OLDEST).fetchall()
    others = [row for row in rows if row[0] not in in_lanes and row[4] >= OLD_TRANSACTION_S]
    if longest:
        yield note(f"Transactions: {longest}.")
    for pid, role, program, state, age in others[:1]:
        yield note(
            f"Transactions: process {pid} of the server ({role}, {program or 'unnamed'}, {state}) "
            f"has a transaction open for {age} s, so that dead rows stay; let it finish, or end it "
            f"with `select pg_terminate_backend({pid})`."
        )
    for gid, age in connection.execute(_PREPARED).fetchall():
        if age >= OLD_TRANSACTION_S:
            yield note(
                f"Transactions: the prepared transaction {gid!r} has been open for {age} s; finish "
                "it with `commit prepared` or `rollback prepared`."
            )
            return
    if not longest and not others:
        yield ok("Transactions: none has been open for long.")


def list_lane_holders(connection: Connection) -> list[LaneHolder]:
    """Who is in a lane now, over all nodes, the longest first."""
    cursor = psycopg.RawCursor(connection).execute(LIST_HOLDERS, (NAMESPACE, len(Lane)))
    return [read_holder(row) for row in cursor.fetchall()]


def check_dead_rows(connection: Connection) -> Iterator[Finding]:
    """Rows that updates and deletes left: without a vacuum, tables grow and become slow."""
    if _find_value(connection, _SETTING, "autovacuum") == "off":
        yield note(
            "Dead rows: autovacuum is off, so tables only grow; set autovacuum = on in "
            "postgresql.conf and reload the server."
        )
    rows = connection.execute(_DEAD_ROWS, (MANY_DEAD_ROWS, DEAD_SHARE)).fetchall()
    for table, dead, live in rows:
        yield note(
            f"Dead rows: {table} has {dead:,} beside {live:,} in use, so autovacuum does not keep "
            f"up; run `vacuum (analyze) {table}`, and lower autovacuum_vacuum_cost_delay."
        )
    if not rows:
        yield ok("Dead rows: few.")


def check_lock(place: Place, shared: Place) -> Finding:
    """Whether two connections exclude each other, as the writers of all processes must.

    `shared` is what the writers use: the same database, perhaps through a pool of connections.
    """
    key = secrets.randbits(31)
    with closing(connect_place(shared)) as first, closing(connect_place(place)) as second:
        with first.transaction():
            is_taken = _find_value(first, _TRY_LOCK, NAMESPACE, key)
            is_shared = _find_value(second, _TRY_LOCK, NAMESPACE, key)
        is_free_again = _find_value(second, _TRY_LOCK, NAMESPACE, key)
    if is_taken and is_free_again and not is_shared:
        return ok("Locks: advisory locks keep writers apart.")
    if shared.url != place.url:
        return wrong(
            "Locks: [storage] listen leads to another database than [storage] database, so this "
            "server would hear no changes; let both lead to the same one."
        )
    return wrong(
        "Locks: pg_advisory_xact_lock does not keep two connections apart, so counts would become "
        "wrong; connect to PostgreSQL itself, not to a program that imitates it."
    )


def check_history(connection: Connection, place: Place) -> Generator[Finding, None, bool]:
    """Returns whether the database has a schema that this release knows, and owns."""
    try:
        require_own_schema(connection, place)
    except StartError as error:
        yield wrong(f"Database: {error.message.removeprefix('The database ')}")
        return False
    owners = [owner for (owner,) in connection.execute(_FOREIGN_OWNERS).fetchall()]
    if owners:
        yield wrong(
            f"Database: tables belong to {owners[0]}; run `reassign owned by {owners[0]} to "
            f"{place.user}` in {place.database} as a superuser."
        )
        return False
    applied = read_applied(connection)
    if not applied:
        yield ok(f"Database: {place.database} is empty; `shorty serve` creates the schema.")
    return bool(applied)


def check_schema(connection: Connection, place: Place) -> Generator[Finding, None, bool]:
    """Returns whether this release can use it, and nothing was changed in it.

    What belongs to a newer schema, only a newer release can tell.
    """
    version, latest = read_applied(connection)[-1][0], list_migrations()[-1].version
    if version > latest:
        yield note(
            f"Database: {place.database} has schema {version}, of a newer release. This one, which "
            f"knows schema {latest}, can use it; upgrade this node next."
        )
        return True
    try:
        faults = limit_findings(list_schema_faults(connection))
    except psycopg.errors.InsufficientPrivilege:
        yield note(
            f"Database: the schema cannot be compared, as {place.user} may not create temporary "
            f"tables; run `grant temporary on database {place.database} to {place.user}`."
        )
        faults = []
    for text in faults:
        yield wrong(f"Database: {place.database}: {text}; restore a backup or undo this change.")
    if faults:
        return False
    if version < latest:
        yield ok(
            f"Database: {place.database} has schema {version}; `shorty serve` upgrades it to "
            f"{latest}."
        )
    else:
        yield ok(f"Database: {place.database} has schema {version}; nothing is missing or added.")
    return version == latest


def check_extensions(connection: Connection, place: Place) -> Generator[Finding, None, bool]:
    """Returns whether they are there, whatever they know."""
    missing = 0
    for name, is_created, is_installed in connection.execute(_EXTENSIONS, (list(EXTENSIONS),)):
        missing += not is_created
        if not is_installed:
            yield wrong(
                f"Search: the server lacks the extension {name}; install the package with "
                "PostgreSQL's own extensions (postgresql-contrib)."
            )
        elif not is_created and read_applied(connection):
            yield wrong(
                f"Search: {place.database} lacks the extension {name}; run `create extension "
                f"{name}` there as its owner or a superuser."
            )
    if missing:
        return False
    try:
        require_letters(connection, place)
    except StartError as error:
        yield wrong(f"Search: {error.message.removeprefix('The database ')}")
    else:
        yield ok(f"Search: the extensions {' and '.join(EXTENSIONS)} know letters of all scripts.")
    return True


def _find_value(connection: Connection, sql: str, *parameters: object) -> Any:
    row = connection.execute(sql.encode(), parameters).fetchone()
    return row[0] if row else None
