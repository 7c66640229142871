"""The cookie that keeps a visitor at a variant."""

from urllib.parse import quote

import httpx
import pytest
from msgspec.structs import replace

from shorty.config.settings import PrivacyConfig
from shorty.durations import DAY_MS
from shorty.links.rules import Condition, Rule, Variant
from shorty.redirect.kept_variant import build_kept_cookie, find_kept_key
from tests.redirect.conftest import CONFIG
from tests.redirect.factory import NOW
from tests.redirect.house import House, open_house
from tests.rsgi_client import make_client

SECRET = b"s" * 32
A, B, C = (Variant(key=key, url=f"https://example.com/{key}", weight=50) for key in "abc")
TEST = Rule(id="b90e", variants=(A, B), sticky=True)


def make_cookie(key: str = "b", rule: Rule = TEST, *, link_id: int = 7) -> str:
    return build_kept_cookie(
        SECRET, link_id=link_id, slug="sale", rule=rule, key=key, now=NOW, is_secure=False
    )


def read_cookie(header: str, rule_id: str = "b90e", *, is_secure: bool = False) -> str | None:
    return find_kept_key(SECRET, header, link_id=7, rule_id=rule_id, is_secure=is_secure)


def get_pair(cookie: str) -> str:
    return cookie.partition(";")[0]


def test_the_cookie_holds_the_key_and_is_sent_to_the_link_alone() -> None:
    pair, *attributes = make_cookie().split("; ")
    assert pair.startswith("shorty-7-b90e=b.")
    assert attributes == ["Path=/sale", "Max-Age=7776000", "HttpOnly", "SameSite=Lax"]
    assert "example.com" not in pair
    assert read_cookie(f"other=1; {pair}") == "b"


def test_the_cookie_ends_with_the_test() -> None:
    ending = replace(TEST, test_ends_at=NOW + 60_999)
    assert "; Max-Age=60; " in make_cookie(rule=ending)
    late = replace(TEST, test_ends_at=NOW + 400 * DAY_MS)
    assert "; Max-Age=7776000; " in make_cookie(rule=late)


def test_over_https_it_is_secure() -> None:
    cookie = build_kept_cookie(
        SECRET, link_id=7, slug="sale", rule=TEST, key="b", now=NOW, is_secure=True
    )
    assert cookie.startswith("__Secure-shorty-7-b90e=")
    assert cookie.endswith("; Secure")
    assert read_cookie(get_pair(cookie), is_secure=True) == "b"
    assert read_cookie(get_pair(cookie)) is None


@pytest.mark.parametrize("key", ["b", "Größe 2", "a;b=c, d", "a.b", "\N{PILE OF POO}"])
def test_any_key_comes_back(key: str) -> None:
    rule = replace(TEST, id=key)
    assert read_cookie(get_pair(make_cookie(key, rule)), key) == key


PAIR = get_pair(make_cookie())


@pytest.mark.parametrize(
    "header",
    [
        "",
        "shorty-7-b90e",
        "shorty-7-b90e=",
        "shorty-7-b90e=b",
        PAIR[:-1],
        PAIR.replace("=b.", "=a."),
        PAIR.replace("shorty-7", "shorty-8"),
        get_pair(make_cookie(link_id=8)).replace("shorty-8", "shorty-7"),
        get_pair(make_cookie(rule=replace(TEST, id="77c1"))).replace("77c1", "b90e"),
        get_pair(make_cookie("b" * 600)),
        "shorty-7-b90e=x; " * 8 + PAIR,
        "shorty-7-b90e=\udcff\u20ac",
    ],
)
def test_what_is_forged_oversized_or_of_another_link_is_ignored(header: str) -> None:
    assert read_cookie(header) is None


async def lead(client: httpx.AsyncClient, **headers: str) -> str:
    answer = await client.get("/sale", headers={k.replace("_", "-"): v for k, v in headers.items()})
    return answer.headers["location"]


async def test_a_visitor_stays_at_a_variant_whatever_its_weight(
    house: House, client: httpx.AsyncClient
) -> None:
    link = await house.make_ruled(TEST)
    first = await client.get("/sale")
    assert first.headers["location"] == A.url
    assert first.headers["set-cookie"].startswith(f"shorty-{link.id}-b90e=a.")
    house.draws[0] = 0.99
    second = await client.get("/sale")
    assert second.headers["location"] == A.url
    assert "set-cookie" not in second.headers
    await house.set_rules(link, replace(TEST, variants=(replace(A, weight=1), B)))
    assert await lead(client) == A.url
    client.cookies.clear()
    assert await lead(client) == B.url


