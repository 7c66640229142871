"""Compares what was answered with what is stored, and with what the webhooks' receiver got."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import msgspec

from tests.nodes.ledger import Entry, Ledger
from tests.nodes.site import SMALL_PLAN_LINKS, Site

NO_SUMS: Final = (0, 0)
LIST_LINKS: Final = """
select l.slug, cast(l.id as text) as id, l.url, l.deleted_at is null as is_live,
  coalesce(c.clicks, 0) as clicks, coalesce(n.total, 0) as total,
  coalesce(s.clicks, 0) as rolled_up,
  coalesce(s.visitors, 0) as visitors
from links l
left join (
  select link_id, count(*) as clicks from clicks where kind = 1 group by link_id
) as c on c.link_id = l.id
left join link_counters n on n.link_id = l.id
left join ({sums}) as s on s.owner = l.id
"""
SUMS: Final = """
select owner, cast(sum(clicks) as bigint) as clicks, cast(sum(visitors) as bigint) as visitors
from (
  select owner, clicks, visitors from click_quarters
  union all select owner, clicks, visitors from click_days
) as sums group by owner
"""
LIST_WORKSPACES: Final = """
select w.id, coalesce(s.clicks, 0) as rolled_up, (
  select count(*) from clicks c join links l on l.id = c.link_id
  where l.workspace_id = w.id and c.kind = 1
) as clicks
from workspaces w left join ({sums}) as s on s.owner = -w.id
"""
COUNT_OTHERS: Final = "select count(*) from clicks where kind <> 1"
COUNT_DAYS: Final = "select count(distinct at / 86400000) from clicks"
COUNT_SMALL: Final = """
select coalesce(q.used, 0), (
  select count(*) from links l where l.workspace_id = w.id and l.deleted_at is null
) from workspaces w left join quotas q on q.workspace_id = w.id and q.quota = 'links'
where w.plan = 'small'
"""
LIST_DELIVERIES: Final = "select message_id, click_id from webhook_deliveries"


class StoredLink(msgspec.Struct, frozen=True, array_like=True):
    """As the database has it: how many clicks by each way of counting them."""

    slug: str
    id: str
    url: str
    is_live: bool
    clicks: int
    total: int
    rolled_up: int
    visitors: int


class StoredWorkspace(msgspec.Struct, frozen=True, array_like=True):
    id: int
    rolled_up: int
    clicks: int


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """`days` are how many the clicks are of, `small` the links of the small plan: used, there."""

    links: list[StoredLink]
    workspaces: list[StoredWorkspace]
    others: int
    days: int
    small: tuple[int, int]
    deliveries: list[tuple[str, int]]
    """Each with its click."""

    @property
    def clicks(self) -> int:
        return sum(link.clicks for link in self.links)


async def read_stored(site: Site) -> Stored:
    """Once the nodes have stopped, so that nothing is under way."""
    found = {
        "links": await site.ask_database(LIST_LINKS.format(sums=SUMS)),
        "workspaces": await site.ask_database(LIST_WORKSPACES.format(sums=SUMS)),
        "others": (await site.ask_database(COUNT_OTHERS))[0][0],
        "days": (await site.ask_database(COUNT_DAYS))[0][0],
        "small": (await site.ask_database(COUNT_SMALL))[0],
        "deliveries": await site.ask_database(LIST_DELIVERIES),
    }
    return msgspec.convert(found, Stored)


def list_received(site: Site) -> list[tuple[str, int]]:
    """The id of each message that arrived, and its click's."""
    events = [(message.id, message.event) for message in site.receiver.messages]
    return [(message_id, int(event["data"]["click"]["id"])) for message_id, event in events]


