"""Describes the rules of a link, each on one line."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from shorty.links.rules import Condition, Rule, Rules

_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def describe_rules(rules: Rules) -> Iterator[tuple[str, str]]:
    """A name and a line for each, in the order in which they are tried."""
    for number, rule in enumerate(rules, 1):
        yield f"rule-{number}", describe_rule(rule)


def describe_rule(rule: Rule) -> str:
    name = f"{rule.name}: " if rule.name else ""
    conditions = " and ".join(map(_describe_condition, rule.conditions)) or "everybody else"
    off = "" if rule.is_active else " (off)"
    return f"{name}{conditions} → {_describe_target(rule)}{off}"


def _describe_target(rule: Rule) -> str:
    if rule.url is not None:
        return rule.url
    total = sum(variant.weight for variant in rule.variants)
    parts = [
        f"{variant.key} {100 * variant.weight / total:.0f}% {variant.url}"
        for variant in rule.variants
    ]
    if rule.sticky:
        parts.append("sticky")
    if rule.winner is not None:
        parts.append(f"winner {rule.winner}")
    elif rule.test_ends_at is not None:
        parts.append(f"until {_show_moment(rule.test_ends_at)}")
    return ", ".join(parts)


def _describe_condition(condition: Condition) -> str:
    no = "not " if condition.negated else ""
    values = " or ".join(condition.values or ())
    match condition.type:
        case "time":
            return f"{no}{_describe_time(condition)}"
        case "after" | "before":
            return f"{no}{condition.type} {_show_moment(condition.at or 0)}"
        case "query":
            return f"{no}{_describe_query(condition, values)}"
        case _:
            return f"{condition.type} {no}{values}"


def _describe_query(condition: Condition, values: str) -> str:
    if condition.values is None:
        return f"query has {condition.key}"
    return f"query {condition.key} = {values}".rstrip()


def _describe_time(condition: Condition) -> str:
    days = ", ".join(_DAYS[day - 1] for day in condition.days or ())
    hours = f"{condition.from_} to {condition.to}" if condition.from_ or condition.to else ""
    return " ".join(filter(None, ("time", days, hours, condition.timezone)))


def _show_moment(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).isoformat().replace("+00:00", "Z")
