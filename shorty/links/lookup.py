"""Finds the link behind a slug for a visitor: two bounded caches over one read of the database.

Found links are kept by their own slugs alone, apart from other spellings and from slugs that lead
nowhere, so that a scanner cannot push out what is hot. Nothing that depends on the time or on a
count is cached as an outcome.
"""

from collections.abc import Callable
from threading import RLock
from typing import Final

import msgspec
from cachebox import LRUCache
from msgspec.structs import force_setattr

from shorty.links.blocklist import BlockList
from shorty.links.destination import RedirectStatus, destination_host
from shorty.links.model import LinkType
from shorty.links.slug import LONGEST_SPELLING, MAX_SLUG_LENGTH, fold_key, trim_marks
from shorty.links.slug import slug_key as make_key
from shorty.storage.database import Database, Row

LINKS: Final = 50_000
MISSES: Final = 50_000

Key = tuple[int, str]

# In the order of CachedLink's fields.
_SELECT: Final = """
select id, workspace_id, slug, link_type, url, status, title, description, image, cloaked,
       forward_parameters, block_bots, is_active, is_admin_blocked,
       case when is_password_asked = 1 then password_hash end, valid_since, expires_at,
       max_clicks, meta_pixel_id, google_tag_id, is_link_in_bio, button_label, is_public,
       created_at, utm_source, utm_medium, utm_campaign, utm_term, utm_content
from links
"""
FIND_LINK: Final = f"""
{_SELECT} where domain_id = $1 and slug_key = $2 and deleted_at is null
"""
# Two are as good as many: which of them was meant, no one can say.
FIND_FITTING: Final = f"""
{_SELECT} where domain_id = $1 and folded_key = $2 and deleted_at is null limit 2
"""


class CachedLink(msgspec.Struct, frozen=True, gc=False, weakref=False):
    """What answering a visit needs of a link: a row of its statements, its flags still 0 or 1.

    `password_hash` is None where none is asked for; `is_blocked` by an admin or by a block list.
    """

    id: int
    workspace_id: int
    slug: str
    link_type: LinkType
    url: str
    status: RedirectStatus
    title: str | None
    description: str | None
    image: str | None
    cloaked: bool
    forward_parameters: bool
    block_bots: bool
    is_active: bool
    is_blocked: bool
    password_hash: str | None
    valid_since: int | None
    expires_at: int | None
    max_clicks: int | None
    meta_pixel_id: str | None
    google_tag_id: str | None
    is_link_in_bio: bool
    button_label: str | None
    is_public: bool
    created_at: int
    utm_source: str | None = None
    utm_medium: str | None = None
    utm_campaign: str | None = None
    utm_term: str | None = None
    utm_content: str | None = None
    utm: tuple[str | None, str | None, str | None, str | None, str | None] | None = None
    is_plain: bool = False
    """Whether every GET gets the same redirect, whoever comes and whenever; known to the lookup."""


def is_never_plain(_link: CachedLink) -> bool:
    """Of lookups that answer no visits."""
    return False


