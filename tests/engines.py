"""Which database engine the tests use: `pytest --engine postgres`, and what that needs.

The process that starts the tests starts one PostgreSQL cluster for all of them, with an empty
database of the newest schema as the template. Each worker copies it for a test, and drops the copy
afterwards.
"""

from collections.abc import Generator
from contextlib import ExitStack
from typing import Any, Final, Literal

import pytest

from tests.cluster import MISSING, find_programs, open_cluster
from tests.copies import Databases, create_template, find_databases, use_cluster

Engine = Literal["sqlite", "postgres"]
MARKS: Final = (
    "sqlite_only(reason): not run with `--engine postgres`, for this reason",
    "postgres_only: run with `--engine postgres` alone",
)
PLACE: Final = pytest.StashKey[str]()
# Whatever opens a database needs one of these, be it through other fixtures.
HOLD_DATABASES: Final = frozenset({"tmp_path", "tmp_path_factory", "databases"})


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--engine",
        choices=("sqlite", "postgres"),
        default="sqlite",
        help="the database engine that the tests use (default: sqlite)",
    )


def pytest_configure(config: pytest.Config) -> None:
    for line in MARKS:
        config.addinivalue_line("markers", line)
    if name_engine(config) == "postgres":
        told: dict[str, Any] | None = getattr(config, "workerinput", None)
        config.stash[PLACE] = place = told["cluster"] if told else _start_cluster(config)
        config.add_cleanup(use_cluster(place))
        config.pluginmanager.register(OwnDatabases())


class OwnDatabases:
    """A plugin where tests run on PostgreSQL: files of SQLite are in each test's own folder."""

    @pytest.fixture(autouse=True)
    def own_databases(self) -> Generator[None]:
        """Drops a test's databases after it, but not those of fixtures that several tests share."""
        databases = find_databases()
        assert databases is not None
        databases.keep()
        yield
        databases.drop_left()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tells each worker where the cluster is."""
    node.workerinput["cluster"] = node.config.stash.get(PLACE, "")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A test that opens no database says nothing more on another engine."""
    if name_engine(config) == "postgres":
        same = [item for item in items if not _depends_on_engine(item)]
        config.hook.pytest_deselected(items=same)
        items[:] = [item for item in items if _depends_on_engine(item)]


def _depends_on_engine(item: pytest.Item) -> bool:
    fixtures: list[str] = getattr(item, "fixturenames", [])
    own = item.get_closest_marker("postgres_only") is not None
    return own or not HOLD_DATABASES.isdisjoint(fixtures)


def pytest_runtest_setup(item: pytest.Item) -> None:
    engine = name_engine(item.config)
    if engine == "postgres" and (mark := item.get_closest_marker("sqlite_only")):
        pytest.skip(f"SQLite's own: {mark.args[0]}")
    if engine == "sqlite" and item.get_closest_marker("postgres_only"):
        pytest.skip("PostgreSQL's own: runs with --engine postgres")


def name_engine(config: pytest.Config) -> Engine:
    return "postgres" if config.getoption("--engine") == "postgres" else "sqlite"


def _start_cluster(config: pytest.Config) -> str:
    """The folder of its socket."""
    programs = find_programs()
    if programs is None:
        raise pytest.UsageError(MISSING)
    resources = ExitStack()
    config.add_cleanup(resources.close)
    place = str(resources.enter_context(open_cluster(programs)).folder)
    create_template(place)
    return place


@pytest.fixture
def databases() -> Databases:
    databases = find_databases()
    assert databases is not None
    return databases


@pytest.fixture
def database_url(databases: Databases) -> str:
    """An empty PostgreSQL database of the newest schema, of this test alone."""
    return databases.create()
