"""Tables of links, ours and others'."""

from collections.abc import Callable
from pathlib import Path

import pytest

from shorty.links.imported_history import Counts
from shorty.transfer.csv_file import read_csv
from shorty.transfer.files import Fault, Hints, InvalidFileError, OpenFile
from shorty.transfer.model import ImportedLink, Item, Remark
from shorty.transfer.short_links import split_short_url
from shorty.transfer.tables import find_delimiter

Read = Callable[[str | bytes], list[Item]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def read(content: str | bytes) -> list[Item]:
        path = tmp_path / "links.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        file = OpenFile(path, hints=Hints(new_slugs=True))
        try:
            return list(read_csv(file))
        finally:
            file.close()

    return read


def only_link(items: list[Item]) -> ImportedLink:
    (link,) = [item for item in items if isinstance(item, ImportedLink)]
    return link


@pytest.mark.parametrize(
    ("heading", "row"),
    [
        ("url,slug", "https://a.example/,sale"),
        ("Long URL;Back-half", "https://a.example/;sale"),
        ("slug\tOriginal URL", "sale\thttps://a.example/"),
        ("longUrl,shortUrl", "https://a.example/,https://go.example/sale"),
        ("destination,short_code", '"https://a.example/",/sale'),
        ("Target,keyword,", "https://a.example/,sale,"),
        ("URL,Long_url,key", "https://go.example/sale,https://a.example/,sale"),
        ("﻿url,Custom Slug", "https://a.example/,sale"),
        ("url,back-half", "https://a.example/,go.example/sale"),
        ("\r\nurl,alias\r\n", "https://a.example/,sale\r\n\r\n,,\r\n"),
    ],
)
def test_columns_are_known_by_their_usual_names(read: Read, heading: str, row: str) -> None:
    link = only_link(read(f"{heading}\n{row}\n"))
    assert (link.change.url, link.change.slug) == ("https://a.example/", "sale")


def test_every_usual_column_is_read(read: Read) -> None:
    link = only_link(
        read(
            "url,short link,title,tags,created,valid from,expires,"
            "clicks,max clicks,status,description\n"
            'https://a.example/,go.example/a%20b,"Title, with comma",one|two|one,'
            '2024-01-02 03:04:05,2024-02-03,"Dec 31, 2030","1,234",10,301,Note\n'
        )
    )
    new = link.change
    assert (new.slug, new.domain, new.title) == ("a b", "go.example", "Title, with comma")
    assert (new.tag_names, new.status, new.max_clicks) == (("one", "two"), 301, 10)
    assert (new.description, new.valid_since) == ("Note", 1_706_918_400_000)
    assert new.expires_at == 1_924_905_600_000
    assert (link.past.created_at, link.past.counts) == (1_704_164_645_000, Counts(clicks=1234))


def test_lines_are_told_by_where_they_begin_also_in_quotes(read: Read) -> None:
    items = read('url,title,created\nhttps://a.example/,"two\nlines",\nb,,yesterday\nc,,\n')
    assert [item.place for item in items if isinstance(item, ImportedLink | Fault)] == [
        "line 2",
        "line 4",
        "line 5",
    ]
    late = items[1]
    assert isinstance(late, ImportedLink)
    assert "'yesterday' can't be read as a time" in late.remarks[0].message


def test_columns_that_are_not_understood_are_told(read: Read) -> None:
    remark = read("url,Colour of hat\nhttps://a.example/,red\n")[0]
    assert isinstance(remark, Remark)
    assert "Colour of hat" in remark.message


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "^The file is empty. Its first row must name the columns.$"),
        (b"\n\n", "empty"),
        (
            b"slug, Title,\na,b\n",
            (
                "^The file has no column of destinations, such as url, long_url or destination. "
                r"Its columns are: slug, Title. Name the right one "
                r"\(from a shell: --column destination=NAME\).$"
            ),
        ),
        (
            "url,Größe\nhttps://a.example/,b\n".encode("latin-1"),
            "^The heading in line 1 is not in UTF-8: name the encoding of the file",
        ),
        (b'url,"title\n', "heading in line 1 has a quote that opens in line 1 and is never closed"),
        (b"\x89PNG\r\n\x1a\n\0\0", "not in UTF-8"),
        (b"url,a\rhttps://a.example/,a\r", "line 1 contains a carriage return outside quotes"),
    ],
)
def test_what_is_no_table_of_links_is_told(read: Read, content: bytes, complaint: str) -> None:
    with pytest.raises(InvalidFileError, match=complaint):
        read(content)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidFileError, match="can't be read"):
        OpenFile(tmp_path / "none")


def test_a_switch_is_read_in_any_word(read: Read) -> None:
    for column, value, expected in (
        ("active", "no", False),
        ("isActive", "TRUE", True),
        ("status", "archived", False),
        ("status", "active", True),
        ("enabled", "", True),
    ):
        link = only_link(read(f"url,{column}\nhttps://a.example/,{value}\n"))
        assert (not link.closed) is expected, (column, value)


def test_a_password_is_taken_and_a_mere_mark_of_one_is_lost(read: Read) -> None:
    for column, value, password, is_lost in (
        ("password", "open sesame", "open sesame", False),
        ("password", "true", None, True),
        ("hasPassword", "true", None, True),
        ("password", "false", None, False),
        ("password", "", None, False),
    ):
        link = only_link(read(f"url,{column}\nhttps://a.example/,{value}\n"))
        assert (link.change.password or None, bool(link.closed)) == (password, is_lost), value


def test_the_delimiter_is_found_outside_quotes() -> None:
    assert find_delimiter('\n"a;b;c",d\n') == ","
    assert find_delimiter("url") == ","
    assert find_delimiter("X\na;b") == ","
    assert find_delimiter("\ufeff \na\tb;c\td\n") == "\t"


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://go.example/sale", ("go.example", "sale")),
        ("go.example:8000/a%C3%A9/", ("go.example:8000", "aé")),
        ("http://user@go.example/x?y#z", ("go.example", "x")),
        ("/sale", ("", "sale")),
    ],
)
def test_a_short_url_is_taken_apart(address: str, expected: tuple[str, str]) -> None:
    assert split_short_url(address) == expected


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("two/parts", ("two/parts", "")),
        ("v1.2/notes", ("v1.2/notes", "")),
        ("/docs/v1.2/", ("docs/v1.2", "")),
        ("go.example/v1.2/notes", ("v1.2/notes", "go.example")),
        ("xn--bcher-kva.xn--p1ai/a", ("a", "xn--bcher-kva.xn--p1ai")),
        ("localhost:8000/a", ("a", "localhost:8000")),
        ("192.0.2.7/a/b", ("a/b", "192.0.2.7")),
        ("https://v1.2/a", ("a", "v1.2")),
    ],
)
def test_a_slug_of_several_parts_is_told_from_a_domain(
    read: Read, cell: str, expected: tuple[str, str]
) -> None:
    new = only_link(read(f"url,slug\nhttps://a.example/,{cell}\n")).change
    assert (new.slug, new.domain) == expected
