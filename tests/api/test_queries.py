"""Every operation of the links API refuses an unknown query parameter."""

from typing import Any, Final

import httpx
import pytest

from shorty.api.app import DOORS, NATIVE
from shorty.api.openapi import build_document
from tests.api.house import House

DOCUMENT: Final = build_document(DOORS)
STRICT: Final = build_document((NATIVE,))
EACH: Final = [
    (method.upper(), path, operation)
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
]


def list_parameters(operation: dict[str, Any]) -> set[str]:
    return {each["name"] for each in operation["parameters"] if each["in"] == "query"}


async def test_an_unknown_parameter_is_refused_before_anything_is_done(
    client: httpx.AsyncClient,
) -> None:
    for method, path, operation in EACH:
        place = path.replace("{", "").replace("}", "")
        answer = await client.request(method, place, params={"xyz": 1})
        is_strict = path in STRICT["paths"]
        is_refused = answer.status_code == 422 and "xyz" in answer.json().get("fields", {})
        assert is_strict == is_refused, (method, path)
        if is_strict:
            assert answer.json()["fields"] == {"xyz": "is not a known parameter"}
            assert "422" in operation["responses"], (method, path)


async def test_the_nearest_parameter_is_named(client: httpx.AsyncClient) -> None:
    checked = 0
    for method, path, operation in EACH:
        if path not in STRICT["paths"]:
            continue
        for name in list_parameters(operation):
            answer = await client.request(method, path, params={name[:-1]: "x"})
            assert answer.status_code == 422
            told = answer.json()["fields"][name[:-1]]
            assert told == f"is not a known parameter; did you mean {name}?"
            checked += 1
    assert checked > 50


@pytest.mark.parametrize(
    ("query", "near"),
    [
        ("tag_id=5", "tagId"),
        ("TagID=5", "tagId"),
        ("serach=x", "search"),
        ("isactive=", "isActive"),
    ],
)
async def test_another_spelling_is_recognised(
    client: httpx.AsyncClient, query: str, near: str
) -> None:
    answer = await client.get(f"/api/v1/links?{query}")
    name = query.partition("=")[0]
    assert answer.json()["fields"] == {name: f"is not a known parameter; did you mean {near}?"}


async def test_known_parameters_are_taken(house: House) -> None:
    client = await house.make_client()
    for query in ("isActive=true&limit=5&sort=-clickCount", "", "search="):
        assert (await client.get(f"/api/v1/links?{query}")).status_code == 200


async def test_who_may_not_ask_is_told_that_first(house: House) -> None:
    nobody = await house.make_client(token="")
    assert (await nobody.get("/api/v1/links?xyz=1")).status_code == 401
    reader = await house.make_client(scope="read")
    assert (await reader.post("/api/v1/links?xyz=1", json={})).status_code == 403
    assert (await nobody.options("/api/v1/links?xyz=1")).status_code == 204
