"""Reads rules from decoded JSON, with every fault by its path: `rules[2].conditions[0].values[1]`.

What is read here is in one spelling, within all limits, and what is written of it by `write_rules`
reads as the same again. Whether a destination is allowed is judged where the link is known: see
`checks`.
"""

import re
from collections.abc import Mapping, Sequence
from secrets import token_hex
from typing import Final, cast

from shorty.links.checks import read_line, read_text
from shorty.links.condition_reading import ConditionReader
from shorty.links.destination import MAX_DESTINATION_LENGTH, parse_destination
from shorty.links.rule_values import (
    read_moment,
)
from shorty.links.rules import (
    Rule,
    Rules,
    Variant,
    encode_rules,
)

MOST_RULES: Final = 50
LEAST_VARIANTS: Final = 2
MOST_VARIANTS: Final = 10
MOST_WEIGHT: Final = 1000
MOST_BYTES: Final = 512 * 1024
"""Of all rules of a link as they are stored."""
NAME_LENGTH: Final = 100

_ID: Final = re.compile(r"(?a)[\w-]{1,32}")
_VARIANT_KEY: Final = re.compile(r"(?a)[\w.-]{1,32}")
_OF_RULES: Final = (
    *("id", "name", "isActive", "url", "variants", "sticky", "testEndsAt", "winner", "conditions"),
)
_OF_VARIANTS: Final = ("key", "url", "weight")


def read_rules(given: object, path: str = "rules") -> tuple[Rules, dict[str, str]]:
    """The rules, and faults by path; where there are any, the rules are of no use.

    None and the empty list are no rules. Rules without an id get one.
    """
    reader = _RuleReader()
    rules = reader.read_rules(given, path)
    if not reader.faults and len(encode_rules(rules) or "") > MOST_BYTES:
        reader.note(path, f"may be at most {MOST_BYTES:,} bytes altogether as JSON")
    return rules, reader.faults


class _RuleReader(ConditionReader):
    def read_rules(self, given: object, path: str) -> Rules:
        items = self.read_list(given, path, MOST_RULES, "rules")
        taken = {found for item in items if (found := _find_id(item)) is not None}
        rules: list[Rule] = []
        for index, item in enumerate(items):
            rules.append(self._read_rule(item, f"{path}[{index}]", taken))
        self._check_ids(rules, path)
        self._check_order(rules, path)
        return tuple(rules)

    def _check_ids(self, rules: Sequence[Rule], path: str) -> None:
        first: dict[str, int] = {}
        for index, rule in enumerate(rules):
            if rule.id and first.setdefault(rule.id, index) != index:
                self.note(f"{path}[{index}].id", f"is that of {path}[{first[rule.id]}] too")

    def _check_order(self, rules: Sequence[Rule], path: str) -> None:
        active = [index for index, rule in enumerate(rules) if rule.is_active]
        for index in active[:-1]:
            place = f"{path}[{index}].conditions"
            if not rules[index].conditions and not any(
                name.startswith(place) for name in self.faults
            ):
                self.note(
                    place,
                    "must not be empty: without conditions a rule always holds, so it may only be "
                    "the last active one",
                )

    def _read_rule(self, given: object, path: str, taken: set[str]) -> Rule:
        item = self.read_object(given, path, _OF_RULES)
        if item is None:
            return Rule(id="")
        variants = self._read_variants(item.get("variants"), f"{path}.variants")
        url = self.read_optional(item, path, "url", _read_url)
        self._check_way(item, path)
        return Rule(
            id=self._read_id(item, path, taken),
            name=self.read_optional(item, path, "name", _read_name),
            is_active=self.read_flag(item, path, "isActive", default=True),
            url=None if variants else url,
            variants=variants,
            sticky=self.read_flag(item, path, "sticky", default=False),
            test_ends_at=self.read_optional(item, path, "testEndsAt", read_moment),
            winner=self._read_winner(item, path, variants),
            conditions=self.read_conditions(item.get("conditions"), f"{path}.conditions"),
        )

    def _check_way(self, item: Mapping[str, object], path: str) -> None:
        """A rule has one destination or variants, and what is about variants only with them."""
        if item.get("variants"):
            if item.get("url"):
                self.note(f"{path}.variants", "must not be given beside url")
            return
        if not item.get("url"):
            self.note(f"{path}.url", "is required, unless there are variants")
        for name in ("sticky", "testEndsAt", "winner"):
            if item.get(name):
                self.note(f"{path}.{name}", "needs variants")

    def _read_id(self, item: Mapping[str, object], path: str, taken: set[str]) -> str:
        given = item.get("id")
        if given is None:
            new = token_hex(4)
            while new in taken:
                new = token_hex(4)
            taken.add(new)
            return new
        if (found := _find_id(item)) is None:
            self.note(f"{path}.id", "must be 1 to 32 letters, digits, hyphens and underscores")
        return found or ""

    def _read_winner(
        self, item: Mapping[str, object], path: str, variants: Sequence[Variant]
    ) -> str | None:
        winner = self.read_optional(item, path, "winner", str)
        if winner is not None and variants and all(each.key != winner for each in variants):
            self.note(f"{path}.winner", "must be the key of one of the variants")
        return winner

    def _read_variants(self, given: object, path: str) -> tuple[Variant, ...]:
        items = self.read_list(given, path, MOST_VARIANTS, "variants")
        if items and len(items) < LEAST_VARIANTS:
            self.note(path, f"must be {LEAST_VARIANTS} to {MOST_VARIANTS} variants")
        variants = tuple(self._read_variant(each, f"{path}[{n}]") for n, each in enumerate(items))
        first: dict[str, int] = {}
        for index, variant in enumerate(variants):
            if variant.key and first.setdefault(variant.key, index) != index:
                self.note(f"{path}[{index}].key", f"is that of {path}[{first[variant.key]}] too")
        return variants

    def _read_variant(self, given: object, path: str) -> Variant:
        item = self.read_object(given, path, _OF_VARIANTS)
        if item is None:
            return Variant(key="", url="", weight=1)
        weight = self.read_whole(item, path, "weight", MOST_WEIGHT)
        return Variant(
            key=self.read_text(item, path, "key", _read_variant_key) or "",
            url=self.read_text(item, path, "url", _read_url) or "",
            weight=weight,
        )


def _find_id(item: object) -> str | None:
    given = cast("dict[str, object]", item).get("id") if isinstance(item, dict) else None
    if isinstance(given, int) and not isinstance(given, bool):
        given = str(given)
    return given if isinstance(given, str) and _ID.fullmatch(given) else None


def _read_url(text: str) -> str:
    given = read_text(text, MAX_DESTINATION_LENGTH)
    return parse_destination("URL", given or "")


def _read_name(text: str) -> str | None:
    return read_line(text, NAME_LENGTH)


def _read_variant_key(text: str) -> str:
    key = text.strip()
    if not _VARIANT_KEY.fullmatch(key):
        raise ValueError("must be 1 to 32 letters, digits, dots, hyphens and underscores")
    return key
