"""The form of one rule: its fields as texts, filled from a rule or read off what was typed.

Conditions and destinations are rows, whose fields begin with their part: `c0-values`, `v1-url`.
An empty row of a destination is none; a single one is the rule's `url`, several are its variants.
"""

import re
from collections.abc import Iterable
from typing import Final
from zoneinfo import ZoneInfo

import msgspec
from msgspec.structs import replace

from shorty.links.condition_reading import MOST_CONDITIONS
from shorty.links.rule_reading import MOST_VARIANTS
from shorty.links.rule_values import LAST_MINUTE
from shorty.links.rules import Condition, Rule
from shorty.web.formatting import write_input
from shorty.web.forms import Form
from shorty.web.rule_lists import LINES, NAMERS

KEYS: Final = "abcdefghijklmnopqrstuvwxyz"
USUAL_WEIGHT: Final = "50"
TYPES: Final = {
    "country": "Country",
    "region": "Region",
    "city": "City",
    "device": "Device",
    "os": "Operating system",
    "browser": "Browser",
    "language": "Language",
    "query": "Query parameter",
    "referrer": "Referrer",
    "time": "Time of day",
    "after": "After a date",
    "before": "Before a date",
    "ip": "IP address",
}
MOMENTS: Final = frozenset({"after", "before"})
BOXES: Final = frozenset({"device"})
"""Whose values are ticked, and not written."""
_ROW: Final = re.compile(r"([cv])(\d{1,3})-(?:type|url)")


class ConditionRow(msgspec.Struct, frozen=True, kw_only=True):
    """A condition as it was typed; `values` are ticked boxes, `text` a list that was written."""

    part: str
    type: str
    negated: bool = False
    text: str = ""
    values: tuple[str, ...] = ()
    key: str = ""
    takes_empty: bool = False
    days: tuple[str, ...] = ()
    from_: str = ""
    to: str = ""
    timezone: str = ""
    at: str = ""


class VariantRow(msgspec.Struct, frozen=True, kw_only=True):
    part: str
    key: str = ""
    url: str = ""
    weight: str = ""


class RuleForm(msgspec.Struct, frozen=True, kw_only=True):
    """Every field of the form, as a person sees it; there is always a row for a destination."""

    name: str = ""
    is_active: bool = True
    conditions: tuple[ConditionRow, ...] = ()
    variants: tuple[VariantRow, ...] = (VariantRow(part="v0"),)
    sticky: bool = False
    test_ends_at: str = ""
    winner: str = ""

    @property
    def is_split(self) -> bool:
        return len(self.variants) > 1


def write_form(rule: Rule, zone: ZoneInfo) -> RuleForm:
    """A stored rule as the form shows it."""
    variants = tuple(
        VariantRow(part=f"v{place}", key=each.key, url=each.url, weight=str(each.weight))
        for place, each in enumerate(rule.variants)
    )
    return RuleForm(
        name=rule.name or "",
        is_active=rule.is_active,
        conditions=tuple(
            _write_row(f"c{place}", each, zone) for place, each in enumerate(rule.conditions)
        ),
        variants=variants or (VariantRow(part="v0", url=rule.url or ""),),
        sticky=rule.sticky,
        test_ends_at=write_input(rule.test_ends_at, zone),
        winner=rule.winner or "",
    )


def read_form(form: Form) -> RuleForm:
    """What was typed, whatever the browser sent of it; too many rows are left out."""
    rows = sorted({(kind, int(place)) for kind, place in _list_rows(form)})
    conditions = [f"{kind}{place}" for kind, place in rows if kind == "c"][:MOST_CONDITIONS]
    variants = [f"{kind}{place}" for kind, place in rows if kind == "v"][:MOST_VARIANTS]
    return RuleForm(
        name=form.read("name"),
        is_active=form.is_checked("is_active"),
        conditions=tuple(_read_row(form, part) for part in conditions),
        variants=tuple(_read_variant(form, part) for part in variants or ["v0"]),
        sticky=form.is_checked("sticky"),
        test_ends_at=form.read("test_ends_at"),
        winner=form.read("winner"),
    )


