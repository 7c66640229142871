"""Defines what supervisor and worker exchange: the task, the words of a report, time limits."""

from typing import Final

import msgspec
from msgspec.structs import replace

from shorty.config import Config

# The worker reports that it has opened everything, then that it answers, with the setup link's path
# in between if there is one. Any other text says why it cannot start.
OPEN: Final = b"open\n"
READY: Final = b"ready\n"


def spell_ready(setup_path: str) -> bytes:
    """The report after OPEN. `setup_path` is a path, or empty."""
    return (f"{setup_path}\n".encode() if setup_path else b"") + READY


def read_setup_path(report: bytes) -> str:
    """The path in a report that ends with READY; empty without one."""
    return report.removeprefix(OPEN).removesuffix(READY).decode().strip()


class Patience(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds. A stop takes ten at most; a worker that takes longer than `stop_s` is killed.

    `reading_s` is for accepted connections that are not read yet, `grace_s` for requests in
    progress; the rest is for storing clicks. A new shorty waits `lock_s` for the lock, a little
    longer than the `orphan_grace_s` of a worker whose supervisor has died.
    """

    lock_s: float = 3.0
    orphan_grace_s: float = 1.0
    reading_s: float = 0.25
    grace_s: float = 4.0
    stop_s: float = 8.5


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker runs: `application` names a class; `number` counts the workers from 1 on."""

    application: str
    settings: Config
    patience: Patience
    number: int = 1

    @property
    def has_others(self) -> bool:
        return self.settings.server.workers > 1

    @property
    def config(self) -> Config:
        """The settings with this worker's own part of the storage."""
        if not self.has_others:
            return self.settings
        return replace(self.settings, storage=self.settings.storage.divide(self.number))
