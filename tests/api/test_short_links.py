"""The short-link API's create, through the whole application and a real database."""

import asyncio
import re
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

import shorty
from shorty.api.short_link_answers import EXAMPLE, ShortLink, ShortLinkAnswer
from shorty.api.short_link_bodies import INPUT_EXAMPLE, ShortLinkInput
from shorty.api.short_links import take_public_link
from shorty.config import Config, DomainConfig, Plan
from shorty.config.settings import DefaultsConfig, PublicLinksConfig, ServerConfig, WebhooksConfig
from shorty.errors import RateLimitedError
from shorty.limits import RateLimits
from shorty.links.model import QrSettings
from tests.api.house import House
from tests.api.short_link_caller import DESTINATION, Caller, make_body, make_caller
from tests.seeds.texts import list_messages, list_short_link_fields, read_answer
from tests.support import MINUTE, NOW, make_token
from tests.test_fetch import answer_with, run_server

HOUR = 60 * MINUTE
NO_QR = dict.fromkeys(["preset", "bgColor", "color", "pattern", "corner", "logo", "qrLogoId"])


DOMAINS = (DomainConfig(host="go.example"), DomainConfig(host="localhost:8000"))
PUBLIC = PublicLinksConfig(enabled=True, per_hour_per_address=2)
OFFERING = Config(domains=DOMAINS, public_links=PUBLIC)


@pytest.fixture
async def caller(house: House) -> Caller:
    return await make_caller(house)


def limit(**numbers: Any) -> Config:
    """A server whose workspaces have a plan with these limits."""
    plan = Plan(name="small", **numbers)
    return Config(domains=DOMAINS, plans={"small": plan}, defaults=DefaultsConfig(plan="small"))


def trust(*proxies: str) -> Config:
    """A server that offers public links behind these proxies."""
    server = ServerConfig(trusted_proxies=proxies)
    return Config(domains=DOMAINS, public_links=PUBLIC, server=server)


# Answers


async def test_the_answer_has_the_keys_of_the_document_in_their_order_and_types(
    caller: Caller,
) -> None:
    answer = await caller.post(
        make_body(title="JS dev", expirationDate="2027-06-25T04:30:15.979Z", isQrGenerated=False)
    )
    documented = read_answer()
    assert answer.status_code == 201
    assert list(answer.json()) == list(documented)
    assert answer.json()["success"] is True
    assert answer.json()["message"] == documented["message"]
    data = answer.json()["data"]
    assert list(data) == list(documented["data"])
    for key, value in documented["data"].items():
        if key != "uniqueTagId":  # the document's link has one without tags
            assert type(data[key]) is type(value), key


async def test_a_plain_link_is_told_as_it_is(caller: Caller) -> None:
    data = await caller.create()
    row = await caller.read_row("id, created_by")
    assert data["id"] == row["id"]
    assert data["userId"] == caller.house.home.user.id == row["created_by"]
    told = {
        "type": "shortlink",
        "clicks": 0,
        "lbClicks": 0,
        "scans": 0,
        "destinationUrl": DESTINATION,
        "title": "",
        "titleLabel": "",
        "btnLabel": "Click Here",
        "brandedDomain": "go.example",
        "slashTag": "sale",
        "edit": 0,
        "isEdit": False,
        "tags": "",
        "uniqueTagId": None,
        "isActive": True,
        "isStarred": False,
        "expirationDate": None,
        "createdAt": "2026-11-22T12:00:00.000Z",
        "updatedAt": "2026-11-22T12:00:00.000Z",
        "password": None,
        "passwordProtectionEnabled": False,
        **NO_QR,
    }
    assert {key: data[key] for key in told} == told
    answer = await caller.visit("sale")
    assert (answer.status_code, answer.headers["location"]) == (302, DESTINATION)


def test_every_field_of_the_document_is_taken() -> None:
    taken = {field.encode_name for field in msgspec.structs.fields(ShortLinkInput)}
    documented = list_short_link_fields()
    assert len(documented) == 17
    assert set(documented) <= taken


async def test_the_examples_that_are_shown_are_true(caller: Caller) -> None:
    data = await caller.create(**INPUT_EXAMPLE | {"brandedDomain": "go.example"})
    made = {"id", "userId", "uniqueTagId", "brandedDomain", "qr"}  # the domain differs too
    assert {key: data[key] for key in data if key not in made} == {
        key: value for key, value in EXAMPLE["data"].items() if key not in made
    }
    msgspec.convert(EXAMPLE, ShortLinkAnswer)


