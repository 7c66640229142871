"""Whether PostgreSQL understands the statements that tests run on SQLite.

`pytest --prepare-statements` notes each statement that shorty's own code runs, and when all tests
are done, gives them to a PostgreSQL server to prepare. Those that it refuses are named, with the
place in the code that ran them first, and fail the run.

Statements with a fragment of SQLite's dialect are left out, as PostgreSQL gets others: those that
tests run with `--engine postgres`.
"""

import os
import sys
from collections.abc import Callable, Mapping
from contextlib import closing
from inspect import currentframe
from pathlib import Path
from types import FrameType
from typing import Any, Final, NamedTuple

import psycopg
import pytest

from shorty.sqlite import connections, search
from tests.cluster import MISSING, find_programs, open_cluster
from tests.copies import Databases, create_template
from tests.engines import name_engine

OPTION: Final = "--prepare-statements"
PACKAGE: Final = str(Path(connections.__file__).parents[1]) + os.sep
ENGINE: Final = str(Path(connections.__file__).parent) + os.sep

Noted = dict[str, str]  # by a statement's text the place that ran it first; empty: not for others


class Refusal(NamedTuple):
    sql: str
    place: str
    reason: str


NOTED: Final = pytest.StashKey[Noted]()
REFUSED: Final = pytest.StashKey[list[Refusal]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        OPTION,
        action="store_true",
        help="prepare every statement that was run on PostgreSQL too",
    )


def pytest_configure(config: pytest.Config) -> None:
    if not config.getoption(OPTION):
        return
    if name_engine(config) != "sqlite":
        raise pytest.UsageError(f"{OPTION} takes statements that run on SQLite.")
    if find_programs() is None:
        raise pytest.UsageError(MISSING)
    config.stash[NOTED] = note_statements()


def note_statements() -> Noted:
    """From now on, each statement that the SQLite engine is given is noted."""
    noted: Noted = {}
    fragments = note_fragments()
    numbered: Callable[[str], str] = connections.number_parameters

    def note(sql: str) -> str:
        if sql not in noted:
            here = currentframe()
            is_own = any(fragment in sql for fragment in fragments)
            noted[sql] = "" if is_own else _find_place(here.f_back if here else None)
        return numbered(sql)

    for module in list(sys.modules.values()):
        if getattr(module, "number_parameters", None) is numbered:
            vars(module)["number_parameters"] = note
    return noted


def note_fragments() -> set[str]:
    """What the dialect has written, and from now on writes, for SQLite alone."""
    fragments = {search.INDEX_LINK, search.UNINDEX_LINK, search.LIST_TERMS}

    def wrap(write: Callable[..., str]) -> Callable[..., str]:
        def note(*arguments: Any) -> str:
            written = write(*arguments)
            fragments.add(written)
            return written

        return note

    for name, member in list(vars(search.SqliteDialect).items()):
        if name.startswith("write_"):
            setattr(search.SqliteDialect, name, wrap(member))
    return fragments


def _find_place(frame: FrameType | None) -> str:
    """The innermost line of the package outside the engine; empty if a test runs the statement."""
    while frame is not None:
        path = frame.f_code.co_filename
        if path.startswith(PACKAGE) and not path.startswith(ENGINE):
            return f"{path.removeprefix(PACKAGE)}:{frame.f_lineno}"
        if not path.startswith(PACKAGE) and f"{os.sep}tests{os.sep}" in path:
            return ""
        frame = frame.f_back
    return ""  # the engine itself


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker hands on what it noted; the process that started it prepares all."""
    config = session.config
    if (noted := config.stash.get(NOTED, None)) is None:
        return
    given: dict[str, Any] | None = getattr(config, "workeroutput", None)
    if given is not None:
        given["statements"] = noted
        return
    config.stash[REFUSED] = prepare_all(noted)
    if config.stash[REFUSED]:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    output: dict[str, Any] = getattr(node, "workeroutput", {})
    if NOTED in node.config.stash:
        node.config.stash[NOTED].update(output.get("statements", {}))


def prepare_all(noted: Mapping[str, str]) -> list[Refusal]:
    """What a server with an empty database of ours refuses of the package's own statements."""
    programs = find_programs()
    assert programs
    with open_cluster(programs) as cluster:
        create_template(str(cluster.folder))
        with closing(Databases(str(cluster.folder))) as databases:
            url = databases.create()
        with closing(psycopg.connect(url, autocommit=True)) as connection:
            return [
                Refusal(sql, place, reason)
                for sql, place in sorted(noted.items(), key=lambda item: item[::-1])
                if place and (reason := find_refusal(connection, sql))
            ]


def find_refusal(connection: psycopg.Connection, sql: str) -> str:
    """Empty if the server prepares the statement."""
    result = connection.pgconn.prepare(b"", sql.encode())
    if result.status == psycopg.pq.ExecStatus.COMMAND_OK:
        return ""
    return result.error_message.decode().strip()


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    if NOTED not in config.stash or REFUSED not in config.stash:
        return
    noted, refused = config.stash[NOTED], config.stash[REFUSED]
    for refusal in refused:
        terminalreporter.section(f"PostgreSQL refuses a statement of {refusal.place}")
        terminalreporter.line(f"{refusal.sql.strip()}\n\n{refusal.reason}")
    ours = sum(bool(place) for place in noted.values())
    terminalreporter.line(f"PostgreSQL refuses {len(refused)} of {ours} statements.")
