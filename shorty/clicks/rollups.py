"""Defines the roll-ups: totals and values of a quarter hour, for their owner.

The *owner* of sums is a link, a workspace, or a workspace on one domain (see `owners`). Clicks are
added in the order in which they were stored; how they are cut into batches does not change the
sums.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from operator import itemgetter
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import defstruct
from msgspec.structs import astuple

from shorty.clicks.model import BIO, PERSON, PREFETCH, QR, Click
from shorty.clicks.owners import number_domain, number_workspace
from shorty.durations import DAY_MS
from shorty.storage.yielding import take_turns

QUARTER_MS: Final = 900_000

# The clicks of each value, by its kind.
Counts = dict[str, dict[str, int]]

# A kind is one letter.
COUNTRY: Final = "c"
CITY: Final = "t"  # after its country's two letters
REFERRER: Final = "r"
BROWSER: Final = "b"
OS: Final = "o"
DEVICE: Final = "d"
UTM: Final = ("1", "2", "3", "4", "5")
RULE: Final = "u"  # after its link's id, with the variant that was drawn
VISITORS_OF_COUNTRY: Final = "C"
VISITORS_OF_CITY: Final = "T"
VISITORS_OF_RULE: Final = "U"

BETWEEN_NAMES: Final = "\t"  # in a rule's value; no name contains it
OTHER: Final = "\0"  # no visitor can send it: control characters are removed
MOST_VALUES: Final = 100  # of one kind in a quarter hour; later ones count as OTHER
MOST_VALUES_OF_DAY: Final = 250
CHOICES_OF_KINDS: Final = 64  # a page and a query of the API choose one each
REMEMBERED_DETAILS: Final = 8192
REMEMBERED_VISITORS: Final = 100_000

_decode_counts = msgspec.msgpack.Decoder(Counts).decode
_decode_kinds = msgspec.msgpack.Decoder(dict[str, msgspec.Raw]).decode
_decode_values = msgspec.msgpack.Decoder(dict[str, int]).decode
_encode = msgspec.msgpack.Encoder().encode
_decode_utm = msgspec.json.Decoder(list[str | None]).decode


Encoded = bytes | msgspec.Raw

# The owner or workspace, and every column of a click's row from its kind to its domain.
_Alike = tuple[Any, ...]
_READ_LIKENESS: Final = itemgetter(
    0, *range(Click._fields.index("kind"), Click._fields.index("domain_id") + 1)
)
_READ_RULE: Final = itemgetter(
    *map(Click._fields.index, ("link_id", "kind", "domain_id", "rule_id", "variant"))
)
_READ_RULE_ID: Final = itemgetter(Click._fields.index("rule_id"))


Key = tuple[str, str]  # the kind and the value


class Values:
    """The clicks of each value, with a limited number of values per kind."""

    __slots__ = ("counts",)

    def __init__(self, counts: Counts | None = None) -> None:
        self.counts: Counts = {} if counts is None else counts

    def add(self, key: Key, count: int) -> None:
        kind, value = key
        counts = self.counts.get(kind)
        if counts is None:
            self.counts[kind] = {value: count}
            return
        if value not in counts and len(counts) - (OTHER in counts) >= MOST_VALUES:
            value = OTHER
        counts[value] = counts.get(value, 0) + count

    def encode(self) -> bytes | None:
        return encode_counts(self.counts)


class Stored(NamedTuple):
    """Sums as stored: clicks, visitors, bots, scans, bio clicks; encoded values."""

    totals: tuple[int, int, int, int, int]
    persons: bytes | None
    programs: bytes | None


class Sums:
    """The sums of one owner in one quarter hour, starting from the stored ones."""

    __slots__ = ("bio_clicks", "bots", "clicks", "persons", "programs", "scans", "visitors")

    def __init__(self, stored: Stored | None = None) -> None:
        if stored is None:
            self.clicks = self.visitors = self.bots = self.scans = self.bio_clicks = 0
            self.persons, self.programs = Values(), Values()
        else:
            self.clicks, self.visitors, self.bots, self.scans, self.bio_clicks = stored.totals
            self.persons = Values(decode_counts(stored.persons))
            self.programs = Values(decode_counts(stored.programs))

    @property
    def totals(self) -> tuple[int, int, int, int, int]:
        return self.clicks, self.visitors, self.bots, self.scans, self.bio_clicks

    def add_clicks(self, kind: int, source: int, keys: Iterable[Key], count: int) -> None:
        if kind == PERSON:
            self.clicks += count
            self.scans += count * (source == QR)
            self.bio_clicks += count * (source == BIO)
            values = self.persons
        else:
            self.bots += count
            values = self.programs
        for key in keys:
            values.add(key, count)

    def add_rule(self, kind: int, value: str, count: int) -> None:
        values = self.persons if kind == PERSON else self.programs
        values.add((RULE, value), count)

    def add_visitor(self, click: Click) -> None:
        self.visitors += 1
        if click.country:
            self.persons.add((VISITORS_OF_COUNTRY, click.country), 1)
        if click.city:
            self.persons.add((VISITORS_OF_CITY, name_city(click.country, click.city)), 1)
        if click.rule_id:
            value = name_rule(click.link_id, click.rule_id, click.variant)
            self.persons.add((VISITORS_OF_RULE, value), 1)


class Place(NamedTuple):
    """Identifies sums: the start of their quarter hour, and their owner."""

    at: int
    owner: int


Seen = tuple[int, int, int]
"""A visitor of one UTC day: the day, the visitor, the owner."""

Visited = tuple[int, int, int, int]
"""A visitor of a link on one UTC day by one domain: the day, the visitor, the link, the domain."""


class KnownVisitors:
    """A cache of visitors that the database has already seen, which saves asking it again.

    A batch's visitors are kept only after its transaction is committed. Each is a hash of 64 bits,
    so 100,000 of them take 7 MB.
    """

    __slots__ = ("_kept", "_most", "_noted")

    def __init__(self, most: int = REMEMBERED_VISITORS) -> None:
        self._most = most
        self._kept: set[int] = set()
        self._noted: list[int] = []

    def find_first_visits(self, clicks: Sequence[Click]) -> dict[Visited, Click]:
        """The first clicks of those numbered visitors who are not in the cache."""
        kept = self._kept
        first: dict[Visited, Click] = {}
        for click in chain.from_iterable(take_turns(clicks)):
            link_id, at, visitor, kind = click[:4]
            if visitor and kind == PERSON:
                visited = (at // DAY_MS * DAY_MS, visitor, link_id, click.domain_id)
                if hash(visited) not in kept and visited not in first:
                    first[visited] = click
        return first

    def holds(self, seen: Seen) -> bool:
        return hash(seen) in self._kept

    def note(self, seen: Iterable[Seen | Visited]) -> None:
        self._noted += map(hash, seen)

    def keep_noted(self) -> None:
        if len(self._kept) + len(self._noted) > self._most:
            self._kept.clear()
        self._kept.update(self._noted[: self._most])
        self._noted.clear()

    def drop_noted(self) -> None:
        self._noted.clear()


class Group(NamedTuple):
    """Clicks that differ only in their visitors and their moments within a quarter hour."""

    place: Place
    kind: int
    source: int
    keys: tuple[Key, ...]
    clicks: int


def group_clicks(clicks: Sequence[Click], workspaces: Mapping[int, int]) -> list[Group]:
    """Groups the clicks by link, by domain and by workspace, without prefetches.

    `workspaces` maps a link's id to its workspace's. A click without a domain is no domain's.
    """
    # Most clicks of a busy link are alike, and most clicks of a workspace differ only in their
    # link.
    groups: list[Group] = []
    for quarter, found in _divide_by_quarter(clicks).items():
        alike: Counter[_Alike] = Counter()
        for piece in take_turns(found):
            alike.update(map(_READ_LIKENESS, piece))
        of_workspaces: Counter[_Alike] = Counter()
        for each, count in alike.items():
            of_workspaces[(workspaces[each[0]], *each[1:])] += count
        owned = [(each[0], each, count) for each, count in alike.items()]
        for each, count in of_workspaces.items():
            owned.append((number_workspace(each[0]), each, count))
            if each[-1]:
                owned.append((number_domain(each[0], each[-1]), each, count))
        groups += [
            Group(Place(quarter, owner), each[1], each[2], list_keys(*each[3:-1]), count)
            for owner, each, count in owned
            if each[1] != PREFETCH
        ]
    return groups


class RuleGroup(NamedTuple):
    """Clicks that one rule won, with the same variant."""

    place: Place
    kind: int
    value: str
    clicks: int


def group_by_rule(clicks: Sequence[Click], workspaces: Mapping[int, int]) -> list[RuleGroup]:
    """The clicks that rules won, by link, by domain and by workspace, without prefetches.

    Apart from `group_clicks`: rules differ from link to link, and would tell clicks of a workspace
    apart that are alike in all else.
    """
    groups: Counter[tuple[Place, int, str]] = Counter()
    for quarter, found in _divide_by_quarter(clicks).items():
        counts: Counter[tuple[Any, ...]] = Counter()
        for piece in take_turns(found):
            if any(map(_READ_RULE_ID, piece)):
                counts.update(map(_READ_RULE, piece))
        for (link_id, kind, domain_id, rule_id, variant), count in counts.items():
            if rule_id is None or kind == PREFETCH:
                continue
            value = name_rule(link_id, rule_id, variant)
            for owner in _list_owners(link_id, workspaces[link_id], domain_id):
                groups[Place(quarter, owner), kind, value] += count
    return [RuleGroup(*each, count) for each, count in groups.items()]


def _list_owners(link_id: int, workspace_id: int, domain_id: int) -> Iterator[int]:
    yield link_id
    yield number_workspace(workspace_id)
    if domain_id:
        yield number_domain(workspace_id, domain_id)


def _divide_by_quarter(clicks: Sequence[Click]) -> dict[int, Sequence[Click]]:
    quarters = {click[1] // QUARTER_MS * QUARTER_MS for click in clicks}
    if len(quarters) == 1:
        return {quarters.pop(): clicks}
    divided: dict[int, list[Click]] = {}
    for click in clicks:
        divided.setdefault(click.at // QUARTER_MS * QUARTER_MS, []).append(click)
    return {**divided}


@lru_cache(REMEMBERED_DETAILS)
def list_keys(
    country: str | None,
    referrer: str | None,
    browser: str | None,
    os: str | None,
    device: str | None,
    utm: str | None,
    city: str | None,
) -> tuple[Key, ...]:
    """The keys under which a click's values are counted; unknown values have no key."""
    named = (
        (COUNTRY, country),
        (REFERRER, referrer),
        (BROWSER, browser),
        (OS, os),
        (DEVICE, device),
        (CITY, name_city(country, city) if city else None),
        *(zip(UTM, _decode_utm(utm), strict=True) if utm else ()),
    )
    return tuple((kind, value) for kind, value in named if value)


