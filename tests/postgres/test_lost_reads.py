"""Tests that each read is answered where the event loop hears nothing of its connection's end."""

# pyright: reportPrivateUsage=false

import asyncio
import socket

import psycopg
import pytest

from shorty.postgres.database import PostgresDatabase
from shorty.postgres.readers import AsyncPipeline
from tests.postgres.support import PATIENCE_S, end_backends

pytestmark = pytest.mark.postgres_only


@pytest.mark.parametrize("is_sent_before", [True, False])
async def test_a_read_goes_on_where_sending_it_finds_the_connection_lost(
    db: PostgresDatabase, is_sent_before: bool
) -> None:
    await db.look_up("select 1 as one")
    pipeline = db._shared._pipeline
    assert pipeline
    reads = [asyncio.create_task(db.look_up("select 1 as one")) for _ in range(3)]
    if is_sent_before:
        await asyncio.sleep(0)
    lose(pipeline)
    async with asyncio.timeout(PATIENCE_S):
        found = await asyncio.gather(*reads)
    assert [tuple(row or ()) for row in found] == [(1,)] * 3


async def test_a_lost_connection_that_is_closed_late_leaves_the_next_one_alone(
    db: PostgresDatabase,
) -> None:
    """The next one gets the numbers of its sockets."""
    await db.look_up("select 1 as one")
    lost = db._shared._pipeline
    assert lost
    lose(lost)
    lost._take()
    dialler = db._shared._dialler
    following = await dialler.connect()
    assert lost._socket in {following.pgconn.socket, following._socket}
    lost.close()
    async with asyncio.timeout(PATIENCE_S):
        assert [row["one"] for row in await following.find_all("select 1 as one", ())] == [1]
    following.close()


async def test_a_read_is_answered_though_the_event_loop_does_not_watch_its_socket(
    db: PostgresDatabase, url: str
) -> None:
    await db.look_up("select 1 as one")
    pipeline = db._shared._pipeline
    assert pipeline
    asyncio.get_running_loop().remove_reader(pipeline._socket)
    async with asyncio.timeout(PATIENCE_S):
        found = [await db.look_up("select $1 as text", text) for text in ("a", "b")]
        assert [row["text"] for row in found if row] == ["a", "b"]
    asyncio.get_running_loop().remove_reader(pipeline._socket)
    end_backends(url)
    async with asyncio.timeout(PATIENCE_S):
        assert await db.look_up("select 1 as one")


def lose(pipeline: AsyncPipeline) -> None:
    """The driver closes its socket, of which the event loop hears nothing more."""
    with socket.fromfd(pipeline.pgconn.socket, socket.AF_UNIX, socket.SOCK_STREAM) as other:
        other.shutdown(socket.SHUT_RDWR)
    with pytest.raises(psycopg.OperationalError):
        pipeline.pgconn.consume_input()
