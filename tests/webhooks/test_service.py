"""What the domain itself refuses, whichever door asks."""

from collections.abc import Callable

import pytest

from shorty.accounts.model import Actor
from shorty.errors import ForbiddenError, NotFoundError
from shorty.storage.database import Database, Transaction
from shorty.webhooks import service
from tests.support import NOW, build_actor
from tests.webhooks.making import OWNER, click, insert_calling_links, list_all

HOOK = "https://hooks.example/one"
VIEWERS = [build_actor(role="viewer"), build_actor(scope="read")]
EDITORS = [build_actor(role="editor"), build_actor(scope="write")]

Deed = Callable[[Transaction, Actor], object]


def get_secret(tx: Transaction, actor: Actor) -> object:
    return service.get_secret(tx, actor, NOW)


def rotate_secret(tx: Transaction, actor: Actor) -> object:
    return service.rotate_secret(tx, actor, NOW)


def redeliver(tx: Transaction, actor: Actor) -> object:
    return service.redeliver(tx, actor, 1, NOW)


def send_test(tx: Transaction, actor: Actor) -> object:
    return service.send_test(tx, actor, HOOK, NOW)


@pytest.fixture
async def db(db: Database) -> Database:
    """With one delivery."""
    await insert_calling_links(db, HOOK)
    await click(db, 1)
    return db


@pytest.mark.parametrize("actor", [*VIEWERS, *EDITORS])
@pytest.mark.parametrize("deed", [get_secret, rotate_secret])
async def test_the_secret_is_for_those_who_manage_the_workspace(
    db: Database, actor: Actor, deed: Deed
) -> None:
    with pytest.raises(ForbiddenError):
        await db.write(lambda tx: deed(tx, actor))
    assert not db.look_up_all("select * from webhook_secrets")


@pytest.mark.parametrize("actor", VIEWERS)
@pytest.mark.parametrize("deed", [redeliver, send_test])
async def test_who_may_only_read_sends_nothing(db: Database, actor: Actor, deed: Deed) -> None:
    before = await list_all(db)
    with pytest.raises(ForbiddenError):
        await db.write(lambda tx: deed(tx, actor))
    assert await list_all(db) == before


@pytest.mark.parametrize("actor", EDITORS)
async def test_who_changes_links_sends_again_and_tests(db: Database, actor: Actor) -> None:
    for deed in (redeliver, send_test):
        await db.write(lambda tx, deed=deed: deed(tx, actor))
    assert len(await list_all(db)) == 2


async def test_another_workspaces_deliveries_are_not_there(db: Database) -> None:
    stranger = build_actor(workspace_id=OWNER.workspace_id + 1)
    with pytest.raises(NotFoundError):
        await db.write(lambda tx: redeliver(tx, stranger))
    with pytest.raises(NotFoundError):
        await service.get_record(db, stranger, 1, NOW)
    assert await service.list_receivers(db, stranger, 0, 10) == []
