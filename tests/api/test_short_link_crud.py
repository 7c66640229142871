"""The short-link API beside its create: listing, reading, changing and deleting."""

from typing import Any

import httpx
import pytest

from shorty.config import Config, Plan
from shorty.config.settings import DefaultsConfig, PublicLinksConfig
from tests.api.conftest import DOMAINS
from tests.api.house import House
from tests.api.short_link_caller import DESTINATION, Caller, make_body, make_caller

LINKS = "/api/v1/short-link"
SETTINGS = {"color": "#1d4ed8", "pattern": "dots", "frame": "box", "text": "Menu"}


@pytest.fixture
async def caller(house: House) -> Caller:
    return await make_caller(house)


def limit(**numbers: Any) -> Config:
    """A server whose workspaces have a plan with these limits."""
    plan = Plan(name="small", **numbers)
    return Config(domains=DOMAINS, plans={"small": plan}, defaults=DefaultsConfig(plan="small"))


async def change(client: httpx.AsyncClient, link_id: int, body: dict[str, Any]) -> dict[str, Any]:
    answer = await client.put(f"{LINKS}/{link_id}", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["message"] == "Short Link Updated Successfully."
    return answer.json()["data"]


async def list_slugs(client: httpx.AsyncClient, **query: str) -> list[str]:
    answer = await client.get(LINKS, params=query)
    assert answer.status_code == 200, answer.text
    return [link["slashTag"] for link in answer.json()["resultData"]]


def list_refusal(answer: httpx.Response) -> tuple[int, bool]:
    body = answer.json()
    assert list(body) == ["error", "data"]
    assert list(body["data"]) == ["message"]
    return answer.status_code, body["error"]


# Reading


async def test_a_list_has_the_keys_of_the_product_and_every_objects_keys(
    client: httpx.AsyncClient, caller: Caller
) -> None:
    made = await caller.create(title="Sale", isQrGenerated=True)
    answer = await client.get(LINKS)
    assert answer.json() == {
        "message": "Short Links Fetched Successfully.",
        "success": True,
        "resultData": [made],
        "error": False,
    }
    assert "x-next-cursor" not in answer.headers


async def test_nothing_is_listed_where_nothing_is(client: httpx.AsyncClient) -> None:
    assert await list_slugs(client) == []


@pytest.mark.parametrize(
    ("wanted", "slugs"),
    [
        ({}, ["bio-code", "code", "page", "coded", "plain"]),
        ({"type": ""}, ["bio-code", "code", "page", "coded", "plain"]),
        ({"type": "SHORT_LINK"}, ["coded", "plain"]),
        ({"type": "shortlink"}, ["coded", "plain"]),
        ({"type": "QR"}, ["bio-code", "code"]),
        ({"type": "BIO_LINK"}, ["page"]),
        ({"type": "BIO_PAGE"}, ["page"]),
        ({"type": "bio-link"}, ["page"]),
        ({"type": "QR_N_BIO_PAGE"}, ["bio-code", "code", "page"]),
    ],
)
async def test_a_list_is_of_the_types_asked_for(
    client: httpx.AsyncClient, caller: Caller, wanted: dict[str, str], slugs: list[str]
) -> None:
    await caller.create(slashTag="plain")
    await caller.create(slashTag="coded", isQrGenerated=True)
    await caller.create(slashTag="page", isLinkInBio=True)
    for body in (make_body(slashTag="code"), make_body(slashTag="bio-code", isLinkInBio=True)):
        await caller.post(body, path="/api/v1/qr-code")
    assert await list_slugs(client, **wanted) == slugs


@pytest.mark.parametrize("wanted", [{}, {"type": "QR"}, {"type": "SHORT_LINK"}])
async def test_a_list_comes_page_by_page(
    client: httpx.AsyncClient, caller: Caller, wanted: dict[str, str]
) -> None:
    path = "/api/v1/qr-code" if wanted.get("type") == "QR" else LINKS
    for number in range(5):
        await caller.post(make_body(slashTag=f"s{number}"), path=path)
    slugs: list[str] = []
    query = {"limit": "2", **wanted}
    for size in (2, 2, 1):
        answer = await client.get(LINKS, params=query)
        page = [link["slashTag"] for link in answer.json()["resultData"]]
        assert len(page) == size
        slugs += page
        query["cursor"] = answer.headers.get("x-next-cursor", "")
    assert slugs == ["s4", "s3", "s2", "s1", "s0"]
    assert query["cursor"] == ""


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"type": "PAGE"}, '"QR_N_BIO_PAGE"'),
        ({"limit": "0"}, "limit: must be"),
        ({"limit": "101"}, "limit: must be"),
        ({"limit": "many"}, "limit: must be"),
        ({"cursor": "x"}, "cursor: must be"),
    ],
)
async def test_a_faulty_query_is_a_bad_request(
    client: httpx.AsyncClient, query: dict[str, str], sentence: str
) -> None:
    answer = await client.get(LINKS, params=query)
    assert list_refusal(answer) == (400, True)
    assert sentence in answer.json()["data"]["message"]


