"""Finds the link behind a slug for a visitor: two bounded caches over one read of the database.

Found links are kept by their own slugs alone, apart from other spellings and from slugs that lead
nowhere, so that a scanner cannot push out what is hot. Nothing that depends on the time or on a
count is cached as an outcome.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from threading import RLock
from time import monotonic
from typing import Final, NamedTuple

import msgspec
import structlog
from cachebox import LRUCache
from msgspec.structs import force_setattr

from shorty.errors import StorageUnavailableError
from shorty.links.blocklist import BlockList
from shorty.links.destination import UTM_PARAMETERS, RedirectStatus, destination_host
from shorty.links.doubtful import DoubtfulLinks, Key
from shorty.links.model import ADDRESSES_PER_LINK, LinkType
from shorty.links.rule_matching import CompiledRules, compile_rules
from shorty.links.rules import decode_rules
from shorty.links.slug import LONGEST_SPELLING, MAX_SLUG_LENGTH, fold_key, trim_marks
from shorty.links.slug import slug_key as make_key
from shorty.storage.batcher import Batcher
from shorty.storage.changes import AnythingChanged, Change, LinkChanged
from shorty.storage.database import Database, Reader, Row

LINKS: Final = 50_000
MISSES: Final = 50_000
LETTERS: Final = 256
"""Of rules as they are stored, compiled, take as much memory as another link."""
NOTED: Final = 1_000
# A database that has not answered by then counts as away, for links that are known.
PATIENCE_S: Final = 2.0

log = structlog.get_logger(__name__)

# In the order of CachedLink's fields.
_COLUMNS: Final = """
l.link_type, l.url, l.status, l.title, l.description, l.image, l.cloaked,
       l.forward_parameters, l.block_bots, l.is_active, l.is_admin_blocked,
       case when l.is_password_asked = 1 then l.password_hash end, l.valid_since, l.expires_at,
       l.max_clicks, l.meta_pixel_id, l.google_tag_id, l.is_link_in_bio, l.button_label,
       l.is_public, l.created_at, l.utm_source, l.utm_medium, l.utm_campaign, l.utm_term,
       l.utm_content, l.utm_id, l.expired_url, l.hide_referrer, l.gtm_container_id,
       l.skip_social_crawler_tracking, l.rules
""".strip()
# At an alias, the link's slug is the alias's.
_SELECT: Final = f"""
select l.id, l.workspace_id, l.slug, {_COLUMNS}
from links l where l.domain_id = $1 and l.KEY = $2 and l.deleted_at is null
union all
select l.id, l.workspace_id, a.slug, {_COLUMNS}
from aliases a join links l on l.id = a.link_id
where a.domain_id = $1 and a.KEY = $2 and a.freed_at is null and l.deleted_at is null
"""  # noqa: S608 - the names of our own columns
FIND_LINK: Final = _SELECT.replace("KEY", "slug_key")
# So many that at least one of another link is among them, if there is any: which of several was
# meant, no one can say.
FIND_FITTING: Final = f"{_SELECT.replace('KEY', 'folded_key')} limit {ADDRESSES_PER_LINK + 1}"


class Question(NamedTuple):
    """What the database is asked for: a domain's link by its key, or by the folded one."""

    domain_id: int
    key: str
    folded: str

    @property
    def place(self) -> Key:
        return self.domain_id, self.folded


class Answer(NamedTuple):
    """The row of the link that was meant, if any, and whether others fit the same folded key."""

    row: Row | None
    is_one_of_several: bool = False