def name_city(country: str | None, city: str) -> str:
    """A city's value starts with its country, because many cities share a name."""
    return f"{country or '--':2.2}{city}"


def name_rule(link_id: int, rule_id: str, variant: str | None) -> str:
    """A rule's value; ids of rules are unique only within their link."""
    return BETWEEN_NAMES.join((str(link_id), rule_id, variant or ""))


def find_place(owner: int, at: int) -> Place:
    return Place(at // QUARTER_MS * QUARTER_MS, owner)


def encode_counts(counts: Counts) -> bytes | None:
    return _encode(counts) if counts else None


def decode_counts(encoded: Encoded | None) -> Counts:
    if not encoded:
        return {}
    try:
        return _decode_counts(encoded)
    except msgspec.ValidationError:
        return _divide_kinds(_decode_values(encoded))


def decode_some(encoded: Encoded | None, kinds: Collection[str] | None) -> Counts:
    """The counts of these kinds. Skips the others, because a busy day has thousands of values."""
    if not encoded or kinds is None:
        return decode_counts(encoded)
    chosen = tuple(kinds)
    found = zip(chosen, astuple(_choose_kinds(chosen)(encoded)), strict=True)
    some = {kind: values for kind, values in found if values}
    if some or len(next(iter(_decode_kinds(encoded)), "")) <= 1:
        return some
    counts = decode_counts(encoded)  # the former format
    return {kind: counts[kind] for kind in chosen if kind in counts}


@lru_cache(CHOICES_OF_KINDS)
def _choose_kinds(kinds: tuple[str, ...]) -> Callable[[Encoded], msgspec.Struct]:
    """A decoder of a structure with a field for each kind: it skips the rest without reading it,
    which for a quiet link's day halves the time of reading all.
    """
    fields = [(f"of_{kind}", dict[str, int] | None, None) for kind in kinds]
    chosen = defstruct("Chosen", fields, rename=lambda field: field.removeprefix("of_"), gc=False)
    return msgspec.msgpack.Decoder(chosen).decode


def _divide_kinds(counts: Mapping[str, int]) -> Counts:
    """Reads the former format: all kinds in one map, each value after its kind's letter."""
    divided: Counts = {}
    for key, count in counts.items():
        divided.setdefault(key[0], {})[key[1:]] = count
    return divided
