"""`shorty restore` and `shorty check` of files that claim to be databases of shorty."""

import os
import socket
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.shell import Outcome, Shell
from tests.databases import (
    LATEST,
    create_database,
    fill_database,
    read_bytes,
    rewrite_schema,
    tamper,
)

pytestmark = pytest.mark.sqlite_only("what is wrong with a file; tests/postgres has the rest")
LEAD_AWAY = """
create trigger lead_away after insert on links begin
  update links set url = 'https://evil.example/' where id = new.id;
end
"""
HIDE_LINKS = """
alter table links rename to hidden;
create view links as select * from hidden;
"""
FORGET_SLUG_INDEX = """
create table entry as select * from sqlite_master where name = 'links_live';
delete from sqlite_master where name = 'links_live';
"""
CHANGE_SLUG_BESIDE_INDEX = "update links set slug_key = 'elsewhere' where id = 1;"
REMEMBER_SLUG_INDEX = """
insert into sqlite_master select * from entry;
drop table entry;
"""
SCHEMA_CHANGES = {
    "trigger": (LEAD_AWAY, "trigger lead_away on links does not belong to shorty"),
    "view": ("create view all_links as select * from links", "view all_links does not belong to"),
    "table-as-view": (HIDE_LINKS, "table links is missing"),
    "table-missing": ("drop table tags", "table tags is missing"),
    "table-unknown": ("create table notes (words text)", "table notes does not belong to shorty"),
    "table-virtual": (
        "create virtual table notes using fts5 (words)",
        "virtual table notes does not belong to shorty",
    ),
    "column-missing": (
        "alter table links drop column favicon_url",
        "column links.favicon_url is missing",
    ),
    "column-added": (
        "alter table links add column note text",
        "column links.note does not belong to shorty",
    ),
    "column-generated": (
        "alter table links add column later text as (upper(url)) virtual",
        "column links.later does not belong to shorty",
    ),
    "column-default": (
        rewrite_schema("not_found_redirect text not null default ''",
                       "not_found_redirect text not null default 'https://evil.example/'",
                       "domains"),
        "column domains.not_found_redirect is not defined as in shorty",
    ),
    "constraint": (
        rewrite_schema("segment integer not null", "segment integer", "journals"),
        "column journals.segment is not defined as in shorty",
    ),
    "constraint-in-quotes": (
        rewrite_schema(
            "verification_token text not null", 'verification_token text "not" null', "domains"
        ),
        "column domains.verification_token is not defined as in shorty",
    ),
    "collation": (
        rewrite_schema("slug_key text not null", "slug_key text not null collate nocase", "links"),
        "table links is not defined as in shorty",
    ),
    "index-missing": ("drop index links_live", "index links_live on links is missing"),
    "index-not-unique": (
        ("drop index links_live; create index links_live on links (domain_id, slug_key)"
        " where deleted_at is null"),
        "index links_live on links is not defined as in shorty",
    ),
    "index-unknown": (
        "create unique index one_a_day on links (created_at, id)",
        "index one_a_day on links does not belong to shorty",
    ),
    "search-table": (
        rewrite_schema("PRIMARY KEY(segid, term)", "PRIMARY KEY(segid, term, pgno)",
                       "links_search_idx"),
        "column links_search_idx.pgno is not defined as in shorty",
    ),
    "table-of-litestream": (
        "create table _litestream_seq (id integer primary key, seq text)",
        "table _litestream_seq does not belong to shorty",
    ),
}  # fmt: skip
HISTORY_CHANGES = {
    "table-shadowing-the-schema": (
        (
            "insert into sqlite_master select 'table', 'sqlite_schema', 'sqlite_schema', rootpage,"
            " 'create table sqlite_schema (type, name, tbl_name, rootpage, sql)'"
            " from sqlite_master where name = 'tags'"
        ),
        "the file is no database that can be read (malformed database schema (sqlite_schema)",
    ),
    "history-missing": ("drop table schema_migrations", " is not a shorty database\n"),
    "history-empty": ("delete from schema_migrations", " is not a shorty database\n"),
    "history-as-view": (
        (
            "drop table schema_migrations; create view schema_migrations as with recursive"
            " n (version) as (select 1 union all select version + 1 from n)"
            " select version, 'x' as name, 0 as applied_at from n"
        ),
        " is not a shorty database\n",
    ),
    "history-newer": (
        "insert into schema_migrations values (9999, 'later', 0)",
        "was created by a newer shorty (schema 9999",
    ),
    "history-of-another": (
        "update schema_migrations set name = 'other' where version = 2",
        "has a schema that this version of shorty does not know",
    ),
    "history-shorter": (
        "delete from schema_migrations where version > 1",
        "index links_imported on links is missing",
    ),
}
ROW_CHANGES = {
    "reference": (
        "insert into link_tags values (77, 1, 0)",
        "row 1 of link_tags refers to a missing row of links",
    ),
    "script": (
        "update links set url = 'javascript:alert(1)' where id = 1",
        "links.url in row 1 (web) is javascript:alert(1), not an http or https URL",
    ),
    "script-of-a-deleted-link": (
        "update links set url = 'javascript:alert(1)', deleted_at = 1 where id = 1",
        "links.url in row 1 (web) is javascript:alert(1)",
    ),
    "script-as-given": (
        "update links set original_url = 'javascript:alert(1)' where id = 1",
        "links.original_url in row 1 (web) is javascript:alert(1)",
    ),
    "type-unknown": (
        "update links set link_type = 'JS' where id = 1",
        "links.url in row 1 (web) is https://b.example/, not what shorty stores there",
    ),
    "type-of-another": (
        "update links set url = 'https://b.example/' where id = 2",
        "not a mailto: URL, as its type is",
    ),
    "two-headers": (
        "update links set url = 'https://b.example/' || char(13, 10) || 'x: y' where id = 1",
        "links.url in row 1 (web) is https://b.example/\ufffd\ufffdx: y",
    ),
    "host-that-is-none": (
        "update links set url = 'https://[x/' where id = 1",
        "links.url in row 1 (web) is https://[x/, not a URL that browsers can open",
    ),
    "not-text": ("update links set url = x'00ff' where id = 1", "which is not text"),
    "image": ("update links set image = 'data:,x' where id = 1", "links.image in row 1"),
    "icon": ("update links set favicon_url = '//b.example' where id = 1", "links.favicon_url in"),
    "webhook-of-a-link": (
        "update links set webhook_urls = 'https://a.example/,file:///etc/passwd' where id = 1",
        "links.webhook_urls in row 1",
    ),
    "domain-root": ("update domains set root_redirect = 'data:,x'", "domains.root_redirect in"),
    "domain-not-found": (
        "update domains set not_found_redirect = 'javascript:x'",
        "domains.not_found_redirect in row 1 (localhost:8000) is javascript:x",
    ),
    "domain-expired": (
        "update domains set expired_redirect = 'data:,x'",
        "domains.expired_redirect",
    ),
    "expired": ("update links set expired_url = 'data:,x' where id = 1", "links.expired_url in"),
    "rules-url": (
        """update links set rules = '[{"id":"a","url":"javascript:x"}]' where id = 1""",
        "links.rules in row 1 (web) is javascript:x, not an http or https URL",
    ),
    "rules-variant": (
        """update links set rules =
        '[{"id":"a","variants":[{"key":"a","url":"data:,x","weight":1}]}]' where id = 1""",
        "links.rules in row 1 (web) is data:,x",
    ),
    "rules-zone": (
        """update links set rules = '[{"id":"a","url":"https://b.example/","conditions":
        [{"type":"time","days":[1],"timezone":"Mars/Olympus"}]}]' where id = 1""",
        "links.rules in row 1 (web) is [{",
    ),
    "rules-weight": (
        """update links set rules = '[{"id":"a","variants":[
        {"key":"a","url":"https://b.example/","weight":0},
        {"key":"b","url":"https://b.example/","weight":0}]}]' where id = 1""",
        "not what shorty stores there",
    ),
    "rules-time": (
        """update links set rules = '[{"id":"a","url":"https://b.example/","conditions":
        [{"type":"after","at":900000000000000000}]}]' where id = 1""",
        "not what shorty stores there",
    ),
    "rules": (
        "update links set rules = 'no JSON' where id = 1",
        "links.rules in row 1 (web) is no",
    ),
    "domain-scheme": ("update domains set scheme = 'javascript'", "domains.scheme in row 1"),
    "webhook": ("update webhook_receivers set url = 'gopher://x'", "webhook_receivers.url in"),
    "social": (
        """update bio_pages set socials = '[{"network":"x","url":"javascript:x"}]'""",
        "bio_pages.socials in row 1 is javascript:x, not an http or https URL",
    ),
    "socials": ("update bio_pages set socials = 'no JSON'", "bio_pages.socials in row 1"),
    "block": ("update bio_blocks set url = 'javascript:x'", "bio_blocks.url in row 1"),
    "kept-answer": (
        "update idempotency_keys set location = '//evil.example'",
        "idempotency_keys.location in row 1",
    ),
}
CHANGES = SCHEMA_CHANGES | ROW_CHANGES


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """The existing database, with changes in its log."""
    (tmp_path / "data").mkdir()
    return create_database(tmp_path / "data" / "shorty.db")


