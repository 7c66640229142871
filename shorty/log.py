"""The log of the server: one event per line on standard error, and who writes it.

An event has a stable name and named values; the manual's list of them is held to the code.
"""

import logging
import sys
from collections.abc import Callable, MutableMapping
from functools import partial
from typing import Any, Protocol, TextIO

import structlog

from shorty.config.settings import LogConfig
from shorty.log_lines import FORMATS, Event, read_clock

_log = structlog.get_logger(__name__)


class Committing(Protocol):
    """What runs callbacks after its commit: a storage.Transaction."""

    def after_commit(self, work: Callable[[], object]) -> None: ...


def log_committed(tx: Committing, event: str, **values: object) -> None:
    """Logs what was done once it is committed; nothing if it is rolled back."""
    tx.after_commit(partial(_log.info, event, **values))


def configure_log(
    config: LogConfig, stream: TextIO | None = None, *, worker: int | None = None
) -> None:
    """From now on, the events of this process go to `stream`, standard error by default.

    Each names the `worker`, by its number, where there are several.
    Libraries are heard from warnings on. Tracebacks leave out variables, which may be secrets.
    """
    stream = stream or sys.stderr
    level: int = logging.getLevelNamesMapping()[config.level.upper()]
    write = FORMATS[config.format]

    def render(_logger: object, _method: str, event: MutableMapping[str, Any]) -> str:
        return write(event)

    def add_worker(_logger: object, _method: str, event: MutableMapping[str, Any]) -> Event:
        if worker is not None:
            event["worker"] = worker
        return event

    known = [
        structlog.stdlib.add_log_level,
        _add_time,
        add_worker,
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*known, render],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(stream),
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=known,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render],
        )
    )
    logging.basicConfig(handlers=[handler], level=max(level, logging.WARNING), force=True)


def _add_time(_logger: object, _method: str, event: MutableMapping[str, Any]) -> Event:
    event["timestamp"] = read_clock()
    return event
