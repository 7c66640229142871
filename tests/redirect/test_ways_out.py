"""Every way out of a visit, with each header of its answer: aside of the event loop and on it."""

import html
import re
from base64 import b64encode
from collections import Counter
from contextlib import suppress
from hashlib import sha256
from typing import Any, Final

import httpx
import msgspec
import pytest
from msgspec.structs import replace

from shorty.accounts.model import Actor
from shorty.config import Config, PublicLinksConfig
from shorty.domains import NewDomain
from shorty.domains.service import add_domain
from shorty.domains.store import mark_verified
from shorty.errors import StorageUnavailableError
from shorty.passwords import VISITORS
from shorty.storage.database import Database
from tests.redirect.conftest import CONFIG
from tests.redirect.house import House
from tests.redirect.visiting import cache_link
from tests.rsgi_client import Exchange, Scope
from tests.support import MINUTE, NOW, break_table, flood, make_actor, make_home

NOTHING: Final[dict[str, str]] = {}
THERE: Final = "https://example.com/there"
BROWSER: Final = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
BOT: Final = {"user-agent": "Googlebot/2.1 (+http://www.google.com/bot.html)"}
SLACK: Final = {"user-agent": "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)"}
JSON: Final = {"accept": "application/json"}
PREFETCH: Final = {"sec-purpose": "prefetch"}
HTTPS: Final = {"x-forwarded-proto": "https"}
OURS: Final = "go.example"
STRICT: Final = {"strict-transport-security": "max-age=31536000"}

COMMON: Final = {
    "referrer-policy": "no-referrer-when-downgrade",
    "x-robots-tag": "noindex",
    "cache-control": "private, no-store",
}
PROBLEM: Final = {
    "content-type": "application/problem+json",
    "x-content-type-options": "nosniff",
}
ALONE: Final = (
    "default-src 'none'; style-src STYLE; base-uri 'none'; frame-ancestors 'none'; "
    "img-src data:; form-action 'none'"
)
FORM: Final = (
    "default-src 'none'; style-src STYLE; base-uri 'none'; frame-ancestors 'none'; "
    "img-src data:; form-action 'self' http: https: mailto: tel: sms:"
)
PIXELS: Final = (
    "script-src SCRIPT https://connect.facebook.net https://*.googletagmanager.com; "
    "img-src data: https://www.facebook.com https://*.google-analytics.com "
    "https://*.googletagmanager.com; connect-src https://connect.facebook.net "
    "https://www.facebook.com https://*.google-analytics.com https://*.analytics.google.com "
    "https://*.googletagmanager.com"
)
BARE: Final = (
    "default-src 'none'; style-src STYLE; base-uri 'none'; frame-ancestors 'none'; "
    "form-action 'none'; "
)


def lead(location: str) -> dict[str, str]:
    return {"location": location}


def remember(cookie: str, more: str = "") -> dict[str, str]:
    return {"set-cookie": f"{cookie}; Max-Age=3600; HttpOnly; SameSite=Lax{more}"}


def show(policy: str = ALONE) -> dict[str, str]:
    """STYLE and SCRIPT stand for the hashes of what stands in the page."""
    return {
        "content-type": "text/html; charset=utf-8",
        "content-security-policy": policy,
        "x-content-type-options": "nosniff",
    }


class WayOut(msgspec.Struct, frozen=True, kw_only=True):
    """`said`: the headers beyond COMMON. `is_aside`: whether it is answered aside of the loop.

    `link`: how the link at /sale differs from a plain one; None: no link is asked for.
    """

    status: int
    said: dict[str, str]
    is_aside: bool = False
    method: str = "GET"
    host: str = "localhost:8000"
    second_host: str = ""
    path: str = "/sale"
    headers: dict[str, str] = NOTHING
    form: dict[str, str] | None = None
    link: dict[str, Any] | None = NOTHING

    def build_request(self) -> tuple[Scope, Exchange]:
        headers = {"user-agent": BROWSER} | self.headers
        hosts = [("host", host) for host in (self.host, self.second_host) if host]
        request = httpx.Request(self.method, f"http://localhost{self.path}", data=self.form)
        request.headers = httpx.Headers([*hosts, *headers.items()])
        return Scope(request, "127.0.0.1:50000"), Exchange(request.content)


