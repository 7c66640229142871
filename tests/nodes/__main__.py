"""`python -m tests.nodes`: everything that may fail, again and again, and what was counted.

Exits with 1 if something was not exact, 2 if nothing could be tried.
"""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Final

from msgspec.structs import replace
from rich.console import Console

from tests.cluster import MISSING, find_programs
from tests.nodes.balancer import MISSING as MISSING_HAPROXY
from tests.nodes.balancer import find_haproxy
from tests.nodes.running import NAMES, Effort, Report, Step, run, run_balanced
from tests.nodes.scenarios import FROZEN, SCENARIOS

ROLLING: Final = "restarts behind HAProxy"
SEEN_WITHIN_S = 1.0


class Arguments(argparse.Namespace):
    minutes: float
    only: list[str] | None
    visitors: int
    pace: float
    fault: float
    frozen: float


def read_arguments(words: list[str]) -> Arguments:
    parser = argparse.ArgumentParser(prog="python -m tests.nodes", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10, help="at least; scenarios end whole")
    parser.add_argument(
        "--only", action="append", choices=(*SCENARIOS, ROLLING), help="may be repeated"
    )
    parser.add_argument("--visitors", type=int, default=8, help="at each node")
    parser.add_argument("--pace", type=float, default=0.01, help="seconds between two requests")
    parser.add_argument("--fault", type=float, default=5, help="seconds that a fault lasts")
    parser.add_argument("--frozen", type=float, default=30, help="seconds that a node stands still")
    return parser.parse_args(words, Arguments())


def main(words: list[str]) -> int:
    arguments = read_arguments(words)
    console = Console(highlight=False, soft_wrap=True)
    programs = find_programs()
    if programs is None:
        console.print(MISSING)
        return 2
    effort = Effort(
        visitors=arguments.visitors, pace_s=arguments.pace, total_s=arguments.minutes * 60
    )
    steps = [
        Step(
            name=name,
            scenario=SCENARIOS[name],
            nodes=NAMES,
            fault_s=arguments.frozen if name == FROZEN else arguments.fault,
        )
        for name in arguments.only or SCENARIOS
        if name != ROLLING
    ]
    status = 0
    if steps:
        with tempfile.TemporaryDirectory(prefix="shorty-nodes-") as folder:
            running = run(programs, Path(folder), steps, effort, console.print)
            status |= print_report(asyncio.run(running), console)
    if arguments.only is None or ROLLING in arguments.only:
        status |= restart_in_turn(programs, effort, console)
    return status


def restart_in_turn(programs: Path, effort: Effort, console: Console) -> int:
    """For a tenth of the time."""
    if (haproxy := find_haproxy()) is None:
        console.print(f"Not tried: {ROLLING}. {MISSING_HAPROXY}")
        return 0
    shorter = replace(effort, total_s=effort.total_s / 10)
    with tempfile.TemporaryDirectory(prefix="shorty-nodes-") as folder:
        running = run_balanced(programs, haproxy, Path(folder), shorter, console.print)
        return print_report(asyncio.run(running), console)


def print_report(report: Report, console: Console) -> int:
    ledger, faults = report.ledger, list(report.faults)
    for what, number in sorted(ledger.counts.items()):
        console.print(f"{number:8}  {what}")
    console.print(f"{report.stored.clicks:8}  clicks stored")
    console.print(f"{report.deliveries:8}  deliveries received")
    console.print(f"{len(report.stored.links):8}  links stored")
    console.print(f"The longest answer of a node in order took {ledger.longest_wait_s:.1f} s.")
    if delays := sorted(ledger.delays):
        half, most = delays[len(delays) // 2], delays[-1]
        console.print(f"Another node showed a change after {half:.3f} s (p50) to {most:.3f} s.")
        if most > SEEN_WITHIN_S:
            faults.append(f"a change was seen at another node after {most:.3f} s")
    for fault in faults:
        console.print(f"FAULT: {fault}")
    console.print(f"{len(faults)} faults." if faults else "Everything was exact.")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
