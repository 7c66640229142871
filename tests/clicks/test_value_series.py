"""The clicks of one value over time, against the single clicks counted one by one."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shorty.clicks.days import Totals
from shorty.clicks.folding import fold_some
from shorty.clicks.model import BOT, LINK, PERSON, Click
from shorty.clicks.rollups import (
    CITY,
    COUNTRY,
    MOST_VALUES,
    QUARTER_MS,
    REFERRER,
    VISITORS_OF_CITY,
    VISITORS_OF_COUNTRY,
)
from shorty.clicks.stats_store import Scope
from shorty.clicks.value_series import Choice, count_value_by_slot
from shorty.durations import DAY_MS
from shorty.storage.database import Database
from tests.clicks.making import AT, insert_links, load_clicks
from tests.examples import count_examples
from tests.support import open_new

DAY = AT // DAY_MS * DAY_MS
GERMANY = Choice(kind=COUNTRY, visitors=VISITORS_OF_COUNTRY, fits=lambda value: value == "DE")
UNKNOWN = Choice(kind=COUNTRY, visitors=VISITORS_OF_COUNTRY, fits=None)
BONN = Choice(kind=CITY, visitors=VISITORS_OF_CITY, fits=lambda value: value == "DEBonn")
SITES = Choice(kind=REFERRER, fits=lambda host: host in {"t.co", "x.com"})
DIRECT = Choice(kind=REFERRER, fits=None)
FITTING: dict[str | Callable[[str], bool] | None, Callable[[Click], bool]] = {
    GERMANY.fits: lambda click: click.country == "DE",
    BONN.fits: lambda click: (click.country, click.city) == ("DE", "Bonn"),
    SITES.fits: lambda click: click.referrer in {"t.co", "x.com"},
}


def make_click(**only_what_matters: object) -> Click:
    plain = Click(1, DAY, 7, PERSON, LINK, "DE", "t.co", "Chrome", None, "desktop", None)
    return plain._replace(**only_what_matters)  # pyright: ignore[reportArgumentType]


def count_one_by_one(clicks: list[Click], bounds: list[int], choice: Choice) -> list[Totals]:
    def fits(click: Click) -> bool:
        if choice.fits is None:
            return (click.country if choice.kind == COUNTRY else click.referrer) is None
        return FITTING[choice.fits](click)

    counted = [[0, 0, 0] for _ in bounds[1:]]
    seen: set[tuple[int, int]] = set()
    for click in clicks:
        visitor = (click.at // DAY_MS, click.visitor)
        is_new = click.kind == PERSON and click.visitor != 0 and visitor not in seen
        if is_new:
            seen.add(visitor)
        slots = [n for n, start in enumerate(bounds[:-1]) if start <= click.at < bounds[n + 1]]
        for slot in slots:
            counted[slot][0] += click.kind == PERSON and fits(click)
            counted[slot][1] += is_new and choice.visitors != "" and fits(click)
            counted[slot][2] += click.kind == BOT and fits(click)
    return [(clicks, visitors, bots, 0, 0) for clicks, visitors, bots in counted]


CLICKS = st.lists(
    st.builds(
        make_click,
        at=st.integers(-8, 8).map(lambda n: DAY + n * 4 * 3_600_000 + n),
        visitor=st.integers(0, 3),
        kind=st.sampled_from([PERSON, PERSON, BOT]),
        country=st.sampled_from([None, "DE", "US"]),
        city=st.sampled_from([None, "Bonn"]),
        referrer=st.sampled_from([None, "t.co", "x.com", "a.example"]),
    ),
    max_size=12,
)
HALF_HOURS = QUARTER_MS * 2 * 11  # as in Asia/Kolkata


@settings(max_examples=count_examples(25), deadline=None)
@given(clicks=CLICKS, is_folded=st.booleans(), shift=st.sampled_from([0, -HALF_HOURS]))
async def test_each_slot_has_the_clicks_of_the_value(
    clicks: list[Click], *, is_folded: bool, shift: int
) -> None:
    bounds = [DAY + day * DAY_MS + shift for day in (-1, 0, 1)]
    with TemporaryDirectory() as folder:
        db = await open_new(Path(folder))
        try:
            await db.write(insert_links(1))
            await load_clicks(db, clicks)
            while is_folded and await fold_some(db, DAY + DAY_MS):
                pass
            for scope in (
                Scope(workspace_id=1),
                Scope(workspace_id=1, link_id=1),
                Scope(workspace_id=1, domain_id=1),
            ):
                for choice in (GERMANY, UNKNOWN, BONN, SITES, DIRECT):
                    found = await count_value_by_slot(db, scope, bounds, choice)
                    assert found == count_one_by_one(clicks, bounds, choice)
        finally:
            await db.close()


@pytest.mark.parametrize("is_folded", [False, True])
async def test_what_counts_as_other_is_no_values(db: Database, *, is_folded: bool) -> None:
    await db.write(insert_links(1))
    many = [make_click(referrer=f"{n}.example") for n in range(MOST_VALUES + 20)]
    await load_clicks(db, many)
    while is_folded and await fold_some(db, DAY + DAY_MS):
        pass
    everything = Choice(kind=REFERRER, fits=lambda _: True)
    bounds = (DAY, DAY + DAY_MS)
    (found,) = await count_value_by_slot(db, Scope(workspace_id=1), bounds, everything)
    assert found[0] == MOST_VALUES
    (direct,) = await count_value_by_slot(db, Scope(workspace_id=1), bounds, DIRECT)
    assert direct[0] == 0
