"""Tests how values become parameters, and inserts of one row those of many, without a server."""

from enum import IntEnum, StrEnum

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from shorty.errors import StorageUnavailableError
from shorty.postgres.connections import describe_failure, write_conninfo, write_name
from shorty.postgres.inserts import describe_insert
from shorty.postgres.values import (
    NulError,
    shape_row,
    write_array,
    write_parameters,
    write_read_parameters,
)

BIGINT, TEXT, BYTES = 20, 25, 17


class Number(IntEnum):
    TWO = 2


class Word(StrEnum):
    TWO = "two"


def test_parameters_are_text_of_no_type() -> None:
    values = ["ä", -5, None, 1.5, b"\0\xff", True, False, Number.TWO, Word.TWO]
    written = ["ä".encode(), b"-5", None, b"1.5", b"\\x00ff", b"1", b"0", b"2", b"two"]
    assert write_parameters(values) == written


def test_only_values_of_a_database_are_parameters() -> None:
    with pytest.raises(TypeError, match="list"):
        write_parameters([[1]])  # pyright: ignore[reportArgumentType]


def test_nul_in_a_text_to_be_stored_is_refused_and_in_one_to_be_found_replaced() -> None:
    with pytest.raises(NulError):
        write_parameters(["a\0"])
    with pytest.raises(NulError):
        write_array(["a", "b\0"])
    found, number = write_read_parameters(["a\0b", 1])
    assert found is not None
    assert b"\0" not in found
    assert len(found) > 30
    assert number == b"1"
    assert write_parameters([b"\0"]) == [b"\\x00"]


@pytest.mark.parametrize(
    ("values", "written"),
    [
        ([1], "{1}"),
        ((1,), "{1}"),
        ((1, -2), "{1, -2}"),
        ([1, None], "{1,NULL}"),
        ([True, 2], "{1,2}"),
        ([Number.TWO], "{2}"),
        ([1.5], "{1.5}"),
        (["NULL", None], '{"NULL",NULL}'),
        (['a"b\\c', "{,}"], '{"a\\"b\\\\c","{,}"}'),
        ([b"\x01"], '{"\\\\x01"}'),
    ],
)
def test_a_column_is_one_parameter(values: list[int], written: str) -> None:
    assert write_array(values) == written.encode()


def test_a_row_is_found_by_the_first_of_two_columns_of_one_name() -> None:
    row = shape_row(("a", "b", "a"))((1, 2, 3))
    assert (row["a"], row["b"], row[2]) == (1, 2, 3)
    assert row.keys() == ["a", "b", "a"]
    assert shape_row(("a", "b", "a")) is type(row)


def test_the_insert_of_one_row_becomes_one_of_many() -> None:
    sql = "insert into t (a, b, c)\nvalues ($2, coalesce($1, 'x'), 0)\non conflict do nothing"
    many = describe_insert(sql, [TEXT, BIGINT])
    assert many.sql == (
        "insert into t (a, b, c)\nselect given.p2, coalesce(given.p1, 'x'), 0"
        " from unnest($1::text[], $2::bigint[]) as given (p1, p2) on conflict do nothing"
    )
    assert many.write_columns([("a", 1), (None, 2)]) == [b'{"a",NULL}', b"{1, 2}"]


@pytest.mark.parametrize("row", [("a",), ("a", 1, 2)])
def test_a_row_of_another_width_is_refused(row: tuple[str, ...]) -> None:
    many = describe_insert("insert into t (a, b) values ($1, $2)", [TEXT, BYTES])
    with pytest.raises(ValueError, match="parameters"):
        many.write_columns([row])


@pytest.mark.parametrize(
    "sql",
    [
        "insert into t select $1",
        "insert into t (a) values ($1) on conflict (a) do update set b = $1",
    ],
)
def test_only_an_insert_whose_parameters_are_its_row_becomes_many(sql: str) -> None:
    with pytest.raises(AssertionError):
        describe_insert(sql, [TEXT])


def test_a_url_keeps_its_own_options_and_gets_ours() -> None:
    said = conninfo_to_dict(
        write_conninfo("postgresql://me@db/links?connect_timeout=9&sslmode=require", "here")
    )
    assert (said["connect_timeout"], said["sslmode"], said["keepalives"]) == ("9", "require", "1")
    assert said["application_name"] == "shorty here"
    said = conninfo_to_dict(write_conninfo("postgresql://me@db?application_name=links", "here"))
    assert said["application_name"] == "links"
    said = conninfo_to_dict(write_conninfo("postgresql://me@db/links", "n" * 63))
    assert said["application_name"] == f"shorty {'n' * 56}"


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("postgresql://me:secret@db:5433/links?sslmode=require", "postgresql://db:5433/links"),
        ("postgresql://me@/links?host=/run/postgresql", "postgresql:///run/postgresql/links"),
        ("postgresql://me@db", "postgresql://db/me"),
    ],
)
def test_a_database_is_named_without_its_password(url: str, name: str) -> None:
    assert write_name(url) == name


@pytest.mark.parametrize(
    ("error", "is_unavailable"),
    [
        (psycopg.OperationalError(), True),
        (psycopg.InterfaceError(), True),
        (psycopg.errors.DiskFull(), True),
        (psycopg.errors.ReadOnlySqlTransaction(), True),
        (psycopg.errors.UniqueViolation(), False),
        (psycopg.errors.UndefinedTable(), False),
        (psycopg.DataError(), False),
        (LookupError(), False),
    ],
)
def test_failures_of_the_server_are_told_from_faults(
    error: Exception, *, is_unavailable: bool
) -> None:
    described = describe_failure(error)
    assert isinstance(described, StorageUnavailableError) == is_unavailable
    assert described is error or described.__cause__ is error
