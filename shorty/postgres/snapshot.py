"""Reads of several results from one moment, and of long results in pieces."""

from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from itertools import count
from typing import Final

import psycopg

from shorty.postgres.connections import describe_failure
from shorty.postgres.readers import AsyncPipeline
from shorty.postgres.values import write_read_parameters
from shorty.storage.database import Row, Value

BEGIN: Final = "begin isolation level repeatable read read only"
# Who reads in pieces may be as slow as the network to which they go, and reads to the end. A pool's
# session has none of our settings.
ALLOW_SLOWNESS: Final = """
select set_config('idle_in_transaction_session_timeout', '10min', true),
  set_config('statement_timeout', '10min', true), set_config('cursor_tuple_fraction', '1', true),
  set_config('jit', 'off', true)
"""


class PostgresSnapshot:
    """`storage.database.Snapshot` on a connection of its own."""

    def __init__(self, reader: AsyncPipeline) -> None:
        self._reader = reader
        self._numbers = count(1)

    async def find_all(self, sql: str, *parameters: Value) -> list[Row]:
        with explaining():
            # A plan that has become useless would end the transaction, so none is kept.
            values = write_read_parameters(parameters)
            return self._reader.read_rows(await self._reader.ask(sql, values, is_kept=False))

    async def read_pieces(
        self, sql: str, *parameters: Value, size: int
    ) -> AsyncGenerator[list[Row], None]:
        with explaining():
            name = f"pieces_{next(self._numbers)}"
            declare = f"declare {name} no scroll cursor for {sql}"
            await self._reader.ask(declare, write_read_parameters(parameters), is_kept=False)
            fetch = f"fetch forward {size} from {name}"
            while rows := self._reader.read_rows(await self._reader.ask(fetch, is_kept=False)):
                yield rows


@asynccontextmanager
async def hold_snapshot(reader: AsyncPipeline) -> AsyncGenerator[PostgresSnapshot]:
    """The connection is idle again at the end, unless it was lost or the caller cancelled."""
    with explaining():
        await reader.ask(BEGIN)
        await reader.ask(ALLOW_SLOWNESS)
    try:
        yield PostgresSnapshot(reader)
    finally:
        if reader.is_idle:
            with explaining():
                await reader.ask("rollback")


@contextmanager
def explaining() -> Generator[None]:
    try:
        yield
    except psycopg.Error as error:
        raise describe_failure(error) from error
