"""Files that are made to keep a reader busy: each is a function of its size in bytes.

`python -m tests.transfer.hostile` reads each of 1, 2, 4 … 64 MB and prints the seconds.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from shorty.transfer.files import Hints, InvalidFileError, OpenFile
from shorty.transfer.model import SourceName
from shorty.transfer.sources import READERS

Shape = Callable[[int], bytes]

INSERT: Final = b"INSERT INTO `yourls_url` VALUES "
EXPORT: Final = b'{"kind":"export","format":2,"exportedAt":0}\n'
MARKS: Final = "\u0315\u0300".encode()
LINK: Final = (
    b'{"kind":"link","id":"1","domain":"go.example","slug":"a","url":"https://a.example/",'
    b'"createdAt":0,"updatedAt":0,%b}\n'
)


def fill(piece: bytes, size: int) -> bytes:
    return (piece * (size // len(piece) + 1))[:size]


def around(start: bytes, piece: bytes, end: bytes = b"") -> Shape:
    return lambda size: start + fill(piece, size) + end


def repeat(start: bytes, row: Callable[[int], bytes], length: int = 100_000) -> Shape:
    """Rows of at most `length` bytes, of which each would take the square of it."""
    return lambda size: start + row(min(size, length)) * max(1, size // length)


def cell(column: bytes, piece: bytes) -> Shape:
    return repeat(
        b"url,slug,%b\n" % column, lambda n: b"https://a.example/,a,%b\n" % fill(piece, n)
    )


SQL: Final[dict[str, Shape]] = {
    "a line break behind each value": around(INSERT + b"(", b"'a',\n", b"'b');\n"),
    "a line break in each row": around(INSERT, b"('a',\n'https://a.example/'\n),\n"),
    "short rows": around(INSERT, b"(1),"),
    "a text that never ends": around(INSERT + b"('", b"x"),
    "a text of quotes": around(INSERT + b"('", b"''", b"');"),
    "a text of escapes": around(INSERT + b"('", b"\\'", b"');"),
    "a comment that never ends": around(INSERT + b"(/*", b"/*"),
    "dashes": around(INSERT + b"(", b"-"),
    "comments": around(INSERT + b"(", b"--\n"),
    "parentheses": around(INSERT, b"("),
    "closed parentheses": around(INSERT, b")"),
    "a word": around(INSERT + b"(", b"a"),
    "hexadecimal": around(INSERT + b"(0x", b"a"),
    "junk in hexadecimal": around(INSERT + b"(X'", b"z", b"');"),
    "zeros": around(INSERT + b"('", b"\0", b"');"),
    "statements": around(b"-- MySQL dump\n", b"INSERT INTO x "),
    "columns": around(b"INSERT INTO `yourls_url` (", b"`a`,"),
    "spaces": around(INSERT, b" "),
    "line breaks": around(INSERT, b"\n"),
    "semicolons": around(INSERT, b";"),
    "another table": around(b"INSERT INTO `wp_posts` VALUES ", b"(1,'it''s'),"),
}
CSV: Final[dict[str, Shape]] = {
    "a quote that never closes": around(b'url,title\n"', b"x\n"),
    "quotes": around(b"url,title\n", b'"'),
    "a quoted cell in each line": around(b"url,title\n", b'"a\nb",'),
    "quotes that open in each line": around(b"url,title\n", b'a,"b\n'),
    "quotes that open in a quoted cell": around(b'url,title\n"', b'x","z\n'),
    "quotes that open at the end": around(b"url,title\n", b'a,"""\n'),
    "rows of two lines and another length": around(b"url,title\n", b'"a\nb",c,d\n'),
    "bytes that are not UTF-8": around(b"url,title\n", b"\xff,b\n"),
    "one line that is not UTF-8": around(b"url,title\n", b"\xff"),
    "UTF-16": lambda size: b"\xff\xfe" + fill("url,title\n".encode("utf-16-le"), size // 2 * 2),
    "one line of UTF-16": around(b"\xff\xfeu\0r\0l\0\n\0", b"x\0"),
    "one line": around(b"url,title\n", b"x"),
    "short lines": around(b"url,title\n", b"https://a.example/\n"),
    "empty lines": around(b"url,title\n", b"\n"),
    "commas": repeat(b"url,title\n", lambda n: fill(b",", n) + b"\n"),
    "columns": lambda size: b"url," + fill(b"a,", size // 2) + b"\n" + fill(b"b,", size // 2),
    "slugs of dots": repeat(b"url,slug\n", lambda n: b"https://a.example/,%b\n" % fill(b".", n)),
    "slugs of brackets": repeat(
        b"url,slug\n", lambda n: b"https://a.example/,//[%b\n" % fill(b"[", n)
    ),
    "times of spaces": cell(b"created", b" x"),
    "times of brackets": cell(b"created", b"("),
    "numbers": cell(b"clicks", b"9"),
    "tags": cell(b"tags", b"a|"),
    "tags in brackets": cell(b"tags", b"["),
    "tags in quotes": cell(b"tags", b"'a' #;"),
    "numbers with signs": cell(b"clicks", b"1."),
    "redirects": cell(b"redirect_type", b"30"),
    "rules of brackets": cell(b"rules", b"["),
    "countries of brackets": cell(b"geo", b"{"),
    "a name with meanings, of parts": cell(b"code", b"a/"),
    "a name with meanings, of dots": cell(b"link", b"a."),
    "a name with meanings, of ports": cell(b"key", b"a:1"),
    "zeros": cell(b"title", b"\0"),
    "hosts of combining marks": repeat(
        b"url,slug\n",
        lambda n: b"https://a.example/,https://%b\n" % (MARKS * (n // len(MARKS))),
    ),
}
JSON: Final[dict[str, Shape]] = {
    "lists in lists": around(b"", b"["),
    "lists in an entry": around(b'{"data":[', b"["),
    "lists beside the list": around(b'{"x":', b"["),
    "objects": around(b"", b'{"a":'),
    "empty entries": around(b'{"data":[', b"{},"),
    "brackets": around(b'{"x":[', b"[],"),
    "documents": around(b"", b'{"data":[]}\n'),
    "documents that are links": around(b"", b'{"target":"a"}'),
    "a text that never ends": around(b'{"data":["', b"x"),
    "a text of escapes": around(b'{"x":"', b"\\u0000"),
    "a text of backslashes": around(b'{"data":["', b"\\\\"),
    "texts": around(b'{"data":[', b'"",'),
    "numbers": around(b"[", b"1,"),
    "a number": around(b'{"data":[', b"9"),
    "large numbers": repeat(b'{"data":[', lambda n: fill(b"9", n) + b","),
    "keys": around(b'{"', b"a"),
    "spaces": around(b'{"data":[', b" "),
    "line breaks": around(b'{"data":[', b"\n"),
    "times of brackets": repeat(
        b'{"data":[',
        lambda n: b'{"target":"https://a.example/","created_at":"%b"},' % fill(b"(", n),
        9_000,
    ),
}
OWN: Final[dict[str, Shape]] = {
    "one line": around(EXPORT, b"x"),
    "short lines": around(EXPORT, b"x\n"),
    "empty lines": around(EXPORT, b"\n"),
    "lists in lists": around(EXPORT, fill(b"[", 10_000) + b"\n"),
    "openings": around(EXPORT, b"{\n"),
    "an object over many lines": around(EXPORT + b'{"x":[\n', b"1,\n"),
    "objects in a line": around(EXPORT, b'{"kind":"link"}'),
    "objects that touch": around(EXPORT + b"{\n", b"}{\n"),
    "tags": repeat(EXPORT, lambda n: LINK % (b'"tags":[%b""]' % fill(b'"a",', n // 4 * 4))),
    "rules": repeat(
        EXPORT, lambda n: LINK % (b'"rules":[%b{}]' % fill(b'{"url":"a"},', n // 12 * 12))
    ),
    "conditions": repeat(
        EXPORT,
        lambda n: (
            LINK % (b'"rules":[{"conditions":[%b{}]}]' % fill(b'{"values":[]},', n // 14 * 14))
        ),
    ),
    "unknown fields": repeat(EXPORT, lambda n: LINK % (b'"x":[%b1]' % fill(b"1,", n // 2 * 2))),
}
SHAPES: Final[list[tuple[SourceName, str, Shape]]] = [
    *(("yourls", f"sql: {name}", shape) for name, shape in SQL.items()),
    *(("csv", name, shape) for name, shape in CSV.items()),
    *(("kutt", name, shape) for name, shape in JSON.items()),
    *(("shorty", name, shape) for name, shape in OWN.items()),
    ("yourls", "json: numbered", around(b'{"links":{', b'"a":{},')),
    ("yourls", "json: keys", around(b'{"links":{"', b"\\u0061")),
    ("yourls", "plugin: short lines", around(b"source,target,hits\n", b"/a/,b,1\n")),
    ("shlink", "objects", around(b'{"shortUrls":{"data":[', b'{"meta":{}},')),
    ("shlink", "lists in lists", around(b'{"shortUrls":{"x":', b"[")),
    ("bitly", "names", around(b'{"links":[{"custom_bitlinks":[', b'"a.example/b",')),
    (
        *("shlink", "rules"),
        repeat(
            b"[",
            lambda n: (
                b'{"longUrl":"a","redirectRules":[%b{}]},'
                % fill(b'{"longUrl":"a","conditions":[]},', n // 32 * 32)
            ),
        ),
    ),
    (
        *("dub", "countries"),
        repeat(
            b"[",
            lambda n: (
                b'{"url":"a","geo":{%b}},'
                % b",".join(b'"%d":"https://a.example/%d"' % (k, k) for k in range(n // 40))
            ),
        ),
    ),
    ("dub", "objects", around(b"[", b'{"url":"a.example","tags":[{}]},')),
    ("dub", "tags", around(b'[{"tags":[', b'{"name":"a"},')),
    ("bitly", "objects", around(b'{"links":[', b'{"link":"a.example/b"},')),
]


def read_all(source: SourceName, path: Path) -> None:
    """Each item is dropped at once, as if it were stored."""
    file = OpenFile(path, hints=Hints(new_slugs=True))
    try:
        for _ in READERS[source](file):
            pass
    except InvalidFileError:
        pass  # the end of most of these files
    finally:
        file.close()


def measure(source: SourceName, path: Path) -> float:
    """Seconds of this thread alone."""
    begun = time.thread_time()
    read_all(source, path)
    return time.thread_time() - begun


def say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def main(megabytes: str = "64", part: str = "") -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "hostile")
        for source, name, shape in SHAPES:
            if part not in f"{source}, {name}":
                continue
            say(f"{source}, {name}:")
            size = 1
            while size <= int(megabytes):
                path.write_bytes(shape(size * 1024 * 1024))
                say(f" {measure(source, path):.2f}")
                size *= 2
            say("\n")


if __name__ == "__main__":
    main(*sys.argv[1:3])