PLAIN: Final = {
    "302": WayOut(status=302, said=lead(THERE), is_aside=True),
    "301": WayOut(status=301, said=lead(THERE), link={"status": 301}, is_aside=True),
    "307": WayOut(status=307, said=lead(THERE), link={"status": 307}, is_aside=True),
    "308": WayOut(status=308, said=lead(THERE), link={"status": 308}, is_aside=True),
    "slash behind": WayOut(status=302, said=lead(THERE), path="/sale//", is_aside=True),
    "query": WayOut(status=302, said=lead(THERE), path="/sale?a=1&qr=1", is_aside=True),
    "UTM and fragment": WayOut(
        status=302,
        said=lead("https://example.com/p?a=1&utm_source=mail#top"),
        link={"url": "https://example.com/p?a=1#top", "utm_source": "mail"},
        is_aside=True,
    ),
    "other letters": WayOut(
        status=302,
        said=lead("https://xn--mnchen-3ya.example/caf%C3%A9"),
        link={"url": "https://münchen.example/café"},
        is_aside=True,
    ),
    "mail": WayOut(
        status=302,
        said=lead("mailto:ann@example.com"),
        link={"link_type": "MAILTO", "url": "ann@example.com"},
        is_aside=True,
    ),
    "bot": WayOut(status=302, said=lead(THERE), headers=BOT, is_aside=True),
    "prefetch": WayOut(status=302, said=lead(THERE), headers=PREFETCH, is_aside=True),
    "for programs": WayOut(status=302, said=lead(THERE), headers=JSON, is_aside=True),
    "revalidated": WayOut(
        status=302,
        said=lead(THERE),
        headers={"if-none-match": "*", "if-modified-since": "Sun, 22 Nov 2026 12:00:00 GMT"},
        is_aside=True,
    ),
    "HEAD": WayOut(status=302, said=lead(THERE), method="HEAD"),
    "https": WayOut(
        status=302,
        said=STRICT | lead(THERE),
        headers=HTTPS,
        host=OURS,
        link={"domain": "go.example"},
        is_aside=True,
    ),
    "http where https is asked for": WayOut(
        status=302, said=lead(THERE), host=OURS, link={"domain": "go.example"}, is_aside=True
    ),
}
CONDITIONAL: Final = {
    "not yet expired": WayOut(status=302, said=lead(THERE), link={"expires_at": NOW + MINUTE + 1}),
    "limited": WayOut(status=307, said=lead(THERE), link={"max_clicks": 2, "status": 307}),
    "limited, over https": WayOut(
        status=302,
        said=STRICT | lead(THERE),
        headers=HTTPS,
        host=OURS,
        link={"max_clicks": 2, "domain": "go.example"},
    ),
    "limited, prefetch": WayOut(status=204, said={}, headers=PREFETCH, link={"max_clicks": 2}),
    "limited, HEAD": WayOut(status=204, said={}, method="HEAD", link={"max_clicks": 2}),
    "limited, bot": WayOut(status=200, said=show(), headers=BOT, link={"max_clicks": 2}),
    "people alone": WayOut(status=302, said=lead(THERE), link={"block_bots": True}),
    "query handed on": WayOut(
        status=308,
        said=lead("https://example.com/there?a=1&b=%202"),
        path="/sale?a=1&qr=1&b=%202",
        link={"forward_parameters": True, "status": 308},
    ),
    "card for crawlers alone": WayOut(status=302, said=lead(THERE), link={"description": "Half"}),
    "card": WayOut(status=200, said=show(), headers=SLACK, link={"description": "Half"}),
    "pixel, objected": WayOut(
        status=301,
        said=lead(THERE),
        headers={"sec-gpc": "1"},
        link={"google_tag_id": "G-ABC123", "status": 301},
    ),
    "pixel": WayOut(status=200, said=show(BARE + PIXELS), link={"google_tag_id": "G-ABC123"}),
    "cloak": WayOut(
        status=200, said=show(f"{ALONE}; frame-src http: https:"), link={"cloaked": True}
    ),
    "cloak over https": WayOut(
        status=200,
        said=STRICT | show(f"{ALONE}; frame-src http: https:; upgrade-insecure-requests"),
        headers=HTTPS,
        host=OURS,
        link={"cloaked": True, "domain": "go.example"},
    ),
    "bio page": WayOut(
        status=200,
        said=show(f"{BARE}img-src 'self' data:"),
        link={"is_link_in_bio": True, "button_label": "Shop"},
    ),
    "button of a bio page": WayOut(
        status=302, said=lead(THERE), path="/sale?bio=go", link={"is_link_in_bio": True}
    ),
    "details": WayOut(status=200, said=show(), path="/sale+"),
}
PASSWORDS: Final = {
    "form": WayOut(status=200, said=show(FORM), link={"password": "one"}),
    "form, HEAD": WayOut(status=200, said=show(FORM), method="HEAD", link={"password": "one"}),
    "wrong": WayOut(
        status=401, said=show(FORM), method="POST", form={"password": "x"}, link={"password": "one"}
    ),
    "wrong, for programs": WayOut(
        status=401,
        said=PROBLEM,
        method="POST",
        headers=JSON,
        form={"password": "x"},
        link={"password": "one"},
    ),
    "right": WayOut(
        status=303,
        said=lead("/sale?a=1") | remember("shorty-ID=SIGNED; Path=/sale"),
        method="POST",
        path="/sale/?a=1",
        form={"password": "one"},
        link={"password": "one"},
    ),
    "right, other letters": WayOut(
        status=303,
        said=lead("/caf%C3%A9") | remember("shorty-ID=SIGNED; Path=/caf%C3%A9"),
        method="POST",
        path="/cafe%CC%81",
        form={"password": "one"},
        link={"password": "one", "slug": "café"},
    ),
    "right, over https": WayOut(
        status=303,
        said=STRICT | lead("/sale") | remember("__Secure-shorty-ID=SIGNED; Path=/sale", "; Secure"),
        method="POST",
        headers=HTTPS,
        host=OURS,
        form={"password": "one"},
        link={"password": "one", "domain": "go.example"},
    ),
}
REFUSED: Final = {
    "expired": WayOut(status=410, said=show(), link={"expires_at": NOW + 1}),
    "expired, for programs": WayOut(
        status=410, said=PROBLEM, headers=JSON, link={"expires_at": NOW + 1}
    ),
    "bots": WayOut(status=403, said=show(), headers=BOT, link={"block_bots": True}),
    "off": WayOut(status=404, said=show(), link={"is_active": False}),
    "POST": WayOut(status=405, said=show() | {"allow": "GET, HEAD"}, method="POST"),
    "PUT, for programs": WayOut(
        status=405, said=PROBLEM | {"allow": "GET, HEAD"}, method="PUT", headers=JSON
    ),
    "PUT of a password": WayOut(
        status=405,
        said=show() | {"allow": "GET, HEAD, POST"},
        method="PUT",
        link={"password": "one"},
    ),
    "two hosts": WayOut(
        status=400,
        said=show(),
        second_host=OURS,
    ),
    "two hosts, for programs": WayOut(
        status=400,
        said=PROBLEM,
        second_host=OURS,
        headers=JSON,
    ),
}
NO_LINK: Final = {
    "root of the first domain": WayOut(link=None, status=200, said=show(), path="/"),
    "root that leads on": WayOut(
        link=None, status=302, said=lead("https://example.com/home"), path="/", host=OURS
    ),
    "root that leads on, HEAD": WayOut(
        link=None,
        status=302,
        said=STRICT | lead("https://example.com/home"),
        path="/",
        method="HEAD",
        headers=HTTPS,
        host=OURS,
    ),
    "root": WayOut(link=None, status=200, said=show(), path="/", host="xn--bcher-kva.example"),
    "root, POST": WayOut(
        link=None, status=405, said=show() | {"allow": "GET, HEAD"}, path="/", method="POST"
    ),
    "unknown slug": WayOut(link=None, status=404, said=show(), path="/nothing"),
    "unknown slug, for programs": WayOut(
        link=None, status=404, said=PROBLEM, path="/nothing", headers=JSON
    ),
    "unknown slug that leads on": WayOut(
        link=None, status=302, said=lead("https://example.com/lost"), path="/nothing", host=OURS
    ),
    "unknown slug that leads on, https": WayOut(
        link=None,
        status=302,
        said=STRICT | lead("https://example.com/lost"),
        path="/nothing",
        headers=HTTPS,
        host=OURS,
    ),
    "unknown slug that leads on, for programs": WayOut(
        link=None, status=404, said=PROBLEM, path="/nothing", headers=JSON, host=OURS
    ),
    "unknown host": WayOut(link=None, status=404, said=show(), host="other.example"),
    "unknown host, for programs": WayOut(
        link=None, status=404, said=PROBLEM, host="other.example", headers=JSON
    ),
    "report": WayOut(link=None, status=302, said=lead("https://example.com/bad"), path="/report"),
    "report, HEAD": WayOut(
        link=None,
        status=302,
        said=STRICT | lead("https://example.com/bad"),
        path="/report/",
        method="HEAD",
        headers=HTTPS,
        host=OURS,
    ),
    "report, POST": WayOut(
        link=None, status=405, said=show() | {"allow": "GET, HEAD"}, path="/report", method="POST"
    ),
}
GUESS: Final = WayOut(status=303, said=NOTHING, method="POST", form={"password": "one"})
USED_UP: Final = (
    WayOut(status=302, said=lead(THERE)),
    WayOut(status=410, said=show()),
    WayOut(status=410, said=show(), method="HEAD"),
    WayOut(status=410, said=PROBLEM, headers=JSON),
)
BLOCKED: Final = (
    WayOut(status=403, said=show()),
    WayOut(status=403, said=PROBLEM, headers=JSON),
)
KNOWN: Final = (
    WayOut(status=302, said=lead(THERE)),
    WayOut(status=302, said=lead(THERE), method="HEAD"),
    replace(GUESS, said=lead("/sale?a=1"), path="/sale/?a=1", form={"password": "x"}),
)
BUSY: Final = (
    replace(GUESS, status=503, said=show(FORM) | {"retry-after": "2"}),
    replace(GUESS, status=503, said=PROBLEM | {"retry-after": "2"}, headers=JSON),
)
LIMITED: Final = (
    replace(GUESS, status=429, said=show(FORM) | {"retry-after": "600"}),
    replace(GUESS, status=429, said=PROBLEM | {"retry-after": "600"}, headers=JSON),
)
UNREADABLE: Final = (
    WayOut(status=503, said=show() | {"retry-after": "5"}),
    WayOut(status=503, said=PROBLEM | {"retry-after": "5"}, headers=JSON),
)
UNSET: Final = (
    WayOut(status=302, said=lead(THERE), headers=HTTPS, host=OURS, is_aside=True),
    WayOut(status=404, said=show(), path="/report"),
    WayOut(status=404, said=PROBLEM, path="/report", headers=JSON),
    WayOut(
        status=302,
        said=lead("https://example.com/home"),
        path="/",
        headers=HTTPS,
        host=OURS,
    ),
)
WAYS: Final = {
    f"{group}: {name}": way
    for group, ways in {
        "plain": PLAIN,
        "conditional": CONDITIONAL,
        "password": PASSWORDS,
        "refused": REFUSED,
        "no link": NO_LINK,
    }.items()
    for name, way in ways.items()
}


