"""Reads the package's source for test_architecture: who imports whom, and what each module uses.

Nothing is imported or run; a file is parsed once. An import by a string counts too, whether the
string is passed to `import_module` or kept for later, like "shorty.app:App".
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PACKAGE = "shorty"
IMPORTERS = {"import_module", "importlib.import_module", "__import__"}
Statement = ast.Import | ast.ImportFrom
_MODULE_IN_STRING = re.compile(rf"({PACKAGE}(?:\.\w+)+)(?::(\w+))?")


@dataclass(frozen=True, kw_only=True)
class Reference:
    """A dotted name as the module uses it (`import time as t; t.time` is `time.time`)."""

    name: str
    line: int


@dataclass(frozen=True, kw_only=True)
class Module:
    """One source file. `unit` is the first name below the package, which the arrows connect.

    `name` is the name it is imported by.
    """

    path: str
    name: str
    unit: str
    depth: int
    imports: tuple[Reference, ...]
    names: tuple[Reference, ...]
    imports_in_functions: tuple[Reference, ...]


def read_modules(root: Path) -> list[Module]:
    """Every module below `root`, the package's folder, ordered by path."""
    return [_read_module(root, file) for file in sorted(root.rglob("*.py"))]


def _read_module(root: Path, file: Path) -> Module:
    relative = file.relative_to(root)
    nodes = [*ast.walk(ast.parse(file.read_text(encoding="utf-8"), filename=str(file)))]
    folder = ".".join((PACKAGE, *relative.parent.parts))
    statements = [each for each in nodes if isinstance(each, Statement)]
    written = [*_list_imports(statements, folder)]
    return Module(
        path=relative.as_posix(),
        name=folder if file.name == "__init__.py" else f"{folder}.{file.stem}",
        unit=relative.parts[0].removesuffix(".py"),
        depth=len(relative.parts) - (file.name == "__init__.py"),
        imports=(*written, *_list_imports_by_string(nodes, folder, root)),
        names=tuple(_list_names(nodes, statements, folder)),
        imports_in_functions=tuple(_list_function_imports(nodes, written)),
    )


def _list_imports(statements: list[Statement], folder: str) -> Iterator[Reference]:
    for statement in statements:
        for name, _ in _read_import(statement, folder):
            yield Reference(name=name, line=statement.lineno)


def _list_function_imports(nodes: list[ast.AST], imports: list[Reference]) -> Iterator[Reference]:
    for node in nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = range(node.lineno, (node.end_lineno or node.lineno) + 1)
            yield from (found for found in imports if found.line in lines)


def _list_imports_by_string(nodes: list[ast.AST], folder: str, root: Path) -> Iterator[Reference]:
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found = _MODULE_IN_STRING.fullmatch(node.value)
            if found and _is_module(found[1], root):
                yield Reference(name=".".join(filter(None, found.groups())), line=node.lineno)
        elif isinstance(node, ast.Call) and _spell_out(node.func, {}) in IMPORTERS:
            yield from _read_importer(node, folder)


def _read_importer(call: ast.Call, folder: str) -> Iterator[Reference]:
    """Names of other packages, and relative ones; shorty's own names are found anywhere."""
    match call.args:
        case [ast.Constant(value=str(name)), *_] if name.startswith("."):
            dots = len(name) - len(name.lstrip("."))
            yield Reference(name=_climb(folder, dots, name.lstrip(".")), line=call.lineno)
        case [ast.Constant(value=str(name)), *_] if not name.startswith(f"{PACKAGE}."):
            yield Reference(name=name, line=call.lineno)
        case _:
            pass


def _is_module(name: str, root: Path) -> bool:
    path = root.joinpath(*name.split(".")[1:])
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


def _climb(folder: str, dots: int, name: str) -> str:
    """A relative import as an absolute one: one dot is `folder` itself."""
    parents = folder.split(".")
    kept = parents[: len(parents) - dots + 1]
    return ".".join((*kept, name)) if name else ".".join(kept)


def _read_import(node: Statement, folder: str) -> Iterator[tuple[str, str]]:
    """Pairs of the imported dotted name and the name it is bound to."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield alias.name, alias.asname or ""
    else:
        base = node.module or ""
        if node.level:
            base = _climb(folder, node.level, base)
        for alias in node.names:
            yield f"{base}.{alias.name}", alias.asname or alias.name


def _list_names(
    nodes: list[ast.AST], statements: list[Statement], folder: str
) -> Iterator[Reference]:
    bound = {
        alias: name
        for statement in statements
        for name, alias in _read_import(statement, folder)
        if alias
    }
    for node in nodes:
        if isinstance(node, ast.Attribute | ast.Name):
            yield Reference(name=_spell_out(node, bound), line=node.lineno)


def _spell_out(node: ast.expr, bound: dict[str, str]) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_spell_out(node.value, bound)}.{node.attr}"
    if isinstance(node, ast.Name):
        return bound.get(node.id, node.id)
    return ""