async def test_a_single_link_is_read(client: httpx.AsyncClient, caller: Caller) -> None:
    made = await caller.create(title="Sale")
    answer = await client.get(f"{LINKS}/{made['id']}")
    assert answer.json() == {
        "success": True,
        "message": "Short Link Fetched Successfully.",
        "data": made,
    }


# Changing


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"destinationUrl": "https://example.com/new"}, None),
        ({"brandedDomain": "localhost:8000"}, None),
        ({"slashTag": "other"}, None),
        ({"title": "New SALE"}, {"title": "New SALE", "titleLabel": "new sale"}),
        ({"title": None}, {"title": "", "titleLabel": ""}),
        ({"tags": "b, c"}, {"tags": "b,c"}),
        ({"tags": None}, {"tags": "", "uniqueTagId": None}),
        ({"expirationDate": "2031-01-01"}, {"expirationDate": "2031-01-01T00:00:00.000Z"}),
        ({"expirationDate": None}, None),
        ({"expirationDate": ""}, {"expirationDate": None}),
        ({"password": None}, {"passwordProtectionEnabled": False}),
        ({"password": ""}, {"passwordProtectionEnabled": False}),
        ({"passwordProtectionEnabled": False}, None),
        ({"utm_source": "x"}, None),
        ({"utm_source": None}, None),
        ({"utm_medium": "x"}, None),
        ({"utm_campaign": "x"}, None),
        ({"utm_term": "x"}, None),
        ({"utm_content": "x"}, None),
        ({"utm_id": "x"}, None),
        ({"isLinkInBio": True}, {"type": "BIO_LINK", "linkInBioId": 1}),
        ({"btnLabel": "Buy"}, None),
        ({"btnLabel": None}, {"btnLabel": "Click Here"}),
        ({"isActive": False}, None),
        ({"isStarred": True}, None),
        ({"isQrGenerated": False}, {"qr": None, **dict.fromkeys(SETTINGS)}),
        ({"qrSettings": {"color": "#14532d"}}, {"color": "#14532d"}),
        ({"pattern": "classy", "frame": None}, None),
    ],
)
async def test_what_is_given_changes_and_all_else_stays(
    client: httpx.AsyncClient,
    caller: Caller,
    given: dict[str, Any],
    told: dict[str, Any] | None,
) -> None:
    made = await caller.create(
        title="Menu",
        tags="a,b",
        btnLabel="Go",
        password="open",
        expirationDate="2030-01-01",
        utm_source="s",
        qrSettings=SETTINGS,
    )
    changed = await change(client, made["id"], given)
    expected = told or given
    assert {key: changed[key] for key in expected} == expected
    beside = {"edit", "isEdit", "updatedAt", "uniqueTagId", "qr"}
    assert {key for key in made if made[key] != changed[key]} - beside == set(expected) - beside
    assert (changed["edit"], changed["isEdit"]) == (1, True)
    assert (await client.get(f"{LINKS}/{made['id']}")).json()["data"] == changed


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"password": "open"},
        {"password": "open", "passwordProtectionEnabled": False},
        {"title": "Menu", "tags": "a,b", "btnLabel": "Go", "expirationDate": "2030-01-01"},
        {"qrSettings": SETTINGS},
        {"isQrGenerated": True},
        {"isLinkInBio": True, "utm_id": "7"},
        {"public": True},
    ],
)
async def test_an_object_put_back_changes_nothing(
    client: httpx.AsyncClient, caller: Caller, fields: dict[str, Any]
) -> None:
    made = await caller.create(**fields)
    before = await caller.read_row("password_hash, is_password_asked, is_public, expires_at")
    assert await change(client, made["id"], made) == made
    assert await caller.read_row(", ".join(before)) == before