@pytest.fixture
def config() -> Config:
    return replace(
        CONFIG,
        server=replace(CONFIG.server, hsts=True),
        public_links=PublicLinksConfig(report_url="https://example.com/bad"),
    )


async def ask_both(house: House, way: WayOut) -> list[Exchange]:
    """The answer aside of the loop, where there is to be one, and the one on it."""
    scope, aside = way.build_request()
    with suppress(StorageUnavailableError):  # what cannot be read cannot be kept
        await cache_link(house.app, scope)
    assert house.app.answer_now(scope, aside) is way.is_aside
    assert bool(aside.status) is way.is_aside
    scope, answer = way.build_request()
    await house.app.__rsgi__(scope, answer)
    return [aside, answer] if way.is_aside else [answer]


def read_headers(answer: Exchange) -> list[tuple[str, str]]:
    """Sorted; with STYLE, SCRIPT, ID and SIGNED for what differs from page to page."""
    page = answer.body.decode()
    return sorted((name, _generalise(value, page)) for name, value in answer.headers)


def _generalise(value: str, page: str) -> str:
    for name in ("style", "script"):
        for text in re.findall(f"<{name}[^>]*>(.*?)</{name}>", page, re.DOTALL):
            digest = b64encode(sha256(html.unescape(text).encode()).digest()).decode()
            value = value.replace(f"'sha256-{digest}'", name.upper())
    return re.sub(r"shorty-\d+=\d{10}\.[\w-]{43};", "shorty-ID=SIGNED;", value)