class CachedLink(msgspec.Struct, frozen=True, gc=False, weakref=False):
    """What answering a visit needs of a link: a row of its statements, its flags still 0 or 1.

    `slug` is the one by which it was found: at an alias, the alias's.
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
    utm_id: str | None = None
    expired_url: str | None = None
    hide_referrer: bool = False
    gtm_container_id: str | None = None
    skip_social_crawler_tracking: bool = False
    rules: CompiledRules | None = None
    weight: int = 1
    """As how many links it counts in the cache."""
    utm: tuple[str | None, str | None, str | None, str | None, str | None] | None = None
    is_plain: bool = False
    """Whether every GET gets the same redirect, whoever comes and whenever; known to the lookup."""
    is_steered: bool = False
    """Whether it would be plain without its rules, none of whose destinations is blocked."""


def weigh(_key: Key, link: CachedLink | None) -> int:
    return 1 if link is None else link.weight


def is_never_plain(_link: CachedLink) -> bool:
    """Of lookups that answer no visits."""
    return False


class LinkLookup:
    """Answers in any thread; forgets what is read of a link once it hears that it has changed.

    Where changes may have been missed, links are read again; while the database is away, they are
    used as they were, within its `stale_s`. What has changed for certain is never used again.

    Each address of a link is cached by itself, an alias as a link of that slug: so a change of a
    link is one of all its addresses.

    Whoever holds `lock` keeps what is found from being forgotten meanwhile: a change has been heard
    once every visit that is being answered by the former link has been.

    `links` are those that are cached, for who holds the lock and can spare no call.

    `is_plain` is asked once of each link that is read, without regard to its rules. `on_read` is
    told the id of each link that had to be read: what else is remembered of it may be older than
    what was read.

    `links` is how many there is room for, where one with many rules counts for several.

    `is_forgiving`: a slug that no link has leads to the link that has it without the sentence marks
    at its end, or else in another case, if only one link fits.
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
        self._questions: Batcher[Question, Answer] = Batcher()
        self._changes = 0  # how often more was forgotten than one place
        self._gaps = 0  # how often changes may have been missed
        self._asked: Counter[Key] = Counter()  # places that the database is being asked for
        self._changed: set[Key] = set()  # those of them that have changed meanwhile
        self._block_list = block_list
        self._blocks_hosts = len(block_list) > 0
        self._is_plain = is_plain
        self._on_read = on_read
        self._room = links
        self.links: LRUCache[Key, CachedLink | None] = LRUCache(links, getsizeof=weigh)
        self._noted: LRUCache[int, str] = LRUCache(NOTED)  # the blocked destinations of links
        self._is_forgiving = is_forgiving
        # By the folded key: the key of the one link that fits, empty where none does. So what is
        # known of any spelling of a slug is forgotten with the link.
        self._spellings: LRUCache[Key, str | None] = LRUCache(misses)
        self._doubtful: DoubtfulLinks[CachedLink] = DoubtfulLinks(links, misses)
        db.subscribe(self.hear)

    async def find(self, domain_id: int, slug_key: str) -> CachedLink | None:
        """Raises StorageUnavailableError where the database cannot be read."""
        with self.lock:
            found = self._find_cached(domain_id, slug_key)
            if not isinstance(found, Question):
                return found
            if (here := self._db.here) is not None:
                return self._take(found, self._ask(here, found))
            is_doubtful = self._find_doubtful(found, slug_key) is not None
            changes, gaps, place = self._changes, self._gaps, found.place
            self._asked[place] += 1
        try:
            asked_at = monotonic()
            answer = await self._wait(found, PATIENCE_S if is_doubtful else None)
            with self.lock:
                # What has changed meanwhile may be newer than the answer: it is not kept then.
                is_changed = changes != self._changes or place in self._changed
                is_certain = gaps == self._gaps and self._db.can_cache
                link = self._take(found, answer, is_kept=is_certain and not is_changed)
                self._forget_doubtful(found, slug_key, link)
                if link is not None and not is_certain and not is_changed:
                    self._doubt(found, link, asked_at)
                return link
        except StorageUnavailableError:
            with self.lock:
                link = self._find_doubtful(found, slug_key)
            if link is None:
                raise
            return link
        finally:
            with self.lock:
                self._asked[place] -= 1
                if not self._asked[place]:
                    del self._asked[place]
                    self._changed.discard(place)

    def find_held(self, domain_id: int, slug_key: str) -> CachedLink | None:
        """The same for whoever holds `lock` and can't wait; cached links alone on PostgreSQL."""
        found = self._find_cached(domain_id, slug_key)
        if not isinstance(found, Question):
            return found
        here = self._db.here
        return None if here is None else self._take(found, self._ask(here, found))

    def _find_cached(self, domain_id: int, slug_key: str) -> "CachedLink | Question | None":
        """What the caches know, or what the database has to be asked for."""
        link: CachedLink | None = self.links.get((domain_id, slug_key))
        if link is not None or len(slug_key) > LONGEST_SPELLING:
            return link
        key = trim_marks(slug_key) if self._is_forgiving else slug_key
        if not key or len(key) > MAX_SLUG_LENGTH or "\0" in key:
            return None  # PostgreSQL refuses even to look for such a text
        if key != slug_key and (link := self.links.get((domain_id, key))) is not None:
            return link
        question = Question(domain_id, key, self._fold(key))
        if self._is_forgiving and not key.isascii():
            return question
        fitting = self._spellings.get((domain_id, question.folded))
        if fitting is None:
            return question
        return (self.links.get((domain_id, fitting)) or question) if fitting else None

    def _fold(self, key: str) -> str:
        return fold_key(key) if self._is_forgiving else key

    async def _wait(self, question: Question, patience_s: float | None) -> Answer:
        try:
            async with asyncio.timeout(patience_s):
                return await self._questions.run(question, self._ask_together)
        except TimeoutError as error:
            raise StorageUnavailableError from error

    async def _ask_together(
        self, questions: Sequence[Question], _asked_at: float
    ) -> Sequence[Answer]:
        different = list(dict.fromkeys(questions))
        answers = await self._db.read(lambda rows: [self._ask(rows, each) for each in different])
        found = dict(zip(different, answers, strict=True))
        return [found[each] for each in questions]

    def _ask(self, rows: Reader, question: Question) -> Answer:
        """Touches no cache."""
        domain_id, key, folded = question
        if self._is_forgiving and not key.isascii():
            # Another version of Unicode may have folded it another way when the link was written.
            row = rows.find_one(FIND_LINK, domain_id, key)
            if row is not None:
                return Answer(row)
        found = rows.find_all(FIND_FITTING if self._is_forgiving else FIND_LINK, domain_id, folded)
        if len(found) > 1 and any(row["id"] != found[0]["id"] for row in found):
            return Answer(rows.find_one(FIND_LINK, domain_id, key), is_one_of_several=True)
        if not found:
            return Answer(None)
        return Answer(next((row for row in found if make_key(row["slug"]) == key), found[0]))

    def _take(
        self, question: Question, answer: Answer, *, is_kept: bool = True
    ) -> CachedLink | None:
        """The link of a row, or None; remembers which unless it is not to be kept."""
        row = answer.row
        if row is None:
            # Where several fit, another spelling of the same folded key may be one of them.
            if is_kept and not answer.is_one_of_several:
                self._spellings[question.place] = ""
            return None
        link = self._build(row)
        if self._on_read is not None:
            self._on_read(link.id)
        if not is_kept:
            return link
        own_key = make_key(link.slug)
        self.links[question.domain_id, own_key] = link
        if own_key != question.key:
            self._spellings[question.place] = own_key
        return link

    def _find_doubtful(self, question: Question, slug_key: str) -> CachedLink | None:
        """The link as it was before changes may have been missed, unless that is too long ago."""
        domain_id, find = question.domain_id, self._doubtful.find
        if link := find((domain_id, slug_key)) or find((domain_id, question.key)):
            return link
        fitting = self._doubtful.find_spelling(question.place)
        if fitting is None:
            return None
        return self.links.get((domain_id, fitting)) or find((domain_id, fitting))

    def _forget_doubtful(self, question: Question, slug_key: str, link: CachedLink | None) -> None:
        """What was read is newer."""
        slug_keys = {slug_key, question.key}
        if link is not None:
            slug_keys.add(make_key(link.slug))
        self._doubtful.forget([(question.domain_id, each) for each in slug_keys], question.place)

    def _doubt(self, question: Question, link: CachedLink, read_at: float) -> None:
        """Keeps a link that was read while changes could be missed."""
        own_key = make_key(link.slug)
        spellings = [] if own_key == question.key else [(question.place, own_key)]
        until = read_at + self._db.stale_s
        self._doubtful.add([((question.domain_id, own_key), link)], spellings, until)

    def _build(self, row: Row) -> CachedLink:
        link = CachedLink(*row)
        # Nobody else has it yet: what is not in the row is set before anybody gets it.
        if self._blocks_hosts and self._leads_to_blocked_host(link):
            force_setattr(link, "is_blocked", True)  # noqa: FBT003 - a value
            self._note_blocked(link)
        if isinstance(text := link.rules, str):  # as the row has them
            force_setattr(link, "rules", self._compile(link, text))
            force_setattr(link, "weight", min(self._room, 1 + len(text) // LETTERS))
        if link.expired_url is not None and self._is_blocked_url(link.expired_url):
            force_setattr(link, "expired_url", None)
        utm = link.utm_source, link.utm_medium, link.utm_campaign, link.utm_term, link.utm_content
        if any(utm):
            force_setattr(link, "utm", utm)
        if self._is_plain(link):
            rules = link.rules
            if rules is None or not rules.has_blocked:
                force_setattr(link, "is_plain" if rules is None else "is_steered", True)  # noqa: FBT003 - a value
        return link

    def _leads_to_blocked_host(self, link: CachedLink) -> bool:
        """By the lists of today: they may name a host that they did not when it was created."""
        return link.link_type == "URL" and self._is_blocked_url(link.url)

    def _is_blocked_url(self, url: str) -> bool:
        return self._blocks_hosts and self._block_list.is_blocked(destination_host(url))

    def _compile(self, link: CachedLink, text: str) -> CompiledRules:
        utm = {name: getattr(link, name) for name in UTM_PARAMETERS}
        return compile_rules(decode_rules(text), utm=utm, is_blocked=self._is_blocked_url)

    def _note_blocked(self, link: CachedLink) -> None:
        """Once while it is remembered, however often its visitors come and the cache is emptied."""
        if self._noted.get(link.id) != link.url:
            self._noted[link.id] = link.url
            host = destination_host(link.url)
            log.warning("link_blocked", link_id=link.id, workspace_id=link.workspace_id, host=host)

    def hear(self, change: Change) -> None:
        """Forgets what it has read of what changed."""
        match change:
            case LinkChanged(domain_id, slug_key):
                place = domain_id, self._fold(slug_key)
                with self.lock:
                    if not slug_key.isascii():
                        self._changes += 1  # it may be asked for as folded by another Unicode
                    elif place in self._asked:
                        self._changed.add(place)
                    self.links.pop((domain_id, slug_key), None)
                    self._spellings.pop(place, None)
                    self._doubtful.forget([(domain_id, slug_key)], place)
            case AnythingChanged(heard_until):
                if heard_until is None:
                    self.forget_all()
                else:
                    self._doubt_all(heard_until)
            case _:
                pass

    def count_cached(self) -> tuple[int, int]:
        """Links; and other spellings, with slugs that lead nowhere."""
        return len(self.links), len(self._spellings)

    def forget_all(self) -> None:
        with self.lock:
            self._changes += 1
            self.links.clear()
            self._spellings.clear()
            self._doubtful.clear()

    def _doubt_all(self, heard_until: float) -> None:
        with self.lock:
            self._gaps += 1
            self._doubtful.add(
                [(key, link) for key, link in self.links.items() if link is not None],
                [(place, key) for place, key in self._spellings.items() if key],
                heard_until + self._db.stale_s,
            )
            self.links.clear()
            self._spellings.clear()
