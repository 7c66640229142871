"""What supervisor and worker agree on: the words of a report, and how long things may take."""

from typing import Final

import msgspec

# What a worker reports: that it has opened everything, then that it answers, with the path of the
# way in between where there is one. Any other words say why it cannot start.
OPEN: Final = b"open\n"
READY: Final = b"ready\n"


def spell_ready(way_in: str) -> bytes:
    """What follows OPEN. `way_in` is a path, or empty."""
    return (f"{way_in}\n".encode() if way_in else b"") + READY


def read_way_in(report: bytes) -> str:
    """Of a report that ends with READY; empty where there is none."""
    return report.removeprefix(OPEN).removesuffix(READY).decode().strip()


class Patience(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds. Ten are promised for a stop; a worker that takes longer than `stop_s` is killed.

    `reading_s` is for connections that were accepted and not read yet, `grace_s` for requests under
    way; the rest until then is for storing. Whoever starts shorty again waits `lock_s` for the
    lock, a little longer than the `orphan_grace_s` of a worker whose supervisor is gone.
    """

    lock_s: float = 3.0
    orphan_grace_s: float = 1.0
    reading_s: float = 0.25
    grace_s: float = 4.0
    stop_s: float = 8.5
