"""`/app/links/new` and `/app/links/{id}/edit`: the form that creates and updates a link."""

from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import quote

import msgspec

from shorty.bidi import isolate
from shorty.errors import ShortyError, StorageUnavailableError
from shorty.links import service
from shorty.links.destination import UTM_PARAMETERS
from shorty.links.live_checks import (
    AddressUse,
    find_address_use,
    find_rest,
    find_same_destination,
)
from shorty.links.model import Link
from shorty.links.tags import list_tags
from shorty.links.utm_templates import UtmTemplate, get_template, list_templates
from shorty.web.cookies import Notice
from shorty.web.destinations import LINK_TYPES
from shorty.web.formatting import write_plural, write_short
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
from shorty.web.link_list import PLACE, find_usual_domain
from shorty.web.rendering import render, see_other
from shorty.web.requests import WebRequest
from shorty.webcore.addresses import HOME, read_way_back
from shorty.webcore.answers import Answer
from shorty.webcore.errors import find_status

pages = Pages()

# The id of the link with the same destination that the form has offered already.
SAME_KNOWN: Final = "same_known"
# The id of the link that the form duplicates.
COPIED: Final = "copied"
RESTS: Final = "This slug was in use recently: people may still expect its former destination."
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
    texts = {**write_texts(request, link), "slug": ""}
    same = await find_same(request, texts)
    known = str(same.id) if same else ""
    return await show_form(request, texts, same_known=known, copied=link)


@pages.handle("POST /links", needs="write", page="/app/links/new")
async def create_link(request: WebRequest) -> Answer:
    domain = await find_usual_domain(request)
    texts = read_texts(request.typed, {**EMPTY, "domain": domain})
    copied = await find_copied(request)
    if request.typed.read("action") == "fill":
        return await show_form(request, await fill(request, texts), copied=copied)
    change = read_new_link(request, texts)
    if copied is not None and copies_rules(request):
        change = msgspec.structs.replace(change, rules=copied.rules)
    same = await find_same(request, texts)
    known = request.typed.read(SAME_KNOWN)
    if same is not None and str(same.id) != known:
        return await show_form(request, texts, same=same, same_known=str(same.id), copied=copied)
    rest = await warn_of_rest(request, texts)
    try:
        link = await service.create_link(request.services.links, request.actor, change, request.now)
    except ShortyError as error:
        return await show_form(request, texts, same_known=known, copied=copied, error=error)
    place = read_return(request, PLACE)
    return see_other(request, point_to(place, link), notice=tell_created(link, place, rest))


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
    change = msgspec.structs.replace(
        read_change(request, texts, shown), keeps_old_slug=keeps_old_slug(request)
    )
    rest = await warn_of_rest(request, texts)
    try:
        changed = await service.change_link(context, actor, link.id, change, now)
    except ShortyError as error:
        return await show_form(request, texts, link=link, shown=shown, error=error)
    place = read_return(request, write_place(link))
    text = f"Changes saved: {name_link(changed)}"
    if changed.address.key != link.address.key:
        text += rest
    return see_other(request, point_to(place, changed), text)


async def get_link(request: WebRequest) -> Link:
    """Raises NotFoundError, for another workspace's link too."""
    link_id = request.read_id("link_id", "link")
    return await service.get_link(request.services.links, request.actor, link_id)


async def find_same(request: WebRequest, texts: Texts) -> Link | None:
    """A link of this workspace that leads where the form's would lead."""
    change = read_new_link(request, texts)
    return await find_same_destination(request.services.links, request.actor, change, request.now)


async def find_copied(request: WebRequest) -> Link | None:
    """The link that the form duplicates, which may be gone meanwhile."""
    ids = request.typed.read_ids(COPIED)[:1]
    found = await service.find_links(request.services.links, request.actor, ids)
    return found[0] if found else None


def copies_rules(request: WebRequest) -> bool:
    """Whether a duplicate gets the rules too; also as long as nobody was asked."""
    return COPIED not in request.typed or request.typed.is_checked("copies_rules")


