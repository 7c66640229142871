"""Defines deliveries: their receiver, their body, and the result of each attempt.

Times are UTC milliseconds unless a name says otherwise.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, Literal

import can_ada
import msgspec
from msgspec import UNSET, UnsetType

Status = Literal["queued", "delivered", "dead"]
STATUSES: Final[tuple[Status, ...]] = ("queued", "delivered", "dead")  # stored as their positions
QUEUED: Final = 0
DELIVERED: Final = 1
DEAD: Final = 2
HIDDEN: Final = "/…"
"""Replaces the rest of an endpoint URL for people who may only read."""
URGENT: Final = 0  # the due time of a delivery to be sent at once

Reason = Literal["tries-used-up", "receiver-stopped", "waited-too-long", "click-removed"]
ReceiverStatus = Literal["active", "paused", "stopped"]
EventType = Literal["link.clicked", "webhook.test"]

_SOURCES: Final = ("link", "qr", "bio")  # stored as their positions


class Snapshot(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A link at the time of the click, as a delivery's body shows it."""

    id: str
    short_code: str
    short_url: str
    domain: str
    url: str
    title: str | None
    tags: "tuple[SnapshotTag, ...]"


class SnapshotTag(msgspec.Struct, frozen=True, kw_only=True):
    """In the form that the API gives a link's tags."""

    tag: "SnapshotTagFields"


class SnapshotTagFields(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    name: str
    color: str


class ClickFacts(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A click as a receiver sees it, without an IP address or a visitor number.

    `rule` is the id of the link's rule that won it, `variant` the key of the one that was drawn,
    and `url` where the visitor was led: None if the rule was deleted before the click was stored.
    They are left out of what an earlier release has queued.
    """

    id: str
    occurred_at: str
    country: str | None
    referrer: str | None
    browser: str | None
    os: str | None
    device: str | None
    source: str
    utm_source: str | None = None
    utm_medium: str | None = None
    utm_campaign: str | None = None
    utm_term: str | None = None
    utm_content: str | None = None
    rule: str | None | UnsetType = UNSET
    variant: str | None | UnsetType = UNSET
    url: str | None | UnsetType = UNSET


class EventData(msgspec.Struct, frozen=True, kw_only=True):
    link: msgspec.Raw  # a Snapshot
    click: ClickFacts


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """The body of a delivery, in the format of the Standard Webhooks specification."""

    type: EventType
    timestamp: str
    data: EventData


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """The result of an attempt: a status, or an error if no answer came.

    `held_ms` is how long the answer asks to wait before the next request.
    """

    at: int
    duration_ms: int
    status: int | None
    error: str | None
    body: str = ""
    held_ms: int = 0

    @property
    def ended_at(self) -> int:
        return self.at + self.duration_ms

    @property
    def is_success(self) -> bool:
        return self.status is not None and 200 <= self.status < 300  # noqa: PLR2004 HTTP's classes

    @property
    def is_stop(self) -> bool:
        return self.status == 410  # noqa: PLR2004 Gone


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """The state of a receiver. `failures` counts consecutive failed attempts.

    `held_until` is the earliest time of the next attempt, except for urgent deliveries.
    """

    failures: int = 0
    is_quick: bool = False
    held_until: int | None = None
    paused_at: int | None = None
    stopped_at: int | None = None

    @property
    def status(self) -> ReceiverStatus:
        if self.stopped_at is not None:
            return "stopped"
        return "active" if self.paused_at is None else "paused"


class Receiver(msgspec.Struct, frozen=True, kw_only=True):
    """An endpoint URL of a workspace's links."""

    id: int
    workspace_id: int
    url: str
    host: str
    health: Health
    created_at: int


class Try(msgspec.Struct, frozen=True, kw_only=True):
    """`number` counts from 1 within the delivery."""

    number: int
    outcome: Outcome


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the log. `next_try_at` is None if no attempt is planned or one is in progress."""

    id: int
    message_id: str
    workspace_id: int
    receiver: Receiver
    link_id: int | None
    status: Status
    reason: Reason | None
    attempts: int
    created_at: int
    next_try_at: int | None
    ended_at: int | None
    last_try: Try | None


class DeliveryRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery with all its details; `body` is None if the click was removed."""

    delivery: Delivery
    tries: tuple[Try, ...]
    body: bytes | None


class DeliveryFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which deliveries to list, newest first; `before` is the last id of the previous page."""

    link_id: int | None = None
    status: Status | None = None
    url: str | None = None
    receiver_id: int | None = None
    before: int = 2**63 - 1
    limit: int = 50


class SigningSecret(msgspec.Struct, frozen=True, kw_only=True):
    """The current secret, and until when the previous one also signs."""

    secret: str
    previous_until: int | None


_encoder: Final = msgspec.json.Encoder()


def hide_path(url: str) -> str:
    """An endpoint URL's origin, without the path and query, which are often secret."""
    parts = can_ada.parse(url)
    origin = f"{parts.protocol}//{parts.host}"
    return url if url == f"{origin}/" else f"{origin}{HIDDEN}"


def build_body(kind: EventType, at: int, snapshot: str, click: ClickFacts) -> bytes:
    """The same bytes for every attempt."""
    data = EventData(link=msgspec.Raw(snapshot.encode()), click=click)
    return _encoder.encode(Event(type=kind, timestamp=format_time(at), data=data))


def build_test_body(at: int) -> bytes:
    """A sample click on a sample link."""
    link = Snapshot(
        id="0",
        short_code="example",
        short_url="https://example.com/example",
        domain="example.com",
        url="https://www.example.com/a-page?utm_source=newsletter",
        title="An example",
        tags=(SnapshotTag(tag=SnapshotTagFields(id="0", name="example", color="#3b82f6")),),
    )
    click = ClickFacts(
        id="0",
        occurred_at=format_time(at),
        country="DE",
        referrer="example.org",
        browser="Firefox",
        os="Windows",
        device="desktop",
        source="link",
        utm_source="newsletter",
        rule=None,
        variant=None,
        url=link.url,
    )
    return build_body("webhook.test", at, encode_snapshot(link), click)


class _Destination(msgspec.Struct, frozen=True):
    url: str


_decode_destination: Final = msgspec.json.Decoder(_Destination).decode
_decode_destinations: Final = msgspec.json.Decoder(dict[str, dict[str, str]]).decode


def encode_destinations(destinations: Mapping[str, Mapping[str, str]]) -> str:
    return _encoder.encode(destinations).decode()


def find_url(snapshot: str, destinations: str, rule: str | None, variant: str | None) -> str | None:
    """Where a click led: as its rule said, or else to the link's own destination."""
    if rule is None:
        return _decode_destination(snapshot).url
    return _decode_destinations(destinations).get(rule, {}).get(variant or "")


def encode_snapshot(snapshot: Snapshot) -> str:
    return _encoder.encode(snapshot).decode()


def name_status(stored: int) -> Status:
    return STATUSES[stored]


def name_source(stored: int) -> str:
    return _SOURCES[stored]


def read_utm(stored: str | None) -> Sequence[str | None]:
    """The five values that are stored with a click."""
    return msgspec.json.decode(stored, type=list[str | None]) if stored else (None,) * 5


def format_time(at: int) -> str:
    """ISO 8601 in UTC, with milliseconds and Z."""
    moment = datetime.fromtimestamp(at / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