def restore_in_vain(shell: Shell, target: Path, file: str) -> Outcome:
    """Restores the file while the target has a log, and checks that nothing changed."""
    with closing(sqlite3.connect(target, isolation_level=None)) as writer:
        writer.execute("pragma journal_mode = wal")
        writer.execute("insert or replace into server_state values ('in the log', '')")
        before = read_bytes(target.parent)
        assert len(before["shorty.db-wal"]) > 0
        told = shell("restore", file)
        assert read_bytes(target.parent, without=["shorty.db.lock"]) == before
    assert told.code == 1
    assert "nothing was changed" in told.err or "is not a regular file" in told.err
    return told


@pytest.mark.parametrize("name", [*CHANGES, *HISTORY_CHANGES])
def test_a_file_that_somebody_changed_is_not_restored(
    shell: Shell, tmp_path: Path, target: Path, name: str
) -> None:
    backup = create_database(tmp_path / "copy.db")
    script, words = (CHANGES | HISTORY_CHANGES)[name]
    tamper(backup, script)
    told = restore_in_vain(shell, target, "copy.db")
    assert words in told.err
    assert told.err.startswith("copy.db was not restored, and nothing was changed:\n- ")


@pytest.mark.parametrize("name", CHANGES)
def test_a_database_that_somebody_changed_is_wrong(shell: Shell, target: Path, name: str) -> None:
    script, words = CHANGES[name]
    tamper(target, script)
    checked = shell("check")
    assert checked.code == 1
    [line] = [line for line in checked.out.splitlines() if words in line]
    assert line.startswith("error  Database: ")


