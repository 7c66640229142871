"""What the domain itself refuses, from any door."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from shorty.accounts.model import Actor
from shorty.config import Plan
from shorty.errors import FeatureOffError, ForbiddenError, NotFoundError
from shorty.storage.database import Database, Transaction
from shorty.webhooks import service, store
from shorty.webhooks.model import DeliveryFilter, SigningSecret
from tests.reading import reader
from tests.support import DAY, NOW, build_actor
from tests.webhooks.making import (
    OWNER,
    click,
    insert_calling_links,
    list_all,
    make_outbox,
    move_links,
)

HOOK = "https://hooks.example/one"
VIEWERS = [build_actor(role="viewer"), build_actor(scope="read")]
EDITORS = [build_actor(role="editor"), build_actor(scope="write")]

WITHOUT_WEBHOOKS = replace(build_actor(), plan=Plan(name="small", webhooks=False))

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
@pytest.mark.parametrize("action", [get_secret, rotate_secret])
async def test_the_secret_is_for_those_who_manage_the_workspace(
    db: Database, actor: Actor, action: Deed
) -> None:
    with pytest.raises(ForbiddenError):
        await db.write(lambda tx: action(tx, actor))
    assert not reader(db).find_all("select * from webhook_secrets")


@pytest.mark.parametrize("actor", VIEWERS)
@pytest.mark.parametrize("action", [redeliver, send_test])
async def test_who_may_only_read_sends_nothing(db: Database, actor: Actor, action: Deed) -> None:
    before = await list_all(db)
    with pytest.raises(ForbiddenError):
        await db.write(lambda tx: action(tx, actor))
    assert await list_all(db) == before


@pytest.mark.parametrize("actor", EDITORS)
async def test_who_changes_links_sends_again_and_tests(db: Database, actor: Actor) -> None:
    for action in (redeliver, send_test):
        await db.write(lambda tx, action=action: action(tx, actor))
    assert len(await list_all(db)) == 2


async def test_another_workspaces_deliveries_are_not_there(db: Database) -> None:
    stranger = build_actor(workspace_id=OWNER.workspace_id + 1)
    with pytest.raises(NotFoundError):
        await db.write(lambda tx: redeliver(tx, stranger))
    with pytest.raises(NotFoundError):
        await service.get_record(db, stranger, 1, NOW)
    assert await service.list_receivers(db, stranger, 0, 10) == []


async def test_the_secrets_and_receivers_of_two_workspaces_are_their_own(db: Database) -> None:
    await move_links(db)
    other = build_actor(workspace_id=2)
    ann = await db.write(lambda tx: service.get_secret(tx, OWNER, NOW))
    eve = await db.write(lambda tx: service.get_secret(tx, other, NOW))
    assert ann != eve

    def rotate(tx: Transaction) -> SigningSecret:
        store.replace_secret(tx, 2, NOW + 5, NOW)  # valid only for a moment
        return service.rotate_secret(tx, OWNER, NOW + 5)

    rotated = await db.write(rotate)
    assert rotated.previous_until == NOW + 5 + DAY
    rows = reader(db).find_all(
        "select workspace_id, secret, expires_at from webhook_secrets order by id"
    )
    assert [tuple(row) for row in rows] == [
        (1, ann.secret, NOW + 5 + DAY),
        (2, eve.secret, NOW + 5),
        (2, rows[2]["secret"], None),
        (1, rotated.secret, None),
    ]
    kept = await db.write(lambda tx: service.get_secret(tx, other, NOW + 4))
    assert kept == SigningSecret(secret=rows[2]["secret"], previous_until=NOW + 5)
    for url in (HOOK, "https://hooks.example/two"):
        await db.write(lambda tx, url=url: service.send_test(tx, other, url, NOW + 1))
    received = [await service.list_receivers(db, by, 0, 10) for by in (OWNER, other)]
    assert [[(each.id, each.workspace_id, each.url) for each in some] for some in received] == [
        [(1, 1, HOOK)],
        [(2, 2, HOOK), (3, 2, "https://hooks.example/two")],
    ]
    assert [each.id for each in await service.list_receivers(db, other, 2, 10)] == [3]
    assert [each.id for each in await service.list_receivers(db, other, 0, 1)] == [2]


async def test_a_secret_that_expires_is_removed_with_the_next_rotation(db: Database) -> None:
    first = await db.write(lambda tx: service.get_secret(tx, OWNER, NOW))
    await db.write(lambda tx: service.rotate_secret(tx, OWNER, NOW))
    last = await db.write(lambda tx: service.rotate_secret(tx, OWNER, NOW + DAY))
    rows = reader(db).find_all("select secret from webhook_secrets order by id")
    assert first.secret not in {row["secret"] for row in rows}
    assert (len(rows), rows[-1]["secret"]) == (2, last.secret)


async def test_at_most_five_secrets_sign_and_the_one_in_use_does(db: Database) -> None:
    rotated = [await db.write(lambda tx: service.rotate_secret(tx, OWNER, NOW)) for _ in range(7)]
    rows = await db.write(lambda tx: store.find_or_make_secrets(tx, 1, NOW))
    assert [row["expires_at"] for row in rows] == [None] + [NOW + DAY] * 4
    assert rows[0]["secret"] == rotated[-1].secret


@pytest.mark.parametrize("action", [get_secret, rotate_secret, redeliver, send_test])
async def test_a_plan_without_webhooks_changes_nothing(db: Database, action: Deed) -> None:
    before = await list_all(db)
    with pytest.raises(FeatureOffError):
        await db.write(lambda tx: action(tx, WITHOUT_WEBHOOKS))
    assert await list_all(db) == before
    assert not reader(db).find_all("select * from webhook_secrets")


async def test_a_plan_without_webhooks_reads_nothing(db: Database) -> None:
    for asked in (
        service.list_receivers(db, WITHOUT_WEBHOOKS, 0, 10),
        service.list_deliveries(db, WITHOUT_WEBHOOKS, DeliveryFilter(), NOW),
        service.get_record(db, WITHOUT_WEBHOOKS, 1, NOW),
    ):
        with pytest.raises(FeatureOffError):
            await asked


async def test_what_is_sent_by_hand_wakes_the_worker(db: Database) -> None:
    outbox = make_outbox()
    db.subscribe(outbox.hear)
    for work in (redeliver, send_test):
        await db.write(lambda tx, work=work: work(tx, OWNER))
        assert outbox.news.is_set()
        outbox.news.clear()