def check(answers: list[Exchange], way: WayOut) -> None:
    for answer in answers:
        assert (answer.status, read_headers(answer)) == (
            way.status,
            sorted((COMMON | way.said).items()),
        )
        assert bool(answer.body) is ("content-type" in way.said)


@pytest.mark.parametrize("name", WAYS)
async def test_a_way_out_says_exactly_this(house: House, name: str) -> None:
    way = WAYS[name]
    if way.link is not None:
        await house.make_link(**({"domain": way.host} | way.link))
    house.clock[0] += MINUTE
    check(await ask_both(house, way), way)


@pytest.mark.parametrize("name", [name for name, way in WAYS.items() if way.link is not None])
async def test_a_way_out_at_an_alias_says_the_same(house: House, name: str) -> None:
    way = WAYS[name]
    link = way.link or {}
    own = {"slug": "own", "domain": "xn--bcher-kva.example"}
    alias = f"{way.host}/{link.get('slug', 'sale')}"
    await house.make_link(**(link | own | {"aliases": (alias,)}))
    house.clock[0] += MINUTE
    check(await ask_both(house, way), way)


async def test_a_link_that_is_used_up_says_exactly_this(house: House) -> None:
    await house.make_link(max_clicks=1)
    check(await ask_both(house, USED_UP[0]), USED_UP[0])
    for way in USED_UP[1:]:
        check(await ask_both(house, way), way)


