"""The objects of the webhooks API: the secret, endpoints and deliveries."""

from typing import Any, ClassVar, Final

import msgspec
from msgspec import UNSET, UnsetType

from shorty.api.objects import show
from shorty.webcore.times import format_optional_time, format_time
from shorty.webhooks.model import (
    Delivery,
    DeliveryRecord,
    Reason,
    Receiver,
    ReceiverStatus,
    SigningSecret,
    Status,
    Try,
)

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
            "rule": "b90e",
            "variant": "a",
            "url": "https://www.example.com/winter-sale?page=a",
        },
    },
}


class SecretAnswer(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """`previousValidUntil` is set for a day after a rotation: both secrets sign until then."""

    secret: str
    previous_valid_until: str | None

    example: ClassVar[dict[str, Any]] = {
        "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwZ0h3N0tqN2c=",
        "previousValidUntil": None,
    }


class ReceiverObject(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """`failures` is the number of consecutive failed attempts."""

    id: str
    url: str
    status: ReceiverStatus
    failures: int
    resumes_at: str | None
    paused_at: str | None
    stopped_at: str | None
    created_at: str

    example: ClassVar[dict[str, Any]] = {
        "id": "2",
        "url": "https://hooks.example.com/clicks",
        "status": "active",
        "failures": 1,
        "resumesAt": None,
        "pausedAt": None,
        "stoppedAt": None,
        "createdAt": "2026-11-22T12:00:00.000Z",
    }


class ReceiverList(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    receivers: list[ReceiverObject]
    next_cursor: str | None


class ReceiverState(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The current state of the delivery's endpoint."""

    id: str
    status: ReceiverStatus
    resumes_at: str | None


class TryObject(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """`status` is the response's, null if there was none; `body` is the start of its body."""

    number: int
    at: str
    duration_ms: int
    status: int | None
    error: str | None
    body: str

    example: ClassVar[dict[str, Any]] = {
        "number": 1,
        "at": "2026-11-22T12:00:00.000Z",
        "durationMs": 83,
        "status": 503,
        "error": None,
        "body": "busy",
    }


class DeliveryObject(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """`linkId` is null for a test; `reason` says why the delivery is dead."""

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

    example: ClassVar[dict[str, Any]] = {
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
        "lastTry": TryObject.example,
    }


def show_secret(secret: SigningSecret) -> SecretAnswer:
    return SecretAnswer(
        secret=secret.secret, previous_valid_until=format_optional_time(secret.previous_until)
    )


def show_receiver(receiver: Receiver, now: int) -> ReceiverObject:
    return show(
        ReceiverObject,
        receiver.health,
        id=str(receiver.id),
        url=receiver.url,
        resumes_at=show_resumption(receiver, now),
        created_at=format_time(receiver.created_at),
    )


def show_resumption(receiver: Receiver, now: int) -> str | None:
    """When sending resumes, if the endpoint is paused or asked for a delay; a stop has no end."""
    held_until = receiver.health.held_until
    if receiver.health.status == "stopped" or held_until is None or held_until <= now:
        return None
    return format_time(held_until)


def show_delivery(delivery: Delivery, now: int) -> DeliveryObject:
    receiver = delivery.receiver
    return show(
        DeliveryObject,
        delivery,
        webhook_id=delivery.message_id,
        url=receiver.url,
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
    return show(TryObject, each.outcome, number=each.number)
