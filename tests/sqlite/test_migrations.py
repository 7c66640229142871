import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from shorty.clicks.weeks import SEASONS
from shorty.durations import WEEK_MS
from shorty.errors import StartError
from shorty.links.slug import fold_key
from shorty.sqlite import migrations
from shorty.sqlite.connections import connect
from shorty.sqlite.migrations import find_version, list_migrations, prepare_database
from tests.databases import create_database

INSERT_LINK = (
    "insert into mail_links (digest, user_id, purpose, email, created_at, expires_at) values"
)


def test_a_new_database_gets_every_migration_once(tmp_path: Path) -> None:
    path = tmp_path / "new" / "shorty.db"
    assert find_version(path) == 0
    applied = prepare_database(path, now=7)
    assert tuple(applied) == list_migrations()
    assert prepare_database(path, now=8) == []
    assert find_version(path) == applied[-1].version


def test_reading_the_version_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "shorty.db"
    prepare_database(path, now=0)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("pragma journal_mode = delete")
    before = path.read_bytes()
    assert find_version(path) == list_migrations()[-1].version
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.fixture
def former(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A database of schema 12, with people whose emails have no single spelling."""
    path = tmp_path / "former.db"
    with monkeypatch.context() as patch:
        known = [migration for migration in list_migrations() if migration.version < 13]
        patch.setattr(migrations, "list_migrations", lambda: known)
        prepare_database(path, now=0)
    return path


def add_people(path: Path, *emails: str) -> None:
    with closing(connect(path)) as connection:
        connection.execute("begin")
        connection.executemany(
            "insert into users (email, name, created_at) values (?, '', 0)", [(e,) for e in emails]
        )
        connection.execute("commit")


def list_emails(path: Path) -> dict[int, tuple[str, int | None]]:
    with closing(connect(path)) as connection:
        rows = connection.execute("select id, email, email_verified_at from users").fetchall()
    return {row[0]: (row[1], row[2]) for row in rows}


def test_emails_get_their_one_spelling_and_no_account_is_lost(former: Path) -> None:
    add_people(
        former,
        *("ann@a.example", "zoë@bücher.example", "bob@bücher.example", "bob@xn--bcher-kva.example"),
        *("stra\N{LATIN SMALL LETTER SHARP S}e@x.com", "stra\N{LATIN SMALL LETTER LONG S}se@x.com"),
        *("odd@@a.example", "odd@a_b.example"),
    )
    prepare_database(former, now=1)
    assert [email for email, _ in list_emails(former).values()] == [
        *("ann@a.example", "zoë@xn--bcher-kva.example"),
        *("bob@bücher.example", "bob@xn--bcher-kva.example"),
        *("strasse@x.com", "stra\N{LATIN SMALL LETTER LONG S}se@x.com"),
        *("odd@@a.example", "odd@a_b.example"),
    ]
    assert {verified_at for _, verified_at in list_emails(former).values()} == {None}


def add_names(path: Path, table: str, *rows: tuple[int, str, str]) -> None:
    """Each with its workspace, its name and its only value; keys are those of schema 16."""
    column = "color" if table == "tags" else "utm_source"
    with closing(connect(path)) as connection:
        connection.execute("begin")
        connection.executemany(
            f"insert into {table} (workspace_id, name, name_key, {column}, created_at) "  # noqa: S608 - our own names
            "values (?, ?, ?, ?, 0)",
            [(place, name, name.casefold(), value) for place, name, value in rows],
        )
        connection.execute("commit")


def read_rows(path: Path, statement: str) -> list[tuple[object, ...]]:
    with closing(connect(path)) as connection:
        return [tuple(row) for row in connection.execute(statement).fetchall()]


@pytest.fixture
def unfolded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A database of schema 17, with two workspaces."""
    path = tmp_path / "unfolded.db"
    with monkeypatch.context() as patch:
        known = [migration for migration in list_migrations() if migration.version < 18]
        patch.setattr(migrations, "list_migrations", lambda: known)
        prepare_database(path, now=0)
    with closing(connect(path)) as connection:
        connection.execute("begin")
        for _ in range(2):
            connection.execute("insert into workspaces (name, plan, created_at) values ('', '', 0)")
        connection.execute("pragma defer_foreign_keys = on")
        connection.execute("commit")
    return path


COMPOSED, DECOMPOSED = "Caf\N{LATIN SMALL LETTER E WITH ACUTE}", "Cafe\N{COMBINING ACUTE ACCENT}"


def test_tags_that_look_alike_become_one_and_no_link_loses_its_tag(unfolded: Path) -> None:
    add_names(
        unfolded,
        "tags",
        *((1, DECOMPOSED, "#1"), (1, "Other", "#2"), (1, COMPOSED, "#3"), (2, COMPOSED, "#4")),
        *((1, f"{DECOMPOSED}\N{NO-BREAK SPACE}", "#5"), (1, " other ", "#6")),
    )
    with closing(connect(unfolded)) as connection:
        connection.execute("pragma foreign_keys = off")
        connection.executemany(
            "insert into link_tags (link_id, tag_id, position) values (?, ?, ?)",
            [
                (1, 1, 0),
                (1, 2, 1),
                (1, 3, 2),
                (2, 2, 0),
                (2, 3, 1),
                (2, 5, 2),
                (3, 4, 0),
                (4, 6, 0),
            ],
        )
    prepare_database(unfolded, now=1)
    assert read_rows(unfolded, "select id, name, name_key, color from tags order by id") == [
        (1, COMPOSED, COMPOSED.lower(), "#1"),
        (2, "Other", "other", "#2"),
        (4, COMPOSED, COMPOSED.lower(), "#4"),
    ]
    tagged = read_rows(unfolded, "select link_id, tag_id from link_tags order by link_id, position")
    assert tagged == [(1, 1), (1, 2), (2, 2), (2, 1), (3, 4), (4, 2)]


def test_templates_that_look_alike_are_kept_where_they_differ(unfolded: Path) -> None:
    add_names(
        unfolded,
        "utm_templates",
        *((1, COMPOSED, "a"), (1, DECOMPOSED, "b"), (1, f"{COMPOSED} (2)", "c")),
        *((1, f"{DECOMPOSED} ", "a"), (2, DECOMPOSED, "b")),
    )
    prepare_database(unfolded, now=1)
    found = read_rows(unfolded, "select id, workspace_id, name, utm_source from utm_templates")
    assert found == [
        (1, 1, COMPOSED, "a"),
        (2, 1, f"{COMPOSED} (3)", "b"),
        (3, 1, f"{COMPOSED} (2)", "c"),
        (5, 2, COMPOSED, "b"),
    ]


@pytest.mark.parametrize("at_once", [1, 2, 10_000])
def test_every_slug_gets_its_folded_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    folded = {
        "Sale": "sale",
        "docs/V1.2": "docs/v1.2",
        "x": "x",
        "CAF\xc9": "caf\xe9",
        "Stra\xdfe": "strasse",
        "\u0130": "i\u0307",
        "J\u030c": "\u01f0",
        "\u2764": "\u2764",
    }
    path = create_database(tmp_path / "former.db", 18)
    with closing(connect(path)) as connection:
        connection.execute("begin")
        connection.executemany(
            "insert into links (id, workspace_id, domain_id, slug, slug_key, link_type,"
            " original_url, url, url_hash, status, created_at, updated_at, deleted_at)"
            " values (?, 1, 1, ?, ?, 'URL', '', '', 0, 302, 0, 0, ?)",
            [(3 * n + 100, slug, slug, n % 2 or None) for n, slug in enumerate(folded)],
        )
        connection.execute("commit")
    monkeypatch.setattr(migrations, "_AT_ONCE", at_once)
    prepare_database(path, now=1)
    with closing(connect(path)) as connection:
        for _ in range(2):
            rows = connection.execute("select slug_key, folded_key from links where id >= 100")
            assert dict(rows.fetchall()) == folded
            migrations.fold_slugs(connection)
    assert folded == {key: fold_key(key) for key in folded}


def test_what_a_fill_cannot_do_leaves_the_database_as_it_was(
    former: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(connection: sqlite3.Connection) -> None:
        connection.execute("update users set email = 'x'")
        raise RuntimeError

    add_people(former, "ann@a.example")
    monkeypatch.setattr(migrations, "FILLS", {13: fail})
    with pytest.raises(RuntimeError):
        prepare_database(former, now=1)
    assert find_version(former) == 12
    monkeypatch.undo()
    prepare_database(former, now=1)
    assert list_emails(former) == {1: ("ann@a.example", None)}


def test_a_new_database_is_private(tmp_path: Path) -> None:
    path = tmp_path / "new" / "shorty.db"
    prepare_database(path, now=7)
    with closing(connect(path)) as connection:
        connection.execute("insert into server_state values ('a', 'b')")
        modes = {file.stat().st_mode & 0o777 for file in path.parent.iterdir()}
    assert modes == {0o600}
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_migrations_are_numbered_without_gaps() -> None:
    versions = [migration.version for migration in list_migrations()]
    assert versions == list(range(1, len(versions) + 1))


def test_a_newer_database_is_refused_with_words(tmp_path: Path) -> None:
    path = tmp_path / "shorty.db"
    prepare_database(path, now=0)
    with closing(connect(path)) as connection:
        connection.execute("insert into schema_migrations values (9999, 'later', 0)")
    with pytest.raises(StartError, match="newer shorty"):
        prepare_database(path, now=1)


def test_a_folder_that_cannot_be_created_is_reported_as_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StartError, match="cannot be opened"):
        prepare_database(tmp_path / "file" / "shorty.db", now=0)


def test_a_file_that_is_no_database_is_reported_as_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "shorty.db"
    path.write_bytes(b"not a database at all" * 100)
    with pytest.raises(StartError):
        prepare_database(path, now=0)
    assert path.read_bytes().startswith(b"not a database")


def test_the_schema_keeps_its_foreign_keys(tmp_path: Path) -> None:
    path = tmp_path / "shorty.db"
    prepare_database(path, now=0)
    with closing(connect(path)) as connection, pytest.raises(sqlite3.IntegrityError):
        connection.execute(
            "insert into tags (workspace_id, name, name_key, color, created_at)"
            " values (1, 'a', 'a', '', 0)"
        )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("create table schema_migrations (version)", "column schema_migrations.name is missing"),
        ("create view links as select 1 as id", "view links does not belong to shorty"),
    ],
)
def test_the_database_of_another_program_is_left_alone(
    tmp_path: Path, change: str, words: str
) -> None:
    path = tmp_path / "other.db"
    with closing(sqlite3.connect(path)) as other:
        other.execute(change)
    with pytest.raises(StartError, match=words):
        prepare_database(path, now=0)
    with closing(sqlite3.connect(path)) as other:
        assert other.execute("select count(*) from sqlite_schema").fetchone() == (1,)


