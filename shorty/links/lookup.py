"""Finds the link behind a slug for a visitor: two bounded caches over one read of the database.

Found links and slugs that lead nowhere are kept apart, so that a scanner cannot push out what is
hot. Nothing that depends on the time or on a count is cached as an outcome.
"""

from collections.abc import Callable
from threading import RLock
from typing import Final, Literal

import msgspec
from cachebox import LRUCache

from shorty.links.blocklist import BlockList
from shorty.links.destination import destination_host
from shorty.links.model import LinkType
from shorty.storage.database import Database, Row

LINKS: Final = 50_000
MISSES: Final = 50_000

Key = tuple[int, str]

FIND_LINK: Final = """
select id, workspace_id, slug, link_type, url, status, title, description, image, cloaked,
       forward_parameters, block_bots, is_active, is_admin_blocked, password_hash,
       is_password_asked, expires_at, max_clicks, utm_source, utm_medium, utm_campaign, utm_term,
       utm_content, meta_pixel_id, google_tag_id, is_link_in_bio, button_label, is_public,
       created_at
from links
where domain_id = $1 and slug_key = $2 and deleted_at is null
"""


class CachedLink(msgspec.Struct, frozen=True, kw_only=True, gc=False, weakref=False):
    """What answering a visit needs of a link.

    `password_hash` is None where none is asked for; `is_blocked` by an admin or by a block list.
    """

    id: int
    workspace_id: int
    slug: str
    link_type: LinkType
    url: str
    status: Literal[301, 302, 307, 308]
    title: str | None
    description: str | None
    image: str | None
    cloaked: bool
    forward_parameters: bool
    block_bots: bool
    is_active: bool
    is_blocked: bool
    password_hash: str | None
    expires_at: int | None
    max_clicks: int | None
    utm: tuple[str | None, str | None, str | None, str | None, str | None] | None
    meta_pixel_id: str | None
    google_tag_id: str | None
    is_link_in_bio: bool
    button_label: str | None
    is_public: bool
    created_at: int
    is_plain: bool
    """Whether every visit gets the same redirect, whoever comes and whenever."""


def build_cached_link(row: Row, *, is_blocked: bool) -> CachedLink:
    """Of a row of FIND_LINK, its columns taken by their order: by name they cost 6 µs more."""
    (
        link_id,
        workspace_id,
        slug,
        link_type,
        url,
        status,
        title,
        description,
        image,
        cloaked,
        forwards,
        block_bots,
        is_active,
        _,
        password_hash,
        is_password_asked,
        expires_at,
        max_clicks,
        utm_source,
        utm_medium,
        utm_campaign,
        utm_term,
        utm_content,
        meta_pixel_id,
        google_tag_id,
        is_link_in_bio,
        button_label,
        is_public,
        created_at,
    ) = row
    utm = (utm_source, utm_medium, utm_campaign, utm_term, utm_content)
    # Any of these makes the answer depend on the visitor, the time or the count.
    is_conditional = (
        block_bots
        or password_hash
        or expires_at
        or max_clicks
        or description
        or image
        or is_link_in_bio
        or cloaked
        or meta_pixel_id
        or google_tag_id
        or forwards
    )
    return CachedLink(
        id=link_id,
        workspace_id=workspace_id,
        slug=slug,
        link_type=link_type,
        url=url,
        status=status,
        title=title,
        description=description,
        image=image,
        cloaked=bool(cloaked),
        forward_parameters=bool(forwards),
        block_bots=bool(block_bots),
        is_active=bool(is_active),
        is_blocked=is_blocked,
        password_hash=password_hash if is_password_asked else None,
        expires_at=expires_at,
        max_clicks=max_clicks,
        utm=utm if any(utm) else None,
        meta_pixel_id=meta_pixel_id,
        google_tag_id=google_tag_id,
        is_link_in_bio=bool(is_link_in_bio),
        button_label=button_label,
        is_public=bool(is_public),
        created_at=created_at,
        is_plain=bool(is_active) and not is_blocked and not is_conditional,
    )


class LinkLookup:
    """Answers in any thread; `forget` is called after a commit that changed the link.

    Whoever holds `lock` keeps what is found from being forgotten meanwhile: `forget` returns once
    every visit that is being answered by the former link has been.

    `links` are those that are cached, for who holds the lock and can spare no call.

    `on_read` is told the id of each link that had to be read: what else is remembered of it may be
    older than what was read.
    """

    def __init__(
        self,
        db: Database,
        block_list: BlockList,
        *,
        on_read: Callable[[int], None] | None = None,
        links: int = LINKS,
        misses: int = MISSES,
    ) -> None:
        self.lock = RLock()
        self._db = db
        self._block_list = block_list
        self._blocks_hosts = len(block_list) > 0
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
        link = self.links[key] = build_cached_link(row, is_blocked=self._is_blocked(row))
        if self._on_read is not None:
            self._on_read(link.id)
        return link

    def _is_blocked(self, row: Row) -> bool:
        # Held against the lists of today: they may name a host that they did not when it was made.
        if row["is_admin_blocked"]:
            return True
        return (
            self._blocks_hosts
            and row["link_type"] == "URL"
            and self._block_list.is_blocked(destination_host(row["url"]))
        )

    def forget(self, domain_id: int, slug_key: str) -> None:
        with self.lock:
            self.links.pop((domain_id, slug_key), None)
            self._misses.pop((domain_id, slug_key), None)

    def forget_all(self) -> None:
        with self.lock:
            self.links.clear()
            self._misses.clear()
