"""What a delivery is, whom it goes to, what it says, and what came of each try.

Times are UTC milliseconds unless a name says otherwise.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, Literal

import can_ada
import msgspec

Status = Literal["queued", "delivered", "dead"]
STATUSES: Final[tuple[Status, ...]] = ("queued", "delivered", "dead")  # stored as their places
QUEUED: Final = 0
DELIVERED: Final = 1
DEAD: Final = 2
HIDDEN: Final = "/…"
"""What stands for the rest of an address that is shown to those who may only read."""
URGENT: Final = 0  # as the time when a delivery is due

Reason = Literal["tries-used-up", "receiver-stopped", "waited-too-long", "click-removed"]
ReceiverStatus = Literal["active", "paused", "stopped"]
EventType = Literal["link.clicked", "webhook.test"]

_SOURCES: Final = ("link", "qr", "bio")  # stored as their places


class Snapshot(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a link was when it was clicked, as it stands in a delivery's body."""

    id: str
    short_code: str
    short_url: str
    domain: str
    url: str
    title: str | None
    tags: "tuple[SnapshotTag, ...]"


class SnapshotTag(msgspec.Struct, frozen=True, kw_only=True):
    """In the shape that the links API gives a link's tags."""

    tag: "SnapshotTagFields"


class SnapshotTagFields(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    name: str
    color: str


class ClickFacts(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a receiver is told of a click. Never who: neither an address nor a visitor's number."""

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


class EventData(msgspec.Struct, frozen=True, kw_only=True):
    link: msgspec.Raw  # a Snapshot
    click: ClickFacts


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """The body of a delivery, in the form of the Standard Webhooks specification."""

    type: EventType
    timestamp: str
    data: EventData


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a try: a status, or an error where there was no answer.

    `held_ms` is how long the answer asks to be left alone.
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
    """How a receiver fares. `failures` counts the tries that failed one after the other.

    `held_until` is when the next try may be; only what is urgent does not wait for it.
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
    """An address that a workspace's links call."""

    id: int
    workspace_id: int
    url: str
    host: str
    health: Health
    created_at: int


class Try(msgspec.Struct, frozen=True, kw_only=True):
    """`number` counts from 1 within its delivery."""

    number: int
    outcome: Outcome


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """What the log tells. `next_try_at` is None where none is planned or one is under way."""

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
    """A delivery with everything that is known of it; `body` is None where its click is gone."""

    delivery: Delivery
    tries: tuple[Try, ...]
    body: bytes | None


class DeliveryFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which deliveries to list, the newest first; `before` is the last id of the page before."""

    link_id: int | None = None
    status: Status | None = None
    url: str | None = None
    receiver_id: int | None = None
    before: int = 2**63 - 1
    limit: int = 50


class SigningSecret(msgspec.Struct, frozen=True, kw_only=True):
    """The secret in use, and until when the one before it signs as well."""

    secret: str
    previous_until: int | None


_encoder: Final = msgspec.json.Encoder()


def hide_path(url: str) -> str:
    """Where an address leads, without the path and query that are often its password."""
    parts = can_ada.parse(url)
    origin = f"{parts.protocol}//{parts.host}"
    return url if url == f"{origin}/" else f"{origin}{HIDDEN}"


def build_body(kind: EventType, at: int, snapshot: str, click: ClickFacts) -> bytes:
    """The same bytes for every try."""
    data = EventData(link=msgspec.Raw(snapshot.encode()), click=click)
    return _encoder.encode(Event(type=kind, timestamp=format_time(at), data=data))


def build_test_body(at: int) -> bytes:
    """A made-up click on a made-up link."""
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
    )
    return build_body("webhook.test", at, encode_snapshot(link), click)


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
