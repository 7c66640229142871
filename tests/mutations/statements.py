"""Mutants of SQL, which mutmut does not change: removes one condition that names an owner."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from tests.mutations.workplace import PYTEST_OPTIONS, ROOT, Mutant, TransferProgress, copy_project

# Also `+l.workspace_id = $1`, and values that an f-string inserts: `id = ${_NEXT + 1}`.
CONDITION: Final = re.compile(
    r"(\b(?:where|and|on|or)\b|f\")(\s*)"
    r"(\+?(?:\w+\.)?(?:\w*_)?id\s*=\s*(?:\$?\{[^{}]+\}|[$\w.]+))",
    re.IGNORECASE,
)
TIMEOUT_S: Final = 300


class Broken(NamedTuple):
    """A module whose line `line`, in the statement or function `name`, lacks a condition."""

    module: Path
    name: str
    line: int
    condition: str
    source: str


def try_statements(folder: Path, modules: Sequence[Path], tests: Sequence[str]) -> TransferProgress:
    """Raises AssertionError if the unchanged tests fail."""
    copy_project(folder)
    assert _run_tests(folder, tests), f"The tests in {', '.join(tests)} fail as they are."
    broken = [each for module in modules for each in _break(module)]
    return TransferProgress(
        tried=len(broken),
        unnoticed=[_describe(each) for each in broken if _passes(folder, each, tests)],
    )


def _passes(folder: Path, broken: Broken, tests: Sequence[str]) -> bool:
    place = folder / broken.module
    right = place.read_text()
    place.write_text(broken.source)
    try:
        return _run_tests(folder, tests)
    finally:
        place.write_text(right)


def _describe(broken: Broken) -> Mutant:
    place = f"{broken.module}:{broken.line}"
    difference = f"{place}: without {broken.condition}"
    return Mutant(f"{broken.module}:{broken.name}", broken.condition, difference)


def _break(module: Path) -> Iterable[Broken]:
    source = (ROOT / module).read_text()
    lines = source.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    seen: set[int] = set()  # a line of an f-string has several texts
    for name, node in _list_texts(ast.parse(source)):
        assert node.end_lineno is not None
        start, end = starts[node.lineno - 1], starts[node.end_lineno]
        for found in CONDITION.finditer(source, start, end):
            if found.start() in seen:
                continue
            seen.add(found.start())
            word, gap, condition = found.groups()
            changed = f"{word}{gap}({condition} or 1)"
            yield Broken(
                module=module,
                name=name,
                line=source.count("\n", 0, found.start()) + 1,
                condition=condition,
                source=source[: found.start()] + changed + source[found.end() :],
            )


def _list_texts(tree: ast.Module) -> Iterable[tuple[str, ast.Constant]]:
    """Each text with the name of the constant, function or class that contains it."""
    for part in tree.body:
        match part:
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                pass
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                pass
            case ast.ClassDef(name=name):  # for example one that builds statements
                pass
            case _:
                continue
        for node in ast.walk(part):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield name, node


def _run_tests(folder: Path, tests: Sequence[str]) -> bool:
    """Whether all of them pass."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-x", *PYTEST_OPTIONS, *tests],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0
