"""`/webhooks/…`: the signing secret, endpoints, deliveries with their attempts, and tests."""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from shorty.api.listing import ListQuery, cut_page
from shorty.api.objects import Input
from shorty.api.operations import Resource
from shorty.api.requests import ApiRequest
from shorty.api.webhook_objects import (
    PAYLOAD_EXAMPLE,
    DeliveryObject,
    ReceiverList,
    SecretAnswer,
    TryObject,
    show_delivery,
    show_receiver,
    show_record,
    show_secret,
)
from shorty.errors import ConflictError, FeatureOffError, InvalidFieldsError
from shorty.ids import parse_id
from shorty.links.checks import read_webhook_url
from shorty.storage.database import Lane
from shorty.webcore.answers import Answer, answer_json
from shorty.webhooks import service
from shorty.webhooks.model import DeliveryFilter, Status

resource: Final = Resource("Webhooks", errors=(FeatureOffError,))


class DeliveryAnswer(msgspec.Struct, frozen=True, kw_only=True):
    delivery: DeliveryObject


class DeliveryList(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    deliveries: list[DeliveryObject]
    next_cursor: str | None


class DeliveryQuery(ListQuery, frozen=True, kw_only=True, rename="camel"):
    link_id: Annotated[str, Meta(description="Only deliveries of this link.")] = ""
    status: Annotated[Status | None, Meta(description="Only deliveries with this status.")] = None
    url: Annotated[str, Meta(description="Only deliveries to this endpoint URL.")] = ""


class TestInput(Input, frozen=True, kw_only=True):
    url: Annotated[str, Meta(description="The endpoint URL that receives the test.")]


@resource.handle(
    "GET /webhooks/secret",
    "Get the signing secret",
    SecretAnswer,
    description="In the format of the Standard Webhooks specification.",
    scope="admin",
)
async def get_webhook_secret(request: ApiRequest) -> Answer:
    secret = await request.write(
        lambda tx: service.get_secret(tx, request.actor, request.now), Lane.WEBHOOKS
    )
    return answer_json(show_secret(secret))


@resource.handle(
    "POST /webhooks/secret/rotate",
    "Rotate the signing secret",
    SecretAnswer,
    status=200,
    description="For one day deliveries are signed with both secrets, the new one first.",
    scope="admin",
    answer_example=SecretAnswer.example | {"previousValidUntil": "2026-11-23T12:00:00.000Z"},
)
async def rotate_webhook_secret(request: ApiRequest) -> Answer:
    secret = await request.write(
        lambda tx: service.rotate_secret(tx, request.actor, request.now), Lane.WEBHOOKS
    )
    return answer_json(show_secret(secret))


@resource.handle(
    "GET /webhooks/receivers",
    "List webhook endpoints",
    ReceiverList,
    description="An endpoint that keeps failing is `paused`: at `resumesAt` it is retried with "
    "one delivery. An endpoint that answered 410 is `stopped`. Tests and redeliveries are sent "
    "regardless, and one that succeeds makes the endpoint `active`.",
    query=ListQuery,
)
async def list_receivers(request: ApiRequest) -> Answer:
    query = request.read_filters(ListQuery)
    found = await service.list_receivers(
        request.services.db, request.actor, query.after, query.limit + 1
    )
    page, cursor = cut_page(found, query.limit)
    receivers = [show_receiver(each, request.now) for each in page]
    return answer_json(ReceiverList(receivers=receivers, next_cursor=cursor))


@resource.handle(
    "GET /webhooks/deliveries",
    "List deliveries",
    DeliveryList,
    description="Newest first; they are kept for 30 days after they have finished. `queued` "
    "deliveries are still to be sent, `dead` ones have failed for good.",
    query=DeliveryQuery,
)
async def list_deliveries(request: ApiRequest) -> Answer:
    wanted = read_delivery_filter(request)
    found = await service.list_deliveries(
        request.services.db,
        request.actor,
        msgspec.structs.replace(wanted, limit=wanted.limit + 1),
        request.now,
    )
    page, cursor = cut_page(found, wanted.limit)
    deliveries = [show_delivery(each, request.now) for each in page]
    return answer_json(DeliveryList(deliveries=deliveries, next_cursor=cursor))


@resource.handle(
    "GET /webhooks/deliveries/{delivery_id}",
    "Get a delivery with all its attempts",
    DeliveryAnswer,
    description="`payload` is what is sent; null once the click has been deleted.",
    answer_example={
        "delivery": DeliveryObject.example
        | {"tries": [TryObject.example], "payload": PAYLOAD_EXAMPLE}
    },
)
async def get_delivery(request: ApiRequest) -> Answer:
    delivery_id = request.read_id("delivery_id", "delivery")
    record = await service.get_record(request.services.db, request.actor, delivery_id, request.now)
    return answer_json(DeliveryAnswer(delivery=show_record(record, request.now)))


@resource.handle(
    "POST /webhooks/deliveries/{delivery_id}/redeliver",
    "Redeliver a delivery",
    DeliveryAnswer,
    description="Sends it immediately with its original `webhook-id`; if that fails, the retry "
    "schedule starts again.",
    status=202,
    errors=(ConflictError,),
)
async def redeliver(request: ApiRequest) -> Answer:
    delivery_id = request.read_id("delivery_id", "delivery")
    delivery = await request.write(
        lambda tx: service.redeliver(tx, request.actor, delivery_id, request.now),
        Lane.WEBHOOKS,
    )
    return answer_json(DeliveryAnswer(delivery=show_delivery(delivery, request.now)), 202)


@resource.handle(
    "POST /webhooks/test",
    "Send a test event",
    DeliveryAnswer,
    description="Sends a sample `webhook.test` event, signed and logged like a real one.",
    body=TestInput,
    body_example={"url": "https://hooks.example.com/clicks"},
    status=202,
    answer_example={
        "delivery": DeliveryObject.example | {"linkId": None, "attempts": 0, "lastTry": None}
    },
)
async def send_test_event(request: ApiRequest) -> Answer:
    url = read_url((await request.read_fields(TestInput)).url)
    delivery = await request.write(
        lambda tx: service.send_test(tx, request.actor, url, request.now), Lane.WEBHOOKS
    )
    return answer_json(DeliveryAnswer(delivery=show_delivery(delivery, request.now)), 202)


def read_delivery_filter(request: ApiRequest) -> DeliveryFilter:
    query = request.read_filters(DeliveryQuery)
    link_id = parse_id(query.link_id)
    if query.link_id and link_id is None:
        raise InvalidFieldsError({"linkId": "must be a link's id"})
    return DeliveryFilter(
        link_id=link_id,
        status=query.status,
        url=read_url(query.url) if query.url else None,
        before=query.after or DeliveryFilter().before,
        limit=query.limit,
    )


def read_url(text: str) -> str:
    """The endpoint URL as links store it, so that it matches the same endpoint."""
    try:
        url = read_webhook_url(text)
    except ValueError as error:
        raise InvalidFieldsError({"url": str(error)}) from error
    if url is None:
        raise InvalidFieldsError({"url": "is required"})
    return url
