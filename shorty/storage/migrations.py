"""Reads the migrations of an engine: numbered SQL files, each of which says what it leaves usable.

Two releases may share a database for a while, so a migration first only adds (expands), and a later
release drops what no release needs any more (contracts). The first line of its file is the mark:
`-- expands`, or `-- contracts: needs 38`. Without a mark it needs its own release.
"""

import re
from importlib import resources
from typing import Final, NamedTuple

_MARK: Final = re.compile(r"-- (?:(expands)|contracts: needs (\d+))\n")
_MARKED: Final = re.compile(r"-- (?:expand|contract)", re.IGNORECASE)


class Migration(NamedTuple):
    version: int
    name: str
    sql: str

    @property
    def runs_from(self) -> int:
        """The oldest schema whose release may run on a database that has this migration.

        0 for any. Raises ValueError for a mark that is misspelt or names a later schema.
        """
        mark = _MARK.match(self.sql)
        if mark is None:
            if _MARKED.match(self.sql):
                raise ValueError(f"{self.name}: write `-- expands` or `-- contracts: needs NUMBER`")
            return self.version
        oldest = 0 if mark[1] else int(mark[2])
        if oldest > self.version:
            raise ValueError(f"{self.name} needs schema {oldest}, which comes later")
        return oldest


def read_migrations(package: str) -> tuple[Migration, ...]:
    """The SQL files of a package, oldest first."""
    found = [
        Migration(int(file.name.split("_")[0]), file.name.removesuffix(".sql"), file.read_text())
        for file in resources.files(package).iterdir()
        if file.name.endswith(".sql")
    ]
    return tuple(sorted(found))
