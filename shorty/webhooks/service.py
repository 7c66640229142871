"""What callers can do with webhooks: the secret, the log, redelivery and a test.

Each function raises FeatureOffError if the plan has no webhooks.
"""

from typing import Final

from shorty.accounts.model import Actor, Scope
from shorty.accounts.roles import require_scope
from shorty.durations import DAY_MS
from shorty.errors import ConflictError, NotFoundError
from shorty.plans import require_feature
from shorty.storage.changes import DeliveriesQueued
from shorty.storage.database import Database, Lane, Transaction
from shorty.webhooks import log_store, queue, store
from shorty.webhooks.model import (
    URGENT,
    Delivery,
    DeliveryFilter,
    DeliveryRecord,
    Receiver,
    SigningSecret,
)
from shorty.webhooks.signature import make_message_id
from shorty.webhooks.store import NewDelivery

OLD_SECRET_MS: Final = DAY_MS
KEPT_MS: Final = 30 * DAY_MS
DELETED_AT_ONCE: Final = 500


def get_secret(tx: Transaction, actor: Actor, now: int) -> SigningSecret:
    """The workspace's secret, which is created at the first request. Raises ForbiddenError."""
    _require(actor, "admin")
    current, *previous = store.find_or_make_secrets(tx, actor.workspace_id, now)
    return SigningSecret(
        secret=current["secret"],
        previous_until=max((row["expires_at"] for row in previous), default=None),
    )


def rotate_secret(tx: Transaction, actor: Actor, now: int) -> SigningSecret:
    """Creates a new secret; for a day the old one also signs. Raises ForbiddenError."""
    _require(actor, "admin")
    store.find_or_make_secrets(tx, actor.workspace_id, now)
    store.replace_secret(tx, actor.workspace_id, now + OLD_SECRET_MS, now)
    return get_secret(tx, actor, now)


async def list_receivers(db: Database, actor: Actor, after: int, limit: int) -> list[Receiver]:
    """Receivers with ids above `after`, by id."""
    _require(actor, "read")
    return await store.list_receivers(db, actor.workspace_id, after, limit)


async def list_deliveries(
    db: Database, actor: Actor, wanted: DeliveryFilter, now: int
) -> list[Delivery]:
    _require(actor, "read")
    workspace_id, receiver_id = actor.workspace_id, wanted.receiver_id
    if wanted.url is not None:
        receiver_id = await store.find_receiver_id(db, workspace_id, wanted.url)
        if receiver_id is None:
            return []
    return await log_store.list_deliveries(db, workspace_id, wanted, receiver_id, now)


async def get_record(db: Database, actor: Actor, delivery_id: int, now: int) -> DeliveryRecord:
    """Raises NotFoundError."""
    _require(actor, "read")
    delivery = await log_store.find_delivery(db, actor.workspace_id, delivery_id, now)
    if delivery is None:
        raise NotFoundError("delivery", delivery_id)
    return DeliveryRecord(
        delivery=delivery,
        tries=tuple(await log_store.list_tries(db, delivery_id)),
        body=await log_store.find_body(db, delivery_id),
    )


def redeliver(tx: Transaction, actor: Actor, delivery_id: int, now: int) -> Delivery:
    """Sends a delivery immediately, with its old webhook-id, even to a paused or stopped receiver.

    Raises ForbiddenError and NotFoundError, and ConflictError if its click was removed.
    """
    _require(actor, "write")
    delivery = _get_written(tx, actor.workspace_id, delivery_id, now)
    if not log_store.has_body(tx, delivery_id):
        raise ConflictError("The click of this delivery has been deleted.")
    log_store.queue_again(tx, delivery_id, now)
    queue.line_up(tx, delivery.receiver.id, now)
    tx.note_change(DeliveriesQueued())
    return _get_written(tx, actor.workspace_id, delivery_id, now)


def send_test(tx: Transaction, actor: Actor, url: str, now: int) -> Delivery:
    """Queues a sample event for an endpoint, to be sent immediately. Raises ForbiddenError."""
    _require(actor, "write")
    workspace_id = actor.workspace_id
    receiver = store.find_or_insert_receiver(tx, workspace_id, url, now)
    new = NewDelivery(
        message_id=make_message_id(),
        workspace_id=workspace_id,
        receiver_id=receiver.id,
        link_id=None,
        snapshot_id=None,
        click_id=None,
        due_at=URGENT,
        created_at=now,
    )
    delivery_id = store.insert_delivery(tx, new)
    queue.line_up(tx, receiver.id, now)
    tx.note_change(DeliveriesQueued())
    return _get_written(tx, workspace_id, delivery_id, now)


def _require(actor: Actor, scope: Scope) -> None:
    require_feature(actor.plan, "webhooks")
    require_scope(actor, scope)


def _get_written(tx: Transaction, workspace_id: int, delivery_id: int, now: int) -> Delivery:
    delivery = log_store.find_written(tx, workspace_id, delivery_id, now)
    if delivery is None:
        raise NotFoundError("delivery", delivery_id)
    return delivery


async def delete_old_deliveries(db: Database, now: int) -> int:
    """Deletes a small batch of deliveries that ended a month ago; returns how many."""
    return await db.write(
        lambda tx: log_store.delete_old(tx, now - KEPT_MS, DELETED_AT_ONCE), Lane.WEBHOOKS
    )
