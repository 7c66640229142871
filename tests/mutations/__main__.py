"""`python -m tests.mutations PATH…`: breaks modules of shorty/, prints what no test noticed.

Expressions and calls are mutated by mutmut (`pip install -e '.[test,mutations]'`), conditions of
SQL that name an owner by `statements.py`. It takes a while: up to a second for each expression, a
run of the tests for each statement.
"""

import argparse
import os
import re
import sys
import tempfile
import tomllib
from pathlib import Path

from rich.console import Console

from tests.mutations.expressions import MutmutError, try_expressions
from tests.mutations.statements import try_statements
from tests.mutations.workplace import Mutant, TransferProgress, find_tests, list_modules

EQUIVALENT = Path(__file__).with_name("equivalent.toml")
EVERYWHERE = "everywhere"


class Arguments(argparse.Namespace):
    paths: list[Path]
    tests: list[str] | None
    only: str | None
    sample: int
    jobs: int


def read_arguments(words: list[str]) -> Arguments:
    parser = argparse.ArgumentParser(prog="python -m tests.mutations", description=__doc__)
    parser.add_argument("paths", nargs="+", type=Path, help="modules or folders of shorty/")
    parser.add_argument(
        "--tests", action="append", help="tests that are to notice; default: those of the folder"
    )
    parser.add_argument("--only", choices=["expressions", "statements"], help="one kind alone")
    parser.add_argument(
        "--sample", type=int, default=100, help="percent of the expressions, in steps of ten"
    )
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes at once")
    return parser.parse_args(words, Arguments())


def main(words: list[str]) -> int:
    """0 if every mutant was noticed or has its reason, 1 if one was not, 2 for wrong usage."""
    arguments = read_arguments(words)
    console = Console(soft_wrap=True)
    try:
        modules = list_modules(arguments.paths)
    except FileNotFoundError as error:
        console.print(f"{error}.")
        return 2
    tests = arguments.tests or find_tests(modules)
    if not tests:
        console.print("No tests mirror these modules; name some with --tests.")
        return 2
    unexplained = 0
    with tempfile.TemporaryDirectory(prefix="shorty-mutations-") as folder:
        place = Path(folder)
        if arguments.only != "statements":
            try:
                progress = try_expressions(
                    place / "expressions",
                    modules,
                    tests,
                    percent=arguments.sample,
                    jobs=arguments.jobs,
                )
            except MutmutError as error:
                console.print(str(error), markup=False)
                return 2
            unexplained += report(console, "expressions", progress)
        if arguments.only != "expressions":
            progress = try_statements(place / "statements", modules, tests)
            unexplained += report(console, "statements", progress)
    return 1 if unexplained else 0


def report(console: Console, kind: str, progress: TransferProgress) -> int:
    """Prints the unnoticed mutants and returns how many of these have no reason."""
    reasons = read_reasons()
    unexplained = 0
    for mutant in progress.unnoticed:
        reason = find_reason(reasons, mutant)
        if reason is None:
            unexplained += 1
            console.print(f"{mutant.place}\n{mutant.difference}", markup=False, highlight=False)
        else:
            console.print(f"{mutant.place}: {mutant.change}: {reason}", markup=False)
    count = len(progress.unnoticed)
    share = 100 * count / max(1, progress.tried)
    console.print(
        f"{count} of {progress.tried} {kind} ({share:.1f} %) went unnoticed, "
        f"{unexplained} of them without a reason in {EQUIVALENT.name}."
    )
    return unexplained


def find_reason(reasons: dict[str, dict[str, str]], mutant: Mutant) -> str | None:
    if reason := reasons.get(mutant.place, {}).get(mutant.change):
        return reason
    patterns = reasons[EVERYWHERE].items()
    return next((why for pattern, why in patterns if re.search(pattern, mutant.change)), None)


def read_reasons() -> dict[str, dict[str, str]]:
    """Why mutants cannot be noticed, by function or module and by the changed line.

    Common reasons are under EVERYWHERE, by a pattern that is found in the line.
    """
    return tomllib.loads(EQUIVALENT.read_text())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
