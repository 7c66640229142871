"""The simulator: where a described visitor would go, which rule decides, and why others don't.

It asks the function that answers visits. The description is in the query, so that it can be kept as
a bookmark or sent to a colleague.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Literal
from zoneinfo import ZoneInfo

import msgspec

from shorty.bidi import isolate
from shorty.errors import InvalidFieldsError
from shorty.idn import write_host
from shorty.links.model import Link
from shorty.links.rule_matching import RuleReason
from shorty.links.rule_visitor import StatedVisitor
from shorty.links.rules import Condition, ConditionType, Rule
from shorty.web.formatting import read_input, read_moment, write_moment
from shorty.web.requests import WebRequest
from shorty.web.rule_lists import find_language, split_list
from shorty.web.rule_sentences import (
    DAYS,
    DEVICES,
    find_shares,
    join_names,
    name_language,
    name_place,
    write_condition,
    write_sentence,
)
from shorty.webcore.rule_trials import Described, read_visitor, try_rules
from shorty.webcore.rule_trials import Trial as TriedRules
from shorty.webcore.times import format_optional_time

ASKED: Final = "try"
NAMES: Final = (
    *("country", "region", "city", "device", "os", "browser", "language", "query", "referrer"),
    *("ip", "at"),
)
MAIN: Final = frozenset({"country", "device", "at"})
"""What the sentence asks for; the others are folded."""
LONGEST: Final = 500

LineState = Literal["won", "lost", "off", "late"]


class TrialLine(msgspec.Struct, frozen=True, kw_only=True):
    """A rule and what became of it."""

    rule_id: str
    sentence: str
    state: LineState
    text: str = ""


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """A destination; `share` is in percent, where visitors are drawn."""

    url: str
    key: str = ""
    share: int = 100
    is_blocked: bool = False


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """`texts` are the form's; without `targets` nothing was asked, or could be read."""

    texts: Mapping[str, str]
    faults: Mapping[str, str] = {}
    targets: Sequence[Target] = ()
    lines: Sequence[TrialLine] = ()
    has_more: bool = False

    @property
    def winner(self) -> TrialLine | None:
        return next((line for line in self.lines if line.state == "won"), None)


def read_trial(request: WebRequest, link: Link) -> Trial:
    """What the page's query asks of the link's rules."""
    query = request.read_query()
    texts = {name: query.get(name, "").strip()[:LONGEST] for name in NAMES}
    has_more = any(text for name, text in texts.items() if name not in MAIN)
    if ASKED not in query:
        return Trial(texts=texts)
    described, faults = describe(texts, request.zone)
    try:
        visitor = read_visitor(described, request.now)
    except InvalidFieldsError as error:
        return Trial(texts=texts, faults=error.fields | faults, has_more=has_more)
    if faults:
        return Trial(texts=texts, faults=faults, has_more=has_more)
    block_list = request.services.links.rules.block_list
    tried = try_rules(link, described, request.now, draw=draw_first, block_list=block_list)
    return Trial(
        texts=texts,
        targets=list_targets(tried),
        lines=[write_line(reason, visitor, request.zone) for reason in tried.choice.reasons],
        has_more=has_more,
    )


def describe(texts: Mapping[str, str], zone: ZoneInfo) -> tuple[Described, dict[str, str]]:
    """What is left empty is unknown, but for the query and the time, which every visit has."""
    given = {name: text for name, text in texts.items() if text and name != "at"}
    if languages := texts["language"]:
        given["language"] = ",".join(find_language(each) for each in split_list(languages))
    try:
        at = read_input(texts["at"], zone)
    except (ValueError, OverflowError):
        return Described(**given), {"at": "must be a date and time"}
    return Described(**{"query": "", **given, "at": format_optional_time(at)}), {}


def draw_first() -> float:
    """Of variants, all are shown with their shares; none is drawn."""
    return 0.0


