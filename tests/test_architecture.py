"""Checks the structure of the package: imports go one way, and domains stay pure.

Each rule is a function from the parsed modules to faults. The real tree must have none; small
synthetic trees show that every rule can fail.
"""

import ast
from collections.abc import Callable, Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import shorty
from tests.import_map import PACKAGE, Module, Reference, read_modules

# A unit imports from rows above its own. Within a row imports go one way only.
ROWS = (
    {"__init__"},
    {"errors", "addresses", "bidi", "idn", "ids", "durations"},
    {"config", "storage"},
    {"sqlite", "postgres"},
    {
        "databases",
        "fetch",
        "mail",
        "limits",
        "passwords",
        "pools",
        "proxies",
        "clock",
        "log",
        "log_lines",
        "sockets",
    },
    {"plans", "nodes"},
    {"accounts"},
    {"domains"},
    {"webhooks"},
    {"links"},
    {"clicks"},
    {"qr", "bio", "transfer"},
    {"redirect", "webcore"},
    {"api", "web"},
    {"app", "serve", "granian_bridge", "jobs"},
    {"cli"},
    {"__main__"},
)
ROW_OF = {unit: row for row, units in enumerate(ROWS) for unit in units}
NEVER = {("clicks", "links"), ("api", "web"), ("web", "api")}

DOMAINS = {
    *{"plans", "accounts", "domains", "webhooks", "links", "clicks", "qr", "bio", "transfer"},
    *{"limits", "storage", "sqlite", "errors", "ids", "durations"},
}
DRIVERS = {"sqlite": {"sqlite3", "aiosqlite"}, "postgres": {"psycopg"}}
BRIDGE = "granian_bridge"
GRANIANS_OWN = "granian._granian"
GRANIANS_OWN_IN = f"{BRIDGE}/private.py"
DOOR_PACKAGES = {"litestar", "granian", "uvloop", "click", "rich_click"}
NETWORK_PACKAGES = {
    "aiohttp",
    "smtplib",
    "socket",
    "http.client",
    "urllib.request",
    "httpx",
    "requests",
}
CLOCK_AND_ENVIRONMENT = {
    *{"time.time", "time.time_ns", "time.localtime", "time.gmtime", "time.ctime"},
    *{"datetime.datetime.now", "datetime.datetime.utcnow", "datetime.datetime.today"},
    "datetime.date.today",
    *{"os.environ", "os.environb", "os.getenv", "os.getenvb"},
}

Rule = Callable[[list[Module]], Iterator[str]]


def find_strangers(modules: list[Module]) -> Iterator[str]:
    for module in modules:
        if module.unit not in ROW_OF:
            yield f"{module.path} is on no row of the map: give it its place in ROWS"


def find_deep_modules(modules: list[Module]) -> Iterator[str]:
    for module in modules:
        if module.depth > 2:
            yield f"{module.path} lies deeper than package/module"


def find_wrong_arrows(modules: list[Module]) -> Iterator[str]:
    for module, target, line in _list_arrows(modules):
        own, other = ROW_OF.get(module.unit, 0), ROW_OF.get(target, 0)
        if other > own:
            yield f"{module.path}:{line} imports {target}, which stands above it"
        elif (module.unit, target) in NEVER:
            yield f"{module.path}:{line} imports {target}, which it never may"


def find_circles(modules: list[Module]) -> Iterator[str]:
    arrows = {(module.unit, target) for module, target, _ in _list_arrows(modules)}
    for start in sorted({unit for unit, _ in arrows}):
        reached = {start}
        while grown := {b for a, b in arrows if a in reached} - reached:
            if any((unit, start) in arrows for unit in grown):
                yield f"{start} imports itself in a circle"
                break
            reached |= grown


def find_module_circles(modules: list[Module]) -> Iterator[str]:
    """Finds circles, also within one package, until none is left.

    That Python imports a package before its modules does not count.
    """
    names = {module.name for module in modules}
    arrows = {each.name: sorted({*_list_modules(each, names)}) for each in modules}
    while circle := _find_circle(arrows):
        yield " imports ".join(each.removeprefix(f"{PACKAGE}.") for each in circle)
        arrows[circle[0]].remove(circle[1])


def find_imports_in_functions(modules: list[Module]) -> Iterator[str]:
    for module in modules:
        for found in module.imports_in_functions:
            yield f"{module.path}:{found.line} imports {found.name} inside a function"


def find_doors_in_domains(modules: list[Module]) -> Iterator[str]:
    yield from _find_packages(modules, DOMAINS, DOOR_PACKAGES, "a domain knows no door")


