"""What is summed up of clicks: totals and values of a quarter hour, for a link or a workspace.

The *owner* of sums is a link (its id) or a workspace (its id with a minus). Sums are added up in
the order in which clicks were stored, and come out the same however these are cut into batches.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from operator import itemgetter
from typing import Final, NamedTuple

import msgspec

from shorty.clicks.model import BIO, PERSON, PREFETCH, QR, Click
from shorty.durations import DAY_MS
from shorty.storage.writer import take_turns

QUARTER_MS: Final = 900_000

# How many clicks there were of each value, by what it is a value of.
Counts = dict[str, dict[str, int]]

# One letter says what a value is a value of.
COUNTRY: Final = "c"
CITY: Final = "t"  # after its country's two letters
REFERRER: Final = "r"
BROWSER: Final = "b"
OS: Final = "o"
DEVICE: Final = "d"
UTM: Final = ("1", "2", "3", "4", "5")
VISITORS_OF_COUNTRY: Final = "C"
VISITORS_OF_CITY: Final = "T"

OTHER: Final = "\0"  # no visitor can send it: control characters are cut out
MOST_VALUES: Final = 100  # of one kind in a quarter hour; those that come later are others
MOST_VALUES_OF_DAY: Final = 250
FEW_BYTES: Final = 500  # so few are decoded as quickly as they are stepped over
REMEMBERED_DETAILS: Final = 8192
REMEMBERED_VISITORS: Final = 100_000

_decode_counts = msgspec.msgpack.Decoder(Counts).decode
_decode_kinds = msgspec.msgpack.Decoder(dict[str, msgspec.Raw]).decode
_decode_values = msgspec.msgpack.Decoder(dict[str, int]).decode
_encode = msgspec.msgpack.Encoder().encode
_decode_utm = msgspec.json.Decoder(list[str | None]).decode


Encoded = bytes | msgspec.Raw

# The owner's id, and all that a click's row holds from its kind on.
_Alike = tuple[int, int, int, *tuple[str | None, ...]]
_READ_LIKENESS: Final = itemgetter(0, *range(Click._fields.index("kind"), len(Click._fields)))


Key = tuple[str, str]  # what it is a value of, and the value


class Values:
    """How many clicks there were of each value, of so many values of a kind at most."""

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
    """Sums as they are stored: clicks, visitors, bots, scans, bio clicks; encoded values."""

    totals: tuple[int, int, int, int, int]
    persons: bytes | None
    programs: bytes | None


class Sums:
    """The sums of one owner in one quarter hour, going on from what is stored of them."""

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

    def add_visitor(self, click: Click) -> None:
        self.visitors += 1
        if click.country:
            self.persons.add((VISITORS_OF_COUNTRY, click.country), 1)
        if click.city:
            self.persons.add((VISITORS_OF_CITY, name_city(click.country, click.city)), 1)


class Place(NamedTuple):
    """Which sums are meant: when their quarter hour begins, and whose they are."""

    at: int
    owner: int


Seen = tuple[int, int, int]
"""A visitor of one UTC day, at a link or in a workspace: the day, the visitor, the owner."""


class KnownVisitors:
    """Whom the database has seen already, as far as memory goes: spares asking it again.

    What a batch notes is kept only once its transaction is committed. Of each visit a hash of 64
    bits is held, so that 100,000 of them take 7 MB.
    """

    __slots__ = ("_kept", "_most", "_noted")

    def __init__(self, most: int = REMEMBERED_VISITORS) -> None:
        self._most = most
        self._kept: set[int] = set()
        self._noted: list[int] = []

    def find_first_visits(self, clicks: Sequence[Click]) -> dict[Seen, Click]:
        """The first click of each visitor who is told apart and not known, by link and UTC day."""
        kept = self._kept
        first: dict[Seen, Click] = {}
        for click in chain.from_iterable(take_turns(clicks)):
            link_id, at, visitor, kind = click[:4]
            if visitor and kind == PERSON:
                seen = (at // DAY_MS * DAY_MS, visitor, link_id)
                if hash(seen) not in kept and seen not in first:
                    first[seen] = click
        return first

    def holds(self, seen: Seen) -> bool:
        return hash(seen) in self._kept

    def note(self, seen: Iterable[Seen]) -> None:
        self._noted += map(hash, seen)

    def keep_noted(self) -> None:
        if len(self._kept) + len(self._noted) > self._most:
            self._kept.clear()
        self._kept.update(self._noted[: self._most])
        self._noted.clear()

    def drop_noted(self) -> None:
        self._noted.clear()


class Group(NamedTuple):
    """Clicks that are alike but for their visitors and their moments in a quarter hour."""

    place: Place
    kind: int
    source: int
    keys: tuple[Key, ...]
    clicks: int


def group_clicks(clicks: Sequence[Click], workspaces: Mapping[int, int]) -> list[Group]:
    """The clicks as groups of their links and again of their workspaces, prefetches left out.

    `workspaces` maps links to theirs.
    """
    # Most clicks of a busy link are alike, and most of a workspace are alike but for their links.
    groups: list[Group] = []
    for quarter, found in _divide_by_quarter(clicks).items():
        alike: Counter[_Alike] = Counter()
        for piece in take_turns(found):
            alike.update(map(_READ_LIKENESS, piece))
        of_workspaces: Counter[_Alike] = Counter()
        for each, count in alike.items():
            of_workspaces[(-workspaces[each[0]], *each[1:])] += count
        groups += [
            Group(Place(quarter, owner), kind, source, list_keys(*details), count)
            for each in (alike, of_workspaces)
            for (owner, kind, source, *details), count in each.items()
            if kind != PREFETCH
        ]
    return groups


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
    """The keys under which a click's values are counted; what is not known has none."""
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
    """A city's value begins with its country, for there are several of most names."""
    return f"{country or '--':2.2}{city}"


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
    """The counts of these kinds. The others are only stepped over: a busy day has thousands."""
    if not encoded or kinds is None:
        return decode_counts(encoded)
    if len(encoded) <= FEW_BYTES:
        counts = decode_counts(encoded)
        return {kind: counts[kind] for kind in kinds if kind in counts}
    raws = _decode_kinds(encoded)
    if len(next(iter(raws), "")) > 1:
        counts = decode_counts(encoded)
        return {kind: counts[kind] for kind in kinds if kind in counts}
    return {kind: _decode_values(raw) for kind in kinds if (raw := raws.get(kind)) is not None}


def _divide_kinds(counts: Mapping[str, int]) -> Counts:
    """Counts as they were kept at first: all in one, each kind's letter before the value."""
    divided: Counts = {}
    for key, count in counts.items():
        divided.setdefault(key[0], {})[key[1:]] = count
    return divided
