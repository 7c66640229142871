"""`shorty check` on PostgreSQL: each thing it can find wrong, found."""

import time
from collections.abc import Callable, Generator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from shorty.config import StorageConfig
from shorty.postgres import checkup, inspection, migrations
from shorty.postgres.checkup import list_findings
from shorty.postgres.lanes import NAMESPACE
from shorty.postgres.migrations import list_migrations
from shorty.storage import lane_holders
from shorty.storage.database import Lane
from shorty.storage.findings import Finding
from tests.cli.shell import Shell
from tests.cluster import OWNER, SUPERUSER, Cluster, find_programs, open_cluster, write_url
from tests.copies import Databases, connect
from tests.postgres.support import ask_aside

pytestmark = pytest.mark.postgres_only


def inspect(url: str, clock: Callable[[], float] = time.time) -> dict[str, Finding]:
    """The last finding of each subject, without the two settings of the tests' cluster."""
    found = list_findings(StorageConfig(database=url), clock)
    return {each.text.partition(":")[0]: each for each in found if "power cut" not in each.text}


def find_name(url: str) -> str:
    return url.partition("?")[0].rpartition("/")[2]


@pytest.fixture
def superuser(databases: Databases, database_url: str) -> Generator[psycopg.Connection]:
    """In the same database."""
    with closing(connect(databases.place, find_name(database_url))) as connection:
        yield connection


@pytest.fixture(scope="module")
def durable() -> Generator[Cluster]:
    """A cluster as an operator runs one."""
    programs = find_programs()
    assert programs
    with open_cluster(programs, fsync="on", full_page_writes="on", autovacuum="on") as cluster:
        with closing(connect(str(cluster.folder))) as connection:
            connection.execute(f"create role {OWNER} login")
            connection.execute(f"create database links owner {OWNER}")
        yield cluster


