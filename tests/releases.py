"""Runs the tests of the former release on a database that this release migrated.

`python -m tests.releases` is a proof that two releases can share a database: the former one's code
and tests run as they were, only their databases are copies of one that has this release's schema.
Words after it go to pytest, such as folders: `python -m tests.releases tests/links -n 2`. It needs
the history of the repository. Exits with pytest's code.
"""

import argparse
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Final

from shorty.postgres.migrations import prepare_database

ROOT: Final = Path(__file__).parents[1]
FOLDERS: Final = ("links", "clicks", "webhooks", "accounts", "storage")
PLUGIN: Final = "on_newer_schema"
PLUGIN_CODE: Final = f'''
"""Gives the tests databases with the schema of a newer release, which migrates the template."""

import subprocess

from shorty.postgres import inspection, migrations

prepare = migrations.prepare_database


def prepare_database(url, now):
    """A release from before this rule refuses every newer schema; here it goes on."""
    if migrations.find_version(url):
        return []
    command = [{sys.executable!r}, "-m", "tests.releases", "--migrate", url]
    subprocess.run(command, check=True, cwd={str(ROOT)!r}, env={{"PYTHONPATH": {str(ROOT)!r}}})
    return list(migrations.list_migrations())


migrations.prepare_database = prepare_database
'''


def find_former() -> str:
    """The newest tag before HEAD, as releases have; empty if there is none."""
    command = ["git", "-C", str(ROOT), "describe", "--tags", "--abbrev=0", "HEAD^"]
    found = subprocess.run(command, check=False, capture_output=True, text=True)
    return found.stdout.strip()


def take_out(commit: str, folder: Path) -> None:
    """The files of a commit, without the history. Raises CalledProcessError for an unknown one."""
    archive = folder / "release.tar"
    command = ["git", "-C", str(ROOT), "archive", "--output", str(archive), commit]
    subprocess.run(command, check=True)
    with tarfile.open(archive) as files:
        files.extractall(folder, filter="data")
    archive.unlink()


def run(commit: str, arguments: list[str]) -> int:
    """pytest's exit code. What is in the folder of the commit comes before this release's code."""
    with tempfile.TemporaryDirectory(prefix="shorty-former-") as place:
        folder = Path(place)
        take_out(commit, folder)
        (folder / f"{PLUGIN}.py").write_text(PLUGIN_CODE)
        command = [sys.executable, "-m", "pytest", "-p", PLUGIN, "--engine", "postgres"]
        environment = {**os.environ, "PYTHONPATH": place}
        done = subprocess.run([*command, *arguments], check=False, cwd=folder, env=environment)
        return done.returncode


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.releases", description=__doc__)
    parser.add_argument("--former", help="a commit (default: the newest tag before this one)")
    parser.add_argument("--migrate", metavar="URL", help=argparse.SUPPRESS)
    known, words = parser.parse_known_args()
    if known.migrate:
        prepare_database(known.migrate, now=0)
        return 0
    former = known.former or find_former()
    if not former:
        parser.error("no commit before this one has a tag; name the release with --former COMMIT")
    return run(former, words or [f"tests/{name}" for name in FOLDERS])


if __name__ == "__main__":
    sys.exit(main())
