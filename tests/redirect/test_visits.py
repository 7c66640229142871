"""What visitors get, through the whole application and a real database."""

import asyncio
from typing import Any

import httpx
import pytest

from shorty.databases import open_database
from shorty.domains.model import parse_redirect
from tests.clicks.making import store_all
from tests.redirect.house import House
from tests.rsgi_client import RsgiTransport
from tests.support import MINUTE

BOT = {"user-agent": "Googlebot/2.1 (+http://www.google.com/bot.html)"}
SLACK = {"user-agent": "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)"}
PREFETCH = {"sec-purpose": "prefetch;prerender"}
JSON = {"accept": "application/json"}


async def test_a_plain_link_redirects_and_counts(house: House, client: httpx.AsyncClient) -> None:
    link = await house.make_link()
    answer = await client.get("/sale")
    assert answer.status_code == 302
    assert answer.headers["location"] == "https://example.com/there"
    assert answer.headers["referrer-policy"] == "no-referrer-when-downgrade"
    assert answer.headers["x-robots-tag"] == "noindex"
    assert answer.headers["cache-control"] == "private, no-store"
    assert (await house.read_link(link)).clicks == 1


async def test_an_unknown_slug_is_a_page_or_a_problem(
    house: House, client: httpx.AsyncClient
) -> None:
    page = await client.get("/nothing")
    problem = await client.get("/nothing", headers=JSON)
    assert (page.status_code, problem.status_code) == (404, 404)
    assert page.headers["content-type"].startswith("text/html")
    assert problem.headers["content-type"] == "application/problem+json"
    assert problem.json()["code"] == "not-found"


async def test_a_domain_says_where_its_root_and_unknown_slugs_lead(
    house: House, client: httpx.AsyncClient
) -> None:
    there = {"host": "go.example"}
    root = await client.get("/", headers=there)
    lost = await client.get("/nothing", headers=there)
    as_json = await client.get("/nothing", headers=there | JSON)
    assert root.headers["location"] == "https://example.com/home"
    assert lost.headers["location"] == "https://example.com/lost"
    assert as_json.status_code == 404
    assert "Sign in" in (await client.get("/")).text


async def test_a_domains_redirect_to_itself_ends(house: House, client: httpx.AsyncClient) -> None:
    await house.app.db.write(
        lambda tx: tx.execute(
            "update domains set root_redirect = 'https://go.example/?a=1',"
            " not_found_redirect = 'https://go.example/lost' where host = 'go.example'"
        )
    )
    await house.app.services.domains.reload()
    there = {"host": "go.example"}
    assert (await client.get("/", headers=there)).status_code == 200
    assert (await client.get("/x", headers=there)).headers["location"].endswith("/lost")
    assert (await client.get("/lost", headers=there)).status_code == 404


@pytest.mark.parametrize(
    "target",
    [
        "https://go.example/lost",
        "http://GO.example.:80/lost",
        "https://go.example:443/a/../lost#there",
        "https://go.example/l%6Fst?a=1",
        "https:\\\\go.example\\lost",
    ],
)
async def test_a_domains_redirect_to_itself_ends_however_it_is_spelt(
    house: House, client: httpx.AsyncClient, target: str
) -> None:
    await house.app.db.write(
        lambda tx: tx.execute(
            "update domains set not_found_redirect = $1 where host = 'go.example'",
            parse_redirect(target),
        )
    )
    await house.app.services.domains.reload()
    there = {"host": "go.example"}
    assert (await client.get("/x", headers=there)).status_code == 302
    assert (await client.get("/lost", headers=there)).status_code == 404


async def test_a_domain_may_lead_to_another_port_of_its_machine(
    house: House, client: httpx.AsyncClient
) -> None:
    elsewhere = "https://go.example:8443/"
    await house.app.db.write(
        lambda tx: tx.execute(
            "update domains set root_redirect = $1 where host = 'go.example'", elsewhere
        )
    )
    await house.app.services.domains.reload()
    root = await client.get("/", headers={"host": "go.example"})
    assert root.headers["location"] == elsewhere


