"""Runs scenarios on one site, and compares what was answered with what is stored."""

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from time import monotonic
from typing import Final, TypeVar

import msgspec

from tests.nodes.balancer import open_balancer
from tests.nodes.comparing import Stored, list_faults, list_received, read_stored
from tests.nodes.ledger import Ledger
from tests.nodes.load import keep_busy
from tests.nodes.scenarios import Scenario, restart
from tests.nodes.shift import Shift
from tests.nodes.site import HOST, Node, Site, open_site
from tests.nodes.wire import PATIENCE_S
from tests.postgres.support import wait_until

T = TypeVar("T")
NAMES: Final = ("a", "b")
WAITING: Final = re.compile(rb"^shorty_visits_waiting (\S+)$", re.MULTILINE)
LIST_UNDELIVERED: Final = """
select d.id, d.status, d.reason, d.attempts, d.leased_by,
  d.due_at - cast(extract(epoch from now()) * 1000 as bigint) as due_in,
  r.failures, r.held_until, r.busy_until, r.next_at, r.paused_at
from webhook_deliveries d join webhook_receivers r on r.id = d.receiver_id
where d.status <> 1 order by d.id limit 20
"""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What happens to which nodes, and for how many seconds."""

    name: str
    scenario: Scenario
    nodes: Sequence[str]
    fault_s: float


class Effort(msgspec.Struct, frozen=True, kw_only=True):
    """How heavy the load is, and for how long all steps are taken again and again."""

    visitors: int
    pace_s: float
    total_s: float = 0


class Report(msgspec.Struct, frozen=True, kw_only=True):
    network: str
    ledger: Ledger
    stored: Stored
    deliveries: int
    faults: list[str]


async def run(
    programs: Path,
    folder: Path,
    steps: Sequence[Step],
    effort: Effort,
    say: Callable[[str], object] = lambda _: None,
) -> Report:
    """The load is at all nodes. `programs` is the folder of PostgreSQL's."""
    ledger, began = Ledger(), monotonic()
    async with open_site(programs, folder, NAMES) as site:
        say(f"{len(NAMES)} nodes at {site.network.description}")
        async with keep_busy(
            site, site.nodes, ledger, visitors=effort.visitors, pace_s=effort.pace_s
        ) as shift:
            for step in repeat(steps, effort.total_s):
                say(f"{monotonic() - began:6.1f} s  {step.name}")
                await take(shift, step)
        return await finish(site, ledger)


async def run_balanced(
    programs: Path,
    haproxy: str,
    folder: Path,
    effort: Effort,
    say: Callable[[str], object] = lambda _: None,
) -> Report:
    """The load is at HAProxy, which `haproxy` is, while the nodes are restarted in turn."""
    ledger, began = Ledger(), monotonic()
    async with open_site(programs, folder, NAMES) as site:
        say(f"{len(NAMES)} nodes behind HAProxy at {site.network.description}")
        async with (
            open_balancer(site, haproxy, folder) as balancer,
            keep_busy(
                site, [balancer], ledger, visitors=effort.visitors, pace_s=effort.pace_s
            ) as shift,
        ):
            for node in repeat(site.nodes, effort.total_s):
                say(f"{monotonic() - began:6.1f} s  restart of {node.name}")
                await restart(shift, balancer, node)
        return await finish(site, ledger)


def repeat(things: Sequence[T], total_s: float) -> Iterator[T]:
    """All of them once, and then again for so long."""
    ends_at = monotonic() + total_s
    yield from things
    while monotonic() < ends_at:
        yield from things


async def finish(site: Site, ledger: Ledger) -> Report:
    await settle(site)
    for node in site.nodes:
        await node.stop()
    stored, received = await read_stored(site), list_received(site)
    return Report(
        network=site.network.description,
        ledger=ledger,
        stored=stored,
        deliveries=len(set(received)),
        faults=list_faults(ledger, stored, received, site.crashes),
    )


async def take(shift: Shift, step: Step) -> None:
    nodes = [node for node in shift.site.nodes if node.name in step.nodes]
    try:
        await step.scenario(shift, nodes, step.fault_s)
    except BaseException as error:
        error.add_note(f"during: {step.name}")
        raise


async def settle(site: Site) -> None:
    """Returns once no node has clicks to store, and all deliveries have arrived."""

    async def is_stored() -> bool:
        return not any([await count_waiting(node) for node in site.nodes])

    async def is_delivered() -> bool:
        return not await site.ask_database(LIST_UNDELIVERED)

    await wait_until(is_stored, PATIENCE_S)
    try:
        await wait_until(is_delivered, PATIENCE_S)
    except TimeoutError:
        left = await site.ask_database(LIST_UNDELIVERED)
        raise AssertionError(f"Some deliveries never end: {left}") from None


async def count_waiting(node: Node) -> int:
    wire = node.open_wire()
    answer = await wire.ask("GET", "/metrics", {"Host": HOST})
    wire.close()
    found = WAITING.search(answer.body)
    assert found, answer.describe()
    return int(float(found[1]))
