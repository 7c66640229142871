"""Where rules lead visitors, through the whole application and a real database."""

import asyncio
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from shorty.config import LinksConfig
from shorty.config.settings import GeoConfig
from shorty.links.rules import Condition, Rule, Variant
from tests.clicks.making import store_all
from tests.clicks.mmdb import write_mmdb
from tests.redirect.conftest import CONFIG
from tests.redirect.house import House, open_house
from tests.redirect.visiting import visit_aside
from tests.rsgi_client import RsgiTransport, make_client

OWN = "https://example.com/there"
GERMAN = "https://example.de/app"
BOT = {"user-agent": "Googlebot/2.1 (+http://www.google.com/bot.html)"}
SLACK = {"user-agent": "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)"}
PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1"
)
IPAD_AS_MAC = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.5 Safari/605.1.15"
)
IN_GERMANY = {"x-forwarded-for": "80.81.192.1"}
IN_AMERICA = {"x-forwarded-for": "8.8.8.8"}
IN_GERMANY_BY_IPV6 = {"x-forwarded-for": "2001:7f8::1"}

A, B = (Variant(key=key, url=f"https://example.com/{key}", weight=50) for key in "ab")


def make_rule(*conditions: Condition, **only_what_matters: Any) -> Rule:
    plain: dict[str, Any] = {"id": "4f2a", "url": GERMAN, "conditions": conditions}
    return Rule(**(plain | only_what_matters))


def make_test(**only_what_matters: Any) -> Rule:
    plain: dict[str, Any] = {"id": "b90e", "variants": (A, B)}
    return Rule(**(plain | only_what_matters))


COUNTRY = Condition(type="country", values=("DE",))
ABROAD = Condition(type="country", values=("DE",), negated=True)
ALWAYS = make_rule()


async def lead(client: httpx.AsyncClient, path: str = "/sale", **headers: str) -> str:
    answer = await client.get(path, headers={k.replace("_", "-"): v for k, v in headers.items()})
    return answer.headers.get("location", "")


async def list_won(house: House) -> list[tuple[str | None, str | None]]:
    await store_all(house.app.services.recorder)
    rows = await house.app.db.find_all("select rule_id, variant from clicks order by id")
    return [(row["rule_id"], row["variant"]) for row in rows]


async def test_the_first_rule_that_holds_leads_and_is_stored_with_the_click(
    house: House, client: httpx.AsyncClient
) -> None:
    link = await house.make_ruled(make_rule(COUNTRY), make_test())
    answer = await client.get("/sale", headers=IN_GERMANY)
    assert (answer.status_code, answer.headers["location"]) == (302, GERMAN)
    assert answer.headers["cache-control"] == "private, no-store"
    assert await lead(client, **IN_AMERICA) == A.url
    assert await list_won(house) == [("4f2a", None), ("b90e", "a")]
    assert (await house.read_link(link)).clicks == 2


async def test_visits_are_answered_aside_of_the_loop(house: House) -> None:
    await house.make_ruled(make_rule(Condition(type="browser", values=("firefox",))))
    assert await visit_aside(house, "/sale") == GERMAN
    assert await list_won(house) == [("4f2a", None)]


async def test_where_no_rule_holds_the_link_leads_to_its_own_destination(
    house: House, client: httpx.AsyncClient
) -> None:
    await house.make_ruled(make_rule(COUNTRY), replace(ALWAYS, is_active=False))
    assert await lead(client, **IN_AMERICA) == OWN
    assert await list_won(house) == [(None, None)]


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_rules_keep_the_links_status_and_are_never_cached(
    house: House, client: httpx.AsyncClient, status: int
) -> None:
    await house.make_ruled(ALWAYS, status=status)
    answer = await client.get("/sale")
    assert (answer.status_code, answer.headers["location"]) == (status, GERMAN)
    assert answer.headers["cache-control"] == "private, no-store"


UNKNOWN = [{}, {"x-forwarded-for": "10.1.2.3"}, {"x-forwarded-for": "fd00::1"}]


