"""Owns drafts: forms that were sent after their session had ended, kept until the person is back.

For an hour, and bounded for each person and in total: in memory where there is one node, otherwise
in the database, so that the person may come back at any node. Only somebody who was signed in can
leave one, so strangers cannot fill the room; a person who leaves many loses their own oldest. See
manual/decisions/2026-11-30-drafts.md.
"""

import secrets
from collections import OrderedDict
from hashlib import blake2b
from typing import Final

import msgspec

from shorty.durations import HOUR_MS, MINUTE_MS
from shorty.storage.database import Database

KEPT_MS: Final = HOUR_MS
LARGEST: Final = 256 * 1024  # bytes of one draft
PER_PERSON: Final = 5
ROOM: Final = 32 * 1024 * 1024  # bytes of all drafts
KEY_BYTES: Final = 16
AHEAD_MS: Final = MINUTE_MS
"""By how much the clock of the node that kept a draft may be ahead of another's."""
DELETED_AT_ONCE: Final = 1000
_DIGEST_BYTES: Final = 16

KEEP: Final = "insert into drafts (key, user_id, kept_at, content) values ($1, $2, $3, $4)"
# A statement of its own, as it has to see what other nodes keep at the same moment.
MAKE_ROOM: Final = """
delete from drafts where user_id = $1 and id <= (
  select id from drafts where user_id = $1 order by id desc limit 1 offset $2
) or id <= (
  select max(id) from (
    select id, sum(octet_length(content)) over (order by id desc) as taken from drafts
  ) as each where taken > $3
)
"""
FIND: Final = "select content from drafts where key = $1 and kept_at > $2 and kept_at <= $3"
DROP: Final = "delete from drafts where key = $1"
DELETE_OLD: Final = """
delete from drafts where id in (
  select id from drafts where kept_at <= $1 or kept_at > $2 limit $3
) returning id
"""


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """What a form said, without its secrets and files.

    `browser` is the key in the cookie of its forms. `action` is the path that it was sent to;
    `page` is where it can be filled in. `left_out` names what is not kept: passwords, codes, files.
    """

    user_id: int
    workspace_id: int
    browser: str
    page: str
    action: str
    fields: dict[str, tuple[str, ...]] = {}
    left_out: tuple[str, ...] = ()
    kept_at: int = 0


class Drafts:
    """By random keys. The oldest of a person makes room first, then the oldest of all.

    In the database a row's key is a digest, with the server's secret, of the draft's key and its
    browser: neither can be read from the table, and a draft's address alone finds nothing. Whatever
    waits for the database raises StorageUnavailableError where that is not reachable.
    """

    def __init__(self, db: Database, secret: bytes) -> None:
        self._own = None if db.dialect.is_shared else OwnDrafts()
        self._db = db
        self._secret = secret[:64]

    def __len__(self) -> int:
        """Those in memory."""
        return len(self._own or ())

    async def keep(self, draft: Draft) -> str | None:
        """Returns the draft's key, or None if it is too large."""
        if len(content := msgspec.msgpack.encode(draft)) > LARGEST:
            return None
        key = secrets.token_urlsafe(KEY_BYTES)
        if (own := self._own) is not None:
            own.keep(key, draft, len(content))
            return key
        content = msgspec.msgpack.encode(msgspec.structs.replace(draft, browser=""))
        name = self._name(key, draft.browser)
        await self._db.run_alone(KEEP, name, draft.user_id, draft.kept_at, content)
        await self._db.run_alone(MAKE_ROOM, draft.user_id, PER_PERSON, ROOM)
        return key

    async def find(self, key: str, browser: str, now: int) -> Draft | None:
        """None for another browser than the one it was typed in."""
        if (own := self._own) is not None:
            return own.find(key, browser, now)
        oldest, newest = now - KEPT_MS, now + AHEAD_MS
        rows = await self._db.find_all(FIND, self._name(key, browser), oldest, newest)
        if not rows:
            return None
        draft = msgspec.msgpack.decode(rows[0]["content"], type=Draft)
        return msgspec.structs.replace(draft, browser=browser)

    async def drop(self, key: str, browser: str) -> None:
        """Does nothing for another browser than the one it was typed in."""
        if (own := self._own) is None:
            await self._db.run_alone(DROP, self._name(key, browser))
        elif own.is_of(key, browser):
            own.drop(key)

    async def delete_old(self, now: int) -> int:
        """Deletes some drafts whose hour is over; returns how many."""
        if (own := self._own) is not None:
            return own.drop_old(now)
        oldest, newest = now - KEPT_MS, now + AHEAD_MS
        return len(await self._db.run_alone(DELETE_OLD, oldest, newest, DELETED_AT_ONCE))

    def _name(self, key: str, browser: str) -> bytes:
        text = repr((key, browser)).encode()
        return blake2b(text, digest_size=_DIGEST_BYTES, key=self._secret).digest()


class OwnDrafts:
    """In the memory of the only node, the oldest first."""

    def __init__(self) -> None:
        self._drafts: OrderedDict[str, tuple[Draft, int]] = OrderedDict()
        self._size = 0

    def __len__(self) -> int:
        return len(self._drafts)

    @property
    def size(self) -> int:
        """In bytes."""
        return self._size

    def keep(self, key: str, draft: Draft, size: int) -> None:
        """`size` is in bytes."""
        self.drop_old(draft.kept_at)
        of_person = [key for key, (each, _) in self._drafts.items() if _is_same_person(each, draft)]
        for each in of_person[: max(0, len(of_person) + 1 - PER_PERSON)]:
            self.drop(each)
        while self._size + size > ROOM:
            self.drop(next(iter(self._drafts)))
        self._drafts[key] = (draft, size)
        self._size += size

    def find(self, key: str, browser: str, now: int) -> Draft | None:
        if not self.is_of(key, browser):
            return None
        draft, _ = self._drafts[key]
        if not _is_fresh(draft, now):
            self.drop(key)
            return None
        return draft

    def is_of(self, key: str, browser: str) -> bool:
        """Whether it is there, and was typed in this browser."""
        found = self._drafts.get(key)
        return found is not None and found[0].browser == browser

    def drop(self, key: str) -> None:
        found = self._drafts.pop(key, None)
        if found is not None:
            self._size -= found[1]

    def drop_old(self, now: int) -> int:
        old = [key for key, (each, _) in self._drafts.items() if not _is_fresh(each, now)]
        for key in old:
            self.drop(key)
        return len(old)


def _is_fresh(draft: Draft, now: int) -> bool:
    """A clock that was set back makes a draft old too, so that none stays for longer."""
    return 0 <= now - draft.kept_at < KEPT_MS


def _is_same_person(draft: Draft, other: Draft) -> bool:
    return draft.user_id == other.user_id
