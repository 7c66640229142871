"""What keeps shorty from starting on a PostgreSQL server: one sentence that says what to do."""

from collections.abc import Generator
from contextlib import closing
from traceback import format_exception

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from shorty.errors import StartError
from shorty.postgres import inspection
from shorty.postgres.inspection import Place, open_checked
from shorty.postgres.migrations import prepare_database
from tests.cluster import SUPERUSER, Cluster, find_programs, open_cluster, write_url
from tests.copies import Databases, connect

pytestmark = pytest.mark.postgres_only


def find_refusal(url: str) -> str:
    with pytest.raises(StartError) as raised:
        prepare_database(url, now=0)
    text = str(raised.value)
    assert text.endswith(".")
    assert "\n" not in text
    return text


@pytest.fixture
def superuser(databases: Databases) -> Generator[psycopg.Connection]:
    with closing(connect(databases.place)) as connection:
        yield connection


def test_an_older_server_is_refused(databases: Databases, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspection, "OLDEST_VERSION", 1000)
    text = find_refusal(databases.create(options=""))
    assert text.endswith("shorty needs 1000 or newer.")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("encoding 'LATIN1' locale_provider libc locale 'C'", "has the encoding LATIN1"),
        ("locale_provider libc locale 'C'", "has the ctype C"),
        ("locale_provider icu icu_locale 'en-US' locale 'C'", "has the ctype C"),
    ],
)
def test_a_database_that_cannot_hold_or_search_all_texts_is_refused(
    databases: Databases, options: str, words: str
) -> None:
    url = databases.create(options=f"template template0 {options}")
    text = find_refusal(url)
    assert words in text
    assert "create one with `create database" in text
    with closing(psycopg.connect(url)) as connection:
        assert connection.execute("select to_regclass('links')").fetchone() == (None,)


def test_the_database_that_a_refusal_proposes_is_accepted(
    databases: Databases, superuser: psycopg.Connection
) -> None:
    options = "template template0 locale_provider libc locale 'C'"
    text = find_refusal(databases.create(options))
    statement = text.partition("`")[2].rpartition("`")[0]
    name = statement.split()[2]
    superuser.execute(f"drop database {name}".encode())
    superuser.execute(statement.encode())
    assert prepare_database(write_url(databases.place, name), now=0)


def test_a_server_that_cannot_be_reached_is_named() -> None:
    text = find_refusal("postgresql://ann:hidden@127.0.0.1:1/links")
    assert text.startswith("The database links on 127.0.0.1 cannot be reached: ")
    assert "refused" in text
    assert "hidden" not in text


def test_a_host_without_an_ip_address_is_named() -> None:
    text = find_refusal("postgresql://ann@nowhere.test/links")
    assert text.startswith("The database links on nowhere.test cannot be reached: ")


@pytest.mark.parametrize(
    "url", ["postgresql://ann:hid%den@db/links", "postgresql://ann:hidden@db/links?color=red"]
)
def test_a_url_that_is_none_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(StartError, match="postgresql://user:password@host/name") as raised:
        prepare_database(url, now=0)
    assert "hid" not in "".join(format_exception(raised.value))


def test_a_missing_database_is_to_be_created(
    databases: Databases, superuser: psycopg.Connection
) -> None:
    url = databases.create()
    superuser.execute(f'drop database "{conninfo_to_dict(url)["dbname"]}"'.encode())
    text = find_refusal(url)
    assert "it has no database" in text
    superuser.execute(text.partition("`")[2].rpartition("`")[0].encode())
    assert prepare_database(url, now=0)


def test_a_missing_role_is_named(databases: Databases) -> None:
    assert "it has no role nobody." in find_refusal(
        write_url(databases.place, "postgres", "nobody")
    )


@pytest.fixture
def guarded(databases: Databases) -> Generator[Cluster]:
    """A cluster that asks for passwords, with the role ann of the password right."""
    programs = find_programs()
    assert programs
    with open_cluster(programs) as cluster:
        with closing(connect(str(cluster.folder))) as connection:
            connection.execute("create role ann login password 'right'")
            connection.execute("create database links owner ann")
        rules = "local all postgres trust\nlocal links ann scram-sha-256\n"
        (cluster.folder / "data" / "pg_hba.conf").write_text(rules)
        cluster.stop()
        cluster.start()
        yield cluster


def test_a_wrong_or_missing_password_is_told_apart_from_a_lack_of_rights(guarded: Cluster) -> None:
    place = f"links?host={guarded.folder}"
    assert "does not accept the password of ann." in find_refusal(f"postgresql://ann:no@/{place}")
    assert "ann needs a password: put it in the URL" in find_refusal(f"postgresql://ann@/{place}")
    assert "does not let bob in from this machine" in find_refusal(f"postgresql://bob@/{place}")
    assert prepare_database(f"postgresql://ann:right@/{place}", now=0)


def test_who_may_not_create_tables_is_told_how_to(
    databases: Databases, superuser: psycopg.Connection
) -> None:
    url = databases.create(options="")
    name = url.partition("?")[0].rpartition("/")[2]
    with closing(connect(databases.place, name)) as connection:
        connection.execute("create extension pg_trgm; create extension btree_gin")
    superuser.execute(f"alter database {name} owner to {SUPERUSER}".encode())
    text = find_refusal(url)
    assert "does not allow shorty to create tables" in text
    superuser.execute(text.partition("`")[2].rpartition("`")[0].encode())
    assert prepare_database(url, now=0)


def test_who_may_not_create_extensions_is_told_how_to(
    databases: Databases, superuser: psycopg.Connection
) -> None:
    url = databases.create(options="")
    name = url.partition("?")[0].rpartition("/")[2]
    superuser.execute(f"alter database {name} owner to {SUPERUSER}".encode())
    with closing(connect(databases.place, name)) as connection:
        connection.execute("grant create on schema public to shorty")
        for extension in ("pg_trgm", "btree_gin"):
            text = find_refusal(url)
            assert f"lacks the extension {extension}, which shorty may not create" in text
            connection.execute(text.partition("`")[2].rpartition("`")[0].encode())
    assert prepare_database(url, now=0)


def test_an_extension_that_is_not_installed_is_named(
    databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inspection, "EXTENSIONS", ("pg_trgm", "not_there"))
    assert "lacks the extension not_there: install" in find_refusal(databases.create(options=""))


def test_a_database_that_may_not_be_written_is_refused(
    databases: Databases, superuser: psycopg.Connection
) -> None:
    url = databases.create(options="")
    name = url.partition("?")[0].rpartition("/")[2]
    superuser.execute(f"alter database {name} set default_transaction_read_only = on".encode())
    assert "is read-only: use the primary server" in find_refusal(url)


def test_the_schema_may_be_read_while_nothing_is_to_be_changed(database_url: str) -> None:
    """As `find_version` and `check` do."""
    with open_checked(Place(database_url)) as connection:
        assert connection.execute("select count(*) from links").fetchone() == (0,)
