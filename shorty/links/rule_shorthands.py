"""Turns the short forms of rules, which other products have too, into rules as JSON has them."""

from collections.abc import Mapping
from typing import Any, Final, cast

import msgspec

from shorty.links.condition_reading import MOST_VALUES
from shorty.links.json_reading import JsonReader
from shorty.links.rule_reading import LEAST_VARIANTS, MOST_VARIANTS

WHOLE: Final = 100
_KEYS: Final = "abcdefghij"
_OF_VARIANTS: Final = ("url", "percentage")


class ExpandedRules(msgspec.Struct, frozen=True, kw_only=True):
    """Rules for `read_rules`, in this order: `ios`, `android`, `geo`, `testVariants`.

    `paths` maps the paths of parts of them to the names of what they were made of, such as
    `rules[2].url` to `geo.US`; `faults` have such names too.
    """

    rules: list[dict[str, Any]]
    paths: Mapping[str, str]
    faults: dict[str, str]

    def name_path(self, path: str) -> str:
        """What the caller calls that part; of a rule as a whole, its first name there."""
        if path in self.paths:
            return self.paths[path]
        head = path.partition(".")[0]
        return next((name for each, name in self.paths.items() if each.startswith(head)), path)


def expand_shorthands(
    ios: object = None,
    android: object = None,
    geo: object = None,
    test_variants: object = None,
) -> ExpandedRules:
    """`ios` and `android` are destinations, `geo` maps countries to theirs, `test_variants` are
    objects of `url` and `percentage`. What is None or empty makes no rule.
    """
    expander = _Expander()
    expander.add_system("ios", "iOS", ios)
    expander.add_system("android", "Android", android)
    expander.add_countries(geo)
    expander.add_variants(test_variants)
    return ExpandedRules(rules=expander.rules, paths=expander.paths, faults=expander.faults)


class _Expander(JsonReader):
    def __init__(self) -> None:
        super().__init__()
        self.rules: list[dict[str, Any]] = []
        self.paths: dict[str, str] = {}

    def add_system(self, name: str, system: str, url: object) -> None:
        if url:
            self._add({"type": "os", "values": [system]}, url, name)

    def add_countries(self, geo: object) -> None:
        """One rule for all countries of one destination, where the first of them is; several where
        they are more than a condition may name.
        """
        if not geo:
            return
        if not isinstance(geo, dict):
            self.note("geo", "must be an object of countries and destinations")
            return
        found: dict[object, list[str]] = {}
        for country, url in cast("dict[str, object]", geo).items():
            if isinstance(url, str):
                found.setdefault(url, []).append(country)
            else:
                self.note(f"geo.{country[:40]}", "must be text")
        for url, all_countries in found.items():
            for start in range(0, len(all_countries), MOST_VALUES):
                self._add_group(url, all_countries[start : start + MOST_VALUES])

    def _add_group(self, url: object, countries: list[str]) -> None:
        path = self._add({"type": "country", "values": countries}, url, f"geo.{countries[0]}")
        for index, country in enumerate(countries):
            self.paths[f"{path}.conditions[0].values[{index}]"] = f"geo.{country[:40]}"

    def add_variants(self, given: object) -> None:
        items = self.read_list(given or None, "testVariants", MOST_VARIANTS, "variants")
        if not items:
            return
        if len(items) < LEAST_VARIANTS:
            self.note("testVariants", f"must be {LEAST_VARIANTS} to {MOST_VARIANTS} variants")
        path = f"rules[{len(self.rules)}]"
        variants: list[dict[str, Any]] = []
        for index, each in enumerate(items):
            name = f"testVariants[{index}]"
            item = self.read_object(each, name, _OF_VARIANTS) or {}
            weight = self.read_whole(item, name, "percentage", WHOLE)
            variants.append({"key": _KEYS[index], "url": item.get("url"), "weight": weight})
            self.paths[f"{path}.variants[{index}].url"] = f"{name}.url"
        if not self.faults and sum(each["weight"] for each in variants) != WHOLE:
            self.note("testVariants", f"must have percentages that add up to {WHOLE}")
        self.rules.append({"variants": variants})

    def _add(self, condition: dict[str, Any], url: object, name: str) -> str:
        path = f"rules[{len(self.rules)}]"
        self.rules.append({"url": url, "conditions": [condition]})
        self.paths[f"{path}.url"] = name
        return path
