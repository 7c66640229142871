"""Each migration says which releases can go on, and one that says it only adds does only that."""

import pytest

from shorty.sqlite.migrations import FILLS
from shorty.storage.migrations import Migration, read_migrations
from tests.expanding import list_contractions

# The release before these knows no mark, and refuses any newer schema.
UNMARKED = 36
ENGINES = ("sqlite", "postgres")
ALL = [each for engine in ENGINES for each in read_migrations(f"shorty.{engine}.migrations")]


def test_migrations_since_then_say_what_they_leave_usable() -> None:
    for migration in ALL:
        is_marked = migration.sql.startswith(("-- expands\n", "-- contracts: needs "))
        assert is_marked == (migration.version > UNMARKED), migration.name


@pytest.mark.parametrize("migration", ALL, ids=lambda each: each.name)
def test_a_migration_that_claims_to_add_does_nothing_else(migration: Migration) -> None:
    if migration.runs_from == 0:
        assert list_contractions(migration.sql) == []
        assert migration.version not in FILLS


@pytest.mark.parametrize(
    ("line", "oldest"),
    [("-- expands", 0), ("-- contracts: needs 38", 38), ("-- Which rule won.", 40), ("", 40)],
)
def test_the_first_line_says_which_releases_can_go_on(line: str, oldest: int) -> None:
    assert Migration(40, "0040_new", f"{line}\nselect 1;\n").runs_from == oldest


@pytest.mark.parametrize(
    "line", ["-- expand", "-- contracts", "-- Expands", "-- contracts: needs x"]
)
def test_a_mark_that_nothing_reads_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="0040_new: write `-- expands` or"):
        _ = Migration(40, "0040_new", f"{line}\nselect 1;\n").runs_from


def test_no_migration_needs_a_later_one() -> None:
    with pytest.raises(ValueError, match="needs schema 41, which comes later"):
        _ = Migration(40, "0040_new", "-- contracts: needs 41\n").runs_from


ADDING = """
-- expands
create table notes (                         -- drop table links;
  id integer primary key,
  link_id integer not null references links (id) on delete cascade,
  text text not null unique
);
create table answers (note_id integer not null references notes (id)) without rowid;
create unique index answers_of_note on answers (note_id);
create index links_by_note on links (id) where status = 302;
create unlogged table drafts (id integer primary key);
create virtual table finds using fts5 (text);
insert into notes (id, link_id, text) select id, id, slug from links;
alter table links add column note text;
alter table links add column mood text collate "C" not null default '';
alter table notes add column kind text not null;
"""


def test_what_adds_is_accepted() -> None:
    assert list_contractions(ADDING) == []


@pytest.mark.parametrize(
    "statement",
    [
        "drop table tags",
        "drop index links_live",
        "alter table links drop column note",
        "alter table links rename column note to text",
        "alter table links rename to short_links",
        "alter table links alter column note type bigint",
        "alter table links alter column note set not null",
        "alter table links add constraint short check (status > 0)",
        "alter table links add column note text not null",
        "alter table links add column note text unique",
        "alter table links add column note text default 'x' check (note <> '')",
        "alter table links add column note_id integer references notes (id)",
        "create unique index links_notes on links (note)",
        "create table notes (link_id integer not null references links (id))",
        "create trigger later after insert on links begin select 1",
        "update links set status = 301",
        "delete from tags",
        "insert into tags values (1)",
        "create or replace view links as select 1",
    ],
)
def test_what_an_older_release_could_trip_over_is_found(statement: str) -> None:
    assert len(list_contractions(f"-- expands\n{statement};\n")) == 1


def test_migrations_of_the_past_are_told_apart() -> None:
    adds = {each.name for each in ALL if not list_contractions(each.sql)}
    assert {"0030_click_rules", "0032_nodes", "0033_recounts"} <= adds
    assert not {"0012_unused_index", "0024_link_states", "0034_link_passes"} & adds
