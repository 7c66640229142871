"""What a stored click queues for the receivers of its link."""

from typing import Any

import msgspec
import pytest

from shorty.clicks.model import BIO, BOT, PREFETCH, QR
from shorty.errors import StorageUnavailableError
from shorty.links.rules import Rule, Variant, encode_rules
from shorty.storage.database import Database, Row
from shorty.webhooks import store
from shorty.webhooks.model import DeliveryRecord
from shorty.webhooks.service import get_record
from tests.support import NOW, break_table, build_actor
from tests.webhooks.making import (
    OWNER,
    click,
    insert_calling_links,
    list_all,
    move_links,
)

HOOK = "https://hooks.example/one"


async def get(db: Database, delivery_id: int = 1) -> DeliveryRecord:
    return await get_record(db, OWNER, delivery_id, NOW)


async def read_event(db: Database, delivery_id: int = 1) -> Any:
    record = await get(db, delivery_id)
    assert record.body is not None
    return msgspec.json.decode(record.body)


async def find_all(db: Database, sql: str) -> list[Row]:
    return await db.find_all(sql)


async def test_one_delivery_for_each_click_and_receiver(db: Database) -> None:
    await insert_calling_links(db, f"{HOOK},https://other.example/", HOOK, "")
    await click(db, 1, 2, 3, 2)
    found = [(each.link_id, each.receiver.url) for each in await list_all(db)]
    assert found == [(1, HOOK), (1, "https://other.example/"), (2, HOOK), (2, HOOK)]
    assert all(each.status == "queued" for each in await list_all(db))


async def test_the_receivers_of_one_click_get_one_webhook_id(db: Database) -> None:
    await insert_calling_links(db, f"{HOOK},https://other.example/")
    await click(db, 1, 1)
    ids = [each.message_id for each in await list_all(db)]
    assert ids[0] == ids[1] != ids[2] == ids[3]


async def test_only_persons_trigger_webhooks(db: Database) -> None:
    await insert_calling_links(db, HOOK)
    await click(db, 1, kind=BOT)
    await click(db, 1, kind=PREFETCH)
    await click(db, 1, user_agent="curl/8.5.0")
    assert await list_all(db) == []
    assert len(await find_all(db, "select 1 from clicks")) == 3


async def test_a_plan_without_webhooks_writes_none(db: Database) -> None:
    await insert_calling_links(db, HOOK)
    await db.write(lambda tx: tx.execute("update workspaces set plan = 'none'"))
    await click(db, 1)
    assert await list_all(db) == []
    assert await find_all(db, "select 1 from webhook_receivers") == []


async def test_clicks_before_their_link_was_deleted_are_delivered(db: Database) -> None:
    await insert_calling_links(db, HOOK)
    await db.write(lambda tx: tx.execute("update links set deleted_at = 1"))
    await click(db, 1)
    assert len(await list_all(db)) == 1


async def test_the_body_describes_the_click_without_an_address(db: Database) -> None:
    await insert_calling_links(db, HOOK)
    await db.write(
        lambda tx: tx.execute("update links set title = 'Größe', slug = '1#\ufe0f\u20e3'")
    )
    await db.write(
        lambda tx: tx.execute("insert into tags values (4, 1, 'Ads', 'ads', '#ff0000', 0)")
    )
    await db.write(lambda tx: tx.execute("insert into link_tags values (1, 4, 0)"))
    utm = ("news", None, "märz", None, None)
    await click(db, 1, country="DE", referrer="t.co", source=QR, utm=utm)
    (row,) = await find_all(db, "select id from clicks")
    assert await read_event(db) == {
        "type": "link.clicked",
        "timestamp": "2026-11-22T12:00:00.000Z",
        "data": {
            "link": {
                "id": "1",
                "shortCode": "1#\ufe0f\u20e3",
                "shortUrl": "https://go.example/1%23\ufe0f\u20e3",
                "domain": "go.example",
                "url": "https://a.example/",
                "title": "Größe",
                "tags": [{"tag": {"id": "4", "name": "Ads", "color": "#ff0000"}}],
            },
            "click": {
                "id": str(row["id"]),
                "occurredAt": "2026-11-22T12:00:00.000Z",
                "country": "DE",
                "referrer": "t.co",
                "browser": "Chrome",
                "os": "Windows",
                "device": "desktop",
                "source": "qr",
                "utmSource": "news",
                "utmMedium": None,
                "utmCampaign": "märz",
                "utmTerm": None,
                "utmContent": None,
                "rule": None,
                "variant": None,
                "url": "https://a.example/",
            },
        },
    }


