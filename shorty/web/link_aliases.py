"""`/app/links/{id}/aliases`: adds and removes the further addresses of a link."""

from typing import Final

import msgspec

from shorty.bidi import isolate
from shorty.errors import InvalidFieldsError, ShortyError, StorageUnavailableError
from shorty.links import service
from shorty.links.aliases import TOO_MANY
from shorty.links.model import MOST_ALIASES, Link, LinkChange
from shorty.web.cookies import Notice
from shorty.web.formatting import write_short
from shorty.web.guard import Pages
from shorty.web.link_form import get_link, read_return, warn_of_rest, write_place
from shorty.web.link_page import render_analytics
from shorty.web.rendering import see_other
from shorty.web.requests import WebRequest
from shorty.webcore.answers import Answer
from shorty.webcore.errors import find_status

pages = Pages()

FULL: Final = f"This link has {MOST_ALIASES} aliases already. Remove one first."
NO_SLUG: Final = "Enter a slug."
UNDOES: Final = "undoes"
"""The field of a form that gives the link back what was its own until just now."""


class AliasForm(msgspec.Struct, frozen=True, kw_only=True):
    """What was typed, and what is wrong with it."""

    domain: str = ""
    slug: str = ""
    fault: str = ""


@pages.handle("POST /links/{link_id}/aliases", needs="write")
async def add_alias(request: WebRequest) -> Answer:
    link = await get_link(request)
    domain, slug = request.typed.read("domain", link.host), request.typed.read("slug")
    if not slug:
        form = AliasForm(domain=domain, fault=NO_SLUG)
        return await render_analytics(request, link, status=422, alias_form=form)
    is_undone = request.typed.is_checked(UNDOES)
    rest = "" if is_undone else await warn_of_rest(request, {"domain": domain, "slug": slug})
    try:
        changed = await change(request, link, LinkChange(add_aliases=(f"{domain}/{slug}",)))
    except StorageUnavailableError:
        raise
    except ShortyError as error:
        form = AliasForm(domain=domain, slug=slug, fault=explain_fault(error))
        return await render_analytics(request, link, status=find_status(error), alias_form=form)
    place = read_return(request, write_place(link))
    added = [alias for alias in changed.aliases if alias not in link.aliases]
    if not added:
        return see_other(request, place, "The link already has this short link.")
    notice = Notice(
        text=f"Alias added: {isolate(write_short(added[0]))}{rest}", copies=added[0].short_url
    )
    return see_other(request, place, notice=notice)


@pages.handle("POST /links/{link_id}/aliases/remove", needs="write")
async def remove_alias(request: WebRequest) -> Answer:
    link = await get_link(request)
    text, place = request.typed.read("alias"), read_return(request, write_place(link))
    try:
        changed = await change(request, link, LinkChange(remove_aliases=(text,)))
    except InvalidFieldsError:
        text = "This link does not have that alias. It may have been removed already."
        return see_other(request, place, notice=Notice(text=text, is_alarm=True))
    removed = [alias for alias in link.aliases if alias not in changed.aliases]
    notice = Notice(
        text=f"Alias removed: {', '.join(isolate(write_short(each)) for each in removed)}",
        undo=f"{write_place(link)}/aliases",
        undo_fields=tuple(
            pair
            for alias in removed[:1]
            for pair in (
                ("domain", alias.host),
                ("slug", alias.slug),
                ("back", place),
                (UNDOES, "1"),
            )
        ),
    )
    return see_other(request, place, notice=notice)


async def change(request: WebRequest, link: Link, wanted: LinkChange) -> Link:
    context, actor = request.services.links, request.actor
    return await service.change_link(context, actor, link.id, wanted, request.now)


def explain_fault(error: ShortyError) -> str:
    """In a sentence, as the form has one field for the domain and one for the slug."""
    if not isinstance(error, InvalidFieldsError):
        return error.message
    faults = list(error.fields.values())
    if TOO_MANY in faults:
        return FULL
    text = ". ".join(faults).rstrip(".")
    return f"{text[:1].upper()}{text[1:]}."
