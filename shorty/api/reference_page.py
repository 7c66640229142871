"""Renders the reference from the OpenAPI document: one page, no scripts, no outside resources."""

from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from importlib import resources
from typing import Any, Final, NamedTuple

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from shorty.api.error_examples import SAMPLES
from shorty.api.openapi import INTRODUCTION
from shorty.api.openapi_schemas import Json
from shorty.errors import join_choices
from shorty.webcore.errors import find_status

_STYLE: Final = (resources.files("shorty.api") / "templates" / "reference.css").read_text("utf-8")
_TEMPLATES: Final = Environment(
    loader=PackageLoader("shorty", "api/templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)

CONTENT_POLICY: Final = (
    "default-src 'none'; img-src 'self'; base-uri 'none'; form-action 'none'; "
    f"frame-ancestors 'none'; style-src 'sha256-"
    f"{b64encode(sha256(_STYLE.encode()).digest()).decode()}'"
)


class FieldLine(NamedTuple):
    name: str
    kind: str
    description: str
    is_required: bool


class ErrorLine(NamedTuple):
    status: str
    codes: list[str]


class OperationCard(NamedTuple):
    id: str
    method: str
    path: str
    summary: str
    description: str
    parameters: list[FieldLine]
    fields: list[FieldLine]
    request: str
    status: str
    answer: str
    errors: list[ErrorLine]


class Group(NamedTuple):
    name: str
    operations: list[OperationCard]


def render_reference(document: Json) -> str:
    errors = sorted(
        (
            {"code": kind.code, "status": find_status(kind), "message": sample.message}
            for kind, sample in SAMPLES.items()
        ),
        key=lambda error: (error["status"], error["code"]),
    )
    return _TEMPLATES.get_template("reference.html").render(
        style=Markup(_STYLE),  # noqa: S704 our own file
        version=document["info"]["version"],
        introduction=INTRODUCTION,
        groups=_group(document),
        errors=errors,
    )


def _group(document: Json) -> list[Group]:
    groups: dict[str, Group] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            name = operation["tags"][0]
            card = _draw_card(method.upper(), path, operation, document)
            groups.setdefault(name, Group(name, [])).operations.append(card)
    return list(groups.values())


def _draw_card(method: str, path: str, operation: Json, document: Json) -> OperationCard:
    status, success = next(iter(operation["responses"].items()))
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    return OperationCard(
        id=operation["operationId"],
        method=method,
        path=path,
        summary=operation["summary"],
        description=operation["description"],
        parameters=[_draw_parameter(each) for each in operation["parameters"]],
        fields=list(_list_fields(body.get("schema", {}), document)),
        request=_write_request(method, path, body.get("example")),
        status=status,
        answer=_write_example(success),
        errors=[
            ErrorLine(code, _list_codes(response))
            for code, response in operation["responses"].items()
            if int(code) >= 400  # noqa: PLR2004 where errors begin
        ],
    )


def _draw_parameter(parameter: Json) -> FieldLine:
    return FieldLine(
        name=parameter["name"],
        kind=_name_kind(parameter["schema"]),
        description=parameter.get("description", ""),
        is_required=parameter["required"],
    )


def _list_fields(schema: Json, document: Json) -> Iterator[FieldLine]:
    found = _resolve(schema, document)
    for name, field in found.get("properties", {}).items():
        yield FieldLine(
            name=name,
            kind=_name_kind(field),
            description=_find_description(field),
            is_required=name in found.get("required", ()),
        )


def _resolve(schema: Json, document: Json) -> Json:
    reference = schema.get("$ref")
    if reference is None:
        return schema
    return document["components"]["schemas"][reference.rpartition("/")[2]]


def _find_description(schema: Json) -> str:
    if "description" in schema:
        return schema["description"]
    return next(
        (each["description"] for each in schema.get("anyOf", ()) if "description" in each), ""
    )


def _name_kind(schema: Json) -> str:
    """A type in a few words: `string`, `integer or null`, `"a", "b" or "c"`."""
    if "anyOf" in schema:
        return join_choices(_name_kind(each) for each in schema["anyOf"])
    if "enum" in schema:
        return join_choices(msgspec.json.encode(value).decode() for value in schema["enum"])
    if "$ref" in schema:
        return "object"
    if schema.get("type") == "array":
        return f"list of {_name_kind(schema.get('items', {}))}"
    return schema.get("format") or schema.get("type", "any")


def _write_request(method: str, path: str, example: object) -> str:
    lines = [f"curl -X {method} https://YOUR-HOST{path}", "-H 'Authorization: Bearer TOKEN'"]
    if example is not None:
        lines += ["-H 'Content-Type: application/json'", f"-d '{_write_json(example)}'"]
    return " \\\n  ".join(lines)


def _write_example(response: Json) -> str:
    for media_type, content in response.get("content", {}).items():
        example: Any = content["example"]
        return _write_json(example) if media_type.endswith("json") else str(example)
    return ""


def _write_json(value: object) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


def _list_codes(response: Json) -> list[str]:
    return [code for content in response["content"].values() for code in content["examples"]]
