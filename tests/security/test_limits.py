"""Each limit of `limits`: who shares it, how long it lasts, and what gives it back."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from itertools import cycle
from pathlib import Path
from typing import Any, Final

import pytest
from msgspec import Struct
from msgspec.structs import replace
from structlog.testing import capture_logs

from shorty.accounts.invitations import take_invitation
from shorty.accounts.login import (
    Attempt,
    give_back_session_password,
    give_back_sign_in,
    is_newly_limited,
    take_address,
    take_session_password,
    take_sign_in,
)
from shorty.accounts.mail_links import take_mail, take_mail_of, take_password_mail
from shorty.accounts.second_factor import (
    give_back_browser_code,
    give_back_setup_code,
    take_browser_code,
    take_setup_code,
)
from shorty.api.short_links import take_public_link
from shorty.config import Config, ServerConfig
from shorty.errors import RateLimitedError
from shorty.limits import RateLimits, SharedCounts
from shorty.postgres.database import PostgresDatabase
from shorty.redirect.password_tries import (
    Guesser,
    forgive_tries,
    give_back_try,
    read_guesser,
    take_try,
)
from tests.api.conftest import DOMAINS, house
from tests.api.house import House
from tests.rsgi_client import make_client
from tests.support import DAY, MINUTE, NOW, make_colleague, make_token
from tests.web.conftest import SignIn, sign_in

__all__ = ["house", "sign_in"]

HOUR: Final = 60 * MINUTE
SECRET: Final = bytes(32)
EMAILS: Final = ("ann@a.example", " Ann@A.example")


class Sharing(Struct, frozen=True, kw_only=True):
    """`sharing` names the n-th of those who share `most`; each of `apart` has as many of its own.

    After `lasts_ms` all are available again, or with `is_refilled` one of them. Giving back returns
    one, or with `is_cleared` all.
    """

    most: int
    lasts_ms: int
    is_refilled: bool = False
    sharing: Callable[[int], Any]
    apart: tuple[Any, ...]
    is_cleared: bool = False


class Rule(Sharing, frozen=True, kw_only=True):
    """`take` counts one and says whether it passes, or raises RateLimitedError."""

    limit: str
    take: Callable[[RateLimits, Any, int], Awaitable[object]]
    give_back: Callable[[RateLimits, Any, int], Awaitable[None]] | None = None
    is_shared: bool = True


def spell(number: int) -> str:
    return EMAILS[number % 2]


def spell_four(number: int) -> Guesser:
    return read_guesser(7, ("192.0.2.1", "::ffff:192.0.2.1")[number % 2])


def name_one(_: int) -> int:
    return 1


def name_address(_: int) -> str:
    return "192.0.2.1"


def attempt(address: str, email: str = EMAILS[0], browser: str = "") -> Attempt:
    return Attempt(address=address, email=email, browser=browser)


async def try_password(limits: RateLimits, guesser: Guesser, now: int) -> bool:
    return (await take_try(limits, guesser, now)).is_allowed


async def report(limits: RateLimits, email: str, now: int) -> bool:
    """After strangers have used up the account's allowance."""
    for number in range(101):
        with suppress(RateLimitedError):
            await take_sign_in(limits, attempt(f"198.51.100.{number}", email), now)
    return await is_newly_limited(limits, email, now)


async def make_public_link(limits: RateLimits, address: str, now: int) -> None:
    await take_public_link(limits, address, 2, now)


