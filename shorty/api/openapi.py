"""Builds the OpenAPI 3.1 document from the handlers' operations."""

import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from types import NoneType
from typing import Any, Final, cast, get_args, get_origin

import msgspec
from litestar.handlers import HTTPRouteHandler

from shorty import __version__
from shorty.api.error_examples import list_samples
from shorty.api.errors import PROBLEM, Problem
from shorty.api.operations import Operation, find_operation
from shorty.api.requests import ApiRequest
from shorty.webcore.errors import Shape, find_status

Json = dict[str, Any]

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
    schemas, components = _build_schemas([find_operation(handler) for _, handler in every])
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


def _build_schemas(operations: Iterable[Operation]) -> tuple[dict[Any, Json], Json]:
    """The schema of each type used in an operation, and the components they refer to."""
    kinds: list[Any] = [Problem]
    for operation in operations:
        kinds += [each for each in (operation.query, operation.body, operation.answer) if each]
    kinds = list(dict.fromkeys(kinds))
    schemas, components = msgspec.json.schema_components(
        kinds, ref_template="#/components/schemas/{name}"
    )
    return dict(zip(kinds, schemas, strict=True)), components


def _describe_handler(
    door: RouteGroup, handler: HTTPRouteHandler, schemas: dict[Any, Json]
) -> Iterable[tuple[str, str, Json]]:
    operation = find_operation(handler)
    for route in sorted(handler.paths):
        path = _PATH_PARAMETER.sub(lambda found: f"{{{_camel(found[1])}}}", door.prefix + route)
        for method in sorted(handler.http_methods - {"HEAD"}):
            name = _camel(handler.fn.__name__)
            if len(handler.paths) > 1:
                name += "".join(part.capitalize() for part in route.split("/")).replace("-", "")
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
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"\{(\w+)\}", path)
    ]
    if operation.query is not None:
        parameters += _list_query(operation.query)
    return parameters + [KEY_PARAMETER] * operation.is_repeatable


def _list_query(query: type[msgspec.Struct]) -> list[Json]:
    schema = msgspec.json.schema(query)
    properties: dict[str, Json] = schema["$defs"][query.__name__]["properties"]
    return [
        {
            "name": name,
            "in": "query",
            "required": False,
            "description": about.get("description", ""),
            "schema": {key: about[key] for key in about if key != "description"},
        }
        for name, about in properties.items()
    ]


def _describe_body(operation: Operation, schemas: dict[Any, Json]) -> Json:
    content: Json = {"schema": schemas[operation.body], "example": operation.body_example}
    media_types = ["application/json"]
    if operation.takes_forms:
        media_types.append("application/x-www-form-urlencoded")
    return {"required": True, "content": dict.fromkeys(media_types, content)}


def _describe_success(operation: Operation, schemas: dict[Any, Json]) -> Json:
    headers = _describe_headers(operation)
    described: Json = {"description": "Done.", "headers": headers}
    if operation.answer is not None:
        described["content"] = {
            operation.media_type: {
                "schema": schemas[operation.answer],
                "example": operation.answer_example or write_example(operation.answer),
            }
        }
        for media_type, example in operation.other_examples:
            described["content"][media_type] = {
                "schema": schemas[operation.answer],
                "example": example,
            }
    return {str(status): described for status in (operation.status, *operation.other_statuses)}


def write_example(kind: Any) -> Any:
    """The type's own `example`; for a struct without one, its fields' examples."""
    if hasattr(kind, "example"):
        return kind.example
    if get_origin(kind) is list:
        return [write_example(get_args(kind)[0])]
    if NoneType in get_args(kind):
        return None
    return {each.encode_name: write_example(each.type) for each in msgspec.structs.fields(kind)}


def _describe_headers(operation: Operation) -> Json:
    headers: Json = {}
    if operation.scope is not None:
        for name, meaning in RATE_HEADERS.items():
            headers[name] = {"description": meaning, "schema": {"type": "integer"}}
    for name in operation.headers:
        headers[name] = {"schema": {"type": "string"}}
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
            answer.media_type.decode(), {"schema": _find_error_schema(answer.media_type, body)}
        )
        content.setdefault("examples", {})[sample.code] = {"value": body}
    return dict(sorted(described.items()))


def _find_error_schema(media_type: bytes, example: Json) -> Json:
    if media_type == PROBLEM:
        return {"$ref": "#/components/schemas/Problem"}
    return _infer_schema(example)


def _infer_schema(example: object) -> Json:
    if isinstance(example, dict):
        members = cast("Json", example)
        fields: Json = {name: _infer_schema(value) for name, value in members.items()}
        return {"type": "object", "properties": fields, "required": list(fields)}
    return {"type": "boolean" if isinstance(example, bool) else "string"}


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
