"""Fixed texts: what receivers parse and verify, and what the database contains."""

from datetime import UTC, datetime, tzinfo

import msgspec
import pytest
from standardwebhooks import Webhook, webhooks
from standardwebhooks.webhooks import WebhookVerificationError

from shorty.clicks.model import QR
from shorty.storage.database import Database, Transaction
from shorty.webhooks.model import (
    ClickFacts,
    Snapshot,
    SnapshotTag,
    SnapshotTagFields,
    build_body,
    build_test_body,
    encode_snapshot,
)
from shorty.webhooks.service import get_record
from shorty.webhooks.signature import build_headers
from tests.support import NOW
from tests.webhooks.making import OWNER, click, insert_calling_links

AT = NOW + 123
SNAPSHOT = (
    '{"id":"7","shortCode":"größe","shortUrl":"https://go.example/größe","domain":"go.example",'
    '"url":"https://a.example/?utm_source=news","title":"Größe \\"42\\"","tags":['
    '{"tag":{"id":"4","name":"Ads","color":"#ff0000"}},'
    '{"tag":{"id":"5","name":"März","color":"#00ff00"}}]}'
)
BODY = (
    '{"type":"link.clicked","timestamp":"2026-11-22T12:00:00.123Z","data":{"link":' + SNAPSHOT + ","
    '"click":{"id":"9","occurredAt":"2026-11-22T12:00:00.123Z","country":"DE","referrer":"t.co",'
    '"browser":"Chrome","os":"Windows","device":"desktop","source":"qr","utmSource":"news",'
    '"utmMedium":null,"utmCampaign":"märz","utmTerm":null,"utmContent":null}}}'
)
TEST_BODY = (
    '{"type":"webhook.test","timestamp":"2026-11-22T12:00:00.123Z","data":{"link":{"id":"0",'
    '"shortCode":"example","shortUrl":"https://example.com/example","domain":"example.com",'
    '"url":"https://www.example.com/a-page?utm_source=newsletter","title":"An example","tags":['
    '{"tag":{"id":"0","name":"example","color":"#3b82f6"}}]},"click":{"id":"0",'
    '"occurredAt":"2026-11-22T12:00:00.123Z","country":"DE","referrer":"example.org",'
    '"browser":"Firefox","os":"Windows","device":"desktop","source":"link",'
    '"utmSource":"newsletter","utmMedium":null,"utmCampaign":null,"utmTerm":null,'
    '"utmContent":null,"rule":null,"variant":null,'
    '"url":"https://www.example.com/a-page?utm_source=newsletter"}}}'
)
SECRET = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
HEADERS = {
    "Content-Type": "application/json",
    "webhook-id": "msg_fixed",
    "webhook-timestamp": "1795348800",
    "webhook-signature": "v1,VRdT2992Y1EUODjqs6tkIgW+WGnjSj8SDBbHEIIbro0=",
}


def test_a_body_says_each_field_by_its_name() -> None:
    facts = ClickFacts(
        id="9",
        occurred_at="2026-11-22T12:00:00.123Z",
        country="DE",
        referrer="t.co",
        browser="Chrome",
        os="Windows",
        device="desktop",
        source="qr",
        utm_source="news",
        utm_campaign="märz",
    )
    assert build_body("link.clicked", AT, SNAPSHOT, facts).decode() == BODY


def test_the_body_of_a_test_event_stays_the_same() -> None:
    assert build_test_body(AT).decode() == TEST_BODY


def test_a_snapshot_is_stored_as_it_was() -> None:
    tags = (("4", "Ads", "#ff0000"), ("5", "März", "#00ff00"))
    snapshot = Snapshot(
        id="7",
        short_code="größe",
        short_url="https://go.example/größe",
        domain="go.example",
        url="https://a.example/?utm_source=news",
        title='Größe "42"',
        tags=tuple(
            SnapshotTag(tag=SnapshotTagFields(id=id_, name=name, color=color))
            for id_, name, color in tags
        ),
    )
    assert encode_snapshot(snapshot) == SNAPSHOT


def test_the_signature_is_the_one_that_was_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    class Then(datetime):
        """The day on which the fixed body was signed, because the library refuses old ones."""

        @classmethod
        def now(cls, tz: tzinfo | None = None) -> "Then":
            return cls.fromtimestamp(NOW / 1000, tz or UTC)

    assert build_headers("msg_fixed", NOW // 1000, BODY.encode(), [SECRET]) == HEADERS
    monkeypatch.setattr(webhooks, "datetime", Then)
    assert Webhook(SECRET).verify(BODY, HEADERS) == msgspec.json.decode(BODY)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(BODY.replace("DE", "FR"), HEADERS)


async def test_what_was_stored_by_an_earlier_version_is_sent_byte_by_byte(db: Database) -> None:
    def work(tx: Transaction) -> None:
        tx.execute("insert into workspaces (id, name, plan, created_at) values (1, 'W', '', 0)")
        tx.execute("insert into webhook_snapshots (id, link_id, link) values (3, 7, $1)", SNAPSHOT)
        tx.execute(
            "insert into clicks (id, link_id, at, visitor, kind, source, country, referrer,"
            " browser, os, device, utm) values (9, 7, $1, 0, 1, 1, 'DE', 't.co', 'Chrome',"
            " 'Windows', 'desktop', '[\"news\",null,\"märz\",null,null]')",
            AT,
        )
        tx.execute(
            "insert into webhook_receivers (id, workspace_id, url, host, created_at)"
            " values (2, 1, 'https://hooks.example/', 'hooks.example', 0)"
        )
        tx.execute(
            "insert into webhook_deliveries (id, message_id, workspace_id, receiver_id, link_id,"
            " snapshot_id, click_id, status, due_at, created_at, queued_at)"
            " values (1, 'msg_fixed', 1, 2, 7, 3, 9, 0, $1, $1, $1)",
            AT,
        )
        tx.execute(
            "insert into webhook_deliveries (id, message_id, workspace_id, receiver_id, status,"
            " due_at, created_at, queued_at) values (2, 'msg_test', 1, 2, 0, 0, $1, $1)",
            AT,
        )

    await db.write(work)
    for delivery_id, body in ((1, BODY), (2, TEST_BODY)):
        record = await get_record(db, OWNER, delivery_id, NOW)
        assert (record.body or b"").decode() == body


async def test_a_click_stores_its_snapshot_as_text_that_stays_readable(db: Database) -> None:
    await insert_calling_links(db, "https://hooks.example/one?a=1")
    await click(db, 1, source=QR)
    (snapshot,) = await db.find_all("select * from webhook_snapshots")
    assert tuple(snapshot) == (
        1,
        1,
        (
            '{"id":"1","shortCode":"slug1","shortUrl":"https://go.example/slug1","domain":"go.example",'
            '"url":"https://a.example/","title":null,"tags":[]}'
        ),
        "{}",
    )
    (receiver,) = await db.find_all("select * from webhook_receivers")
    assert tuple(receiver) == (
        1,
        1,
        "https://hooks.example/one?a=1",
        "hooks.example",
        *(0, 0, None, None, None, None),
        NOW,
        NOW,
    )
    (delivery,) = await db.find_all(
        "select workspace_id, receiver_id, link_id, snapshot_id, click_id, status, reason,"
        " attempts, step, due_at, leased_by, created_at, queued_at, ended_at"
        " from webhook_deliveries"
    )
    assert tuple(delivery) == (1, 1, 1, 1, 1, 0, None, 0, 0, NOW, None, NOW, NOW, None)