BY_ADDRESS: Final = Rule(
    limit="link_passwords",
    take=try_password,
    most=10,
    lasts_ms=10 * MINUTE,
    sharing=lambda n: read_guesser(7, f"2001:db8::{n + 1:x}"),
    apart=(read_guesser(7, "2001:db8:0:1::1"), read_guesser(8, "2001:db8::1")),
    give_back=give_back_try,
)
OF_SESSION: Final = Rule(
    limit="session_passwords",
    take=take_session_password,
    most=10,
    lasts_ms=10 * MINUTE,
    sharing=name_one,
    apart=(2,),
    give_back=give_back_session_password,
)
OF_ADDRESS: Final = Rule(
    limit="sign_in_addresses",
    take=take_sign_in,
    most=100,
    lasts_ms=10 * MINUTE,
    sharing=lambda n: attempt("192.0.2.1", f"p{n}@a.example"),
    apart=(attempt("192.0.2.2", "p0@a.example"),),
    give_back=give_back_sign_in,
)
OF_INBOX: Final = Rule(
    limit="mails",
    take=take_mail,
    most=5,
    lasts_ms=HOUR,
    sharing=spell,
    apart=("bob@a.example", "ann@b.example"),
)
RULES: Final = (
    BY_ADDRESS,
    replace(
        BY_ADDRESS,
        sharing=spell_four,
        apart=(read_guesser(7, "192.0.2.2"), read_guesser(8, "192.0.2.1")),
        give_back=forgive_tries,
        is_cleared=True,
    ),
    Rule(
        limit="link_password_networks",
        take=try_password,
        most=50,
        lasts_ms=10 * MINUTE,
        sharing=lambda n: read_guesser(7, f"2001:db8:0:{n:x}::1"),
        apart=(read_guesser(7, "2001:db8:1::1"), read_guesser(8, "2001:db8::1")),
        give_back=give_back_try,
    ),
    Rule(
        limit="link_password_tries",
        take=try_password,
        most=100,
        lasts_ms=3000,
        is_refilled=True,
        sharing=lambda n: read_guesser(7, f"2001:db8:{n:x}::1"),
        apart=(read_guesser(8, "2001:db8::1"),),
        give_back=forgive_tries,
    ),
    Rule(
        limit="public_links",
        take=make_public_link,
        most=2,
        lasts_ms=HOUR,
        sharing=lambda n: f"2001:db8::{n + 1:x}",
        apart=("2001:db8:0:1::1",),
    ),
    Rule(
        limit="public_link_networks",
        take=make_public_link,
        most=20,
        lasts_ms=HOUR,
        sharing=lambda n: f"192.0.2.{n + 1}",
        apart=("192.0.3.1", "2001:db8::1"),
    ),
    Rule(
        limit="sign_ins",
        take=take_sign_in,
        most=10,
        lasts_ms=10 * MINUTE,
        sharing=lambda n: attempt("192.0.2.1", spell(n)),
        apart=(attempt("192.0.2.2"), attempt("192.0.2.1", "bob@a.example")),
        give_back=give_back_sign_in,
    ),
    OF_ADDRESS,
    replace(
        OF_ADDRESS,
        take=take_address,
        sharing=name_address,
        apart=("192.0.2.2",),
        give_back=None,
    ),
    Rule(
        limit="sign_in_accounts",
        take=take_sign_in,
        most=100,
        lasts_ms=6000,
        is_refilled=True,
        sharing=lambda n: attempt(f"198.51.100.{n}", spell(n)),
        apart=(attempt("198.51.100.0", "bob@a.example"),),
        give_back=give_back_sign_in,
    ),
    Rule(
        limit="sign_in_reports",
        take=report,
        is_shared=False,
        most=1,
        lasts_ms=HOUR,
        sharing=spell,
        apart=("bob@a.example",),
    ),
    Rule(
        limit="browser_sign_ins",
        take=take_sign_in,
        most=10,
        lasts_ms=10 * MINUTE,
        sharing=lambda n: attempt(f"192.0.2.{n}", browser="firefox, ann"),
        apart=(attempt("192.0.2.0", browser="firefox, bob"), attempt("192.0.2.0")),
        give_back=give_back_sign_in,
    ),
    Rule(
        limit="browser_codes",
        take=take_browser_code,
        most=30,
        lasts_ms=DAY,
        sharing=lambda _: "firefox, ann",
        apart=("firefox, bob",),
        give_back=give_back_browser_code,
    ),
    OF_SESSION,
    replace(OF_SESSION, limit="setup_codes", take=take_setup_code, give_back=give_back_setup_code),
    Rule(
        limit="invitations",
        take=take_invitation,
        most=50,
        lasts_ms=HOUR,
        sharing=name_one,
        apart=(2,),
    ),
    OF_INBOX,
    replace(OF_INBOX, take=take_mail_of, sharing=name_one, apart=(2,)),
    replace(OF_INBOX, limit="password_mails", take=take_password_mail),
)
# Those that a door counts itself, without a function of its own, are tested at the end.
AT_A_DOOR: Final = {"api_requests", "previews", "neighbours_told", "plain_documents"}


def test_each_limit_has_such_a_test() -> None:
    tested = [rule.limit for rule in RULES]
    assert {*tested, *AT_A_DOOR} == set(RateLimits.__slots__)
    assert AT_A_DOOR.isdisjoint(tested)


async def check_rule(
    rule: Sharing,
    ask: Callable[[Any, int], Awaitable[bool]],
    give_back: Callable[[Any, int], Awaitable[None]] | None = None,
) -> None:
    async def ask_all(number: int, now: int) -> list[bool]:
        return [await ask(rule.sharing(n), now) for n in range(number)]

    def count(number: int) -> list[bool]:
        return [True] * number + [False]

    assert await ask_all(rule.most + 1, NOW) == count(rule.most)
    assert [await ask(other, NOW) for other in rule.apart] == [True] * len(rule.apart)
    later = NOW + rule.lasts_ms
    assert not await ask(rule.sharing(rule.most), later - 1)
    again = 1 if rule.is_refilled else rule.most
    assert await ask_all(again + 1, later) == count(again)
    if give_back is not None:
        await give_back(rule.sharing(0), later)
        returned = rule.most if rule.is_cleared else 1
        assert await ask_all(returned + 1, later) == count(returned)


def name_rule(rule: Rule) -> str:
    return f"{rule.limit}: {rule.take.__name__}"


