"""Actions on one or many links of the list: delete, restore, tag, star, enable."""

from collections.abc import Sequence
from typing import Final

from shorty.errors import ConflictError, InvalidFieldsError, NotFoundError
from shorty.links.bulk_jobs import sum_up
from shorty.links.model import Link, LinkChange
from shorty.links.store import find_links
from shorty.links.tags import fold_name, list_tags
from shorty.web.formatting import read_input
from shorty.web.forms import list_ids
from shorty.web.guard import Pages
from shorty.web.link_fields import split_tags
from shorty.web.link_form import get_link
from shorty.web.link_jobs import DONE, await_job, warn
from shorty.web.link_list import MOST_SELECTED, read_back
from shorty.web.link_selection import ALL_FOUND, read_selection
from shorty.web.rendering import render, see_other
from shorty.web.requests import WebRequest
from shorty.webcore.answers import Answer

pages = Pages()

NAMED: Final = 20

_CHANGES: Final[dict[str, LinkChange]] = {
    "on": LinkChange(is_active=True),
    "off": LinkChange(is_active=False),
    "star": LinkChange(is_starred=True),
    "unstar": LinkChange(is_starred=False),
}


@pages.handle("GET /links/{link_id}/delete", needs="write")
async def ask_before_delete(request: WebRequest) -> Answer:
    link = await get_link(request)
    back = read_back(request.read_query().get("back", ""))
    return show_question(request, [link], 1, back)


@pages.handle("POST /links/many", needs="write", page="/app/links")
async def change_many(request: WebRequest) -> Answer:
    """Applies an action to the selected links, to all that were found, or to the `one` whose button
    was pressed.
    """
    back = read_back(request.typed.read("back"))
    try:
        action, link_ids = await read_action(request, back)
        if not link_ids:
            return see_other(request, back, notice=warn("Select links first."))
        if action == "delete" and not request.typed.is_checked("sure"):
            return await ask_before_deleting(request, link_ids, back)
        action, change = await build_work(request, action)
        job = await request.services.bulk_jobs.start(request.actor, action, link_ids, change)
    except (InvalidFieldsError, ConflictError) as error:
        return see_other(request, back, notice=warn(sum_up(error)))
    is_of_row = "one" in request.typed and action not in {"delete", "restore"}
    return await await_job(request, job, back, f"#link-{link_ids[0]}" if is_of_row else "")


async def build_work(request: WebRequest, action: str) -> tuple[str, LinkChange | None]:
    """The action as its notice names it, and its change. Raises InvalidFieldsError."""
    if action in {"restore", "delete"}:
        return action, None
    change = _CHANGES.get(action) or await read_change(request, action)
    # What one link does not allow, such as an end before its start, is its own failure; what no
    # link allows is said at once.
    require_possible(request, change)
    named = "no-expiry" if action == "expiry" and change.expires_at is None else action
    return named, change


def require_possible(request: WebRequest, change: LinkChange) -> None:
    """Raises InvalidFieldsError for a domain that the workspace may not use, or a past expiry."""
    workspace_id = request.actor.workspace_id
    if isinstance(change.domain, str) and (
        request.services.links.find_domain(workspace_id, change.domain) is None
    ):
        raise InvalidFieldsError({"domain": "Choose a domain of this workspace"})
    if isinstance(change.expires_at, int) and change.expires_at <= request.now:
        raise InvalidFieldsError({"expires_at": "The expiry must be in the future"})


@pages.handle("POST /links/restore", needs="write", page="/app/links")
async def restore_many(request: WebRequest) -> Answer:
    """Undoes a delete, from its notice."""
    back = read_back(request.typed.read("back"))
    return await restore(request, list_ids(request.typed.read("ids").split()), back)


async def restore(request: WebRequest, link_ids: Sequence[int], back: str) -> Answer:
    if not link_ids:
        return see_other(request, back, notice=warn("Select links first."))
    if len(link_ids) > MOST_SELECTED:
        text = f"Select up to {MOST_SELECTED:,} links for this."
        return see_other(request, back, notice=warn(text))
    try:
        job = await request.services.bulk_jobs.start(request.actor, "restore", link_ids)
    except ConflictError as error:
        return see_other(request, back, notice=warn(error.message))
    return await await_job(request, job, back)


async def ask_before_deleting(request: WebRequest, link_ids: Sequence[int], back: str) -> Answer:
    """Where no script has asked."""
    links = await find_links(request.services.db, request.actor.workspace_id, link_ids[:NAMED])
    if not links:
        raise NotFoundError("link", link_ids[0])
    return show_question(request, links, len(link_ids), back, link_ids)


async def read_action(request: WebRequest, back: str) -> tuple[str, tuple[int, ...]]:
    """Raises as read_selection does, and InvalidFieldsError for an action that does not exist."""
    form = request.typed
    if "one" in form:
        action, _, text = form.read("one").partition(" ")
        link_ids = list_ids([text])
    else:
        action, link_ids = form.read("action"), await read_selection(request, back)
    if action not in DONE:
        raise InvalidFieldsError({"action": "Choose an action"})
    return action, link_ids


async def read_change(request: WebRequest, action: str) -> LinkChange:
    """Raises InvalidFieldsError where what it needs is missing."""
    if action == "expiry":
        return LinkChange(expires_at=read_expiry(request))
    if action == "domain":
        host = request.typed.read("to_domain")
        if not host:
            raise InvalidFieldsError({"domain": "Choose a domain first"})
        return LinkChange(domain=host)
    return await read_tag_change(request, action)


def read_expiry(request: WebRequest) -> int | None:
    text = request.typed.read("expires_at")
    try:
        return read_input(text, request.zone) if text else None
    except (ValueError, OverflowError):
        raise InvalidFieldsError({"expires_at": "The expiry must be a date and a time"}) from None


async def read_tag_change(request: WebRequest, action: str) -> LinkChange:
    """Raises InvalidFieldsError where no tag is named, or none that there is to remove."""
    names = split_tags(request.typed.read("tag"))
    if not names:
        raise InvalidFieldsError({"tag": "Enter a tag first"})
    if action == "tag":
        return LinkChange(add_tag_names=names)
    wanted = set(map(fold_name, names))
    known = await list_tags(request.services.db, request.actor.workspace_id)
    removed = tuple(tag.id for tag in known if fold_name(tag.name) in wanted)
    if not removed:
        raise InvalidFieldsError({"tag": "This workspace has no such tag"})
    return LinkChange(remove_tag_ids=removed)


def show_question(
    request: WebRequest,
    links: Sequence[Link],
    count: int,
    back: str,
    link_ids: Sequence[int] = (),
) -> Answer:
    """`links` are shown by name; `link_ids` are all of them."""
    return render(
        request,
        "link_delete.html",
        links=links,
        count=count,
        ids=link_ids or [link.id for link in links],
        back=back,
        all_found=request.typed.read(ALL_FOUND),
    )
