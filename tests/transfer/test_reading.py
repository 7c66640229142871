"""Readers take each byte once, whatever the file, wherever it is cut, and stop when told to."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import pytest

from shorty.transfer import files, rows, sql
from shorty.transfer.files import (
    Fault,
    Feed,
    Hints,
    InvalidFileError,
    OpenFile,
    ReadingStoppedError,
)
from shorty.transfer.model import ImportedClick, ImportedLink, Item, SourceName
from shorty.transfer.sources import READERS
from tests.transfer import samples
from tests.transfer.hostile import INSERT, SHAPES, Shape, measure, read_all

KB = 1024
TWICE = 2.15
"""How much more work twice the input may be at most."""
EIGHT_TIMES = 12
"""How much longer eight times the input may take at most, where the square of it takes 64 times."""
NOISE_S = 0.1
TRIES = 3

Read = Callable[[SourceName, str | bytes], list[Item]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def read(source: SourceName, content: str | bytes) -> list[Item]:
        path = tmp_path / "import.txt"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        file = OpenFile(path, hints=Hints(new_slugs=True))
        try:
            return list(READERS[source](file))
        finally:
            file.close()

    return read


def count_work(source: SourceName, path: Path) -> int:
    """Calls of functions, ours and built-in ones, and bytes left for a second look.

    The same in each run.
    """
    work = 0
    read_on = Feed.read_on.__code__

    def count(frame: FrameType, event: str, _: object) -> None:
        nonlocal work
        work += event in {"call", "c_call"}
        if event == "call" and frame.f_code is read_on:
            feed = frame.f_locals["self"]
            work += len(feed.text) - feed.at

    sys.setprofile(count)
    try:
        read_all(source, path)
    finally:
        sys.setprofile(None)
    return work


@pytest.mark.parametrize(("source", "name", "shape"), SHAPES)
def test_twice_the_input_is_twice_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: SourceName, name: str, shape: Shape
) -> None:
    """In small pieces, of which even these files have many."""
    del name
    monkeypatch.setattr(files, "PIECE_BYTES", 64)
    path = tmp_path / "hostile"
    path.write_bytes(shape(KB // 2))
    read_all(source, path)  # what is compiled and cached at first is no part of it
    work: list[int] = []
    for size in (KB, 2 * KB):
        path.write_bytes(shape(size))
        work.append(count_work(source, path))
    assert work[1] <= TWICE * work[0]


@pytest.mark.parametrize(("source", "name", "shape"), SHAPES)
def test_eight_times_the_input_takes_no_more_than_three_doublings(
    tmp_path: Path, source: SourceName, name: str, shape: Shape
) -> None:
    """Of what no call shows, such as a pattern that looks at a text again from each place in it.

    Only the time of this thread counts, and one try of several is enough.
    """
    del name
    path = tmp_path / "hostile"
    path.write_bytes(shape(4 * KB))
    one = min(measure(source, path) for _ in range(TRIES))
    path.write_bytes(shape(32 * KB))
    assert any(measure(source, path) <= EIGHT_TIMES * one + NOISE_S for _ in range(TRIES))


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("yourls", samples.MYSQLDUMP),
        ("yourls", samples.PHPMYADMIN),
        ("yourls", samples.YOURLS_STATS),
        ("kutt", samples.KUTT),
        ("shlink", samples.SHLINK),
        ("bitly", samples.BITLY),
        ("kutt", '\ufeff {"data" : [ {"target":"https://a.example/\\"]\\\\"} , 1 ] } '),
        (
            "yourls",
            f"{INSERT.decode()}(X'61', _utf8'b''', 'c\\'', \"d\"\"\") /* x */ , -- y\n(0x6);",
        ),
    ],
)
def test_a_file_says_the_same_wherever_it_is_cut(
    read: Read, monkeypatch: pytest.MonkeyPatch, source: SourceName, text: str
) -> None:
    whole = read(source, text)
    for size in (1, 2, 3, 5, 7, 64):
        monkeypatch.setattr(files, "PIECE_BYTES", size)
        assert read(source, text) == whole
    assert whole


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("(0xABC,'x')", "has 'ABC' after 0x"),
        ("(0x,'x')", "has '' after 0x"),
        (f"(0x{'A' * 41},'x')", f"has '{'A' * 40}' after 0x"),
        (f"(b'{'1' * 65}','x')", f"has '{'1' * 40}' as a bit value"),
        ("(0xXY,'x')", "has 'XY' after 0x"),
        ("(X'4G','x')", "has '4G' after X"),
        ("(x'414','x')", "has '414' after X"),
        ("(b'12','x')", "has '12' as a bit value"),
        ("('a' 'b')", "two values without a comma"),
        ("('a',,'b')", "lacks a value"),
        ("('a',)", "lacks a value"),
        ("('a',(1))", "has a parenthesis among its values"),
        ("('a',@x)", "has '@' among its values"),
        ("('a',\0)", r"has '\\x00' among its values"),
    ],
)
def test_a_malformed_value_is_a_fault_of_its_row_alone(read: Read, row: str, fault: str) -> None:
    text = f"{INSERT.decode()}\n('a','https://a.example/'),\n{row},\n('b','https://b.example/');\n"
    first, bad, last = read("yourls", text)
    assert isinstance(first, ImportedLink)
    assert isinstance(bad, Fault)
    assert isinstance(last, ImportedLink)
    assert (first.place, bad.place, last.place) == ("line 2", "line 3", "line 4")
    assert fault.replace("\\\\", "\\") in bad.message


def test_a_row_without_its_parenthesis_costs_no_other_statement(read: Read) -> None:
    text = f"{INSERT.decode()}('a','b';\n{INSERT.decode()}('c','https://c.example/');"
    bad, good = read("yourls", text)
    assert isinstance(bad, Fault)
    assert (bad.place, "no closing parenthesis" in bad.message) == ("line 1", True)
    assert isinstance(good, ImportedLink)


def test_a_row_has_as_many_values_as_the_statement_names_columns(read: Read) -> None:
    text = "INSERT INTO yourls_url (url, keyword) VALUES ('https://a.example/', 'a'), ('b');"
    good, bad = read("yourls", text)
    assert isinstance(good, ImportedLink)
    assert isinstance(bad, Fault)
    assert bad.message == "has 1 values for 2 columns"


def test_a_malformed_click_is_told_with_its_line(read: Read) -> None:
    text = (
        f"{INSERT.decode()}('a','https://a.example/');\n"
        "INSERT INTO yourls_log VALUES (1,'2024-01-01 00:00:00','a'),\n(2,0xA,'a');"
    )
    _, click, bad = read("yourls", text)
    assert isinstance(click, ImportedClick)
    assert isinstance(bad, Fault)
    assert bad.place == "line 3"


def test_a_malformed_row_of_a_table_costs_no_other(read: Read) -> None:
    text = 'url,slug\nhttps://a.example/,a\n"b"c,b\nhttps://c.example/,c\n"open\n'
    first, bad, last, end = read("csv", text)
    assert isinstance(first, ImportedLink)
    assert isinstance(bad, Fault)
    assert isinstance(last, ImportedLink)
    assert isinstance(end, Fault)
    assert (bad.place, end.place) == ("line 3", "line 5")
    assert bad.message == "is badly quoted: a quote in it is not doubled, or not closed"
    assert end.message == "has a quote that opens in line 5 and is never closed"


def test_a_malformed_entry_costs_no_other(read: Read) -> None:
    deep = "[" * 5000 + "]" * 5000
    text = f'{{"data":[\n{{"target":"a"}},\n{{"target":01}},\n{deep},\n{{"target":"b"}}]}}'
    first, bad, too_deep, last = read("kutt", text)
    assert isinstance(first, ImportedLink)
    assert isinstance(bad, Fault)
    assert isinstance(too_deep, Fault)
    assert isinstance(last, ImportedLink)
    assert (bad.place, too_deep.place) == ("line 3, entry 2", "line 4, entry 3")


@pytest.mark.parametrize(
    ("source", "content", "fault"),
    [
        ("yourls", f"-- x\n{INSERT.decode()}('a", "quote that opens in line 2 is never closed"),
        ("yourls", "-- x\n/* y", "comment that opens in line 2 is never closed"),
        ("yourls", f"-- x\n{INSERT.decode()}('a', 1", "row that begins in line 2 never ends"),
        ("kutt", '{"data":[\n{"a":"b', "text in line 2 is never closed"),
        ("kutt", '{"data":[\n"b\\', "text in line 2 is never closed"),
        ("kutt", '{"data":[\n{"a"', "line 2: what was opened is never closed"),
        ("kutt", '{"data":[1\n2]}', "line 2: a comma is missing"),
        ("kutt", '{"data":[1,\n]}', "line 2: a value is missing"),
        ("kutt", '{"data" [1]}', "line 1: a colon is missing"),
        ("kutt", "{data:[1]}", "line 1: a name in quotes is expected"),
        ("kutt", '{"data":[]}\nx', "line 2: a list or an object is expected"),
    ],
)
def test_a_file_that_breaks_off_says_in_which_line(
    read: Read, source: SourceName, content: str, fault: str
) -> None:
    with pytest.raises(InvalidFileError, match=fault):
        read(source, content)


def test_what_is_longer_than_any_row_is_told_with_its_line_and_not_kept(
    read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (files, rows, sql):
        monkeypatch.setattr(module, "LONGEST_ROW", 200)
    long = "x" * 300
    bad, good = read("yourls", f"{INSERT.decode()}\n('a','{long}'),('b','https://b.example/');")
    assert isinstance(bad, Fault)
    assert isinstance(good, ImportedLink)
    assert (bad.place, "longer than 200 bytes" in bad.message) == ("line 2", True)
    assert len(read("csv", "url\n" + "https://a.example/\n" * 50)) == 50
    assert len(read("csv", "url\n" + '"https://a.example/\n"\n' * 50)) == 50
    bad, good = read("csv", f"url\n{long}\nhttps://a.example/\n")
    assert isinstance(bad, Fault)
    assert (bad.place, bad.message) == ("line 2", "is longer than the allowed 200 bytes")
    assert isinstance(good, ImportedLink)
    bad, *others = read("csv", 'url\n"' + "x\n" * 300)
    assert isinstance(bad, Fault)
    assert bad.message == "has a quote that opens in line 2 and is never closed"
    assert len(others) == 299


def test_an_entry_longer_than_any_is_a_fault(read: Read) -> None:
    long = "x" * 1_000_000
    bad, good = read("kutt", f'{{"data":[\n{{"target":"{long}"}},\n{{"target":"b"}}]}}')
    assert isinstance(bad, Fault)
    assert (bad.place, bad.message) == ("line 2, entry 1", "is longer than 1,000,000 bytes")
    assert isinstance(good, ImportedLink)


@pytest.mark.parametrize(("source", "name", "shape"), SHAPES)
def test_no_reader_goes_on_once_it_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: SourceName, name: str, shape: Shape
) -> None:
    """At the next piece or line, however long what is being read is."""
    del name
    monkeypatch.setattr(files, "PIECE_BYTES", 256)
    path = tmp_path / "hostile"
    path.write_bytes(shape(16 * KB))
    reads = 0

    def is_stopped() -> bool:
        nonlocal reads
        reads += 1
        return reads > 2

    file = OpenFile(path, is_stopped)
    try:
        with pytest.raises((ReadingStoppedError, InvalidFileError)) as raised:
            list(READERS[source](file))
    finally:
        file.close()
    assert reads <= 3
    assert raised.type is ReadingStoppedError or file.position == file.size or reads < 3
