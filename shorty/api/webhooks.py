"""`/webhooks/…`: the signing secret, the receivers, every delivery with its tries, a test."""

from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from shorty.accounts.model import Actor
from shorty.api.listing import ListQuery, cut_page, read_list_query
from shorty.api.operations import Operation, handle
from shorty.api.requests import ApiRequest
from shorty.errors import ConflictError, FeatureOffError, InvalidFieldsError
from shorty.http.answers import Answer, answer_json
from shorty.http.fields import convert_fields
from shorty.http.requests import ID_DIGITS, read_body
from shorty.http.times import format_optional_time, format_time
from shorty.links.rules import read_webhook_url
from shorty.plans import require_feature
from shorty.webhooks import service
from shorty.webhooks.model import (
    Delivery,
    DeliveryFilter,
    DeliveryRecord,
    Reason,
    Receiver,
    ReceiverStatus,
    SigningSecret,
    Status,
    Try,
)

TAG: Final = "Webhooks"
TRY_EXAMPLE: Final = {
    "number": 1,
    "at": "2026-11-22T12:00:00.000Z",
    "durationMs": 83,
    "status": 503,
    "error": None,
    "body": "busy",
}
RECEIVER_EXAMPLE: Final = {
    "id": "2",
    "url": "https://hooks.example.com/clicks",
    "status": "active",
    "failures": 1,
    "resumesAt": None,
    "pausedAt": None,
    "stoppedAt": None,
    "createdAt": "2026-11-22T12:00:00.000Z",
}
EXAMPLE: Final = {
    "id": "31",
    "webhookId": "msg_5dZy3vFPgQ2b8NhL",
    "linkId": "17",
    "url": "https://hooks.example.com/clicks",
    "status": "queued",
    "reason": None,
    "attempts": 1,
    "createdAt": "2026-11-22T12:00:00.000Z",
    "nextTryAt": "2026-11-22T12:00:05.311Z",
    "endedAt": None,
    "receiver": {"id": "2", "status": "active", "resumesAt": None},
    "lastTry": TRY_EXAMPLE,
}
PAYLOAD_EXAMPLE: Final = {
    "type": "link.clicked",
    "timestamp": "2026-11-22T12:00:00.000Z",
    "data": {
        "link": {
            "id": "17",
            "shortCode": "sale",
            "shortUrl": "https://go.example.com/sale",
            "domain": "go.example.com",
            "url": "https://www.example.com/winter-sale",
            "title": "Winter sale",
            "tags": [{"tag": {"id": "5", "name": "Press", "color": "#4477aa"}}],
        },
        "click": {
            "id": "4711",
            "occurredAt": "2026-11-22T12:00:00.000Z",
            "country": "DE",
            "referrer": "t.co",
            "browser": "Firefox",
            "os": "Windows",
            "device": "desktop",
            "source": "link",
            "utmSource": "newsletter",
            "utmMedium": None,
            "utmCampaign": None,
            "utmTerm": None,
            "utmContent": None,
        },
    },
}
SECRET_EXAMPLE: Final = {
    "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwZ0h3N0tqN2c=",
    "previousValidUntil": None,
}


