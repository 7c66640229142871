"""A file's bytes under a reader that keeps its place between pieces and reads nothing twice."""

from collections.abc import Iterator
from re import Pattern


class Feed:
    """`text[at:]` has been read and not taken; a reader takes it by moving `at` forward.

    What was taken is dropped with the next piece, so that memory stays bounded, and so does the
    work as long as a reader leaves only a few bytes when it asks for more.
    """

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self.text = b""
        self.at = 0
        self._pieces = pieces
        self._dropped = 0
        self._line = 1
        self._counted = 0  # lines before this byte of `text` are in `_line`
        self._kept: bytearray | None = None
        self._kept_from = 0
        self._most = 0

    @property
    def offset(self) -> int:
        """Of `at`, in bytes from the file's start."""
        return self._dropped + self.at

    def find_line(self) -> int:
        """The number of the line that `at` is in, from 1 on."""
        self._line += self.text.count(b"\n", self._counted, self.at)
        self._counted = self.at
        return self._line

    def read_on(self) -> bool:
        """Appends the next piece of the file; False at its end."""
        piece = next(self._pieces, b"")
        if not piece:
            return False
        self.find_line()
        self._keep_taken()
        self._dropped += self.at
        self.text = self.text[self.at :] + piece
        self.at = self._counted = self._kept_from = 0
        return True

    def has(self, length: int) -> bool:
        """Whether so many bytes follow, reading on for them."""
        while len(self.text) - self.at < length:
            if not self.read_on():
                return False
        return True

    def skip(self, pattern: Pattern[bytes]) -> bool:
        """Takes what `pattern`, a repeated class of bytes, matches; False at the file's end."""
        while True:
            found = pattern.match(self.text, self.at)
            self.at = found.end() if found else self.at
            if self.at < len(self.text):
                return True
            if not self.read_on():
                return False

    def skip_past(self, mark: bytes) -> bool:
        """Takes everything up to `mark` and the mark; False where the file ends without one."""
        while True:
            found = self.text.find(mark, self.at)
            if found >= 0:
                self.at = found + len(mark)
                return True
            self.at = max(self.at, len(self.text) - len(mark) + 1)
            if not self.read_on():
                self.at = len(self.text)
                return False

    def keep(self, most: int) -> None:
        """Begins to keep what is taken from now on, up to `most` bytes."""
        self._kept, self._kept_from, self._most = bytearray(), self.at, most

    def take_kept(self) -> bytes | None:
        """What was taken since `keep`; None where it was more than that."""
        self._keep_taken()
        kept, self._kept = self._kept, None
        return None if kept is None or len(kept) > self._most else bytes(kept)

    def _keep_taken(self) -> None:
        if self._kept is not None and len(self._kept) <= self._most:
            # One byte more says that it was too long.
            room = self._most + 1 - len(self._kept)
            self._kept += self.text[self._kept_from : min(self.at, self._kept_from + room)]
        self._kept_from = self.at
