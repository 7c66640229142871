"""Owns reads of several results from one moment, and of long results in pieces."""

import sqlite3
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Protocol

import aiosqlite

from shorty.storage.connections import describe_failure, number_parameters
from shorty.storage.database import Database, Row, Value


class Rows(Protocol):
    """A source of rows: a snapshot, or the database with its current state at each query."""

    async def find_all(self, sql: str, *parameters: Value) -> list[Row]: ...


class Snapshot:
    """The database at the moment of the first read. Its methods raise StorageUnavailableError."""

    def __init__(self, reader: aiosqlite.Connection) -> None:
        self._reader = reader

    async def find_all(self, sql: str, *parameters: Value) -> list[Row]:
        with _explaining():
            return list(await self._reader.execute_fetchall(number_parameters(sql), parameters))

    async def read_pieces(
        self, sql: str, *parameters: Value, size: int
    ) -> AsyncGenerator[list[Row]]:
        """Lists of up to `size` rows, in constant memory."""
        with _explaining():
            async with self._reader.execute(number_parameters(sql), parameters) as cursor:
                while rows := await cursor.fetchmany(size):
                    yield list(rows)


@asynccontextmanager
async def open_snapshot(db: Database) -> AsyncGenerator[Snapshot]:
    """Reserves a reader until the end.

    The reader's thread may begin the transaction after the caller was cancelled, so it is always
    rolled back.
    """
    async with db.borrow_reader() as reader:
        try:
            with _explaining():
                await reader.execute("begin")
            yield Snapshot(reader)
        finally:
            await reader.rollback()  # has no effect if no transaction was begun


@contextmanager
def _explaining() -> Generator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise describe_failure(error) from error
