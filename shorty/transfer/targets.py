"""Reads where else a link led at its old home, as rules in the form of the links API.

Products keep this in rules, or in fields with a destination by system, device, country or share.
Names of fields are folded by `tables.fold_column`. What shorty can't express is a ValueError: a
link that leads elsewhere than it did is worse than a closed one.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final, TypeAlias, cast

import msgspec

from shorty.transfer.json_file import Entry, as_object, parse_text
from shorty.transfer.shlink_rules import DEVICES, WireCondition, WireRule, read_shlink_rules
from shorty.transfer.states import RULE_FIELDS, is_no
from shorty.transfer.tables import fold_column

ReadField: TypeAlias = Callable[[object], list[WireRule]]

VALUES_PER_CONDITION: Final = 50
ALL: Final = 100  # percent
KEYS: Final = "abcdefghij"
_IOS: Final[WireCondition] = {"type": "os", "values": ["iOS"]}
_ANDROID: Final[WireCondition] = {"type": "os", "values": ["Android"]}
_TABLET: Final[WireCondition] = {"type": "device", "values": ["tablet"]}
_MOBILE: Final[WireCondition] = {"type": "device", "values": ["mobile"]}
_DESKTOP: Final[WireCondition] = {"type": "device", "values": ["desktop"]}
_URL: Final = re.compile(r"https?://", re.IGNORECASE)
_PERCENTAGE: Final = re.compile(r"(\d{1,3})(?:\.0+)?\s?%?", re.ASCII)
_BY_DEVICE: Final[Mapping[str, tuple[WireCondition, ...]]] = {
    **{name: (condition,) for name, condition in DEVICES.items()},
    "ipad": (_IOS, _TABLET),
    "iphone": (_IOS,),
    "tablet": (_TABLET,),
}
# Sink's names, which elsewhere may mean something else.
_OF_SINK: Final = frozenset({"apple", "google"})
_JSON: Final = msgspec.json.Decoder()


def find_rules(cells: Mapping[str, object], destination: str) -> list[WireRule]:
    """In the order in which the first that holds wins. Raises ValueError."""
    if not is_no(cells.get("hasredirectrules")) and "redirectrules" not in cells:
        raise ValueError("the file lacks them; fetch it with the command in the manual")
    rules: list[WireRule] = []
    for names, read in _FIELDS:
        for name in names:
            value = cells.get(name)
            if not _says_nothing(name, value):
                rules += read(value)
    rules += _read_split(cells, destination)
    if any(name in _UNKNOWN and not is_no(value) for name, value in cells.items()):
        raise UnknownTargetsError
    return rules


class UnknownTargetsError(Exception):
    """A field of which only its name is known says that the link leads to different places."""


def _says_nothing(name: str, value: object) -> bool:
    """Also of a number of visits that came from such devices, and of names with other meanings."""
    if is_no(value):
        return True
    text = str(value).strip()
    return (name in _COUNTABLE and text.isdigit()) or (name in _OF_SINK and not _URL.match(text))


def _read_url(value: object) -> str:
    text = parse_text(value)
    if not _URL.match(text):
        raise ValueError(f"{text[:40]!r} is not a URL that begins with https://")
    return text


def _read_json(value: object) -> object:
    """Tables have it as a text."""
    if not isinstance(value, str):
        return value
    try:
        return _JSON.decode(value)
    except (msgspec.DecodeError, RecursionError):
        raise ValueError(f"{value.strip()[:40]!r} can't be read as JSON") from None


def _lead(*conditions: WireCondition) -> ReadField:
    return lambda value: [{"url": _read_url(value), "conditions": list(conditions)}]


def _read_own(value: object) -> list[WireRule]:
    rules = [as_object(rule) for rule in _read_list(value, "rules")]
    if None in rules:
        raise ValueError("they are no list of rules")
    return cast("list[WireRule]", rules)


def _read_list(value: object, what: str) -> list[object]:
    found = _read_json(value)
    if isinstance(found, list):
        return cast("list[object]", found)
    raise ValueError(f"they are no list of {what}")


def _read_shlinks(value: object) -> list[WireRule]:
    return read_shlink_rules(_read_json(value))


def _read_devices(value: object) -> list[WireRule]:
    """An object of devices and URLs, such as Shlink's `deviceLongUrls`."""
    rules: list[WireRule] = []
    for name, url in _read_object(value).items():
        conditions = _BY_DEVICE.get(fold_column(name))
        if conditions is None:
            raise ValueError(f"shorty knows no device {name[:40]!r}")
        if not is_no(url):
            rules.append({"url": _read_url(url), "conditions": list(conditions)})
    return rules


