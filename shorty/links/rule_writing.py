"""Writes rules: as JSON for callers, and in words for the history of a link."""

from typing import Any, Final

from shorty.links.rule_values import write_moment
from shorty.links.rules import Condition, Rule, Rules

_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def write_rules(rules: Rules) -> list[dict[str, Any]]:
    """As JSON has them, and as `read_rules` takes them back."""
    return [_write_rule(rule) for rule in rules]


def _write_rule(rule: Rule) -> dict[str, Any]:
    written: dict[str, Any] = {"id": rule.id, "name": rule.name, "isActive": rule.is_active}
    if rule.variants:
        variants = [
            {"key": each.key, "url": each.url, "weight": each.weight} for each in rule.variants
        ]
        ends_at = None if rule.test_ends_at is None else write_moment(rule.test_ends_at)
        written |= {"variants": variants, "sticky": rule.sticky, "testEndsAt": ends_at}
        written["winner"] = rule.winner
    else:
        written["url"] = rule.url
    written["conditions"] = [_write_condition(each) for each in rule.conditions]
    return written


def _write_condition(condition: Condition) -> dict[str, Any]:
    written: dict[str, Any] = {"type": condition.type}
    if condition.negated:
        written["not"] = True
    if condition.key is not None:
        written["key"] = condition.key
    if condition.values is not None:
        written["values"] = list(condition.values)
    if condition.days is not None:
        written["days"] = list(condition.days)
    if condition.type == "time":
        if condition.from_ is not None:
            written |= {"from": condition.from_, "to": condition.to}
        written["timezone"] = condition.timezone
    if condition.at is not None:
        written["at"] = write_moment(condition.at)
    return written


def describe_changes(before: Rules, after: Rules) -> tuple[list[str], list[str]]:
    """What went and what came, in words; of rules that only changed places, all in their orders.

    Both are empty where nothing changed.
    """
    if before == after:
        return [], []
    went = [rule for rule in before if rule not in after]
    came = [rule for rule in after if rule not in before]
    if went or came:
        return [describe_rule(rule) for rule in went], [describe_rule(rule) for rule in came]
    return [describe_rule(rule) for rule in before], [describe_rule(rule) for rule in after]


def describe_rule(rule: Rule) -> str:
    """`German phones: country DE or AT, device mobile → https://example.de/app`."""
    name = f"{rule.name}: " if rule.name else ""
    conditions = ", ".join(map(describe_condition, rule.conditions)) or "always"
    off = "" if rule.is_active else " (off)"
    return f"{name}{conditions} → {_describe_way(rule)}{off}"


def describe_condition(condition: Condition) -> str:
    negation = "not " if condition.negated else ""
    return f"{negation}{condition.type} {_describe_members(condition)}".rstrip()


def _describe_members(condition: Condition) -> str:
    if condition.at is not None:
        return write_moment(condition.at)
    if condition.type == "time":
        days = " ".join(_DAYS[day - 1] for day in condition.days or ())
        hours = f"{condition.from_}-{condition.to}" if condition.from_ is not None else ""
        return " ".join(part for part in (days, hours, condition.timezone) if part)
    values = " or ".join(value or "(empty)" for value in condition.values or ())
    if condition.key is None:
        return values
    return f"{condition.key} = {values}" if values else condition.key


def _describe_way(rule: Rule) -> str:
    if not rule.variants:
        return rule.url or ""
    whole = sum(variant.weight for variant in rule.variants)
    shares = ", ".join(
        f"{variant.key} {variant.weight / whole:.0%} {variant.url}" for variant in rule.variants
    )
    notes = ["sticky"] if rule.sticky else []
    if rule.test_ends_at is not None:
        notes.append(f"test ends {write_moment(rule.test_ends_at)}")
    if rule.winner is not None:
        notes.append(f"winner {rule.winner}")
    return "; ".join((shares, *notes))
