"""Statements about clicks and their receivers; the queue and the log have their own modules."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import can_ada

from shorty.storage.database import Database, Row, Transaction
from shorty.storage.statements import fill_up, number_places
from shorty.webhooks.model import (
    ClickFacts,
    Health,
    Receiver,
    build_body,
    build_test_body,
    find_url,
    format_time,
    name_source,
    read_utm,
)
from shorty.webhooks.signature import make_secret

LOOKED_UP_AT_ONCE: Final = 512
MOST_SECRETS: Final = 5  # that sign one delivery

FIND_CALLING_LINKS: Final = """
select l.id, l.workspace_id, l.slug, l.url, l.title, l.webhook_urls, d.host, d.scheme, w.plan,
  l.rules, l.utm_source, l.utm_medium, l.utm_campaign, l.utm_term, l.utm_content, l.utm_id
from links l
join domains d on d.id = l.domain_id
join workspaces w on w.id = l.workspace_id
where l.webhook_urls <> '' and l.id + 0 in
"""
FIND_TAGS: Final = """
select t.id, t.name, t.color from link_tags lt join tags t on t.id = lt.tag_id
where lt.link_id = $1 order by lt.position
"""
FIND_LAST_SNAPSHOT: Final = """
select id, link, destinations from webhook_snapshots where link_id = $1 order by id desc limit 1
"""
INSERT_SNAPSHOT: Final = """
insert into webhook_snapshots (link_id, link, destinations) values ($1, $2, $3) returning id
"""
FIND_RECEIVER: Final = """
select * from webhook_receivers where workspace_id = $1 and url = $2
"""
INSERT_RECEIVER: Final = """
insert into webhook_receivers (workspace_id, url, host, created_at) values ($1, $2, $3, $4)
returning *
"""
LIST_RECEIVERS: Final = """
select * from webhook_receivers where workspace_id = $1 and id > $2 order by id limit $3
"""
INSERT_DELIVERY: Final = """
insert into webhook_deliveries (
  message_id, workspace_id, receiver_id, link_id, snapshot_id, click_id,
  status, due_at, created_at, queued_at
) values ($1, $2, $3, $4, $5, $6, 0, $7, $8, $8)
"""
FIND_SECRETS: Final = """
select secret, expires_at from webhook_secrets
where workspace_id = $1 and (expires_at is null or expires_at > $2)
order by id desc limit $3
"""
PUT_IN_USE: Final = """
insert into webhook_secrets (workspace_id, secret) values ($1, $2) on conflict do nothing
"""
TAKE_OUT_OF_USE: Final = """
update webhook_secrets set expires_at = $2 where workspace_id = $1 and expires_at is null
"""
DELETE_EXPIRED: Final = """
delete from webhook_secrets where workspace_id = $1 and expires_at <= $2
"""

# The parts of a body. A removed click's id may be reused, but not with the same link and time.
CONTENT_COLUMNS: Final = """
d.link_id, d.created_at, s.link, s.destinations, c.id as click_id, c.at as clicked_at, c.country,
c.referrer, c.browser, c.os, c.device, c.source, c.utm, c.rule_id, c.variant
"""
JOIN_CONTENT: Final = """
left join webhook_snapshots s on s.id = d.snapshot_id
left join clicks c on c.id = d.click_id and c.link_id = d.link_id and c.at = d.created_at
"""


class NewDelivery(NamedTuple):
    """In the order of INSERT_DELIVERY's columns; a test has no link, snapshot or click."""

    message_id: str
    workspace_id: int
    receiver_id: int
    link_id: int | None
    snapshot_id: int | None
    click_id: int | None
    due_at: int
    created_at: int


def find_calling_links(tx: Transaction, link_ids: Collection[int]) -> Iterator[Row]:
    """The links with webhooks, including deleted ones, because they were clicked before that."""
    ids = list(link_ids)
    for start in range(0, len(ids), LOOKED_UP_AT_ONCE):
        chunk = ids[start : start + LOOKED_UP_AT_ONCE]
        length = 1 << (len(chunk) - 1).bit_length()  # a power of two: few statements to prepare
        sql = f"{FIND_CALLING_LINKS} ({number_places(length)})"
        yield from tx.find_all(sql, *fill_up(chunk, length))


def find_tags(tx: Transaction, link_id: int) -> list[Row]:
    return tx.find_all(FIND_TAGS, link_id)


