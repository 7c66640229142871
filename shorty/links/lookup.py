"""Finds the link behind a slug for a visitor: two bounded caches over one read of the database.

Found links and slugs that lead nowhere are kept apart, so that a scanner cannot push out what is
hot. Nothing that depends on the time or on a count is cached as an outcome.
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
from shorty.storage.database import Database

LINKS: Final = 50_000
MISSES: Final = 50_000

Key = tuple[int, str]

# In the order of CachedLink's fields.
FIND_LINK: Final = """
select id, workspace_id, slug, link_type, url, status, title, description, image, cloaked,
       forward_parameters, block_bots, is_active, is_admin_blocked,
       case when is_password_asked = 1 then password_hash end, valid_since, expires_at,
       max_clicks, meta_pixel_id, google_tag_id, is_link_in_bio, button_label, is_public,
       created_at, utm_source, utm_medium, utm_campaign, utm_term, utm_content
from links
where domain_id = $1 and slug_key = $2 and deleted_at is null
"""


class CachedLink(msgspec.Struct, frozen=True, gc=False, weakref=False):
    """What answering a visit needs of a link: a row of FIND_LINK, its flags still 0 or 1.

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
    """

    def __init__(
        self,
        db: Database,
        block_list: BlockList,
        *,
        is_plain: Callable[[CachedLink], bool] = is_never_plain,
        on_read: Callable[[int], None] | None = None,
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
        self._misses: LRUCache[Key, bool] = LRUCache(misses)

    def find(self, domain_id: int, slug_key: str) -> CachedLink | None:
        """Raises StorageUnavailableError where the database cannot be read."""
        with self.lock:
            return self.find_held(domain_id, slug_key)

    def find_held(self, domain_id: int, slug_key: str) -> CachedLink | None:
        """The same for whoever holds `lock`."""
        key = (domain_id, slug_key)
        link: CachedLink | None = self.links.get(key)
        if link is not None:
            return link
        if key in self._misses:
            return None
        return self._read(key)

    def _read(self, key: Key) -> CachedLink | None:
        row = self._db.look_up(FIND_LINK, *key)
        if row is None:
            self._misses[key] = True
            return None
        link = CachedLink(*row)
        # Nobody else has it yet: what is not in the row is set before anybody gets it.
        if self._blocks_hosts and self._leads_to_blocked_host(link):
            force_setattr(link, "is_blocked", True)  # noqa: FBT003 - a value
        utm = link.utm_source, link.utm_medium, link.utm_campaign, link.utm_term, link.utm_content
        if any(utm):
            force_setattr(link, "utm", utm)
        if self._is_plain(link):
            force_setattr(link, "is_plain", True)  # noqa: FBT003 - a value
        self.links[key] = link
        if self._on_read is not None:
            self._on_read(link.id)
        return link

    def _leads_to_blocked_host(self, link: CachedLink) -> bool:
        """By the lists of today: they may name a host that they did not when it was created."""
        return link.link_type == "URL" and self._block_list.is_blocked(destination_host(link.url))

    def forget(self, domain_id: int, slug_key: str) -> None:
        with self.lock:
            self.links.pop((domain_id, slug_key), None)
            self._misses.pop((domain_id, slug_key), None)

    def count_cached(self) -> tuple[int, int]:
        """Links, and slugs that lead nowhere."""
        return len(self.links), len(self._misses)

    def forget_all(self) -> None:
        with self.lock:
            self.links.clear()
            self._misses.clear()
