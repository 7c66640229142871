"""Copies a whole database to a file with pg_dump, and a file into an empty one with pg_restore."""

import os
import re
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from shorty.config import StorageConfig
from shorty.errors import StartError
from shorty.postgres.inspection import Place, connect_place, open_checked
from shorty.postgres.migrations import (
    list_migrations,
    list_relations,
    read_applied,
    require_own_schema,
)
from shorty.postgres.programs import find_program, read_output, run_program
from shorty.storage.findings import StoredColumns
from shorty.storage.text import limit_findings, show_text

if TYPE_CHECKING:
    import psycopg

Progress = Callable[[int, int], object]
"""Called with how much is done, and the total."""

Judge = Callable[[StoredColumns], list[str]]
"""Says what is wrong with the content of a backup, as clauses."""

MAGIC: Final = b"PGDMP"
_SQLITE: Final = b"SQLite format 3\0"
# Unlogged tables have the visitor key of the day, which no copy may keep.
DUMP: Final = ("--format=custom", "--no-unlogged-table-data", "--verbose")
RESTORE: Final = (
    *("--single-transaction", "--exit-on-error", "--verbose"),
    *("--no-owner", "--no-privileges", "--no-comments", "--no-tablespaces"),
    *("--no-publications", "--no-subscriptions", "--no-security-labels"),
)
_SIZES: Final = """
select relname, pg_table_size(oid) from pg_class
where relkind = 'r' and relnamespace = to_regnamespace(current_schema())
"""
_CONTENTS: Final = re.compile(r'dumping contents of table "(?:[^"]*\.)?([^".]+)"')
_STEP: Final = re.compile("(?:creating|processing data for|executing) ")
_ENTRY: Final = re.compile(r"\d+; \d+ \d+ (.+)")
# What pg_dump writes of shorty's databases; the rest is another program's.
_KNOWN: Final = re.compile(
    r"(?:TABLE DATA|TABLE|SEQUENCE SET|SEQUENCE OWNED BY|SEQUENCE|DEFAULT|CONSTRAINT|FK CONSTRAINT"
    r"|INDEX|ACL|DEFAULT ACL|SCHEMA) (?!ATTACH )\S+ \S+.*"
    r"|EXTENSION - (?:pg_trgm|btree_gin) .*|COMMENT - .*|STATISTICS DATA .*"
)
_COPY: Final = re.compile(r"COPY (?:\S+\.)?(\w+) \((.*)\) FROM stdin;\n")
_ESCAPE: Final = re.compile(r"\\(.)")
_CONTROLS: Final = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def dump_database(storage: StorageConfig, target: int, on_progress: Progress) -> None:
    """Writes the database, as it is at one moment, to an open file; others can go on writing.

    Raises StartError if that is not possible.
    """
    place = Place(storage.direct)
    with open_checked(place) as connection:
        require_own_schema(connection, place)
        if not read_applied(connection):
            raise StartError(f"{place} is empty, so there is nothing to copy.")
        sizes = dict(connection.execute(_SIZES).fetchall())
        program = find_program("pg_dump", _find_version(connection))
    done, total, current = 0, sum(sizes.values()), 0

    def note(line: str) -> None:
        nonlocal done, current
        if match := _CONTENTS.search(line):
            done, current = done + current, sizes.get(match[1], 0)
            on_progress(done, total)

    run_program([program, *DUMP], url=place.url, stdout=target, on_line=note)
    on_progress(total, total)


def restore_dump(
    storage: StorageConfig, backup: BinaryIO, judge: Judge, on_progress: Progress
) -> None:
    """Fills an empty database, completely or not at all. Raises StartError if that fails."""
    place = Place(storage.direct)
    require_dump(backup)
    with open_checked(place) as connection:
        if list_relations(connection):
            raise StartError(
                f"{place} is not empty, and a backup is restored into an empty one only: run "
                f"`create database shorty_restored owner {place.user} encoding 'UTF8' template "
                "template0`, name that in [storage] database and run the command again."
            )
        program = find_program("pg_restore", _find_version(connection))
    total = require_backup(program, backup, judge)
    done = 0

    def note(line: str) -> None:
        nonlocal done
        if _STEP.match(line):
            done += 1
            on_progress(min(done, total), total)

    backup.seek(0)
    run_program([program, *RESTORE], url=place.url, stdin=backup.fileno(), on_line=note)
    with closing(connect_place(place)) as connection:
        connection.execute("analyze")  # without numbers of rows, it would plan lists badly


