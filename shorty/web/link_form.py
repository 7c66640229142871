"""`/app/links/new` and `/app/links/{id}/edit`: the form that creates and updates a link."""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from shorty.errors import ShortyError, StorageUnavailableError
from shorty.links import service
from shorty.links.destination import UTM_PARAMETERS
from shorty.links.model import Link
from shorty.links.tags import list_tags
from shorty.links.utm_templates import UtmTemplate, get_template, list_templates
from shorty.web.destinations import LINK_TYPES
from shorty.web.guard import Pages
from shorty.web.link_fields import (
    EMPTY,
    FIELDS,
    GROUPS,
    STATUSES,
    Texts,
    count_set,
    fill_template,
    name_faults,
    read_change,
    read_new_link,
    read_shown,
    read_texts,
    write_shown,
    write_texts,
)
from shorty.web.link_list import find_usual_domain, read_return
from shorty.web.rendering import render, see_other
from shorty.web.requests import WebRequest
from shorty.webcore.answers import Answer
from shorty.webcore.errors import find_status

pages = Pages()

# What a query may fill in, such as a bookmarklet's.
PREFILLED: Final = ("url", "title", "slug", "domain", "tags", "has_qr", *UTM_PARAMETERS)


@pages.handle("GET /links/new", needs="write")
async def show_new_link(request: WebRequest) -> Answer:
    query = request.read_query()
    texts = {**EMPTY, "domain": await find_usual_domain(request)}
    texts |= {name: query[name] for name in PREFILLED if query.get(name)}
    return await show_form(request, texts)


@pages.handle("GET /links/{link_id}/duplicate", needs="write")
async def show_duplicate(request: WebRequest) -> Answer:
    """A copy of a link, without its slug, which is taken, and its password, which is unknown."""
    link = await get_link(request)
    return await show_form(request, {**write_texts(request, link), "slug": ""})


@pages.handle("POST /links", needs="write")
async def create_link(request: WebRequest) -> Answer:
    domain = await find_usual_domain(request)
    texts = read_texts(request.typed, {**EMPTY, "domain": domain})
    if request.typed.read("action") == "fill":
        return await show_form(request, await fill(request, texts))
    change = read_new_link(request, texts)
    try:
        link = await service.create_link(request.services.links, request.actor, change, request.now)
    except ShortyError as error:
        return await show_form(request, texts, error=error)
    return see_other(request, point_to(request, link), f"{name_link(link)} is there.")


@pages.handle("GET /links/{link_id}/edit", needs="write")
async def show_link_to_edit(request: WebRequest) -> Answer:
    link = await get_link(request)
    return await show_form(request, write_texts(request, link), link=link)


@pages.handle("POST /links/{link_id}/edit", needs="write")
async def change_link(request: WebRequest) -> Answer:
    link = await get_link(request)
    stored = write_texts(request, link)
    shown = read_shown(request.typed, stored)
    texts = read_texts(request.typed, shown)
    if request.typed.read("action") == "fill":
        filled = await fill(request, texts)
        return await show_form(request, filled, link=link, shown=shown)
    context, actor, now = request.services.links, request.actor, request.now
    change = read_change(request, texts, shown)
    try:
        changed = await service.change_link(context, actor, link.id, change, now)
    except ShortyError as error:
        return await show_form(request, texts, link=link, shown=shown, error=error)
    return see_other(request, point_to(request, changed), f"{name_link(changed)} is changed.")


async def get_link(request: WebRequest) -> Link:
    """Raises NotFoundError, for another workspace's link too."""
    link_id = request.read_id("link_id", "link")
    return await service.get_link(request.services.links, request.actor, link_id)


async def fill(request: WebRequest, texts: Texts) -> Texts:
    """Fills in the chosen template, if any."""
    chosen = request.typed.read_ids("template")
    if not chosen:
        return texts
    db, workspace_id = request.services.db, request.actor.workspace_id
    return fill_template(texts, await get_template(db, workspace_id, chosen[0]))


async def show_form(
    request: WebRequest,
    texts: Texts,
    *,
    link: Link | None = None,
    shown: Texts | None = None,
    error: ShortyError | None = None,
) -> Answer:
    """`link` is the one to edit; `shown` is what the form showed first, if it is shown again.

    Raises an error that cannot be fixed in the form.
    """
    if isinstance(error, StorageUnavailableError):
        raise error
    db, actor = request.services.db, request.actor
    faults = {} if error is None else name_faults(error)
    domains = request.services.domains.list_for_workspace(actor.workspace_id)
    templates = await list_templates(db, actor.workspace_id)
    return render(
        request,
        "link_form.html",
        status=200 if error is None else find_status(error),
        link=link,
        fields=FIELDS,
        texts=texts,
        shown=write_shown(shown or texts),
        faults=faults,
        message=write_message(error, faults),
        opened=find_opened(texts, faults, is_new=link is None),
        set_count=count_set(texts, link),
        hosts=[domain.host for domain in domains],
        tags=await list_tags(db, actor.workspace_id),
        template_choices=[("", "Choose one"), *((each.id, each.name) for each in templates)],
        templates=write_templates(templates),
        link_types=LINK_TYPES,
        statuses=STATUSES,
        back=read_return(request.typed.read("back") or request.read_query().get("back", "")),
    )


def find_opened(texts: Texts, faults: Mapping[str, str], *, is_new: bool) -> set[str]:
    """The groups to unfold: those with faults, and those that a new link has filled in."""
    faulty = {group for group, names in GROUPS.items() if faults.keys() & set(names)}
    filled = {group for group, count in count_set(texts).items() if count and is_new}
    return faulty | filled


def write_message(error: ShortyError | None, faults: Mapping[str, str]) -> str:
    """The message above the form, about what none of its fields is for."""
    if error is None:
        return ""
    strange = [f"{name}: {fault}" for name, fault in faults.items() if name not in EMPTY]
    return " ".join(strange) if faults else error.message


def write_templates(templates: Sequence[UtmTemplate]) -> str:
    """For the script that fills them in: each template's parameters, by its id."""
    given = {
        str(template.id): {
            name: text for name in UTM_PARAMETERS if (text := getattr(template, name))
        }
        for template in templates
    }
    return msgspec.json.encode(given).decode()


def name_link(link: Link) -> str:
    return f"{link.host}/{link.slug}"


def point_to(request: WebRequest, link: Link) -> str:
    """The list that the form was opened from, scrolled to the link."""
    return f"{read_return(request.typed.read('back'))}#link-{link.id}"