async def test_changes_of_a_link_hold_at_the_next_visit(
    house: House, client: httpx.AsyncClient
) -> None:
    assert (await client.get("/sale")).status_code == 404
    link = await house.make_link()
    assert (await client.get("/sale")).status_code == 302
    await house.change_link(link, url="https://example.com/elsewhere")
    assert (await client.get("/sale")).headers["location"] == "https://example.com/elsewhere"
    await house.change_link(link, is_active=False)
    assert (await client.get("/sale")).status_code == 404
    await house.change_link(link, is_active=True)
    await house.delete_link(link)
    assert (await client.get("/sale")).status_code == 404
    await house.make_link(url="https://example.com/again")
    assert (await client.get("/sale")).headers["location"] == "https://example.com/again"


async def test_a_link_expires_on_the_millisecond(house: House, client: httpx.AsyncClient) -> None:
    await house.make_link(expires_at=house.now + MINUTE)
    house.clock[0] += MINUTE - 1
    assert (await client.get("/sale")).status_code == 302
    house.clock[0] += 1
    gone = await client.get("/sale", headers=JSON)
    assert (gone.status_code, gone.json()["code"]) == (410, "link-expired")
    assert (await client.post("/sale")).status_code == 410


async def test_a_link_begins_on_the_millisecond(house: House, client: httpx.AsyncClient) -> None:
    link = await house.make_link(valid_since=house.now + MINUTE)
    house.clock[0] += MINUTE - 1
    for path in ("/sale", "/sale+"):
        early = await client.get(path, headers=JSON)
        assert (early.status_code, early.json()["code"]) == (404, "not-found")
    house.clock[0] += 1
    assert (await client.get("/sale")).status_code == 302
    assert (await client.get("/sale+")).status_code == 200
    assert (await house.read_link(link)).click_count == 1
    await house.change_link(link, valid_since=None)
    house.clock[0] -= MINUTE
    assert (await client.get("/sale")).status_code == 302


async def test_exactly_so_many_visits_pass_however_many_come_at_once(
    house: House, client: httpx.AsyncClient
) -> None:
    link = await house.make_link(max_clicks=50)
    answers = await asyncio.gather(*(client.get("/sale") for _ in range(200)))
    statuses = [answer.status_code for answer in answers]
    assert (statuses.count(302), statuses.count(410)) == (50, 150)
    assert (await house.read_link(link)).click_count == 50


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [("GET", PREFETCH, 204), ("HEAD", {}, 204), ("GET", BOT, 200), ("GET", SLACK, 200)],
)
async def test_nothing_goes_round_a_limit_or_uses_it_up(
    house: House, client: httpx.AsyncClient, method: str, headers: dict[str, str], status: int
) -> None:
    await house.make_link(max_clicks=1)
    for _ in range(3):
        answer = await client.request(method, "/sale", headers=headers)
        assert answer.status_code == status
        assert "example.com" not in f"{answer.headers} {answer.text}"
    assert (await client.get("/sale")).status_code == 302
    assert (await client.get("/sale")).status_code == 410


async def test_a_raised_limit_lets_more_through(house: House, client: httpx.AsyncClient) -> None:
    link = await house.make_link(max_clicks=1)
    statuses = [(await client.get("/sale")).status_code for _ in range(2)]
    await house.change_link(link, max_clicks=3)
    statuses += [(await client.get("/sale")).status_code for _ in range(3)]
    assert statuses == [302, 410, 302, 302, 410]


async def test_visits_while_a_limit_is_taken_away_count_once_it_is_set_again(
    house: House, client: httpx.AsyncClient
) -> None:
    link = await house.make_link(max_clicks=4)
    statuses = [(await client.get("/sale")).status_code]
    await house.change_link(link, max_clicks=None)
    statuses += [(await client.get("/sale")).status_code for _ in range(2)]
    await house.change_link(link, max_clicks=4)
    statuses += [(await client.get("/sale")).status_code for _ in range(2)]
    assert statuses == [302, 302, 302, 302, 410]
    assert (await house.read_link(link)).click_count == 4


