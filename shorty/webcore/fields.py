"""Checks fields one by one against a struct, so that all faults are reported together."""

import re
from collections.abc import Callable, Collection, Mapping
from difflib import get_close_matches
from functools import cache, lru_cache
from types import TracebackType
from typing import Any, Final, Literal, NamedTuple, TypeVar, cast, get_args, get_origin

import msgspec
from msgspec import UNSET
from msgspec.structs import FieldInfo

from shorty.errors import InvalidFieldsError, join_choices

T = TypeVar("T", bound=msgspec.Struct)

# Names are compared slowly, and a body may have a hundred thousand.
MOST_SUGGESTIONS: Final = 3
LONGEST_SUGGESTED: Final = 40

# msgspec says "Expected `int | null`, got `str`" or "Expected `str` of length <= 3 - at `$[0]`".
_EXPECTED: Final = re.compile(r"Expected `([^`]+)`(?: of length)?(?: ([<>]=?) (\S+))?.*")
_BOUNDS: Final = {">=": "at least", "<=": "at most", ">": "more than", "<": "less than"}
_WORDS: Final = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}


def convert_fields(
    values: Mapping[str, object],
    kind: type[T],
    *,
    is_text: bool = False,
    ignores_unknown: bool = False,
) -> T:
    """Converts values to a struct. `is_text`: they are a form's or query's; "true" is a boolean.

    Raises InvalidFieldsError with every faulty, missing and unknown field.
    """
    if not values and not _read_form(kind).required:
        return kind()
    return kind(**convert_given(values, kind, is_text=is_text, ignores_unknown=ignores_unknown))


def convert_given(
    values: Mapping[str, object],
    kind: type[msgspec.Struct],
    *,
    is_text: bool = False,
    ignores_unknown: bool = False,
) -> dict[str, Any]:
    """The same as convert_fields, but returns only the given fields, by their Python names."""
    convert = convert_known if ignores_unknown else convert_body
    found, faults = convert(values, kind, is_text=is_text)
    if faults:
        raise InvalidFieldsError(faults)
    return found


def check_names(values: Mapping[str, object], kind: type[msgspec.Struct] | None) -> None:
    """Raises InvalidFieldsError for parameters of a query that this struct does not have."""
    known = _read_form(kind).fields if kind else ()
    if faults := find_unknown(values, known, "parameter"):
        raise InvalidFieldsError(faults)


def convert_body(
    values: Mapping[str, object], kind: type[msgspec.Struct], *, is_text: bool = False
) -> tuple[dict[str, Any], dict[str, str]]:
    """As convert_known, for bodies in which unknown fields are faults and empty texts are nothing:
    a field left out where something is created, null where a field changes.
    """
    found, faults = convert_known(omit_empty(values, kind), kind, is_text=is_text)
    for name in faults:
        if values.get(name) == "":
            faults[name] = (
                "is required" if name in _read_form(kind).required else "must not be empty"
            )
    return found, faults | find_unknown(values, _read_form(kind).fields)


def omit_empty(values: Mapping[str, object], kind: type[msgspec.Struct]) -> Mapping[str, object]:
    """The values without empty texts, at the top and in objects; a field whose default is UNSET
    changes something, and is null instead.
    """
    if not any(value == "" or isinstance(value, dict) for value in values.values()):
        return values
    fields = _read_form(kind).fields
    kept: dict[str, object] = {}
    for name, value in values.items():
        if isinstance(value, dict):
            members = cast("dict[str, object]", value)
            kept[name] = {each: inner for each, inner in members.items() if inner != ""}
        elif value != "":
            kept[name] = value
        elif name in fields and fields[name].default is UNSET:
            kept[name] = None
    return kept


def convert_known(
    values: Mapping[str, object], kind: type[msgspec.Struct], *, is_text: bool = False
) -> tuple[dict[str, Any], dict[str, str]]:
    """The valid fields by their Python names, and the other fields' faults by their own names."""
    fields = _read_form(kind).fields
    try:
        # Converting all at once takes a tenth of the time, but reports only the first fault.
        whole = msgspec.convert(values, kind, strict=not is_text)
    except msgspec.ValidationError:
        return _convert_each(values, kind, is_text=is_text)
    return {
        (own := fields[name].name): getattr(whole, own) for name in values if name in fields
    }, {}


