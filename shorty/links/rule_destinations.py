"""Lists where a stored link's rules lead, for those that may not know what a rule is."""

from shorty.links.destination import UTM_PARAMETERS, apply_utm
from shorty.links.rules import decode_rules
from shorty.storage.database import Row


def list_destinations(row: Row) -> dict[str, dict[str, str]]:
    """By a rule's id and a variant's key, "" for a rule without variants.

    `row` has the link's rules and UTM parameters.
    """
    utm = {name: row[name] for name in UTM_PARAMETERS}
    return {
        rule.id: {key: apply_utm(url, utm) for key, url in urls.items()}
        for rule in decode_rules(row["rules"])
        if (urls := {each.key: each.url for each in rule.variants} or {"": rule.url or ""})
    }
