"""The clicks of each rule and variant of a link, with their share in all clicks of the link."""

from collections import Counter
from collections.abc import Iterable, Mapping

import msgspec

from shorty.clicks.breakdown import OF_RULES, RuleCount, count_clicks, list_rules
from shorty.clicks.stats import count_values
from shorty.clicks.stats_store import Scope
from shorty.links.model import Link
from shorty.storage.database import Database
from shorty.web.date_range import Span
from shorty.web.formatting import write_plural, write_share

Key = tuple[str | None, str | None]
"""A rule's id and a variant's key; no key for all of a rule, no id for no rule."""


class RuleNumbers(msgspec.Struct, frozen=True, kw_only=True):
    """`deleted` are clicks of rules that the link has no more."""

    clicks: Mapping[Key, int]
    visitors: Mapping[Key, int]
    whole: int
    deleted: int

    def write(self, rule_id: str | None, variant: str | None = None) -> str:
        """ "1,234 clicks · 45% · 1,100 visitors"; empty where nobody has clicked at all."""
        if not self.whole:
            return ""
        key = rule_id, variant
        clicks = self.clicks.get(key, 0)
        parts = [write_plural(clicks, "click"), write_share(clicks, self.whole)]
        parts.append(write_plural(self.visitors.get(key, 0), "visitor"))
        return " · ".join(parts)


async def read_numbers(db: Database, link: Link, span: Span) -> RuleNumbers:
    period, has_bots = span.period, span.has_bots
    scope = Scope(workspace_id=link.workspace_id, link_id=link.id)
    counts = await count_values(db, scope, period.start, period.end, OF_RULES, has_bots=has_bots)
    found = list_rules(counts, has_bots=has_bots)
    whole = count_clicks(counts.totals, has_bots=has_bots)
    return sum_numbers(found, whole, {rule.id for rule in link.rules})


def sum_numbers(counts: Iterable[RuleCount], whole: int, kept: Iterable[str]) -> RuleNumbers:
    """`kept` are the ids of the rules that the link has."""
    clicks: Counter[Key] = Counter()
    visitors: Counter[Key] = Counter()
    for count in counts:
        # A click of a variant is one of its rule, too.
        for key in dict.fromkeys([(count.rule_id, None), (count.rule_id, count.variant)]):
            clicks[key] += count.clicks
            visitors[key] += count.visitors
    known = {None, *kept}
    gone = [key for key in clicks if key[1] is None and key[0] not in known]
    return RuleNumbers(
        clicks=clicks,
        visitors=visitors,
        whole=whole,
        deleted=sum(clicks[key] for key in gone),
    )
