"""Owns the schema's history: numbered, forward-only SQL files, each recorded as it is applied.

A newer schema is refused even where it only adds: one release at a time uses the file, whose schema
has to be exactly what its migrations create.
"""

import os
import sqlite3
import stat
from collections.abc import Callable, Mapping
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Final
from unicodedata import normalize

import idna

from shorty.errors import StartError
from shorty.sqlite.connections import connect
from shorty.sqlite.schema import SchemaFault, list_expected, list_schema_faults, read_entries
from shorty.storage.migrations import Migration, read_migrations

_RECORD_NAME: Final = "schema_migrations"
_RECORD: Final = """
create table if not exists schema_migrations (
  version integer primary key,
  name text not null,
  applied_at integer not null
)
"""

_NEXT_SLUGS: Final = "select id, slug_key from links where id > ? order by id limit ?"
_AT_ONCE: Final = 10_000

MOST_MIGRATIONS: Final = 10_000  # that a foreign database may record
SHOWN_FAULTS: Final = 3


@cache
def list_migrations() -> tuple[Migration, ...]:
    """Every migration this release knows, oldest first."""
    return read_migrations("shorty.sqlite.migrations")


def find_version(path: Path) -> int:
    """The schema's version; 0 for a database that does not exist or is empty."""
    if not path.is_file():  # a named pipe would wait for a writer
        return 0
    try:
        with closing(connect(path, read_only=True)) as connection:
            row = connection.execute("select max(version) from schema_migrations").fetchone()
    except sqlite3.OperationalError as error:
        if "no such table" in str(error):
            return 0
        raise
    return row[0] or 0


def find_history_fault(connection: sqlite3.Connection) -> str | None:
    """Why the recorded migrations are not this release's first ones, as a clause after a name."""
    applied = read_applied(connection)
    known = [(each.version, each.name) for each in list_migrations()]
    if applied[:1] != known[:1]:
        return "is not a shorty database"
    if len(applied) > len(known):
        return (
            f"was created by a newer shorty (schema {applied[-1][0]}; this version supports "
            f"up to {known[-1][0]}): install that version, or restore an earlier backup"
        )
    if applied != known[: len(applied)]:
        return "has a schema that this version of shorty does not know"
    return None


def list_version_faults(connection: sqlite3.Connection) -> list[SchemaFault]:
    """Differences from the schema of the version that the database records."""
    applied = list_migrations()[: len(read_applied(connection))]
    is_recorded = any(entry.name == _RECORD_NAME for entry in read_entries(connection))
    record = (_RECORD,) if is_recorded else ()
    return list_schema_faults(connection, (*record, *(each.sql for each in applied)))


def read_applied(connection: sqlite3.Connection) -> list[tuple[int, str]]:
    """Version and name of each recorded migration, oldest first.

    Also empty if the table's name belongs to another kind of object, which is not read.
    """
    [record] = list_expected((_RECORD,))
    if record not in read_entries(connection):
        return []
    rows = connection.execute("select version, name from schema_migrations order by version")
    return [(row["version"], row["name"]) for row in rows.fetchmany(MOST_MIGRATIONS)]


def require_own_schema(connection: sqlite3.Connection, path: Path) -> list[str]:
    """Clauses about unknown tables and their indexes, which shorty never touches.

    Raises StartError for every other difference from the schema that the migrations create.
    """
    connection.execute("begin")  # so that no other process migrates meanwhile
    try:
        fault = find_history_fault(connection) if read_applied(connection) else None
        found = list_version_faults(connection)
    finally:
        connection.execute("rollback")
    if fault is not None:
        raise StartError(f"The database {path} {fault}.")
    faults = [each.text for each in found if not each.is_inert]
    if faults:
        more = f" and {len(faults) - SHOWN_FAULTS} more" if len(faults) > SHOWN_FAULTS else ""
        raise StartError(
            f"The database {path} differs from shorty's schema: "
            f"{', '.join(faults[:SHOWN_FAULTS])}{more}. `shorty check` lists every difference. "
            "Restore a backup, or undo the changes."
        )
    return [each.text for each in found]


def prepare_database(path: Path, now: int) -> list[Migration]:
    """Creates the database or brings it up to date; returns the migrations that were applied.

    Raises StartError, with a sentence for the operator, if that fails.
    """
    try:
        create_file(path)
        connection = connect(path)
    except (OSError, sqlite3.Error) as error:
        reason = _describe_fault(error)
        raise StartError(f"The database {path} cannot be opened for writing: {reason}.") from error
    try:
        return _apply_missing(connection, path, now)
    except sqlite3.Error as error:
        raise StartError(f"The database {path} cannot be used: {error}.") from error
    finally:
        connection.close()


def _describe_fault(error: OSError | sqlite3.Error) -> str:
    """SQLite reports an I/O error if the disk has no room for the shared-memory file."""
    if getattr(error, "sqlite_errorname", "") == "SQLITE_IOERR_SHMSIZE":
        return "the disk is full"
    return str(error)


