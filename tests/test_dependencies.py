"""What the package imports is what it declares: nothing comes along by chance."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Final

PROJECT: Final = Path(__file__).parents[1]
BY_ANOTHER: Final = {
    "brotli": "litestar",
    "jinja2": "litestar",
    "markupsafe": "litestar",
    "prometheus_client": "litestar",
    "uvloop": "granian",
    "yarl": "aiohttp",
}
"""Whose extras or own interface bring a module along; its range is theirs to say."""


def list_declared() -> set[str]:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    lines = [*project["dependencies"], *project["optional-dependencies"]["postgres"]]
    return {re.split(r"[^\w-]", line)[0] for line in lines}


def list_imported(tree: ast.AST) -> Iterator[str]:
    """The packages at the top of what is imported, without Python's own and ours."""
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module]
        for name in names:
            package = name.partition(".")[0]
            if package not in sys.stdlib_module_names | {"shorty"}:
                yield package


def test_every_imported_package_is_declared() -> None:
    """What another package needs may come in any release that this one is content with."""
    known = packages_distributions()
    declared = list_declared()
    imported = {
        package
        for file in (PROJECT / "shorty").rglob("*.py")
        for package in list_imported(ast.parse(file.read_text()))
    }
    undeclared = {
        package
        for package in imported
        if declared.isdisjoint(
            [
                *known.get(package, ()),
                package.replace("_", "-"),
                BY_ANOTHER.get(package, ""),
            ]
        )
    }
    assert undeclared == set()
    assert set(BY_ANOTHER) <= imported
