"""The simulator and the redirect are one code: they agree on whatever visit."""

from random import Random

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shorty.links.blocklist import BlockList
from shorty.links.model import Link
from shorty.links.rules import Rule
from shorty.webcore.rule_trials import Described, try_rules
from tests.examples import count_examples
from tests.links.rule_reference import make_rules
from tests.redirect.house import House
from tests.redirect.visiting import cache_link
from tests.rsgi_client import Exchange, Scope

pytestmark = pytest.mark.sqlite_only("rules are matched in memory")

VISITS_AT_ONCE = 100
MINUTE_MS = 60_000
ADDRESSES = {"80.81.192.1": "DE", "8.8.8.8": "US", "2001:7f8::1": "DE", "10.0.0.7": ""}
AGENTS = (
    (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 "
        "(KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1"
    ),
    (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/142.0.0.0 Safari/537.36"
    ),
    "Googlebot/2.1 (+http://www.google.com/bot.html)",
)
LANGUAGES = ("", "*", "de-CH,fr;q=0.9", "en_US,*;q=0.5", "de;q=0,en", "fr;q=0.8")
QUERIES = ("", "src=a", "src=b&src=a", "src=", "src", "src[]=a", "src=%61", "x=1")
REFERRERS = ("", "https://t.co/x", "https://m.t.co/", "https://nott.co", "https://example.com:8/")


async def visit(house: House, link: Link, headers: dict[str, str], query: str) -> str:
    """Aside of the loop, or on it if the link forwards parameters."""
    url = f"http://localhost:8000/sale{'?' if query else ''}{query}"
    given = {name: value for name, value in headers.items() if value}
    exchange = Exchange(b"")
    scope = Scope(httpx.Request("GET", url, headers=given), "127.0.0.1:4711")
    await cache_link(house.app, scope)
    assert house.app.answer_now(scope, exchange) is not link.forward_parameters
    if link.forward_parameters:
        await house.app.__rsgi__(scope, exchange)
    return dict(exchange.headers)["location"]


async def compare(house: House, link: Link, rules: list[Rule], dice: Random) -> None:
    address = dice.choice([*ADDRESSES])
    agent, language, query = dice.choice(AGENTS), dice.choice(LANGUAGES), dice.choice(QUERIES)
    referrer = dice.choice(REFERRERS)
    house.draws[0] = dice.random()
    house.clock[0] += dice.randrange(0, 9 * 60) * MINUTE_MS
    headers = {
        "x-forwarded-for": address,
        "user-agent": agent,
        "accept-language": language,
        "referer": referrer,
    }
    described = Described(
        country=ADDRESSES[address],
        language=language,
        query=query,
        referrer=referrer,
        ip=address,
        user_agent=agent,
    )
    trial = try_rules(
        link,
        described,
        house.now,
        draw=lambda: house.draws[0],
        block_list=BlockList(),
        rules=tuple(rules),
    )
    assert await visit(house, link, headers, query) == trial.url, (rules, described)


@settings(
    max_examples=count_examples(100),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(seed=st.integers(min_value=0))
async def test_the_simulator_and_the_redirect_agree_over_ten_thousand_visits(
    house: House, seed: int
) -> None:
    dice = Random(seed)  # noqa: S311 - the same for the same seed
    utm = {"utm_source": "mail"} if dice.random() < 0.5 else {}
    link = await house.make_link(**utm, forward_parameters=dice.random() < 0.5)
    rules = make_rules(dice)
    await house.set_rules(link, *rules)
    await house.remember("/sale")
    for _ in range(VISITS_AT_ONCE):
        await compare(house, link, rules, dice)
    await house.delete_link(link)