@pytest.mark.parametrize(
    ("headers", "kind"),
    [({}, 1), (BOT, 2), ({"user-agent": ""}, 2), (PREFETCH, 3), ({"x-moz": "prefetch"}, 3)],
)
async def test_only_people_are_clicks(
    house: House, client: httpx.AsyncClient, headers: dict[str, str], kind: int
) -> None:
    link = await house.make_link()
    assert (await client.get("/sale", headers=headers)).status_code == 302
    assert await house.list_kinds() == [kind]
    assert (await house.read_link(link)).click_count == (1 if kind == 1 else 0)


async def test_of_the_page_that_a_visitor_comes_from_the_host_is_kept(
    house: House, client: httpx.AsyncClient
) -> None:
    await house.make_link()
    await client.get("/sale", headers={"referer": "https://news.example/secret?page=1"})
    await client.get("/sale")
    await store_all(house.app.services.recorder)
    rows = await house.app.db.find_all("select referrer from clicks order by id")
    assert [row["referrer"] for row in rows] == ["news.example", None]


async def test_head_answers_the_same_and_counts_nothing(
    house: House, client: httpx.AsyncClient
) -> None:
    await house.make_link()
    answer = await client.head("/sale")
    assert (answer.status_code, answer.headers["location"]) == (302, "https://example.com/there")
    assert await house.list_kinds() == []


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "POST", "OPTIONS"])
async def test_a_link_can_only_be_followed(
    house: House, client: httpx.AsyncClient, method: str
) -> None:
    await house.make_link()
    answer = await client.request(method, "/sale")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


async def test_block_bots_refuses_bots_and_nobody_else(
    house: House, client: httpx.AsyncClient
) -> None:
    await house.make_link(block_bots=True)
    assert (await client.get("/sale", headers=BOT)).status_code == 403
    assert (await client.get("/sale", headers=SLACK)).status_code == 403
    assert (await client.get("/sale")).status_code == 302


async def test_a_password_opens_a_link_for_an_hour(house: House, client: httpx.AsyncClient) -> None:
    link = await house.make_link(password="open sesame")
    form = await client.get("/sale")
    assert form.status_code == 200
    assert "example.com" not in form.text
    wrong = await client.post("/sale", data={"password": "wrong"})
    assert wrong.status_code == 401
    right = await client.post("/sale?a=1", data={"password": "open sesame"})
    assert (right.status_code, right.headers["location"]) == (303, "/sale?a=1")
    assert (await client.get("/sale")).status_code == 302
    assert (await house.read_link(link)).click_count == 1
    house.clock[0] += 61 * MINUTE
    assert (await client.get("/sale")).status_code == 200


async def test_a_changed_password_voids_the_cookie(house: House, client: httpx.AsyncClient) -> None:
    link = await house.make_link(password="one")
    await client.post("/sale", data={"password": "one"})
    assert (await client.get("/sale")).status_code == 302
    await house.change_link(link, password="two")
    assert (await client.get("/sale")).status_code == 200


async def test_guessing_a_password_is_limited_by_address(
    house: House, client: httpx.AsyncClient
) -> None:
    await house.make_link(password="one")
    guesses = [(await client.post("/sale", data={"password": "x"})).status_code for _ in range(11)]
    assert guesses == [401] * 10 + [429]
    limited = await client.post("/sale", data={"password": "one"}, headers=JSON)
    assert limited.status_code == 429
    assert int(limited.headers["retry-after"]) > 0
    elsewhere = {"x-forwarded-for": "203.0.113.9"}
    assert (await client.post("/sale", data={"password": "one"}, headers=elsewhere)).is_redirect


