"""Every statement about addresses: aliases, who holds a slug of a domain, and slugs that rest.

A slug of a domain names one live link, as its own slug or as an alias. No index covers both tables,
so every write that adds an address asks for its holder first.
"""

from collections.abc import Sequence
from typing import Final, Literal

import msgspec

from shorty.durations import DAY_MS
from shorty.errors import SlugRestingError, SlugTakenError
from shorty.links.model import Address, Link
from shorty.links.slug import fold_key, slug_key
from shorty.storage.database import Asked, Database, Reader, Row, Transaction, Value
from shorty.storage.statements import Statement, number_places

REST_MS: Final = 90 * DAY_MS
SWEPT_AT_ONCE: Final = 500

SlugFault = Literal["taken", "resting"]

_SELECT_ALIAS: Final = """
select a.link_id, a.domain_id, d.host, d.scheme, a.slug
from aliases a join domains d on d.id = a.domain_id
"""
# Of a live link they answer; of a deleted one they wait to be restored.
FIND_ALIASES: Final = f"{_SELECT_ALIAS} where a.link_id = $1 order by a.position, a.id"
FIND_ALIASES_OF_LINKS: Final = f"{_SELECT_ALIAS} where a.link_id in"
INSERT_ALIAS: Final = """
insert into aliases
  (link_id, workspace_id, domain_id, slug, slug_key, folded_key, position, created_at)
values ($1, $2, $3, $4, $5, $6, $7, $8)
"""
MOVE_ALIAS: Final = """
update aliases set position = $4 where link_id = $1 and domain_id = $2 and slug_key = $3
"""
DELETE_ALIAS: Final = """
delete from aliases where link_id = $1 and domain_id = $2 and slug_key = $3
"""
FREE_ALIASES: Final = """
update aliases set freed_at = $2
where link_id = $1 and workspace_id = $3 and freed_at is null
returning domain_id, slug_key, folded_key
"""
SET_ALIAS_SLUGS: Final = "update links set alias_slugs = $2 where id = $1"
REVIVE_ALIASES: Final = "update aliases set freed_at = null where link_id = $1"

# Also where another workspace's address differs in case alone. A slug that rests for several
# workspaces rests for none of them.
FIND_HOLDER: Final = """
select 0 as rests from links
where domain_id = $1 and folded_key = $2 and deleted_at is null and id <> $5
  and (slug_key = $3 or workspace_id <> $4)
union all
select 0 from aliases
where domain_id = $1 and folded_key = $2 and freed_at is null and link_id <> $5
  and (slug_key = $3 or workspace_id <> $4)
union all
select 1 from resting_slugs
where domain_id = $1 and folded_key = $2 and workspace_id <> $4 and until > $6 and not exists (
  select 1 from resting_slugs own
  where own.domain_id = $1 and own.folded_key = $2 and own.workspace_id = $4 and own.until > $6)
order by rests limit 1
"""
# Each key is looked up by itself, because a join may read the whole domain where the statistics are
# old. The limit, which is the number of keys, keeps the planner from looking each one up twice. Of
# those that rest, 2 stands for the workspace's own and 1 for others'.
FIND_LOOK_ALIKES: Final = """
select folded_key, own_link, own_alias, rests from (
  select w.text as folded_key,
    (select min(case when workspace_id = $1 then 1 else 0 end) from links
     where domain_id = $2 and folded_key = w.text and deleted_at is null) as own_link,
    (select min(case when workspace_id = $1 then 1 else 0 end) from aliases
     where domain_id = $2 and folded_key = w.text and freed_at is null) as own_alias,
    (select max(case when workspace_id = $1 then 2 else 1 end) from resting_slugs
     where domain_id = $2 and folded_key = w.text and until > $3) as rests
  from (WANTED) w limit $4
) found
where coalesce(own_link, own_alias, rests) is not null
"""
HAS_ALIAS: Final = """
select 1 from aliases where domain_id = $1 and slug_key = $2 and freed_at is null
"""

