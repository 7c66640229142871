"""Owns the click journal, which keeps answered clicks through a crash.

A folder beside the database contains numbered segments of records. Each record is appended with one
write, before the answer is sent. The database stores how far the records have been stored, as a
*position*: a segment's number and an offset in it. Records past the position are replayed at the
next start; a segment is removed only after a durable commit past its end, and where a standby can
take over, some time after it.

Damage loses only the records it touches. The reader continues at the next intact record, and the
damaged segment is kept beside the folder under another name when its own place is released.

Segment numbers are never reused, and each start begins a new segment. A position is therefore never
past future clicks, even if a power cut has shortened the file it points into.

The folder also names its owner: the journal's id, which the database knows too, and how many
batches the database has stored. A restored or copied database has another id or fewer batches; the
journal is foreign to it, and is set aside instead of replayed. See
manual/decisions/2026-11-23-click-journal.md.
"""

import errno
import filecmp
import os
import shutil
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Final, NamedTuple
from zlib import crc32

import structlog

from shorty.clicks.records import (
    FIRST_OFFSET,
    FORMAT,
    HEADER_BYTES,
    SegmentReader,
    make_key,
    pack_header,
)

log = structlog.get_logger(__name__)

SEGMENT_BYTES: Final = 16 * 1024 * 1024
ROOM_BYTES: Final = 16 * 1024  # of the longest visit
_CLOSED: Final = -1


class Position(NamedTuple):
    """The end of a record."""

    segment: int
    offset: int


class Record(NamedTuple):
    payload: bytes
    end: Position

    @property
    def start(self) -> Position:
        return self.end._replace(offset=self.end.offset - HEADER_BYTES - len(self.payload))


class Segment(NamedTuple):
    """A new, empty segment, open for appending; `key` is the key of its checksums."""

    number: int
    file: int
    key: int


class Owner(NamedTuple):
    """The journal's database, by the journal's id and the least number of batches it has stored."""

    journal_id: str
    stored_batches: int


class Journal:
    """The journal in one folder.

    `append`, `continue_in` and `note_stored` take microseconds; the other methods may wait for the
    disk.

    Each method raises OSError if the disk fails.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.segment = 0  # the number of the current segment
        self.skipped_bytes = 0  # damaged bytes found by reading
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
        """Tests an append without keeping it, after the journal has refused a visit."""
        try:
            written = os.write(self._file, bytes(ROOM_BYTES))
        except OSError:
            written = 0
        self._cut_back()
        return written == ROOM_BYTES and self.is_open

    def append(self, payload: bytes) -> int:
        """Writes one record of 1 to LONGEST_PAYLOAD bytes and returns its end offset.

        The record survives a crash from then on. Takes 1.5 µs. Raises OSError (a full disk, no
        segment), and then keeps no part of the record.
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
        """Cuts off a torn record, which would hide all later ones, or abandons its segment."""
        if self._file == _CLOSED:
            return
        try:
            os.ftruncate(self._file, self._offset)
        except OSError as error:
            log.warning("journal_segment_left", segment=self.segment, reason=str(error))
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
        """Makes the appended records survive a power cut."""
        if self._file != _CLOSED:
            os.fsync(self._file)

    def find_owner(self) -> Owner | None:
        try:
            journal_id, stored_batches = self._owner_path.read_text(encoding="ascii").split()
            return Owner(journal_id, int(stored_batches))
        except (FileNotFoundError, NotADirectoryError, ValueError):
            return None

    def create(self, journal_id: str) -> None:
        """Creates the folder and names its owner; both survive a power cut."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        os.close(_create_file(self._owner_path, _write_owner(Owner(journal_id, 0))))
        _sync(self.folder.parent)
        self._journal_id = journal_id

    def note_stored(self, owner: Owner) -> None:
        """Records the stored batches, so that older copies of the database leave the journal."""
        file = os.open(self._owner_path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.pwrite(file, _write_owner(owner), 0)
        finally:
            os.close(file)

    def create_segment(self, after: int = 0) -> Segment:
        """Creates a segment numbered past `after` and all others; it survives a power cut."""
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
                # Before later records are stored: after that, a later start would not read the
                # damage.
                kept = self._keep_damaged(path)
            yield Record(payload, Position(number, end))
        if reader.skipped:
            self.skipped_bytes += reader.skipped
            kept = kept or self._keep_damaged(path)
            log.error("journal_damaged", file=str(path), bytes=reader.skipped, kept=str(kept))
        if reader.torn:
            log.warning("journal_torn", file=str(path), bytes=reader.torn)

    def _keep_damaged(self, path: Path) -> Path:
        """Links a damaged segment to a name outside the folder, which outlives the original."""
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
            # Some file systems have no hard links.
            shutil.copy(path, kept)
            _sync(kept)
        _sync(kept.parent)
        return kept

    def _make_key(self, number: int) -> int:
        if not self._journal_id and (owner := self.find_owner()):
            self._journal_id = owner.journal_id
        return make_key(self._journal_id, number)

    def remove_before(self, number: int) -> None:
        """Removes the segments before `number`; all their records must be durably stored."""
        for older in self.list_segments():
            if older < number:
                self._find_path(older).unlink()

    def remove(self) -> None:
        """Removes the whole journal; all its records must be durably stored."""
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
        """Free names beside the folder, for damaged segments and foreign journals."""
        return (self.folder.with_name(f"{self.folder.name}{suffix}-{each}") for each in count(1))

    def _find_path(self, number: int) -> Path:
        return self.folder / f"{number:010d}.log"


def _write_owner(owner: Owner) -> bytes:
    """Fixed length, because it is overwritten in place."""
    return f"{owner.journal_id} {owner.stored_batches:020d}\n".encode("ascii")


def _write_whole(file: int, content: bytes) -> None:
    if os.write(file, content) != len(content):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _create_file(path: Path, content: bytes) -> int:
    """Creates a new file, and removes it again if writing fails."""
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
    """Makes a file's content, or a folder's entries, survive a power cut."""
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)