@pytest.mark.parametrize("path", ["/api/v1/short-link", "/api/v1/shortlinks"])
async def test_it_answers_on_both_paths_with_the_rate_limit(caller: Caller, path: str) -> None:
    answer = await caller.post(make_body(), path=path)
    assert answer.status_code == 201
    assert answer.headers["x-ratelimit-limit"] == "6000"
    assert answer.headers["x-ratelimit-remaining"] == "5999"
    assert answer.headers["x-ratelimit-reset"] == str((NOW + MINUTE) // 1000)


# Fields


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"title": "  Summer SALE "}, {"title": "Summer SALE", "titleLabel": "summer sale"}),
        ({"btnLabel": "Buy"}, {"btnLabel": "Buy"}),
        ({"isLinkInBio": True}, {"type": "BIO_LINK"}),
        ({"isLinkInBio": True, "isQrGenerated": True}, {"type": "BIO_LINK"}),
        ({"isQrGenerated": True}, {"type": "shortlink", **NO_QR}),
        ({"slashTag": "caf\u00e9-\U0001f389"}, {"slashTag": "caf\u00e9-\U0001f389"}),
        ({"brandedDomain": "GO.Example"}, {"brandedDomain": "go.example"}),
        ({"utm_id": "7", "utm_term": "x"}, {"utm_id": "7", "utm_term": "x", "utm_source": None}),
        ({"tags": " sale, Summer ,,sale"}, {"tags": "sale,Summer"}),
        ({"title": None, "tags": None, "utm_id": None}, {"title": "", "tags": "", "utm_id": None}),
        ({"title": "", "tags": "", "btnLabel": ""}, {"tags": "", "btnLabel": "Click Here"}),
        ({"isActive": False, "id": 7, "clicks": 9, "unheard": [1]}, {"clicks": 0}),
    ],
)
async def test_a_field_is_told_again(
    caller: Caller, given: dict[str, Any], told: dict[str, Any]
) -> None:
    data = await caller.create(**given)
    assert {key: data[key] for key in told} == told


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("2027-06-25T04:30:15.979Z", "2027-06-25T04:30:15.979Z"),
        ("2027-06-25T10:00:15+05:30", "2027-06-25T04:30:15.000Z"),
        ("2027-06-25T04:30", "2027-06-25T04:30:00.000Z"),
        ("2027-06-25", "2027-06-25T00:00:00.000Z"),
        ("20270625T043000Z", "2027-06-25T04:30:00.000Z"),
        ("9999-12-31T23:59:59-14:00", "9999-12-31T23:59:59.999Z"),
        ("", None),
        (None, None),
    ],
)
async def test_a_link_expires_at_any_iso_time(
    caller: Caller, given: str | None, told: str | None
) -> None:
    assert (await caller.create(expirationDate=given))["expirationDate"] == told


async def test_a_link_stops_when_it_expires(caller: Caller) -> None:
    await caller.create(expirationDate="2026-11-22T12:05:00Z")
    caller.house.clock[0] += 5 * MINUTE - 1
    assert (await caller.visit("sale")).status_code == 302
    caller.house.clock[0] += 1
    assert (await caller.visit("sale")).status_code == 410


