"""The commands that the README gives to a stranger, read out of it."""

import re
from pathlib import Path
from typing import Final, NamedTuple

README: Final = Path(__file__).parents[2] / "README.md"
DEFAULT_PORT: Final = "8000"


class Commands(NamedTuple):
    """One line each, but `first_link`: the block that creates a link and follows it."""

    start: str
    tests: str
    first_link: str
    destination: str


def read_commands(text: str) -> Commands:
    """Raises ValueError where the README has other commands than it had."""
    start, tests = re.findall(r"^    (python3 -m venv .+)$", text, re.MULTILINE)
    first_link, *_ = re.findall(r"^```bash\n(.+?)^```$", text, re.MULTILINE | re.DOTALL)
    (destination,) = re.findall(r'"url": "(.+?)"', first_link)
    return Commands(start, tests, first_link, destination)


def use_port(commands: str, port: int) -> str:
    """The same on another port than the default, which something else may have here."""
    return re.sub(rf"\b{DEFAULT_PORT}\b", str(port), commands)
