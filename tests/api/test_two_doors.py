"""A link made, changed or deleted through one API reads right in the other, field by field."""

from typing import Any, Final, NamedTuple

import httpx
import pytest

from shorty.api.link_object import LinkObject
from shorty.api.short_link_answers import ShortLink
from tests.api.house import House

SHORT_LINKS: Final = "/api/v1/short-link"
LINKS: Final = "/api/v1/links"
HERE: Final = {"destinationUrl": "https://example.com/a", "brandedDomain": "go.example"}
THERE: Final = {"url": "https://example.com/a", "domain": "go.example"}
PLAIN_QR: Final[dict[str, Any]] = {"url": "https://go.example/qr/sale.svg", "warnings": []}


class Field(NamedTuple):
    """The same in the words of both: what is sent to either, and what either answers then."""

    short_sent: dict[str, Any]
    short_told: dict[str, Any]
    sent: dict[str, Any]
    told: dict[str, Any]


def same(short_name: str, name: str, value: object) -> Field:
    short, other = {short_name: value}, {name: value}
    return Field(short, short, other, other)


def qr(name: str, value: object) -> Field:
    code = {name: value}
    return Field({"qrSettings": code}, code, {"qrCode": code}, {"qrCode": code | PLAIN_QR})


FIELDS: Final = [
    Field(
        {"destinationUrl": "https://example.com/b?x=1"},
        {"destinationUrl": "https://example.com/b?x=1"},
        {"url": "https://example.com/b?x=1"},
        {"originalUrl": "https://example.com/b?x=1", "url": "https://example.com/b?x=1"},
    ),
    same("brandedDomain", "domain", "localhost:8000"),
    Field(
        {"slashTag": "docs/caf\u00e9.v1"}, {"slashTag": "docs/caf\u00e9.v1"},
        {"customSlug": "docs/caf\u00e9.v1"},
        {"shortCode": "docs/caf\u00e9.v1", "shortUrl": "https://go.example/docs/caf\u00e9.v1"},
    ),
    Field(
        {"title": "Summer SALE"},
        {"title": "Summer SALE", "titleLabel": "summer sale"},
        {"title": "Summer SALE"},
        {"title": "Summer SALE"},
    ),
    Field(
        {"expirationDate": "2030-12-31"},
        {"expirationDate": "2030-12-31T00:00:00.000Z"},
        {"expiresAt": "2030-12-31"},
        {"expiresAt": "2030-12-31T00:00:00.000Z"},
    ),
    Field(
        {"password": "open"},
        {"password": None, "passwordProtectionEnabled": True},
        {"password": "open"},
        {"password": None, "hasPassword": True},
    ),
    *(
        same(f"utm_{name}", f"utm{name.capitalize()}", "x y")
        for name in ("source", "medium", "campaign", "term", "content", "id")
    ),
    qr("color", "#1d4ed8"),
    qr("bgColor", "#ffffee"),
    qr("pattern", "dots"),
    qr("corner", "dot"),
    qr("frame", "box"),
    qr("text", "Menu"),
    qr("textColor", "#ffffff"),
    qr("primary", "#112233"),
    qr("secondary", "#223344"),
    qr("qrType", "website"),
    Field(
        {"isQrGenerated": True},
        {"qr": PLAIN_QR["url"], "type": "shortlink"},
        {"qrCode": {}},
        {"qrCode": PLAIN_QR},
    ),
]  # fmt: skip
NAMES: Final = [
    next(iter(field.short_sent.get("qrSettings") or field.short_sent)) for field in FIELDS
]

# What one of them alone knows, or what is made and counted by the server and compared below.
ONLY_SHORT: Final = {
    *("type2", "faviconUrl", "btnLabel", "linkInBioId", "fieldData"),
    *(
        "isadminblocked",
        "edit",
        "isEdit",
        "clicks",
        "lbClicks",
        "scans",
        "preset",
        "logo",
        "qrLogoId",
    ),
}
ONLY_OTHER: Final = {
    *("description", "image", "linkType", "redirectType", "cloaked", "maxClicks"),
    "validSince",
    "aliases",
    *("forwardParameters", "blockBots", "metaPixelId", "googleTagId", "webhookUrls"),
    *("workspaceId", "clickCount"),
    *("rules", "expiredUrl", "hideReferrer", "gtmContainerId", "skipSocialCrawlerTracking"),
}
COMMON: Final = {
    "id",
    "userId",
    "createdAt",
    "updatedAt",
    "tags",
    "uniqueTagId",
    "isActive",
    "isStarred",
}
COMMON_OTHER: Final = {
    "id",
    "createdBy",
    "createdAt",
    "updatedAt",
    "tags",
    "isActive",
    "isStarred",
    "deletion",
}


async def read_both(client: httpx.AsyncClient, link_id: object) -> tuple[dict[str, Any], ...]:
    short = await client.get(f"{SHORT_LINKS}/{link_id}")
    other = await client.get(f"{LINKS}/{link_id}")
    return short.json()["data"], other.json()["link"]


async def make_short(client: httpx.AsyncClient, **fields: Any) -> dict[str, Any]:
    answer = await client.post(SHORT_LINKS, json={**HERE, "slashTag": "sale", **fields})
    assert answer.status_code == 201, answer.text
    return answer.json()["data"]


async def make_other(client: httpx.AsyncClient, **fields: Any) -> dict[str, Any]:
    answer = await client.post(LINKS, json={**THERE, "customSlug": "sale", **fields})
    assert answer.status_code == 201, answer.text
    return answer.json()["link"]


