"""Sound databases are told from damaged ones, and findings are limited."""

from contextlib import closing
from pathlib import Path

from shorty.sqlite.connections import connect
from shorty.sqlite.inspection import find_damage
from shorty.storage.text import limit_findings
from tests.support import prepare_copy


def find_damage_of(path: Path) -> str:
    with closing(connect(path, read_only=True)) as connection:
        return find_damage(connection)


def test_a_sound_database_has_no_damage(tmp_path: Path) -> None:
    assert find_damage_of(prepare_copy(tmp_path)) == ""


def test_a_damaged_page_is_found(tmp_path: Path) -> None:
    path = prepare_copy(tmp_path)
    with path.open("r+b") as file:
        file.seek(4096 * 20)
        file.write(b"\xff" * 4096)
    assert find_damage_of(path) != ""


def test_twenty_findings_are_shown_and_the_others_counted() -> None:
    assert limit_findings(map(str, range(20))) == [str(number) for number in range(20)]
    assert limit_findings(map(str, range(1300)))[19:] == ["19", "and 1,280 more"]
