"""`shorty analytics`, on real databases."""

from pathlib import Path

from tests.cli.shell import Shell
from tests.serve.running import ask, change

CLICK = "insert into clicks (link_id, at, visitor, kind, source) values (1, 1790000000000, 7, 1, 0)"


def test_sums_that_are_missing_are_made_of_the_clicks(shell: Shell, tmp_path: Path) -> None:
    assert shell("link", "add", "https://example.com").code == 0
    change(tmp_path / "data", CLICK)
    done = shell("analytics", "rebuild")
    assert (done.code, done.out) == (0, "Days recalculated: 1. Totals corrected: 2.\n")
    select = "select owner, clicks from click_quarters order by owner"
    assert ask(tmp_path / "data", select) == [(-1, 1), (1, 1)]
    assert shell("analytics", "rebuild").out.endswith("corrected: 0.\n")


def test_an_empty_database_has_nothing_to_recount(shell: Shell) -> None:
    assert shell("analytics", "rebuild").out.startswith("Days recalculated: 0.")