def create_file(path: Path) -> None:
    """Creates the file and its folder with access for the server's user only.

    SQLite gives its own files the same mode. Existing files and folders keep theirs, because their
    owner may have given a group access.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
    try:
        require_plain_file(os.fstat(file).st_mode, path)
    finally:
        os.close(file)


def require_plain_file(mode: int, path: Path) -> None:
    """Raises StartError for a device or pipe: reading it may never end, or wait for a writer."""
    if not stat.S_ISREG(mode):
        raise StartError(f"{path} is not a regular file, so it cannot be a database.")


def _apply_missing(connection: sqlite3.Connection, path: Path, now: int) -> list[Migration]:
    require_own_schema(connection, path)
    connection.execute(_RECORD)
    current = connection.execute("select max(version) from schema_migrations").fetchone()[0] or 0
    missing = [migration for migration in list_migrations() if migration.version > current]
    for migration in missing:
        _apply(connection, migration, now)
    return missing


def _apply(connection: sqlite3.Connection, migration: Migration, now: int) -> None:
    record = (
        f"insert into schema_migrations values ({migration.version}, '{migration.name}', {now})"  # noqa: S608 - all three are ours
    )
    try:
        connection.executescript(f"begin immediate;\n{migration.sql}")
        if fill := FILLS.get(migration.version):
            fill(connection)
        connection.execute(record)
        connection.execute("commit")
    except sqlite3.Error:
        if connection.in_transaction:
            connection.execute("rollback")
        raise


def spell_emails(connection: sqlite3.Connection) -> None:
    """Gives each email the one spelling that is compared from schema 13 on.

    If several rows have the same mailbox, a row with that spelling keeps it, or else the oldest
    gets it. The others stay unchanged, so that nobody loses an account.
    """
    for table in ("users", "invitations", "mail_links"):
        rows = connection.execute(f"select id, email from {table} order by id").fetchall()  # noqa: S608 - a name of ours
        connection.executemany(
            f"update or ignore {table} set email = ? where id = ?",  # noqa: S608 - a name of ours
            [(spelt, id) for id, email in rows if (spelt := _spell_email(email)) != email],
        )


def _spell_email(email: str) -> str:
    """Unchanged if its domain is not valid."""
    local, _, domain = email.rpartition("@")
    try:
        encoded = idna.encode(domain, uts46=True, std3_rules=True).decode().lower()
    except (idna.IDNAError, UnicodeError):
        return email
    return f"{normalize('NFC', normalize('NFD', local).casefold())}@{encoded}"


def spell_names(connection: sqlite3.Connection) -> None:
    """Gives tags and UTM templates the key that is compared from schema 18 on.

    Tags that look alike become the oldest of them, which gets the links of all. A template that
    looks like an older one goes if it says the same, and else gets a number behind its name.
    """
    _merge_tags(connection)
    _rename_templates(connection)


def _merge_tags(connection: sqlite3.Connection) -> None:
    kept: dict[tuple[int, str], int] = {}
    names: dict[int, str] = {}
    for id, workspace_id, name in connection.execute(
        "select id, workspace_id, name from tags order by id"
    ).fetchall():
        first = kept.setdefault((workspace_id, _fold_name(name)), id)
        if first == id:
            names[id] = name
            continue
        connection.execute(
            "update or ignore link_tags set tag_id = ? where tag_id = ?", (first, id)
        )
        connection.execute("delete from link_tags where tag_id = ?", (id,))
        connection.execute("delete from tags where id = ?", (id,))
    _write_names(connection, "tags", names)


def _rename_templates(connection: sqlite3.Connection) -> None:
    kept: dict[tuple[int, str], tuple[object, ...]] = {}
    names: dict[int, str] = {}
    rows = connection.execute(
        "select id, workspace_id, name, utm_source, utm_medium, utm_campaign, utm_term, "
        "utm_content, utm_id from utm_templates order by id"
    ).fetchall()
    taken = {(workspace_id, _fold_name(name)) for _, workspace_id, name, *_ in rows}
    for id, workspace_id, name, *values in rows:
        key = workspace_id, _fold_name(name)
        if kept.get(key) == tuple(values):
            connection.execute("delete from utm_templates where id = ?", (id,))
            continue
        number, names[id] = 1, name
        if key in kept:
            while key in taken:
                number += 1
                names[id] = f"{name[:90]} ({number})"
                key = workspace_id, _fold_name(names[id])
            taken.add(key)
        kept[key] = tuple(values)
    _write_names(connection, "utm_templates", names)


def _write_names(connection: sqlite3.Connection, table: str, names: Mapping[int, str]) -> None:
    """In two steps, as a new key may be what another row's was."""
    connection.execute(f"update {table} set name_key = 'to be filled: ' || id")  # noqa: S608 - a name of ours
    connection.executemany(
        f"update {table} set name = ?, name_key = ? where id = ?",  # noqa: S608 - a name of ours
        [(_spell_name(name), _fold_name(name), id) for id, name in names.items()],
    )


def _spell_name(name: str) -> str:
    return normalize("NFC", " ".join(name.split()))


def _fold_name(name: str) -> str:
    return normalize("NFC", normalize("NFD", _spell_name(name)).casefold())


def fold_slugs(connection: sqlite3.Connection) -> None:
    """Fills in the folded key of each link, deleted ones too; again where it was filled before."""
    last = 0
    while rows := connection.execute(_NEXT_SLUGS, (last, _AT_ONCE)).fetchall():
        connection.executemany(
            "update links set folded_key = ? where id = ?",
            [(_fold_slug(key), id) for id, key in rows],
        )
        last = rows[-1][0]


def _fold_slug(key: str) -> str:
    return key.lower() if key.isascii() else normalize("NFC", key.casefold())


# Changes of rows that SQL cannot express, by the version of the migration that they follow, in the
# same transaction. They are frozen and never call current code, whose results may change later.
FILLS: Final[Mapping[int, Callable[[sqlite3.Connection], None]]] = {
    13: spell_emails,
    18: spell_names,
    19: fold_slugs,
}