def keeps_old_slug(request: WebRequest) -> bool:
    """Whether a former address that is in use is to go on as an alias; also if nobody was asked."""
    form = request.typed
    return "asks_old_slug" not in form or form.is_checked("keeps_old_slug")


async def warn_of_rest(request: WebRequest, texts: Texts) -> str:
    """What a notice adds where the slug was in use until recently; empty if it was not."""
    rest = await find_rest(
        request.services.links, request.actor, texts["domain"], texts["slug"], request.now
    )
    return "" if rest is None else f". {RESTS}"


def write_use(use: AddressUse) -> str:
    """What leads people to the link's address, as the beginning of a sentence that ends with it."""
    users = [write_plural(use.clicks, "click")] if use.clicks else []
    if use.has_code:
        users.append("a QR code" if users else "A QR code")
    verb = "use" if len(users) > 1 or use.clicks > 1 else "uses"
    return f"{' and '.join(users)} {verb}" if users else "Visitors have used"


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
    same: Link | None = None,
    same_known: str = "",
    copied: Link | None = None,
    error: ShortyError | None = None,
) -> Answer:
    """`link` is the one to edit; `shown` is what the form showed first, if it is shown again.

    `same` is an existing link with this destination, to offer; `same_known` is the id of one that
    has been offered. `copied` is the one that a new link duplicates.

    Raises an error that cannot be fixed in the form.
    """
    if isinstance(error, StorageUnavailableError):
        raise error
    db, actor = request.services.db, request.actor
    use = await find_address_use(request.services.links, actor, link.id) if link else None
    faults = {} if error is None else name_faults(error)
    domains = request.services.domains.list_for_workspace(actor.workspace_id)
    templates = await list_templates(db, actor.workspace_id)
    return render(
        request,
        "link_form.html",
        status=200 if error is None else find_status(error),
        link=link,
        use=write_use(use) if use and use.is_kept else "",
        keeps_old_slug=keeps_old_slug(request),
        same=same,
        same_known=same_known,
        copied=copied,
        copies_rules=copies_rules(request),
        fields=FIELDS,
        texts=texts,
        shown=write_shown(shown or texts),
        faults=faults,
        message=write_message(error, faults),
        opened=find_opened(texts, faults, is_new=link is None),
        set_count=count_set(texts, link),
        hosts=[domain.host for domain in domains],
        tags=await list_tags(db, actor.workspace_id),
        template_choices=[("", "Choose a template"), *((each.id, each.name) for each in templates)],
        templates=write_templates(templates),
        link_types=LINK_TYPES,
        statuses=STATUSES,
        back=read_return(request, write_place(link) if link else PLACE),
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
    shown = {*EMPTY, "aliases"}
    strange = [f"{name}: {fault}" for name, fault in faults.items() if name not in shown]
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
    """Among other words, as in a notice."""
    return isolate(write_short(link))


def write_place(link: Link) -> str:
    return f"{PLACE}/{link.id}"


def read_return(request: WebRequest, otherwise: str) -> str:
    """The page of the dashboard that the form was opened from, with its query."""
    asked = request.typed.read("back") or request.read_query().get("back", "")
    place = read_way_back(asked).partition("#")[0]
    return otherwise if place == HOME and asked != HOME else place


def point_to(place: str, link: Link) -> str:
    """Of a list, scrolled to the link, whose row is marked then."""
    return f"{place}#link-{link.id}" if place.partition("?")[0] == PLACE else place


def tell_created(link: Link, place: str, rest: str) -> Notice:
    back = quote(point_to(place, link), safe="")
    return Notice(
        text=f"Short link created: {name_link(link)}{rest}",
        copies=link.short_url,
        copied=f"Short link copied: {name_link(link)}{rest}",
        links=(
            ("QR code", f"/app/qr-codes/{link.id}"),
            ("Edit", f"{write_place(link)}/edit?back={back}"),
        ),
    )