async def test_a_visitor_of_a_removed_variant_is_drawn_again(
    house: House, client: httpx.AsyncClient
) -> None:
    link = await house.make_ruled(TEST)
    assert await lead(client) == A.url
    await house.set_rules(link, replace(TEST, variants=(B, C)))
    answer = await client.get("/sale")
    assert answer.headers["location"] == B.url
    assert answer.headers["set-cookie"].startswith(f"shorty-{link.id}-b90e=b.")


async def test_a_cookie_that_is_not_of_this_link_and_rule_is_replaced(
    house: House, client: httpx.AsyncClient
) -> None:
    link = await house.make_ruled(TEST)
    other = await house.make_ruled(TEST, slug="other")
    house.draws[0] = 0.9
    given = (await client.get("/other")).headers["set-cookie"]
    pair, name = get_pair(given), f"shorty-{link.id}-b90e"
    renamed = pair.replace(f"shorty-{other.id}-b90e", name)
    house.draws[0] = 0.0
    for cookie in (pair, renamed, f"{name}=b", f"{name}=b.{'x' * 43}", f"{name}={'b' * 8000}"):
        answer = await client.get("/sale", headers={"cookie": cookie})
        assert answer.headers["location"] == A.url
        assert answer.headers["set-cookie"].startswith(f"{name}=a.")


async def test_without_sticky_nobody_gets_a_cookie(house: House, client: httpx.AsyncClient) -> None:
    await house.make_ruled(replace(TEST, sticky=False))
    assert "set-cookie" not in (await client.get("/sale")).headers
    house.draws[0] = 0.5
    assert await lead(client) == B.url


@pytest.mark.parametrize("header", ["dnt", "sec-gpc"])
async def test_who_opts_out_gets_no_cookie_and_no_number_and_is_drawn_each_time(
    house: House, client: httpx.AsyncClient, header: str
) -> None:
    await house.make_ruled(TEST)
    assert "set-cookie" not in (await client.get("/sale", headers={header: "1"})).headers
    assert await lead(client) == A.url
    house.draws[0] = 0.5
    answer = await client.get("/sale", headers={header: "1"})
    assert answer.headers["location"] == B.url
    assert "set-cookie" not in answer.headers
    await house.list_kinds()
    rows = await house.app.db.find_all("select visitor, variant from clicks order by id")
    assert [(row["visitor"] != 0, row["variant"]) for row in rows] == [
        *((False, "a"), (True, "a"), (False, "b"))
    ]


async def test_an_operator_who_does_not_honour_the_wish_keeps_variants(tmp_path: object) -> None:
    config = replace(CONFIG, privacy=PrivacyConfig(honour_dnt=False))
    async with open_house(tmp_path, config) as house, make_client(house.app) as client:  # pyright: ignore[reportArgumentType]
        client.headers["user-agent"] = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0"
        await house.make_ruled(TEST)
        assert "set-cookie" in (await client.get("/sale", headers={"dnt": "1"})).headers


async def test_the_winner_is_everybodys(house: House, client: httpx.AsyncClient) -> None:
    link = await house.make_ruled(replace(TEST, test_ends_at=house.now + 1000))
    house.draws[0] = 0.5
    assert await lead(client) == B.url
    house.clock[0] += 1000
    answer = await client.get("/sale")
    assert answer.headers["location"] == A.url
    assert "set-cookie" not in answer.headers
    await house.set_rules(link, replace(TEST, winner="b"))
    assert await lead(client) == B.url


async def test_each_rule_and_each_alias_keeps_its_own(
    house: House, client: httpx.AsyncClient
) -> None:
    asked = Condition(type="query", key="x")
    other = replace(TEST, id="77c1", conditions=(asked,))
    await house.make_ruled(other, TEST, aliases=("winter",))
    for path in ("/sale", "/winter"):
        house.draws[0] = 0.0
        assert (await client.get(f"{path}?x")).headers["location"] == A.url
        house.draws[0] = 0.9
        first = await client.get(path)
        assert first.headers["location"] == B.url
        assert f"Path={quote(path)};" in first.headers["set-cookie"]
        assert (await client.get(f"{path}?x")).headers["location"] == A.url
