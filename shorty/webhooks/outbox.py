"""Queues the deliveries of a click, in the transaction that stores the click.

A queued delivery is small: it refers to the click and to a snapshot of its link, and its body is
built when it is sent.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence

import msgspec

from shorty.config import Plan
from shorty.domains.model import write_short_url
from shorty.plans import find_plan
from shorty.storage.changes import AnythingChanged, DeliveriesQueued, KeeperChanged, hear_of
from shorty.storage.database import Lane, Row, Transaction
from shorty.webhooks import queue, store
from shorty.webhooks.model import (
    Snapshot,
    SnapshotTag,
    SnapshotTagFields,
    encode_destinations,
    encode_snapshot,
)
from shorty.webhooks.signature import make_message_id
from shorty.webhooks.store import NewDelivery

Destinations = Mapping[str, Mapping[str, str]]


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """The receivers of one link's clicks, and the snapshot that they get."""

    workspace_id: int
    snapshot_id: int
    receiver_ids: tuple[int, ...]


class OutboxClick(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A stored click by a person, on a link that has a call."""

    id: int
    link_id: int
    at: int


class Outbox:
    """`find_callers` and `add` run in a write; `hear` on the loop, after the commit.

    `news` is set when deliveries may have been queued, by this process or another, or it has become
    the keeper, which sends them. `list_destinations` says of a link's row
    where its rules lead, by the rule's id and the variant's key or "".
    """

    def __init__(
        self,
        plans: Mapping[str, Plan],
        list_destinations: Callable[[Row], Destinations] = lambda _row: {},
    ) -> None:
        self._plans = plans
        self._list_destinations = list_destinations
        self.news = asyncio.Event()
        self.hear = hear_of(DeliveriesQueued, KeeperChanged, AnythingChanged, call=self.news.set)

    def find_callers(self, tx: Transaction, link_ids: Collection[int]) -> dict[int, Row]:
        """Those of the links that call anybody. Takes 0.3 µs for each other link."""
        return {
            row["id"]: row
            for row in store.find_calling_links(tx, link_ids)
            if find_plan(self._plans, row["plan"]).webhooks
        }

    def add(
        self, tx: Transaction, callers: Mapping[int, Row], clicks: Sequence[OutboxClick], at: int
    ) -> None:
        """Queues one delivery for each click and each receiver of its link.

        Takes the lane of webhooks, so it comes at the end of a write.
        """
        tx.take_lane(Lane.WEBHOOKS)
        calls = {link_id: self._find_call(tx, row, at) for link_id, row in callers.items()}
        due: dict[int, int] = {}
        deliveries: list[NewDelivery] = []
        for click in clicks:
            call = calls[click.link_id]
            if call is None:
                continue
            message_id = make_message_id()
            for receiver_id in call.receiver_ids:
                deliveries.append(
                    NewDelivery(
                        message_id,
                        call.workspace_id,
                        receiver_id,
                        click.link_id,
                        call.snapshot_id,
                        click.id,
                        click.at,
                        click.at,
                    )
                )
                due[receiver_id] = min(due.get(receiver_id, click.at), click.at)
        store.insert_deliveries(tx, deliveries)
        for receiver_id, due_at in due.items():
            queue.line_up(tx, receiver_id, due_at)
        tx.note_change(DeliveriesQueued())

    def _find_call(self, tx: Transaction, row: Row, at: int) -> Call | None:
        receivers = find_listening(tx, row, at)
        if not receivers:
            return None
        destinations = encode_destinations(self._list_destinations(row))
        return Call(
            workspace_id=row["workspace_id"],
            snapshot_id=store.find_or_insert_snapshot(
                tx, row["id"], picture(tx, row), destinations
            ),
            receiver_ids=receivers,
        )


def find_listening(tx: Transaction, row: Row, at: int) -> tuple[int, ...]:
    """The receivers of a link, without those that asked for no more requests."""
    urls: list[str] = row["webhook_urls"].split(",")
    receivers = [store.find_or_insert_receiver(tx, row["workspace_id"], url, at) for url in urls]
    return tuple(each.id for each in receivers if each.health.status != "stopped")


def picture(tx: Transaction, row: Row) -> str:
    tags = tuple(
        SnapshotTag(tag=SnapshotTagFields(id=str(tag["id"]), name=tag["name"], color=tag["color"]))
        for tag in store.find_tags(tx, row["id"])
    )
    snapshot = Snapshot(
        id=str(row["id"]),
        short_code=row["slug"],
        short_url=write_short_url(row["scheme"], row["host"], row["slug"]),
        domain=row["host"],
        url=row["url"],
        title=row["title"],
        tags=tags,
    )
    return encode_snapshot(snapshot)
