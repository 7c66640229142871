"""Who keeps the writes of other nodes waiting: transactions that stay in a lane for long."""

from collections.abc import Mapping, Sequence
from typing import Final

from shorty.storage.database import Lane, LaneHolder

LONG_S: Final = 10
NAMES: Final[Mapping[Lane, str]] = {
    Lane.CLICKS: "clicks",
    Lane.WEBHOOKS: "webhooks",
    Lane.MAIN: "main",
}
_WRITES: Final[Mapping[Lane, str]] = {
    Lane.CLICKS: "clicks",
    Lane.WEBHOOKS: "webhooks",
    Lane.MAIN: "all other writes",
}


def describe_longest(holders: Sequence[LaneHolder]) -> str:
    """A sentence about the transaction that has kept writes waiting; empty if none has for long.

    `holders` are in the order of their time, the longest first.
    """
    long = [each for each in holders if each.pid and each.held_ms >= LONG_S * 1000]
    if not long:
        return ""
    longest, pid = long[0], long[0].pid
    lanes = [_WRITES[each.lane] for each in long if each.pid == pid]
    return (
        f"process {pid} of the server ({longest.role}, {longest.program or 'unnamed'}, "
        f"{longest.state}) has kept {' and '.join(lanes)} waiting for {longest.held_ms // 1000} s; "
        f"end it with `select pg_terminate_backend({pid})` unless it is an upgrade"
    )


def measure_lanes(holders: Sequence[LaneHolder]) -> dict[str, float]:
    """By the name of each lane, for how many seconds one transaction has been in it; 0 if none."""
    return {
        name: max((each.held_ms for each in holders if each.lane == lane), default=0) / 1000
        for lane, name in NAMES.items()
    }
