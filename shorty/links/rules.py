"""What a rule of a link is: conditions on a visitor, and where those go for whom all of them hold.

Rules are stored as JSON in these shapes and cached as these structs; what they may say is checked
by `rule_reading`, and whom they fit is found by `rule_matching`.
"""

from typing import Final, Literal, TypeAlias, get_args

import msgspec

ConditionType: TypeAlias = Literal[
    "country",
    "region",
    "city",
    "device",
    "os",
    "browser",
    "language",
    "query",
    "referrer",
    "time",
    "after",
    "before",
    "ip",
]
CONDITION_TYPES: Final[tuple[ConditionType, ...]] = get_args(ConditionType)


class Condition(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What has to be so of a visit; only the members of its type are set.

    `values`: one of them is enough; None for the presence of a query parameter. `days`: 1 is
    Monday. `from_` and `to`: HH:MM in the `timezone`. `at`: UTC milliseconds.
    """

    type: ConditionType
    negated: bool = msgspec.field(name="not", default=False)
    values: tuple[str, ...] | None = None
    key: str | None = None
    days: tuple[int, ...] | None = None
    from_: str | None = msgspec.field(name="from", default=None)
    to: str | None = None
    timezone: str | None = None
    at: int | None = None


class Variant(msgspec.Struct, frozen=True, kw_only=True):
    """One of several destinations; its share is its weight in the sum of all weights."""

    key: str
    url: str
    weight: int


class Rule(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Has either a `url` or `variants`. The numbers of a rule are kept under its `id`.

    `test_ends_at`: UTC milliseconds from which on everybody gets the `winner`; where that is None,
    the first variant. A winner that is set is everybody's at once.
    """

    id: str
    name: str | None = None
    is_active: bool = True
    url: str | None = None
    variants: tuple[Variant, ...] = ()
    sticky: bool = False
    test_ends_at: int | None = None
    winner: str | None = None
    conditions: tuple[Condition, ...] = ()


Rules: TypeAlias = tuple[Rule, ...]
_DECODER: Final = msgspec.json.Decoder(Rules)


def encode_rules(rules: Rules) -> str | None:
    """As they are stored; None where there are none."""
    return msgspec.json.encode(rules).decode() if rules else None


def decode_rules(text: str | None) -> Rules:
    """Of what encode_rules returned."""
    return _DECODER.decode(text) if text else ()


def list_urls(rules: Rules) -> list[str]:
    """Every destination of every rule, switched on or off, those of variants among them."""
    return [url for _, url in list_destinations(rules)]


def list_destinations(rules: Rules) -> list[tuple[str, str]]:
    """The same, each with its path: `rules[0].url`, `rules[2].variants[1].url`."""
    found: list[tuple[str, str]] = []
    for index, rule in enumerate(rules):
        path = f"rules[{index}]"
        if rule.url is not None:
            found.append((f"{path}.url", rule.url))
        for place, variant in enumerate(rule.variants):
            found.append((f"{path}.variants[{place}].url", variant.url))
    return found