FIND_REST: Final = """
select until from resting_slugs
where domain_id = $1 and folded_key = $2 and workspace_id = $3 and until > $4
"""
PUT_REST: Final = """
insert into resting_slugs (domain_id, folded_key, workspace_id, until) values ($1, $2, $3, $4)
on conflict (domain_id, folded_key, workspace_id) do update set until = excluded.until
"""
END_RESTS: Final = """
delete from resting_slugs where (domain_id, folded_key, workspace_id) in (
  select domain_id, folded_key, workspace_id from resting_slugs
  where until <= $1 order by until limit $2)
"""
HAS_VISITS: Final = """
select 1 from link_counters where link_id = $1 and (total > 0 or bots > 0)
"""


class LookAlike(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a slug in any case; `is_own`: no other workspace has an address like it.

    `is_alias`: one of these addresses is an alias. `rests`: it is kept for another workspace.
    """

    is_own: bool
    is_alias: bool
    rests: bool


def find_aliases(rows: Reader, link_id: int) -> tuple[Address, ...]:
    """The link's aliases in their order; of a deleted link those it had."""
    return tuple(map(_read_address, rows.find_all(FIND_ALIASES, link_id)))


async def list_aliases(db: Database, link_id: int) -> tuple[Address, ...]:
    return tuple(map(_read_address, await db.find_all(FIND_ALIASES, link_id)))


async def find_aliases_of_links(
    db: Database, link_ids: Sequence[int]
) -> dict[int, tuple[Address, ...]]:
    """In their order; links without any are left out."""
    if not link_ids:
        return {}
    places = number_places(len(link_ids))
    rows = await db.find_all(
        f"{FIND_ALIASES_OF_LINKS} ({places}) order by a.link_id, a.position, a.id", *link_ids
    )
    found: dict[int, tuple[Address, ...]] = {}
    for row in rows:
        found[row["link_id"]] = (*found.get(row["link_id"], ()), _read_address(row))
    return found


def find_slug_faults(
    tx: Transaction, workspace_id: int, addresses: Sequence[Address], link_id: int, now: int
) -> list[SlugFault | None]:
    """Why the workspace's link cannot get each address; it may have it already.

    Another live link has it, of another workspace in any case, or it rests for another workspace.
    """
    asked = [
        tx.ask(FIND_HOLDER, *_name(workspace_id, address, link_id), now) for address in addresses
    ]
    return [_read_fault(each.row()) for each in asked]


def require_free(
    tx: Transaction, workspace_id: int, addresses: Sequence[Address], link_id: int, now: int
) -> None:
    """Raises SlugTakenError for the first that is not."""
    faults = find_slug_faults(tx, workspace_id, addresses, link_id, now)
    for address, fault in zip(addresses, faults, strict=True):
        if fault is not None:
            raise build_slug_error(address.slug, address.host, rests=fault == "resting")


def build_slug_error(slug: str, host: str, *, rests: bool) -> SlugTakenError:
    return SlugRestingError(slug, host) if rests else SlugTakenError(slug, host)


async def foresee_slug_fault(
    db: Database, workspace_id: int, address: Address, link_id: int, now: int
) -> SlugFault | None:
    """As find_slug_faults, outside a write: it may be another answer when the link is stored."""
    return _read_fault(await db.find_one(FIND_HOLDER, *_name(workspace_id, address, link_id), now))


def ask_look_alikes(
    tx: Transaction, workspace_id: int, domain_id: int, folded_keys: Sequence[str], now: int
) -> Asked:
    """For `read_look_alikes`: the keys that live addresses of the domain have, or that rest there.

    One statement for all keys.
    """
    asked = Statement()
    for value in (workspace_id, domain_id, now, len(folded_keys)):
        asked.bind(value)
    sql = FIND_LOOK_ALIKES.replace("WANTED", tx.dialect.write_texts(folded_keys, asked.bind))
    return tx.ask(sql, *asked.values)


def read_look_alikes(asked: Asked) -> dict[str, LookAlike]:
    """What was asked, by the folded key."""
    return {row["folded_key"]: _read_look_alike(row) for row in asked.rows()}


def has_alias(tx: Transaction, domain_id: int, slug: str) -> bool:
    return tx.find_one(HAS_ALIAS, domain_id, slug_key(slug)) is not None


def insert_aliases(tx: Transaction, link: Link, now: int) -> None:
    """Those of a new link; none of them may have a holder."""
    for position, alias in enumerate(link.aliases):
        _insert(tx, link, alias, position, now)
    if link.aliases:
        tx.send(SET_ALIAS_SLUGS, link.id, link.alias_slugs)


def replace_aliases(tx: Transaction, before: Link, after: Link, now: int) -> None:
    """Keeps the rows of those that stay, with the time of their creation."""
    kept = {alias.key for alias in after.aliases}
    for alias in before.aliases:
        if alias.key not in kept:
            tx.send(DELETE_ALIAS, before.id, *alias.key)
    had = {alias.key for alias in before.aliases}
    for position, alias in enumerate(after.aliases):
        if alias.key in had:
            tx.send(MOVE_ALIAS, before.id, *alias.key, position)
        else:
            _insert(tx, before, alias, position, now)
    tx.send(SET_ALIAS_SLUGS, after.id, after.alias_slugs)


def _insert(tx: Transaction, link: Link, alias: Address, position: int, now: int) -> None:
    key = slug_key(alias.slug)
    place = (alias.domain_id, alias.slug, key, fold_key(key))
    tx.send(INSERT_ALIAS, link.id, link.workspace_id, *place, position, now)


def ask_freed_aliases(tx: Transaction, workspace_id: int, link_id: int, now: int) -> Asked:
    """Frees those of the workspace's link, which is deleted; they are kept for its return."""
    return tx.ask(FREE_ALIASES, link_id, now, workspace_id)


def revive_aliases(tx: Transaction, link: Link) -> None:
    """Of a link that comes back; those that are lost are forgotten."""
    for alias in link.lost_aliases:
        tx.send(DELETE_ALIAS, link.id, *alias.key)
    if link.lost_aliases:
        tx.send(SET_ALIAS_SLUGS, link.id, link.alias_slugs)
    tx.send(REVIVE_ALIASES, link.id)


def ask_visits(tx: Transaction, link_id: int) -> Asked:
    """A row if anybody has visited the link, a program too, as far as visits are stored."""
    return tx.ask(HAS_VISITS, link_id)


async def foresee_visits(db: Database, link_id: int) -> bool:
    """As ask_visits, outside a write."""
    return await db.find_one(HAS_VISITS, link_id) is not None


def rest_slug(
    tx: Transaction, workspace_id: int, domain_id: int, folded_key: str, now: int
) -> None:
    """Keeps the freed slug, in any case, from other workspaces."""
    tx.send(PUT_REST, domain_id, folded_key, workspace_id, now + REST_MS)


async def find_rest(
    db: Database, workspace_id: int, domain_id: int, slug: str, now: int
) -> int | None:
    """Until when the slug rests for this workspace, which may take it; None if it does not."""
    folded = fold_key(slug_key(slug))
    row = await db.find_one(FIND_REST, domain_id, folded, workspace_id, now)
    return None if row is None else row["until"]


async def end_old_rests(db: Database, now: int) -> int:
    """Forgets some of the slugs that have rested long enough; how many."""
    return await db.write(lambda tx: tx.execute(END_RESTS, now, SWEPT_AT_ONCE))


def _name(workspace_id: int, address: Address, link_id: int) -> tuple[Value, ...]:
    domain_id, key = address.key
    return domain_id, fold_key(key), key, workspace_id, link_id


def _read_fault(row: Row | None) -> SlugFault | None:
    if row is None:
        return None
    return "resting" if row["rests"] else "taken"


def _read_look_alike(row: Row) -> LookAlike:
    own_link, own_alias, rests = row["own_link"], row["own_alias"], row["rests"]
    return LookAlike(
        is_own=0 not in {own_link, own_alias}, is_alias=own_alias is not None, rests=rests == 1
    )


def _read_address(row: Row) -> Address:
    return Address(
        domain_id=row["domain_id"], host=row["host"], scheme=row["scheme"], slug=row["slug"]
    )
