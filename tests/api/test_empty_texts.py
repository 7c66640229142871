"""An empty text is a field left out where something is created, and null where it changes.

Every field of every native body is tried, so a new one is covered at once.
"""

from base64 import b64encode
from typing import Any, Final, cast

import httpx
import msgspec
import pytest

from shorty.api.app import NATIVE
from shorty.api.openapi import build_document
from shorty.api.openapi_schemas import Json
from tests.api.house import House
from tests.qr.reading import RED_SQUARE
from tests.security.conftest import furnished, ids
from tests.security.conftest import house as furnished_house
from tests.security.furnished import Ids

__all__ = ["furnished", "furnished_house", "ids"]

pytestmark = pytest.mark.sqlite_only("empty texts are gone before the database is asked")

API: Final = "/api/v1"
DOCUMENT: Final = build_document((NATIVE,))
IMAGE: Final = b64encode(RED_SQUARE.encode()).decode()
LINK: Final = {"url": "https://example.com/", "domain": "go.example"}
# What a body needs; № is another number each time.
NEEDED: Final[dict[str, Json]] = {
    "POST /links": LINK,
    "POST /links/bulk": {"domain": "go.example", "links": [LINK]},
    "PATCH /links/bulk": {"ids": ["{linkId}"]},
    "DELETE /links/bulk": {"ids": ["777"]},
    "POST /tags": {"name": "New №"},
    "POST /utm-templates": {"name": "New №"},
    "POST /domains": {"host": "new№.example"},
    "POST /members": {"email": "new№@a.example"},
    "POST /bio-pages": {"domain": "go.example"},
    "POST /bio-pages/{pageId}/blocks": {"kind": "text", "text": "Words"},
    "PUT /bio-pages/{pageId}/blocks/order": {"blockIds": ["{blockId}"]},
    "PATCH /members/{memberId}": {"role": "owner"},
    "POST /qr-logos": {"image": IMAGE},
    "POST /bio-pictures": {"image": IMAGE},
    "POST /webhooks/test": {"url": "https://example.com/"},
}
# What a field is before it is emptied, so that leaving it alone would be noticed.
SAMPLES: Final[Json] = {
    "title": "Title",
    "description": "Words",
    "image": "https://example.com/a.png",
    "redirectType": "PERMANENT_301",
    "cloaked": True,
    "password": "secret",
    "expiresAt": "2030-01-01T00:00:00.000Z",
    "maxClicks": 5,
    "forwardParameters": True,
    "blockBots": True,
    "isActive": False,
    "isStarred": True,
    "tagNames": ["red", "blue"],
    "tagIds": ["{tagId}"],
    "utmSource": "a",
    "metaPixelId": "1234567890",
    "googleTagId": "G-ABC123DEF4",
    "webhookUrls": "https://example.com/hook",
    "qrCode": {"color": "#112233"},
    "buttonLabel": "Go",
    "isButtonShown": False,
    "theme": "dusk",
    "avatar": "none",
    "colors": {"button": "#112233"},
    "socials": [{"network": "github", "url": "https://github.com/a"}],
    "isHidden": True,
    "shownFrom": "2030-01-01T00:00:00.000Z",
    "shownUntil": "2030-01-02T00:00:00.000Z",
    "rootRedirect": "https://example.com/",
    "notFoundRedirect": "https://example.com/",
    "color": "#112233",
}
# What is chosen by another field, where it is left out.
DERIVED: Final = {"color"}
# Fields that cannot be null where they change.
KEPT: Final = {
    *("PATCH /links/{linkId} url", "PATCH /links/{linkId} domain"),
    *("PATCH /links/bulk url", "PATCH /links/bulk domain", "PATCH /links/bulk ids"),
    *("PATCH /tags/{tagId} name", "PATCH /utm-templates/{templateId} name"),
    "PATCH /members/{memberId} role",
    "PUT /bio-pages/{pageId}/blocks/order blockIds",
    "PATCH /bio-pages/{pageId}/blocks/{blockId} text",  # that block is made of it
}


def list_bodies() -> dict[str, Json]:
    """The schema of each body by the operation that takes it."""
    bodies: dict[str, Json] = {}
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            content = operation.get("requestBody", {}).get("content", {})
            if "application/json" in content:
                name = content["application/json"]["schema"]["$ref"].rpartition("/")[2]
                schema = DOCUMENT["components"]["schemas"][name]
                bodies[f"{method.upper()} {path.removeprefix(API)}"] = schema
    return bodies


