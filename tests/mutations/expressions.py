"""Mutants of expressions and calls, created and run by mutmut."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.mutations.workplace import COPIED, PYTEST_OPTIONS, Mutant, TransferProgress, copy_project

# Mutants are numbered within their function, so a fixed order of last digits makes a sample.
DIGITS: Final = "7302584691"
RESULT: Final = re.compile(r"^\s+(\S+): (\w[\w ]*)$", re.MULTILINE)
# Factor on the tests' first time. A timeout counts as noticed; on a busy machine, with a short
# limit, mutants that no test notices would time out too.
TIMEOUT_MULTIPLIER: Final = 40
STATISTICS: Final = "mutants/mutmut-cicd-stats.json"
UNNOTICED: Final = frozenset({"survived", "no tests", "suspicious"})
TRIED: Final = ("killed", "survived", "no_tests", "suspicious", "timeout", "segfault")


class MutmutError(Exception):
    """mutmut could not run."""


def try_expressions(
    folder: Path, modules: Sequence[Path], tests: Sequence[str], *, percent: int, jobs: int
) -> TransferProgress:
    """Raises MutmutError, with mutmut's output, if the unchanged tests fail."""
    copy_project(folder)
    _configure(folder, modules, tests)
    patterns = [f"*__mutmut_*{digit}" for digit in DIGITS[: max(1, percent // 10)]]
    _run_mutmut(folder, "run", "--max-children", str(jobs), *patterns)
    _run_mutmut(folder, "export-cicd-stats")
    counts: dict[str, int] = json.loads((folder / STATISTICS).read_text())
    states = RESULT.findall(_run_mutmut(folder, "results"))
    return TransferProgress(
        tried=sum(counts.get(state, 0) for state in TRIED),
        unnoticed=[_describe(folder, name) for name, state in states if state in UNNOTICED],
    )


def _configure(folder: Path, modules: Sequence[Path], tests: Sequence[str]) -> None:
    settings = {
        "source_paths": ["shorty"],
        "only_mutate": [str(module) for module in modules],
        "also_copy": list(COPIED),
        "pytest_add_cli_args": list(PYTEST_OPTIONS),
        "pytest_add_cli_args_test_selection": list(tests),
        "timeout_multiplier": TIMEOUT_MULTIPLIER,
    }
    lines = [f"{name} = {value!r}" for name, value in settings.items()]
    with (folder / "pyproject.toml").open("a") as file:
        file.write("\n".join(["", "[tool.mutmut]", "use_git_change_detection = false", *lines, ""]))


def _run_mutmut(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "mutmut", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": ""},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise MutmutError(done.stdout[-4000:])
    return done.stdout


def _describe(folder: Path, name: str) -> Mutant:
    difference = _run_mutmut(folder, "show", name).partition("\n")[2]
    changes = [
        line[1:].strip() for line in difference.splitlines() if re.match(r"\+(?!\+\+)", line)
    ]
    function = re.sub(r"x_|xǁ", "", name.rpartition("__mutmut_")[0]).replace("ǁ", ".")
    return Mutant(function, " ".join(changes), difference)
