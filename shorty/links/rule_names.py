"""Finds the rules that links have now, to name those which clicks were won by."""

from collections.abc import Collection
from typing import Final, NamedTuple

from shorty.links.rules import Rules, decode_rules
from shorty.storage.database import Database
from shorty.storage.statements import cut_and_fill, number_places

IN_ONE_STATEMENT: Final = 200

LIST_RULES: Final = f"""
select id, rules from links
where id in ({number_places(IN_ONE_STATEMENT)}) and workspace_id = ${IN_ONE_STATEMENT + 1}
"""  # noqa: S608 - parameters' numbers


class RuleName(NamedTuple):
    """What is left of a rule: `is_deleted` if it, or the variant, is no longer the link's."""

    name: str | None
    is_deleted: bool


class KnownRules:
    """The rules of some links of a workspace, deleted links included."""

    def __init__(self, rules: dict[int, Rules]) -> None:
        self._rules = {
            (link_id, rule.id): rule for link_id, found in rules.items() for rule in found
        }

    def find(self, link_id: int, rule_id: str, variant: str | None) -> RuleName:
        rule = self._rules.get((link_id, rule_id))
        if rule is None:
            return RuleName(None, is_deleted=True)
        is_known = variant is None or any(each.key == variant for each in rule.variants)
        return RuleName(rule.name, is_deleted=not is_known)


async def find_rules(db: Database, workspace_id: int, link_ids: Collection[int]) -> KnownRules:
    found = {
        row["id"]: decode_rules(row["rules"])
        for ids in cut_and_fill(sorted(link_ids), IN_ONE_STATEMENT)
        for row in await db.find_all(LIST_RULES, *ids, workspace_id)
    }
    return KnownRules(found)