async def test_a_blocked_link_says_exactly_this(house: House) -> None:
    link = await house.make_link()
    await house.app.db.write(
        lambda tx: tx.execute("update links set is_admin_blocked = 1 where id = $1", link.id)
    )
    for way in BLOCKED:
        check(await ask_both(house, way), way)


async def test_who_knew_the_password_is_led_on_exactly_so(house: House) -> None:
    await house.make_link(password="one")
    (answer,) = await ask_both(house, PASSWORDS["right"])
    cookie = {"cookie": dict(answer.headers)["set-cookie"].partition(";")[0]}
    for way in KNOWN:
        sent = replace(way, headers=cookie | way.headers)
        check(await ask_both(house, sent), way)


async def test_a_password_that_may_not_be_tried_says_exactly_this(house: House) -> None:
    await house.make_link(password="one")
    async with flood(VISITORS):
        for way in BUSY:
            check(await ask_both(house, way), way)
    for _ in range(10):
        check(await ask_both(house, PASSWORDS["wrong"]), PASSWORDS["wrong"])
    for way in LIMITED:
        check(await ask_both(house, way), way)


async def test_a_link_that_cannot_be_read_says_exactly_this(house: House) -> None:
    await house.make_link()
    await break_table(house.app.db, "links")
    for way in UNREADABLE:
        check(await ask_both(house, way), way)


# Each is found by (domain, slug) alone: no two of them lead to the same place.
LINKS: Final = (
    ("localhost:8000", "sale"),
    ("localhost:8000", "Sale"),
    ("localhost:8000", "caf\u00e9"),
    ("localhost:8000", "cafe"),
    ("localhost:8000", "\u2764\ufe0f"),
    ("localhost:8000", "#\ufe0f\u20e3"),
    ("localhost:8000", "\u65e5\u672c"),
    ("go.example", "sale"),
    ("go.example", "\u2764"),
    ("B\u00fccher.example", "sale"),
    ("B\u00fccher.example", "caf\u00e9"),
    ("anns.example", "sale"),
    ("bobs.example", "sale"),
)
SPELLINGS: Final = (
    ("localhost:8000", "/sale", ("localhost:8000", "sale")),
    ("localhost:8000", "/sale/", ("localhost:8000", "sale")),
    ("localhost:8000", "/s%61le", ("localhost:8000", "sale")),
    ("localhost:8000", "/Sale", ("localhost:8000", "Sale")),
    ("LOCALHOST:8000", "/sale", ("localhost:8000", "sale")),
    ("127.0.0.1:8000", "/sale", ("localhost:8000", "sale")),
    ("[::1]:8000", "/sale", ("localhost:8000", "sale")),
    ("localhost:8000", "/caf%C3%A9", ("localhost:8000", "caf\u00e9")),
    ("localhost:8000", "/cafe%CC%81", ("localhost:8000", "caf\u00e9")),
    ("localhost:8000", "/cafe%CC%81/", ("localhost:8000", "caf\u00e9")),
    ("localhost:8000", "/cafe", ("localhost:8000", "cafe")),
    ("localhost:8000", "/%E2%9D%A4", ("localhost:8000", "\u2764\ufe0f")),
    ("localhost:8000", "/%E2%9D%A4%EF%B8%8F", ("localhost:8000", "\u2764\ufe0f")),
    ("localhost:8000", "/%23%EF%B8%8F%E2%83%A3", ("localhost:8000", "#\ufe0f\u20e3")),
    ("localhost:8000", "/%E6%97%A5%E6%9C%AC", ("localhost:8000", "\u65e5\u672c")),
    ("go.example", "/sale", ("go.example", "sale")),
    ("GO.example.:443", "/sale", ("go.example", "sale")),
    ("go.example", "/%E2%9D%A4%EF%B8%8F", ("go.example", "\u2764")),
    ("xn--bcher-kva.example", "/sale", ("B\u00fccher.example", "sale")),
    ("XN--BCHER-KVA.example:443", "/cafe%CC%81", ("B\u00fccher.example", "caf\u00e9")),
    ("anns.example", "/sale", ("anns.example", "sale")),
    ("bobs.example", "/sale", ("bobs.example", "sale")),
    ("go.example", "/caf%C3%A9", None),
    ("bobs.example", "/Sale", ("bobs.example", "sale")),
    ("localhost:8000", "/SALE", None),
    ("localhost:8000", "/sale/more", None),
    ("localhost:8000", "/sal", None),
    ("localhost:8000", "/%2e%2e/sale", None),
    ("localhost:8000", "/API", None),
    ("localhost:8000", "/sale%00", None),
    ("localhost:9000", "/sale", None),
    ("other.example", "/sale", None),
    ("a" * 5000, "/sale", None),
    ("", "/sale", None),
)