@pytest.mark.parametrize(
    ("given", "is_asked"),
    [
        ({"password": "open"}, True),
        ({"password": "open", "passwordProtectionEnabled": None}, True),
        ({"password": "open", "passwordProtectionEnabled": True}, True),
        ({"password": "open", "passwordProtectionEnabled": False}, False),
        ({"password": "", "passwordProtectionEnabled": False}, False),
        ({"password": None}, False),
    ],
)
async def test_a_password_protects_unless_it_is_switched_off(
    caller: Caller, given: dict[str, Any], *, is_asked: bool
) -> None:
    data = await caller.create(**given)
    assert (data["password"], data["passwordProtectionEnabled"]) == (None, is_asked)
    answer = await caller.visit("sale")
    assert answer.status_code == (200 if is_asked else 302)
    assert ('name="password"' in answer.text) == is_asked
    row = await caller.read_row("password_hash")
    assert (row["password_hash"] is not None) == bool(given["password"])


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ({}, None),
        ({"isQrGenerated": False}, None),
        ({"isQrGenerated": None, "qrSettings": None}, None),
        ({"qrSettings": {}}, None),
        ({"qrSettings": {"color": ""}}, None),
        ({"qrSettings": {"color": "#123456"}}, {"color": "#123456"}),
        ({"isQrGenerated": True}, {}),
        ({"isQrGenerated": True, "qrSettings": {"pattern": "dots"}}, {"pattern": "dots"}),
        ({"isQrGenerated": False, "qrSettings": {"pattern": "dots"}}, None),
        (
            {"qrSettings": {"bgColor": "#fff", "corner": "dot", "other": 1}},
            {"bgColor": "#fff", "corner": "dot"},
        ),
        (
            {"qrSettings": {"frame": "box", "text": "Scan me", "textColor": "#fff"}},
            {"frame": "box", "text": "Scan me", "textColor": "#fff"},
        ),
        (
            {"qrSettings": {"primary": "#111", "secondary": "#222", "qrType": "website"}},
            {"primary": "#111", "secondary": "#222", "qrType": "website"},
        ),
        (
            {"qrSettings": {"preset": "dark", "logo": "https://a.example/logo.png"}},
            {"preset": "dark", "logo": "https://a.example/logo.png"},
        ),
    ],
)
async def test_a_code_is_kept_with_its_settings(
    caller: Caller, given: dict[str, Any], stored: dict[str, Any] | None
) -> None:
    data = await caller.create(**given)
    text = (await caller.read_row("qr_settings"))["qr_settings"]
    assert (None if text is None else msgspec.json.decode(text)) == stored
    for key, value in (NO_QR | (stored or {})).items():
        assert data[key] == value, key


async def test_utm_parameters_are_added_to_the_destination(caller: Caller) -> None:
    utm = {
        f"utm_{name}": name for name in ("source", "medium", "campaign", "term", "content", "id")
    }
    data = await caller.create(destinationUrl="https://example.com/?a=1&utm_id=old#top", **utm)
    assert {key: data[key] for key in utm} == utm
    assert data["destinationUrl"] == "https://example.com/?a=1&utm_id=old#top"
    location = (await caller.visit("sale")).headers["location"]
    assert location.startswith("https://example.com/?a=1&utm_")
    assert location.endswith("#top")
    assert all(f"{key}={value}" in location for key, value in utm.items())
    assert "old" not in location


async def test_tags_are_made_once_and_shared(caller: Caller) -> None:
    first = await caller.create(tags="sale,summer")
    second = await caller.create(slashTag="other", tags="Summer")
    rows = await caller.house.app.db.find_all("select id, name from tags order by id")
    assert [row["name"] for row in rows] == ["sale", "summer"]
    assert first["uniqueTagId"] == rows[0]["id"]
    assert second["uniqueTagId"] == rows[1]["id"]
    assert second["tags"] == "summer"


async def test_a_slug_of_another_script_leads_on(caller: Caller) -> None:
    await caller.create(slashTag="\u65e5\u672c-\u2764\ufe0f")
    assert (await caller.visit("%E6%97%A5%E6%9C%AC-%E2%9D%A4")).status_code == 302


@pytest.mark.parametrize(
    "config", [Config(domains=DOMAINS, webhooks=WebhooksConfig(allow_private=True))]
)
async def test_a_title_is_fetched_behind_the_request(caller: Caller) -> None:
    page = answer_with(b"<!doctype html><title>JS dev</title>")
    async with run_server(page) as server:
        url = f"http://127.0.0.1:{server.port}/"
        assert (await caller.create(destinationUrl=url))["title"] == ""
        await caller.create(destinationUrl=url, slashTag="own", title="Mine")
        await caller.house.app.services.page_fetcher.finish()
    rows = await caller.house.app.db.find_all("select title from links order by id")
    assert [row["title"] for row in rows] == ["JS dev", "Mine"]
    # And the host's icon, which does not exist here.
    assert [request.split()[1] for request in server.requests] == ["/", "/favicon.ico"]


async def test_a_whole_object_can_be_sent_back(caller: Caller) -> None:
    data = await caller.create(title="Sale", tags="a,b", expirationDate="2027-01-01", utm_id="7")
    again = await caller.create(**data | {"slashTag": "again"})
    assert again["id"] != data["id"]
    same = ("destinationUrl", "title", "tags", "expirationDate", "utm_id", "brandedDomain")
    assert {key: again[key] for key in same} == {key: data[key] for key in same}


