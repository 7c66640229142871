"""Takes in links: prepares each, then stores a batch with its history, or says what it would do."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Final, TypeAlias

import msgspec

from shorty.errors import InvalidFieldsError, QuotaExceededError, ShortyError, SlugTakenError
from shorty.links.aliases import read_new_aliases
from shorty.links.context import LinkContext
from shorty.links.imported_history import keep_pasts
from shorty.links.inserts import insert_links as insert_prepared
from shorty.links.model import MOST_ALIASES, Address, Author, Link, LinkChange, PreparedLink
from shorty.links.prepare import hash_link_password, prepare_open_link, protect_link
from shorty.passwords import is_password_hash
from shorty.plans import QuotaName, count_seconds_to_reset, read_usage
from shorty.storage.database import Reader, Transaction
from shorty.transfer.adapt import adapt_link, leave_out
from shorty.transfer.belongings import Tags
from shorty.transfer.conflicts import Claims, Conflicts, Existing
from shorty.transfer.model import ImportedLink, ImportOptions, ImportRun, OnConflict
from shorty.transfer.remarks import Closing, LinkRemark, Notes

Arrival: TypeAlias = Link | Existing | ShortyError

# Links that have expired are imported as such, so no time is too long ago.
LONG_AGO: Final = 0


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """`closed` and `remarks` are what its owner has to know of it."""

    item: ImportedLink
    link: PreparedLink
    closed: tuple[Closing, ...]
    remarks: tuple[LinkRemark, ...]


async def prepare_import(
    run: ImportRun, author: Author, item: ImportedLink, logos: Mapping[int, int], tags: Tags
) -> Prepared:
    """`logos` maps the file's logos to ours. Raises InvalidFieldsError."""
    context, options = run.context, run.options
    default = context.domains.default
    host = options.domain or item.change.domain or (default.host if default else "")
    require_domain(context, author.workspace_id, host)
    change, notes = adapt_link(item, run.now)
    change = msgspec.structs.replace(
        translate_logo(change, logos),
        domain=host,
        tag_names=tags.fit(change.tag_names or (), notes),
    )
    change = fit_aliases(context, author, change, item.change.domain or "", notes)
    if change.webhook_urls and not author.plan.webhooks:
        change = msgspec.structs.replace(change, webhook_urls=())
        notes.remark("other", "came in without its webhooks, which the plan does not include")
    try:
        link = await prepare_open_link(context, author, change, LONG_AGO)
    except InvalidFieldsError as error:
        change = leave_out(change, error, notes)
        link = await prepare_open_link(context, author, change, LONG_AGO)
    if change.password and not options.is_dry_run:
        password_hash = await hash_link_password(change.password, author.workspace_id)
        link = protect_link(link, password_hash)
    elif item.password_hash is not None and is_password_hash(item.password_hash):
        link = protect_link(link, item.password_hash)
    return Prepared(item=item, link=link, closed=notes.closed, remarks=notes.remarks)


def fit_aliases(
    context: LinkContext, author: Author, change: LinkChange, former_host: str, notes: Notes
) -> LinkChange:
    """Those that the link can have; the ones on its former domain move along to its new one."""
    if not change.aliases:
        return change
    moved = tuple(_move_alias(text, former_host, change.domain or "") for text in change.aliases)
    find_domain = partial(context.find_domain, author.workspace_id)
    domain = find_domain(change.domain or "")
    kept: dict[str, None] = {}
    for given, text in zip(change.aliases, moved, strict=True):
        _, faults = read_new_aliases((text,), domain, find_domain)
        if not faults:
            kept[text] = None
        for fault in faults.values():
            notes.remark("other", f"came in without its alias {given[:100]!r}: {fault}")
    if len(kept) > MOST_ALIASES:
        notes.remark("other", f"came in with the first {MOST_ALIASES} of its {len(kept)} aliases")
    return msgspec.structs.replace(change, aliases=tuple(kept)[:MOST_ALIASES])


def _move_alias(text: str, former_host: str, host: str) -> str:
    before, slash, slug = text.partition("/")
    return f"{host}/{slug}" if slash and before == former_host else text


def note_lost_aliases(wanted: PreparedLink, got: Sequence[Address]) -> Iterator[str]:
    """What became of those that had another link by then, or rest."""
    had = {alias.key for alias in got}
    for alias in wanted.aliases:
        if alias.key not in had:
            yield f"came in without its alias {alias.text}: its slug is taken"


def require_domain(context: LinkContext, workspace_id: int, host: str) -> None:
    """Raises InvalidFieldsError."""
    if context.find_domain(workspace_id, host) is None:
        fault = (
            f"{host[:100]!r} is not a domain of this workspace; add it (shorty domain add), or "
            "choose another one for all links (--domain)"
        )
        raise InvalidFieldsError({"domain": fault})