def require_dump(backup: BinaryIO) -> None:
    head = os.pread(backup.fileno(), len(_SQLITE), 0)
    if head == _SQLITE:
        raise StartError(
            f"{backup.name} is a backup of an SQLite database: restore it where [storage] database "
            "is a file, and then use `shorty move`. Nothing was changed."
        )
    if not head.startswith(MAGIC):
        raise StartError(
            f"{backup.name} is not a backup of a PostgreSQL database: create one with `shorty "
            "backup`. Nothing was changed."
        )


class DumpedColumns:
    """`storage.findings.StoredColumns` of a backup; each value is a text or None."""

    def __init__(self, program: str, backup: BinaryIO) -> None:
        self._program = program
        self._backup = backup

    def read_columns(self, table: str, names: Sequence[str]) -> Iterator[Sequence[str | None]]:
        asked = ("--data-only", f"--table={table}", "--file=-")
        columns: list[str] = []
        places: list[int | None] | None = None
        with closing(_ask(self._program, self._backup, *asked)) as lines:
            for line in lines:
                if places is None:
                    if match := _COPY.fullmatch(line):
                        columns = [name.strip('"') for name in match[2].split(", ")]
                        known = {name: place for place, name in enumerate(columns)}
                        places = [known.get(name) for name in names]
                elif line == "\\.\n":
                    places = None
                else:
                    cells = line[:-1].split("\t")
                    if len(cells) != len(columns):
                        raise StartError(
                            f"{self._backup.name} is damaged in the table {table}; nothing was "
                            "changed."
                        )
                    yield [None if place is None else _read_cell(cells[place]) for place in places]


def _read_cell(cell: str) -> str | None:
    """Of the text format of `copy`."""
    if "\\" not in cell:
        return cell
    return None if cell == "\\N" else _ESCAPE.sub(_read_escape, cell)


def _read_escape(match: "re.Match[str]") -> str:
    return _CONTROLS.get(match[1], match[1])


def require_backup(program: str, backup: BinaryIO, judge: Judge) -> int:
    """Returns how many entries the file has. Raises StartError if it is not shorty's."""
    with closing(_ask(program, backup, "--list")) as lines:
        entries = [match[1] for line in lines if (match := _ENTRY.fullmatch(line.rstrip("\n")))]
    faults = limit_findings(
        f"{show_text(entry)} does not belong to shorty"
        for entry in entries
        if not _KNOWN.fullmatch(entry)
    )
    columns = DumpedColumns(program, backup)
    faults = faults or list(_list_history_faults(columns)) or judge(columns)
    if faults:
        lines = "".join(f"- {fault}\n" for fault in faults)
        raise StartError(
            f"{backup.name} was not restored, and nothing was changed:\n{lines}Restore another "
            "backup."
        )
    return len(entries)


def _list_history_faults(columns: StoredColumns) -> Iterator[str]:
    known = [(str(each.version), each.name) for each in list_migrations()]
    rows = columns.read_columns("schema_migrations", ("version", "name"))
    applied = sorted((tuple(map(str, row)) for row in rows), key=_read_version)
    if applied[:1] != known[:1]:
        yield "the file is not a backup of shorty"
    elif len(applied) > len(known):
        yield (
            f"the file is from a newer shorty (schema {show_text(applied[-1][0])}; this version "
            f"supports up to {known[-1][0]})"
        )
    elif applied != known[: len(applied)]:
        yield "the file has a schema that this version of shorty does not know"
    elif not list(columns.read_columns("workspaces", ("id",))):
        yield "the file contains no workspace"


def _read_version(row: Sequence[str]) -> int:
    return int(row[0]) if row[0].isdigit() else 0


def _ask(program: str, backup: BinaryIO, *arguments: str) -> Generator[str]:
    """What pg_restore writes about the file, line by line."""
    backup.seek(0)
    return read_output([program, *arguments], stdin=backup.fileno())


def _find_version(connection: "psycopg.Connection[Any]") -> int:
    return connection.info.server_version // 10_000