def find_clients_beside_fetch(modules: list[Module]) -> Iterator[str]:
    yield from _find_packages(
        modules, DOMAINS, NETWORK_PACKAGES, "outgoing requests go through fetch"
    )
    others = {module.unit for module in modules} - DOMAINS - {"fetch"}
    yield from _find_packages(modules, others, {"aiohttp"}, "outgoing requests go through fetch")


def find_granian_elsewhere(modules: list[Module]) -> Iterator[str]:
    others = {module.unit for module in modules} - DOMAINS - {BRIDGE}
    yield from _find_packages(modules, others, {"granian"}, f"{BRIDGE} alone knows granian")
    inside = [each for each in modules if each.unit == BRIDGE and each.path != GRANIANS_OWN_IN]
    yield from _find_packages(inside, {BRIDGE}, {GRANIANS_OWN}, f"it belongs in {GRANIANS_OWN_IN}")


def find_drivers_elsewhere(modules: list[Module]) -> Iterator[str]:
    for package, drivers in DRIVERS.items():
        others = {module.unit for module in modules} - {package}
        yield from _find_packages(modules, others, drivers, f"{package} alone knows its driver")


def find_engines_in_domains(modules: list[Module]) -> Iterator[str]:
    engines = {f"{PACKAGE}.{each}" for each in (*DRIVERS, "databases")}
    domains = DOMAINS - {*DRIVERS}
    yield from _find_packages(modules, domains, engines, "a domain knows storage alone")


def find_clock_and_environment(modules: list[Module]) -> Iterator[str]:
    for module in modules:
        if module.unit not in DOMAINS:
            continue
        for found in sorted({*module.names, *module.imports}, key=lambda each: each.line):
            if found.name in CLOCK_AND_ENVIRONMENT:
                yield f"{module.path}:{found.line} reads {found.name}; take it as a parameter"


def _list_arrows(modules: list[Module]) -> Iterator[tuple[Module, str, int]]:
    """Imports from one unit to another, as (importer, imported unit, line)."""
    units = {module.unit for module in modules}
    for module in modules:
        for found in module.imports:
            parts = found.name.split(".")
            if parts[0] == PACKAGE and len(parts) > 1:
                target = parts[1] if parts[1] in units else "__init__"
                if target != module.unit:
                    yield module, target, found.line


def _list_modules(module: Module, names: set[str]) -> Iterator[str]:
    """The other modules that it imports. `from a.b import c` is a.b.c if that is a module."""
    for found in module.imports:
        parent = found.name.rpartition(".")[0]
        target = found.name if found.name in names else parent
        if target in names and target != module.name:
            yield target


def _find_circle(arrows: dict[str, list[str]]) -> list[str]:
    """Modules that import each other in a circle, the first also at the end; None without one."""
    try:
        TopologicalSorter(arrows).prepare()
    except CycleError as error:
        circle: list[str] = error.args[1][:0:-1]
        first = circle.index(min(circle))
        return [*circle[first:], *circle[: first + 1]]
    return []


def _find_packages(
    modules: list[Module], units: set[str], packages: set[str], why: str
) -> Iterator[str]:
    for module in modules:
        for found in module.imports:
            if module.unit in units and _is_within(found, packages):
                yield f"{module.path}:{found.line} imports {found.name}: {why}"


def _is_within(found: Reference, packages: set[str]) -> bool:
    return any(found.name == each or found.name.startswith(f"{each}.") for each in packages)


RULES: dict[str, Rule] = {
    "strangers": find_strangers,
    "deep": find_deep_modules,
    "arrows": find_wrong_arrows,
    "circles": find_circles,
    "module-circles": find_module_circles,
    "function-imports": find_imports_in_functions,
    "doors": find_doors_in_domains,
    "clients": find_clients_beside_fetch,
    "granian": find_granian_elsewhere,
    "drivers": find_drivers_elsewhere,
    "engines": find_engines_in_domains,
    "clock": find_clock_and_environment,
}