@pytest.mark.parametrize("body", [b"password=" + b"x" * 10_000, b"&" * 4000, b"\xff\xfe", b""])
async def test_a_strange_password_form_is_a_wrong_password(
    house: House, client: httpx.AsyncClient, body: bytes
) -> None:
    await house.make_link(password="one")
    assert (await client.post("/sale", content=body)).status_code == 401


async def test_the_cookie_is_secure_behind_tls(house: House, client: httpx.AsyncClient) -> None:
    await house.make_link(password="one")
    form = {"data": {"password": "one"}}
    plain = await client.post("/sale", **form)  # pyright: ignore[reportArgumentType]
    client.cookies.clear()
    behind = await client.post("/sale", headers={"x-forwarded-proto": "https"}, **form)  # pyright: ignore[reportArgumentType]
    assert "Secure" not in plain.headers["set-cookie"]
    assert "Secure" in behind.headers["set-cookie"]
    assert "HttpOnly" in behind.headers["set-cookie"]


async def test_a_password_is_remembered_by_the_cookie_of_its_own_scheme(
    house: House, client: httpx.AsyncClient
) -> None:
    await house.make_link(password="one")
    https = {"x-forwarded-proto": "https"}
    right = await client.post("/sale", data={"password": "one"}, headers=https)
    cookie = right.headers["set-cookie"].split(";")[0]
    client.cookies.clear()
    assert (await client.get("/sale", headers=https | {"cookie": cookie})).status_code == 302
    planted = cookie.removeprefix("__Secure-")
    assert (await client.get("/sale", headers=https | {"cookie": planted})).status_code == 200


async def test_a_crawler_gets_a_card_of_the_links_own(
    house: House, client: httpx.AsyncClient
) -> None:
    await house.make_link(
        title="<Sale>", description="Everything & more", image="https://example.org/i.png"
    )
    card = await client.get("/sale", headers=SLACK)
    assert card.status_code == 200
    assert 'property="og:title" content="&lt;Sale&gt;"' in card.text
    assert 'content="Everything &amp; more"' in card.text
    assert (await client.get("/sale")).status_code == 302
    assert await house.list_kinds() == [2, 1]


async def test_a_title_alone_makes_no_card(house: House, client: httpx.AsyncClient) -> None:
    await house.make_link(title="For the dashboard")
    assert (await client.get("/sale", headers=SLACK)).status_code == 302


async def test_a_cloaked_link_stays_in_the_address_bar(
    house: House, client: httpx.AsyncClient
) -> None:
    link = await house.make_link(cloaked=True, title="Ours")
    page = await client.get("/sale")
    assert page.status_code == 200
    assert "<title>Ours</title>" in page.text
    assert 'src="https://example.com/there"' in page.text
    assert (await house.read_link(link)).click_count == 1


@pytest.mark.parametrize("pixel", [{"meta_pixel_id": "1234567890"}, {"google_tag_id": "G-ABC123"}])
async def test_a_pixel_fires_unless_the_visitor_objects(
    house: House, client: httpx.AsyncClient, pixel: dict[str, Any]
) -> None:
    link = await house.make_link(**pixel)
    page = await client.get("/sale")
    assert page.status_code == 200
    assert next(iter(pixel.values())) in page.text
    for objection in ({"sec-gpc": "1"}, {"dnt": "1"}):
        assert (await client.get("/sale", headers=objection)).status_code == 302
    assert (await house.read_link(link)).click_count == 3
    rows = await house.app.db.find_all("select visitor from clicks order by id")
    assert [bool(row["visitor"]) for row in rows] == [True, False, False]


async def test_a_bio_link_is_a_page(house: House, client: httpx.AsyncClient) -> None:
    await house.make_link(is_link_in_bio=True, title="Me", button_label="My shop")
    page = await client.get("/sale")
    assert page.status_code == 200
    assert "My shop" in page.text
    assert 'href="/sale?bio=go" title="https://example.com/there"' in page.text


