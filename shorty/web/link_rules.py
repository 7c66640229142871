"""`/app/links/{id}/rules`: a link's rules in sentences, edited in place, moved and switched.

Each change is of one rule, applied to the list as it is stored by then, so that two people can
change different rules at the same time. A rule that somebody else has changed since a form showed
it is not overwritten unasked.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import UNSET
from msgspec.structs import replace

from shorty.bidi import isolate
from shorty.errors import InvalidFieldsError, NotFoundError, ShortyError, StorageUnavailableError
from shorty.links import service
from shorty.links.model import Link, LinkChange
from shorty.links.rule_reading import read_rules
from shorty.links.rule_writing import write_rules
from shorty.links.rules import Rule
from shorty.web.guard import Pages
from shorty.web.link_form import get_link, write_place
from shorty.web.rendering import see_other
from shorty.web.requests import WebRequest
from shorty.web.rule_building import Wire, build_rule, name_faults
from shorty.web.rule_editor import (
    NEW,
    Editor,
    find_draft,
    open_editor,
    show_rules,
    write_shown,
)
from shorty.web.rule_forms import read_form, take_step
from shorty.web.rule_sentences import write_rule, write_sentence
from shorty.webcore.answers import Answer
from shorty.webcore.errors import find_status

pages = Pages()

RULE: Final = "rule"
NO_FAULTS: Final[Mapping[str, str]] = {}
RULE_PATH: Final = re.compile(r"rules\[(\d+)\]")
PAGE: Final = "/app/links/{link_id}/rules"
CHANGED_MEANWHILE: Final = (
    "Someone changed this rule while you edited it. It now says: {}. Save again to replace that."
)
DELETED_MEANWHILE: Final = "This rule was deleted while you edited it. Save to add it again."
OTHER_RULES: Final = "The rules changed meanwhile, so they were not moved. Here is their order now."


@pages.handle("GET /links/{link_id}/rules")
async def list_rules(request: WebRequest) -> Answer:
    link = await get_link(request)
    return await show_rules(request, link, find_draft(request, link, NEW))


@pages.handle("GET /links/{link_id}/rules/{rule_id}", needs="write")
async def edit_rule(request: WebRequest) -> Answer:
    link = await get_link(request)
    rule_id: str = request.path_params["rule_id"]
    place, draft = find_index(link.rules, rule_id), find_draft(request, link, rule_id)
    if place is not None:
        editor = draft or open_editor(link.rules[place], request.zone)
    elif draft is not None:
        editor = replace(draft, rule_id=NEW, message=DELETED_MEANWHILE)
    else:
        raise NotFoundError(RULE)
    return await show_rules(request, link, editor)


@pages.handle("POST /links/{link_id}/rules", needs="write")
async def add_rule(request: WebRequest) -> Answer:
    link = await get_link(request)
    if step := request.typed.read("step"):
        return await take(request, link, step, NEW)
    form = read_form(request.typed)
    rule, unread = build_rule(form, request.zone)
    place = find_end(link.rules, rule)
    rules = write_rules(link.rules)
    rules.insert(place, rule)
    saved = await save(request, link, rules, place, Editor(rule_id=NEW, form=form), unread)
    if isinstance(saved, Answer):
        return saved
    return tell_saved(request, saved, saved.rules[place], "Rule added")


@pages.handle("POST /links/{link_id}/rules/{rule_id}", needs="write")
async def change_rule(request: WebRequest) -> Answer:
    link = await get_link(request)
    rule_id: str = request.path_params["rule_id"]
    if step := request.typed.read("step"):
        return await take(request, link, step, rule_id)
    form = read_form(request.typed)
    editor = Editor(rule_id=rule_id, form=form, shown=request.typed.read_raw("shown"))
    place = find_index(link.rules, rule_id)
    if place is None:
        editor = replace(editor, rule_id=NEW, message=DELETED_MEANWHILE)
        return await show_rules(request, link, editor, status=409)
    before = link.rules[place]
    if editor.shown and editor.shown != write_shown(before):
        message = CHANGED_MEANWHILE.format(write_rule(before, request.zone))
        editor = replace(editor, shown=write_shown(before), message=message)
        return await show_rules(request, link, editor, status=409)
    rules = write_rules(link.rules)
    rules[place], unread = build_rule(form, request.zone, before)
    saved = await save(request, link, rules, place, editor, unread)
    if isinstance(saved, Answer):
        return saved
    return tell_saved(request, saved, saved.rules[place], "Rule saved")


@pages.handle("POST /links/{link_id}/rules/{rule_id}/move", needs="write", page=PAGE)
async def move_rule(request: WebRequest) -> Answer:
    """One place up, or else down."""
    link = await get_link(request)
    rule = find_rule(link, request)
    rules = list(link.rules)
    here = rules.index(rule)
    there = here - 1 if request.typed.read("way") == "up" else here + 1
    if 0 <= there < len(rules):
        rules[here], rules[there] = rules[there], rules[here]
        moved = await keep(request, link, rules)
        if isinstance(moved, Answer):
            return moved
    place = rules.index(rule) + 1
    text = f"“{name_rule(request, rule)}” moved to position {place} of {len(rules)}."
    return see_other(request, point_to(link, rule.id), text)


@pages.handle("POST /links/{link_id}/rule-order", needs="write", page=PAGE)
async def order_rules(request: WebRequest) -> Answer:
    """`ids` are all of the link's rules, from the first. A script gets 204, as one that is sent to
    sign in must not take that for success.
    """
    link = await get_link(request)
    by_id = {rule.id: rule for rule in link.rules}
    ids = request.typed.read_all("ids")
    if sorted(ids) != sorted(by_id):
        return await show_rules(request, link, message=OTHER_RULES, status=409)
    moved = await keep(request, link, [by_id[each] for each in ids])
    if isinstance(moved, Answer):
        return moved
    return Answer(204) if request.is_scripted else see_other(request, write_rules_place(link))


@pages.handle("POST /links/{link_id}/rules/{rule_id}/switch", needs="write", page=PAGE)
async def switch_rule(request: WebRequest) -> Answer:
    link = await get_link(request)
    is_active = request.typed.is_checked("is_active")
    rule = find_rule(link, request)
    return await change_one(
        request,
        link,
        replace(rule, is_active=is_active),
        f"“{name_rule(request, rule)}” is {'on' if is_active else 'off'} now.",
    )


@pages.handle("POST /links/{link_id}/rules/{rule_id}/winner", needs="write", page=PAGE)
async def choose_winner(request: WebRequest) -> Answer:
    """An empty `variant` goes on with the test."""
    link = await get_link(request)
    rule = find_rule(link, request)
    winner = request.typed.read("variant")
    changed = replace(rule, winner=winner or None)
    said = f"Variant {isolate(winner)} is the winner: everyone gets it now."
    return await change_one(request, link, changed, said if winner else "The test goes on.")


@pages.handle("POST /links/{link_id}/rules/{rule_id}/delete", needs="write", page=PAGE)
async def delete_rule(request: WebRequest) -> Answer:
    link = await get_link(request)
    rule = find_rule(link, request)
    left = await keep(request, link, [each for each in link.rules if each.id != rule.id])
    if isinstance(left, Answer):
        return left
    text = f"“{name_rule(request, rule)}” deleted."
    return see_other(request, write_rules_place(link), text)


async def take(request: WebRequest, link: Link, step: str, rule_id: str) -> Answer:
    """The form with another row, or one less; nothing is saved."""
    form = take_step(read_form(request.typed), step, request.typed.read("new_type"), request.zone)
    shown = request.typed.read_raw("shown")
    editor = Editor(rule_id=rule_id, form=form, shown=shown, is_under_way=True)
    return await show_rules(request, link, editor)


async def save(
    request: WebRequest,
    link: Link,
    rules: Sequence[Wire],
    place: int,
    editor: Editor,
    unread: Mapping[str, str],
) -> Link | Answer:
    """The link with these rules, or the form with what is wrong with the one at `place`.

    `unread` has what could not be read, by the form's fields.
    """
    try:
        return await change(request, link, rules, unread)
    except StorageUnavailableError:
        raise
    except InvalidFieldsError as error:
        own, others = split_faults(error.fields, place, unread)
        faults = {**name_faults(own, editor.form), **unread}
        editor = replace(editor, faults=faults, message=write_faults(others))
        return await show_rules(request, link, editor, status=422)
    except ShortyError as error:
        editor = replace(editor, message=error.message)
        return await show_rules(request, link, editor, status=find_status(error))


def split_faults(
    faults: Mapping[str, str], place: int, unread: Mapping[str, str]
) -> tuple[dict[str, str], dict[str, str]]:
    """Those of the rule at `place`, by their paths below it, and those of others."""
    prefix = f"rules[{place}]."
    own = {path.removeprefix(prefix): fault for path, fault in faults.items() if prefix in path}
    others = {
        path: fault for path, fault in faults.items() if prefix not in path and path not in unread
    }
    return own, others


def write_faults(faults: Mapping[str, str]) -> str:
    """Of what the form has no field for, such as another rule: "Rule 3: …"."""
    texts = [f"{name_path(path)}: {fault}" for path, fault in faults.items()]
    return f"{'. '.join(texts)}." if texts else ""


def name_path(path: str) -> str:
    """Rules are counted from one where people read of them."""
    found = RULE_PATH.match(path)
    return f"Rule {int(found[1]) + 1}" if found else path.capitalize()


async def change_one(request: WebRequest, link: Link, rule: Rule, said: str) -> Answer:
    rules = [rule if each.id == rule.id else each for each in link.rules]
    changed = await keep(request, link, rules)
    if isinstance(changed, Answer):
        return changed
    return see_other(request, point_to(link, rule.id), said)


async def keep(request: WebRequest, link: Link, rules: Sequence[Rule]) -> Link | Answer:
    """The link with these rules, each of which it has had; or its page that says why not."""
    try:
        return await change(request, link, write_rules(tuple(rules)))
    except InvalidFieldsError as error:
        return await show_rules(request, link, message=write_faults(error.fields), status=422)


async def change(
    request: WebRequest, link: Link, rules: Sequence[Wire], unread: Mapping[str, str] = NO_FAULTS
) -> Link:
    """Raises InvalidFieldsError, also for what could not be read: nothing is saved then."""
    read, faults = read_rules(rules)
    wanted = LinkChange(rules=UNSET if faults else read, unread={**faults, **unread})
    context, actor = request.services.links, request.actor
    return await service.change_link(context, actor, link.id, wanted, request.now)


def find_rule(link: Link, request: WebRequest) -> Rule:
    """The one that the path names. Raises NotFoundError."""
    rule_id: str = request.path_params["rule_id"]
    place = find_index(link.rules, rule_id)
    if place is None:
        raise NotFoundError(RULE)
    return link.rules[place]


def find_index(rules: Sequence[Rule], rule_id: str) -> int | None:
    return next((place for place, each in enumerate(rules) if each.id == rule_id), None)


def find_end(rules: Sequence[Rule], new: Wire) -> int:
    """Where a new rule goes: to the end, but before a rule for everyone, which ends the list."""
    has_last = bool(rules) and not rules[-1].conditions
    return len(rules) - 1 if has_last and new["conditions"] else len(rules)


def tell_saved(request: WebRequest, link: Link, rule: Rule, what: str) -> Answer:
    return see_other(request, point_to(link, rule.id), f"{what}: {name_rule(request, rule)}")


def name_rule(request: WebRequest, rule: Rule) -> str:
    """Among other words, as in a notice."""
    return isolate(rule.name) if rule.name else write_sentence(rule.conditions, request.zone)


def write_rules_place(link: Link) -> str:
    return f"{write_place(link)}/rules"


def point_to(link: Link, rule_id: str) -> str:
    return f"{write_rules_place(link)}#rule-{rule_id}"
