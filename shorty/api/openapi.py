"""Builds the OpenAPI 3.1 document from the handlers' operations."""

import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from types import NoneType
from typing import Any, Final, get_args, get_origin

import msgspec
from litestar.handlers import HTTPRouteHandler
from msgspec import UNSET

from shorty import __version__
from shorty.api.error_examples import list_samples
from shorty.api.errors import PROBLEM, Problem
from shorty.api.field_words import HEADERS, PATH_PARTS
from shorty.api.openapi_schemas import Json, add_forms, build_query, build_schemas, name_form
from shorty.api.operations import Operation
from shorty.api.requests import ApiRequest, find_operation
from shorty.api.short_link_answers import ErrorAnswer, Unauthorized
from shorty.webcore.errors import Shape, find_status

INTRODUCTION: Final = (
    "Create short links, read their analytics, and manage their workspace. Every request "
    "needs a token: `Authorization: Bearer shorty_…`. Errors are RFC 9457 problem details "
    "with a stable `code`; the short-link API has its own error shape."
)
RATE_HEADERS: Final = {
    "X-RateLimit-Limit": "Requests per minute that the token may make.",
    "X-RateLimit-Remaining": "Requests left in the current window.",
    "X-RateLimit-Reset": "When the limit resets, in Unix seconds.",
}
KEY_PARAMETER: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": (
        "Any text of up to 255 characters: a retry with the same key within 24 hours returns the "
        "response to the first request."
    ),
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
}

BINARY: Final[Json] = {"type": "string", "format": "binary"}

_PATH_PARAMETER: Final = re.compile(r"\{(\w+):str\}")


class RouteGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Handlers below one prefix; `before` runs before each, and their errors share one shape.

    `checks_query` says that `before` refuses unknown parameters.
    """

    prefix: str
    handlers: Sequence[HTTPRouteHandler]
    before: Callable[[ApiRequest], Awaitable[None]]
    shape: Shape
    checks_query: bool = False


def build_document(doors: Iterable[RouteGroup]) -> Json:
    every = [(door, handler) for door in doors for handler in door.handlers]
    operations = [find_operation(handler) for _, handler in every]
    schemas, components = build_schemas(_list_kinds(operations))
    add_forms(components, [each.body for each in operations if each.body and each.takes_forms])
    paths: dict[str, Json] = {}
    for door, handler in every:
        for path, method, description in _describe_handler(door, handler, schemas):
            paths.setdefault(path, {})[method] = description
    return {
        "openapi": "3.1.0",
        "info": {"title": "shorty", "version": __version__, "description": INTRODUCTION},
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "bearerFormat": "shorty_…"}
            },
        },
    }


def _list_kinds(operations: Iterable[Operation]) -> list[Any]:
    """The types of all bodies and answers; pictures are no schema."""
    kinds: list[Any] = [Problem, ErrorAnswer, Unauthorized]
    for operation in operations:
        kinds += [each for each in (operation.body, operation.answer) if each not in {None, bytes}]
    return kinds


def _describe_handler(
    door: RouteGroup, handler: HTTPRouteHandler, schemas: dict[Any, Json]
) -> Iterable[tuple[str, str, Json]]:
    operation = find_operation(handler)
    names = (_camel(handler.fn.__name__), *operation.other_names)
    for name, route in zip(names, sorted(handler.paths), strict=True):
        path = _PATH_PARAMETER.sub(lambda found: f"{{{_camel(found[1])}}}", door.prefix + route)
        for method in sorted(handler.http_methods - {"HEAD"}):
            yield path, method.lower(), _describe(operation, name, path, door, schemas)


def _describe(
    operation: Operation, name: str, path: str, door: RouteGroup, schemas: dict[Any, Json]
) -> Json:
    described: Json = {
        "operationId": name,
        "summary": operation.summary,
        "description": _write_description(operation),
        "tags": [operation.tag],
        "parameters": _list_parameters(operation, path),
        "responses": _describe_success(operation, schemas)
        | _describe_errors(operation, path, door),
    }
    if operation.body is not None:
        described["requestBody"] = _describe_body(operation, schemas)
    if operation.scope is None:
        described["security"] = []
    return described


def _write_description(operation: Operation) -> str:
    need = f"Needs a token with the scope `{operation.scope}`." if operation.scope else ""
    return " ".join(filter(None, (operation.description, need)))


def _list_parameters(operation: Operation, path: str) -> list[Json]:
    parameters: list[Json] = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": PATH_PARTS.get(name, ""),
            "schema": {"type": "string"},
        }
        for name in re.findall(r"\{(\w+)\}", path)
    ]
    if operation.query is not None:
        parameters += _list_query(operation.query)
    return parameters + [KEY_PARAMETER] * operation.is_repeatable


def _list_query(query: type[msgspec.Struct]) -> list[Json]:
    return [
        {
            "name": name,
            "in": "query",
            "required": False,
            "description": about.get("description", ""),
            "schema": {key: about[key] for key in about if key != "description"},
        }
        for name, about in build_query(query).items()
    ]


def _describe_body(operation: Operation, schemas: dict[Any, Json]) -> Json:
    schema, example = schemas[operation.body], operation.body_example
    content: Json = {"application/json": {"schema": schema, "example": example}}
    if operation.takes_forms:
        form = {"$ref": name_form(schema["$ref"])}
        content["application/x-www-form-urlencoded"] = {"schema": form, "example": example}
    if operation.takes_pictures:
        content["image/*"] = {"schema": BINARY, "example": "(the bytes of a picture)"}
    return {"required": True, "content": content}


def _describe_success(operation: Operation, schemas: dict[Any, Json]) -> Json:
    headers = _describe_headers(operation)
    described: Json = {"description": "Done.", "headers": headers}
    if operation.answer is not None:
        described["content"] = {
            operation.media_type: {
                "schema": _find_schema(operation, operation.media_type, schemas),
                "example": operation.answer_example or write_example(operation.answer),
            }
        }
        for media_type, example in operation.other_examples:
            described["content"][media_type] = {
                "schema": _find_schema(operation, media_type, schemas),
                "example": example,
            }
    return {str(status): described for status in (operation.status, *operation.other_statuses)}


def _find_schema(operation: Operation, media_type: str, schemas: dict[Any, Json]) -> Json:
    if operation.answer is bytes:
        return {**BINARY, "contentMediaType": media_type}
    return schemas[operation.answer]


def write_example(kind: Any) -> Any:
    """The type's own `example`; for a struct without one, its fields' examples."""
    if hasattr(kind, "example"):
        return kind.example
    if get_origin(kind) is list:
        return [write_example(get_args(kind)[0])]
    if NoneType in get_args(kind):
        return None
    return {
        each.encode_name: write_example(each.type)
        for each in msgspec.structs.fields(kind)
        if each.default is not UNSET  # which answers only sometimes have
    }


def _describe_headers(operation: Operation) -> Json:
    headers: Json = {}
    if operation.scope is not None:
        for name, meaning in RATE_HEADERS.items():
            headers[name] = {"description": meaning, "schema": {"type": "integer"}}
    for name in operation.headers:
        headers[name] = {"description": HEADERS.get(name, ""), "schema": {"type": "string"}}
    return headers


def _describe_errors(operation: Operation, path: str, door: RouteGroup) -> Json:
    """Each error status with an example of each code, built by the shape itself."""
    described: Json = {}
    for sample in list_samples(operation, path, checks_query=door.checks_query):
        answer = door.shape(sample, find_status(sample))
        body: Json = msgspec.json.decode(answer.body)
        response = described.setdefault(str(answer.status_code), {"description": "", "content": {}})
        response["description"] = f"{response['description']} {sample.message}".strip()
        content = response["content"].setdefault(
            answer.media_type.decode(), {"schema": {"$ref": _name_error(answer.media_type, body)}}
        )
        content.setdefault("examples", {})[sample.code] = {"value": body}
    return dict(sorted(described.items()))


def _name_error(media_type: bytes, example: Json) -> str:
    if media_type == PROBLEM:
        return "#/components/schemas/Problem"
    return f"#/components/schemas/{'ErrorAnswer' if 'data' in example else 'Unauthorized'}"


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
