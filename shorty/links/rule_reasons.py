"""Says of each rule of a link why it won a visit or did not, in the words of people."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from shorty.links.rule_conditions import read_wall_clock
from shorty.links.rule_matching import Choice, CompiledRules, RuleReason, choose
from shorty.links.rule_visitor import RuleVisitor
from shorty.links.rules import Condition, ConditionType

FOR_PEOPLE: Final = "Bots and preview crawlers always get the link's own destination."
IS_OFF: Final = "It is switched off."
IS_LATE: Final = "An earlier rule won."
HOLDS: Final = "All its conditions hold."
ALWAYS_HOLDS: Final = "It has no conditions."
DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

_NOUNS: Final[Mapping[ConditionType, str]] = {
    "country": "country",
    "region": "region",
    "city": "city",
    "device": "device",
    "os": "operating system",
    "browser": "browser",
    "language": "language",
    "query": "query",
    "referrer": "referrer",
    "ip": "IP address",
}


def explain(compiled: CompiledRules, visitor: RuleVisitor, draw: float) -> Choice:
    """What `choose` chooses, with a reason for each rule in their order."""
    choice = choose(compiled, visitor, draw)
    return choice._replace(reasons=tuple(_list_reasons(compiled, visitor, choice)))


def _list_reasons(
    compiled: CompiledRules, visitor: RuleVisitor, choice: Choice
) -> Iterator[RuleReason]:
    numbers = {id(each.rule): number for number, each in enumerate(compiled.active)}
    has_won = False
    for rule in compiled.rules:
        if visitor.is_program:
            yield RuleReason(rule, holds=False, condition=None, text=FOR_PEOPLE)
        elif rule is choice.rule:
            has_won = True
            text = HOLDS if rule.conditions else ALWAYS_HOLDS
            yield RuleReason(rule, holds=True, condition=None, text=text)
        elif not rule.is_active:
            yield RuleReason(rule, holds=False, condition=None, text=IS_OFF)
        elif has_won:
            yield RuleReason(rule, holds=False, condition=None, text=IS_LATE)
        else:
            yield _find_reason(compiled, numbers[id(rule)], visitor)


def _find_reason(compiled: CompiledRules, number: int, visitor: RuleVisitor) -> RuleReason:
    """Of a rule that does not hold: its first condition that does not."""
    rule, bit = compiled.active[number].rule, 1 << number
    place, fact = min(
        (layer.places[number], layer.fact)
        for layer in compiled.layers
        if layer.asks & bit and not layer.find_held(getattr(visitor, layer.fact)) & bit
    )
    text = _describe(rule.conditions[place], getattr(visitor, fact))
    return RuleReason(rule, holds=False, condition=place, text=text)


def _describe(condition: Condition, found: Any) -> str:
    """How it is instead; `found` is what the condition asks for."""
    if found is None:
        return f"The {_NOUNS[condition.type]} is unknown."
    describe = _DESCRIPTIONS.get(condition.type)
    return describe(condition, found) if describe else f"The {_NOUNS[condition.type]} is {found}."


def _describe_languages(_condition: Condition, found: frozenset[str]) -> str:
    longest = [each for each in found if not any(o.startswith(f"{each}-") for o in found)]
    return f"The preferred language is {' or '.join(sorted(longest))}."


def _describe_query(condition: Condition, found: Mapping[str, list[str]]) -> str:
    values = found.get(condition.key or "")
    if values is None:
        return f"The query has no {condition.key}."
    return f"The query's {condition.key} is {' and '.join(value or 'empty' for value in values)}."


def _describe_clock(condition: Condition, now: int) -> str:
    day, minute = read_wall_clock(now // 60_000, condition.timezone or "UTC")
    clock = f"{minute // 60:02}:{minute % 60:02}"
    return f"It is {DAYS[day - 1]}, {clock} in {condition.timezone or 'UTC'}."


def _describe_moment(_condition: Condition, now: int) -> str:
    return f"It is {datetime.fromtimestamp(now // 1000, UTC):%Y-%m-%dT%H:%M:%SZ}."


_DESCRIPTIONS: Final[Mapping[str, Callable[[Condition, Any], str]]] = {
    "language": _describe_languages,
    "query": _describe_query,
    "time": _describe_clock,
    "after": _describe_moment,
    "before": _describe_moment,
}
