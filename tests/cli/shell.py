"""The result of a command line in a test."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, Protocol


class Outcome(NamedTuple):
    code: int
    out: str
    err: str


class Shell(Protocol):
    def __call__(self, *words: str, stdin: str = "") -> Outcome: ...


ShellBeside = Callable[[Path], Shell]