@pytest.mark.parametrize("version", range(1, LATEST + 1))
def test_a_backup_of_each_schema_is_restored(shell: Shell, tmp_path: Path, version: int) -> None:
    create_database(tmp_path / "copy.db", version)
    told = shell("restore", "copy.db")
    assert (told.code, told.err.count("\n")) == (0, 1)
    assert shell("check").code == 0
    listed = shell("link", "list")
    assert listed.code == 0
    assert "/web" in listed.out
    assert shell("check").code == 0


def test_what_sqlite_and_litestream_add_is_restored(shell: Shell, tmp_path: Path) -> None:
    backup = create_database(tmp_path / "copy.db")
    tamper(
        backup,
        "create table if not exists _litestream_seq (id integer primary key, seq integer);"
        "create table if not exists _litestream_lock (id integer);"
        "insert into _litestream_seq values (1, 5); analyze; vacuum;",
    )
    assert shell("restore", "copy.db").code == 0
    assert shell("check").code == 0


def test_a_backup_in_the_form_that_a_running_database_has_is_restored(
    shell: Shell, tmp_path: Path
) -> None:
    tamper(create_database(tmp_path / "copy.db"), "pragma journal_mode = wal")
    assert shell("restore", "copy.db").code == 0
    assert {file.name for file in (tmp_path / "data").iterdir()} == {"shorty.db", "shorty.db.lock"}


def test_an_index_that_answers_other_than_its_table_is_damage(
    shell: Shell, tmp_path: Path, target: Path
) -> None:
    backup = create_database(tmp_path / "copy.db")
    tamper(backup, FORGET_SLUG_INDEX, CHANGE_SLUG_BESIDE_INDEX, REMEMBER_SLUG_INDEX)
    told = restore_in_vain(shell, target, "copy.db")
    assert "the file is damaged (row 1 missing from index links_live" in told.err


