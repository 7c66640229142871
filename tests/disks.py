"""Small file systems that tests fill to the last page."""

import os
import shutil
import subprocess
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import pytest

PAGE: Final = bytes(4096)


class Disk:
    """A small file system that can be filled to its last page."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"

    def fill(self) -> None:
        with self._ballast.open("wb", 0) as ballast, suppress(OSError):
            while ballast.write(PAGE):
                pass
        assert shutil.disk_usage(self.folder).free == 0

    def free(self) -> None:
        self._ballast.unlink()


@contextmanager
def mount_disk(folder: Path, size: int) -> Generator[Disk]:
    """Mounts one of so many bytes on a folder, for its owner; only root may, others skip."""
    mount, unmount = shutil.which("mount"), shutil.which("umount")
    if os.geteuid() != 0 or mount is None or unmount is None:
        pytest.skip("only root can mount a small disk")
    owner = folder.stat()
    options = f"size={size},mode=700,uid={owner.st_uid},gid={owner.st_gid}"
    command = [mount, "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    done = subprocess.run(command, check=False, capture_output=True)
    if done.returncode != 0:
        pytest.skip(f"a small disk cannot be mounted here: {done.stderr.decode().strip()}")
    try:
        yield Disk(folder)
    finally:
        subprocess.run([unmount, "--lazy", folder], check=True)
