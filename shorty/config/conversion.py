"""Converts tables of raw values to the settings' structs, and collects every fault."""

import difflib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast, get_args, get_origin

import msgspec
from msgspec import NODEFAULT, Struct, inspect

from shorty.config.settings import list_paths, list_settings
from shorty.errors import join_choices

Table = dict[str, Any]  # a TOML table from the parser
SECRETS = {"metrics.token"}
SHOWN_LENGTH = 60


class Faults:
    """The faults of the settings, one per line.

    `origins` names the variable or option that set a path, unless the file did.
    """

    def __init__(self) -> None:
        self.origins: dict[str, str] = {}
        self.lines: list[str] = []

    def add(self, path: str, what: str) -> None:
        origin = self.origins.get(path)
        self.lines.append(f"{path}{f' ({origin})' if origin else ''}: {what}")

    def add_value(self, path: str, expected: str, found: object, *, near: str = "") -> None:
        shown = "something else" if path in SECRETS else show_value(found)
        hint = f"; did you mean {near}?" if near else ""
        self.add(path, f"expected {expected}, found {shown}{hint}")

    def add_unknown(self, path: str, siblings: Iterable[str]) -> None:
        self.add(path, f"is not a setting; {suggest_path(path, sorted(siblings))}")


def suggest_path(path: str, siblings: list[str]) -> str:
    """The nearest key beside it, else a key of that name elsewhere, else the allowed keys."""
    key = path.rpartition(".")[2]
    near = difflib.get_close_matches(key, [name.rpartition(".")[2] for name in siblings], n=1)
    found = [name for name in siblings if name.rpartition(".")[2] in near] or [
        name for name in list_paths(()) if name.rpartition(".")[2] == key
    ]
    return f"did you mean {found[0]}?" if found else f"expected one of {', '.join(siblings)}"


def show_value(value: object) -> str:
    shown = msgspec.json.encode(value, enc_hook=str).decode()
    return shown if len(shown) <= SHOWN_LENGTH else shown[: SHOWN_LENGTH - 1] + "…"


def is_struct_type(wanted: Any) -> bool:
    return isinstance(wanted, type) and issubclass(wanted, Struct)


def convert_value(wanted: Any, value: object, path: str, faults: Faults) -> Any:
    """The value as `wanted`; for a faulty value, notes the fault and returns `NODEFAULT`."""
    origin = get_origin(wanted)
    if origin is dict:
        return convert_tables(get_args(wanted)[1], value, path, faults)
    if origin is tuple:
        return convert_list(get_args(wanted)[0], value, path, faults)
    if is_struct_type(wanted):
        return convert_table(wanted, value, path, faults)
    try:
        return msgspec.convert(value, wanted, dec_hook=convert_path)
    except msgspec.ValidationError:
        faults.add_value(path, describe_type(wanted), value)
        return NODEFAULT


def convert_table(struct: type[Struct], value: object, path: str, faults: Faults) -> Any:
    """The struct of the table's valid values; notes faulty keys, which keep their defaults."""
    if not isinstance(value, dict):
        faults.add_value(path, describe_type(struct), value)
        return NODEFAULT
    table = cast("Table", value)
    settings = {field.name: field for field in list_settings(struct)}
    known = [join_path(path, name) for name in settings]
    kept: Table = {}
    for key, item in table.items():
        place = join_path(path, key)
        if key not in settings:
            faults.add_unknown(place, known)
        elif (setting := convert_value(settings[key].type, item, place, faults)) is not NODEFAULT:
            kept[key] = setting
    required = {name for name, field in settings.items() if field.required}
    for name in sorted(required - table.keys()):
        faults.add(
            join_path(path, name), f"is missing; expected {describe_type(settings[name].type)}"
        )
    return struct(**kept) if required <= kept.keys() else NODEFAULT


def convert_tables(struct: Any, value: object, path: str, faults: Faults) -> Any:
    if not isinstance(value, dict):
        faults.add_value(path, "tables of settings by name", value)
        return NODEFAULT
    converted = {
        name: convert_value(struct, item, join_path(path, name), faults)
        for name, item in cast("Table", value).items()
    }
    return {name: item for name, item in converted.items() if item is not NODEFAULT}


def convert_list(wanted: Any, value: object, path: str, faults: Faults) -> Any:
    if not isinstance(value, list):
        faults.add_value(path, describe_type(tuple[wanted, ...]), value)
        return NODEFAULT
    converted = [
        convert_value(wanted, item, f"{path}[{index}]", faults)
        for index, item in enumerate(cast("list[object]", value))
    ]
    return NODEFAULT if NODEFAULT in converted else tuple(converted)


def convert_path(wanted: type, value: object) -> object:
    if wanted is Path and isinstance(value, str) and value:
        return Path(value)
    raise msgspec.ValidationError


def join_path(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def describe_type(wanted: Any) -> str:
    """What a person should write for this type."""
    return describe_kind(inspect.type_info(wanted))


def describe_kind(kind: inspect.Type) -> str:
    match kind:
        case inspect.UnionType(types=types):
            return join_choices(
                describe_kind(option)
                for option in types
                if not isinstance(option, inspect.NoneType)
            )
        case inspect.LiteralType(values=values):
            return join_choices(f'"{value}"' for value in values if value)
        case inspect.VarTupleType(item_type=item):
            return f"a list, each item {describe_kind(item)}"
        case inspect.IntType(ge=least, le=most):
            return f"a whole number from {least} to {most}"
        case inspect.FloatType(le=most):
            return f"a number of seconds greater than 0, at most {most}"
        case inspect.BoolType():
            return "true or false"
        case inspect.CustomType():
            return "the path of a file"
        case inspect.StructType():
            return "a table of settings"
        case _:
            return "text"