def translate_logo(change: LinkChange, logos: Mapping[int, int]) -> LinkChange:
    """A logo that was not imported is left out."""
    settings = change.qr_settings
    if not settings or settings.qr_logo_id is None:
        return change
    ours = msgspec.structs.replace(settings, qr_logo_id=logos.get(settings.qr_logo_id))
    return msgspec.structs.replace(change, qr_settings=ours)


def insert_links(
    tx: Transaction,
    context: LinkContext,
    author: Author,
    prepared: Sequence[Prepared],
    on_conflict: OnConflict,
    now: int,
) -> list[Arrival]:
    """For each, in order, the link that was created, that it exists already, or why it was not.

    Raises SlugTakenError where a conflict ends the import.
    """
    arrivals: list[Arrival | PreparedLink] = []
    claims = Claims()
    conflicts = Conflicts(tx.find_one, claims, author.workspace_id, on_conflict, now)
    for arrival in settle_each(conflicts, prepared, on_conflict):
        if isinstance(arrival, PreparedLink):
            claims.add(arrival)
            arrivals.append(msgspec.structs.replace(arrival, created_at=now))
        else:
            arrivals.append(arrival)
    links = [each for each in arrivals if isinstance(each, PreparedLink)]
    made = iter(insert_prepared(tx, context, links))
    outcomes: list[Arrival] = [
        next(made) if isinstance(each, PreparedLink) else each for each in arrivals
    ]
    pasts = [
        (outcome.id, each.item.past)
        for each, outcome in zip(prepared, outcomes, strict=True)
        if isinstance(outcome, Link)
    ]
    if pasts:
        keep_pasts(tx, author.workspace_id, pasts)
    return outcomes


def settle_each(
    conflicts: Conflicts, prepared: Sequence[Prepared], on_conflict: OnConflict
) -> Iterator[PreparedLink | Existing | SlugTakenError]:
    """Each is settled after the caller has claimed the one before it. Raises SlugTakenError."""
    for each in prepared:
        arrival = conflicts.settle(each.link)
        if isinstance(arrival, SlugTakenError) and on_conflict == "fail":
            raise arrival
        yield arrival


class DryRun:
    """Says what an import would do, and changes nothing.

    Remembers what it would have created, so that the file's later lines are judged by it too.
    """

    def __init__(self, context: LinkContext, author: Author, options: ImportOptions) -> None:
        self._context = context
        self._author = author
        self._options = options
        self._claims = Claims()
        self._now = 0
        self._room: dict[QuotaName, int] = {}
        self._limits: dict[QuotaName, int] = {}

    async def begin(self, now: int) -> None:
        self._now = now
        author = self._author
        usage = await read_usage(self._context.db, author.workspace_id, author.plan, now)
        for quota, use in usage.items():
            if use.limit is not None:
                self._limits[quota] = use.limit
                self._room[quota] = max(0, use.limit - use.used)

    async def insert_links(self, prepared: Sequence[Prepared]) -> list[Arrival | PreparedLink]:
        """A PreparedLink for a link that would be created. Raises as a real import does."""
        return await self._context.db.read(lambda rows: self._settle(rows, prepared))

    def _settle(self, rows: Reader, prepared: Sequence[Prepared]) -> list[Arrival | PreparedLink]:
        on_conflict = self._options.on_conflict
        place = self._author.workspace_id, on_conflict, self._now
        conflicts = Conflicts(rows.find_one, self._claims, *place)
        settled = settle_each(conflicts, prepared, on_conflict)
        refused: list[PreparedLink] = []
        arrivals: list[Arrival | PreparedLink] = []
        for each in settled:
            if isinstance(each, PreparedLink):
                # An import claims the slugs of a batch before it asks for room, too.
                self._claims.add(each)
                error = self._take_quota(each)
                arrivals.append(error or each)
                refused += [each] if error is not None else []
            else:
                arrivals.append(each)
        for link in refused:
            self._claims.remove(link)
        return arrivals

    def _take_quota(self, link: PreparedLink) -> QuotaExceededError | None:
        """Takes all that the link needs of the plan, or nothing: then the quota that is used up."""
        needed: list[QuotaName] = ["links", "links_per_month"]
        if link.fields.qr_settings is not None:
            needed.append("qr_codes")
        if link.fields.is_link_in_bio:
            needed.append("bio_pages")
        for quota in needed:
            if self._room.get(quota, 1) <= 0:
                wait_s = count_seconds_to_reset(quota, self._now)
                return QuotaExceededError(quota, self._limits[quota], wait_s)
        for quota in needed:
            if quota in self._room:
                self._room[quota] -= 1
        return None