def _read_countries(value: object) -> list[WireRule]:
    """An object of countries and URLs: those that lead to the same are one rule."""
    countries: dict[str, list[str]] = {}
    for country, url in _read_object(value).items():
        if not is_no(url):
            countries.setdefault(_read_url(url), []).append(country.strip().upper())
    return [
        {"url": url, "conditions": [{"type": "country", "values": part}]}
        for url, found in countries.items()
        for part in _cut(found)
    ]


def _cut(values: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(values), VALUES_PER_CONDITION):
        yield values[start : start + VALUES_PER_CONDITION]


def _read_object(value: object) -> Entry:
    found = as_object(_read_json(value))
    if found is None:
        raise ValueError("they are no object of names and URLs")
    return found


def _read_variants(value: object) -> list[WireRule]:
    """A list of URLs with their shares, as Dub's `testVariants`."""
    each = [as_object(variant) or {} for variant in _read_list(value, "variants")]
    if len(each) > len(KEYS):
        raise ValueError(f"it has more than {len(KEYS)} variants")
    variants = [
        {
            "key": key,
            "url": _read_url(fields.get("url")),
            "weight": _read_share(fields.get("percentage", fields.get("weight"))),
        }
        for key, fields in zip(KEYS, each, strict=False)
    ]
    return [{"variants": variants, "sticky": True, "conditions": []}]


def _read_share(value: object) -> int:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    found = _PERCENTAGE.fullmatch(parse_text(value))
    if found is None:
        raise ValueError(f"{str(value)[:40]!r} is not a share in whole percent")
    return int(found[1])


def _read_split(cells: Mapping[str, object], destination: str) -> list[WireRule]:
    """Short.io's second destination, and how many in a hundred visitors get it."""
    if is_no(cells.get("spliturl")):
        return []
    second, share = _read_url(cells["spliturl"]), _read_share(cells.get("splitpercent"))
    if share >= ALL:
        return [{"url": second, "conditions": []}]
    variants = [
        {"key": "a", "url": _read_url(destination), "weight": 100 - share},
        {"key": "b", "url": second, "weight": share},
    ]
    return [{"variants": variants, "conditions": []}]


_FIELDS: Final[tuple[tuple[tuple[str, ...], ReadField], ...]] = (
    (("rules",), _read_own),
    (("redirectrules",), _read_shlinks),
    (("devicelongurls", "devicetargeting"), _read_devices),
    (("ipadurl",), _lead(_IOS, _TABLET)),
    (("ios", "iosurl", "ioslink", "iostarget", "iphoneurl", "apple"), _lead(_IOS)),
    (("android", "androidurl", "androidlink", "androidtarget", "google"), _lead(_ANDROID)),
    (("tableturl",), _lead(_TABLET)),
    (("mobileurl",), _lead(_MOBILE)),
    (("desktopurl",), _lead(_DESKTOP)),
    (("geo", "geotargeting", "geotargets", "geourls", "countrytargeting"), _read_countries),
    (("testvariants", "variants", "abtests", "splits"), _read_variants),
)
_UNKNOWN: Final = RULE_FIELDS.difference(
    *(names for names, _ in _FIELDS), ("spliturl", "hasredirectrules")
)
_COUNTABLE: Final = frozenset({"ios", "android"})