async def test_an_object_put_back_leaves_the_start_as_it_is(
    client: httpx.AsyncClient, caller: Caller
) -> None:
    made = await caller.create()
    path = f"/api/v1/links/{made['id']}"
    await client.patch(path, json={"validSince": "2030-01-01T00:00:00Z"})
    shown = await change(client, made["id"], made | {"title": "New"})
    assert "validSince" not in shown
    assert (await client.get(path)).json()["link"]["validSince"] == "2030-01-01T00:00:00.000Z"
    early = {"expirationDate": "2029-01-01"}
    answer = await client.put(f"/api/v1/short-link/{made['id']}", json=early)
    assert answer.status_code == 400
    assert "expirationDate: must be after the link becomes valid" in answer.text


async def test_a_visitor_sees_a_change_at_once(client: httpx.AsyncClient, caller: Caller) -> None:
    made = await caller.create()
    assert (await caller.visit("sale")).headers["location"] == DESTINATION
    changes = {"destinationUrl": "https://example.com/new", "slashTag": "other"}
    await change(client, made["id"], changes | {"utm_id": "7", "unheard": [1]})
    for slug in ("other", "sale"):  # the former one is kept as an alias, for it was visited
        location = (await caller.visit(slug)).headers["location"]
        assert location == "https://example.com/new?utm_id=7"


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"destinationUrl": "https://malware.example"}, "blocks"),
        ({"destinationUrl": None}, "destinationUrl: must be text"),
        ({"slashTag": "taken"}, "already taken"),
        ({"slashTag": "two words"}, "slashTag: "),
        ({"brandedDomain": "other.example"}, "brandedDomain: "),
        ({"expirationDate": "2020-01-01"}, "expirationDate: must be in the future"),
        ({"title": 5}, "title: must be text"),
        ({"color": "red"}, "color must be a colour"),
        ({"isActive": "yes"}, "isActive: must be true or false"),
    ],
)
async def test_a_faulty_change_is_a_bad_request(
    client: httpx.AsyncClient, caller: Caller, given: dict[str, Any], sentence: str
) -> None:
    made = await caller.create()
    await caller.create(slashTag="taken")
    answer = await client.put(f"{LINKS}/{made['id']}", json=given)
    assert list_refusal(answer) == (400, True)
    assert sentence in answer.json()["data"]["message"]
    assert (await client.get(f"{LINKS}/{made['id']}")).json()["data"] == made


@pytest.mark.parametrize("config", [limit(edits_per_month=1)])
async def test_a_plan_without_edits_left_is_told_in_the_ending_of_the_document(
    client: httpx.AsyncClient, caller: Caller
) -> None:
    made = await caller.create()
    edited = await change(client, made["id"], {"title": "One"})
    answer = await client.put(f"{LINKS}/{made['id']}", json={"title": "Two"})
    message = "Edit Limit Exceeded for your current plan. Please upgrade!"
    assert answer.status_code == 429
    assert answer.json() == {"error": True, "data": {"message": message}}
    assert int(answer.headers["retry-after"]) > 0
    assert await change(client, made["id"], edited) == edited


# Deleting


