"""What a process prints, line by line, with a limit on how long a test waits for it."""

from queue import Empty, Queue
from threading import Thread
from typing import IO, Final

PATIENCE_S: Final = 20  # how long a test waits for an expected event before it fails


class Output:
    """Lines as they arrive, and all of them once the process has ended."""

    def __init__(self, stream: IO[str]) -> None:
        self.lines: list[str] = []
        self._queue: Queue[str | None] = Queue()
        self._reader = Thread(target=self._read, args=(stream,), daemon=True)
        self._reader.start()

    def wait_for(self, part: str, patience_s: float = PATIENCE_S) -> str:
        """The next line that contains `part`."""
        while True:
            try:
                line = self._queue.get(timeout=patience_s)
            except Empty:
                raise AssertionError(f"{part!r} never came; there was: {self.lines}") from None
            if line is None:
                raise AssertionError(f"{part!r} never came; there was: {self.lines}")
            if part in line:
                return line

    def read_all(self) -> list[str]:
        self._reader.join(PATIENCE_S)
        return self.lines

    def _read(self, stream: IO[str]) -> None:
        with stream:
            for line in stream:
                self.lines.append(line.rstrip("\n"))
                self._queue.put(self.lines[-1])
        self._queue.put(None)