# (rule, path, source, part of the fault)
FAULTS = [
    ("strangers", "helpers.py", "", "helpers.py is on no row"),
    ("deep", "links/forms/create.py", "", "deeper"),
    ("arrows", "errors.py", "import shorty.config", "errors.py:1 imports config"),
    (
        "arrows",
        "links/store.py",
        "\nfrom shorty.clicks.journal import Journal",
        ":2 imports clicks",
    ),
    ("arrows", "links/store.py", "from shorty import app", "imports app"),
    ("arrows", "links/store.py", "from ..redirect import decide", "imports redirect"),
    ("arrows", "links/store.py", "from .. import cli", "imports cli"),
    ("arrows", "clicks/store.py", "from shorty.links.model import Link", "never may"),
    ("arrows", "api/links.py", "from shorty.web import pages", "never may"),
    ("arrows", "web/pages.py", "import shorty.api.links as api", "never may"),
    (
        "arrows",
        "plans.py",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from shorty.links import model",
        "plans.py:3 imports links",
    ),
    ("arrows", "serve/worker.py", 'APPLICATION = "shorty.cli:main"', ":1 imports cli"),
    (
        "arrows",
        "links/store.py",
        "from importlib import import_module\nimport_module('shorty.cli')",
        ":2 imports cli",
    ),
    (
        "clients",
        "links/store.py",
        "import importlib\nimportlib.import_module('aiohttp')",
        ":2 imports aiohttp",
    ),
    ("function-imports", "cli.py", "def f():\n    import json", "cli.py:2 imports json"),
    (
        "function-imports",
        "api/links.py",
        "class A:\n    async def f(self):\n        from shorty.links import store",
        "api/links.py:3",
    ),
    ("doors", "links/service.py", "from litestar import get", "imports litestar.get"),
    ("doors", "clicks/recorder.py", "import litestar.types", "imports litestar.types"),
    ("clients", "webhooks/worker.py", "import aiohttp", "through fetch"),
    ("clients", "domains.py", "from urllib import request", "through fetch"),
    ("clients", "api/links.py", "from aiohttp import ClientSession", "through fetch"),
    ("drivers", "links/store.py", "import sqlite3", "sqlite alone knows its driver"),
    ("drivers", "sqlite/copies.py", "from psycopg import sql", "postgres alone knows"),
    ("engines", "links/store.py", "from shorty.sqlite.database import SqliteDatabase", "alone"),
    ("engines", "clicks/store.py", "from shorty import databases", "storage alone"),
    ("granian", "serve/worker.py", "from granian.server import embed", "alone knows granian"),
    (
        "granian",
        "granian_bridge/answer.py",
        "from granian._granian import RSGIWorker",
        "private.py",
    ),
    ("clock", "links/service.py", "import time\nnow = time.time()", ":2 reads time.time"),
    ("clock", "links/service.py", "import time as t\ndef f(c=t.time_ns): ...", "time.time_ns"),
    ("clock", "clicks/model.py", "from time import time", "time.time"),
    ("clock", "plans.py", "from datetime import datetime, UTC\ndatetime.now(UTC)", "datetime.now"),
    ("clock", "plans.py", "import datetime as d\nd.date.today()", "date.today"),
    ("clock", "accounts/tokens.py", "import os\nos.environ['X']", "os.environ"),
    ("clock", "accounts/tokens.py", "from os import getenv", "os.getenv"),
]

FINE = [
    ("links/store.py", "from shorty import __version__\nfrom shorty.errors import NotFoundError"),
    ("links/service.py", "from .store import insert_link\nfrom shorty.plans import take_quota"),
    ("links/model.py", "import time\nstart = time.monotonic()"),
    ("cli.py", "import time\nimport os\nnow = time.time()\nhome = os.environ"),
    ("fetch.py", "import aiohttp\nimport socket"),
    ("links/store.py", "NAMES = 'shorty.toml', 'see shorty.cli', 'shorty.cliff'"),
    ("links/__init__.py", "from importlib.resources import files\nfiles('shorty.links')"),
    ("granian_bridge/private.py", "from granian._granian import RSGIWorker"),
    ("granian_bridge/server.py", "from granian.server import embed"),
    ("api/links.py", "from litestar import get\nfrom shorty.links import service"),
]


def test_the_package_keeps_its_shape() -> None:
    modules = read_modules(Path(shorty.__file__).parent)
    found = {rule: list(check(modules)) for rule, check in RULES.items()}
    assert {rule: complaints for rule, complaints in found.items() if complaints} == {}


@pytest.mark.parametrize(("rule", "path", "source", "complaint"), FAULTS)
def test_a_fault_is_found(
    rule: str, path: str, source: str, complaint: str, tmp_path: Path
) -> None:
    modules = _plant(tmp_path, {path: source})
    found = {name: list(check(modules)) for name, check in RULES.items()}
    assert len(found[rule]) == 1
    assert complaint in found[rule][0]
    assert [name for name, complaints in found.items() if complaints] == [rule]


@pytest.mark.parametrize(("path", "source"), FINE)
def test_what_is_allowed_is_left_alone(path: str, source: str, tmp_path: Path) -> None:
    modules = _plant(tmp_path, {path: source})
    assert [complaint for check in RULES.values() for complaint in check(modules)] == []


