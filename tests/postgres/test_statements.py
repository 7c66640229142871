"""`pytest --prepare-statements` finds what PostgreSQL refuses, and knows whose it is."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.statements import prepare_all

pytestmark = pytest.mark.postgres_only
NOTES = """
import asyncio, json, sys
from pathlib import Path
import shorty
from tests.statements import note_statements
from tests.support import make_home, prepare_copy
from shorty.sqlite.database import SqliteDatabase

async def run(folder):
    noted = note_statements()
    db = await SqliteDatabase.open(prepare_copy(folder))
    await make_home(db)
    await db.find_all("select 'of a test'")
    place = Path(shorty.__file__).with_name("made_up.py")
    source = "async def ask(sql): await db.find_all(sql, '[]')"
    exec(compile(source, place, "exec"), package := {"db": db})
    await package["ask"]("select $1 as id")
    await package["ask"](f"select id from ({db.dialect.write_ids([], lambda _: '$1')}) as ids")
    await db.close()
    print(json.dumps(noted))

asyncio.run(run(Path(sys.argv[1])))
"""


def test_statements_are_noted_with_the_place_that_ran_them(tmp_path: Path) -> None:
    noted = run_python(NOTES, str(tmp_path))
    assert noted["select 'of a test'"] == ""
    [place] = {place for sql, place in noted.items() if "insert into users" in sql}
    assert place.startswith("accounts/store.py:")
    assert noted["select $1 as id"] == "made_up.py:1"


def test_statements_with_a_fragment_of_sqlites_dialect_are_left_out(tmp_path: Path) -> None:
    noted = run_python(NOTES, str(tmp_path))
    assert [place for sql, place in noted.items() if "json_each" in sql] == [""]


def run_python(script: str, *arguments: str) -> dict[str, str]:
    """The JSON that the script prints last, in a process whose modules it may change."""
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", script, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=root, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def test_a_statement_that_is_refused_is_named_with_its_place_and_the_reason() -> None:
    noted = {
        "select id from links where slug = $1": "links/store.py:1",
        "select id, json_each(slug) from links": "links/list_store.py:2",
        "pragma data_version": "",
    }
    [refusal] = prepare_all(noted)
    assert refusal[:2] == ("select id, json_each(slug) from links", "links/list_store.py:2")
    assert "json_each(text)" in refusal.reason
