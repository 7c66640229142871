"""How the links API writes and reads the rules of a link, and the short forms of some."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Final, TypeAlias

import msgspec
from msgspec import UNSET, Meta, UnsetType

from shorty.api.objects import Input
from shorty.links.rule_reading import read_rules
from shorty.links.rule_shorthands import expand_shorthands
from shorty.links.rule_writing import write_rules
from shorty.links.rules import ConditionType, Rules

Values = Annotated[
    list[str],
    Meta(
        description="One of them is enough; up to 50. Countries: ISO 3166-1 codes, `EU` for the "
        "European Union, `continent:AF` and so on; regions: ISO 3166-2; languages: the beginning "
        "of a tag, such as `pt`; referrers: hosts, those below them included; `ip`: IP addresses "
        "and networks; `query`: the parameter's values, omitted if any value will do."
    ),
]
Negated = Annotated[
    bool, Meta(description="true: negates the condition. Unknown values still do not match.")
]
Key = Annotated[str, Meta(description="The name of the query parameter.")]
Days = Annotated[list[int], Meta(description="1 is Monday, 7 is Sunday. Default: every day.")]
Clock = Annotated[
    str,
    Meta(description="A time of day such as `09:00`: `from` is inclusive, `to` is exclusive."),
]
Zone = Annotated[str, Meta(description="An IANA time zone. Default: UTC.")]
Moment = Annotated[str, Meta(description="In ISO 8601; UTC unless a zone is given.")]
RuleId = Annotated[
    str | int,
    Meta(
        description="Generated if omitted. A rule that is sent back with its id keeps its clicks."
    ),
]
RuleName = Annotated[str, Meta(description="What the rule is called in lists and analytics.")]
IsActive = Annotated[bool, Meta(description="false: the rule is skipped.")]
RuleUrl = Annotated[str, Meta(description="The destination; omitted if there are variants.")]
Sticky = Annotated[
    bool, Meta(description="Visitors stay with their variant, by a cookie that contains its key.")
]
TestEnd = Annotated[
    str, Meta(description="From this time on, in ISO 8601, all visitors get the winner.")
]
Winner = Annotated[
    str,
    Meta(
        description="The key of the variant that all visitors get. Default: none until the "
        "test ends, then the first."
    ),
]
VariantKey = Annotated[str, Meta(description="Unique in the rule, such as `a`.")]
VariantUrl = Annotated[str, Meta(description="The variant's destination.")]
Weight = Annotated[
    int, Meta(description="1 to 1000; the variant's share is its part in the sum of all weights.")
]


class ConditionInput(Input, frozen=True, kw_only=True):
    type: Annotated[ConditionType, Meta(description="What the condition is about.")]
    not_: Negated | None = msgspec.field(name="not", default=None)
    values: Values | None = None
    key: Key | None = None
    days: Days | None = None
    from_: Clock | None = msgspec.field(name="from", default=None)
    to: Clock | None = None
    timezone: Zone | None = None
    at: Moment | None = None


class VariantInput(Input, frozen=True, kw_only=True):
    key: VariantKey
    url: VariantUrl
    weight: Weight


class RuleInput(Input, frozen=True, kw_only=True):
    """A destination for those visits for which all conditions hold."""

    id: RuleId | None = None
    name: RuleName | None = None
    is_active: IsActive | None = None
    url: RuleUrl | None = None
    variants: (
        Annotated[
            list[VariantInput],
            Meta(description="2 to 10 destinations by chance, in place of `url`."),
        ]
        | None
    ) = None
    sticky: Sticky | None = None
    test_ends_at: TestEnd | None = None
    winner: Winner | None = None
    conditions: (
        Annotated[
            list[ConditionInput],
            Meta(
                description="All of them must be true; up to 10. A rule without conditions always "
                "applies, and may only be the last active one."
            ),
        ]
        | None
    ) = None


class SharedVariant(Input, frozen=True, kw_only=True):
    url: VariantUrl
    percentage: Annotated[int, Meta(description="Its share; all of them add up to 100.")]


class ConditionObject(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Only the members of its type are there; `not` only if it is true."""

    type: ConditionType
    not_: bool | UnsetType = msgspec.field(name="not", default=UNSET)
    values: list[str] | UnsetType = UNSET
    key: str | UnsetType = UNSET
    days: list[int] | UnsetType = UNSET
    from_: str | UnsetType = msgspec.field(name="from", default=UNSET)
    to: str | UnsetType = UNSET
    timezone: str | UnsetType = UNSET
    at: str | UnsetType = UNSET


class VariantObject(msgspec.Struct, frozen=True, kw_only=True):
    key: str
    url: str
    weight: int