def test_neighbours_on_a_row_may_not_import_each_other_both_ways(tmp_path: Path) -> None:
    one_way = _plant(tmp_path, {"bio.py": "from shorty import qr"})
    assert list(find_circles(one_way)) == []
    both_ways = _plant(tmp_path, {"qr.py": "from shorty.transfer import rows"})
    assert list(find_circles(both_ways)) == []
    circle = _plant(tmp_path, {"transfer/rows.py": "import shorty.bio"})
    assert list(find_circles(circle)) == [
        "bio imports itself in a circle",
        "qr imports itself in a circle",
        "transfer imports itself in a circle",
    ]


ONE_IMPORTS_OTHER = {
    "plain": "import shorty.serve.other",
    "name": "from shorty.serve import other",
    "content": "from shorty.serve.other import run",
    "relative": "from . import other",
    "for types": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from .other import A",
    "in a function": "def f():\n    from shorty.serve import other",
    "by string": "from importlib import import_module\nimport_module('shorty.serve.other')",
    "by relative string": "import importlib\nimportlib.import_module('.other', __package__)",
    "by name kept": "APPLICATION = 'shorty.serve.other:run'",
}


@pytest.mark.parametrize("source", ONE_IMPORTS_OTHER.values(), ids=ONE_IMPORTS_OTHER)
def test_two_modules_of_a_package_may_not_import_each_other(source: str, tmp_path: Path) -> None:
    one_way = _plant(tmp_path, {"serve/one.py": source, "serve/other.py": ""})
    assert list(find_module_circles(one_way)) == []
    circle = _plant(tmp_path, {"serve/other.py": "from shorty.serve.one import A"})
    assert list(find_module_circles(circle)) == ["serve.one imports serve.other imports serve.one"]


def test_every_circle_of_modules_is_found(tmp_path: Path) -> None:
    files = {
        "qr/__init__.py": "from shorty.qr.a import A",
        "qr/a.py": "from shorty.qr.b import B",
        "qr/b.py": "from shorty.qr.c import C\nfrom shorty.qr.a import A",
        "qr/c.py": "from shorty.qr import A",
    }
    assert sorted(find_module_circles(_plant(tmp_path, files))) == [
        "qr imports qr.a imports qr.b imports qr.c imports qr",
        "qr.a imports qr.b imports qr.a",
    ]


def _plant(root: Path, files: dict[str, str]) -> list[Module]:
    """A tree with one empty module for each unit of the map, and `files` in their places."""
    for unit in ROW_OF:
        if not (root / f"{unit}.py").exists() and not (root / unit).exists():
            (root / f"{unit}.py").touch()
    for path, source in files.items():
        file = root / path
        (root / f"{file.relative_to(root).parts[0]}.py").unlink(missing_ok=True)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(source, encoding="utf-8")
    return read_modules(root)


def read_connecting(root: Path) -> Iterator[tuple[str, ast.AST]]:
    """The files below `root` that could open SQLite, parsed; of the others no more is read."""
    for file in root.rglob("*.py"):
        if "connect" in (text := file.read_text(encoding="utf-8")):
            yield str(file.relative_to(root)), ast.parse(text)


def list_opened(tree: ast.AST) -> Iterator[int]:
    """The lines that open SQLite directly."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            name = f"{node.value.id}.{node.attr}"
            if name in {"sqlite3.connect", "aiosqlite.connect"}:
                yield node.lineno


def list_unclosed(tree: ast.AST) -> Iterator[int]:
    """The lines on which something opens SQLite and `closing(…)` is not around it."""
    nodes = list(ast.walk(tree))
    ours = {
        alias.asname or alias.name
        for node in nodes
        if isinstance(node, ast.ImportFrom) and node.module == "shorty.sqlite.connections"
        for alias in node.names
        if alias.name.startswith("connect")
    }
    calls = [node for node in nodes if isinstance(node, ast.Call)]
    closed = {id(call.args[0]) for call in calls if ast.unparse(call.func) == "closing"}
    for call in calls:
        if ast.unparse(call.func) in {"sqlite3.connect", *ours} and id(call) not in closed:
            yield call.lineno


def test_tests_close_every_connection_however_they_end() -> None:
    """Newer releases of Python warn of one that is left open, and warnings are errors."""
    unclosed = [
        f"{name}:{line}"
        for name, tree in read_connecting(Path(__file__).parent)
        for line in list_unclosed(tree)
    ]
    assert unclosed == []


def test_every_connection_is_opened_in_one_place() -> None:
    root = Path(shorty.__file__).parent
    opened = {name: list(list_opened(tree)) for name, tree in read_connecting(root)}
    assert [name for name, lines in opened.items() if lines] == ["sqlite/connections.py"]
    assert len(opened["sqlite/connections.py"]) == 1