async def make_second_house(house: House) -> House:
    """Another workspace; each of the two has proved a domain of its own."""
    db = house.app.db
    bob = await make_actor(db, await make_home(db, email="bob@b.example"), config=house.app.config)
    await prove_domain(db, house.actor, "anns.example")
    await prove_domain(db, bob, "bobs.example")
    await house.app.services.domains.reload()
    return house._replace(actor=bob)


async def prove_domain(db: Database, actor: Actor, host: str) -> None:
    domain = await db.write(lambda tx: add_domain(tx, actor, NewDomain(host=host), NOW))
    await db.write(lambda tx: mark_verified(tx, domain.id, NOW))


async def test_a_domain_and_a_slug_in_every_spelling_lead_to_their_own_place(house: House) -> None:
    bob = await make_second_house(house)
    links = {
        (domain, slug): await (bob if domain == "bobs.example" else house).make_link(
            domain=domain, slug=slug, url=f"https://example.com/{number}"
        )
        for number, (domain, slug) in enumerate(LINKS)
    }
    for host, path, expected in SPELLINGS:
        way = WayOut(status=404, said=show(), host=host, path=path)
        if expected is not None:
            way = replace(way, status=302, said=lead(links[expected].url))
        elif host == "go.example":
            way = replace(way, status=302, said=lead("https://example.com/lost"))
        # The first of a spelling of the host is left to the loop, which remembers it.
        house.app.services.domains.find_by_host(host)
        check(await ask_both(house, replace(way, is_aside=expected is not None)), way)
    asked_for = Counter(expected for _, _, expected in SPELLINGS)
    for key, link in links.items():
        owner = bob if key[0] == "bobs.example" else house
        assert (await owner.read_link(link)).click_count == 2 * asked_for[key], key


async def test_the_host_in_the_requests_line_is_the_one_that_is_asked(house: House) -> None:
    for domain in ("localhost:8000", "go.example"):
        await house.make_link(domain=domain, url=f"https://example.com/{domain[:2]}")
    scope, aside = WayOut(status=302, said=NOTHING).build_request()
    scope.authority = "go.example"
    with suppress(StorageUnavailableError):  # what cannot be read cannot be kept
        await cache_link(house.app, scope)
    assert house.app.answer_now(scope, aside)
    answer = Exchange(b"")
    await house.app.__rsgi__(scope, answer)
    for each in (aside, answer):
        assert dict(each.headers)["location"] == "https://example.com/go"


class TestUnset:
    """Nobody takes reports, and nothing is asked of browsers."""

    @pytest.fixture
    def config(self) -> Config:
        return CONFIG

    async def test_a_way_out_says_exactly_this(self, house: House) -> None:
        await house.make_link(domain=OURS)
        for way in UNSET:
            check(await ask_both(house, way), way)