class RuleObject(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """It has either a `url`, or `variants` and what is about them."""

    id: str
    name: str | None
    is_active: bool
    url: str | UnsetType = UNSET
    variants: list[VariantObject] | UnsetType = UNSET
    sticky: bool | UnsetType = UNSET
    test_ends_at: str | None | UnsetType = UNSET
    winner: str | None | UnsetType = UNSET
    conditions: list[ConditionObject]

    example: ClassVar[dict[str, Any]] = {
        "id": "4f2a91c0",
        "name": "German phones",
        "isActive": True,
        "url": "https://example.de/app",
        "conditions": [
            {"type": "country", "values": ["DE", "AT"]},
            {"type": "device", "values": ["mobile"]},
        ],
    }


RULES_EXAMPLE: Final[list[dict[str, Any]]] = [
    {
        "name": "German phones",
        "url": "https://example.de/app",
        "conditions": [
            {"type": "country", "values": ["DE", "AT"]},
            {"type": "device", "values": ["mobile"]},
        ],
    },
    {
        "url": "https://example.com/open",
        "conditions": [
            {
                "type": "time",
                "days": [1, 2, 3, 4, 5],
                "from": "09:00",
                "to": "17:00",
                "timezone": "Europe/Berlin",
            }
        ],
    },
    {
        "variants": [
            {"key": "a", "url": "https://example.com/a", "weight": 60},
            {"key": "b", "url": "https://example.com/b", "weight": 40},
        ],
        "sticky": True,
        "testEndsAt": "2031-01-31T00:00:00Z",
    },
]

RulesField: TypeAlias = Annotated[
    list[RuleInput],
    Meta(
        description="Other destinations by visitor and time, up to 50: the first active rule whose "
        "conditions are all true decides; if none does, the link's own destination. Replaces all "
        "rules; null or an empty list removes them. Only for links of type URL.",
        examples=[RULES_EXAMPLE],
    ),
]
Ios = Annotated[
    str,
    Meta(
        description="Short for a rule: the destination of visitors on iOS. Not beside `rules`, "
        "which it replaces, as do `android`, `geo` and `testVariants`."
    ),
]
Android = Annotated[
    str, Meta(description="Short for a rule: the destination of visitors on Android.")
]
Geo = Annotated[
    dict[str, str],
    Meta(
        description="Short for rules: destinations by country.",
        examples=[{"US": "https://example.com/us"}],
    ),
]
TestVariants = Annotated[
    list[SharedVariant],
    Meta(
        description="Short for a rule: 2 to 10 destinations by chance.",
        examples=[
            [
                {"url": "https://example.com/a", "percentage": 60},
                {"url": "https://example.com/b", "percentage": 40},
            ]
        ],
    ),
]
NO_RULES: Final[tuple[object, ...]] = (None, "", [])
SHORTHANDS: Final = ("ios", "android", "geo", "testVariants")
_DECODER_TYPE: Final = list[RuleObject]


def show_rules(rules: Rules) -> list[RuleObject]:
    return msgspec.convert(write_rules(rules), _DECODER_TYPE) if rules else []


def take_rules(
    fields: Mapping[str, object],
) -> tuple[Mapping[str, object], dict[str, Any], dict[str, str]]:
    """The other fields; what rules or their short forms ask for, as members of a LinkChange; and
    their faults by the names that the caller has for them.
    """
    given = {name: fields[name] for name in ("rules", *SHORTHANDS) if name in fields}
    if not given:
        return fields, {}, {}
    others = {name: fields[name] for name in fields if name not in given}
    short = {name: value for name in SHORTHANDS if (value := given.get(name))}
    if not short:
        return others, *_read_rules(given)
    if given.get("rules") not in NO_RULES:
        return others, {}, dict.fromkeys(short, "must not be given beside rules")
    expanded = expand_shorthands(**{_PARAMETERS.get(name, name): short[name] for name in short})
    if expanded.faults:
        return others, {}, expanded.faults
    rules, faults = read_rules(expanded.rules)
    named = {expanded.name_path(path): fault for path, fault in faults.items()}
    return others, {"rules": rules, "rule_paths": expanded.paths}, named


def _read_rules(given: Mapping[str, object]) -> tuple[dict[str, Any], dict[str, str]]:
    """Short forms that are null or empty ask for nothing."""
    if "rules" not in given:
        return {}, {}
    rules, faults = read_rules(None if given["rules"] in NO_RULES else given["rules"])
    return {"rules": rules}, faults


_PARAMETERS: Final = {"testVariants": "test_variants"}
