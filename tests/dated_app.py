"""The whole product at a moment that its test chooses, also while it runs.

`python -m tests.serve.small_app tests.dated_app:App` serves it.
"""

from pathlib import Path
from typing import Final

from shorty import app
from shorty.config import Config

COMMAND: Final = ("-m", "tests.serve.small_app", "tests.dated_app:App")


class App(app.App):
    """Its clock stands at what the file `moment` in the server's folder says: UTC milliseconds."""

    def __init__(self, config: Config) -> None:
        path = find_moment(config.storage.files)
        super().__init__(config, lambda: int(path.read_text("ascii")) * 1_000_000)


def find_moment(folder: Path) -> Path:
    return folder / "moment"


def set_moment(folder: Path, at: int) -> None:
    """At once for whoever reads it."""
    written = folder / "moment.new"
    written.write_text(str(at), "ascii")
    written.replace(find_moment(folder))
