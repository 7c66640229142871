"""The tags API, and what becomes of links."""

from typing import Any

import httpx
import pytest

from tests.api.house import House

TAGS = "/api/v1/tags"


async def make(client: httpx.AsyncClient, **fields: Any) -> dict[str, str]:
    answer = await client.post(TAGS, json=fields)
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == f"{TAGS}/{answer.json()['tag']['id']}"
    return answer.json()["tag"]


async def test_tags_are_made_read_changed_and_deleted(client: httpx.AsyncClient) -> None:
    tag = await make(client, name="  Big   news ", color="#AABBCC")
    assert tag == {"id": "1", "name": "Big news", "color": "#aabbcc"}
    assert (await client.get(f"{TAGS}/1")).json() == {"tag": tag}
    changed = await client.patch(f"{TAGS}/1", json={"name": "big NEWS"})
    assert changed.json()["tag"] == tag | {"name": "big NEWS"}
    other = await make(client, name="Alpha")
    assert [each["name"] for each in (await client.get(TAGS)).json()["tags"]] == [
        "Alpha",
        "big NEWS",
    ]
    assert other["color"].startswith("#")
    assert (await client.delete(f"{TAGS}/1")).status_code == 204
    assert (await client.get(f"{TAGS}/1")).status_code == 404


async def test_names_are_unique_in_any_case(client: httpx.AsyncClient) -> None:
    await make(client, name="News")
    other = await make(client, name="Other")
    answers = [
        await client.post(TAGS, json={"name": "nEWS"}),
        await client.patch(f"{TAGS}/{other['id']}", json={"name": "NEWS"}),
    ]
    assert [(each.status_code, each.json()["code"]) for each in answers] == [
        (409, "already-exists")
    ] * 2


BAD: list[tuple[dict[str, object], set[str]]] = [
    ({}, {"name"}),
    ({"name": ""}, {"name"}),
    ({"name": "x" * 51}, {"name"}),
    ({"name": "a,b"}, {"name"}),
    ({"name": "a\x07b"}, {"name"}),
    ({"name": " ", "color": "red"}, {"name", "color"}),
    ({"name": 5, "odd": 1}, {"name", "odd"}),
]


@pytest.mark.parametrize(("fields", "faulty"), BAD)
async def test_a_faulty_tag_is_told_field_by_field(
    client: httpx.AsyncClient, fields: dict[str, object], faulty: set[str]
) -> None:
    answer = await client.post(TAGS, json=fields)
    assert answer.status_code == 422
    assert set(answer.json()["fields"]) == faulty


async def test_a_deleted_tag_leaves_its_links(client: httpx.AsyncClient, house: House) -> None:
    tag = await make(client, name="A")
    link = await house.make_link(tag_ids=(int(tag["id"]),), tag_names=("B",))
    await client.delete(f"{TAGS}/{tag['id']}")
    shown = (await client.get(f"/api/v1/links/{link.id}")).json()["link"]
    assert [each["tag"]["name"] for each in shown["tags"]] == ["B"]


async def test_tags_come_in_pages_for_who_asks_for_them(client: httpx.AsyncClient) -> None:
    for name in ("c", "B", "a", "É", "d"):
        await make(client, name=name)
    names: list[str] = []
    cursor = ""
    while cursor is not None:
        page = (await client.get(TAGS, params={"limit": 2, "cursor": cursor})).json()
        names += [tag["name"] for tag in page["tags"]]
        cursor = page["nextCursor"]
    assert names == ["a", "B", "c", "d", "É"]
    everything = (await client.get(TAGS)).json()
    assert [tag["name"] for tag in everything["tags"]] == names
    assert everything["nextCursor"] is None
    assert (await client.get(TAGS, params={"limit": 0})).status_code == 422


async def test_another_workspace_has_tags_of_its_own(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    tag = await make(client, name="A")
    assert (await stranger.get(TAGS)).json() == {"tags": [], "nextCursor": None}
    assert (await stranger.get(f"{TAGS}/{tag['id']}")).status_code == 404
    assert (await stranger.patch(f"{TAGS}/{tag['id']}", json={"name": "x"})).status_code == 404
    assert (await stranger.delete(f"{TAGS}/{tag['id']}")).status_code == 404
    await make(stranger, name="a")


async def test_a_retry_makes_no_second_tag(client: httpx.AsyncClient) -> None:
    headers = {"idempotency-key": "k"}
    answers = [await client.post(TAGS, json={"name": "A"}, headers=headers) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert [answer.status_code for answer in answers] == [201, 201]