def test_the_database_of_another_shorty_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "shorty.db"
    prepare_database(path, now=0)
    with closing(connect(path)) as connection:
        connection.execute("update schema_migrations set name = 'other' where version = 3")
    with pytest.raises(StartError, match="has a schema that this version of shorty does not know"):
        prepare_database(path, now=1)


def test_links_that_were_mailed_before_still_work_when_there_may_be_several(
    tmp_path: Path,
) -> None:
    with closing(connect(tmp_path / "shorty.db")) as connection:
        steps = {migration.name: migration.sql for migration in list_migrations()}
        for name, sql in steps.items():
            if name == "0014_sign_in_limits":
                connection.execute(
                    "insert into users (email, name, created_at) values ('ann@a.example', 'Ann', 0)"
                )
                connection.execute(f"{INSERT_LINK} ('one', 1, 'password', 'ann@a.example', 1, 2)")
            connection.executescript(sql)
        connection.execute(f"{INSERT_LINK} ('two', 1, 'password', 'ann@a.example', 3, 4)")
        rows = connection.execute(
            "select id, digest, user_id, purpose, email, created_at, expires_at from mail_links"
        ).fetchall()
        assert [tuple(row) for row in rows] == [
            (1, "one", 1, "password", "ann@a.example", 1, 2),
            (2, "two", 1, "password", "ann@a.example", 3, 4),
        ]
        (generation,) = connection.execute("select browsers_generation from users").fetchone()
    assert generation == 0