def list_targets(tried: TriedRules) -> list[Target]:
    """Where the visitor goes: several places, if a variant is drawn."""
    shares = find_shares([each.variant.weight if each.variant else 1 for each in tried.drawn])
    return [
        Target(
            url=each.url or "",
            key=each.variant.key if each.variant else "",
            share=share,
            is_blocked=each.is_blocked,
        )
        for each, share in zip(tried.drawn, shares, strict=True)
    ]


def write_line(reason: RuleReason, visitor: StatedVisitor, zone: ZoneInfo) -> TrialLine:
    rule = reason.rule
    state, text = _find_state(reason, visitor, zone)
    return TrialLine(
        rule_id=rule.id, sentence=write_sentence(rule.conditions, zone), state=state, text=text
    )


def _find_state(
    reason: RuleReason, visitor: StatedVisitor, zone: ZoneInfo
) -> tuple[LineState, str]:
    if reason.holds:
        return "won", ""
    if not reason.rule.is_active:
        return "off", "It is switched off."
    if reason.condition is None:
        return "late", "An earlier rule decides."
    return "lost", write_miss(reason.rule, reason.condition, visitor, zone)


def write_miss(rule: Rule, index: int, visitor: StatedVisitor, zone: ZoneInfo) -> str:
    """Which condition does not hold, and how it is instead."""
    condition = rule.conditions[index]
    wanted = write_condition(condition, zone)
    return f"It asks for “{wanted}”, but {_WRITERS[condition.type](condition, visitor, zone)}."


def _tell(noun: str, attribute: str, write: Callable[[str], str] = isolate) -> "_Writer":
    """Of what is unknown, that it is."""

    def write_fact(_condition: Condition, visitor: StatedVisitor, _zone: ZoneInfo) -> str:
        found = getattr(visitor, attribute)
        return f"the {noun} is {'unknown' if found is None else write(str(found))}"

    return write_fact


def _tell_languages(_condition: Condition, visitor: StatedVisitor, _zone: ZoneInfo) -> str:
    found = visitor.languages
    if found is None:
        return "the language is unknown"
    whole = sorted(each for each in found if not any(o.startswith(f"{each}-") for o in found))
    return (
        f"the visitor reads {join_names((isolate(name_language(each)) for each in whole), 'and')}"
    )


def _tell_query(condition: Condition, visitor: StatedVisitor, _zone: ZoneInfo) -> str:
    key = condition.key or ""
    values = (visitor.query or {}).get(key)
    if values is None:
        return f"“{isolate(key)}” is not in the URL"
    return f"“{isolate(key)}” is {join_names((_quote(each) for each in values), 'and')}"


def _quote(text: str) -> str:
    return f"“{isolate(text)}”" if text else "empty"


def _tell_clock(condition: Condition, visitor: StatedVisitor, _zone: ZoneInfo) -> str:
    moment = read_moment(visitor.now, ZoneInfo(condition.timezone or "UTC"))
    return f"it is {DAYS[moment.weekday()]}, {moment:%H:%M} there"


def _tell_moment(_condition: Condition, visitor: StatedVisitor, zone: ZoneInfo) -> str:
    return f"it is {write_moment(visitor.now, zone)}"


_Writer = Callable[[Condition, StatedVisitor, ZoneInfo], str]
_WRITERS: Final[Mapping[ConditionType, _Writer]] = {
    "country": _tell("country", "country", name_place),
    "region": _tell("region", "region"),
    "city": _tell("city", "city", lambda name: isolate(name.title())),
    "device": _tell("device", "device", lambda name: DEVICES.get(name, name)),
    "os": _tell("operating system", "os"),
    "browser": _tell("browser", "browser", lambda name: isolate(name.title())),
    "language": _tell_languages,
    "query": _tell_query,
    "referrer": _tell("referrer", "referrer_host", lambda host: isolate(write_host(host))),
    "ip": _tell("IP address", "address"),
    "time": _tell_clock,
    "after": _tell_moment,
    "before": _tell_moment,
}
