"""How changes travel to other processes: the payloads of notifications, each a JSON array.

The first item is the name under which the process writes, which has heard of its own changes by the
time they are committed. A change of a link is `[domain, slug]`; others are a word.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec

from shorty.postgres.connections import is_command
from shorty.storage.changes import (
    AnythingChanged,
    Change,
    DeliveriesQueued,
    DomainsChanged,
    LinkChanged,
)

CHANNEL: Final = "shorty_changes"
NOTIFY: Final = f"select pg_notify('{CHANNEL}', $1)"
LISTEN: Final = f"listen {CHANNEL}"
# The server takes less than 8,000.
MOST_BYTES: Final = 7900

_WORDS: Final[dict[str, Change]] = {
    "domains": DomainsChanged(),
    "deliveries": DeliveriesQueued(),
    "anything": AnythingChanged(),
}
_NAMES: Final = {type(change): word for word, change in _WORDS.items()}


def write_messages(writer: str, changes: Sequence[Change]) -> Iterator[str]:
    """As few as they fit in. A command's are of anything, as it may change what no write names."""
    if is_command(writer):
        changes = [AnythingChanged()]
    message, size = [writer], 0
    for change in dict.fromkeys(changes):
        item = _write(change)
        length = len(msgspec.json.encode(item)) + 1
        if size + length > MOST_BYTES - len(writer.encode()) - 8 and len(message) > 1:
            yield msgspec.json.encode(message).decode()
            message, size = [writer], 0
        message.append(item)
        size += length
    if len(message) > 1:
        yield msgspec.json.encode(message).decode()


def read_message(message: str, writer: str) -> list[Change]:
    """The changes of another process. What cannot be read, such as a later release's, is any."""
    try:
        sender, *items = msgspec.json.decode(message, type=list[Any])
    except (ValueError, msgspec.DecodeError):
        return [AnythingChanged()]
    return [] if sender == writer else [_read(item) for item in items]


def _write(change: Change) -> Any:
    if isinstance(change, LinkChanged):
        return [change.domain_id, change.slug_key]
    return _NAMES[type(change)]


def _read(item: Any) -> Change:
    match item:
        case [int(domain_id), str(slug_key)]:
            return LinkChanged(domain_id, slug_key)
        case str(word):
            return _WORDS.get(word, AnythingChanged())
        case _:
            return AnythingChanged()
