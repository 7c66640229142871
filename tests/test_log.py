"""The log: one event per line, in both formats, whatever its values are."""

import io
import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from shorty.config.settings import LogConfig, LogFormat, LogLevel
from shorty.errors import ConflictError
from shorty.log import configure_log, log_committed
from shorty.log_lines import LEVELS, write_console, write_json
from shorty.storage.database import Database, Transaction

HEAD = {"timestamp": "2026-11-30T12:00:00.000Z", "level": "info", "event": "sign_in_refused"}


@pytest.fixture(autouse=True)
def former_log() -> Iterator[None]:
    """The log of the tests themselves comes back afterwards."""
    handlers, level = logging.root.handlers[:], logging.root.level
    yield
    structlog.reset_defaults()
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


def test_an_event_for_people_is_its_time_level_name_and_values() -> None:
    values = {"ip": "192.0.2.7", "account": "ann@a.example", "user_id": 7, "is_new": True}
    assert write_console(HEAD | values | {"reason": None}) == (
        "2026-11-30T12:00:00.000Z [info] sign_in_refused "
        "ip=192.0.2.7 account=ann@a.example user_id=7 is_new=true reason=null"
    )


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("", '""'),
        ("two words", '"two words"'),
        ("a ip=192.0.2.9", '"a ip=192.0.2.9"'),
        ('say "a"', '"say \\"a\\""'),
        ("a\nb", '"a\\nb"'),
        ("a\u2028b", '"a\\u2028b"'),
        ("\u202eb", '"\\u202eb"'),
        ("\x1b[31m", '"\\u001b[31m"'),
        ("\x85", '"\\x85"'),
        ("grün", '"grün"'),
    ],
)
def test_what_was_typed_is_quoted(value: str, written: str) -> None:
    assert write_console(HEAD | {"account": value}).endswith(f"account={written}")


@given(value=st.text())
def test_no_value_is_another_line_or_another_value(value: str) -> None:
    line = write_console(HEAD | {"account": value, "ip": "192.0.2.7"})
    assert line.splitlines() == [line]
    assert line.endswith(" ip=192.0.2.7")
    if " ip=" in line[:-13]:
        assert '="' in line  # within quotes
    encoded = write_json(HEAD | {"account": value})
    assert encoded.split("\n") == [encoded]
    assert json.loads(encoded) == HEAD | {"account": value}


@pytest.mark.parametrize("format", ["console", "json"])
def test_events_libraries_and_tracebacks_have_one_form(format: LogFormat) -> None:
    stream = io.StringIO()
    configure_log(LogConfig(format=format), stream)
    structlog.get_logger().info("domain_added", host="go.example.com")
    error = ConflictError("The slug is taken.")
    structlog.get_logger().error("import_failed", source="csv", exc_info=error)
    logging.getLogger("asyncio").error("Task was %s", "destroyed")
    logging.getLogger("asyncio").info("not heard")
    text = stream.getvalue()
    if format == "console":
        first, second, *trace, last = text.splitlines()
        assert [each.partition(" ")[2] for each in (first, second, last)] == [
            "[info] domain_added host=go.example.com",
            "[error] import_failed source=csv",
            "[error] Task was destroyed",
        ]
        assert trace == ["shorty.errors.ConflictError: The slug is taken."]
        return
    events = [json.loads(line) for line in text.splitlines()]
    assert [list(each)[:3] for each in events] == [["timestamp", "level", "event"]] * 3
    assert [each["event"] for each in events] == [
        "domain_added",
        "import_failed",
        "Task was destroyed",
    ]
    assert events[1]["exception"].endswith("ConflictError: The slug is taken.")
    assert datetime.fromisoformat(events[0]["timestamp"]).tzinfo is UTC


@pytest.mark.parametrize("level", LEVELS)
def test_less_important_events_than_the_level_are_left_out(level: LogLevel) -> None:
    stream = io.StringIO()
    configure_log(LogConfig(level=level), stream)
    for each in LEVELS:
        structlog.get_logger().log(logging.getLevelNamesMapping()[each.upper()], each)
    said = [line.rpartition(" ")[2] for line in stream.getvalue().splitlines()]
    assert said == list(LEVELS[LEVELS.index(level) :])


async def test_what_was_done_is_logged_after_the_commit_and_not_if_it_is_undone(
    db: Database,
) -> None:
    stream = io.StringIO()
    configure_log(LogConfig(), stream)

    def work(tx: Transaction) -> None:
        log_committed(tx, "domain_added", host="a.example")
        assert stream.getvalue() == ""

    def fail(tx: Transaction) -> None:
        log_committed(tx, "domain_added", host="b.example")
        raise ConflictError("no")

    await db.write(work)
    with pytest.raises(ConflictError):
        await db.write(fail)
    [line] = stream.getvalue().splitlines()
    assert line.endswith("[info] domain_added host=a.example")


def test_an_event_names_the_worker_where_there_are_several() -> None:
    stream = io.StringIO()
    configure_log(LogConfig(), stream, worker=2)
    structlog.get_logger("shorty.links").info("link_blocked", link_id=7)
    logging.getLogger("aiohttp").warning("a library")
    first, second = stream.getvalue().splitlines()
    assert first.endswith("[info] link_blocked link_id=7 worker=2")
    assert second.endswith("worker=2")
