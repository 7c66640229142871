"""What an operation derives by default, and what it may override."""

from typing import Any, ClassVar

import msgspec
import pytest

from shorty.api.openapi import write_example
from shorty.api.operations import Operation, Resource
from shorty.api.requests import ApiRequest, find_operation
from shorty.errors import ConflictError, FeatureOffError
from shorty.webcore.answers import Answer, answer_nothing


class Part(msgspec.Struct, frozen=True, kw_only=True):
    example: ClassVar[dict[str, Any]] = {"id": "1"}

    id: str


class PartList(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    parts: list[Part]
    first_part: Part
    next_cursor: str | None


async def answer(request: ApiRequest) -> Answer:
    return answer_nothing()


def describe(resource: Resource, place: str, **details: Any) -> Operation:
    return find_operation(resource.handle(place, "Do it", **details)(answer))


@pytest.mark.parametrize(
    ("method", "scope", "status", "is_repeatable"),
    [
        ("GET", "read", 200, False),
        ("POST", "write", 201, True),
        ("PUT", "write", 200, False),
        ("PATCH", "write", 200, False),
        ("DELETE", "write", 204, False),
    ],
)
def test_an_operation_is_as_its_method_says(
    method: str, scope: str, status: int, *, is_repeatable: bool
) -> None:
    told = describe(Resource("Parts"), f"{method} /parts")
    assert (told.summary, told.tag) == ("Do it", "Parts")
    assert (told.scope, told.status, told.is_repeatable) == (scope, status, is_repeatable)


def test_what_it_says_itself_goes_before() -> None:
    resource = Resource("Parts")
    assert describe(resource, "GET /parts", scope="admin").scope == "admin"
    assert describe(resource, "POST /parts/try", scope="read").scope == "read"
    assert not describe(resource, "POST /parts/try", status=202).is_repeatable
    assert not describe(resource, "POST /parts", is_repeatable=False).is_repeatable


def test_a_resource_says_what_its_operations_have_in_common() -> None:
    resource = Resource("Parts", reads="write", writes="admin", errors=(FeatureOffError,))
    assert describe(resource, "GET /parts").scope == "write"
    told = describe(resource, "POST /parts", errors=(ConflictError,))
    assert told.scope == "admin"
    assert told.errors == (FeatureOffError, ConflictError)


def test_a_resource_keeps_its_handlers_in_their_order() -> None:
    resource = Resource("Parts")
    describe(resource, "GET /parts/{part_id}")
    describe(resource, "POST /parts /pieces")
    first, second = resource.handlers
    assert first.http_methods == {"GET", "HEAD"}
    assert first.paths == {"/parts/{part_id:str}"}
    assert second.http_methods == {"POST"}
    assert second.paths == {"/parts", "/pieces"}


def test_an_example_is_put_together_from_those_of_its_parts() -> None:
    assert write_example(PartList) == {
        "parts": [{"id": "1"}],
        "firstPart": {"id": "1"},
        "nextCursor": None,
    }