async def test_parameters_are_forwarded_only_when_asked_for(
    house: House, client: httpx.AsyncClient
) -> None:
    url = "https://example.com/p?a=1&b=2#top"
    link = await house.make_link(url=url, utm_source="mail")
    assert (await client.get("/sale?a=9")).headers["location"] == (
        "https://example.com/p?a=1&b=2&utm_source=mail#top"
    )
    await house.change_link(link, forward_parameters=True)
    assert (await client.get("/sale?a=9&c=3&qr=1")).headers["location"] == (
        "https://example.com/p?b=2&utm_source=mail&a=9&c=3#top"
    )


async def test_a_scan_is_told_apart_from_a_click(house: House, client: httpx.AsyncClient) -> None:
    link = await house.make_link()
    await client.get("/sale?qr=1")
    await client.get("/sale?qr=12")
    await client.get("/sale")
    read = await house.read_link(link)
    assert (read.clicks, read.scans) == (2, 1)


@pytest.mark.parametrize(
    ("link_type", "url", "location"),
    [
        ("MAILTO", "ann@example.com", "mailto:ann@example.com"),
        ("TEL", "+44 20 7946 0958", "tel:+442079460958"),
        ("SMS", "sms:+15550100", "sms:+15550100"),
    ],
)
async def test_other_kinds_of_links_lead_to_their_schemes(
    house: House, link_type: str, url: str, location: str
) -> None:
    await house.make_link(link_type=link_type, url=url)
    # Past the client, which cannot imagine a redirect to anything but the web.
    request = httpx.Request("GET", "http://localhost:8000/sale")
    answer = await RsgiTransport(house.app).handle_async_request(request)
    assert answer.headers["location"] == location


async def test_a_plus_shows_where_a_link_leads_and_counts_nothing(
    house: House, client: httpx.AsyncClient
) -> None:
    await house.make_link(title="A sale")
    page = await client.get("/sale+")
    assert page.status_code == 200
    assert "https://example.com/there" in page.text
    assert "A sale" in page.text
    assert await house.list_kinds() == []


@pytest.mark.parametrize("secret", [{"password": "x"}, {"cloaked": True}, {"max_clicks": 5}])
async def test_a_plus_keeps_what_the_link_keeps(
    house: House, client: httpx.AsyncClient, secret: dict[str, Any]
) -> None:
    await house.make_link(**secret)
    page = await client.get("/sale+")
    assert page.status_code == 404
    assert "example.com" not in page.text


async def test_an_admins_block_shows_a_page_that_says_so(
    house: House, client: httpx.AsyncClient
) -> None:
    link = await house.make_link()
    await house.app.db.write(
        lambda tx: tx.execute("update links set is_admin_blocked = 1 where id = $1", link.id)
    )
    assert (await client.get("/sale")).status_code == 403
    assert await house.list_kinds() == []


async def test_the_address_of_a_visitor_is_believed_from_trusted_proxies_only(
    house: House, client: httpx.AsyncClient
) -> None:
    await house.make_link()
    await client.get("/sale", headers={"x-forwarded-for": "8.8.8.8"})
    await client.get("/sale", headers={"x-forwarded-for": "8.8.8.8, 81.2.69.142, 10.1.2.3"})
    lines = [("x-forwarded-for", "8.8.8.8"), ("x-forwarded-for", "81.2.69.142")]
    await client.get("/sale", headers=lines)
    await store_all(house.app.services.recorder)
    rows = await house.app.db.find_all("select country, visitor from clicks order by id")
    assert [row["country"] for row in rows] == ["US", "GB", "GB"]
    assert rows[0]["visitor"] != rows[1]["visitor"]


async def test_a_change_by_another_process_is_noticed(
    house: House, client: httpx.AsyncClient
) -> None:
    await house.make_link()
    assert (await client.get("/sale")).status_code == 302
    another = await open_database(house.app.config.storage, is_command=True)
    await another.write(lambda tx: tx.execute("update links set url = 'https://example.com/new'"))
    await another.close()
    await house.app.db.notice_changes()
    assert (await client.get("/sale")).headers["location"] == "https://example.com/new"