def list_faults(
    ledger: Ledger, stored: Stored, received: Sequence[tuple[str, int]], crashes: int = 0
) -> list[str]:
    """Everything that contradicts the ledger; `crashes` are those of the database."""
    links = {link.slug: link for link in stored.links}
    known = [(entry, links.get(slug)) for slug, entry in ledger.entries.items()]
    found = [(entry, link) for entry, link in known if link]
    faults = [*ledger.faults, *_compare_links(known), *_compare_clicks(found)]
    faults += [f"{slug} is there, and nobody created it" for slug in links.keys() - ledger.entries]
    if stored.days == 1:
        faults += _compare_visitors(found, crashes)
    faults += [
        f"workspace {each.id}: {each.clicks} clicks are stored, {each.rolled_up} are rolled up"
        for each in stored.workspaces
        if each.clicks != each.rolled_up
    ]
    if stored.others:
        faults.append(f"{stored.others} visits are stored as those of programs")
    called = sum(link.clicks for entry, link in found if entry.has_webhook)
    return [
        *faults,
        *_compare_quota(ledger, *stored.small),
        *_compare_deliveries(called, set(stored.deliveries), set(received)),
    ]


def _compare_links(known: Iterable[tuple[Entry, StoredLink | None]]) -> Iterator[str]:
    for entry, link in known:
        is_live = link is not None and link.is_live
        if is_live and not entry.may_live:
            yield f"{entry.slug} was deleted or refused, and is there"
        if not is_live and not entry.may_be_gone:
            yield f"{entry.slug} was created and is not there"
        if link and is_live and entry.urls and link.url not in entry.urls:
            yield f"{entry.slug} leads to {link.url} instead of {sorted(entry.urls)}"
        if link and entry.id and link.id != entry.id:
            yield f"{entry.slug} has the id {link.id}, answered was {entry.id}"


def _compare_clicks(found: Iterable[tuple[Entry, StoredLink]]) -> Iterator[str]:
    for entry, link in found:
        if not entry.answered <= link.clicks <= entry.answered + entry.doubtful:
            yield (
                f"{entry.slug}: {link.clicks} clicks are stored, {entry.answered} were answered "
                f"and {entry.doubtful} are in doubt"
            )
        if not link.clicks == link.total == link.rolled_up:
            yield (
                f"{entry.slug}: {link.clicks} clicks are stored, its counter says {link.total}, "
                f"its sums {link.rolled_up}"
            )
        if entry.limit is not None and link.clicks > entry.limit:
            yield f"{entry.slug}: {link.clicks} clicks of at most {entry.limit} are stored"


def _compare_visitors(found: Iterable[tuple[Entry, StoredLink]], crashes: int) -> Iterator[str]:
    """A database that crashed has forgotten the day's key, and counts its visitors again."""
    for entry, link in found:
        least = len(entry.visitors)
        most = len(entry.visitors | entry.doubtful_visitors) * (1 + crashes)
        if not least <= link.visitors <= most:
            yield f"{entry.slug}: {link.visitors} visitors are stored, {least} to {most} came"


def _compare_quota(ledger: Ledger, used: int, live: int) -> Iterator[str]:
    answered = ledger.small_created - ledger.small_deleted
    if used != live:
        yield f"{used} links of the plan are used, {live} are there"
    if live > SMALL_PLAN_LINKS:
        yield f"{live} links are there, the plan allows {SMALL_PLAN_LINKS}"
    if not answered <= live <= answered + ledger.small_doubtful:
        yield (
            f"{live} links of the plan are there, {answered} were created and not deleted, "
            f"{ledger.small_doubtful} are in doubt"
        )


def _compare_deliveries(
    wanted: int, stored: set[tuple[str, int]], received: set[tuple[str, int]]
) -> Iterator[str]:
    ids = {message_id for message_id, _ in received}
    clicks = {click_id for _, click_id in received}
    if not wanted == len(ids) == len(clicks) == len(received):
        yield (
            f"{wanted} clicks call a webhook, {len(ids)} ids of {len(clicks)} clicks were received"
        )
    if stored != received:
        yield f"{len(stored)} deliveries are stored, others than the {len(received)} received"