async def test_the_links_api_reads_the_same_link(caller: Caller, client: httpx.AsyncClient) -> None:
    data = await caller.create(**INPUT_EXAMPLE | {"brandedDomain": "go.example"})
    link = (await client.get(f"/api/v1/links/{data['id']}")).json()["link"]
    same = {
        "id": str(data["id"]),
        "originalUrl": data["destinationUrl"],
        "domain": data["brandedDomain"],
        "shortCode": data["slashTag"],
        "title": data["title"],
        "expiresAt": data["expirationDate"],
        "utmSource": data["utm_source"],
        "utmMedium": data["utm_medium"],
        "utmCampaign": data["utm_campaign"],
        "hasPassword": data["passwordProtectionEnabled"],
        "isActive": data["isActive"],
        "createdAt": data["createdAt"],
        "updatedAt": data["updatedAt"],
    }
    assert {key: link[key] for key in same} == same
    assert link["createdBy"]["id"] == str(data["userId"])
    assert [each["tag"]["name"] for each in link["tags"]] == data["tags"].split(",")
    assert link["tags"][0]["tag"]["id"] == str(data["uniqueTagId"])
    others = {"url", "warnings"}
    settings = {key: value for key, value in link["qrCode"].items() if key not in others}
    assert {key: data[key] for key in settings} == settings
    assert link["qrCode"]["url"] == data["qr"]


# Forms


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ({}, {"type": "shortlink", "title": ""}),
        ({"title": "A & B", "tags": "x,y", "utm_id": "7"}, {"title": "A & B", "tags": "x,y"}),
        ({"isLinkInBio": "true", "public": "false"}, {"type": "BIO_LINK"}),
        ({"isLinkInBio": "1", "public": "0"}, {"type": "BIO_LINK"}),
        ({"isLinkInBio": "", "expirationDate": ""}, {"type": "shortlink", "expirationDate": None}),
        ({"password": "x"}, {"passwordProtectionEnabled": True}),
        ({"qrSettings[color]": "#123456", "qrSettings[frame]": "1"}, {"color": "#123456"}),
        ({"qrSettings": '{"pattern": "dots"}'}, {"pattern": "dots"}),
    ],
)
async def test_a_form_makes_the_same_link(
    caller: Caller, form: dict[str, str], told: dict[str, Any]
) -> None:
    answer = await caller.post(make_body(**form), as_form=True)
    assert answer.status_code == 201, answer.text
    data = answer.json()["data"]
    assert {key: data[key] for key in told} == told
    assert (await caller.visit("sale")).status_code in {200, 302}


# Errors


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"destinationUrl": None}, "destinationUrl: must be text"),
        ({"destinationUrl": ""}, "destinationUrl: "),
        ({"destinationUrl": "javascript:alert(1)"}, "destinationUrl: "),
        ({"destinationUrl": "https://malware.example/x"}, "a host that this server blocks"),
        ({"destinationUrl": "https://a.malware.example"}, "a host that this server blocks"),
        ({"destinationUrl": "https://go.example/x"}, "which would create a loop"),
        ({"brandedDomain": "other.example"}, "brandedDomain: is not a verified domain"),
        ({"brandedDomain": ""}, "brandedDomain: "),
        ({"slashTag": ""}, "slashTag: "),
        ({"slashTag": "two words"}, "but not a space"),
        ({"slashTag": "x" * 129}, "1 to 128 characters"),
        ({"slashTag": "API"}, "slashTag: is reserved"),
        ({"title": 5}, "title: must be text or null"),
        ({"title": "x" * 501}, "title: may be at most 500"),
        ({"tags": ["a"]}, "tags: must be text or null"),
        ({"tags": "x" * 51}, "tags: "),
        ({"tags": ",".join(map(str, range(51)))}, "tags: may name at most 50"),
        ({"expirationDate": "tomorrow"}, "expirationDate: must be an ISO 8601 time"),
        ({"expirationDate": 1795348800}, "expirationDate: must be text"),
        ({"expirationDate": "2026-11-22T12:00:00Z"}, "expirationDate: must be in the future"),
        ({"password": "x" * 257}, "password: "),
        ({"passwordProtectionEnabled": True}, "passwordProtectionEnabled: needs a password"),
        ({"passwordProtectionEnabled": "yes"}, "must be true or false"),
        ({"utm_source": "x" * 501}, "utm_source: may be at most"),
        ({"isQrGenerated": 1}, "isQrGenerated: must be true or false"),
        ({"qrSettings": "classy"}, "qrSettings: must be an object"),
        ({"qrSettings": {"color": "red"}}, "qrSettings: color must be a colour"),
        ({"qrSettings": {"bgColor": "red"}}, "qrSettings: bgColor must be a colour"),
        ({"qrSettings": {"pattern": "stars"}}, "qrSettings: pattern must be square, dots"),
        ({"qrSettings": {"corner": 5}}, "qrSettings: must be text or null (at corner)"),
        ({"isLinkInBio": "no"}, "isLinkInBio: must be true or false"),
        ({"btnLabel": "x" * 101}, "btnLabel: may be at most 100"),
        ({"public": "maybe"}, "public: must be true or false"),
    ],
)
async def test_a_faulty_field_is_a_bad_request(
    caller: Caller, changes: dict[str, Any], sentence: str
) -> None:
    answer = await caller.post(make_body(**changes))
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/json"
    assert list(answer.json()) == ["error", "data"]
    assert answer.json()["error"] is True
    assert sentence in answer.json()["data"]["message"]
    assert await caller.house.app.db.find_all("select id from links") == []


