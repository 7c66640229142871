"""Databases of any version with a little of everything in them, and tools to change them."""

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from shorty.sqlite import migrations
from shorty.sqlite.migrations import list_migrations, prepare_database
from tests.support import make_folder

ALL: Final = list_migrations()
LATEST: Final = ALL[-1].version

_ROWS: Final = (
    (
        1,
        """
        insert into users (id, email, name, created_at) values (1, 'ann@a.example', 'Ann', 0);
        insert into workspaces values (1, 'Roasters', 'unlimited', 0);
        insert into members (workspace_id, user_id, role, created_at) values (1, 1, 'owner', 0);
        insert into domains (id, host, scheme, source, root_redirect, not_found_redirect,
          verified_at, created_at)
        values (1, 'localhost:8000', 'http', 'builtin', 'https://a.example/', '', 0, 0);
        insert into tags values (1, 1, 'Coffee', 'coffee', 'red', 0);
        insert into idempotency_keys values (1, 'a', '', 201, x'', '/api/v1/links/1', 0);
        """,
    ),
    (2, ("insert into webhook_receivers (id, workspace_id, url, host, created_at)"
        " values (1, 1, 'https://hooks.example/', 'hooks.example', 0);")),
    (
        6,
        """
        insert into bio_pages (link_id, avatar, theme, socials, updated_at)
        values (1, 'icon', 'paper', '[{"network":"email","url":"mailto:ann@a.example"}]', 0);
        insert into bio_blocks (id, page_id, position, kind, text, url, created_at)
        values (1, 1, 1, 'image', 'A cup', 'https://a.example/cup.png', 0);
        """,
    ),
)  # fmt: skip
_LINKS: Final = (
    ("web", "URL", "HTTPS://b.example", "https://b.example/"),
    ("mail", "MAILTO", "ann@a.example", "mailto:ann@a.example"),
    ("phone", "TEL", "+1 201 555 0123", "tel:+12015550123"),
    ("text", "SMS", "sms:+12015550123", "sms:+12015550123"),
)
_LINK: Final = """
insert into links (id, workspace_id, domain_id, slug, slug_key, link_type, original_url, url,
  url_hash, status, image, favicon_url, webhook_urls, created_at, updated_at)
values (?, 1, 1, ?, ?, ?, ?, ?, 0, 302, 'https://a.example/a.png', '/i/abc.png',
  'https://hooks.example/,https://hooks.example/two', 0, 0)
"""


def create_database(path: Path, version: int = LATEST) -> Path:
    """A database as the release with that schema would have created it, in one file."""
    shutil.copy(_find_template(version), path)
    return path


@cache
def _find_template(version: int) -> Path:
    """Created once per process, because copying is faster than migrating."""
    return fill_database(make_folder() / "shorty.db", version)


def fill_database(path: Path, version: int = LATEST) -> Path:
    """Also fills an existing empty database."""
    with pytest.MonkeyPatch.context() as former:
        former.setattr(migrations, "list_migrations", lambda: ALL[:version])
        prepare_database(path, now=0)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript(_ROWS[0][1])
        for number, (slug, kind, given, url) in enumerate(_LINKS, start=1):
            connection.execute(_LINK, (number, slug, slug, kind, given, url))
        for first, rows in _ROWS[1:]:
            if version >= first:
                connection.executescript(rows)
        connection.execute("pragma journal_mode = delete")
    return path


def tamper(path: Path, *scripts: str) -> None:
    """Runs each script in its own connection, which may change the schema's own table."""
    for script in scripts:
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("pragma writable_schema = on")
            connection.executescript(script)


def rewrite_schema(old: str, new: str, name: str) -> str:
    """SQL that changes the stored definition of `name`."""
    values = [text.replace("'", "''") for text in (old, new, name)]
    return "update sqlite_master set sql = replace(sql, '{}', '{}') where name = '{}'".format(  # noqa: S608 - the tests' own words
        *values
    )


def read_bytes(folder: Path, without: Iterable[str] = ()) -> dict[str, bytes]:
    return {
        file.name: file.read_bytes() for file in folder.iterdir() if file.name not in set(without)
    }


def note_syncs(
    monkeypatch: pytest.MonkeyPatch, look: Callable[[], object]
) -> list[tuple[Path, object]]:
    """Every later sync to disk, with the state that was visible at that moment."""
    noted: list[tuple[Path, object]] = []
    sync = os.fsync

    def note(file: int) -> None:
        noted.append((Path(f"/proc/self/fd/{file}").readlink(), look()))
        sync(file)

    monkeypatch.setattr(os, "fsync", note)
    return noted