@pytest.mark.parametrize("headers", UNKNOWN)
async def test_an_unknown_country_is_neither_in_germany_nor_outside_it(
    house: House, client: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    await house.make_ruled(make_rule(COUNTRY), make_rule(ABROAD))
    assert await lead(client, **headers) == OWN


async def test_the_country_is_that_of_the_address_that_proxies_vouch_for(
    house: House, client: httpx.AsyncClient
) -> None:
    await house.make_ruled(make_rule(COUNTRY))
    assert await lead(client, **IN_GERMANY_BY_IPV6) == GERMAN
    assert await lead(client, x_forwarded_for="::ffff:80.81.192.1") == GERMAN
    assert await lead(client, x_forwarded_for="80.81.192.1, 10.0.0.1") == GERMAN
    assert await lead(client, x_forwarded_for="80.81.192.1, 8.8.8.8") == OWN
    stranger = RsgiTransport(house.app, "8.8.4.4:4711")
    async with httpx.AsyncClient(transport=stranger, base_url="http://localhost:8000") as other:
        other.headers["user-agent"] = PHONE
        assert await lead(other, x_forwarded_for="80.81.192.1") == OWN


async def test_an_address_is_compared_and_not_stored(
    house: House, client: httpx.AsyncClient
) -> None:
    await house.make_ruled(make_rule(Condition(type="ip", values=("80.81.0.0/16",))))
    assert await lead(client, **IN_GERMANY) == GERMAN
    assert await lead(client, **IN_AMERICA) == OWN
    await store_all(house.app.services.recorder)
    rows = await house.app.db.find_all("select * from clicks")
    assert "80.81" not in str([tuple(row) for row in rows])


XX = {"country": {"iso_code": "XX"}}
TOR = {"country": {"iso_code": "T1"}}
MUNICH = {
    "country": {"iso_code": "DE"},
    "subdivisions": [{"iso_code": "BY"}],
    "city": {"names": {"en": "München"}},
}


async def test_an_operators_database_knows_regions_and_cities(tmp_path: Path) -> None:
    places = tmp_path / "places.mmdb"
    write_mmdb(places, {"9.0.0.0/16": XX, "9.1.0.0/16": TOR, "9.2.0.0/16": MUNICH})
    config = replace(CONFIG, geo=GeoConfig(database=str(places)))
    rules = (
        make_rule(Condition(type="region", values=("DE-BY",))),
        make_rule(Condition(type="country", values=("XX", "T1"))),
        make_rule(ABROAD),
    )
    async with open_house(tmp_path, config) as house, make_client(house.app) as client:
        client.headers["user-agent"] = PHONE
        await house.make_ruled(*rules)
        for address, place in (("9.0.0.1", OWN), ("9.1.0.1", OWN), ("9.2.0.1", GERMAN)):
            assert await lead(client, x_forwarded_for=address) == place
        await house.make_ruled(make_rule(Condition(type="city", values=("MÜNCHEN",))), slug="city")
        assert await lead(client, "/city", x_forwarded_for="9.2.0.1") == GERMAN
        places.write_bytes(b"broken")
        house.clock[0] += 60_000
        assert await lead(client, "/city", x_forwarded_for="9.2.0.1") == GERMAN
        write_mmdb(places, {"9.2.0.0/16": XX})
        house.clock[0] += 60_000
        assert await lead(client, "/city", x_forwarded_for="9.2.0.1") == OWN


async def test_a_database_of_places_may_be_missing_for_a_while(tmp_path: Path) -> None:
    """Meanwhile only countries are known, from the data that shorty brings along."""
    places = tmp_path / "places.mmdb"
    config = replace(CONFIG, geo=GeoConfig(database=str(places)))
    async with open_house(tmp_path, config) as house, make_client(house.app) as client:
        client.headers["user-agent"] = PHONE
        await house.make_ruled(
            make_rule(Condition(type="city", values=("München",), negated=True)),
            make_rule(COUNTRY, url="https://example.de/country"),
            make_rule(Condition(type="city", values=("München",)), url="https://example.de/city"),
        )
        assert await lead(client, **IN_GERMANY) == "https://example.de/country"
        write_mmdb(places, {"9.2.0.0/16": MUNICH | {"country": {"iso_code": "AT"}}})
        house.clock[0] += 60_000
        for _ in range(2):
            assert await lead(client, x_forwarded_for="9.2.0.1") == "https://example.de/city"
            assert await lead(client, **IN_GERMANY) == OWN
            places.unlink(missing_ok=True)
            house.clock[0] += 60_000


async def test_without_such_a_database_no_region_or_city_is_known(
    house: House, client: httpx.AsyncClient
) -> None:
    for kind, value in (("region", "DE-BY"), ("city", "Bonn")):
        conditions = [
            Condition(type=kind, values=(value,), negated=negated)  # pyright: ignore[reportArgumentType]
            for negated in (False, True)
        ]
        await house.make_ruled(*map(make_rule, conditions), slug=kind)
        assert await lead(client, f"/{kind}", **IN_GERMANY) == OWN


@pytest.mark.parametrize(
    ("user_agent", "device", "os"),
    [(PHONE, "mobile", "ios"), (IPAD_AS_MAC, "desktop", "macos")],
)
async def test_devices_are_what_they_say_they_are(
    house: House, client: httpx.AsyncClient, user_agent: str, device: str, os: str
) -> None:
    conditions = (
        Condition(type="device", values=(device.upper(),)),
        Condition(type="os", values=(os,)),
    )
    await house.make_ruled(make_rule(*conditions))
    assert await lead(client, user_agent=user_agent) == GERMAN
    assert await lead(client, user_agent=PHONE if user_agent != PHONE else IPAD_AS_MAC) == OWN


async def test_a_visit_without_a_user_agent_is_a_programs(
    house: House, client: httpx.AsyncClient
) -> None:
    await house.make_ruled(ALWAYS)
    assert await lead(client, user_agent="") == OWN
    visit = client.build_request("GET", "/sale")
    del visit.headers["user-agent"]
    assert (await client.send(visit)).headers["location"] == OWN


@pytest.mark.parametrize("headers", [BOT, SLACK])
async def test_programs_get_the_own_destination_without_a_cookie_or_variant(
    house: House, client: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    await house.make_ruled(make_rule(COUNTRY), make_test(sticky=True))
    answer = await client.get("/sale", headers=headers | IN_GERMANY)
    assert answer.headers["location"] == OWN
    assert "set-cookie" not in answer.headers
    assert await list_won(house) == [(None, None)]


async def test_a_preview_crawler_gets_its_card_whatever_the_rules(
    house: House, client: httpx.AsyncClient
) -> None:
    await house.make_ruled(make_rule(COUNTRY), description="All of it")
    answer = await client.get("/sale", headers=SLACK | IN_GERMANY)
    assert answer.status_code == 200
    assert "All of it" in answer.text
    assert GERMAN not in answer.text


async def test_head_gets_the_same_location_counts_nothing_and_sets_no_cookie(
    house: House, client: httpx.AsyncClient
) -> None:
    await house.make_ruled(make_rule(COUNTRY), make_test(sticky=True))
    for headers in (IN_GERMANY, IN_AMERICA):
        head = await client.head("/sale", headers=headers)
        get = await client.get("/sale", headers=headers)
        assert head.headers["location"] == get.headers["location"]
        assert "set-cookie" not in head.headers
    assert len(await list_won(house)) == 2


QUERIES = [
    ("?src=a", GERMAN),
    ("?src=b&src=a", GERMAN),
    ("?src=%61", GERMAN),
    ("?src=", OWN),
    ("?src", OWN),
    ("?src[]=a", OWN),
    ("", OWN),
]


@pytest.mark.parametrize(("query", "place"), QUERIES)
async def test_a_visitors_query_is_read(
    house: House, client: httpx.AsyncClient, query: str, place: str
) -> None:
    await house.make_ruled(make_rule(Condition(type="query", key="src", values=("a",))))
    assert await lead(client, f"/sale{query}") == place


async def test_scans_can_be_led_elsewhere(house: House, client: httpx.AsyncClient) -> None:
    await house.make_ruled(make_rule(Condition(type="query", key="qr", values=("1",))))
    assert await lead(client, "/sale?qr=1") == GERMAN
    assert await lead(client, "/sale") == OWN


async def test_languages_and_referrers_are_read(house: House, client: httpx.AsyncClient) -> None:
    await house.make_ruled(
        make_rule(
            Condition(type="language", values=("de",)),
            Condition(type="referrer", values=("t.co",)),
        )
    )
    german, from_there = {"accept_language": "de-CH,en;q=0.5"}, {"referer": "https://m.t.co/x"}
    assert await lead(client, **german, **from_there) == GERMAN
    assert await lead(client, **german, referer="https://nott.co/") == OWN
    assert await lead(client, **from_there, accept_language="en,de;q=0.8") == OWN


async def test_utm_and_forwarded_parameters_apply_to_the_chosen_url(
    house: House, client: httpx.AsyncClient
) -> None:
    there = f"{GERMAN}?a=1&utm_source=old#top"
    await house.make_ruled(make_rule(url=there), utm_source="mail", forward_parameters=True)
    assert await lead(client, "/sale?a=2&qr=1&b=") == f"{GERMAN}?utm_source=mail&a=2&b=#top"


async def test_a_cloaked_link_frames_the_chosen_url(
    house: House, client: httpx.AsyncClient
) -> None:
    await house.make_ruled(make_rule(COUNTRY), cloaked=True)
    assert f'<iframe src="{GERMAN}"' in (await client.get("/sale", headers=IN_GERMANY)).text
    assert f'<iframe src="{OWN}"' in (await client.get("/sale", headers=IN_AMERICA)).text
    assert await list_won(house) == [("4f2a", None), (None, None)]


async def test_a_pixel_page_leads_on_to_the_chosen_url(
    house: House, client: httpx.AsyncClient
) -> None:
    await house.make_ruled(make_rule(COUNTRY), meta_pixel_id="12345")
    page = await client.get("/sale", headers=IN_GERMANY)
    assert f'data-to="{GERMAN}"' in page.text
    assert await lead(client, **IN_GERMANY, dnt="1") == GERMAN


async def test_a_password_is_asked_for_before_rules_lead_anywhere(
    house: House, client: httpx.AsyncClient
) -> None:
    await house.make_ruled(make_rule(COUNTRY), make_test(sticky=True), password="secret")
    form = await client.get("/sale", headers=IN_GERMANY)
    assert (form.status_code, GERMAN in form.text) == (200, False)
    sent = await client.post("/sale", data={"password": "secret"}, headers=IN_GERMANY)
    assert sent.status_code == 303
    assert await lead(client, **IN_GERMANY) == GERMAN
    assert await lead(client, **IN_AMERICA) == A.url
    house.draws[0] = 0.9
    assert await lead(client, **IN_AMERICA) == A.url
    assert await list_won(house) == [("4f2a", None), ("b90e", "a"), ("b90e", "a")]


async def test_the_last_allowed_click_counts_whichever_rule_won(
    house: House, client: httpx.AsyncClient
) -> None:
    link = await house.make_ruled(make_rule(COUNTRY), max_clicks=2)
    assert await lead(client, **IN_GERMANY) == GERMAN
    assert await lead(client, **IN_AMERICA) == OWN
    for headers in (IN_GERMANY, IN_AMERICA):
        assert (await client.get("/sale", headers=headers)).status_code == 410
    assert (await house.read_link(link)).click_count == 2


async def test_an_expired_link_leads_to_where_it_says_without_a_click(
    house: House, client: httpx.AsyncClient
) -> None:
    link = await house.make_ruled(ALWAYS, expires_at=house.now + 1)
    house.clock[0] += 1
    assert (await client.get("/sale")).status_code == 410
    await house.set_column(link, "expired_url", "https://example.com/archive")
    for method in ("GET", "HEAD"):
        answer = await client.request(method, "/sale")
        assert answer.status_code == 302
        assert answer.headers["location"] == "https://example.com/archive"
    assert (await client.get("/sale+")).status_code == 410
    assert await list_won(house) == []
    await house.set_column(link, "is_admin_blocked", 1)
    assert (await client.get("/sale")).status_code == 410


async def test_a_used_up_link_leads_to_where_it_says(
    house: House, client: httpx.AsyncClient
) -> None:
    link = await house.make_link(max_clicks=1)
    await house.set_column(link, "expired_url", "https://example.com/archive")
    assert await lead(client) == OWN
    assert await lead(client) == "https://example.com/archive"
    assert (await house.read_link(link)).click_count == 1


async def test_an_expired_links_own_address_is_no_place_to_lead_to(
    house: House, client: httpx.AsyncClient
) -> None:
    link = await house.make_link(expires_at=house.now + 1)
    await house.set_column(link, "expired_url", "http://localhost:8000/sale?again")
    house.clock[0] += 1
    assert (await client.get("/sale")).status_code == 410


@pytest.fixture
async def strict(tmp_path: Path) -> Any:
    """A house whose operator has blocked a host since."""
    links = LinksConfig(blocked_hosts=("blocked.example",))
    async with open_house(tmp_path, replace(CONFIG, links=links)) as house:
        yield house


async def test_an_alternative_that_is_blocked_since_leads_nowhere(strict: House) -> None:
    blocked = "https://a.blocked.example/x"
    await strict.make_ruled(make_rule(COUNTRY, url=blocked))
    async with make_client(strict.app) as client:
        client.headers["user-agent"] = PHONE
        answer = await client.get("/sale", headers=IN_GERMANY)
        assert (answer.status_code, blocked in answer.text) == (403, False)
        assert await lead(client, **IN_AMERICA) == OWN
        link = await strict.make_link(slug="old", expires_at=strict.now + 1)
        await strict.set_column(link, "expired_url", blocked)
        strict.clock[0] += 1
        assert (await client.get("/old")).status_code == 410
    assert await list_won(strict) == [(None, None)]


async def test_a_blocked_variant_keeps_its_share(strict: House) -> None:
    blocked = Variant(key="b", url="https://blocked.example/", weight=50)
    await strict.make_ruled(make_test(variants=(A, blocked)))
    async with make_client(strict.app) as client:
        client.headers["user-agent"] = PHONE
        assert await lead(client) == A.url
        strict.draws[0] = 0.5
        assert (await client.get("/sale")).status_code == 403


async def test_a_rule_may_lead_to_a_short_link_of_ours_and_a_ring_is_the_browsers_to_end(
    house: House, client: httpx.AsyncClient
) -> None:
    """Refused when it is written; it can still come to be when a domain is added later."""
    one, other = "http://localhost:8000/one", "http://localhost:8000/other"
    await house.make_ruled(make_rule(url=other), slug="one")
    link = await house.make_link(slug="other")
    assert await lead(client, "/one") == other
    assert await lead(client, "/other") == OWN
    await house.set_rules(link, make_rule(url=one))
    with pytest.raises(httpx.TooManyRedirects):
        await client.get(one, follow_redirects=True)


async def test_the_details_show_the_own_destination_and_say_that_there_are_others(
    house: House, client: httpx.AsyncClient
) -> None:
    link = await house.make_ruled(ALWAYS)
    page = (await client.get("/sale+")).text
    assert OWN in page
    assert GERMAN not in page
    assert "Some visitors are sent to other destinations." in page
    for rules in ((), (replace(ALWAYS, is_active=False),)):
        await house.set_rules(link, *rules)
        assert "other destinations" not in (await client.get("/sale+")).text


async def test_a_referrer_is_hidden_on_request(house: House, client: httpx.AsyncClient) -> None:
    link = await house.make_ruled(make_rule(COUNTRY), cloaked=True)
    await house.set_column(link, "hide_referrer", 1)
    page = await client.get("/sale")
    assert page.headers.get_list("referrer-policy") == ["no-referrer"]
    assert 'referrerpolicy="no-referrer"' in page.text
    await house.set_column(link, "cloaked", 0)
    for headers in (IN_GERMANY, IN_AMERICA):
        answer = await client.get("/sale", headers=headers)
        assert answer.status_code == 302
        assert answer.headers.get_list("referrer-policy") == ["no-referrer"]


async def test_a_tag_managers_container_is_loaded_without_a_wider_policy(
    house: House, client: httpx.AsyncClient
) -> None:
    pixel = await house.make_link(slug="pixel", google_tag_id="G-12345678")
    link = await house.make_ruled(make_rule(COUNTRY), slug="container")
    await house.set_column(link, "gtm_container_id", "GTM-ABC1234")
    page = await client.get("/container", headers=IN_GERMANY)
    assert page.status_code == 200
    assert 'data-container="GTM-ABC1234"' in page.text
    assert f'data-to="{GERMAN}"' in page.text
    known = (await client.get(f"/{pixel.slug}")).headers["content-security-policy"]
    assert page.headers["content-security-policy"] == known
    assert await lead(client, "/container", sec_gpc="1") == OWN


async def test_crawlers_can_be_left_uncounted(house: House, client: httpx.AsyncClient) -> None:
    link = await house.make_link(description="All of it")
    assert "All of it" in (await client.get("/sale", headers=SLACK)).text
    await house.set_column(link, "skip_social_crawler_tracking", 1)
    assert "All of it" in (await client.get("/sale", headers=SLACK)).text
    await house.set_column(link, "description", None)
    assert await lead(client, **SLACK) == OWN
    await client.get("/sale", headers=BOT)
    assert len(await house.list_kinds()) == 2


async def test_a_change_of_rules_holds_at_once(house: House, client: httpx.AsyncClient) -> None:
    link = await house.make_ruled(ALWAYS)
    assert await lead(client) == GERMAN
    await house.set_rules(link, make_test())
    assert await lead(client) == A.url
    await house.set_rules(link)
    assert await lead(client) == OWN
    assert await visit_aside(house, "/sale") == OWN


async def test_of_two_hundred_visits_at_once_as_many_are_let_through_as_the_limit_says(
    tmp_path: Path,
) -> None:
    """Their variants sum up to the limit."""
    dice = Random(7)  # noqa: S311 - the same draws each time
    async with open_house(tmp_path, CONFIG, draw=dice.random) as house:
        link = await house.make_ruled(make_test(), max_clicks=60)
        async with make_client(house.app) as client:
            client.headers["user-agent"] = PHONE
            answers = await asyncio.gather(*(client.get("/sale") for _ in range(200)))
        led = Counter(answer.headers.get("location") for answer in answers)
        won = Counter(await list_won(house))
        assert (await house.read_link(link)).click_count == 60
        assert led.keys() == {A.url, B.url, None}
        assert (led[None], led[A.url] + led[B.url]) == (140, 60)
        assert won == {("b90e", "a"): led[A.url], ("b90e", "b"): led[B.url]}


async def test_an_expired_link_leads_to_where_its_domain_says_if_it_says_nothing_itself(
    house: House, client: httpx.AsyncClient
) -> None:
    archive = "https://example.com/archive"
    await house.app.db.write(
        lambda tx: tx.execute(
            "update domains set expired_redirect = $1 where host = 'localhost:8000'", archive
        )
    )
    await house.app.services.domains.reload()
    link = await house.make_ruled(ALWAYS, max_clicks=1)
    assert await lead(client) == GERMAN
    answer = await client.get("/sale")
    assert (answer.status_code, answer.headers["location"]) == (302, archive)
    await house.set_column(link, "expired_url", "https://example.com/own")
    assert await lead(client) == "https://example.com/own"
    assert (await house.read_link(link)).click_count == 1