async def test_all_faulty_fields_are_named_at_once(caller: Caller) -> None:
    answer = await caller.post({"title": 5})
    assert answer.json()["data"]["message"] == (
        "destinationUrl: is required; brandedDomain: is required; slashTag: is required; "
        "title: must be text or null"
    )


async def test_a_taken_slug_is_a_bad_request(caller: Caller) -> None:
    await caller.create()
    answer = await caller.post(make_body(destinationUrl="https://example.com/other"))
    assert answer.status_code == 400
    assert answer.json() == {
        "error": True,
        "data": {"message": "The slug 'sale' is already taken on go.example; choose another."},
    }
    assert (await caller.visit("sale")).headers["location"] == DESTINATION


@pytest.mark.parametrize(
    ("body", "content_type", "status", "sentence"),
    [
        (b"{", "application/json", 400, "The body is not JSON"),
        (b"[]", "application/json", 400, "must be a JSON object"),
        (b"", "application/json", 400, "The body is not JSON"),
        (b"a=%ff", "application/x-www-form-urlencoded", 400, "not a form in UTF-8"),
        (b"<xml/>", "text/xml", 415, "application/json or application/x-www-form-urlencoded"),
        (b" " * (1024 * 1024 + 1), "application/json", 413, "at most 1,048,576 bytes"),
    ],
)
async def test_a_body_that_cannot_be_read_is_refused(
    caller: Caller, body: bytes, content_type: str, status: int, sentence: str
) -> None:
    answer = await caller.post(body, content_type=content_type)
    assert answer.status_code == status
    assert answer.json()["error"] is True
    assert sentence in answer.json()["data"]["message"]


@pytest.mark.parametrize(
    "authorization", ["", "Bearer", "Bearer shorty_wrong", "Basic YTpi", "Bearer YOUR_ACCESS_TOKEN"]
)
async def test_without_a_good_token_nobody_is_authorized(
    caller: Caller, authorization: str
) -> None:
    answer = await caller.post(make_body(), authorization=authorization)
    assert answer.status_code == 401
    assert answer.json() == {"message": "Unauthorized!"}
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_token_that_only_reads_is_forbidden(caller: Caller) -> None:
    token = await make_token(caller.house.app.db, caller.house.home, scope="read")
    answer = await caller.post(make_body(), authorization=f"Bearer {token}")
    assert answer.status_code == 403
    assert answer.json()["error"] is True
    assert "write" in answer.json()["data"]["message"]


@pytest.mark.parametrize(
    ("config", "field", "quota", "waits"),
    [
        (limit(links=1), {}, "Link", False),
        (limit(links_per_month=1), {}, "Link", True),
        (limit(qr_codes=1), {"isQrGenerated": True}, "Qr Code", False),
        (limit(bio_pages=1), {"isLinkInBio": True}, "Bio Page", False),
    ],
)
async def test_a_full_plan_is_told_in_the_words_of_the_document(
    caller: Caller, field: dict[str, Any], quota: str, *, waits: bool
) -> None:
    await caller.create(**field)
    answer = await caller.post(make_body(slashTag="more", **field))
    message = f"{quota} Limit Exceeded for your current plan. Please upgrade!"
    assert message in list_messages()
    assert answer.status_code == 429
    assert answer.json() == {"error": True, "data": {"message": message}}
    assert ("retry-after" in answer.headers) == waits
    assert (await caller.visit("more")).status_code == 404


