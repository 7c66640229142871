"""The page of a link's rules, and the form of the one that is being edited."""

from collections.abc import Mapping
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from shorty.bidi import isolate
from shorty.links.condition_reading import MOST_CONDITIONS
from shorty.links.model import Link
from shorty.links.rule_matching import find_winner
from shorty.links.rule_reading import MOST_RULES, MOST_VARIANTS
from shorty.links.rules import Rule, encode_rules
from shorty.web.date_range import CHOICES, read_span
from shorty.web.formatting import (
    list_zones,
    name_country,
    read_country_names,
    write_destination,
)
from shorty.web.forms import Form
from shorty.web.link_page import describe_link
from shorty.web.rendering import render
from shorty.web.requests import WebRequest
from shorty.web.rule_forms import (
    TYPES,
    RuleForm,
    read_form,
    write_form,
)
from shorty.web.rule_lists import list_places
from shorty.web.rule_numbers import read_numbers
from shorty.web.rule_sentences import (
    DAYS,
    DEVICES,
    LANGUAGES,
    find_shares,
    write_sentence,
)
from shorty.web.rule_trial import read_trial
from shorty.webcore.answers import Answer

NEW: Final = ""
"""In place of the id of a rule that is not stored yet."""
BROWSERS: Final = ("Chrome", "Safari", "Firefox", "Edge", "Samsung Internet", "Opera")
SYSTEMS: Final = ("iOS", "Android", "Windows", "macOS", "Linux", "Chrome OS")
OF_PLACES: Final = frozenset({"region", "city"})
NO_PLACES: Final = (
    "This server has no GeoIP database, so it knows no visitor's region or city: the rule never "
    "fits."
)
DEVICE_NAMES: Final = {
    "mobile": "Phone",
    "tablet": "Tablet",
    "desktop": "Computer",
    "other": "Other",
}


class Editor(msgspec.Struct, frozen=True, kw_only=True):
    """The form of one rule. `shown` is the stored rule that it was filled from, as JSON.

    `is_under_way`: it was changed, and nothing of it is saved yet.
    """

    rule_id: str
    form: RuleForm
    shown: str = ""
    faults: Mapping[str, str] = {}
    message: str = ""
    is_under_way: bool = False


class RuleLine(msgspec.Struct, frozen=True, kw_only=True):
    """A rule as the list shows it; `shares` are in percent, one for each variant.

    `winner` is the variant that everybody gets now; None while they are drawn.
    """

    rule: Rule
    sentence: str
    name: str
    shares: tuple[int, ...]
    winner: str | None
    warning: str


def open_editor(rule: Rule, zone: ZoneInfo) -> Editor:
    return Editor(rule_id=rule.id, form=write_form(rule, zone), shown=write_shown(rule))


def write_shown(rule: Rule) -> str:
    """So that a form can tell whether somebody else has changed the rule meanwhile."""
    return encode_rules((rule,)) or ""


def find_draft(request: WebRequest, link: Link, rule_id: str) -> Editor | None:
    """The form as it was typed before its session ended, with all of its rows."""
    draft = request.draft
    place = f"/app/links/{link.id}/rules"
    if draft is None or draft.action != (f"{place}/{rule_id}" if rule_id else place):
        return None
    typed = Form(fields=draft.fields)
    return Editor(
        rule_id=rule_id, form=read_form(typed), shown=typed.read_raw("shown"), is_under_way=True
    )


async def show_rules(
    request: WebRequest,
    link: Link,
    editor: Editor | None = None,
    *,
    status: int = 200,
    message: str = "",
) -> Answer:
    """Without an editor, the form of a new rule is there, but folded."""
    span = read_span(request.read_query(), request.zone, request.now)
    return render(
        request,
        "link_rules.html",
        status=status,
        **describe_link(request, link),
        tab="rules",
        lines=[describe_rule(rule, request) for rule in link.rules],
        everyone=write_destination(link.original_url),
        ends_all=any(rule.is_active and not rule.conditions for rule in link.rules),
        takes_rules=link.link_type == "URL" and not link.is_link_in_bio,
        is_full=len(link.rules) >= MOST_RULES,
        editor=editor or Editor(rule_id=NEW, form=RuleForm()),
        is_editing=editor is not None,
        trial=read_trial(request, link),
        span=span,
        choices=CHOICES,
        numbers=await read_numbers(request.services.db, link, span),
        message=message,
        **list_choices(),
    )


def describe_rule(rule: Rule, request: WebRequest) -> RuleLine:
    sentence = write_sentence(rule.conditions, request.zone)
    winner = find_winner(rule, request.now) if rule.variants else None
    knows_places = request.services.config.geo.path is not None
    asks_places = any(each.type in OF_PLACES for each in rule.conditions)
    return RuleLine(
        rule=rule,
        sentence=sentence,
        name=rule.name or sentence,
        shares=tuple(find_shares([each.weight for each in rule.variants])) if rule.variants else (),
        winner=winner.key if winner else None,
        warning=NO_PLACES if asks_places and not knows_places else "",
    )


def list_choices() -> dict[str, Any]:
    """What the fields of conditions offer."""
    return {
        "types": TYPES,
        "most_conditions": MOST_CONDITIONS,
        "most_variants": MOST_VARIANTS,
        "devices": DEVICE_NAMES,
        "days_of_week": [(str(number), day[:3]) for number, day in enumerate(DAYS, 1)],
        "winner_choices": list_winners,
        "zones": list_zones(),
        "trial_countries": sorted(
            ((code, name_country(code)) for code in read_country_names()), key=lambda each: each[1]
        ),
        "trial_devices": tuple(DEVICES.items()),
        "suggestions": {
            "country": list_places(),
            "language": sorted(LANGUAGES.values()),
            "browser": BROWSERS,
            "os": SYSTEMS,
        },
    }


def list_winners(form: RuleForm) -> list[tuple[str, str]]:
    """The variants by their keys; a winner that was chosen stays, whatever its key is now."""
    keys = [row.key for row in form.variants if row.key]
    if form.winner and form.winner not in keys:
        keys.append(form.winner)
    return [("", "None yet"), *((key, isolate(key)) for key in keys)]