A, B = (Variant(key=key, url=f"https://a.example/{key}", weight=1) for key in "ab")
RULES = (Rule(id="4f2a", url="https://a.example/de"), Rule(id="b90e", variants=(A, B)))


async def set_rules(db: Database, *rules: Rule) -> None:
    sql = "update links set rules = $1, utm_source = 'mail' where id = 1"
    await db.write(lambda tx: tx.execute(sql, encode_rules(rules)))


@pytest.mark.parametrize(
    ("won", "rule", "variant", "url"),
    [
        (("4f2a", ""), "4f2a", None, "https://a.example/de?utm_source=mail"),
        (("b90e", "b"), "b90e", "b", "https://a.example/b?utm_source=mail"),
        (None, None, None, "https://a.example/"),
        (("b90e", "c"), "b90e", "c", None),
        (("gone", ""), "gone", None, None),
    ],
)
async def test_the_body_says_which_rule_won_and_where_the_visitor_was_led(
    db: Database,
    won: tuple[str, str] | None,
    rule: str | None,
    variant: str | None,
    url: str | None,
) -> None:
    await insert_calling_links(db, HOOK)
    await set_rules(db, *RULES)
    await click(db, 1, won=won)
    await set_rules(db)  # a later change makes no difference
    event = await read_event(db)
    assert event["data"]["link"]["url"] == "https://a.example/"
    found = event["data"]["click"]
    assert (found["rule"], found["variant"], found["url"]) == (rule, variant, url)


async def test_rules_that_changed_are_another_snapshot(db: Database) -> None:
    await insert_calling_links(db, HOOK)
    for rules in (RULES, RULES, RULES[:1]):
        await set_rules(db, *rules)
        await click(db, 1)
    assert len(await find_all(db, "select 1 from webhook_snapshots")) == 2


async def test_a_visit_from_a_bio_page_says_so(db: Database) -> None:
    await insert_calling_links(db, HOOK)
    await click(db, 1, source=BIO)
    assert (await read_event(db))["data"]["click"]["source"] == "bio"


async def test_later_edits_of_the_link_do_not_change_the_body(db: Database) -> None:
    await insert_calling_links(db, HOOK)
    await click(db, 1)
    before = (await get(db, 1)).body
    await db.write(lambda tx: tx.execute("update links set title = 'New', slug = 'new'"))
    await click(db, 1)
    assert (await get(db, 1)).body == before
    assert (await read_event(db, 2))["data"]["link"]["title"] == "New"


async def test_what_a_link_says_is_stored_once_until_it_changes(db: Database) -> None:
    await insert_calling_links(db, HOOK)
    for _ in range(3):
        await click(db, 1, 1)
    assert len(await find_all(db, "select 1 from webhook_snapshots")) == 1
    await db.write(lambda tx: tx.execute("update links set title = 'New'"))
    await click(db, 1)
    assert len(await find_all(db, "select 1 from webhook_snapshots")) == 2


async def test_a_batch_is_kept_with_its_deliveries_or_not_at_all(db: Database) -> None:
    await insert_calling_links(db, HOOK)
    await click(db, 1)
    await break_table(db, "webhook_lines")
    with pytest.raises(StorageUnavailableError):
        await click(db, 1)
    assert len(await find_all(db, "select 1 from clicks")) == 1
    assert len(await list_all(db)) == 1


async def test_a_retried_batch_is_delivered_once(db: Database) -> None:
    await insert_calling_links(db, HOOK)
    await click(db, 1)
    await click(db, 1, batch_number=1)
    assert len(await list_all(db)) == 1


async def test_it_notifies_the_worker_only_of_new_deliveries(db: Database) -> None:
    await insert_calling_links(db, "", HOOK)
    assert not (await click(db, 1)).news.is_set()
    assert (await click(db, 2)).news.is_set()


