"""Rules in words: "In Germany or Austria, on a phone".

A rule's sentence names its conditions, in their order; where it leads is written beside it. What
people typed is isolated, so that its direction changes nothing around it.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Final, Literal
from zoneinfo import ZoneInfo

from shorty.bidi import isolate
from shorty.idn import write_host
from shorty.links.rules import Condition, Rule
from shorty.web.formatting import (
    name_country,
    read_country_names,
    write_destination,
    write_moment,
)

EVERYONE: Final = "Everyone"
MOST_NAMED: Final = 5  # of more values, the first four and how many others there are
CONTINENT: Final = "continent:"
CONTINENTS: Final = {
    "AF": "Africa",
    "AN": "Antarctica",
    "AS": "Asia",
    "EU": "Europe",
    "NA": "North America",
    "OC": "Oceania",
    "SA": "South America",
}
DEVICES: Final = {
    "mobile": "a phone",
    "tablet": "a tablet",
    "desktop": "a computer",
    "other": "another device",
}
DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
LANGUAGES: Final = {
    "ar": "Arabic",
    "bg": "Bulgarian",
    "bn": "Bengali",
    "ca": "Catalan",
    "cs": "Czech",
    "da": "Danish",
    "de": "German",
    "el": "Greek",
    "en": "English",
    "es": "Spanish",
    "et": "Estonian",
    "fa": "Persian",
    "fi": "Finnish",
    "fr": "French",
    "he": "Hebrew",
    "hi": "Hindi",
    "hr": "Croatian",
    "hu": "Hungarian",
    "id": "Indonesian",
    "it": "Italian",
    "ja": "Japanese",
    "ko": "Korean",
    "lt": "Lithuanian",
    "lv": "Latvian",
    "ms": "Malay",
    "nb": "Norwegian Bokmål",
    "nl": "Dutch",
    "no": "Norwegian",
    "pl": "Polish",
    "pt": "Portuguese",
    "ro": "Romanian",
    "ru": "Russian",
    "sk": "Slovak",
    "sl": "Slovenian",
    "sr": "Serbian",
    "sv": "Swedish",
    "th": "Thai",
    "tr": "Turkish",
    "uk": "Ukrainian",
    "ur": "Urdu",
    "vi": "Vietnamese",
    "zh": "Chinese",
}
_NAMES_WITH_ARTICLE: Final = frozenset({"BS", "EU", "GM", "IM", "KM", "MV", "NL", "PH"})
_WORDS_WITH_ARTICLE: Final = ("United ", "UK", "US")
_ENDS_WITH_ARTICLE: Final = (" Islands", " Republic", " Territories")

Conjunction = Literal["or", "and"]


def write_sentence(conditions: Sequence[Condition], zone: ZoneInfo) -> str:
    """All of them, as the beginning of a sentence."""
    text = ", ".join(write_condition(each, zone) for each in conditions)
    return f"{text[:1].upper()}{text[1:]}" if text else EVERYONE


def write_rule(rule: Rule, zone: ZoneInfo) -> str:
    """The whole rule: "On a phone → example.de/app"."""
    return f"{write_sentence(rule.conditions, zone)} → {write_destinations(rule)}"


def write_destinations(rule: Rule) -> str:
    """Where the rule leads, each destination with its share if there are several."""
    if not rule.variants:
        return isolate(write_destination(rule.url or ""))
    shares = find_shares([each.weight for each in rule.variants])
    return ", ".join(
        f"{share}% {isolate(write_destination(variant.url))}"
        for variant, share in zip(rule.variants, shares, strict=True)
    )


def write_condition(condition: Condition, zone: ZoneInfo) -> str:
    """One condition, in lower case: "not on a phone"."""
    if condition.type in {"after", "before"}:
        return _write_moment(condition, zone)
    return _WRITERS[condition.type](condition)


def find_shares(weights: Sequence[int]) -> list[int]:
    """Whole percents that sum to a hundred, by largest remainder; of a tie, the first is larger."""
    whole = sum(weights)
    shares = [100 * weight // whole for weight in weights]
    by_rest = sorted(range(len(weights)), key=lambda each: -(100 * weights[each] % whole))
    for index in by_rest[: 100 - sum(shares)]:
        shares[index] += 1
    return shares


def join_names(names: Iterable[str], conjunction: Conjunction) -> str:
    """ "Germany, Austria or Italy"; of many, the first and how many others there are."""
    listed = list(names)
    if len(listed) > MOST_NAMED:
        shown = MOST_NAMED - 1
        listed = [*listed[:shown], f"{len(listed) - shown} others"]
    *first, last = listed
    return f"{', '.join(first)} {conjunction} {last}" if first else last


def name_place(value: str) -> str:
    """A value of a country condition: "Germany", "Africa", "European Union"."""
    if value.startswith(CONTINENT):
        code = value.removeprefix(CONTINENT)
        return CONTINENTS.get(code, code)
    return name_country(value)


def name_language(value: str) -> str:
    """ "German", "English (United Kingdom)"; what has no name here as it is written."""
    language, _, rest = value.partition("-")
    name = LANGUAGES.get(language.lower())
    if name is None:
        return value
    if not rest:
        return name
    region = rest.upper()
    return f"{name} ({name_country(region) if region in read_country_names() else rest})"


def write_days(days: Iterable[int]) -> str:
    """ "Monday to Friday"; "Monday, Wednesday or Sunday"."""
    listed = sorted(set(days))
    runs: list[list[int]] = []
    for day in listed:
        if runs and runs[-1][-1] == day - 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    names: list[str] = []
    for run in runs:
        if len(run) > 2:  # noqa: PLR2004 - two days are named, three are a span
            names.append(f"{DAYS[run[0] - 1]} to {DAYS[run[-1] - 1]}")
        else:
            names += [DAYS[day - 1] for day in run]
    return join_names(names, "or")


def _write_country(condition: Condition) -> str:
    names = [_write_article(each) for each in condition.values or ()]
    if condition.negated:
        return f"outside {join_names(names, 'and')}"
    return f"in {join_names(names, 'or')}"


def _write_article(value: str) -> str:
    name = name_place(value)
    has_article = (
        value in _NAMES_WITH_ARTICLE
        or name.startswith(_WORDS_WITH_ARTICLE)
        or name.endswith(_ENDS_WITH_ARTICLE)
    )
    return f"the {name}" if has_article else name


def _write_region(condition: Condition) -> str:
    where = "outside" if condition.negated else "in"
    return f"{where} region {_join(condition, 'and' if condition.negated else 'or')}"


def _write_city(condition: Condition) -> str:
    where = "outside" if condition.negated else "in"
    return f"{where} {_join(condition, 'and' if condition.negated else 'or')}"


def _write_device(condition: Condition) -> str:
    names = (DEVICES.get(each.lower(), each) for each in condition.values or ())
    return f"{_deny(condition)}on {join_names(names, 'or')}"


def _write_os(condition: Condition) -> str:
    return f"{_deny(condition)}running {_join(condition)}"


def _write_browser(condition: Condition) -> str:
    return f"{_deny(condition)}using {_join(condition)}"


def _write_language(condition: Condition) -> str:
    names = (isolate(name_language(each)) for each in condition.values or ())
    return f"{_deny(condition)}reading {join_names(names, 'or')}"


def _write_query(condition: Condition) -> str:
    key = isolate(condition.key or "")
    with_ = "without" if condition.negated else "with"
    if condition.values is None:
        return f"{with_} “{key}” in the URL"
    values = [f"“{isolate(each)}”" for each in condition.values if each]
    if "" in condition.values:
        values.append("nothing")
    return f"{with_} “{key}” set to {join_names(values, 'or')} in the URL"


def _write_referrer(condition: Condition) -> str:
    hosts = (isolate(write_host(each)) for each in condition.values or ())
    return f"{_deny(condition)}coming from {join_names(hosts, 'or')}"


def _write_ip(condition: Condition) -> str:
    return f"{_deny(condition)}from IP {_join(condition)}"


def _write_time(condition: Condition) -> str:
    parts: list[str] = []
    if condition.days:
        days = write_days(condition.days)
        parts.append(days if " to " in days else f"on {days}")
    if condition.from_ and condition.to:
        parts.append(f"between {condition.from_} and {condition.to}")
    elif condition.from_:
        parts.append(f"from {condition.from_}")
    elif condition.to:
        parts.append(f"until {condition.to}")
    return f"{_deny(condition)}{' '.join(parts)} ({condition.timezone})"


def _write_moment(condition: Condition, zone: ZoneInfo) -> str:
    moment = "" if condition.at is None else write_moment(condition.at, zone)
    if condition.type == "after":
        return f"until {moment}" if condition.negated else f"after {moment}"
    return f"from {moment} on" if condition.negated else f"before {moment}"


def _deny(condition: Condition) -> str:
    return "not " if condition.negated else ""


def _join(condition: Condition, conjunction: Conjunction = "or") -> str:
    return join_names(map(isolate, condition.values or ()), conjunction)


_WRITERS: Final[dict[str, Callable[[Condition], str]]] = {
    "country": _write_country,
    "region": _write_region,
    "city": _write_city,
    "device": _write_device,
    "os": _write_os,
    "browser": _write_browser,
    "language": _write_language,
    "query": _write_query,
    "referrer": _write_referrer,
    "time": _write_time,
    "ip": _write_ip,
}
