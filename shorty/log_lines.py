"""One event of the log as a line: for people, or as JSON. Apart from `log` for the supervisor,
which stays small without its library.

Values that people typed are quoted, so that they can pretend to be neither another event nor
another value.
"""

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final, TypeAlias, get_args

from shorty.config.settings import LogFormat, LogLevel

Event: TypeAlias = Mapping[str, object]

_PLAIN: Final = re.compile(r"[\w.:/@+*\[\]-]+", re.ASCII)
_HEAD: Final = ("timestamp", "level", "event")
TRACE: Final = "exception"
LEVELS: Final[tuple[LogLevel, ...]] = get_args(LogLevel)


def read_clock() -> str:
    """The time as events have it: ISO 8601 in UTC, with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def write_console(event: Event) -> str:
    """`TIMESTAMP [LEVEL] EVENT NAME=VALUE …`; a traceback follows on lines of its own."""
    timestamp, level, name = (event[key] for key in _HEAD)
    values = [
        f"{key}={_quote(value)}"
        for key, value in event.items()
        if key not in _HEAD and key != TRACE
    ]
    line = " ".join((f"{timestamp} [{level}] {_escape(str(name))}", *values))
    return f"{line}\n{event[TRACE]}" if TRACE in event else line


def write_json(event: Event) -> str:
    """An object whose first members are the time, the level and the event's name."""
    values = {key: value for key, value in event.items() if key not in _HEAD}
    head = {key: event[key] for key in _HEAD}
    return json.dumps(head | values, ensure_ascii=False, default=str)


FORMATS: Final[dict[LogFormat, Callable[[Event], str]]] = {
    "console": write_console,
    "json": write_json,
}


def _quote(value: object) -> str:
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    text = str(value)
    return text if _PLAIN.fullmatch(text) else _escape(json.dumps(text, ensure_ascii=False))


def _escape(text: str) -> str:
    """Without line breaks, control characters and marks that turn the writing's direction."""
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in text
    )