@pytest.fixture
def url(durable: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    url = write_url(durable.folder, "links")
    (tmp_path / "shorty.toml").write_text(f"[server]\nport = 0\n[storage]\ndatabase = '{url}'\n")
    return url


def test_all_is_right_before_and_after_the_first_start(
    shell: Shell, url: str, tmp_path: Path
) -> None:
    before = shell("check")
    assert "Database: links is empty; `shorty serve` creates the schema." in before.out
    assert (before.code, before.err) == (0, "")
    assert not (tmp_path / "data").exists()
    assert ask_aside(url, "select to_regclass('links')") == [(None,)]
    shell("token", "create")
    after = shell("check")
    assert "error" not in after.out
    assert "; nothing is missing or added." in after.out
    assert "Durability: what is answered is on the server's disk." in after.out
    assert "no one can sign in yet" in after.out
    assert after.code == 0


def test_a_plan_that_is_gone_is_wrong(
    shell: Shell, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell("token", "create")
    ask_aside(url, "update workspaces set plan = 'team'")
    checked = shell("check")
    assert checked.code == 1
    assert "add [plans.team]." in checked.out


def test_a_stored_url_that_browsers_cannot_open_is_wrong(
    shell: Shell, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHORTY_STORAGE__DATABASE", database_url)
    shell("link", "add", "https://example.com/", "--slug", "kept")
    assert "links.url" not in shell("check").out
    ask_aside(database_url, "update links set url = 'https://%zz/'")
    checked = shell("check")
    assert checked.code == 1
    assert "error  Database: links.url in row 1 (kept) is https://%zz/, not a URL" in checked.out


def test_a_server_that_cannot_be_reached_is_wrong(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHORTY_STORAGE__DATABASE", "postgresql://ann:hidden@127.0.0.1:1/links")
    checked = shell("check")
    assert checked.code == 1
    assert "error  Database: links on 127.0.0.1 cannot be reached: " in checked.out
    assert "hidden" not in checked.out
    assert "Port: " in checked.out


def test_all_subjects_are_right_in_a_database_of_ones_own(database_url: str) -> None:
    found = inspect(database_url)
    assert {each.verdict for each in found.values()} == {"ok"}
    assert set(found) == {
        *("Server", "Clock", "Durability", "Connections", "Transactions", "Dead rows", "Locks"),
        *("Database", "Search"),
    } - {"Durability"}


def test_an_older_server_is_wrong(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspection, "OLDEST_VERSION", 1000)
    found = inspect(database_url)
    assert found["Database"].verdict == "error"
    assert found["Database"].text.endswith("shorty needs 1000 or newer.")


@pytest.mark.parametrize(
    ("options", "subject", "words"),
    [
        ("encoding 'LATIN1' locale_provider libc locale 'C'", "Database", "encoding LATIN1"),
        ("locale_provider libc locale 'C'", "Search", "has the ctype C"),
    ],
)
def test_a_database_that_cannot_hold_or_search_all_texts_is_wrong(
    databases: Databases, options: str, subject: str, words: str
) -> None:
    url = databases.create(options=f"template template0 {options}")
    with closing(connect(databases.place, find_name(url))) as connection:
        connection.execute("create extension pg_trgm; create extension btree_gin")
    found = inspect(url)
    assert found[subject].verdict == "error"
    assert words in found[subject].text
    assert "create one with `create database" in found[subject].text


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("insert into schema_migrations values (999, 'later', 0)", "a newer shorty"),
        ("update schema_migrations set name = 'other'", "is another program's"),
    ],
)
def test_another_schema_is_wrong(database_url: str, change: str, words: str) -> None:
    ask_aside(database_url, change)
    found = inspect(database_url)["Database"]
    assert found.verdict == "error"
    assert words in found.text


def test_a_newer_schema_that_this_release_can_use_is_noted(database_url: str) -> None:
    """What it adds is not taken for a stranger's."""
    ask_aside(database_url, "insert into schema_migrations values (999, 'later', 0, 0)")
    ask_aside(database_url, "create table later (id bigint)")
    found = inspect(database_url)["Database"]
    assert found.verdict == "note"
    assert "has schema 999, of a newer release" in found.text


def test_an_older_schema_is_compared_with_what_it_was(
    databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = databases.create(options="")
    with monkeypatch.context() as patch:
        patch.setattr(migrations, "list_migrations", lambda: list_migrations()[:3])
        migrations.prepare_database(url, now=0)
    found = inspect(url)["Database"]
    assert found.verdict == "ok"
    assert "has schema 3; `shorty serve` upgrades it to " in found.text
    ask_aside(url, "alter table links drop column image")
    assert "column links.image is missing; restore" in inspect(url)["Database"].text


def test_tables_of_another_program_are_wrong(databases: Databases) -> None:
    url = databases.create(options="")
    ask_aside(url, "create table orders ()")
    found = inspect(url)["Database"]
    assert found.verdict == "error"
    assert "has tables of another program (orders)" in found.text


def test_what_was_changed_is_wrong(database_url: str) -> None:
    ask_aside(database_url, "alter table links add column note text; drop table visitor_keys")
    found = list(list_findings(StorageConfig(database=database_url), time.time))
    name = find_name(database_url)
    assert [each.text for each in found if each.verdict == "error" and name in each.text] == [
        f"Database: {name}: {clause}; restore a backup or undo this change."
        for clause in (
            "table visitor_keys is missing",
            "column links.note does not belong to shorty",
        )
    ]


def test_a_comparison_keeps_nothing_and_needs_a_right(
    database_url: str, superuser: psycopg.Connection
) -> None:
    relations = "select count(*) from pg_class"
    before = ask_aside(database_url, relations)
    inspect(database_url)
    assert ask_aside(database_url, relations) == before
    name = find_name(database_url)
    superuser.execute(f"alter database {name} owner to {SUPERUSER}".encode())
    superuser.execute(f"revoke temporary on database {name} from public".encode())
    found = list(list_findings(StorageConfig(database=database_url), time.time))
    (unknown,) = [each for each in found if "cannot be compared" in each.text]
    assert unknown.verdict == "note"
    superuser.execute(unknown.text.partition("`")[2].partition("`")[0].encode())
    assert "; nothing is missing or added." in inspect(database_url)["Database"].text


def test_tables_of_another_role_are_wrong_until_they_are_handed_over(
    databases: Databases, database_url: str, superuser: psycopg.Connection
) -> None:
    superuser.execute(f"alter table links owner to {SUPERUSER}")
    found = inspect(database_url)["Database"]
    assert found.verdict == "error"
    assert f"`reassign owned by {SUPERUSER} to shorty`" in found.text


def test_an_extension_that_was_dropped_is_wrong(
    database_url: str, superuser: psycopg.Connection
) -> None:
    superuser.execute("drop extension pg_trgm cascade")
    found = inspect(database_url)["Search"]
    assert found.verdict == "error"
    superuser.execute(found.text.partition("`")[2].partition("`")[0].encode())
    assert inspect(database_url)["Search"].verdict == "ok"


def test_an_extension_that_is_not_installed_is_wrong(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkup, "EXTENSIONS", ("pg_trgm", "not_there"))
    found = inspect(database_url)["Search"]
    assert found == ("error", found.text)
    assert "lacks the extension not_there; install" in found.text


def test_settings_that_lose_answered_clicks_are_wrong(
    database_url: str, superuser: psycopg.Connection
) -> None:
    all_found = list(list_findings(StorageConfig(database=database_url), time.time))
    unsafe = [each.text for each in all_found if each.text.startswith("Durability")]
    assert [text.split()[1] for text in unsafe] == ["fsync", "full_page_writes"]
    name = find_name(database_url)
    superuser.execute(f"alter database {name} set synchronous_commit = off".encode())
    found = inspect(database_url)["Durability"]
    assert found.verdict == "error"
    superuser.execute(found.text.partition("`")[2].partition("`")[0].encode())
    assert "Durability" not in inspect(database_url)


@pytest.mark.parametrize("limited", ["database", "role"])
def test_a_limit_of_connections_that_is_nearly_reached_is_noted(
    database_url: str, superuser: psycopg.Connection, limited: str
) -> None:
    name = find_name(database_url)
    superuser.execute(f"create role {name} login in role {OWNER}".encode())
    try:
        url = database_url.replace(f"{OWNER}@", f"{name}@")
        with closing(psycopg.connect(url)):
            limit = f"alter {limited} {name} connection limit "
            superuser.execute(f"{limit} {checkup.CONNECTIONS}".encode())
            found = inspect(url)["Connections"]
            assert found.verdict == "note"
            assert f" of {checkup.CONNECTIONS} are in use; a server of shorty needs" in found.text
            superuser.execute(f"{limit} {checkup.CONNECTIONS + 20}".encode())
            assert inspect(url)["Connections"].verdict == "ok"
    finally:
        superuser.execute(f"drop role {name}".encode())


@pytest.mark.parametrize(
    ("ahead_s", "words"),
    [(0.4, None), (-0.4, None), (60.0, "60.0 s ahead of"), (-60.0, "60.0 s behind")],
)
def test_a_clock_that_differs_is_noted(
    database_url: str, ahead_s: float, words: str | None
) -> None:
    found = inspect(database_url, lambda: time.time() + ahead_s)["Clock"]
    assert found.verdict == ("note" if words else "ok")
    assert (words or "agree") in found.text


def test_a_slow_answer_is_not_taken_for_a_wrong_clock(database_url: str) -> None:
    times = iter([time.time() - 10, time.time() + 9])
    assert inspect(database_url, lambda: next(times))["Clock"].verdict == "ok"


def test_a_transaction_that_is_open_for_long_is_named(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(psycopg.connect(database_url, application_name="report")) as idle:
        idle.execute("select 1")
        assert inspect(database_url)["Transactions"].verdict == "ok"
        monkeypatch.setattr(checkup, "OLD_TRANSACTION_S", 0)
        found = inspect(database_url)["Transactions"]
        assert found.verdict == "note"
        assert f"process {idle.info.backend_pid} of the server (shorty, report, idle in" in (
            found.text
        )


def test_whoever_keeps_writers_waiting_is_named(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lane_holders, "LONG_S", 0)
    with closing(psycopg.connect(database_url)) as holder:
        for lane in (Lane.CLICKS, Lane.MAIN):
            holder.execute("select pg_advisory_xact_lock(%s, %s)", (NAMESPACE, lane))
        found = inspect(database_url)["Transactions"]
        assert found.verdict == "note"
        assert "has kept clicks and all other writes waiting" in found.text
        ask_aside(database_url, found.text.partition("`")[2].partition("`")[0])
        assert inspect(database_url)["Transactions"].verdict == "ok"


def test_rows_that_no_vacuum_removes_are_noted(
    database_url: str, superuser: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkup, "MANY_DEAD_ROWS", 10)
    add = "insert into writers select n::text, 0, 0 from generate_series(1, 40) n"
    ask_aside(database_url, add)
    ask_aside(database_url, "delete from writers where node <> '1'")
    superuser.execute("select pg_stat_force_next_flush()")
    found = inspect(database_url)["Dead rows"]
    assert found.verdict == "note"
    # Of the rows in use, the server's statistics may be a moment behind.
    assert "writers has 39 beside " in found.text
    superuser.execute(found.text.partition("`")[2].partition("`")[0].encode())
    superuser.execute("select pg_stat_force_next_flush()")
    assert "writers" not in inspect(database_url)["Dead rows"].text


def test_a_server_without_autovacuum_is_noted(database_url: str) -> None:
    found = list(list_findings(StorageConfig(database=database_url), time.time))
    assert [each.verdict for each in found if "autovacuum is off" in each.text] == ["note"]


def test_locks_that_exclude_nobody_are_wrong(database_url: str) -> None:
    ask_aside(
        database_url,
        "create function pg_try_advisory_xact_lock(int, int) returns bool"
        " language sql as 'select true'",
    )
    imitation = f"{database_url}&options=-csearch_path%3Dpublic,pg_catalog"
    found = inspect(imitation)["Locks"]
    assert found.verdict == "error"
    assert inspect(database_url)["Locks"].verdict == "ok"
