"""Two nodes behind each balancer of the manual, which visitors and callers do not notice."""

import signal
from collections.abc import Generator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.nodes.balancers import BALANCERS, Balancer
from tests.nodes.caller import Caller, Load, Made
from tests.nodes.pair import Pair, Person, wait_for

pytestmark = pytest.mark.postgres_only

AT_LEAST = 10
TRUE_VISITORS = ("127.0.0.2", "127.0.0.3")


@pytest.fixture(params=BALANCERS, ids=lambda kind: kind.program)
def balancer(request: pytest.FixtureRequest, pair: Pair, tmp_path: Path) -> Generator[Balancer]:
    nodes = ["{}:{}".format(*node.address) for node in pair.nodes]
    balancer: Balancer = request.param(tmp_path, nodes)
    with balancer.run():
        yield balancer


def read_summary(person: Person, link: Made) -> Any:
    found = person.call("GET", f"/analytics/summary?linkId={link.id}")
    assert found.status_code == 200, found.text
    return found.json()


def test_no_request_fails_while_the_nodes_restart_in_turn(pair: Pair, balancer: Balancer) -> None:
    _, token, _ = pair.add_home()
    caller = Caller(balancer.port, token)
    hot = caller.create()

    with ExitStack() as stack:
        loads = [Load(stack, lambda: caller.visit(hot)), Load(stack, caller.create)]
        for number in range(len(pair.nodes)):
            balancer.drain(number)
            pair.restart(number)
            balancer.restore()
            for load in loads:
                load.wait_for_more(AT_LEAST)
    assert [load.faults for load in loads] == [[], []]
    made = [link for link in loads[1].done if isinstance(link, Made)]
    assert len(made) == len(set(made)) > AT_LEAST
    people = [pair.open(number, token=token) for number in range(len(pair.nodes))]
    for person in people:
        for link in made:
            assert person.visit(link.path).status_code == 302
    wait_for(lambda: read_summary(people[0], hot)["clicks"] == len(loads[0].done))


def test_a_visitor_is_counted_by_their_own_address(pair: Pair, balancer: Balancer) -> None:
    _, token, _ = pair.add_home()
    link = Caller(balancer.port, token).create()
    for source in TRUE_VISITORS:
        for forged in ("192.0.2.1", "192.0.2.2"):
            caller = Caller(balancer.port, token, source)
            status, _ = caller.ask("GET", link.path, **{"X-Forwarded-For": forged})
            assert status == 302
    person = pair.open(0, token=token)
    wait_for(lambda: read_summary(person, link)["clicks"] == 4)
    assert read_summary(person, link)["visitors"] == len(TRUE_VISITORS)


def test_a_node_that_is_killed_is_left_out(pair: Pair, balancer: Balancer) -> None:
    _, token, _ = pair.add_home()
    caller = Caller(balancer.port, token)
    link = caller.create()
    pair.nodes[1].send_signal_to_all(signal.SIGKILL)
    pair.nodes[1].wait_for_end()
    assert [caller.ask("GET", link.path)[0] for _ in range(AT_LEAST)] == AT_LEAST * [302]
    assert len({caller.create() for _ in range(AT_LEAST)}) == AT_LEAST
    pair.start_again(1)
