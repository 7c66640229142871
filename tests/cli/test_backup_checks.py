"""Every column that may contain a URL is read, or said not to be."""

import re
from contextlib import closing
from pathlib import Path

from shorty.cli.backup_checks import READERS, list_url_faults, read_urls
from shorty.sqlite.connections import connect
from shorty.sqlite.inspection import SqliteColumns
from tests.databases import create_database

MAY_BE_A_URL = re.compile(r"url|redirect|rules|image|location|scheme|socials|favicon|href|address")
NO_URLS = {"links.url_hash"}


def test_every_column_named_like_a_url_is_read(tmp_path: Path) -> None:
    with closing(connect(create_database(tmp_path / "shorty.db"))) as connection:
        connection.execute("update domains set not_found_redirect = root_redirect")
        connection.execute("update domains set expired_redirect = root_redirect")
        connection.execute("update links set expired_url = url where id = 1")
        rules = """[{"id":"a","url":"https://b.example/"}]"""
        connection.execute("update links set rules = $1 where id = 1", (rules,))
        connection.execute("update links set original_url = 'b.example' where id = 1")
        read = {stored.column for stored in read_urls(SqliteColumns(connection))}
        tables = [row[0] for row in connection.execute("select name from sqlite_master")]
        columns = {
            f"{table}.{row['name']}"
            for table in tables
            if table.isidentifier()
            for row in connection.execute(f'pragma table_xinfo("{table}")')
            if MAY_BE_A_URL.search(row["name"])
        }
    assert columns - NO_URLS == read
    assert set(READERS) == {column.partition(".")[0] for column in read}


def test_what_shorty_stores_has_no_fault(tmp_path: Path) -> None:
    with closing(connect(create_database(tmp_path / "shorty.db"))) as connection:
        assert list(list_url_faults(SqliteColumns(connection))) == []
