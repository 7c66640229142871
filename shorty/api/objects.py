"""JSON bodies and the objects that responses contain."""

from functools import cache
from typing import Any, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from shorty.webcore.times import format_time

T = TypeVar("T", bound=msgspec.Struct)


class Input(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A request body. Unknown fields are faults."""


def derive_changes(kind: type[msgspec.Struct], /, **others: Any) -> type[msgspec.Struct]:
    """Builds `TagChanges` from `TagInput`: the body that updates what the other creates.

    `others` maps fields to a different type, or to None if they cannot be updated.
    """
    types = {field.name: field.type for field in msgspec.structs.fields(kind)} | others
    return msgspec.defstruct(
        kind.__name__.replace("Input", "Changes"),
        [(name, each | UnsetType, UNSET) for name, each in types.items() if each is not None],
        bases=kind.__bases__,
        module=kind.__module__,
        namespace={"__doc__": "Omitted fields stay unchanged; null clears a field."},
        frozen=True,
        kw_only=True,
    )


def show(kind: type[T], source: object, **others: Any) -> T:
    """Copies the required fields of `kind` from `source`, with ids as text and times in ISO 8601.

    `others` are fields that `source` lacks or has in another form.
    """
    same = (name for name in _list_required(kind) if name not in others)
    return kind(**others, **{name: _show_field(name, getattr(source, name)) for name in same})


@cache
def _list_required(kind: type[msgspec.Struct]) -> tuple[str, ...]:
    return tuple(field.name for field in msgspec.structs.fields(kind) if field.required)


def _show_field(name: str, value: Any) -> Any:
    if value is None:
        return None
    last = name.rpartition("_")[2]
    return str(value) if last == "id" else format_time(value) if last == "at" else value
