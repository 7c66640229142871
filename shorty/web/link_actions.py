"""Actions on one or many links of the list: delete, undo, tag, star, activate."""

from collections.abc import Sequence
from typing import Final

from shorty.errors import InvalidFieldsError, NotFoundError, ShortyError
from shorty.links import service
from shorty.links.model import Link, LinkChange
from shorty.links.names import fold_name
from shorty.links.store import find_links
from shorty.links.tags import list_tags
from shorty.links.writes import Outcome
from shorty.web.cookies import Notice
from shorty.web.forms import Form, list_ids
from shorty.web.guard import Pages
from shorty.web.link_fields import split_tags
from shorty.web.link_form import get_link
from shorty.web.link_list import PLACE, read_back
from shorty.web.rendering import render, see_other
from shorty.web.requests import WebRequest
from shorty.webcore.answers import Answer

pages = Pages()

RESTORE: Final = f"{PLACE}/restore"
# More ids would not fit in the notice's cookie.
UNDONE_AT_ONCE: Final = 200
NAMED: Final = 20

DONE: Final[dict[str, str]] = {
    "on": "switched on",
    "off": "switched off",
    "star": "starred",
    "unstar": "no longer starred",
    "tag": "tagged",
    "untag": "rid of the tag",
}
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


@pages.handle("POST /links/many", needs="write")
async def change_many(request: WebRequest) -> Answer:
    """Applies an action to the selected links, or to the `one` whose button was pressed."""
    action, link_ids = read_action(request.typed)
    back = read_back(request.typed.read("back"))
    if not link_ids:
        return see_other(request, back, notice=warn("Tick the links first."))
    if action == "delete":
        return await delete_many(request, link_ids, back)
    try:
        change = _CHANGES.get(action) or await read_tag_change(request, action)
        context, actor = request.services.links, request.actor
        outcomes = await service.change_links(context, actor, link_ids, change, request.now)
    except InvalidFieldsError as error:
        return see_other(request, back, notice=warn(_sum_up(error)))
    return see_other(request, back, notice=tell_outcomes(outcomes, DONE[action]))


@pages.handle("POST /links/restore", needs="write")
async def restore_many(request: WebRequest) -> Answer:
    back = read_back(request.typed.read("back"))
    link_ids = list_ids(request.typed.read("ids").split())
    try:
        outcomes = await service.restore_links(
            request.services.links, request.actor, link_ids, request.now
        )
    except InvalidFieldsError as error:
        return see_other(request, back, notice=warn(_sum_up(error)))
    return see_other(request, back, notice=tell_outcomes(outcomes, "back"))


async def delete_many(request: WebRequest, link_ids: Sequence[int], back: str) -> Answer:
    """Asks for confirmation, unless a script has done so."""
    context, actor = request.services.links, request.actor
    if not request.typed.is_checked("sure"):
        links = await find_links(context.db, actor.workspace_id, link_ids[: service.MAX_AT_ONCE])
        if not links:
            raise NotFoundError("link", link_ids[0])
        return show_question(request, links[:NAMED], len(links), back, link_ids)
    try:
        deleted = await service.delete_links(context, actor, link_ids, request.now)
    except InvalidFieldsError as error:
        return see_other(request, back, notice=warn(_sum_up(error)))
    if not deleted:
        raise NotFoundError("link", link_ids[0])
    return see_other(request, back, notice=offer_undo(deleted, back))


def read_action(form: Form) -> tuple[str, tuple[int, ...]]:
    if "one" not in form:
        return form.read("action"), form.read_ids("ids")
    action, _, text = form.read("one").partition(" ")
    return action, list_ids([text])


async def read_tag_change(request: WebRequest, action: str) -> LinkChange:
    """Raises InvalidFieldsError where no tag is named."""
    names = split_tags(request.typed.read("tag"))
    if action not in DONE or not names:
        raise InvalidFieldsError({"tag": "Write the tag's name first"})
    if action == "tag":
        return LinkChange(add_tag_names=names)
    wanted = set(map(fold_name, names))
    known = await list_tags(request.services.db, request.actor.workspace_id)
    return LinkChange(
        remove_tag_ids=tuple(tag.id for tag in known if fold_name(tag.name) in wanted)
    )


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
    )


def offer_undo(deleted: Sequence[int], back: str) -> Notice:
    text = f"{count_links(len(deleted))} deleted."
    if len(deleted) > UNDONE_AT_ONCE:
        return Notice(text=text)
    ids = " ".join(map(str, deleted))
    return Notice(text=text, undo=RESTORE, undo_fields=(("ids", ids), ("back", back)))


def tell_outcomes(outcomes: Sequence[Outcome], action: str) -> Notice:
    """How many succeeded, and why the first of the others did not."""
    failed = [outcome for outcome in outcomes if isinstance(outcome, ShortyError)]
    done = len(outcomes) - len(failed)
    text = f"{count_links(done)} {action}."
    if failed:
        text = f"{text} {count_links(len(failed))} not: {_sum_up(failed[0]).rstrip('.')}."
    return Notice(text=text, is_alarm=bool(failed))


def warn(text: str) -> Notice:
    return Notice(text=text, is_alarm=True)


def count_links(count: int) -> str:
    return "1 link" if count == 1 else f"{count:,} links"


def _sum_up(error: ShortyError) -> str:
    return (
        ". ".join(error.fields.values()) if isinstance(error, InvalidFieldsError) else error.message
    )
