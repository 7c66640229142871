"""A row that is malformed costs no other."""

import csv
import io
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shorty.transfer.encodings import ENCODINGS, find_encoding, read_encoding
from shorty.transfer.files import Fault, Hints, InvalidFileError, OpenFile, TextLine
from shorty.transfer.rows import Rows, SplitRow
from shorty.transfer.tables import Row, Table


def read_table(tmp_path: Path, content: bytes, encoding: str | None = None) -> list[Row | Fault]:
    path = tmp_path / "links.csv"
    path.write_bytes(content)
    file = OpenFile(path, hints=Hints(encoding=encoding))
    try:
        table = Table(file)
        rows = list(table.read_rows())
        assert list(table.read_rows()) == rows  # as often as one likes
        return rows
    finally:
        file.close()


def tell(found: Row | Fault) -> tuple[str, str]:
    shown = found.message if isinstance(found, Fault) else ",".join(found.cells.values())
    return found.place, shown


LINE = re.compile(r"[^\n]*\n|[^\n]+")
BADLY_QUOTED = "is badly quoted: a quote in it is not doubled, or not closed"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b'"a"b,c\nd,e\n', [("line 2", BADLY_QUOTED), ("line 3", "d,e")]),
        (
            b'a,"open\nb,c\nd,"fine"\ne,"two\nlines"\n',
            [
                ("line 2", BADLY_QUOTED),
                ("line 3", "b,c"),
                ("line 4", "d,fine"),
                ("line 5", "e,two\nlines"),
            ],
        ),
        (
            b'a,"open\nb,c\n\nd,e',
            [
                ("line 2", "has a quote that opens in line 2 and is never closed"),
                ("line 3", "b,c"),
                ("line 5", "d,e"),
            ],
        ),
        (
            b'"two\nlines","open\nb,c\n',
            [
                ("line 2", "has a quote that opens in line 3 and is never closed"),
                ("line 3", "has a quote that opens in line 3 and is never closed"),
                ("line 4", "b,c"),
            ],
        ),
        (
            b'a\nb,c,d\ne,f,,\n5" pipe,g\n',
            [
                ("line 2", "has 1 cell, but the heading names 2 columns"),
                ("line 3", "has 3 cells, but the heading names 2 columns"),
                ("line 4", "e,f"),
                ("line 5", '5" pipe,g'),
            ],
        ),
        (
            b'a,"b\nc"d\ne,f\n',
            [
                ("line 2", BADLY_QUOTED),
                ("line 3", "has 1 cell, but the heading names 2 columns"),
                ("line 4", "e,f"),
            ],
        ),
        (
            b'a,\0\nb,"c\n\0"\nd,e\n',
            [
                ("line 2", "contains a NUL character"),
                ("line 3", "in line 4 contains a NUL character"),
                ("line 5", "d,e"),
            ],
        ),
    ],
)
def test_a_fault_of_form_is_told_where_its_row_begins(
    tmp_path: Path, content: bytes, expected: list[tuple[str, str]]
) -> None:
    rows = read_table(tmp_path, b"x,y\n" + content)
    assert [tell(each) for each in rows] == expected


def test_a_byte_that_is_not_utf_8_is_a_fault_of_its_row(tmp_path: Path) -> None:
    first, bad, last = read_table(tmp_path, "x,y\nä,a\n".encode() + b"\xe4,b\nc,c\n")
    assert (tell(first), tell(last)) == (("line 2", "ä,a"), ("line 4", "c,c"))
    assert isinstance(bad, Fault)
    assert (bad.place, "--encoding cp1252" in bad.message) == ("line 3", True)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_an_encoding_that_the_file_tells_is_recognised(tmp_path: Path, encoding: str) -> None:
    rows = read_table(tmp_path, "x;y\nä;\u65e5\n".encode(encoding))
    assert [tell(row) for row in rows] == [("line 2", "ä,\u65e5")]
    marked = "\ufeffx;y\nä;\u65e5\n".encode(encoding.removesuffix("-sig"))
    assert read_table(tmp_path, marked, "cp1252") == rows


def test_an_encoding_can_be_named(tmp_path: Path) -> None:
    content = "x;y\nGröße;€\n".encode("cp1252")
    (row,) = read_table(tmp_path, content, "cp1252")
    assert tell(row) == ("line 2", "Größe,€")
    bad, good = read_table(tmp_path, b"x;y\na;\x81\nb;c\n", "cp1252")
    assert tell(bad) == ("line 2", "contains bytes that are not in the file's encoding")
    assert tell(good) == ("line 3", "b,c")


def test_a_file_in_another_encoding_tells_how_far_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "links.csv"
    path.write_bytes(("x,y\n" + "a,b\n" * 10_000).encode("utf-16"))
    file = OpenFile(path)
    try:
        list(Table(file).read_rows())
        assert file.position == file.size
    finally:
        file.close()


@pytest.mark.parametrize("name", ["latin-1", "windows-1252", "UTF8", "shift-jis", "koi8_r"])
def test_usual_names_of_encodings_are_known(name: str) -> None:
    assert read_encoding(name) in ENCODINGS
    assert find_encoding(b"url,slug", read_encoding(name)) == read_encoding(name)


@pytest.mark.parametrize("name", ["idna", "punycode", "rot13", "hex", "utf-9", "", "\0", "utf-7"])
def test_what_is_no_encoding_of_files_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="not a known encoding"):
        read_encoding(name)


@pytest.mark.parametrize(
    "heading",
    [b"sep=;\nx;y\n", b'"sep=|"\r\nx|y\r\n', b"\xef\xbb\xbfSEP=;\n\nx;y\n", b"sep=\t\nx\ty\n"],
)
def test_the_line_for_excel_tells_the_delimiter(tmp_path: Path, heading: bytes) -> None:
    delimiter = heading.splitlines()[-1][1:2]
    (row,) = read_table(tmp_path, heading + b"a,1" + delimiter + b"b\n")
    assert tell(row)[1] == "a,1,b"


def test_a_table_that_ends_with_the_line_for_excel_is_empty(tmp_path: Path) -> None:
    with pytest.raises(InvalidFileError, match="The file is empty"):
        read_table(tmp_path, b"sep=;\n")


cells = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
lines = st.text(st.sampled_from('a",\n')).map(LINE.findall)


@given(st.lists(st.lists(cells, min_size=2, max_size=2), max_size=5))
def test_what_is_well_formed_is_read_as_it_is(rows: list[list[str]]) -> None:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    found = read_all(LINE.findall(text.getvalue()))
    assert [each.cells for each in found if isinstance(each, SplitRow)] == rows
    assert len(found) == len(rows)


@given(lines)
def test_rows_begin_at_the_first_line_and_each_at_its_own(lines: list[str]) -> None:
    found = read_all(lines)
    numbers = [
        each.line if isinstance(each, SplitRow) else int(each.place.split()[1]) for each in found
    ]
    assert numbers == sorted(set(numbers))
    assert numbers[:1] == ([1] if lines else [])


def read_all(lines: list[str]) -> list[SplitRow | Fault]:
    rows = Rows((TextLine(number, text) for number, text in enumerate(lines, 1)), ",")
    found: list[SplitRow | Fault] = []
    while (row := rows.read()) is not None:
        found.append(row)
    return found
