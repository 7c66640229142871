"""Each kind of difference from the schema that the migrations create is named."""

from contextlib import closing

import psycopg
import pytest

from shorty.postgres.schema import list_schema_faults

pytestmark = pytest.mark.postgres_only

LEAD_AWAY = """
create function f() returns trigger language plpgsql as 'begin return new; end';
create trigger lead_away before insert on links for each row execute function f();
"""


def list_faults(url: str, change: str) -> list[str]:
    with closing(psycopg.connect(url, autocommit=True)) as connection:
        connection.execute(change.encode())
        return list(list_schema_faults(connection))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (LEAD_AWAY, "trigger lead_away on links"),
        (
            "create rule lead_away as on delete to links do instead nothing",
            "rule lead_away on links",
        ),
        ("create view all_links as select * from links", "view all_links"),
        ("create table orders (id int primary key, at int)", "table orders"),
        ("alter table tags add column note text", "column tags.note"),
        ("create index by_title on links (title)", "index by_title on links"),
        ("alter table tags add check (name <> '')", "constraint tags_name_check on tags"),
    ],
)
def test_what_another_program_added_is_wrong(database_url: str, change: str, words: str) -> None:
    assert list_faults(database_url, change) == [f"{words} does not belong to shorty"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("drop table visitor_keys", "table visitor_keys is missing"),
        ("alter table tags drop column color", "column tags.color is missing"),
        ("drop index tokens_of_workspace", "index tokens_of_workspace on tokens is missing"),
        (
            "alter table tags drop constraint tags_workspace_id_fkey",
            "constraint tags_workspace_id_fkey on tags is missing",
        ),
    ],
)
def test_what_is_missing_is_named_once(database_url: str, change: str, words: str) -> None:
    assert list_faults(database_url, change) == [words]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("alter table tags alter color drop not null", "column tags.color"),
        ("alter table tags alter color set default 'red'", "column tags.color"),
        ('alter table tags alter color type text collate "default"', "column tags.color"),
        ("alter table tags alter id drop identity", "column tags.id"),
        ("alter table tags enable row level security", "table tags"),
        ("alter table visitor_keys set logged", "table visitor_keys"),
        ("alter table idempotency_keys set unlogged", "table idempotency_keys"),
        (
            "drop index links_public; create index links_public on links (expires_at)",
            "index links_public on links",
        ),
        (
            "alter table search_mark drop constraint search_mark_id_check, add check (id < 2)",
            "constraint search_mark_id_check on search_mark",
        ),
    ],
)
def test_what_was_changed_is_named(database_url: str, change: str, words: str) -> None:
    assert list_faults(database_url, change) == [f"{words} is not defined as in shorty"]


def test_a_database_of_a_release_before_that_column_is_as_it_should_be(database_url: str) -> None:
    """Only its next upgrade adds the column."""
    assert list_faults(database_url, "alter table schema_migrations drop column runs_from") == []
