"""The reference tells everything there is, and what it tells is so."""

import re
from typing import NamedTuple

import httpx
import pytest
from litestar.routes import HTTPRoute

from shorty.api.app import DOORS, create_api
from shorty.api.openapi import Json, build_document
from tests.api.house import House

DOCUMENT = build_document(DOORS)
UNLISTED = {"/api/v1/openapi.json", "/api/v1/docs"}


class Told(NamedTuple):
    path: str
    method: str
    operation: Json


EACH = [
    Told(path, method.upper(), operation)
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
]


def name_operation(told: Told) -> str:
    return f"{told.method} {told.path}"


def resolve(schema: Json) -> Json:
    if "$ref" not in schema:
        return schema
    return DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]]


@pytest.mark.parametrize("told", EACH, ids=name_operation)
class TestEachOperation:
    def test_says_what_it_does(self, told: Told) -> None:
        assert told.operation["summary"]
        assert told.operation["tags"]
        assert "Needs a token" in told.operation["description"]

    def test_changes_nothing_for_a_token_that_may_only_read(self, told: Told) -> None:
        may_read = "scope `read`" in told.operation["description"]
        assert not may_read or told.method == "GET"

    def test_names_every_part_of_its_path(self, told: Told) -> None:
        parameters = told.operation["parameters"]
        named = {each["name"] for each in parameters if each["in"] == "path"}
        assert named == set(re.findall(r"\{(\w+)\}", told.path))

    def test_shows_an_example_of_what_it_takes(self, told: Told) -> None:
        body = told.operation.get("requestBody", {"content": {}})
        takes_none = told.path.rpartition("/")[2] in {"verify", "rotate", "redeliver", "restore"}
        assert body["content"] or told.method in {"GET", "DELETE"} or takes_none
        for content in body["content"].values():
            assert content["example"]
            assert set(content["example"]) <= set(resolve(content["schema"])["properties"])

    def test_shows_an_example_of_what_it_answers(self, told: Told) -> None:
        status, answer = next(iter(told.operation["responses"].items()))
        assert status.startswith("2")
        assert (status == "204") == ("content" not in answer)
        for media_type, content in answer.get("content", {}).items():
            if media_type == "application/json":
                schema = resolve(content["schema"])
                assert set(schema["required"]) <= set(content["example"])
                assert set(content["example"]) <= set(schema["properties"])

    def test_tells_its_errors_with_examples(self, told: Told) -> None:
        responses = told.operation["responses"]
        errors = {status: responses[status] for status in responses if status >= "400"}
        expected = {"401", "429", "503"}
        expected |= {"404"} if "{" in told.path else set()
        expected |= {"400", "413", "415"} if "requestBody" in told.operation else set()
        assert expected <= set(errors)
        for answer in errors.values():
            for content in answer["content"].values():
                assert content["schema"]
                assert content["examples"]


def test_every_route_is_in_the_document() -> None:
    routes: dict[str, set[str]] = {}
    for route in create_api().routes:
        if isinstance(route, HTTPRoute) and route.path.startswith("/api/"):
            path = re.sub(r"\{\w+:str\}", "{}", route.path)
            routes.setdefault(path, set()).update(set(route.methods) - {"HEAD", "OPTIONS"})
    told: dict[str, set[str]] = {}
    for each in EACH:
        told.setdefault(re.sub(r"\{\w+\}", "{}", each.path), set()).add(each.method)
    assert routes == told | {path: {"GET"} for path in UNLISTED}


def test_operations_have_names_of_their_own() -> None:
    names = [told.operation["operationId"] for told in EACH]
    assert len(names) == len(set(names))


async def test_the_document_is_served_to_everybody(house: House) -> None:
    client = await house.make_client(token="")
    answer = await client.get("/api/v1/openapi.json")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == DOCUMENT


class TestThePage:
    @pytest.fixture
    async def page(self, house: House) -> httpx.Response:
        client = await house.make_client(token="")
        return await client.get("/api/v1/docs")

    async def test_shows_every_operation_and_every_error(self, page: httpx.Response) -> None:
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        for told in EACH:
            assert f'id="{told.operation["operationId"]}"' in page.text
        assert 'id="error-slug-taken"' in page.text

    async def test_loads_nothing_and_runs_nothing(self, page: httpx.Response) -> None:
        assert page.headers["x-content-type-options"] == "nosniff"
        assert "<script" not in page.text
        assert not re.search(r'(?:src|href)="(?:https?:)?//', page.text)
        assert page.headers["content-security-policy"].startswith("default-src 'none'")

    async def test_its_links_lead_somewhere(self, page: httpx.Response) -> None:
        targets = set(re.findall(r'href="#([^"]+)"', page.text))
        ids = set(re.findall(r'id="([^"]+)"', page.text))
        assert targets <= ids
