"""Owns the click journal: what a visitor was answered outlives a killed process.

A folder beside the database holds numbered segments of records. A record is appended with one
write, before the answer leaves. The database says how far the records have been stored, as a
*position*: a segment's number and an offset in it. What lies past it is replayed at the next start;
a segment is removed only after a durable commit past its end.

Damage costs the records it hits. Reading goes on with the next whole one, and the damaged segment
is kept beside the folder under another name once its place in the journal is given up.

Numbers are never used twice, and each start begins a new segment: so a position never lies past
clicks that are yet to come, even where a power cut has shortened the file it points into.

The folder also says whose it is: the journal's id, which the database knows too, and how many
batches the database has stored of it. A database that was restored or copied knows another id or
fewer batches: to that one the journal is foreign, and it is set aside instead of replayed. See
manual/decisions/2026-11-23-click-journal.md.
"""

import errno
import filecmp
import logging
import os
import shutil
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Final, NamedTuple
from zlib import crc32

from shorty.clicks.records import (
    FIRST_OFFSET,
    FORMAT,
    HEADER_BYTES,
    SegmentReader,
    make_key,
    pack_header,
)

logger = logging.getLogger(__name__)

SEGMENT_BYTES: Final = 16 * 1024 * 1024
ROOM_BYTES: Final = 16 * 1024  # the longest visit's
_CLOSED: Final = -1


class Position(NamedTuple):
    """Where a record ends."""

    segment: int
    offset: int


class Record(NamedTuple):
    payload: bytes
    end: Position

    @property
    def start(self) -> Position:
        return self.end._replace(offset=self.end.offset - HEADER_BYTES - len(self.payload))


class Segment(NamedTuple):
    """A new segment that holds no record yet, open for appending; `key` is its checksums'."""

    number: int
    file: int
    key: int


class Owner(NamedTuple):
    """Whose journal it is: that of a database with this id and at least so many batches of it."""

    journal_id: str
    stored_batches: int