def test_a_damaged_file_is_not_restored(shell: Shell, tmp_path: Path, target: Path) -> None:
    backup = create_database(tmp_path / "copy.db")
    with backup.open("r+b") as file:
        file.seek(4096 * 20)
        file.write(b"\xff" * 4096)
    assert "the file is damaged" in restore_in_vain(shell, target, "copy.db").err


def test_the_first_half_of_a_file_is_not_restored(
    shell: Shell, tmp_path: Path, target: Path
) -> None:
    backup = create_database(tmp_path / "copy.db")
    os.truncate(backup, backup.stat().st_size // 2)
    assert "the file is " in restore_in_vain(shell, target, "copy.db").err


def test_a_file_without_a_workspace_is_not_restored(
    shell: Shell, tmp_path: Path, target: Path
) -> None:
    empty = create_database(tmp_path / "copy.db")
    tables = ["idempotency_keys", "webhook_receivers", "bio_blocks", "bio_pages", "tags", "links"]
    tamper(empty, *map("delete from {}".format, [*tables, "members", "workspaces"]))
    assert "the file contains no workspace" in restore_in_vain(shell, target, "copy.db").err


def test_texts_in_another_encoding_are_not_restored(
    shell: Shell, tmp_path: Path, target: Path
) -> None:
    tamper(tmp_path / "copy.db", "pragma encoding = 'UTF-16le'; create table a (b); drop table a")
    fill_database(tmp_path / "copy.db")
    told = restore_in_vain(shell, target, "copy.db")
    assert "the file stores text as UTF-16le instead of UTF-8" in told.err


def test_what_is_no_file_is_refused_without_waiting(
    shell: Shell, tmp_path: Path, target: Path
) -> None:
    os.mkfifo(tmp_path / "pipe.db")
    assert "pipe.db is not a regular file" in restore_in_vain(shell, target, "pipe.db").err
    assert "/dev/zero is not a regular" in restore_in_vain(shell, target, "/dev/zero").err
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket.db")
        assert "is not a regular file" in restore_in_vain(shell, target, "socket.db").err
    assert shell("restore", "data").code == 2


def test_a_pipe_in_the_databases_place_is_wrong(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    os.mkfifo(tmp_path / "data" / "shorty.db")
    checked = shell("check")
    assert checked.code == 1
    assert "data/shorty.db is not a regular file" in checked.out
    told = shell("link", "list")
    assert told.code == 1
    assert "data/shorty.db is not a regular file" in told.err


def test_twenty_findings_are_shown_without_what_a_terminal_obeys(
    shell: Shell, tmp_path: Path, target: Path
) -> None:
    backup = create_database(tmp_path / "copy.db")
    views = (f'create view "a{n}\x1b[2J{"x" * 5000}" as select 1;' for n in range(31))
    tamper(backup, *views)
    told = restore_in_vain(shell, target, "copy.db")
    assert told.err.count("does not belong to shorty") == 20
    assert "- and 11 more\n" in told.err
    assert "\x1b" not in told.err
    assert len(told.err) < 4000


def test_what_only_the_settings_of_today_refuse_is_restored_and_listed(
    shell: Shell, tmp_path: Path
) -> None:
    backup = create_database(tmp_path / "copy.db")
    tamper(
        backup,
        "insert into links (workspace_id, domain_id, slug, slug_key, link_type, original_url, url,"
        " url_hash, status, created_at, updated_at) values (1, 1, 'router', 'router', 'URL',"
        " 'http://10.0.0.1/', 'http://10.0.0.1/', 0, 302, 0, 0)",
    )
    (tmp_path / "shorty.toml").write_text(
        "[links]\nblocked_hosts = ['b.example']\nallow_private_destinations = false\n"
    )
    told = shell("restore", "copy.db")
    assert told.code == 0
    blocked = (
        "links.url in row 1 (web) is https://b.example/, which points to a host that this server "
        "blocks"
    )
    private = "links.url in row 5 (router) is http://10.0.0.1/, which points to a private network"
    assert f"- {blocked}\n" in told.err
    assert f"- {private}" in told.err
    checked = shell("check")
    assert checked.code == 0
    assert f"note   Links: {blocked}" in checked.out
    assert "/web" in shell("link", "list").out
