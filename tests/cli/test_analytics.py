"""`shorty analytics`, on real databases."""

import sqlite3
from contextlib import closing
from pathlib import Path

from tests.cli.shell import Shell

CLICK = "insert into clicks (link_id, at, visitor, kind, source) values (1, 1790000000000, 7, 1, 0)"


def test_sums_that_are_missing_are_made_of_the_clicks(shell: Shell, tmp_path: Path) -> None:
    assert shell("link", "add", "https://example.com").code == 0
    with closing(sqlite3.connect(tmp_path / "data" / "shorty.db")) as database:
        with database:
            database.execute(CLICK)
        done = shell("analytics", "rebuild")
        assert (done.code, done.out) == (
            0,
            "Days recalculated: 1. Totals corrected: 2.\n",
        )
        assert database.execute("select owner, clicks from click_quarters").fetchall() == [
            (-1, 1),
            (1, 1),
        ]
    assert shell("analytics", "rebuild").out.endswith("corrected: 0.\n")


def test_an_empty_database_has_nothing_to_recount(shell: Shell) -> None:
    assert shell("analytics", "rebuild").out.startswith("Days recalculated: 0.")