async def check(client: httpx.AsyncClient, link_id: object, field: Field) -> None:
    short, other = await read_both(client, link_id)
    assert {key: short[key] for key in field.short_told} == field.short_told
    told = {key: other[key] for key in field.told}
    if told.get("qrCode"):
        told["qrCode"] = told["qrCode"] | {"warnings": []}  # of colours, which are no field
        assert short["qr"] == told["qrCode"]["url"]
    assert told == field.told
    compare_common(short, other)


def compare_common(short: dict[str, Any], other: dict[str, Any]) -> None:
    assert str(short["id"]) == other["id"]
    assert str(short["userId"]) == other["createdBy"]["id"]
    assert short["tags"] == ",".join(each["tag"]["name"] for each in other["tags"])
    first = other["tags"][0]["tag"]["id"] if other["tags"] else None
    assert first == (None if short["uniqueTagId"] is None else str(short["uniqueTagId"]))
    for key in ("createdAt", "updatedAt", "isActive", "isStarred"):
        assert short[key] == other[key]
    assert other["clickCount"] == short["clicks"] + short["scans"] + short["lbClicks"]


@pytest.mark.parametrize("field", FIELDS, ids=NAMES)
class TestEachField:
    async def test_is_made_here_and_read_there(
        self, client: httpx.AsyncClient, field: Field
    ) -> None:
        made = await make_short(client, **field.short_sent)
        await check(client, made["id"], field)

    async def test_is_made_there_and_read_here(
        self, client: httpx.AsyncClient, field: Field
    ) -> None:
        made = await make_other(client, **field.sent)
        await check(client, made["id"], field)

    async def test_is_changed_here_and_read_there(
        self, client: httpx.AsyncClient, field: Field
    ) -> None:
        made = await make_other(client)
        answer = await client.put(f"{SHORT_LINKS}/{made['id']}", json=field.short_sent)
        assert answer.status_code == 200, answer.text
        await check(client, made["id"], field)

    async def test_is_changed_there_and_read_here(
        self, client: httpx.AsyncClient, field: Field
    ) -> None:
        made = await make_short(client)
        answer = await client.patch(f"{LINKS}/{made['id']}", json=field.sent)
        assert answer.status_code == 200, answer.text
        await check(client, made["id"], field)


def test_every_key_of_either_is_compared_or_its_own() -> None:
    short = {key for field in FIELDS for key in field.short_told}
    other = {key for field in FIELDS for key in field.told}
    assert short | ONLY_SHORT | COMMON == set(ShortLink.__struct_encode_fields__)
    assert other | ONLY_OTHER | COMMON_OTHER == set(LinkObject.__struct_encode_fields__)


async def test_tags_and_what_is_switched_off_read_right_in_both(
    client: httpx.AsyncClient,
) -> None:
    tagged = await make_short(client, tags="sale,summer")
    compare_common(*await read_both(client, tagged["id"]))
    tag_id = str(tagged["uniqueTagId"])
    made = await make_other(client, customSlug="other", tagIds=[tag_id])
    short, other = await read_both(client, made["id"])
    assert (short["tags"], short["uniqueTagId"]) == ("sale", int(tag_id))
    compare_common(short, other)
    await client.patch(
        f"{LINKS}/{made['id']}", json={"isActive": False, "isStarred": True, "tagIds": []}
    )
    short, other = await read_both(client, made["id"])
    assert (short["isActive"], short["tags"], short["edit"]) == (False, "", 1)
    assert short["isStarred"] is True
    compare_common(short, other)
    await client.put(f"{SHORT_LINKS}/{made['id']}", json={"isActive": True, "tags": "new"})
    short, other = await read_both(client, made["id"])
    assert (other["isActive"], short["edit"]) == (True, 2)
    compare_common(short, other)


async def test_what_only_the_links_api_knows_outlives_an_object_put_back(
    client: httpx.AsyncClient,
) -> None:
    made = await make_other(
        client,
        description="Text",
        image="https://example.com/a.png",
        redirectType="PERMANENT_308",
        cloaked=True,
        maxClicks=5,
        forwardParameters=True,
        blockBots=True,
        metaPixelId="1234567",
        googleTagId="G-ABCD123",
        webhookUrls="https://example.com/hook",
        title="Before",
        qrCode={"size": 300, "margin": 2, "gradient": "#112233"},
    )
    short, before = await read_both(client, made["id"])
    answer = await client.put(f"{SHORT_LINKS}/{made['id']}", json=short | {"title": "After"})
    assert answer.status_code == 200, answer.text
    _, after = await read_both(client, made["id"])
    assert {key for key in before if before[key] != after[key]} == {"title", "updatedAt"}


@pytest.mark.parametrize("url", ["mailto:a@b.example", "tel:+4912345", "sms:+4912345"])
async def test_a_link_of_another_kind_reads_right_and_can_be_put_back(
    client: httpx.AsyncClient, url: str
) -> None:
    made = await make_other(client, url=url, linkType=url.partition(":")[0].upper())
    short, other = await read_both(client, made["id"])
    assert short["destinationUrl"] == other["originalUrl"] == url
    answer = await client.put(f"{SHORT_LINKS}/{made['id']}", json=short | {"title": "T"})
    assert answer.status_code == 200, answer.text
    assert (await read_both(client, made["id"]))[1]["originalUrl"] == url


async def test_what_is_deleted_through_one_is_gone_in_the_other(
    client: httpx.AsyncClient, house: House
) -> None:
    first, second = await house.make_link(slug="a"), await house.make_link(slug="b")
    assert (await client.delete(f"{SHORT_LINKS}/{first.id}")).status_code == 200
    assert (await client.get(f"{LINKS}/{first.id}")).status_code == 404
    assert (await client.delete(f"{LINKS}/{second.id}")).status_code == 204
    assert (await client.get(f"{SHORT_LINKS}/{second.id}")).status_code == 404
    assert (await client.get(SHORT_LINKS)).json()["resultData"] == []
