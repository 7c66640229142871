"""Copies all rows of one engine's database into the other's, and compares them.

Between the two a row is in the form that PostgreSQL's binary `copy` gives it: a count of fields,
then each one's length and bytes. Both ends are hashed in this form: rows as they leave the source,
and again as they are read from the target. Sums of hashes do not depend on the order of rows.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import blake2b
from struct import Struct as Layout
from typing import Final, Literal, NamedTuple, Protocol

from shorty.errors import StartError

Kind = Literal["integer", "text", "blob"]
Cell = int | str | bytes | None
Row = Sequence[Cell]

# What each engine has of its own, or fills by itself: the record of migrations; how far links are
# indexed for searches, which in a new database begins with the first; and the passes, which SQLite
# does not count, and which begin with a link's stored count.
NEVER_MOVED: Final = frozenset({"schema_migrations", "search_mark", "link_passes"})
# Tables in which a migration puts the only row.
SEEDED: Final = frozenset({"domain_sums"})

ROWS_AT_ONCE: Final = 1000
_HASH_BYTES: Final = 8
_SUMS: Final = 1 << 64
_COUNT: Final = Layout("!h")
_LENGTH: Final = Layout("!i")
_INTEGER: Final = Layout("!iq")
_NULL: Final = _LENGTH.pack(-1)


class Column(NamedTuple):
    name: str
    kind: Kind


class Table(NamedTuple):
    name: str
    columns: tuple[Column, ...]

    def write_columns(self) -> str:
        return ", ".join(f'"{column.name}"' for column in self.columns)


class Sum(NamedTuple):
    """The number of a table's rows, and the sum of their hashes."""

    rows: int
    hashes: int


# Called now and then with what is done, and with how many rows that is of how many.
Report = Callable[[str, int, int], None]


class Source(Protocol):
    """A database to which nobody else writes. Its methods raise StartError."""

    def list_tables(self) -> list[Table]: ...

    def count_rows(self, table: Table) -> int: ...

    def read_rows(self, table: Table) -> Iterator[bytes]: ...


class Target(Source, Protocol):
    """An empty database of this release's schema, which stays empty until `commit`."""

    def write_rows(self, table: Table, rows: Iterable[bytes]) -> None: ...

    def finish(self) -> None:
        """Creates the indexes and checks the references, after all rows were written."""
        ...

    def commit(self) -> None: ...


def move(source: Source, target: Target, report: Report) -> int:
    """Returns how many rows were copied, and are equal in both. Raises StartError otherwise."""
    tables = target.list_tables()
    _require_tables(source.list_tables(), tables)
    _require_emptiness(target, tables)
    progress = _Progress(report, 2 * sum(map(source.count_rows, tables)))
    sums: dict[str, Sum] = {}
    for table in tables:
        summing = _Summing(progress.follow(f"Copying {table.name}", source.read_rows(table)))
        target.write_rows(table, summing)
        sums[table.name] = summing.sum
    progress.tell("Creating the indexes")
    target.finish()
    for table in tables:
        summing = _Summing(progress.follow(f"Comparing {table.name}", target.read_rows(table)))
        for _ in summing:
            pass
        if summing.sum != sums[table.name]:
            raise StartError(
                f"The table {table.name} is not the same in both databases: "
                f"{sums[table.name].rows:,} rows were read and {summing.sum.rows:,} stored. "
                "Nothing was moved; please report this."
            )
    target.commit()
    return sum(each.rows for each in sums.values())


class _Summing:
    """Iterates over rows once, and has their sum afterwards."""

    def __init__(self, rows: Iterable[bytes]) -> None:
        self._rows = rows
        self.sum = Sum(0, 0)

    def __iter__(self) -> Iterator[bytes]:
        number = total = 0
        for row in self._rows:
            number += 1
            total += int.from_bytes(blake2b(row, digest_size=_HASH_BYTES).digest())
            yield row
        self.sum = Sum(number, total % _SUMS)


class _Progress:
    def __init__(self, report: Report, total: int) -> None:
        self._report = report
        self._total = total
        self._done = 0

    def tell(self, what: str) -> None:
        self._report(what, self._done, self._total)

    def follow(self, what: str, rows: Iterable[bytes]) -> Iterator[bytes]:
        self.tell(what)
        for row in rows:
            self._done += 1
            if self._done % ROWS_AT_ONCE == 0:
                self.tell(what)
            yield row


def _require_tables(found: list[Table], wanted: list[Table]) -> None:
    by_name = {table.name: set(table.columns) for table in found}
    for table in wanted:
        if by_name.get(table.name) != set(table.columns):
            raise StartError(
                f"The table {table.name} has other columns than this version of shorty gives it. "
                "Run `shorty check`."
            )


def _require_emptiness(target: Target, tables: list[Table]) -> None:
    for table in tables:
        if table.name not in SEEDED and target.count_rows(table):
            raise StartError(
                f"The database to move to is not empty (see its table {table.name}): name a new "
                "one. Nothing was changed."
            )


def pack_rows(table: Table, rows: Iterable[Row]) -> Iterator[bytes]:
    """Raises StartError for a value that a column of its kind cannot have."""
    count, kinds = _COUNT.pack(len(table.columns)), [column.kind for column in table.columns]
    pack_integer, pack_length = _INTEGER.pack, _LENGTH.pack
    for row in rows:
        parts = [count]
        for kind, value in zip(kinds, row, strict=True):
            if value is None:
                parts.append(_NULL)
            elif kind == "integer" and type(value) is int:
                parts.append(pack_integer(8, value))
            elif kind == "text" and type(value) is str and "\0" not in value:
                data = value.encode()
                parts += (pack_length(len(data)), data)
            elif kind == "blob" and type(value) is bytes:
                parts += (pack_length(len(value)), value)
            else:
                raise _describe_unfit(table, row)
        yield b"".join(parts)


def _describe_unfit(table: Table, row: Row) -> StartError:
    for column, value in zip(table.columns, row, strict=True):
        if value is None or (column.kind, type(value)) in _FITTING:
            if type(value) is not str or "\0" not in value:
                continue
            fault = "contains a null character"
        else:
            fault = f"is not of the type {column.kind}"
        key = f"{table.columns[0].name} = {row[0]!r}"
        return StartError(
            f"The column {column.name} of the table {table.name} {fault}, where {key}: correct or "
            "delete that row. Nothing was moved."
        )
    raise AssertionError(table.name)


_FITTING: Final = {("integer", int), ("text", str), ("blob", bytes)}


def unpack_rows(table: Table, rows: Iterable[bytes]) -> Iterator[list[Cell]]:
    kinds = [column.kind for column in table.columns]
    unpack_length, unpack_integer = _LENGTH.unpack_from, _INTEGER.unpack_from
    for row in rows:
        values: list[Cell] = []
        place = _COUNT.size
        for kind in kinds:
            (length,) = unpack_length(row, place)
            start = place + _LENGTH.size
            place = start + max(length, 0)
            if length < 0:
                values.append(None)
            elif kind == "integer":
                values.append(unpack_integer(row, start - _LENGTH.size)[1])
            elif kind == "text":
                values.append(row[start:place].decode())
            else:
                values.append(row[start:place])
        yield values
