"""The tags of a link, by their ids and by their names."""

from typing import Any, Final

import httpx
import pytest

from tests.api.house import House

LINKS: Final = "/api/v1/links"
TAGS: Final = "/api/v1/tags"
NEW: Final[dict[str, Any]] = {"url": "https://example.com/", "domain": "go.example"}


async def name_tags(client: httpx.AsyncClient, method: str, path: str, **body: Any) -> list[str]:
    """The names of the tags of the first link in the answer."""
    answer = await client.request(method, f"{LINKS}{path}", json=body)
    assert answer.is_success, answer.text
    found = answer.json()
    link = found["link"] if "link" in found else found["links"][0]
    return [each["tag"]["name"] for each in link["tags"]]


async def make_tag(client: httpx.AsyncClient, name: str) -> str:
    return (await client.post(TAGS, json={"name": name})).json()["tag"]["id"]


async def test_names_are_created_where_they_are_new(client: httpx.AsyncClient) -> None:
    press = await make_tag(client, "Press")
    named = await name_tags(client, "POST", "", **NEW, tagNames=["News", "pRESS", "news"])
    assert named == ["News", "Press"]
    both = await name_tags(client, "POST", "", **NEW, tagNames=["Sale", "Press"], tagIds=[press])
    assert sorted(both) == ["Press", "Sale"]
    many = [NEW | {"tagNames": ["Bulk", "Press"]}]
    named = await name_tags(client, "POST", "/bulk", domain="go.example", links=many)
    assert named == ["Bulk", "Press"]
    known = [tag["name"] for tag in (await client.get(TAGS)).json()["tags"]]
    assert known == ["Bulk", "News", "Press", "Sale"]


async def test_names_replace_the_tags_of_a_link(client: httpx.AsyncClient) -> None:
    press = await make_tag(client, "Press")
    link = (await client.post(LINKS, json=NEW | {"tagIds": [press]})).json()["link"]
    path = f"/{link['id']}"
    assert await name_tags(client, "PATCH", path, tagNames=["News"]) == ["News"]
    both = await name_tags(client, "PATCH", path, tagNames=["Sale"], tagIds=[int(press)])
    assert sorted(both) == ["Press", "Sale"]
    more = await name_tags(client, "PATCH", path, tagNames=["Sale"], addTagIds=[press])
    assert sorted(more) == ["Press", "Sale"]
    named = await name_tags(client, "PATCH", "/bulk", ids=[link["id"]], tagNames=["Bulk"])
    assert named == ["Bulk"]
    assert await name_tags(client, "PATCH", path, tagNames=None) == []


async def test_names_stand_in_one_text_of_a_form_or_in_several(client: httpx.AsyncClient) -> None:
    for names in ({"tagNames": "a,b"}, {"tagNames[]": ["a", "b"]}):
        link = (await client.post(LINKS, data=NEW | names)).json()["link"]
        assert [each["tag"]["name"] for each in link["tags"]] == ["a", "b"]


@pytest.mark.parametrize(
    "names", [["a,b"], [""], ["x" * 51], [5], "News", [f"t{n}" for n in range(51)]]
)
async def test_what_is_no_name_is_told_by_the_field(
    client: httpx.AsyncClient, names: object
) -> None:
    link = (await client.post(LINKS, json=NEW)).json()["link"]
    for method, path, body in (("POST", "", NEW), ("PATCH", f"/{link['id']}", {})):
        answer = await client.request(method, f"{LINKS}{path}", json=body | {"tagNames": names})
        assert answer.status_code == 422
        assert list(answer.json()["fields"]) == ["tagNames"]


async def test_a_tag_too_many_is_told_by_the_field(house: House) -> None:
    client = await house.make_client()
    await house.app.db.write(
        lambda tx: [
            tx.execute(
                "insert into tags (workspace_id, name, name_key, color, created_at) "
                "values ($1, $2, $2, '#777777', 0)",
                house.home.workspace.id,
                f"n{number}",
            )
            for number in range(1000)
        ]
    )
    answer = await client.post(LINKS, json=NEW | {"tagNames": ["One more"]})
    assert answer.status_code == 422
    assert "limit of 1000 tags" in answer.json()["fields"]["tagNames"]


async def test_names_are_of_the_own_workspace(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    await make_tag(stranger, "Press")
    assert await name_tags(client, "POST", "", **NEW, tagNames=["pRESS"]) == ["pRESS"]
