"""Makes the schemas of structs complete for readers and generators: words, types and names."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, cast

import msgspec

from shorty.api.field_words import BODIES, FIELDS, FIELDS_OF_OBJECTS

Json = dict[str, Any]

_REFERENCE: Final = "#/components/schemas/"
_WORD: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z0-9]+")


def build_schemas(kinds: Iterable[Any]) -> tuple[dict[Any, Json], Json]:
    """The schema of each type, and the components they refer to."""
    kinds = list(dict.fromkeys(kinds))
    schemas, components = msgspec.json.schema_components(
        kinds, ref_template=f"{_REFERENCE}{{name}}"
    )
    for component in components.values():
        for name, field in component.get("properties", {}).items():
            component["properties"][name] = complete_field(field)
    for title, component in components.items():
        for name, field in component.get("properties", {}).items():
            if not field.get("description"):
                component["properties"][name] = {
                    "description": describe_field(title, name, components),
                    **field,
                }
    return dict(zip(kinds, schemas, strict=True)), components


def add_forms(components: Json, bodies: Iterable[type[msgspec.Struct]]) -> None:
    """A component of its own for each body that is also taken as a form, as generators tell by
    the type how a body is to be sent.
    """
    for name in {body.__name__ for body in bodies}:
        form = name_form(name)
        components[form] = {**components[name], "title": form}


def name_form(body: str) -> str:
    return f"{body.removesuffix('Input')}Form"


def build_query(query: type[msgspec.Struct]) -> dict[str, Json]:
    """The schema of each parameter, with its description."""
    schema = msgspec.json.schema(query)
    properties: dict[str, Json] = schema["$defs"][query.__name__]["properties"]
    return {name: complete_field(field) for name, field in properties.items()}


def complete_field(field: Json) -> Json:
    """With the description at its head, and with types and names where values are listed."""
    return _hoist_description(_name_members(field))


def describe_field(title: str, name: str, components: Mapping[str, Json]) -> str:
    """Empty where nobody has described the field: a test finds those."""
    body = BODIES.get(title) or f"{title.removesuffix('Object')}Input"
    of_body: Json = components.get(body, {}).get("properties", {}).get(name, {})
    own = FIELDS_OF_OBJECTS.get(f"{title}.{name}")
    return own or of_body.get("description") or FIELDS.get(name, "")


def _hoist_description(field: Json) -> Json:
    """A text that may be null has its description in one of two alternatives, where most readers
    do not look for it.
    """
    if "description" in field:
        return field
    for index, inner in enumerate(field.get("anyOf", ())):
        if "description" in inner:
            others = [*field["anyOf"]]
            others[index] = {name: inner[name] for name in inner if name != "description"}
            return {**field, "description": inner["description"], "anyOf": others}
    return field


def _name_members(schema: Any) -> Any:
    """Lists of values with their type, and names that programs can use for them."""
    if isinstance(schema, list):
        return [_name_members(each) for each in cast("list[Any]", schema)]
    if not isinstance(schema, dict):
        return schema
    named = {name: _name_members(each) for name, each in cast("Json", schema).items()}
    if isinstance(values := named.get("enum"), list):
        members = cast("list[str | int]", values)
        named["type"] = "string" if isinstance(members[0], str) else "integer"
        named["x-enum-varnames"] = [name_member(value) for value in members]
    return named


def name_member(value: str | int) -> str:
    """`-createdAt` is CREATED_AT_DESCENDING; a number, which is a status, is STATUS_301."""
    text = str(value)
    if text.isdigit():
        return f"STATUS_{text}"
    words = "_".join(word for word in _WORD.split(text) if word).upper()
    return f"{words}_DESCENDING" if text.startswith("-") else words