def _convert_each(
    values: Mapping[str, object], kind: type[msgspec.Struct], *, is_text: bool
) -> tuple[dict[str, Any], dict[str, str]]:
    found: dict[str, Any] = {}
    form = _read_form(kind)
    faults = {name: "is required" for name in form.required if name not in values}
    for name, value in values.items():
        if (field := form.fields.get(name)) is None:
            continue
        try:
            found[field.name] = msgspec.convert(value, field.type, strict=not is_text)
        except msgspec.ValidationError as error:
            faults[name] = describe_fault(str(error), field.type)
    return found, faults


def spell_fields(faults: Mapping[str, str]) -> dict[str, str]:
    """Faults by the fields' names in camel case."""
    return {_camel(name): fault for name, fault in faults.items()}


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


class TellingNames:
    """Wraps a call of a domain and renames the fields of its faults by `spell`.

    A class is faster than `contextmanager`, and every new link needs one.
    """

    def __init__(self, spell: Callable[[Mapping[str, str]], dict[str, str]]) -> None:
        self._spell = spell

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if isinstance(error, InvalidFieldsError):
            raise error.rename(self._spell) from error


telling_camel_case: Final = TellingNames(spell_fields)


def find_unknown(
    values: Mapping[str, object], known: Collection[str], what: str = "field"
) -> dict[str, str]:
    """The faults of unknown fields, with the nearest known name."""
    unknown = [name for name in values if name not in known]
    near = {name: _find_near(name, tuple(known)) for name in unknown[:MOST_SUGGESTIONS]}
    return {
        name: f"is not a known {what}" + (f"; did you mean {near[name]}?" if near.get(name) else "")
        for name in unknown
    }


@lru_cache(maxsize=1024)
def _find_near(name: str, known: tuple[str, ...]) -> str:
    """Empty if no name is similar. Names are compared without case and underscores."""
    if len(name) > LONGEST_SUGGESTED:
        return ""
    plain = {each.replace("_", "").casefold(): each for each in known}
    found = get_close_matches(name.replace("_", "").casefold(), plain, n=1)
    return plain[found[0]] if found else ""


class _Form(NamedTuple):
    """A struct's fields by their names in JSON."""

    fields: dict[str, FieldInfo]
    required: tuple[str, ...]


@cache
def _read_form(kind: type[msgspec.Struct]) -> _Form:
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    return _Form(fields, tuple(name for name in fields if fields[name].required))


def describe_fault(message: str, kind: object) -> str:
    """The validator's message as words that follow a field's name."""
    told, _, path = message.partition(" - at `$")
    where = f" (at {path.rstrip('`').lstrip('.')})" if path else ""
    if told.startswith("Invalid enum value"):
        choices = _list_choices(kind)  # none of a part, which has a type of its own
        wanted = f"must be {join_choices(choices)}" if choices else "is none of the possible values"
        return f"{wanted}{where}"
    if match := _EXPECTED.fullmatch(told):
        return f"must be {_describe_kinds(match[1])}{_describe_bound(told, *match.groups())}{where}"
    if told.startswith("Invalid RFC3339"):
        return f"must be a time such as 2026-12-31T23:59:59Z{where}"
    return f"is invalid{where}: {told}"


def _describe_kinds(kinds: str) -> str:
    return join_choices(_WORDS.get(kind, kind) for kind in kinds.split(" | "))


def _describe_bound(told: str, kind: str, relation: str | None, bound: str | None) -> str:
    if relation is None:
        return ""
    unit = ""
    if " of length " in told:
        unit = " character" if kind.startswith("str") else " item"
        unit += "" if bound == "1" else "s"
    return f" of {_BOUNDS[relation]} {bound}{unit}"


def _list_choices(kind: object) -> list[str]:
    """The values of every Literal inside a type, as JSON writes them."""
    if get_origin(kind) is Literal:
        return [msgspec.json.encode(value).decode() for value in get_args(kind)]
    return [choice for each in get_args(kind) for choice in _list_choices(each)]