@pytest.mark.parametrize("config", [limit(requests_per_minute=1)])
async def test_too_many_requests_wait(caller: Caller) -> None:
    await caller.create()
    answer = await caller.post(make_body(slashTag="more"))
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "60"
    assert answer.headers["x-ratelimit-remaining"] == "0"
    assert "try again in 60 s" in answer.json()["data"]["message"]


async def test_of_many_at_once_one_gets_the_slug(caller: Caller) -> None:
    answers = await asyncio.gather(*(caller.post(make_body()) for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [201] + [400] * 9


# Retries


async def test_a_retry_with_its_key_is_answered_as_before(caller: Caller) -> None:
    first = await caller.post(make_body(), idempotency_key="k1")
    again = await caller.post(make_body(), idempotency_key="k1")
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert len(await caller.house.app.db.find_all("select id from links")) == 1


async def test_a_key_stands_for_one_request(caller: Caller) -> None:
    await caller.post(make_body(), idempotency_key="k1")
    answer = await caller.post(make_body(slashTag="other"), idempotency_key="k1")
    assert answer.status_code == 400
    assert "different request" in answer.json()["data"]["message"]


# Public links


@pytest.mark.parametrize("config", [OFFERING])
async def test_a_public_link_needs_no_token_where_that_is_allowed(caller: Caller) -> None:
    body = make_body(public=True, expirationDate="2030-01-01", title="Ours", utm_id="7")
    answer = await caller.post(body, authorization="")
    assert answer.status_code == 201
    data = answer.json()["data"]
    assert data["userId"] == 0
    assert data["expirationDate"] == "2026-11-22T13:00:00.000Z"
    visit = await caller.visit("sale")
    assert visit.headers["location"] == f"{DESTINATION}?utm_id=7"
    caller.house.clock[0] += HOUR
    assert (await caller.visit("sale")).status_code == 410


@pytest.mark.parametrize("public", [True, False])
async def test_without_a_token_nothing_is_made_where_the_operator_allows_no_public_links(
    caller: Caller, *, public: bool
) -> None:
    answer = await caller.post(make_body(public=public), authorization="")
    assert (answer.status_code, answer.json()) == (401, {"message": "Unauthorized!"})


@pytest.mark.parametrize("config", [OFFERING])
@pytest.mark.parametrize(
    "body",
    [
        make_body(),
        make_body(public=False),
        make_body(public="true"),
        {"title": 5},
    ],
)
async def test_what_is_not_public_needs_a_token_all_the_same(
    caller: Caller, body: dict[str, Any]
) -> None:
    answer = await caller.post(body, authorization="")
    assert (answer.status_code, answer.json()) == (401, {"message": "Unauthorized!"})


@pytest.mark.parametrize("config", [OFFERING])
async def test_a_bad_token_is_bad_for_a_public_link_too(caller: Caller) -> None:
    answer = await caller.post(make_body(public=True), authorization="Bearer shorty_wrong")
    assert answer.status_code == 401


@pytest.mark.parametrize("config", [OFFERING])
async def test_a_public_link_can_come_from_a_form(caller: Caller) -> None:
    answer = await caller.post(make_body(public="true"), as_form=True, authorization="")
    assert (answer.status_code, answer.json()["data"]["userId"]) == (201, 0)


@pytest.mark.parametrize("config", [OFFERING])
@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"password": "x"}, "password: needs an account"),
        ({"isLinkInBio": True}, "isLinkInBio: needs an account"),
        ({"isQrGenerated": True}, "qrSettings: needs an account"),
        ({"tags": "a"}, "tags: needs an account"),
        ({"destinationUrl": "https://malware.example"}, "blocks"),
        ({"brandedDomain": "ann.example"}, "brandedDomain: "),
        ({"slashTag": None}, "slashTag: must be text"),
    ],
)
async def test_a_public_link_is_a_plain_one(
    caller: Caller, changes: dict[str, Any], sentence: str
) -> None:
    answer = await caller.post(make_body(public=True, **changes), authorization="")
    assert answer.status_code == 400
    assert sentence in answer.json()["data"]["message"]