class SecretAnswer(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """`previousValidUntil` is set for a day after a rotation: both secrets sign until then."""

    secret: str
    previous_valid_until: str | None


class ReceiverObject(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """`failures` counts the tries that failed one after the other."""

    id: str
    url: str
    status: ReceiverStatus
    failures: int
    resumes_at: str | None
    paused_at: str | None
    stopped_at: str | None
    created_at: str


class ReceiverList(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    receivers: list[ReceiverObject]
    next_cursor: str | None


class ReceiverState(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How the delivery's receiver fares now."""

    id: str
    status: ReceiverStatus
    resumes_at: str | None


class TryObject(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """`status` is the answer's, null where there was none; `body` is its start."""

    number: int
    at: str
    duration_ms: int
    status: int | None
    error: str | None
    body: str


class DeliveryObject(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """`linkId` is null for a test; `reason` says why it is dead."""

    id: str
    webhook_id: str
    link_id: str | None
    url: str
    status: Status
    reason: Reason | None
    attempts: int
    created_at: str
    next_try_at: str | None
    ended_at: str | None
    receiver: ReceiverState
    last_try: TryObject | None
    tries: list[TryObject] | UnsetType = UNSET
    payload: Any = UNSET


class DeliveryAnswer(msgspec.Struct, frozen=True, kw_only=True):
    delivery: DeliveryObject


class DeliveryList(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    deliveries: list[DeliveryObject]
    next_cursor: str | None


class DeliveryQuery(ListQuery, frozen=True, kw_only=True, rename="camel"):
    link_id: Annotated[str, Meta(description="Only those of this link.")] = ""
    status: Annotated[Status | None, Meta(description="Only those that are so.")] = None
    url: Annotated[str, Meta(description="Only those to this address.")] = ""


class TestInput(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True
):
    url: Annotated[str, Meta(description="The address to send the test to.")]


@handle(
    "GET",
    "/webhooks/secret",
    Operation(
        summary="Read the secret that deliveries are signed with",
        description="In the form of the Standard Webhooks specification.",
        tag=TAG,
        scope="admin",
        answer=SecretAnswer,
        answer_example=SECRET_EXAMPLE,
        errors=(FeatureOffError,),
    ),
)
async def get_webhook_secret(request: ApiRequest) -> Answer:
    actor = find_actor(request)
    secret = await request.services.db.write(lambda tx: service.get_secret(tx, actor, request.now))
    return answer_json(show_secret(secret))


@handle(
    "POST",
    "/webhooks/secret/rotate",
    Operation(
        summary="Replace the secret",
        description="For a day deliveries are signed with both, the new one first.",
        tag=TAG,
        scope="admin",
        answer=SecretAnswer,
        answer_example=SECRET_EXAMPLE | {"previousValidUntil": "2026-11-23T12:00:00.000Z"},
        errors=(FeatureOffError,),
    ),
)
async def rotate_webhook_secret(request: ApiRequest) -> Answer:
    actor = find_actor(request)
    secret = await request.services.db.write(
        lambda tx: service.rotate_secret(tx, actor, request.now)
    )
    return answer_json(show_secret(secret))


@handle(
    "GET",
    "/webhooks/receivers",
    Operation(
        summary="List the addresses that were called, and how they fare",
        description="One that keeps failing is `paused`: at `resumesAt` it is tried again with one "
        "delivery. One that answered 410 is `stopped`. A test or a redelivery is sent all the "
        "same, and one that succeeds makes it `active`.",
        tag=TAG,
        query=ListQuery,
        answer=ReceiverList,
        answer_example={"receivers": [RECEIVER_EXAMPLE], "nextCursor": None},
        errors=(FeatureOffError,),
    ),
)
async def list_receivers(request: ApiRequest) -> Answer:
    actor = find_actor(request)
    query = read_list_query(request)
    found = await service.list_receivers(request.services.db, actor, query.after, query.limit + 1)
    page, has_more = cut_page(found, query.limit)
    return answer_json(
        ReceiverList(
            receivers=[show_receiver(each, request.now) for each in page],
            next_cursor=str(page[-1].id) if has_more else None,
        )
    )


@handle(
    "GET",
    "/webhooks/deliveries",
    Operation(
        summary="List the deliveries",
        description="The newest first; they are kept for 30 days after they have ended. "
        "`queued` ones are still to be sent, `dead` ones are given up.",
        tag=TAG,
        query=DeliveryQuery,
        answer=DeliveryList,
        answer_example={"deliveries": [EXAMPLE], "nextCursor": None},
        errors=(FeatureOffError,),
    ),
)
async def list_deliveries(request: ApiRequest) -> Answer:
    actor = find_actor(request)
    wanted = read_delivery_filter(request)
    found = await service.list_deliveries(
        request.services.db,
        actor,
        msgspec.structs.replace(wanted, limit=wanted.limit + 1),
        request.now,
    )
    page, has_more = cut_page(found, wanted.limit)
    return answer_json(
        DeliveryList(
            deliveries=[show_delivery(each, request.now) for each in page],
            next_cursor=str(page[-1].id) if has_more else None,
        )
    )


@handle(
    "GET",
    "/webhooks/deliveries/{delivery_id:str}",
    Operation(
        summary="Read a delivery with all its tries",
        description="`payload` is what is sent; null once the click is no longer kept.",
        tag=TAG,
        answer=DeliveryAnswer,
        answer_example={"delivery": EXAMPLE | {"tries": [TRY_EXAMPLE], "payload": PAYLOAD_EXAMPLE}},
        errors=(FeatureOffError,),
    ),
)
async def get_delivery(request: ApiRequest) -> Answer:
    actor = find_actor(request)
    delivery_id = request.read_id("delivery_id", "delivery")
    record = await service.get_record(request.services.db, actor, delivery_id, request.now)
    return answer_json(DeliveryAnswer(delivery=show_record(record, request.now)))


@handle(
    "POST",
    "/webhooks/deliveries/{delivery_id:str}/redeliver",
    Operation(
        summary="Send a delivery again",
        description="At once, with the `webhook-id` it always had; if that fails, the schedule "
        "begins anew.",
        tag=TAG,
        scope="write",
        status=202,
        answer=DeliveryAnswer,
        answer_example={"delivery": EXAMPLE},
        errors=(FeatureOffError, ConflictError),
    ),
)
async def redeliver(request: ApiRequest) -> Answer:
    actor = find_actor(request)
    delivery_id = request.read_id("delivery_id", "delivery")
    delivery = await request.services.db.write(
        lambda tx: service.redeliver(tx, actor, delivery_id, request.now)
    )
    return answer_queued(request, delivery)


@handle(
    "POST",
    "/webhooks/test",
    Operation(
        summary="Send a test event",
        description="A made-up click of the type `webhook.test`, signed and logged as real ones.",
        tag=TAG,
        scope="write",
        body=TestInput,
        body_example={"url": "https://hooks.example.com/clicks"},
        status=202,
        answer=DeliveryAnswer,
        answer_example={"delivery": EXAMPLE | {"linkId": None, "attempts": 0, "lastTry": None}},
        errors=(FeatureOffError,),
    ),
)
async def send_test_event(request: ApiRequest) -> Answer:
    actor = find_actor(request)
    url = read_url(convert_fields((await read_body(request)).fields, TestInput).url)
    delivery = await request.services.db.write(
        lambda tx: service.send_test(tx, actor, url, request.now)
    )
    return answer_queued(request, delivery)


def find_actor(request: ApiRequest) -> Actor:
    """Raises FeatureOffError where their plan has no webhooks."""
    require_feature(request.actor.plan, "webhooks")
    return request.actor


def read_delivery_filter(request: ApiRequest) -> DeliveryFilter:
    query = convert_fields(request.read_query(), DeliveryQuery, is_text=True, ignores_unknown=True)
    link_id = query.link_id
    if link_id and (not (link_id.isascii() and link_id.isdigit()) or len(link_id) > ID_DIGITS):
        raise InvalidFieldsError({"linkId": "must be a link's id"})
    return DeliveryFilter(
        link_id=int(link_id) if link_id else None,
        status=query.status,
        url=read_url(query.url) if query.url else None,
        before=query.after or DeliveryFilter().before,
        limit=query.limit,
    )


def read_url(text: str) -> str:
    """The address as links keep it, so that it is the same receiver."""
    try:
        url = read_webhook_url(text)
    except ValueError as error:
        raise InvalidFieldsError({"url": str(error)}) from error
    if url is None:
        raise InvalidFieldsError({"url": "is required"})
    return url


def answer_queued(request: ApiRequest, delivery: Delivery) -> Answer:
    request.services.outbox.news.set()
    return answer_json(DeliveryAnswer(delivery=show_delivery(delivery, request.now)), 202)


def show_secret(secret: SigningSecret) -> SecretAnswer:
    return SecretAnswer(
        secret=secret.secret, previous_valid_until=format_optional_time(secret.previous_until)
    )


def show_receiver(receiver: Receiver, now: int) -> ReceiverObject:
    health = receiver.health
    return ReceiverObject(
        id=str(receiver.id),
        url=receiver.url,
        status=health.status,
        failures=health.failures,
        resumes_at=show_resumption(receiver, now),
        paused_at=format_optional_time(health.paused_at),
        stopped_at=format_optional_time(health.stopped_at),
        created_at=format_time(receiver.created_at),
    )


def show_resumption(receiver: Receiver, now: int) -> str | None:
    """Until when nothing is sent, because it is paused or asked for it; a stop has no end."""
    held_until = receiver.health.held_until
    if receiver.health.status == "stopped" or held_until is None or held_until <= now:
        return None
    return format_time(held_until)


def show_delivery(delivery: Delivery, now: int) -> DeliveryObject:
    receiver = delivery.receiver
    return DeliveryObject(
        id=str(delivery.id),
        webhook_id=delivery.message_id,
        link_id=None if delivery.link_id is None else str(delivery.link_id),
        url=receiver.url,
        status=delivery.status,
        reason=delivery.reason,
        attempts=delivery.attempts,
        created_at=format_time(delivery.created_at),
        next_try_at=format_optional_time(delivery.next_try_at),
        ended_at=format_optional_time(delivery.ended_at),
        receiver=ReceiverState(
            id=str(receiver.id),
            status=receiver.health.status,
            resumes_at=show_resumption(receiver, now),
        ),
        last_try=None if delivery.last_try is None else show_try(delivery.last_try),
    )


def show_record(record: DeliveryRecord, now: int) -> DeliveryObject:
    return msgspec.structs.replace(
        show_delivery(record.delivery, now),
        tries=[show_try(each) for each in record.tries],
        payload=None if record.body is None else msgspec.json.decode(record.body),
    )


def show_try(each: Try) -> TryObject:
    return TryObject(
        number=each.number,
        at=format_time(each.outcome.at),
        duration_ms=each.outcome.duration_ms,
        status=each.outcome.status,
        error=each.outcome.error,
        body=each.outcome.body,
    )


HANDLERS: Final = (
    get_webhook_secret,
    rotate_webhook_secret,
    list_receivers,
    list_deliveries,
    get_delivery,
    redeliver,
    send_test_event,
)
