"""Owns the format of a journal record, and reads the intact records of a damaged segment.

A record is a length, a checksum and a payload. The checksum is mixed with a *key* that only the
journal's owner knows. Without it, visitors could put forged records into their user agent, which a
reader that skips damage would accept.
"""

from collections.abc import Iterator
from re import DOTALL
from re import compile as compile_pattern
from struct import Struct
from typing import Final
from zlib import crc32

FORMAT: Final = b"journal2"
FORMER_FORMAT: Final = b"shorty1\n"  # its checksums have no key
FIRST_OFFSET: Final = len(FORMAT)
LONGEST_PAYLOAD: Final = 64 * 1024 - 1  # so that the length's upper two bytes are always zero

HEADER: Final = Struct("<II")  # length and CRC-32 of the payload
HEADER_BYTES: Final = HEADER.size
pack_header: Final = HEADER.pack
# A search ends after checking this many times the segment's size: bytes in which every offset
# looks like the start of a long record would otherwise take hours.
SEARCHED_TIMES: Final = 64

_LENGTH: Final = compile_pattern(rb"(?=(?!\x00\x00)..\x00\x00)", DOTALL)


def make_key(journal_id: str, segment: int) -> int:
    """The key of one segment's checksums; a record is valid in no other segment."""
    return crc32(f"{journal_id} {segment}".encode("ascii"))


class SegmentReader:
    """Iterates over a segment's whole records as (payload, end offset).

    `skipped` counts the damaged bytes found so far. `torn` counts the bytes of an incomplete record
    at the end, as after a power cut or on a full disk.
    """

    def __init__(self, content: bytes, offset: int, key: int) -> None:
        self.skipped = 0
        self.torn = 0
        self._content = content
        self._offset = max(offset, FIRST_OFFSET)
        self._key = key
        self._is_former = content[:FIRST_OFFSET] == FORMER_FORMAT
        self.checked_bytes = 0  # for the limit of a search

    def __iter__(self) -> Iterator[tuple[bytes, int]]:
        content = self._content
        if len(content) < FIRST_OFFSET:
            self.torn = len(content)
            return
        if self._is_former:
            self._key = 0
        elif not content.startswith(FORMAT):
            self.skipped = FIRST_OFFSET
        while self._offset < len(content):
            payload = self._read(self._offset)
            if payload is None:
                self._skip()
                continue
            self._offset += HEADER_BYTES + len(payload)
            yield payload, self._offset

    def _read(self, offset: int) -> bytes | None:
        """The payload of the record at `offset`; None if no whole record starts there."""
        content, start = self._content, offset + HEADER_BYTES
        if start > len(content):
            return None
        length, checksum = HEADER.unpack_from(content, offset)
        # A power cut may leave zeros, which look like empty records.
        if not 0 < length <= LONGEST_PAYLOAD or start + length > len(content):
            return None
        payload = content[start : start + length]
        self.checked_bytes += length
        return payload if crc32(payload) ^ self._key == checksum else None

    def _skip(self) -> None:
        """Moves to the next whole record, or to the end."""
        start = self._offset
        following = None if self._is_former else self._find_next(start + 1)
        self._offset = len(self._content) if following is None else following
        if following is None and self._is_torn(start):
            self.torn = self._offset - start
        else:
            self.skipped += self._offset - start

    def _find_next(self, start: int) -> int | None:
        for match in _LENGTH.finditer(self._content, start):
            if self.checked_bytes > SEARCHED_TIMES * len(self._content):
                return None
            if self._read(match.start()) is not None:
                return match.start()
        return None

    def _is_torn(self, offset: int) -> bool:
        """Whether the rest is the beginning of a record, perhaps followed by zeros."""
        written = self._content[offset:].rstrip(b"\0")
        if len(written) < HEADER_BYTES:
            return True
        length, _ = HEADER.unpack_from(written)
        return 0 < length <= LONGEST_PAYLOAD and HEADER_BYTES + length > len(written)
