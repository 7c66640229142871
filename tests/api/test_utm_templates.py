"""The API of saved UTM templates."""

from typing import Any

import httpx
import pytest

from shorty.links import utm_templates
from tests.api.house import House

TEMPLATES = "/api/v1/utm-templates"
NONE = dict.fromkeys(
    ("utmSource", "utmMedium", "utmCampaign", "utmTerm", "utmContent", "utmId"), None
)


async def make(client: httpx.AsyncClient, **fields: Any) -> dict[str, Any]:
    answer = await client.post(TEMPLATES, json=fields)
    assert answer.status_code == 201, answer.text
    template = answer.json()["utmTemplate"]
    assert answer.headers["location"] == f"{TEMPLATES}/{template['id']}"
    return template


async def test_templates_are_made_read_changed_and_deleted(client: httpx.AsyncClient) -> None:
    made = await make(client, name="  News   letter ", utmSource=" news ", utmMedium="")
    assert made == NONE | {
        "id": "1",
        "name": "News letter",
        "utmSource": "news",
        "createdAt": made["createdAt"],
    }
    assert (await client.get(f"{TEMPLATES}/1")).json() == {"utmTemplate": made}
    change = {"name": "news LETTER", "utmSource": None, "utmId": "7"}
    changed = await client.patch(f"{TEMPLATES}/1", json=change)
    assert changed.json()["utmTemplate"] == made | change
    every = dict.fromkeys(NONE, "x")
    assert await make(client, name="Alpha", **every) | NONE == made | {
        "id": "2",
        "name": "Alpha",
        **NONE,
    }
    listed = (await client.get(TEMPLATES)).json()["utmTemplates"]
    assert [each["name"] for each in listed] == ["Alpha", "news LETTER"]
    assert listed[0] == listed[0] | every
    assert (await client.delete(f"{TEMPLATES}/1")).status_code == 204
    assert (await client.get(f"{TEMPLATES}/1")).status_code == 404
    assert (await client.delete(f"{TEMPLATES}/1")).status_code == 404


async def test_names_are_unique_in_any_case(client: httpx.AsyncClient) -> None:
    await make(client, name="News")
    other = await make(client, name="Other")
    answers = [
        await client.post(TEMPLATES, json={"name": "nEWS"}),
        await client.patch(f"{TEMPLATES}/{other['id']}", json={"name": "NEWS"}),
    ]
    assert [(each.status_code, each.json()["code"]) for each in answers] == [
        (409, "already-exists")
    ] * 2


BAD: list[tuple[dict[str, object], set[str]]] = [
    ({}, {"name"}),
    ({"name": " "}, {"name"}),
    ({"name": "x" * 101, "utmSource": "x" * 501}, {"name", "utmSource"}),
    ({"name": "a", "utmCampaign": "a\0b"}, {"utmCampaign"}),
    ({"name": 5, "utmTerm": [], "odd": 1}, {"name", "utmTerm", "odd"}),
]


@pytest.mark.parametrize(("fields", "faulty"), BAD)
async def test_a_faulty_template_is_told_field_by_field(
    client: httpx.AsyncClient, fields: dict[str, object], faulty: set[str]
) -> None:
    await make(client, name="There")
    answers = [await client.post(TEMPLATES, json=fields)]
    if fields:
        answers.append(await client.patch(f"{TEMPLATES}/1", json=fields))
    for answer in answers:
        assert answer.status_code == 422
        assert set(answer.json()["fields"]) == faulty


async def test_there_are_only_so_many(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(utm_templates, "MAX_TEMPLATES", 2)
    await make(client, name="a")
    await make(client, name="b")
    answer = await client.post(TEMPLATES, json={"name": "c"})
    assert (answer.status_code, set(answer.json()["fields"])) == (422, {"name"})


async def test_another_workspace_has_templates_of_its_own(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    made = await make(client, name="A")
    path = f"{TEMPLATES}/{made['id']}"
    assert (await stranger.get(TEMPLATES)).json() == {"utmTemplates": []}
    assert (await stranger.get(path)).status_code == 404
    assert (await stranger.patch(path, json={"name": "x"})).status_code == 404
    assert (await stranger.delete(path)).status_code == 404
    await make(stranger, name="a")
    assert (await client.get(path)).json() == {"utmTemplate": made}


async def test_readers_may_not_write(client: httpx.AsyncClient, house: House) -> None:
    made = await make(client, name="A")
    reader = await house.make_client(scope="read")
    path = f"{TEMPLATES}/{made['id']}"
    assert (await reader.get(path)).status_code == 200
    assert (await reader.post(TEMPLATES, json={"name": "B"})).status_code == 403
    assert (await reader.patch(path, json={"name": "B"})).status_code == 403
    assert (await reader.delete(path)).status_code == 403


async def test_a_retry_makes_no_second_template(client: httpx.AsyncClient) -> None:
    headers = {"idempotency-key": "k"}
    answers = [await client.post(TEMPLATES, json={"name": "A"}, headers=headers) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert [answer.status_code for answer in answers] == [201, 201]
