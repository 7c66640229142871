"""`python -m tests.benchmarks`: measures every line of the bar and prints one table.

For reading, not for CI: the figures move with the machine, so only ratios taken in one run count.
"""

import argparse
import sys
from contextlib import nullcontext
from pathlib import Path

from rich.console import Console

from tests.benchmarks.bench import Bench
from tests.benchmarks.engines import use_postgres
from tests.benchmarks.lines import LINES
from tests.benchmarks.load import find_wrk
from tests.benchmarks.nodes import NODES
from tests.benchmarks.report import Line, build_table

# Those whose servers begin with an empty database; the others copy an SQLite file.
ON_POSTGRES = ("hot", "workers", "single", "create", "pair", "beside", "bulk", "store")
ON_SQLITE = tuple(name for name in LINES if name != "workers")
MEASURED = LINES | NODES
CACHE = Path("~/.cache/shorty-benchmarks")


class Arguments(argparse.Namespace):
    only: list[str] | None
    quick: bool
    rounds: int
    seconds: float
    cache: Path
    engine: str


def read_arguments(words: list[str]) -> Arguments:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument(
        "--only", action="append", choices=MEASURED, help="this line; may be repeated"
    )
    parser.add_argument("--quick", action="store_true", help="one short round of each")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each contender")
    parser.add_argument("--seconds", type=float, default=5, help="length of a round")
    parser.add_argument(
        "--cache", type=Path, default=CACHE, help="where the million links are kept"
    )
    parser.add_argument(
        "--engine",
        choices=("sqlite", "postgres"),
        default="sqlite",
        help="the database of the servers; with postgres, a million links only if named by --only",
    )
    return parser.parse_args(words, Arguments())


def main(words: list[str]) -> int:
    """0 if every line meets its bar, 1 if one does not, 2 if nothing could be measured."""
    arguments = read_arguments(words)
    console = Console(stderr=True)
    if find_wrk() is None:
        console.print("Nothing was measured: wrk is not installed (Debian: apt install wrk).")
        return 2
    bench = Bench(
        rounds=1 if arguments.quick else arguments.rounds,
        seconds=2 if arguments.quick else arguments.seconds,
        sustained_s=10 if arguments.quick else 60,
        cache=arguments.cache.expanduser(),
        console=console,
    )
    lines: list[Line] = []
    with use_postgres() if arguments.engine == "postgres" else nullcontext(True) as is_there:
        if not is_there:
            console.print("Nothing was measured: PostgreSQL is not installed.")
            return 2
        for name in arguments.only or (ON_SQLITE if arguments.engine == "sqlite" else ON_POSTGRES):
            console.print(f"[bold]{name}[/]")
            lines.append(MEASURED[name](bench))
    print_lines(lines)
    return 0 if all(line.holds() for line in lines) else 1


def print_lines(lines: list[Line]) -> None:
    console = Console(width=None if sys.stdout.isatty() else 130, highlight=False)
    console.print(build_table(lines))
    for line in lines:
        for words in (*line.faults, *line.notes):
            console.print(f"{line.title}: {words}.")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