def take_step(form: RuleForm, step: str, wanted_type: str, zone: ZoneInfo) -> RuleForm:
    """The form after one of its buttons: another row, or one less. Others change nothing."""
    if step == "condition":
        return _add_condition(form, wanted_type, zone)
    if step == "variant":
        return _add_variant(form)
    dropped = step.removeprefix("drop-") if step.startswith("drop-") else ""
    variants = tuple(each for each in form.variants if each.part != dropped)
    return replace(
        form,
        conditions=tuple(each for each in form.conditions if each.part != dropped),
        variants=variants or (VariantRow(part="v0"),),
    )


def list_filled(form: RuleForm) -> list[VariantRow]:
    return [row for row in form.variants if row.url]


def _list_rows(form: Form) -> Iterable[tuple[str, str]]:
    for name in form.fields:
        if found := _ROW.fullmatch(name):
            yield found[1], found[2]


def _read_row(form: Form, part: str) -> ConditionRow:
    kind = form.read(f"{part}-type")
    text, more = form.read(f"{part}-values"), form.read(f"{part}-more")
    if more and kind not in BOXES:
        text = f"{text.rstrip(', ')}, {more}" if text else more
    return ConditionRow(
        part=part,
        type=kind if kind in TYPES else "country",
        negated=form.is_checked(f"{part}-not"),
        text=text,
        values=form.read_all(f"{part}-values") if kind in BOXES else (),
        key=form.read(f"{part}-key"),
        takes_empty=form.is_checked(f"{part}-empty"),
        days=form.read_all(f"{part}-days"),
        from_=form.read(f"{part}-from"),
        to=form.read(f"{part}-to"),
        timezone=form.read(f"{part}-timezone"),
        at=form.read(f"{part}-at"),
    )


def _read_variant(form: Form, part: str) -> VariantRow:
    return VariantRow(
        part=part,
        key=form.read(f"{part}-key"),
        url=form.read(f"{part}-url"),
        weight=form.read(f"{part}-weight"),
    )


def _write_row(part: str, condition: Condition, zone: ZoneInfo) -> ConditionRow:
    values = condition.values or ()
    name = NAMERS.get(condition.type, str)
    joint = "\n" if condition.type in LINES else ", "
    return ConditionRow(
        part=part,
        type=condition.type,
        negated=condition.negated,
        text=joint.join(name(each) for each in values if each),
        values=tuple(each.lower() for each in values) if condition.type in BOXES else (),
        key=condition.key or "",
        takes_empty="" in values,
        days=tuple(map(str, condition.days or ())),
        from_=condition.from_ or "",
        to="" if condition.to in {None, LAST_MINUTE} else condition.to or "",
        timezone=condition.timezone or "",
        at=write_input(condition.at, zone),
    )


def _add_condition(form: RuleForm, wanted_type: str, zone: ZoneInfo) -> RuleForm:
    if len(form.conditions) >= MOST_CONDITIONS or wanted_type not in TYPES:
        return form
    part = _name_next("c", (row.part for row in form.conditions))
    row = ConditionRow(part=part, type=wanted_type, timezone=str(zone))
    if wanted_type == "time":
        row = replace(row, days=("1", "2", "3", "4", "5"), from_="09:00", to="17:00")
    return replace(form, conditions=(*form.conditions, row))


def _add_variant(form: RuleForm) -> RuleForm:
    if len(form.variants) >= MOST_VARIANTS:
        return form
    rows = [*form.variants, VariantRow(part=_name_next("v", (row.part for row in form.variants)))]
    keys = {row.key for row in rows}
    for place, row in enumerate(rows):
        key = row.key or next(each for each in KEYS if each not in keys)
        keys.add(key)
        rows[place] = replace(row, key=key, weight=row.weight or USUAL_WEIGHT)
    return replace(form, variants=tuple(rows))


def _name_next(kind: str, parts: Iterable[str]) -> str:
    return f"{kind}{max((int(part[1:]) + 1 for part in parts), default=0)}"
