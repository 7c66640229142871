"""A copy of the project in which code may be broken, and the tests that should notice."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).parents[2]
COPIED: Final = ("shorty", "tests", "pyproject.toml", "shorty.toml", "README.md", "Containerfile")
PLUGINS: Final = (
    "anyio.pytest_plugin",
    "xdist.plugin",
    "pytest_timeout",
    "_hypothesis_pytestplugin",
    "tests.mutations.fresh",
)
TEST_S: Final = 30  # a mutant that takes longer has made a test wait for ever
PYTEST_OPTIONS: Final = (
    "-n0",
    f"--timeout={TEST_S}",
    "-o",
    "addopts=-q --disable-plugin-autoload " + " ".join(f"-p {plugin}" for plugin in PLUGINS),
)


class Mutant(NamedTuple):
    """A mutant that no test noticed: `change` is the line that replaced the right one."""

    place: str
    change: str
    difference: str


class TransferProgress(NamedTuple):
    tried: int
    unnoticed: Sequence[Mutant]


def copy_project(folder: Path) -> None:
    folder.mkdir()
    ignored = shutil.ignore_patterns("__pycache__", ".*")
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=ignored)
        else:
            shutil.copyfile(source, folder / name)


def list_modules(paths: list[Path]) -> list[Path]:
    """The modules at and below `paths`, relative to the project. Raises FileNotFoundError."""
    modules: list[Path] = []
    for path in paths:
        place = (ROOT / path).resolve()
        if not place.exists():
            raise FileNotFoundError(f"{path} is neither a module nor a folder of the project")
        found = sorted(place.rglob("*.py")) if place.is_dir() else [place]
        modules += [module.relative_to(ROOT) for module in found if module.read_text().strip()]
    return modules


def find_tests(modules: list[Path]) -> list[str]:
    """The tests of the modules: the folder of the same name, or the file of a single module."""
    found: dict[str, None] = {}
    for module in modules:
        package = module.parent.relative_to("shorty")
        mirrored = Path("tests", package, f"test_{module.name}")
        folder = Path("tests") / package
        if package.parts and (ROOT / folder).is_dir():
            found[str(folder)] = None
        elif (ROOT / mirrored).is_file():
            found[str(mirrored)] = None
    return list(found)