def find_or_insert_snapshot(tx: Transaction, link_id: int, link: str, destinations: str) -> int:
    """The id of the link's last snapshot if it is equal, otherwise of a new one."""
    row = tx.find_one(FIND_LAST_SNAPSHOT, link_id)
    if row is None or row["link"] != link or row["destinations"] != destinations:
        row = tx.find_one(INSERT_SNAPSHOT, link_id, link, destinations)
    return row["id"] if row else 0


def find_or_insert_receiver(tx: Transaction, workspace_id: int, url: str, now: int) -> Receiver:
    row = tx.find_one(FIND_RECEIVER, workspace_id, url)
    if row is None:
        row = tx.find_one(INSERT_RECEIVER, workspace_id, url, can_ada.parse(url).host, now)
    return read_receiver(dict(row or {}))


async def find_receiver_id(db: Database, workspace_id: int, url: str) -> int | None:
    if "\0" in url:
        return None
    row = await db.find_one(FIND_RECEIVER, workspace_id, url)
    return None if row is None else row["id"]


async def list_receivers(db: Database, workspace_id: int, after: int, limit: int) -> list[Receiver]:
    rows = await db.find_all(LIST_RECEIVERS, workspace_id, after, limit)
    return [read_receiver(dict(row)) for row in rows]


def read_receiver(values: Mapping[str, Any]) -> Receiver:
    return Receiver(
        id=values["id"],
        workspace_id=values["workspace_id"],
        url=values["url"],
        host=values["host"],
        health=read_health(values),
        created_at=values["created_at"],
    )


def read_health(values: Mapping[str, Any]) -> Health:
    return Health(
        failures=values["failures"],
        is_quick=bool(values["is_quick"]),
        held_until=values["held_until"],
        paused_at=values["paused_at"],
        stopped_at=values["stopped_at"],
    )


def insert_deliveries(tx: Transaction, deliveries: Sequence[NewDelivery]) -> None:
    tx.send_rows(INSERT_DELIVERY, deliveries)


def insert_delivery(tx: Transaction, delivery: NewDelivery) -> int:
    row = tx.find_one(f"{INSERT_DELIVERY} returning id", *delivery)
    return row["id"] if row else 0


def read_body(row: Row) -> bytes | None:
    """The body of a delivery from its CONTENT_COLUMNS; None if its click was removed."""
    if row["link_id"] is None:
        return build_test_body(row["created_at"])
    if row["click_id"] is None or row["link"] is None:
        return None
    source, medium, campaign, term, content = read_utm(row["utm"])
    click = ClickFacts(
        id=str(row["click_id"]),
        occurred_at=format_time(row["clicked_at"]),
        country=row["country"],
        referrer=row["referrer"],
        browser=row["browser"],
        os=row["os"],
        device=row["device"],
        source=name_source(row["source"]),
        utm_source=source,
        utm_medium=medium,
        utm_campaign=campaign,
        utm_term=term,
        utm_content=content,
        **_read_choice(row),
    )
    return build_body("link.clicked", row["clicked_at"], row["link"], click)


def _read_choice(row: Row) -> dict[str, str | None]:
    """What is said of rules; nothing where the delivery was queued before there were any."""
    if row["destinations"] is None:
        return {}
    rule, variant = row["rule_id"], row["variant"]
    url = find_url(row["link"], row["destinations"], rule, variant)
    return {"rule": rule, "variant": variant, "url": url}


def find_or_make_secrets(tx: Transaction, workspace_id: int, now: int) -> list[Row]:
    """The current secret first, then previous ones that are still valid."""
    found = tx.find_all(FIND_SECRETS, workspace_id, now, MOST_SECRETS)
    if not found or found[0]["expires_at"] is not None:
        tx.execute(PUT_IN_USE, workspace_id, make_secret())
        found = tx.find_all(FIND_SECRETS, workspace_id, now, MOST_SECRETS)
    return found


def replace_secret(tx: Transaction, workspace_id: int, valid_until: int, now: int) -> None:
    """Creates a new current secret; the previous one stays valid for a while."""
    tx.execute(DELETE_EXPIRED, workspace_id, now)
    tx.execute(TAKE_OUT_OF_USE, workspace_id, valid_until)
    tx.execute(PUT_IN_USE, workspace_id, make_secret())
