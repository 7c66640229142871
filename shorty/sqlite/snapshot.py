"""Reads several results from one moment, and long results in pieces."""

import sqlite3
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager

import aiosqlite

from shorty.sqlite.connections import describe_failure, number_parameters
from shorty.storage.database import Row, Value


class SqliteSnapshot:
    """`storage.database.Snapshot`: a reader inside a transaction."""

    def __init__(self, reader: aiosqlite.Connection) -> None:
        self._reader = reader

    async def find_all(self, sql: str, *parameters: Value) -> list[Row]:
        with _explaining():
            return list(await self._reader.execute_fetchall(number_parameters(sql), parameters))

    async def read_pieces(
        self, sql: str, *parameters: Value, size: int
    ) -> AsyncGenerator[list[Row]]:
        with _explaining():
            async with self._reader.execute(number_parameters(sql), parameters) as cursor:
                while rows := await cursor.fetchmany(size):
                    yield list(rows)


@asynccontextmanager
async def hold_snapshot(reader: aiosqlite.Connection) -> AsyncGenerator[SqliteSnapshot]:
    """The reader's thread may begin the transaction after the caller was cancelled, so it is always
    rolled back.
    """
    try:
        with _explaining():
            await reader.execute("begin")
        yield SqliteSnapshot(reader)
    finally:
        await reader.rollback()  # has no effect if no transaction was begun


@contextmanager
def _explaining() -> Generator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise describe_failure(error) from error