class Journal:
    """The journal in one folder.

    `append`, `continue_in` and `note_stored` take microseconds, the others may wait for the disk.

    Each method raises OSError where the disk refuses.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.segment = 0  # the number of the one that is appended to
        self.skipped_bytes = 0  # damaged ones, found by reading
        self._owner_path = folder / "owner"
        self._file = _CLOSED
        self._offset = 0
        self._key = 0
        self._journal_id = ""  # "" until it is known

    @property
    def needs_segment(self) -> bool:
        return self._file == _CLOSED or self._offset >= SEGMENT_BYTES

    @property
    def is_open(self) -> bool:
        return self._file != _CLOSED

    def has_room(self) -> bool:
        """Tries to append, and leaves nothing of it. For a journal that has refused before."""
        try:
            written = os.write(self._file, bytes(ROOM_BYTES))
        except OSError:
            written = 0
        self._cut_back()
        return written == ROOM_BYTES and self.is_open

    def append(self, payload: bytes) -> int:
        """Writes one record of 1 to LONGEST_PAYLOAD bytes and returns the offset where it ends.

        It outlives the process from then on. Takes 1.5 µs. Where this raises OSError (a full disk,
        no segment), nothing of it is kept.
        """
        record = pack_header(len(payload), crc32(payload) ^ self._key) + payload
        try:
            written = os.write(self._file, record)
        except OSError:
            self._cut_back()
            raise
        if written != len(record):
            self._cut_back()
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._offset = offset = self._offset + written
        return offset

    def _cut_back(self) -> None:
        """A torn record would hide all that follow: cuts it off, or leaves its segment for good."""
        if self._file == _CLOSED:
            return
        try:
            os.ftruncate(self._file, self._offset)
        except OSError as error:
            logger.warning("The click journal leaves segment %s: %s.", self.segment, error)
            self.close()

    def continue_in(self, segment: Segment) -> None:
        """Appends to `segment` from now on."""
        self.close()
        self.segment, self._file, self._key = segment
        self._offset = FIRST_OFFSET

    def close(self) -> None:
        if self._file != _CLOSED:
            os.close(self._file)
            self._file = _CLOSED

    def sync(self) -> None:
        """Puts what was appended out of a power cut's reach."""
        if self._file != _CLOSED:
            os.fsync(self._file)

    def find_owner(self) -> Owner | None:
        try:
            journal_id, stored_batches = self._owner_path.read_text(encoding="ascii").split()
            return Owner(journal_id, int(stored_batches))
        except (FileNotFoundError, ValueError):
            return None

    def create(self, journal_id: str) -> None:
        """Makes the folder and says whose it is, both out of a power cut's reach."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        os.close(_create_file(self._owner_path, _write_owner(Owner(journal_id, 0))))
        _sync(self.folder.parent)
        self._journal_id = journal_id

    def note_stored(self, owner: Owner) -> None:
        """Keeps older copies of the database from taking the journal for theirs."""
        file = os.open(self._owner_path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.pwrite(file, _write_owner(owner), 0)
        finally:
            os.close(file)

    def create_segment(self, after: int = 0) -> Segment:
        """Makes a segment numbered past `after` and past all others, out of a power cut's reach."""
        number = max([after, self.segment, *self.list_segments()]) + 1
        file = _create_file(self._find_path(number), FORMAT)
        return Segment(number, file, self._make_key(number))

    def list_segments(self) -> list[int]:
        """The segments' numbers, oldest first."""
        return sorted(int(path.stem) for path in self.folder.glob("[0-9]*.log"))

    def holds_records(self) -> bool:
        paths = [self._find_path(number) for number in self.list_segments()]
        return any(path.stat().st_size > FIRST_OFFSET for path in paths)

    def read_after(self, position: Position) -> Iterator[Record]:
        """Every whole record past `position`, oldest first."""
        for number in self.list_segments():
            if number == position.segment:
                yield from self._read_segment(number, position.offset)
            elif number > position.segment:
                yield from self._read_segment(number, FIRST_OFFSET)

    def _read_segment(self, number: int, offset: int) -> Iterator[Record]:
        path = self._find_path(number)
        reader = SegmentReader(path.read_bytes(), offset, self._make_key(number))
        kept: Path | None = None
        for payload, end in reader:
            if reader.skipped and kept is None:
                # Before what follows is stored: a later start would not come past the damage.
                kept = self._keep_damaged(path)
            yield Record(payload, Position(number, end))
        if reader.skipped:
            self.skipped_bytes += reader.skipped
            kept = kept or self._keep_damaged(path)
            logger.warning(
                "%s bytes of %s are damaged and not read: it is kept as %s.",
                reader.skipped,
                path,
                kept,
            )
        if reader.torn:
            logger.warning("The last %s bytes of %s are torn and not read.", reader.torn, path)

    def _keep_damaged(self, path: Path) -> Path:
        """Gives a damaged segment a second name outside the folder, which outlives the first."""
        kept = next(
            place
            for place in self._list_places(".damaged")
            if not place.exists() or filecmp.cmp(place, path)
        )
        if kept.exists():
            return kept
        try:
            os.link(path, kept)
        except OSError:
            # Not every file system has links.
            shutil.copy(path, kept)
            _sync(kept)
        _sync(kept.parent)
        return kept

    def _make_key(self, number: int) -> int:
        if not self._journal_id and (owner := self.find_owner()):
            self._journal_id = owner.journal_id
        return make_key(self._journal_id, number)

    def remove_before(self, number: int) -> None:
        """Removes the segments before `number`; all they hold must be durably stored."""
        for older in self.list_segments():
            if older < number:
                self._find_path(older).unlink()

    def remove(self) -> None:
        """Removes the journal as a whole; all it holds must be durably stored."""
        self.close()
        for number in self.list_segments():
            self._find_path(number).unlink()
        self._owner_path.unlink(missing_ok=True)
        self._journal_id = ""
        if not any(self.folder.iterdir()):
            self.folder.rmdir()

    def set_aside(self) -> Path:
        """Renames the folder, so that another journal can begin; returns its new path."""
        self._journal_id = ""
        places = self._list_places(".set-aside")
        return self.folder.rename(next(place for place in places if not place.exists()))

    def _list_places(self, suffix: str) -> Iterator[Path]:
        """Numbered names beside the folder, for what is kept of it."""
        return (self.folder.with_name(f"{self.folder.name}{suffix}-{each}") for each in count(1))

    def _find_path(self, number: int) -> Path:
        return self.folder / f"{number:010d}.log"


def _write_owner(owner: Owner) -> bytes:
    """Always of one length, for it is written over."""
    return f"{owner.journal_id} {owner.stored_batches:020d}\n".encode("ascii")


def _write_whole(file: int, content: bytes) -> None:
    if os.write(file, content) != len(content):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _create_file(path: Path, content: bytes) -> int:
    """Makes a file that must not exist, and leaves nothing of it where that fails."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        _write_whole(file, content)
        os.fsync(file)
        _sync(path.parent)
    except OSError:
        os.close(file)
        path.unlink()
        raise
    return file


def _sync(path: Path) -> None:
    """Puts a file's content, or a folder's names, out of a power cut's reach."""
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)
