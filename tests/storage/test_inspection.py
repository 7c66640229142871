"""A sound database is told from a damaged one."""

from pathlib import Path

from shorty.storage.inspection import find_damage
from tests.support import prepare_copy


def test_a_sound_database_has_no_damage(tmp_path: Path) -> None:
    assert find_damage(prepare_copy(tmp_path)) == ""


def test_a_damaged_page_is_found(tmp_path: Path) -> None:
    path = prepare_copy(tmp_path)
    with path.open("r+b") as file:
        file.seek(4096 * 3)
        file.write(b"\xff" * 4096)
    assert find_damage(path) != ""


def test_a_file_that_is_no_database_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "shorty.db"
    path.write_text("not a database, whatever its name says" * 40)
    assert find_damage(path) == "file is not a database"
