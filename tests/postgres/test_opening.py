"""Tests that the configuration's URL opens a database of a server."""

import os
from pathlib import Path

import pytest

from shorty.config import StorageConfig
from shorty.databases import open_database, prepare_storage
from shorty.errors import StartError
from shorty.postgres.connections import COMMAND
from shorty.storage import state
from tests.engines import Databases
from tests.postgres.support import ask_aside

pytestmark = pytest.mark.postgres_only
NODES = "select node from writers order by node"


async def test_a_url_opens_a_database_whose_schema_was_created(
    databases: Databases, tmp_path: Path
) -> None:
    url = databases.create(options="")
    storage = StorageConfig(database=url, folder=str(tmp_path))
    prepare_storage(storage, now=0)
    db = await open_database(storage)
    secret = await db.write(state.find_or_make_secret)
    assert await db.write(state.find_or_make_secret) == secret
    assert await db.is_readable()
    assert db.is_in_place()
    await db.close()
    assert db.node == os.uname().nodename
    assert db.place("journal") == storage.place("journal")
    assert "postgresql://" in db.name
    assert ask_aside(url, NODES) == [(f"{db.node}/main",)]


async def test_a_command_writes_beside_the_server(database_url: str, tmp_path: Path) -> None:
    storage = StorageConfig(database=database_url, folder=str(tmp_path), node="here")
    server = await open_database(storage)
    command = await open_database(storage, is_command=True)
    for db in (server, command, server, command):
        await db.write(lambda tx: state.write_probe(tx, 1))
    assert server.is_in_place()
    assert (server.node, command.node) == ("here", "here")
    await command.close()
    await server.close()
    command_name, node = (row[0] for row in ask_aside(database_url, NODES))
    assert command_name.startswith(COMMAND)
    assert node == "here/main"


@pytest.mark.parametrize("password", ["secret%zz", "12/secret", "a/secret@b"])
async def test_a_faulty_url_is_refused_in_a_sentence_without_its_password(
    tmp_path: Path, password: str
) -> None:
    url = f"postgresql://me:{password}@host/links"
    storage = StorageConfig(database=url, folder=str(tmp_path))
    with pytest.raises(StartError, match=r"\[storage\] database is not the URL") as raised:
        await open_database(storage)
    assert "secret" not in str(raised.value)
