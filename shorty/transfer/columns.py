"""Finds out what the columns of a table mean: as its person says, by names and by cells."""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from shorty.transfer.column_names import (
    DOUBTFUL,
    FIELD_NAMES,
    IGNORED,
    NAMES,
    NOTHING,
    OTHERS,
    Meaning,
    Nature,
)
from shorty.transfer.files import Hints, InvalidFileError
from shorty.transfer.lines import COLUMNS
from shorty.transfer.profiles import Profile, read_profiles
from shorty.transfer.states import KNOWN_FIELDS
from shorty.transfer.tables import Table, fold_column

# Only our own table has these. It is read as it was written.
OWN: Final = frozenset({"forwardparameters", "metapixelid", "bioclicks"})
LONGEST_LIST: Final = 500
_SYNONYMS: Final = {
    "ignore": NOTHING,
    "url": "destination",
    "createdat": "created",
    "updatedat": "updated",
    "expiresat": "expires",
    "clickcount": "clicks",
    "isactive": "active",
    "maxclicks": "max clicks",
}


class Columns(NamedTuple):
    """`fields` are the columns of each of our fields, the surest first."""

    fields: Mapping[str, tuple[str, ...]]
    profiles: Mapping[str, Profile]
    ignored: frozenset[str]
    is_own: bool

    def list_read(self) -> set[str]:
        return {column for columns in self.fields.values() for column in columns}


def find_columns(table: Table, hints: Hints) -> Columns:
    """Raises InvalidFileError where the table has no destinations, or no slugs."""
    named = find_named(table, hints)
    is_own = set(table.columns) >= OWN and not named
    profiles = {} if is_own else read_profiles(table, named)
    fields = find_fields(table, named, profiles)
    if not fields["destination"]:
        raise InvalidFileError(
            "The file has no column of destinations, such as url, long_url or destination. Its "
            f"columns are: {list_headings(table)}. Name the right one "
            "(from a shell: --column destination=NAME)."
        )
    if not (fields["slug"] or fields["short url"] or hints.new_slugs):
        raise InvalidFileError(
            "The file has no column of slugs or short links that shorty knows, and every link "
            f"would get a new slug. Its columns are: {list_headings(table)}. Name the right one, "
            "or let shorty create new slugs (from a shell: --column slug=NAME, or --new-slugs)."
        )
    ignored = frozenset(named.get(NOTHING, ()))
    return Columns(fields, profiles, ignored, is_own)


def list_headings(table: Table) -> str:
    return ", ".join(filter(None, table.headings))[:LONGEST_LIST]


def list_unknown(table: Table, columns: Columns) -> str:
    """The headings of columns that nothing is read from; empty if there are none."""
    known = columns.list_read() | columns.ignored | KNOWN_FIELDS | IGNORED
    known |= {fold_column(column) for column in COLUMNS} | {""}
    named = zip(table.columns, table.headings, strict=True)
    return ", ".join(heading for column, heading in named if column not in known)[:LONGEST_LIST]


def read_field(text: str) -> tuple[str, str]:
    """Our field and the column of `FIELD=NAME`. Raises ValueError."""
    field, sign, name = text.partition("=")
    folded = fold_column(field)
    fields = {each: each for each in OTHERS} | {fold_column(each): each for each in FIELD_NAMES}
    fields |= _SYNONYMS
    if not sign or not name.strip() or folded not in fields:
        listed = ", ".join(FIELD_NAMES)
        raise ValueError(f"must be FIELD=NAME, where FIELD is one of {listed}")
    return fields[folded], name.strip()


def find_named(table: Table, hints: Hints) -> dict[str, tuple[str, ...]]:
    """The columns that their person has named, by our fields. Raises InvalidFileError."""
    named: dict[str, tuple[str, ...]] = {}
    for field, name in hints.columns:
        column = table.find_column(name)
        if column is None:
            raise InvalidFileError(
                f"The file has no column {name[:100]!r}. Its columns are: {list_headings(table)}."
            )
        named[field] = (*named.get(field, ()), column)
    return named


def find_fields(
    table: Table, named: Mapping[str, tuple[str, ...]], profiles: Mapping[str, Profile]
) -> dict[str, tuple[str, ...]]:
    taken = {column for columns in named.values() for column in columns}
    free = set(table.columns) - taken
    fields = {
        field: named.get(field) or tuple(name for name in names if name in free)
        for field, names in {**OTHERS, **NAMES}.items()
    }
    fields.update(named)
    for column, meanings in DOUBTFUL.items():
        field = choose_meaning(fields, meanings, profiles.get(column)) if column in free else ""
        if field and field not in named:
            fields[field] = (*fields[field], column)
    return fields


def choose_meaning(
    fields: Mapping[str, tuple[str, ...]], meanings: Iterable[Meaning], profile: Profile | None
) -> str:
    """The field; empty if it is of none. Without a profile, its first one."""
    for nature, field in meanings:
        if profile is not None and nature not in profile.natures:
            continue
        is_taken = bool(fields.get(field)) or (field == "slug" and bool(fields["short url"]))
        if not is_taken or field == "title":
            return field
        if nature in {Nature.STATUS, Nature.FLAG}:
            return NOTHING
    return NOTHING
