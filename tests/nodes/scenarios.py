"""What fails while a site is under load, and that the rest goes on meanwhile.

Each fault lasts for as long as it is told; everything else waits for answers, not for time.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import Final

from tests.cluster import StopMode
from tests.nodes.balancer import Balancer
from tests.nodes.shift import Shift
from tests.nodes.site import Node

VISITS: Final = 40
WRITES: Final = 3
FROZEN: Final = "a frozen node"
STOPS: Final[tuple[StopMode, ...]] = ("fast", "immediate")

Scenario = Callable[[Shift, Sequence[Node], float], Awaitable[None]]
"""With the nodes that fail one after the other, and for how many seconds each does."""


async def have_no_fault(shift: Shift, nodes: Sequence[Node], fault_s: float) -> None:
    """Everything is exact, and nothing is refused."""
    done = Counter(shift.ledger.counts)
    await asyncio.sleep(fault_s)
    await shift.wait_until(
        lambda: all(shift.ledger.counts[what] > done[what] for what in ("used up", "filled a plan"))
    )
    await prove_all_work(shift)


async def kill(shift: Shift, nodes: Sequence[Node], fault_s: float) -> None:
    """With SIGKILL, under load; started again, it stores what its journal still has."""
    for node in nodes:
        await node.kill()
        await shift.wait_for_more(shift.site.find_others(node), VISITS, WRITES)
        await asyncio.sleep(fault_s)
        await node.start()
        await prove_all_work(shift)


async def kill_with_clicks(shift: Shift, nodes: Sequence[Node], fault_s: float) -> None:
    """One that cannot reach the database when it is killed has clicks in its journal alone."""
    for node in nodes:
        async with cutting(shift, node):
            await shift.wait_for_more([node], VISITS)
            await node.kill()
            await asyncio.sleep(fault_s)
        await node.start()
        await prove_all_work(shift)


async def freeze(shift: Shift, nodes: Sequence[Node], fault_s: float) -> None:
    """With SIGSTOP, whatever it holds at that moment."""
    for node in nodes:
        node.freeze()
        try:
            await asyncio.sleep(fault_s)
            await shift.wait_for_more(shift.site.find_others(node), VISITS, WRITES)
        finally:
            node.thaw()
        await prove_all_work(shift)


async def cut(shift: Shift, nodes: Sequence[Node], fault_s: float) -> None:
    """From the database: it goes on redirecting, while the others do all that they do."""
    for node in nodes:
        async with cutting(shift, node):
            await shift.wait_for_more([node], VISITS)
            await asyncio.sleep(fault_s)
            await shift.wait_for_more([node], VISITS)
            await shift.wait_for_more(shift.site.find_others(node), VISITS, WRITES)
        await prove_all_work(shift)


async def restart_database(shift: Shift, nodes: Sequence[Node], fault_s: float) -> None:
    """Once in order and once at once; meanwhile all nodes redirect what they have cached."""
    site = shift.site
    for mode in STOPS:
        for node in site.nodes:
            await shift.warm(node)
            node.disturb()
        await asyncio.to_thread(site.cluster.stop, mode)
        site.crashes += mode == "immediate"
        await shift.wait_for_more(site.nodes, VISITS)
        await asyncio.sleep(fault_s)
        await asyncio.to_thread(site.cluster.start)
        await prove_all_work(shift)


async def restart(shift: Shift, balancer: Balancer, node: Node) -> None:
    """As for an upgrade: nobody notices."""
    await shift.wait_for_more([balancer], VISITS, WRITES)
    await balancer.drain(node)
    await node.stop()
    await shift.wait_for_more([balancer], VISITS, WRITES)
    await node.start()
    await balancer.enable(node)
    await shift.wait_for_more([balancer], VISITS, WRITES)


@asynccontextmanager
async def cutting(shift: Shift, node: Node) -> AsyncGenerator[None]:
    await shift.warm(node)
    node.cut()
    try:
        yield
    finally:
        node.host.mend()


async def prove_all_work(shift: Shift) -> None:
    """Returns once each node is ready and has done a bit of everything."""
    await shift.site.recover()
    await shift.wait_for_more(shift.site.nodes, VISITS, WRITES)


SCENARIOS: Final[Mapping[str, Scenario]] = MappingProxyType(
    {
        "no fault": have_no_fault,
        "a killed node": kill,
        "a killed node with clicks": kill_with_clicks,
        FROZEN: freeze,
        "a cut connection": cut,
        "a restarted database": restart_database,
    }
)
