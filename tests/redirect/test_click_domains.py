"""A click counts for the domain by which it came, wherever its link is."""

import httpx
import pytest

from shorty.clicks.stats import count_values
from shorty.clicks.stats_store import Scope as StatsScope
from shorty.durations import DAY_MS
from tests.redirect.house import House
from tests.redirect.visiting import BROWSER, cache_link
from tests.rsgi_client import Exchange, Scope

HOSTS = ("localhost:8000", "go.example")


async def visit(house: House, host: str, path: str, *, is_aside: bool) -> None:
    request = httpx.Request("GET", f"http://{host}{path}", headers={"user-agent": BROWSER})
    scope, exchange = Scope(request, "192.0.2.7:4711"), Exchange(b"")
    if is_aside:
        await cache_link(house.app, scope)
        assert house.app.answer_now(scope, exchange)
    else:
        await house.app.__rsgi__(scope, exchange)
    assert exchange.status == 302


async def count_by_domain(house: House, workspace_id: int) -> dict[str, tuple[int, int]]:
    """Clicks and visitors of each domain."""
    rows = await house.app.db.find_all("select id, host from domains")
    found: dict[str, tuple[int, int]] = {}
    for row in rows:
        scope = StatsScope(workspace_id=workspace_id, domain_id=row["id"])
        counts = await count_values(house.app.db, scope, 0, 2**42 // DAY_MS * DAY_MS)
        found[row["host"]] = counts.totals[:2]
    return found


@pytest.mark.parametrize("is_aside", [False, True])
async def test_a_visit_at_an_alias_counts_for_the_domain_of_the_alias(
    house: House, *, is_aside: bool
) -> None:
    link = await house.make_link(slug="own", aliases=("go.example/sale",))
    for host, path in zip((*HOSTS, HOSTS[1]), ("/own", "/sale", "/sale"), strict=True):
        await visit(house, host, path, is_aside=is_aside)
    assert (await house.read_link(link)).click_count == 3
    counted = await count_by_domain(house, link.workspace_id)
    assert [counted[host] for host in HOSTS] == [(1, 1), (2, 1)]


async def test_a_link_that_moves_leaves_its_clicks_where_they_were(house: House) -> None:
    link = await house.make_link(slug="own")
    await visit(house, "localhost:8000", "/own", is_aside=True)
    await house.change_link(link, domain="go.example", keeps_old_slug=False)
    await visit(house, "go.example", "/own", is_aside=True)
    await visit(house, "go.example", "/own", is_aside=False)
    assert (await house.read_link(link)).click_count == 3
    counted = await count_by_domain(house, link.workspace_id)
    assert [counted[host] for host in HOSTS] == [(1, 1), (2, 1)]