async def check_nodes(rule: Rule, *nodes: RateLimits) -> None:
    """Each request comes to another node."""
    turns = cycle(nodes)

    async def ask(who: Any, now: int) -> bool:
        try:
            return await rule.take(next(turns), who, now) is not False
        except RateLimitedError:
            return False

    async def give_back(who: Any, now: int) -> None:
        assert rule.give_back is not None
        await rule.give_back(next(turns), who, now)

    await check_rule(rule, ask, give_back if rule.give_back else None)


@pytest.mark.parametrize("rule", RULES, ids=name_rule)
async def test_a_limit_is_shared_lasts_and_is_given_back_exactly_so(rule: Rule) -> None:
    limits = RateLimits()
    await check_nodes(rule, limits)
    assert len(getattr(limits, rule.limit)) > 0


@pytest.mark.postgres_only
@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.is_shared], ids=name_rule)
async def test_nodes_that_share_a_database_share_its_limits(
    rule: Rule, database_url: str, tmp_path: Path
) -> None:
    opened = [PostgresDatabase(database_url, name, tmp_path) for name in ("one", "other")]
    try:
        await check_nodes(rule, *(RateLimits(SharedCounts(db, SECRET)) for db in opened))
    finally:
        for db in opened:
            await db.close()


@pytest.fixture
def config() -> Config:
    return Config(
        domains=DOMAINS, server=ServerConfig(requests_per_minute=3, trusted_proxies=("127.0.0.1",))
    )


async def test_requests_with_a_token_are_limited_by_the_minute(house: House) -> None:
    actor = await house.make_actor()
    bob = await make_colleague(house.app.db, actor, "owner")
    ann, again, bobs = [
        await make_token(house.app.db, home) for home in (house.home, house.home, bob)
    ]

    async def ask(who: tuple[str, str], now: int) -> bool:
        house.clock[0] = now
        async with make_client(house.app, peer=who[1]) as client:
            token = {"authorization": f"Bearer {who[0]}"}
            return (await client.get("/api/v1/usage", headers=token)).status_code == 200

    rule = Sharing(
        most=3,
        lasts_ms=MINUTE,
        sharing=lambda n: (ann, f"192.0.2.{n}:1"),
        apart=((again, "192.0.2.0:1"), (bobs, "192.0.2.0:1")),
    )
    await check_rule(rule, ask)


async def test_looks_at_strangers_pages_are_limited_by_the_minute(
    house: House, sign_in: SignIn
) -> None:
    bob = await make_colleague(house.app.db, await house.make_actor(), "editor")
    anns = [await sign_in(house.home), await sign_in(house.home)]
    bobs = await sign_in(bob)

    async def ask(who: Any, now: int) -> bool:
        house.clock[0] = now
        return (await who.send("/app/links/preview", url="x")).status_code == 200

    rule = Sharing(
        most=60,
        lasts_ms=MINUTE,
        sharing=lambda n: anns[n % 2],
        apart=(bobs,),
    )
    await check_rule(rule, ask)


async def test_a_proxy_that_is_not_trusted_is_told_of_once_a_day(house: House) -> None:
    async def ask(who: str, now: int) -> bool:
        house.clock[0] = now
        with capture_logs() as logs:
            async with make_client(house.app, peer=f"{who}:4000") as client:
                await client.get("/app/sign-in", headers={"x-forwarded-for": "203.0.113.9"})
        return "proxy_not_trusted" in [each["event"] for each in logs]

    rule = Sharing(
        most=1,
        lasts_ms=DAY,
        sharing=lambda n: f"fd00::{n + 1:x}",
        apart=("fd00:0:0:1::1", "172.17.0.1", "172.17.0.2"),
    )
    await check_rule(rule, ask)


@pytest.mark.parametrize(
    ("most", "sharing", "apart"),
    [
        (30, "2001:db8::{:x}", ("2001:db8:0:1::1", "192.0.2.1")),
        (30, "192.0.2.{}|198.51.100.1", ("192.0.2.1|198.51.100.2", "198.51.100.1|192.0.2.1")),
        (100, "192.0.2.{}", ()),
    ],
    ids=["one", "one, by the last header", "all"],
)
async def test_long_documents_as_they_are_are_limited_by_the_minute(
    house: House, most: int, sharing: str, apart: tuple[str, ...]
) -> None:
    """Behind a trusted proxy, whose headers are separated by strokes here."""

    async def ask(who: str, now: int) -> bool:
        house.clock[0] = now
        headers = [("x-forwarded-for", address) for address in who.split("|")]
        async with make_client(house.app) as client:
            del client.headers["accept-encoding"]
            answer = await client.get("/api/v1/openapi.json", headers=headers)
        return "content-encoding" not in answer.headers

    rule = Sharing(
        most=most,
        lasts_ms=MINUTE,
        sharing=lambda n: sharing.format(n + 1),
        apart=apart,
    )
    await check_rule(rule, ask)