@pytest.mark.parametrize("config", [OFFERING])
async def test_an_address_makes_only_so_many_public_links_an_hour(caller: Caller) -> None:

    async def post(slug: str, peer: str) -> int:
        body = make_body(public=True, slashTag=slug)
        return (await caller.post(body, authorization="", peer=peer)).status_code

    assert [await post(slug, "192.0.2.1:1") for slug in ("a", "b", "c")] == [201, 201, 429]
    assert await post("d", "192.0.2.2:1") == 201
    refused = await caller.post(
        make_body(public=True, slashTag="e"), authorization="", peer="192.0.2.1:2"
    )
    assert refused.headers["retry-after"] == "3600"
    assert refused.json()["error"] is True
    caller.house.clock[0] += HOUR
    assert await post("f", "192.0.2.1:1") == 201


@pytest.mark.parametrize("config", [OFFERING])
async def test_a_network_makes_ten_times_as_many_public_links(caller: Caller) -> None:
    peers = [f"192.0.2.{number}:1" for number in range(11) for _ in range(2)]
    bodies = [make_body(public=True, slashTag=f"s{number}") for number in range(22)]
    answers = [
        await caller.post(body, authorization="", peer=peer)
        for body, peer in zip(bodies, peers, strict=True)
    ]
    assert [answer.status_code for answer in answers] == [201] * 20 + [429] * 2
    assert answers[-1].headers["retry-after"] == "3600"
    beside = await caller.post(bodies[-1], authorization="", peer="192.0.3.1:1")
    assert beside.status_code == 201


async def test_what_one_limit_of_public_links_refuses_counts_for_the_other_neither() -> None:
    limits = RateLimits()

    async def take(*addresses: str) -> int:
        """The number of refused requests."""
        refused = 0
        for address in addresses:
            try:
                await take_public_link(limits, address, 2, NOW)
            except RateLimitedError:
                refused += 1
        return refused

    assert await take(*["2001:db8:1::1"] * 100) == 98
    assert await take(*[f"2001:db8:1:{number:x}::1" for number in range(1, 40)]) == 39 - 18
    assert len(limits.public_links) == 19
    assert await take("2001:db8:2::1", "2001:db8:2::2", "2001:db8:2::3") == 1


@pytest.mark.parametrize("config", [OFFERING])
async def test_a_refused_try_at_a_public_link_counts_too(caller: Caller) -> None:
    wrong = [{}, make_body(public=True, destinationUrl=5)]
    refused = [await caller.post(body, authorization="") for body in wrong]
    assert [answer.status_code for answer in refused] == [401, 400]
    assert (await caller.post(make_body(public=True), authorization="")).status_code == 429


@pytest.mark.parametrize(
    ("config", "statuses"),
    [(trust("127.0.0.1"), [201, 201, 201, 201]), (trust(), [201, 201, 429, 429])],
)
async def test_the_address_is_the_one_that_trusted_proxies_tell(
    caller: Caller, statuses: list[int]
) -> None:
    made = [
        await caller.post(
            make_body(public=True, slashTag=f"s{number}"),
            authorization="",
            peer="127.0.0.1:50000",
            x_forwarded_for=f"192.0.2.{number}",
        )
        for number in range(4)
    ]
    assert [answer.status_code for answer in made] == statuses


async def test_with_a_token_a_public_link_is_its_owners_for_that_hour(caller: Caller) -> None:
    data = await caller.create(public=True, expirationDate="2020-01-01", tags="a", password="x")
    assert data["userId"] == caller.house.home.user.id
    assert data["expirationDate"] == "2026-11-22T13:00:00.000Z"
    assert data["passwordProtectionEnabled"] is True
    row = await caller.read_row("workspace_id, is_public")
    assert (row["workspace_id"], row["is_public"]) == (caller.house.home.workspace.id, 1)


# The manual


def test_the_manual_explains_every_field_and_every_key() -> None:
    page = (Path(shorty.__file__).parent / "manual" / "short-links.md").read_text("utf-8")
    takes, answers = page.partition("## Response fields")[::2]
    for part, kind in ((takes, ShortLinkInput), (answers, ShortLink)):
        rows = re.findall(r"^\| (`.+?) \|", part, re.MULTILINE)
        named = re.findall(r"`(\w+)`", " ".join(rows))
        assert sorted(named) == sorted(kind.__struct_encode_fields__)
    settings = takes.partition("`qrSettings` accepts")[2]
    assert all(f"`{name}`" in settings for name in QrSettings.__struct_encode_fields__)
    assert all(message.partition(" Limit")[0] in answers for message in list_messages())