async def test_a_deleted_link_stops_and_frees_its_slug(
    client: httpx.AsyncClient, caller: Caller
) -> None:
    made = await caller.create()
    assert (await caller.visit("sale")).status_code == 302
    answer = await client.delete(f"{LINKS}/{made['id']}")
    assert (answer.status_code, answer.json()) == (
        200,
        {"success": True, "message": "Short Link Deleted Successfully."},
    )
    assert (await caller.visit("sale")).status_code == 404
    assert list_refusal(await client.delete(f"{LINKS}/{made['id']}")) == (404, True)
    assert (await caller.create())["id"] != made["id"]


# What is refused


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize("name", ["99", "none", "-1", "1" * 30])
async def test_what_is_not_there_is_told_in_the_shape_of_the_product(
    client: httpx.AsyncClient, method: str, name: str
) -> None:
    answer = await client.request(method, f"{LINKS}/{name}", json={})
    assert list_refusal(answer) == (404, True)
    assert answer.json()["data"]["message"].endswith(" not found.")


async def test_another_workspaces_links_are_not_there(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient, caller: Caller
) -> None:
    made = await caller.create()
    path = f"{LINKS}/{made['id']}"
    assert await list_slugs(stranger) == []
    assert list_refusal(await stranger.get(path)) == (404, True)
    assert list_refusal(await stranger.put(path, json={"title": "Eve"})) == (404, True)
    assert list_refusal(await stranger.delete(path)) == (404, True)
    assert (await client.get(path)).json()["data"] == made


CALLS = [
    ("GET", LINKS),
    ("GET", f"{LINKS}/1"),
    ("PUT", f"{LINKS}/1"),
    ("DELETE", f"{LINKS}/1"),
    ("POST", "/api/v1/import-short-link"),
    ("POST", "/api/v1/bulk-delete"),
    ("POST", "/api/v1/shortlinks/bulk-delete"),
]


@pytest.mark.parametrize(
    "config", [Config(domains=DOMAINS, public_links=PublicLinksConfig(enabled=True))]
)
@pytest.mark.parametrize(("method", "path"), CALLS)
async def test_a_token_is_needed_also_where_public_links_are_allowed(
    house: House, method: str, path: str
) -> None:
    nobody = await house.make_client(token="")
    answer = await nobody.request(method, path, json={"public": True})
    assert (answer.status_code, answer.json()) == (401, {"message": "Unauthorized!"})


@pytest.mark.parametrize(("method", "path"), CALLS)
async def test_a_token_that_only_reads_changes_nothing(
    house: House, method: str, path: str
) -> None:
    reader = await house.make_client(scope="read")
    answer = await reader.request(method, path, json={})
    assert answer.status_code == (403 if method != "GET" else 404 if path[-1] == "1" else 200)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", LINKS, "GET, HEAD, OPTIONS, POST"),
        ("GET", "/api/v1/shortlinks", "OPTIONS, POST"),
        ("GET", "/api/v1/import-short-link", "OPTIONS, POST"),
        ("GET", "/api/v1/bulk-delete", "OPTIONS, POST"),
        ("GET", "/api/v1/shortlinks/bulk-delete", "OPTIONS, POST"),
        ("GET", "/api/v1/qr-code", "OPTIONS, POST"),
        ("POST", f"{LINKS}/1", "DELETE, GET, HEAD, OPTIONS, PUT"),
    ],
)
async def test_another_method_is_refused_in_the_shape_of_the_product(
    client: httpx.AsyncClient, method: str, path: str, allowed: str
) -> None:
    answer = await client.request(method, path)
    assert list_refusal(answer) == (405, True)
    assert sorted(answer.headers["allow"].split(", ")) == allowed.split(", ")


async def test_an_unknown_path_below_is_refused_in_the_shape_of_the_product(
    client: httpx.AsyncClient,
) -> None:
    assert list_refusal(await client.get(f"{LINKS}/1/clicks")) == (404, True)
    other = await client.get("/api/v1/short-links-of-mine")
    assert other.headers["content-type"] == "application/problem+json"
