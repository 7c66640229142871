"""Counts raw clicks one by one, slowly and obviously, as a reference for the roll-ups."""

from collections import Counter, defaultdict
from typing import Any

import msgspec

from shorty.clicks.days import unfold_day
from shorty.clicks.model import BIO, BOT, PERSON, QR
from shorty.clicks.owners import number_domain
from shorty.clicks.rollups import QUARTER_MS, Counts, decode_counts
from shorty.clicks.stats import read_day
from shorty.durations import DAY_MS
from shorty.storage.database import Database

Key = tuple[int, int]  # the owner, and the start of the quarter hour
COLUMNS = ("country", "referrer", "browser", "os", "device")
NAMES = ("clicks", "visitors", "bots", "scans", "bio_clicks")


class Recount:
    """All counts of an owner's quarter hour."""

    def __init__(self) -> None:
        self.totals: dict[str, int] = dict.fromkeys(NAMES, 0)
        self.persons: Counter[str] = Counter()
        self.programs: Counter[str] = Counter()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Recount) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return id(self)

    def __repr__(self) -> str:
        return repr(vars(self))


async def recount_clicks(db: Database) -> dict[Key, Recount]:
    counts: defaultdict[Key, Recount] = defaultdict(Recount)
    seen: set[tuple[int, int, int]] = set()
    for click in await db.find_all(
        "select c.*, k.workspace_id, coalesce(c.domain_id, f.domain_id) as came_by"
        " from clicks c join link_counters k on k.link_id = c.link_id"
        " left join former_domains f on f.link_id = c.link_id order by c.id"
    ):
        if click["kind"] not in {PERSON, BOT}:
            continue
        domain = number_domain(click["workspace_id"], click["came_by"])
        for owner in (click["link_id"], -click["workspace_id"], domain):
            count_click(counts[owner, click["at"] // QUARTER_MS * QUARTER_MS], click)
            visitor = (owner, click["at"] // DAY_MS, click["visitor"])
            if click["kind"] == PERSON and click["visitor"] and visitor not in seen:
                seen.add(visitor)
                count_visitor(counts[owner, click["at"] // QUARTER_MS * QUARTER_MS], click)
    return dict(counts)


def count_click(count: Recount, click: Any) -> None:
    if click["kind"] == PERSON:
        count.totals["clicks"] += 1
        count.totals["scans"] += click["source"] == QR
        count.totals["bio_clicks"] += click["source"] == BIO
        values = count.persons
    else:
        count.totals["bots"] += 1
        values = count.programs
    for letter, column in zip("crbod", COLUMNS, strict=True):
        values[letter + (click[column] or "")] += click[column] is not None
    if click["city"]:
        values[f"t{click['country'] or '--'}{click['city']}"] += 1
    if click["rule_id"]:
        values[f"u{name_rule(click)}"] += 1
    for number, value in enumerate(msgspec.json.decode(click["utm"] or "[]"), start=1):
        values[f"{number}{value}"] += value is not None


def name_rule(click: Any) -> str:
    return f"{click['link_id']}\t{click['rule_id']}\t{click['variant'] or ''}"


def count_visitor(count: Recount, click: Any) -> None:
    count.totals["visitors"] += 1
    if click["country"]:
        count.persons["C" + click["country"]] += 1
    if click["city"]:
        count.persons[f"T{click['country'] or '--'}{click['city']}"] += 1
    if click["rule_id"]:
        count.persons[f"U{name_rule(click)}"] += 1


async def read_rollups(db: Database) -> dict[Key, Recount]:
    """The stored sums of each quarter hour, of folded and unfolded days."""
    counts: defaultdict[Key, Recount] = defaultdict(Recount)
    for row in await db.find_all("select * from click_quarters"):
        found = counts[row["owner"], row["at"]]
        for name in NAMES:
            found.totals[name] += row[name]
        found.persons.update(flatten(decode_counts(row["persons"])))
        found.programs.update(flatten(decode_counts(row["programs"])))
    for row in await db.find_all("select * from click_days"):
        add_day(counts, row)
    return dict(counts)


def add_day(counts: dict[Key, Recount], row: Any) -> None:
    whole = Recount()
    for quarter in unfold_day(read_day(row)):
        for found in (counts[row["owner"], row["day"] + quarter.number * QUARTER_MS], whole):
            for name, total in zip(NAMES, quarter.totals, strict=True):
                found.totals[name] += total
            found.persons.update(flatten(quarter.persons))
            found.programs.update(flatten(quarter.programs))
    assert whole.totals == {name: row[name] for name in NAMES}
    assert whole.persons == flatten(decode_counts(row["persons"]))
    assert whole.programs == flatten(decode_counts(row["programs"]))


def flatten(counts: Counts) -> dict[str, int]:
    """With each kind's letter before the value."""
    return {
        kind + value: count for kind, values in counts.items() for value, count in values.items()
    }


async def assert_sums_are_right(db: Database) -> None:
    expected, found = await recount_clicks(db), await read_rollups(db)
    for each in (expected, found):
        for recount in each.values():
            recount.persons = +recount.persons  # without zeros
            recount.programs = +recount.programs
    assert found == expected
