from collections.abc import Iterable

from shorty.webhooks.concurrency import Slots
from shorty.webhooks.queue import Line


def quick(host: str = "a") -> Line:
    return Line(host=host, is_quick=True)


def slow(host: str = "a") -> Line:
    return Line(host=host, is_quick=False)


def name_hosts(lines: Iterable[Line]) -> str:
    return "".join(line.host for line in lines)


def test_slots_are_limited() -> None:
    slots = Slots(16)
    assert (
        name_hosts(slots.take(quick(host) for host in "abcdefghijklmnopqrst")) == "abcdefghijklmnop"
    )
    assert slots.free == 0
    slots.give_back(quick("c"))
    assert name_hosts(slots.take([quick("x"), quick("y")])) == "x"


def test_one_host_gets_only_so_many() -> None:
    slots = Slots(16)
    assert name_hosts(slots.take([quick("a")] * 10 + [quick("b")])) == "aaaaaab"
    assert name_hosts(slots.take([slow("a")] * 10 + [slow("b")])) == "aab"
    slots.give_back(quick("a"))
    assert name_hosts(slots.take([quick("a")] * 2)) == "a"


def test_half_of_the_slots_are_for_quick_receivers() -> None:
    slots = Slots(16)
    assert name_hosts(slots.take(slow(host) for host in "abcdefghijkl")) == "abcdefgh"
    assert (slots.free, slots.free_for_slow) == (8, 0)
    assert len(slots.take(quick(host) for host in "abcdefghijkl")) == 8
    assert name_hosts(Slots(3).take(slow(host) for host in "abc")) == "a"


def test_quick_receivers_may_take_every_slot() -> None:
    slots = Slots(4)
    assert len(slots.take(quick(host) for host in "abcd")) == 4
    assert slots.free_for_slow == 0
    assert slots.take([slow("x")]) == []
    slots.give_back(quick("a"))
    assert name_hosts(slots.take([slow("x")])) == "x"


def test_with_a_single_one_everybody_has_a_turn() -> None:
    slots = Slots(1)
    for line in (quick(), slow()):
        assert slots.take([line, line]) == [line]
        slots.give_back(line)


def test_what_is_given_back_counts_for_its_own_kind_alone() -> None:
    slots = Slots(4)
    slots.take([slow("a"), slow("b"), quick("c")])
    slots.give_back(quick("c"))
    assert (slots.free, slots.free_for_slow) == (2, 0)
    slots.give_back(slow("a"))
    assert (slots.free, slots.free_for_slow) == (3, 1)
    assert name_hosts(slots.take([slow("d"), slow("e")])) == "d"
