"""Files that commands write: whole or not at all, private, and synced to disk."""

import os
import stat
from pathlib import Path

import pytest

from shorty.cli.files import write_file
from shorty.errors import StartError


def test_a_file_has_its_name_once_it_is_on_the_disk_and_so_has_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "out"
    synced: list[tuple[str, int, bool]] = []
    fsync = os.fsync

    def watch(file: int) -> None:
        status = os.fstat(file)
        name = "folder" if stat.S_ISDIR(status.st_mode) else "file"
        synced.append((name, status.st_size if name == "file" else 0, path.exists()))
        fsync(file)

    monkeypatch.setattr(os, "fsync", watch)
    with write_file(path, may_replace=False) as file:
        file.write(b"whole")
    assert synced == [("file", 5, False), ("folder", 0, True)]
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"whole", 0o600)


def test_a_file_that_breaks_off_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_text("before")

    def break_off() -> None:
        with write_file(path, may_replace=True) as file:
            file.write(b"half")
            raise OSError("full")

    with pytest.raises(OSError, match="full"):
        break_off()
    assert path.read_text() == "before"
    assert [each.name for each in tmp_path.iterdir()] == ["out"]


def test_what_an_earlier_command_left_is_replaced_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("precious")
    (tmp_path / "out.unfinished").symlink_to(tmp_path / "precious")
    with write_file(tmp_path / "out", may_replace=False) as file:
        file.write(b"new")
    assert (tmp_path / "precious").read_text() == "precious"
    assert not (tmp_path / "out").is_symlink()


def test_a_file_needs_a_folder_and_its_place_for_itself(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("before")
    for path, fault in (("none/out", "does not exist"), ("out", "already exists")):
        with pytest.raises(StartError, match=fault), write_file(tmp_path / path, may_replace=False):
            pass
    assert (tmp_path / "out").read_text() == "before"