async def test_a_stopped_receiver_gets_no_deliveries(db: Database) -> None:
    await insert_calling_links(db, f"{HOOK},https://other.example/")
    await click(db, 1)
    await db.write(
        lambda tx: tx.execute("update webhook_receivers set stopped_at = 1 where url = $1", HOOK)
    )
    await click(db, 1)
    urls = [each.receiver.url for each in await list_all(db)]
    assert urls == [HOOK, "https://other.example/", "https://other.example/"]


@pytest.mark.sqlite_only("how it reads a statement; PostgreSQL decides by its statistics")
async def test_links_with_webhooks_are_found_by_an_index(db: Database) -> None:
    """Otherwise each click would read its link, which is one page among a million."""
    for number in (1, 8, 512):
        places = ", ".join(f"${each}" for each in range(1, number + 1))
        plan = await db.find_all(
            f"explain query plan {store.FIND_CALLING_LINKS} ({places})", *range(number)
        )
        assert "USING INDEX links_with_webhooks" in plan[0]["detail"]


# Two of everything


async def test_two_links_have_their_own_domains_tags_and_workspaces(db: Database) -> None:
    await insert_calling_links(db, HOOK, HOOK)
    await move_links(db, 2)
    insert = "insert into tags values ($1, $2, $3, $3, '#ff0000', 0)"
    await db.write(lambda tx: tx.execute_many(insert, [(4, 1, "one"), (5, 2, "two"), (6, 2, "2")]))
    rows = [(1, 4, 0), (2, 5, 1), (2, 6, 0)]
    await db.write(lambda tx: tx.execute_many("insert into link_tags values ($1, $2, $3)", rows))
    await click(db, 1, 2)
    await click(db, 2, 1)
    told = []
    for workspace_id, ids in ((1, (1, 4)), (2, (2, 3))):
        for delivery_id in ids:
            actor = build_actor(workspace_id=workspace_id)
            record = await get_record(db, actor, delivery_id, NOW)
            link = msgspec.json.decode(record.body or b"")["data"]["link"]
            tags = [each["tag"]["name"] for each in link["tags"]]
            told.append((link["id"], link["shortUrl"], tags, record.delivery.receiver.id))
    first = ("1", "https://go.example/slug1", ["one"], 1)
    second = ("2", "http://two.example/slug2", ["2", "two"], 2)
    assert told == [first, first, second, second]
    snapshots = await find_all(db, "select link_id from webhook_snapshots order by id")
    assert [row["link_id"] for row in snapshots] == [1, 2]
    receivers = await find_all(db, "select workspace_id, url from webhook_receivers order by id")
    assert [tuple(row) for row in receivers] == [(1, HOOK), (2, HOOK)]


async def test_the_plan_of_a_links_own_workspace_decides(db: Database) -> None:
    await insert_calling_links(db, HOOK, HOOK)
    await move_links(db, 2, plan="none")
    await click(db, 1, 2)
    rows = await find_all(db, "select link_id from webhook_deliveries")
    assert [row["link_id"] for row in rows] == [1]


async def test_whose_webhooks_are_looked_up_are_those_that_were_clicked(db: Database) -> None:
    await insert_calling_links(db, *[HOOK] * 5)
    for ids in ([3], [1, 2, 4], [2, 3, 4, 5], []):
        found = await db.write(lambda tx, ids=ids: list(store.find_calling_links(tx, ids)))
        assert sorted(row["id"] for row in found) == ids


async def test_more_links_than_are_looked_up_at_once_have_their_webhooks(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "LOOKED_UP_AT_ONCE", 2)
    await insert_calling_links(db, *[HOOK] * 5)
    found = await db.write(lambda tx: list(store.find_calling_links(tx, [1, 2, 3, 4, 5])))
    assert sorted(row["id"] for row in found) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    "changed", [{"link_id": 2}, {"at": NOW + 1}, {"id": 99}], ids=["link", "time", "id"]
)
async def test_a_click_that_reuses_a_removed_ones_id_is_not_delivered(
    db: Database, changed: dict[str, int]
) -> None:
    await insert_calling_links(db, HOOK, HOOK)
    await click(db, 1, 2)
    ((name, value),) = changed.items()
    await db.write(
        lambda tx: tx.execute(f"update clicks set {name} = $1 where link_id = 1", value)  # noqa: S608 - the names above
    )
    assert (await get(db, 1)).body is None
    assert (await read_event(db, 2))["data"]["link"]["id"] == "2"
