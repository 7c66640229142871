"""Decides by rules slowly and obviously, as a reference for `rule_matching`; and random cases."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from random import Random
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo

from shorty.links.rule_visitor import (
    StatedVisitor,
    fold_name,
    read_client_address,
    read_country,
    read_languages,
    read_query,
)
from shorty.links.rules import Condition, Rule, Variant

COUNTRIES = {"DE": ("EU", "EU"), "CH": ("EU", ""), "EG": ("AF", ""), "US": ("NA", "")}
MONDAY = datetime(2026, 10, 19, tzinfo=UTC)  # in that week Berlin's clocks go back


@dataclass(frozen=True, kw_only=True)
class Visit:
    """As headers have it; empty is unknown."""

    at: datetime = MONDAY
    country: str = ""
    city: str = ""
    device: str = ""
    browser: str = ""
    languages: str = ""
    query: str = ""
    referrer: str = ""
    address: str = "192.0.2.7"

    def state(self) -> StatedVisitor:
        return StatedVisitor(
            now=round(self.at.timestamp() * 1000),
            country=read_country(self.country),
            city=fold_name(self.city) or None,
            device=fold_name(self.device) or None,
            browser=fold_name(self.browser) or None,
            languages=read_languages(self.languages),
            query=read_query(self.query),
            referrer_host=self.referrer or None,
            address=read_client_address(self.address),
        )


def find_rule(rules: list[Rule], visit: Visit) -> Rule | None:
    for rule in rules:
        if rule.is_active and all(does_hold(each, visit) for each in rule.conditions):
            return rule
    return None


def does_hold(condition: Condition, visit: Visit) -> bool:
    fits = does_fit(condition, visit)
    if fits is None:
        return False
    return not fits if condition.negated else fits


def does_fit(condition: Condition, visit: Visit) -> bool | None:  # noqa: C901, PLR0912 - by type
    """None for what is unknown."""
    values = condition.values or ()
    match condition.type:
        case "country":
            if visit.country not in COUNTRIES:
                return None
            continent, union = COUNTRIES[visit.country]
            return bool({visit.country, union, f"continent:{continent}"} & set(values))
        case "city" | "device" | "browser":
            own = getattr(visit, condition.type).lower()
            return own in [value.lower() for value in values] if own else None
        case "language":
            named = [part.split(";q=") for part in visit.languages.split(",")]
            first = [part[0] for part in named if part[1:] in ([], ["0.9"], ["1"])]
            known = [each.replace("_", "-") for each in first if each not in {"", "*"}]
            if not known:
                return None
            return any(f"{each}-".startswith(f"{value}-") for each in known for value in values)
        case "query":
            given = parse_qs(visit.query, keep_blank_values=True).get(condition.key or "")
            if condition.values is None:
                return given is not None
            return bool(set(given or []) & set(values))
        case "referrer":
            host = visit.referrer
            if not host:
                return None
            return any(host == value or host.endswith(f".{value}") for value in values)
        case "ip":
            address = ip_address(visit.address)
            return any(address in ip_network(value) for value in values)
        case "after":
            return visit.at.timestamp() * 1000 > (condition.at or 0)
        case "before":
            return visit.at.timestamp() * 1000 < (condition.at or 0)
        case "time":
            return is_within(condition, visit.at)
        case _:
            raise AssertionError(condition.type)


def is_within(condition: Condition, at: datetime) -> bool:
    local = at.astimezone(ZoneInfo(condition.timezone or "UTC"))
    clock, start, end = f"{local:%H:%M}", condition.from_ or "", condition.to or ""
    day = local.date()
    if start < end:
        if not start <= clock < end:
            return False
    elif clock < end:
        day -= timedelta(days=1)
    elif clock < start:
        return False
    return condition.days is None or day.isoweekday() in condition.days


def make_visit(dice: Random) -> Visit:
    return Visit(
        at=MONDAY
        + timedelta(minutes=dice.randrange(7 * 24 * 4) * 15, seconds=dice.choice([0, 59])),
        country=dice.choice([*COUNTRIES, "", "XX", "T1"]),
        city=dice.choice(["", "Köln", "Portland"]),
        device=dice.choice(["", "mobile", "desktop"]),
        browser=dice.choice(["", "Chrome", "Safari"]),
        languages=dice.choice(
            ["", "*", "de", "de-ch,fr;q=0.9", "en_us,*;q=0.5", "de;q=0,en", "fr;q=0.8", "deu"]
        ),
        query=dice.choice(["", "src=a", "src=b&src=a", "src=", "src", "src[]=a", "src=%61", "x=1"]),
        referrer=dice.choice(["", "t.co", "m.t.co", "nott.co", "example.com"]),
        address=dice.choice(["192.0.2.7", "198.51.100.9", "2001:db8::7"]),
    )


def make_condition(dice: Random) -> Condition:
    negated = dice.random() < 0.3
    make_values = {
        "country": lambda: draw(dice, "DE", "CH", "US", "EU", "continent:AF", "continent:EU"),
        "city": lambda: draw(dice, "köln", "PORTLAND", "Bonn"),
        "device": lambda: draw(dice, "Mobile", "desktop", "tablet"),
        "browser": lambda: draw(dice, "chrome", "Safari", "Firefox"),
        "language": lambda: draw(dice, "de", "de-ch", "en", "en-us", "fr"),
        "referrer": lambda: draw(dice, "t.co", "example.com", "co"),
        "ip": lambda: draw(dice, "192.0.2.0/24", "198.51.100.9", "2001:db8::/32"),
    }
    kind = dice.choice([*make_values, "query", "after", "before", "time"])
    if kind == "query":
        key = dice.choice(["src", "src[]", "x"])
        values = dice.choice([None, ("",), ("a",), ("b", "c")])
        return Condition(type="query", negated=negated, key=key, values=values)
    if kind in {"after", "before"}:
        at = round(make_visit(dice).at.timestamp() * 1000)
        return Condition(type=kind, negated=negated, at=at)  # pyright: ignore[reportArgumentType]
    if kind == "time":
        days = dice.choice([None, tuple(sorted(dice.sample(range(1, 8), 3)))])
        start, end = (f"{dice.randrange(24):02}:{dice.choice(['00', '30'])}" for _ in range(2))
        zone = dice.choice(["Europe/Berlin", "Asia/Kolkata", "UTC", "Australia/Lord_Howe"])
        return Condition(type=kind, negated=negated, days=days, from_=start, to=end, timezone=zone)
    values = make_values[kind]()
    return Condition(type=kind, negated=negated, values=values)  # pyright: ignore[reportArgumentType]


def draw(dice: Random, *values: str) -> tuple[str, ...]:
    return tuple(dice.sample(values, dice.randint(1, 2)))


def make_rules(dice: Random) -> list[Rule]:
    return [make_rule(dice, number) for number in range(dice.randint(1, 6))]


def make_rule(dice: Random, number: int) -> Rule:
    conditions = tuple(make_condition(dice) for _ in range(dice.choice([0, 1, 1, 1, 2, 2, 3])))
    is_active = dice.random() < 0.8
    if dice.random() < 0.7:
        url = f"https://example.com/{number}"
        return Rule(id=f"r{number}", is_active=is_active, url=url, conditions=conditions)
    variants = tuple(
        Variant(key=key, url=f"https://example.com/{number}{key}", weight=dice.randint(1, 9))
        for key in "abc"
    )
    return Rule(id=f"r{number}", is_active=is_active, variants=variants, conditions=conditions)
