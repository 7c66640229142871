"""Reads every setting from an environment variable, SHORTY_SECTION__KEY."""

import difflib
import json
import tomllib
from collections.abc import Iterable, Mapping
from typing import cast

from msgspec import inspect

from shorty.config.conversion import Faults, Table
from shorty.config.settings import Plan, list_paths, list_settings

PREFIX = "SHORTY_"
CONFIG_VARIABLE = "SHORTY_CONFIG"
PLANS_PREFIX = "SHORTY_PLANS__"
SWITCHES = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


def name_variable(path: str) -> str:
    """`plans.pro-plus.links` is set by `SHORTY_PLANS__PRO_PLUS__LINKS`."""
    return PREFIX + path.replace(".", "__").replace("-", "_").upper()


def apply_environment(table: Table, environ: Mapping[str, str], faults: Faults) -> None:
    """Overwrites the table with the variables' values, and notes which variable set which path."""
    given = {name: text for name, text in environ.items() if is_setting_variable(name)}
    plans = list_plans(table)
    paths = list_paths([*plans, *find_new_plans(given, plans)])
    known = {name_variable(path): path for path in paths}
    for name, text in sorted(given.items()):
        if name in known:
            path = known[name]
            write_setting(table, path, parse_text(text, inspect.type_info(paths[path])))
            faults.origins[path] = name
        else:
            faults.add(name, f"is not a setting; did you mean {find_nearest(name, known)}?")


def find_nearest(name: str, known: Iterable[str]) -> str:
    """The nearest known name; a key without its section matches the first section that has it."""
    key = f"__{name.removeprefix(PREFIX)}"
    same = [each for each in known if each.endswith(key)]
    return same[0] if same else difflib.get_close_matches(name, known, n=1, cutoff=0)[0]


def is_setting_variable(name: str) -> bool:
    return name.startswith(PREFIX) and name != CONFIG_VARIABLE


def list_plans(table: Table) -> list[str]:
    plans = table.get("plans")
    return list(cast("Table", plans)) if isinstance(plans, dict) else []


def find_new_plans(given: Mapping[str, str], plans: Iterable[str]) -> set[str]:
    """Plans that only variables name: SHORTY_PLANS__TEAM__LINKS creates the plan `team`."""
    keys = {field.name.upper() for field in list_settings(Plan)}
    known = {name_variable(plan).removeprefix(PREFIX) for plan in plans}
    spoken_of = (name.removeprefix(PLANS_PREFIX) for name in given if name.startswith(PLANS_PREFIX))
    split = (name.rpartition("__") for name in spoken_of)
    return {plan.lower() for plan, _, key in split if plan and key in keys and plan not in known}


def write_setting(table: Table, path: str, value: object) -> None:
    """Sets one key. A section that is not a table in the file stays, and is refused later."""
    section, dot, rest = path.partition(".")
    if not dot:
        table[section] = value
        return
    inner: object = table.setdefault(section, {})
    if isinstance(inner, dict):
        write_setting(cast("Table", inner), rest, value)


def parse_text(text: str, kind: inspect.Type) -> object:
    """The value of a text; a text of the wrong form stays text, and is refused later."""
    match kind:
        case inspect.UnionType(types=types) if any(isinstance(t, inspect.NoneType) for t in types):
            return parse_text(text, types[0]) if text.strip() else None
        case inspect.VarTupleType(item_type=item):
            return parse_list(text.strip(), item)
        case inspect.StructType(fields=(first, *_)):
            return {first.name: text}
        case inspect.BoolType():
            return SWITCHES.get(text.strip().lower(), text)
        case inspect.IntType() | inspect.FloatType():
            return parse_literal(text)
        case _:
            return text


def parse_list(text: str, item: inspect.Type) -> object:
    """A TOML or JSON list, or items separated by commas."""
    if text.startswith("["):
        return parse_literal(text)
    return [parse_text(part.strip(), item) for part in text.split(",") if part.strip()]


def parse_literal(text: str) -> object:
    """A text as a TOML or JSON value; unchanged if it is neither."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        pass
    try:
        return json.loads(text)
    except ValueError:
        return text
