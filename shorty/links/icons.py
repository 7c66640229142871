"""Owns the icons of the hosts that links lead to: fetched once, drawn anew, shown from here.

So nobody who looks at a page or a list of links is told to a stranger. A link keeps the path of its
host's icon; which host a path stands for, it does not say.
"""

import secrets
from collections.abc import Sequence
from typing import Final

from cachebox import LRUCache

from shorty.durations import DAY_MS
from shorty.storage.changes import AnythingChanged, hear_of
from shorty.storage.database import Database, Transaction

REMEMBERED_HOSTS: Final = 20_000
FRESH_MS: Final = 30 * DAY_MS
NONE_FRESH_MS: Final = DAY_MS
"""How long it is believed that a host has no icon."""

FIND_ICON: Final = """
select key, case when png is null then 0 else 1 end as is_there, fetched_at
from favicons where host = $1
"""
# One that is not found again stays as it was.
PUT_ICON: Final = """
insert into favicons (host, key, png, fetched_at) values ($1, $2, $3, $4)
on conflict (host) do update set
  png = coalesce(excluded.png, favicons.png), fetched_at = excluded.fetched_at
returning key, case when png is null then 0 else 1 end as is_there
"""
FIND_CONTENT: Final = "select png from favicons where key = $1"
SET_ICON: Final = """
update links set favicon_url = $2 where id = $1 and url = $3 and deleted_at is null
"""


class Icons:
    """Which hosts' icons are known, for those who create links; lives in memory alone."""

    def __init__(self, remembered_hosts: int = REMEMBERED_HOSTS) -> None:
        self._paths: LRUCache[str, str] = LRUCache(remembered_hosts)
        self._without: LRUCache[str, int] = LRUCache(remembered_hosts)
        self.hear = hear_of(AnythingChanged, call=self.forget_all)

    def find(self, host: str) -> str:
        """The path of its icon; empty where none is known."""
        return self._paths.get(host) or ""

    def is_without(self, host: str, now: int) -> bool:
        """Whether it was looked for not long ago, in vain."""
        return self._without.get(host, 0) > now

    def remember(self, host: str, path: str, now: int) -> None:
        if path:
            self._paths[host] = path
        else:
            self._without[host] = now + NONE_FRESH_MS

    def forget_all(self) -> None:
        self._paths.clear()
        self._without.clear()


def write_icon_path(key: str) -> str:
    return f"/static/icons/{key}.png"


async def find_fresh_path(db: Database, host: str, now: int) -> str | None:
    """The path of the host's icon, empty where it has none; None where it is to be looked for."""
    row = await db.find_one(FIND_ICON, host)
    if row is None:
        return None
    is_fresh = row["fetched_at"] > now - (FRESH_MS if row["is_there"] else NONE_FRESH_MS)
    path = write_icon_path(row["key"]) if row["is_there"] else ""
    return path if is_fresh else None


def put_icon(tx: Transaction, host: str, png: bytes | None, now: int) -> str:
    """Keeps what was found and returns its path; empty where the host has never had an icon."""
    row = tx.find_one(PUT_ICON, host, secrets.token_hex(8), png, now)
    if row is None:
        raise AssertionError
    return write_icon_path(row["key"]) if row["is_there"] else ""


def set_icons(tx: Transaction, links: Sequence[tuple[int, str]], path: str) -> None:
    """Gives links, by id and destination, their icon, unless they lead elsewhere by now."""
    tx.execute_many(SET_ICON, [(link_id, path, url) for link_id, url in links])


async def find_icon_content(db: Database, key: str) -> bytes | None:
    if "\0" in key:
        return None
    row = await db.find_one(FIND_CONTENT, key)
    return None if row is None else row["png"]
