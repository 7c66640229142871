"""The reference tells everything there is, and what it tells is so."""

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple, cast

import httpx
import openapi_spec_validator
import pytest
from litestar.routes import HTTPRoute

from shorty.api.app import DOORS, create_api
from shorty.api.openapi import build_document
from shorty.api.openapi_schemas import Json
from tests.api.house import House

DOCUMENT = build_document(DOORS)
SCHEMAS: Json = DOCUMENT["components"]["schemas"]
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
        counts_nothing = told.path.endswith("/try-rules")  # POST for its body alone
        assert not may_read or told.method == "GET" or counts_nothing

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
            is_picture = content["schema"].get("format") == "binary"
            fields = resolve(content["schema"]).get("properties", {})
            assert is_picture or set(content["example"]) <= set(fields)

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


def test_operations_have_plain_names_of_their_own() -> None:
    names = [told.operation["operationId"] for told in EACH]
    assert len({name.casefold() for name in names}) == len(names)
    for told in EACH:
        name = told.operation["operationId"]
        assert re.match(r"[a-z]+([A-Z][a-z]+)*$", name)
        assert told.operation["tags"]
        assert not re.search(r"Shortlinks?$|Bulkdelete", name)


def test_everything_has_a_description() -> None:
    for name, component in SCHEMAS.items():
        for field, schema in component.get("properties", {}).items():
            assert schema.get("description"), (name, field)
    for told in EACH:
        for parameter in told.operation["parameters"]:
            assert parameter.get("description"), (told.path, parameter["name"])
        for response in told.operation["responses"].values():
            assert response["description"]
            for header, about in response.get("headers", {}).items():
                assert about["description"], header


def test_no_component_is_unused_or_oddly_named() -> None:
    used = set(re.findall(r"#/components/schemas/([^\"]+)", json.dumps(DOCUMENT)))
    assert used == set(SCHEMAS)
    for name in SCHEMAS:
        assert re.fullmatch(r"[A-Z][A-Za-z]+", name)


def list_schemas(value: Any) -> Iterator[Json]:
    """Every object of the document that may be a schema."""
    if isinstance(value, dict):
        found = cast("Json", value)
        yield found
        for name, inner in found.items():
            if name not in {"example", "examples", "default"}:
                yield from list_schemas(inner)
    elif isinstance(value, list):
        for inner in cast("list[Any]", value):
            yield from list_schemas(inner)


def test_members_of_enums_have_a_type_and_names() -> None:
    found = [schema for schema in list_schemas(DOCUMENT) if isinstance(schema.get("enum"), list)]
    assert len(found) > 20
    for schema in found:
        assert schema["type"] in {"string", "integer"}
        names = schema["x-enum-varnames"]
        assert len(names) == len(set(names)) == len(schema["enum"])
        assert all(re.fullmatch(r"[A-Z][A-Z0-9_]*", name) for name in names)


def test_pictures_are_binary() -> None:
    pictures = [
        content["schema"]
        for told in EACH
        for response in told.operation["responses"].values()
        for media_type, content in response.get("content", {}).items()
        if media_type.startswith("image/")
    ]
    uploads = [told.operation.get("requestBody", {}).get("content", {}) for told in EACH]
    pictures += [content["image/*"]["schema"] for content in uploads if "image/*" in content]
    assert len(pictures) == 5
    assert {(each["type"], each["format"]) for each in pictures} == {("string", "binary")}
    assert "contentEncoding" not in json.dumps(DOCUMENT)


def test_a_public_validator_finds_nothing() -> None:
    openapi_spec_validator.validate(DOCUMENT)


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