def test_accounts_that_could_sign_in_before_count_as_signed_in(former: Path) -> None:
    add_people(former, "ann@a.example", "bob@a.example")
    with closing(connect(former)) as connection:
        connection.execute("update users set password_hash = '$' where id = 1")
    prepare_database(former, now=1)
    add_people(former, "zoe@a.example")
    assert read_rows(former, "select id, has_signed_in from users") == [(1, 1), (2, 0), (3, 0)]


def test_past_weeks_get_seasons_that_are_due(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "former.db"
    with monkeypatch.context() as patch:
        known = [migration for migration in list_migrations() if migration.version < 38]
        patch.setattr(migrations, "list_migrations", lambda: known)
        prepare_database(path, now=0)
    season = SEASONS.find_start(1_795_000_000_000)
    weeks = [(1, season), (1, season + WEEK_MS), (1, season - WEEK_MS), (-1, season + 7 * WEEK_MS)]
    with closing(connect(path)) as connection:
        connection.execute("begin")
        connection.executemany(
            "insert into click_weeks (owner, day, is_due) values (?, ?, 0)", weeks
        )
        connection.execute("commit")
    prepare_database(path, now=0)
    rows = read_rows(path, "select owner, day, is_due from click_seasons order by owner, day")
    assert rows == [(-1, season, 1), (1, season - SEASONS.length, 1), (1, season, 1)]
