"""Takes links from elsewhere in: prepares each, then stores a batch of them with their past."""

from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

import msgspec

from shorty.errors import InvalidFieldsError, ShortyError, SlugTakenError
from shorty.links.context import LinkContext
from shorty.links.imported_history import keep_pasts
from shorty.links.model import Author, Link, LinkChange, PreparedLink
from shorty.links.prepare import hash_link_password, prepare_open_link, protect_link
from shorty.links.writes import insert_links as insert_prepared
from shorty.passwords import is_password_hash
from shorty.storage.database import Transaction
from shorty.transfer.conflicts import Claims, There, settle
from shorty.transfer.model import ImportedLink, ImportOptions, OnConflict

Arrival: TypeAlias = Link | There | ShortyError

# Links that are over keep their numbers and their end.
LONG_AGO: Final = 0

SWITCHED_OFF: Final = (
    "its password cannot be taken along, so that it is switched off: give it one, then switch it on"
)


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """`remark` is what its owner has to know of it."""

    item: ImportedLink
    link: PreparedLink
    remark: str | None


async def prepare_import(
    context: LinkContext,
    author: Author,
    item: ImportedLink,
    options: ImportOptions,
    logos: Mapping[int, int],
) -> Prepared:
    """`logos` maps the file's logos to ours. Raises InvalidFieldsError and FeatureOffError."""
    has_lost_password = item.has_lost_password or (
        item.password_hash is not None and not is_password_hash(item.password_hash)
    )
    change = msgspec.structs.replace(
        translate_logo(item.change, logos),
        domain=find_domain(context, author, item.change, options),
        is_active=item.change.is_active is not False and not has_lost_password,
    )
    link = await prepare_open_link(context, author, change, LONG_AGO)
    if change.password and not options.is_dry_run:
        password_hash = await hash_link_password(change.password, author.workspace_id)
        link = protect_link(link, password_hash)
    elif item.password_hash is not None and not has_lost_password:
        link = protect_link(link, item.password_hash)
    return Prepared(item=item, link=link, remark=SWITCHED_OFF if has_lost_password else None)


def insert_links(
    tx: Transaction,
    context: LinkContext,
    author: Author,
    prepared: Sequence[Prepared],
    on_conflict: OnConflict,
    now: int,
) -> list[Arrival]:
    """For each, in order, the link that was created, that it is there, or why it is not.

    Raises SlugTakenError where a conflict is to be an end.
    """
    arrivals: list[Arrival | PreparedLink] = []
    claims = Claims()
    for each in prepared:
        arrival = settle(tx.find_one, claims, author.workspace_id, each.link, on_conflict)
        if isinstance(arrival, SlugTakenError) and on_conflict == "fail":
            raise arrival
        if isinstance(arrival, PreparedLink):
            claims.add(arrival)
            arrival = msgspec.structs.replace(arrival, created_at=now)
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


def find_domain(
    context: LinkContext, author: Author, change: LinkChange, options: ImportOptions
) -> str:
    """The host that the link goes to. Raises InvalidFieldsError."""
    default = context.domains.default
    host = options.domain or change.domain or (default.host if default else "")
    if context.find_domain(author.workspace_id, host) is None:
        fault = (
            f"{host[:100]!r} is no domain of this workspace: add it (shorty domain add), or name "
            "one for all links (--domain)"
        )
        raise InvalidFieldsError({"domain": fault})
    return host


def translate_logo(change: LinkChange, logos: Mapping[int, int]) -> LinkChange:
    """A logo that did not come along is left out."""
    settings = change.qr_settings
    if not settings or settings.qr_logo_id is None:
        return change
    ours = msgspec.structs.replace(settings, qr_logo_id=logos.get(settings.qr_logo_id))
    return msgspec.structs.replace(change, qr_settings=ours)