class LinkLookup:
    """Answers in any thread; `forget` is called after a commit that changed the link.

    Whoever holds `lock` keeps what is found from being forgotten meanwhile: `forget` returns once
    every visit that is being answered by the former link has been.

    `links` are those that are cached, for who holds the lock and can spare no call.

    `is_plain` is asked once of each link that is read. `on_read` is told the id of each link that
    had to be read: what else is remembered of it may be older than what was read.

    `is_forgiving`: a slug that no link has leads to the link that has it without the sentence marks
    at its end, or else in another case, if only one fits.
    """

    def __init__(
        self,
        db: Database,
        block_list: BlockList,
        *,
        is_plain: Callable[[CachedLink], bool] = is_never_plain,
        on_read: Callable[[int], None] | None = None,
        is_forgiving: bool = False,
        links: int = LINKS,
        misses: int = MISSES,
    ) -> None:
        self.lock = RLock()
        self._db = db
        self._block_list = block_list
        self._blocks_hosts = len(block_list) > 0
        self._is_plain = is_plain
        self._on_read = on_read
        self.links: LRUCache[Key, CachedLink | None] = LRUCache(links)
        self._is_forgiving = is_forgiving
        # By the folded key: the key of the one link that fits, empty where none does. So what is
        # known of any spelling of a slug is forgotten with the link.
        self._spellings: LRUCache[Key, str | None] = LRUCache(misses)

    def find(self, domain_id: int, slug_key: str) -> CachedLink | None:
        """Raises StorageUnavailableError where the database cannot be read."""
        with self.lock:
            return self.find_held(domain_id, slug_key)

    def find_held(self, domain_id: int, slug_key: str) -> CachedLink | None:
        """The same for whoever holds `lock`."""
        link: CachedLink | None = self.links.get((domain_id, slug_key))
        if link is not None or len(slug_key) > LONGEST_SPELLING:
            return link
        key = trim_marks(slug_key) if self._is_forgiving else slug_key
        if not key or len(key) > MAX_SLUG_LENGTH:
            return None
        if key != slug_key and (link := self.links.get((domain_id, key))) is not None:
            return link
        if self._is_forgiving and not key.isascii():
            # Another version of Unicode may have folded it another way when the link was written.
            row = self._db.look_up(FIND_LINK, domain_id, key)
            if row is not None:
                return self._keep(domain_id, row)
        folded = self._fold(key)
        fitting = self._spellings.get((domain_id, folded))
        if fitting is None:
            return self._read(domain_id, key, folded)
        if not fitting:
            return None
        return self.links.get((domain_id, fitting)) or self._read(domain_id, key, folded)

    def _fold(self, key: str) -> str:
        return fold_key(key) if self._is_forgiving else key

    def _read(self, domain_id: int, key: str, folded: str) -> CachedLink | None:
        sql = FIND_FITTING if self._is_forgiving else FIND_LINK
        rows = self._db.look_up_all(sql, domain_id, folded)
        if len(rows) > 1:
            row = self._db.look_up(FIND_LINK, domain_id, key)
            return None if row is None else self._keep(domain_id, row)
        if not rows:
            self._spellings[domain_id, folded] = ""
            return None
        link = self._keep(domain_id, rows[0])
        if (own_key := make_key(link.slug)) != key:
            self._spellings[domain_id, folded] = own_key
        return link

    def _keep(self, domain_id: int, row: Row) -> CachedLink:
        link = CachedLink(*row)
        # Nobody else has it yet: what is not in the row is set before anybody gets it.
        if self._blocks_hosts and self._leads_to_blocked_host(link):
            force_setattr(link, "is_blocked", True)  # noqa: FBT003 - a value
        utm = link.utm_source, link.utm_medium, link.utm_campaign, link.utm_term, link.utm_content
        if any(utm):
            force_setattr(link, "utm", utm)
        if self._is_plain(link):
            force_setattr(link, "is_plain", True)  # noqa: FBT003 - a value
        self.links[domain_id, make_key(link.slug)] = link
        if self._on_read is not None:
            self._on_read(link.id)
        return link

    def _leads_to_blocked_host(self, link: CachedLink) -> bool:
        """By the lists of today: they may name a host that they did not when it was created."""
        return link.link_type == "URL" and self._block_list.is_blocked(destination_host(link.url))

    def forget(self, domain_id: int, slug_key: str) -> None:
        with self.lock:
            self.links.pop((domain_id, slug_key), None)
            self._spellings.pop((domain_id, self._fold(slug_key)), None)

    def count_cached(self) -> tuple[int, int]:
        """Links; and other spellings, with slugs that lead nowhere."""
        return len(self.links), len(self._spellings)

    def forget_all(self) -> None:
        with self.lock:
            self.links.clear()
            self._spellings.clear()
