"""Turns a link of elsewhere into one that can be stored here: its domain, logo and password."""

from collections.abc import Mapping

import msgspec

from shorty.errors import InvalidFieldsError
from shorty.links.book import LinkBook, Maker
from shorty.links.drafts import Draft, draft_bare_link, hash_link_password, protect_draft
from shorty.links.model import NewLink
from shorty.passwords import is_password_hash
from shorty.transfer.model import ImportedLink, ImportOptions

# Links that are over keep their numbers and their end.
LONG_AGO = 0

SWITCHED_OFF = (
    "its password cannot be taken along, so that it is switched off: give it one, then switch it on"
)


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """`remark` is what its owner has to know of it."""

    item: ImportedLink
    draft: Draft
    remark: str | None


async def prepare_link(
    book: LinkBook,
    maker: Maker,
    item: ImportedLink,
    options: ImportOptions,
    logos: Mapping[int, int],
) -> Prepared:
    """`logos` maps the file's logos to ours. Raises InvalidFieldsError and FeatureOffError."""
    has_lost_password = item.has_lost_password or (
        item.password_hash is not None and not is_password_hash(item.password_hash)
    )
    new = msgspec.structs.replace(
        item.new,
        domain=find_domain(book, maker, item.new, options),
        is_active=item.new.is_active and not has_lost_password,
    )
    draft = await draft_bare_link(book, maker, translate_logo(new, logos), LONG_AGO)
    if new.password is not None and not options.is_dry_run:
        draft = protect_draft(draft, await hash_link_password(new.password, maker.workspace_id))
    elif item.password_hash is not None and not has_lost_password:
        draft = protect_draft(draft, item.password_hash)
    remark = SWITCHED_OFF if has_lost_password else None
    return Prepared(item=item, draft=draft, remark=remark)


def find_domain(book: LinkBook, maker: Maker, new: NewLink, options: ImportOptions) -> str:
    """The host that the link goes to. Raises InvalidFieldsError."""
    default = book.domains.default
    host = options.domain or new.domain or (default.host if default else "")
    if book.find_domain(maker.workspace_id, host) is None:
        fault = (
            f"{host[:100]!r} is no domain of this workspace: add it (shorty domain add), or name "
            "one for all links (--domain)"
        )
        raise InvalidFieldsError({"domain": fault})
    return host


def translate_logo(new: NewLink, logos: Mapping[int, int]) -> NewLink:
    """A logo that did not come along is left out."""
    settings = new.qr_settings
    if settings is None or settings.qr_logo_id is None:
        return new
    ours = msgspec.structs.replace(settings, qr_logo_id=logos.get(settings.qr_logo_id))
    return msgspec.structs.replace(new, qr_settings=ours)
