"""What an answer holds can be sent back: ids as they are given, and whole objects unchanged.

The operations are read from the OpenAPI document, so new ones and new fields are covered at once.
"""

import re
from collections.abc import Iterator
from typing import Final, cast

import httpx
import msgspec
import pytest

from shorty.api.app import DOORS
from shorty.api.openapi import build_document
from shorty.api.openapi_schemas import Json
from tests.api.house import House
from tests.qr.reading import RED_SQUARE
from tests.security.conftest import furnished, ids
from tests.security.conftest import house as furnished_house
from tests.security.furnished import SVG, Ids
from tests.support import DAY

__all__ = ["furnished", "furnished_house", "ids"]

API: Final = "/api/v1"
DOCUMENT: Final = build_document(DOORS)
SCHEMAS: Final[Json] = DOCUMENT["components"]["schemas"]
IDS: Final = re.compile(r"(?:[a-z]\w*Ids?|ids?)")
# Ids of elsewhere, and texts of the product's own.
OTHERS: Final = {"metaPixelId", "googleTagId", "gtmContainerId", "utmId", "utm_id"}


def resolve(schema: Json) -> Json:
    return SCHEMAS[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema


def list_fields(schema: Json) -> Iterator[tuple[str, Json]]:
    """The fields of a schema and of the objects inside it."""
    found = resolve(schema)
    for name, field in found.get("properties", {}).items():
        yield name, field
        yield from list_fields(field)
    for inner in (*found.get("anyOf", ()), *([found["items"]] if "items" in found else ())):
        yield from list_fields(inner)


def list_kinds(schema: Json) -> set[str]:
    """The types that a field takes; of a list, those of its items."""
    found = resolve(schema)
    if "items" in found:
        return list_kinds(found["items"])
    kinds = {kind for inner in found.get("anyOf", ()) for kind in list_kinds(inner)}
    return kinds | ({found["type"]} if isinstance(found.get("type"), str) else set())


def list_bodies() -> Iterator[tuple[str, Json]]:
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            for content in operation.get("requestBody", {}).get("content", {}).values():
                yield f"{method} {path}", content["schema"]


def test_every_id_is_taken_as_text_and_as_a_number() -> None:
    checked = 0
    for place, schema in list_bodies():
        for name, field in list_fields(schema):
            if IDS.fullmatch(name) and name not in OTHERS:
                assert {"string", "integer"} <= list_kinds(field), (place, name)
                checked += 1
    assert checked > 15


@pytest.mark.parametrize("kind", [str, int])
async def test_the_id_of_a_logo_is_taken_by_both_apis(
    client: httpx.AsyncClient, kind: type
) -> None:
    answer = await client.post(f"{API}/qr-logos", content=RED_SQUARE.encode(), headers=SVG)
    settings = {"qrLogoId": kind(answer.json()["logo"]["id"]), "color": "#112233"}
    native = {"url": "https://example.com/", "domain": "go.example", "qrCode": settings}
    made = await client.post(f"{API}/links", json=native)
    assert made.json()["link"]["qrCode"]["qrLogoId"] == 1
    path = f"{API}/links/{made.json()['link']['id']}"
    assert (await client.patch(path, json={"qrCode": settings})).status_code == 200
    other = {"destinationUrl": "https://example.com/", "brandedDomain": "go.example"}
    for place, beside in (("short-link", {"qrSettings": settings}), ("qr-code", settings)):
        body = {**other, "slashTag": f"s-{place}", **beside}
        short = await client.post(f"{API}/{place}", json=body)
        assert short.json()["data"]["qrLogoId"] == 1, short.text
        path = f"{API}/{place}/{short.json()['data']['id']}"
        changed = await client.put(path, json=beside)
        assert changed.json()["data"]["qrLogoId"] == 1, changed.text


async def test_what_is_no_id_of_a_logo_is_told(client: httpx.AsyncClient) -> None:
    body = {"url": "https://example.com/", "domain": "go.example", "qrCode": {"qrLogoId": "x"}}
    answer = await client.post(f"{API}/links", json=body)
    assert answer.json()["fields"] == {"qrCode": "qrLogoId is not a logo's id: x"}
    short = {"destinationUrl": "https://example.com/", "brandedDomain": "go.example"}
    body = {**short, "slashTag": "x", "qrSettings": {"qrLogoId": "x"}}
    answer = await client.post(f"{API}/short-link", json=body)
    assert answer.status_code == 400
    assert "qrLogoId is not a logo's id: x" in answer.json()["data"]["message"]


def list_changeable() -> list[tuple[str, str]]:
    """Methods and paths that change the object which GET returns at the same path."""
    return [
        (method, path)
        for path, methods in DOCUMENT["paths"].items()
        for method in ("patch", "put")
        if method in methods and "get" in methods
    ]


# What each object is made of before it is sent back.
FILLED: Final[dict[str, Json]] = {
    "/links/{linkId}": {
        "description": "Words",
        "image": "https://example.com/a.png",
        "redirectType": 301,
        "cloaked": True,
        "expiresAt": "2027-01-01T00:00:00.123Z",
        "maxClicks": 5,
        "forwardParameters": True,
        "blockBots": True,
        "utmSource": "a b",
        "metaPixelId": "1234567890",
        "googleTagId": "G-ABC123DEF4",
        "webhookUrls": "https://example.com/a,https://example.com/b?c=1%2C2",
        "qrCode": {"color": "#112233", "qrLogoId": "{logoId}", "margin": 0, "frame": "box"},
        "isActive": False,
        "isStarred": True,
    },
    "/tags/{tagId}": {"color": "#112233"},
    "/utm-templates/{templateId}": {"utmId": "7", "utmTerm": "a"},
    "/members/{memberId}": {"role": "owner"},
    "/domains/{domainId}": {"rootRedirect": "https://example.com/", "notFoundRedirect": ""},
    "/tokens/{tokenId}": {"name": "", "expiresAt": "2027-01-01T00:00:00.123Z"},
    "/bio-pages/{pageId}": {
        "title": "Title",
        "buttonLabel": "Go",
        "avatar": "none",
        "theme": "dusk",
        "colors": {"button": "#112233"},
        "socials": [{"network": "email", "url": "ann@example.com"}],
    },
    "/bio-pages/{pageId}/blocks/{blockId}": {"isHidden": True, "shownFrom": "2027-01-01"},
    "/short-link/{linkId}": {"title": "Title", "tags": "a,b", "utm_source": "a"},
}


@pytest.mark.parametrize("is_filled", [False, True])
@pytest.mark.parametrize(("method", "path"), list_changeable())
async def test_an_object_sent_back_stays_as_it_is(
    furnished_house: House, ids: Ids, method: str, path: str, *, is_filled: bool
) -> None:
    client = await furnished_house.make_client()
    place = fill_in(path, ids)
    if is_filled:
        given = msgspec.json.encode(FILLED.get(path.removeprefix(API), {})).decode()
        json = {"content-type": "application/json"}
        answer = await client.request(method, place, content=fill_in(given, ids), headers=json)
        assert answer.status_code == 200, answer.text
    before = await read_object(client, place)
    furnished_house.clock[0] += 3000 * DAY if "expiresAt" in before and method == "patch" else DAY
    body = {name: before[name] for name in list_writable(method, path) if name in before}
    assert body
    answer = await client.request(method, place, json=body)
    assert answer.status_code == 200, answer.text
    assert await read_object(client, place) == before


def list_writable(method: str, path: str) -> set[str]:
    """Without what is never returned, such as a password: that is always null."""
    operation = DOCUMENT["paths"][path][method]
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    shown = DOCUMENT["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]
    [member] = [each for each in resolve(shown["schema"])["properties"].values() if "$ref" in each]
    returned = resolve(member)["properties"]
    is_native = method == "patch"  # the short-link API's null password clears nothing
    return {
        name
        for name in resolve(schema)["properties"]
        if not (is_native and returned.get(name, {}).get("type") == "null")
    }


async def read_object(client: httpx.AsyncClient, path: str) -> Json:
    answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    members: Json = answer.json()
    [found] = [cast("Json", each) for each in members.values() if isinstance(each, dict)]
    return found


def fill_in(text: str, ids: Ids) -> str:
    """With the ids in place of their names in braces."""
    for name, found in ids.items():
        first, *others = name.split("_")
        text = text.replace("{" + first + "".join(map(str.title, others)) + "}", found)
    return text


async def test_a_links_destination_is_sent_back_with_its_parameters(
    client: httpx.AsyncClient,
) -> None:
    new = {"url": "https://example.com/a?x=1", "domain": "go.example", "utmSource": "news"}
    link = (await client.post(f"{API}/links", json=new)).json()["link"]
    assert link["url"] == "https://example.com/a?x=1&utm_source=news"
    path = f"{API}/links/{link['id']}"
    answer = await client.patch(path, json={"url": link["url"], "utmSource": None})
    changed = answer.json()["link"]
    assert changed["url"] == changed["originalUrl"] == new["url"]


async def test_a_page_without_settings_of_its_own_is_sent_back(house: House) -> None:
    """As the short-link API makes them: nothing is stored of the page's looks yet."""
    client = await house.make_client()
    new = {"destinationUrl": "https://example.com/", "brandedDomain": "go.example"}
    body = {**new, "slashTag": "page", "isLinkInBio": True}
    page_id = (await client.post(f"{API}/short-link", json=body)).json()["data"]["id"]
    path = f"{API}/bio-pages/{page_id}"
    before = await read_object(client, path)
    house.clock[0] += DAY
    answer = await client.patch(path, json={"theme": before["theme"], "title": before["title"]})
    assert answer.status_code == 200, answer.text
    assert await read_object(client, path) == before
