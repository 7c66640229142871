"""Past visits for tests: stored as if visitors had just come."""

from typing import Any

from shorty.clicks.folding import fold_some
from shorty.clicks.model import PERSON, Visit
from tests.api.house import House
from tests.clicks.making import store_all
from tests.support import NOW

HOUR = 3_600_000
PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1"
)


async def visit(house: House, *visits: dict[str, Any]) -> None:
    plain: dict[str, Any] = {
        "at": NOW - HOUR,
        "link_id": 1,
        "visitor": 7,
        "kind": PERSON,
        "user_agent": PHONE,
    }
    for each in visits:
        house.app.services.recorder.record(Visit(**{**plain, **each}))
    await store_all(house.app.services.recorder)


async def fold(house: House) -> None:
    while await fold_some(house.app.db, house.now):
        pass
