"""Chooses a visit's destination by its link's rules: pure, compiled once, with reasons if asked.

The redirect, `try-rules` and the dashboard's simulator call `choose`, so that they can't disagree.
What is unknown of a visitor fits no condition, and no condition that is turned round either.
"""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from typing import Final, NamedTuple

from shorty.links.destination import apply_utm
from shorty.links.rule_conditions import Fits, Layer, build_layers
from shorty.links.rule_visitor import RuleVisitor
from shorty.links.rules import Rule, Variant


class RuleReason(NamedTuple):
    """Why a rule won or did not. `condition` is the index of the first that does not hold."""

    rule: Rule
    holds: bool
    condition: int | None
    text: str


class Choice(NamedTuple):
    """Where a visit leads. Without a rule, that is the link's own destination, and `url` is None.

    `url` has the link's UTM parameters. `is_blocked`: a block list names its host. `won` is what is
    stored with the click. `is_kept`: the visitor is to get the same variant the next time.
    """

    rule: Rule | None = None
    variant: Variant | None = None
    url: str | None = None
    is_blocked: bool = False
    won: tuple[str, str] | None = None
    is_kept: bool = False
    reasons: tuple[RuleReason, ...] = ()


OWN_DESTINATION: Final = Choice()


class CompiledRule(NamedTuple):
    """An active rule. A rule with a single destination has no `drawn`.

    `drawn` are the choices of the variants, up to whose bound in `bounds` a draw falls to each.
    """

    rule: Rule
    settled: Choice  # the only one, or of the winner
    settled_at: int | None  # from then on; None: never by itself
    drawn: tuple[Choice, ...]
    bounds: tuple[float, ...]


class CompiledRules(NamedTuple):
    """`rules` are all of a link's rules; `active` those that can win, in their order.

    `layers` are their conditions; `steps` the same for `choose`: fact, asks, whom it spares, whom
    it leaves where no condition fits, fits, and the rules of which it or a later one asks.
    `everybody` are the bits of all active rules. `has_blocked`: a block list names one of their
    destinations.
    """

    rules: tuple[Rule, ...]
    active: tuple[CompiledRule, ...]
    layers: tuple[Layer, ...]
    steps: tuple[tuple[str, int, int, int, Fits, int], ...]
    everybody: int
    has_blocked: bool


def compile_rules(
    rules: Sequence[Rule],
    *,
    utm: Mapping[str, str | None] | None = None,
    is_blocked: Callable[[str], bool] | None = None,
) -> CompiledRules:
    """`utm` are the link's parameters; `is_blocked` is asked of each destination."""

    def aim(rule: Rule, variant: Variant | None, *, is_kept: bool = False) -> Choice:
        url = rule.url or "" if variant is None else variant.url
        return Choice(
            rule=rule,
            variant=variant,
            url=apply_utm(url, utm or {}),
            is_blocked=is_blocked is not None and is_blocked(url),
            won=(rule.id, variant.key if variant else ""),
            is_kept=is_kept,
        )

    active = tuple(_compile(rule, aim) for rule in rules if rule.is_active)
    has_blocked = any(
        choice.is_blocked for each in active for choice in (each.settled, *each.drawn)
    )
    layers = build_layers([each.rule for each in active])
    return CompiledRules(
        rules=tuple(rules),
        active=active,
        layers=tuple(layers),
        steps=tuple(
            (each.fact, each.asks, ~each.asks, ~each.asks | each.negated, each.fits, asked)
            for each, asked in zip(layers, _list_asked(layers), strict=True)
        ),
        everybody=(1 << len(active)) - 1,
        has_blocked=has_blocked,
    )


def choose(compiled: CompiledRules, visitor: RuleVisitor, draw: float) -> Choice:
    """`draw`, from 0 up to 1, decides between variants."""
    if visitor.is_program:
        return OWN_DESTINATION
    left, asked_for, value = compiled.everybody, "", None
    # Written out for speed: `Layer.find_held` says the same.
    for fact, asks, spared, missed, fits, asked in compiled.steps:
        if not left & -left & asked:
            break  # the first that is left wins, or none is left
        if left & asks:
            if fact is not asked_for:
                asked_for, value = fact, getattr(visitor, fact)
            if value is None:
                left &= spared
            else:
                found = fits(value)
                left &= missed ^ found if found else missed
    if not left:
        return OWN_DESTINATION
    first = compiled.active[(left & -left).bit_length() - 1]
    return _draw(first, visitor, draw) if first.drawn else first.settled


def list_drawn(compiled: CompiledRules, choice: Choice, now: int) -> Sequence[Choice]:
    """The choices of which one was drawn, in the order of the variants; else the choice alone."""
    if choice.rule is not None and find_winner(choice.rule, now) is None:
        for each in compiled.active:
            if each.rule is choice.rule and each.drawn:
                return each.drawn
    return (choice,)


def list_shares(rule: Rule, now: int) -> dict[str, float]:
    """The share of its visits that each variant gets at this moment, by its key."""
    winner = find_winner(rule, now)
    if winner is not None:
        return {each.key: float(each is winner) for each in rule.variants}
    total = sum(each.weight for each in rule.variants)
    return {each.key: each.weight / total for each in rule.variants}


def find_winner(rule: Rule, now: int) -> Variant | None:
    """The variant that everybody gets at this moment; None while they are drawn."""
    if rule.winner is None and (rule.test_ends_at is None or now < rule.test_ends_at):
        return None
    return _find_last_variant(rule)


def _list_asked(layers: Sequence[Layer]) -> list[int]:
    """For each layer, the rules that it or a later one asks."""
    asked = list(accumulate((each.asks for each in reversed(layers)), int.__or__))
    return asked[::-1]


def _compile(rule: Rule, aim: Callable[..., Choice]) -> CompiledRule:
    if not rule.variants:
        return CompiledRule(rule, aim(rule, None), None, (), ())
    settled = aim(rule, _find_last_variant(rule))
    if rule.winner is not None:
        return CompiledRule(rule, settled, None, (), ())
    total = sum(each.weight for each in rule.variants)
    return CompiledRule(
        rule,
        settled,
        rule.test_ends_at,
        tuple(aim(rule, each, is_kept=rule.sticky) for each in rule.variants),
        tuple(bound / total for bound in accumulate(each.weight for each in rule.variants)),
    )


def _find_last_variant(rule: Rule) -> Variant:
    """The winner, by default the first variant."""
    return next((each for each in rule.variants if each.key == rule.winner), rule.variants[0])


def _draw(rule: CompiledRule, visitor: RuleVisitor, draw: float) -> Choice:
    if rule.settled_at is not None and rule.settled_at <= visitor.now:
        return rule.settled
    if rule.rule.sticky:
        kept = visitor.find_kept_variant(rule.rule.id)
        for choice in rule.drawn if kept is not None else ():
            if choice.variant is not None and choice.variant.key == kept:
                return choice
    return rule.drawn[min(bisect_right(rule.bounds, draw), len(rule.drawn) - 1)]