BODIES: Final = list_bodies()


class Sender:
    def __init__(self, client: httpx.AsyncClient, ids: Ids) -> None:
        self._client = client
        self._ids = {"{" + name.replace("_i", "I") + "}": value for name, value in ids.items()}
        self._sent = 0

    def fill_in(self, text: str) -> str:
        for name, found in {**self._ids, "№": str(self._sent)}.items():
            text = text.replace(name, found)
        return text

    async def send(self, place: str, **fields: object) -> httpx.Response:
        self._sent += 1
        method, path = place.split()
        body = NEEDED.get(place, {}) | fields
        return await self._client.request(
            method,
            API + self.fill_in(path),
            content=self.fill_in(msgspec.json.encode(body).decode()),
            headers={"content-type": "application/json"},
        )


@pytest.fixture
async def sender(furnished_house: House, ids: Ids) -> Sender:
    return Sender(await furnished_house.make_client(), ids)


def read_object(answer: httpx.Response, field: str) -> Any:
    """The field in the object of the answer, where it is shown."""
    assert answer.is_success, answer.text
    [member, *_] = answer.json().values()
    shown = cast("Json", member) if isinstance(member, dict) else {}
    return shown.get(field), shown.get("hasPassword"), len(shown.get("tags", ()))


@pytest.mark.parametrize("place", [place for place in BODIES if place.startswith("POST")])
async def test_it_is_left_out_of_what_creates(sender: Sender, place: str) -> None:
    for field in BODIES[place]["properties"]:
        empty = await sender.send(place, **{field: ""})
        if field in BODIES[place].get("required", ()):
            assert empty.status_code == 422, (field, empty.text)
            assert empty.json()["fields"] == {field: "is required"}
        elif field in NEEDED.get(place, ()):
            assert empty.json()["fields"][field].startswith("is required ")
        elif field not in DERIVED:
            assert read_object(empty, field) == read_object(await sender.send(place), field)


@pytest.mark.parametrize("place", [place for place in BODIES if place.startswith(("PATCH", "PUT"))])
async def test_it_is_null_in_what_changes(sender: Sender, place: str) -> None:
    for field in BODIES[place]["properties"]:
        if f"{place} {field}" in KEPT:
            empty = await sender.send(place, **{field: ""})
            assert empty.status_code == 422, (field, empty.text)
            assert empty.json()["fields"][field].startswith(("must not be", "is required"))
            continue
        if field in SAMPLES:
            sample = await sender.send(place, **{field: SAMPLES[field]})
            assert sample.is_success, sample.text
        empty = await sender.send(place, **{field: ""})
        null = await sender.send(place, **{field: None})
        assert read_object(empty, field) == read_object(null, field), field


async def test_it_keeps_the_slug_and_clears_the_password(house: House) -> None:
    client = await house.make_client()
    body = LINK | {"customSlug": "sale", "password": "secret", "title": "Sale"}
    link = (await client.post(f"{API}/links", json=body)).json()["link"]
    assert (link["shortCode"], link["hasPassword"]) == ("sale", True)
    path = f"{API}/links/{link['id']}"
    for field, value in (("customSlug", ""), ("customSlug", None), ("title", ""), ("password", "")):
        answer = await client.patch(path, json={field: value})
        assert answer.status_code == 200, answer.text
        link = answer.json()["link"]
        assert link["shortCode"] == "sale"
    assert (link["title"], link["hasPassword"]) == (None, False)


async def test_it_counts_for_nothing_inside_an_object(house: House) -> None:
    client = await house.make_client()
    settings = {"color": "", "frame": "box", "text": "", "size": ""}
    answer = await client.post(f"{API}/links", json=LINK | {"qrCode": settings})
    code = answer.json()["link"]["qrCode"]
    assert {name for name in code if name not in {"url", "warnings"}} == {"frame"}


async def test_a_link_of_many_without_a_domain_is_on_the_shared_one(house: House) -> None:
    client = await house.make_client()
    links = [{"url": "https://example.com/", "domain": domain} for domain in ("", None)]
    body = {"domain": "go.example", "links": [*links, {"url": ""}]}
    answer = await client.post(f"{API}/links/bulk", json=body)
    assert [link["domain"] for link in answer.json()["links"]] == ["go.example"] * 2
    assert [failed["fields"] for failed in answer.json()["failed"]] == [{"url": "is required"}]
