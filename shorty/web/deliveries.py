"""`/app/webhooks`: the log of deliveries, one delivery with its attempts, and resending it."""

from collections.abc import Iterable
from typing import Final, NamedTuple
from urllib.parse import urlencode

import msgspec

from shorty.durations import MINUTE_MS
from shorty.errors import ConflictError
from shorty.ids import parse_id
from shorty.links.model import Link
from shorty.links.service import find_links
from shorty.storage.database import Lane
from shorty.web.formatting import write_short
from shorty.web.guard import Pages
from shorty.web.rendering import render, see_other
from shorty.web.requests import WebRequest, find_named_link
from shorty.webcore.answers import Answer
from shorty.webhooks import service
from shorty.webhooks.model import STATUSES, Delivery, DeliveryFilter, DeliveryRecord, Receiver

pages = Pages()

PLACE: Final = "/app/webhooks"
ON_A_PAGE: Final = 30
RECEIVERS: Final = 100
"""The most endpoints in the filter."""
SOON_MS: Final = MINUTE_MS
"""How long a page polls for the next attempt."""


class LogQuery(NamedTuple):
    """The filter as it was typed, and the last id of the previous page."""

    status: str
    link: str
    receiver: str
    before: str

    def write(self, **others: str) -> str:
        """The URL of the log with this filter."""
        fields = {**self._asdict(), **others}
        query = urlencode({name: text for name, text in fields.items() if text})
        return f"{PLACE}?{query}" if query else PLACE


@pages.handle("GET /webhooks")
async def list_deliveries(request: WebRequest) -> Answer:
    if not request.actor.plan.webhooks:
        return show_no_webhooks(request)
    db, actor = request.services.db, request.actor
    query = read_query(request)
    link = await find_link(request, query.link)
    is_unknown = bool(query.link) and link is None
    wanted = build_filter(query, link)
    found: list[Delivery] = []
    if not is_unknown:
        found = await service.list_deliveries(db, actor, wanted, request.now)
    shown = found[:ON_A_PAGE]
    return render(
        request,
        "deliveries.html",
        status=404 if is_unknown else 200,
        deliveries=shown,
        link_names=await name_links(request, shown),
        receivers=offer_receivers(await service.list_receivers(db, actor, 0, RECEIVERS), shown),
        query=query,
        link_text=write_short(link) if link else query.link,
        faults={"link": "does not exist in this workspace"} if is_unknown else {},
        next=query.write(before=str(shown[-1].id)) if len(found) > ON_A_PAGE else "",
        first=query.write(before="") if query.before else "",
        is_filtered=any((query.status, query.link, query.receiver)),
    )


@pages.handle("GET /webhooks/deliveries/{delivery_id}")
async def open_delivery(request: WebRequest) -> Answer:
    if not request.actor.plan.webhooks:
        return show_no_webhooks(request)
    return await show_delivery(request, await get_record(request))


@pages.handle("POST /webhooks/deliveries/{delivery_id}/resend", needs="write")
async def resend_delivery(request: WebRequest) -> Answer:
    delivery_id = read_delivery_id(request)
    try:
        await request.services.db.write(
            lambda tx: service.redeliver(tx, request.actor, delivery_id, request.now),
            Lane.WEBHOOKS,
        )
    except ConflictError as error:
        return await show_delivery(request, await get_record(request), error.message)
    return see_other(request, f"{PLACE}/deliveries/{delivery_id}", "Delivery queued again.")


def show_no_webhooks(request: WebRequest) -> Answer:
    return render(request, "no_webhooks.html")


async def show_delivery(request: WebRequest, record: DeliveryRecord, message: str = "") -> Answer:
    delivery = record.delivery
    next_try_at = delivery.next_try_at
    is_soon = next_try_at is None or next_try_at < request.now + SOON_MS
    return render(
        request,
        "delivery.html",
        status=409 if message else 200,
        delivery=delivery,
        tries=record.tries,
        payload=write_payload(record.body),
        link_names=await name_links(request, [delivery]),
        is_watched=delivery.status == "queued" and is_soon,
        message=message,
    )


def read_delivery_id(request: WebRequest) -> int:
    return request.read_id("delivery_id", "delivery")


async def get_record(request: WebRequest) -> DeliveryRecord:
    db, delivery_id = request.services.db, read_delivery_id(request)
    return await service.get_record(db, request.actor, delivery_id, request.now)


def write_payload(body: bytes | None) -> str:
    """The payload, indented; empty if it is no longer stored."""
    return "" if body is None else msgspec.json.format(body, indent=2).decode()


def read_query(request: WebRequest) -> LogQuery:
    query = request.read_query()
    return LogQuery(*(query.get(name, "").strip() for name in LogQuery._fields))


def build_filter(query: LogQuery, link: Link | None) -> DeliveryFilter:
    return DeliveryFilter(
        link_id=link.id if link else None,
        status=query.status if query.status in STATUSES else None,
        receiver_id=parse_id(query.receiver),
        before=parse_id(query.before) or DeliveryFilter().before,
        limit=ON_A_PAGE + 1,
    )


def offer_receivers(known: Iterable[Receiver], shown: Iterable[Delivery]) -> list[Receiver]:
    """The choices of the filter: the known endpoints, and those of the deliveries shown."""
    found = {each.id: each for each in (*known, *(delivery.receiver for delivery in shown))}
    return sorted(found.values(), key=lambda receiver: receiver.id)


async def find_link(request: WebRequest, text: str) -> Link | None:
    """By its id, its short URL, HOST/SLUG, or its slug on the default domain."""
    link_id = parse_id(text)
    if link_id is None:
        default = request.services.domains.default
        return await find_named_link(request, text, default.host if default else "")
    found = await find_links(request.services.links, request.actor, [link_id] if link_id else [])
    return found[0] if found else None


async def name_links(request: WebRequest, deliveries: Iterable[Delivery]) -> dict[int, str]:
    """The short links, without their scheme, of the links that still exist."""
    ids = {each.link_id for each in deliveries if each.link_id is not None}
    links = await find_links(request.services.links, request.actor, sorted(ids))
    return {link.id: write_short(link) for link in links}
