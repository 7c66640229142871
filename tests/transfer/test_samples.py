"""What each reader makes of the samples, item by item and field by field."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from shorty.clicks.model import BOT, LINK, PERSON, Click
from shorty.links.imported_history import Counts, Past
from shorty.links.model import LinkChange
from shorty.transfer.files import Fault, InvalidFileError, OpenFile
from shorty.transfer.model import (
    ImportedClick,
    ImportedCounts,
    ImportedLink,
    Item,
    Remark,
    SourceName,
)
from shorty.transfer.remarks import REASONS, Closing, LinkRemark, Reason
from shorty.transfer.sources import READERS
from tests.transfer import samples
from tests.transfer.making import leave_out_defaults

Read = Callable[[SourceName, str], list[Item]]

NO_TIME = "can't be read as a time; write it like 2026-11-22T12:00:00Z"
OZH_AT = 1_360_088_120_000


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def read(source: SourceName, content: str) -> list[Item]:
        path = tmp_path / "import.txt"
        path.write_text(content, newline="")
        file = OpenFile(path)
        try:
            return list(READERS[source](file))
        finally:
            file.close()

    return read


def link(
    place: str,
    url: str,
    slug: str | None,
    *,
    ref: str | None = None,
    made_at: int | None = None,
    updated_at: int | None = None,
    counts: Counts | None = None,
    closed: tuple[Reason | Closing, ...] = (),
    remarks: tuple[LinkRemark, ...] = (),
    **new: Any,
) -> ImportedLink:
    fields: dict[str, Any] = {"domain": "", **new}
    return ImportedLink(
        place=place,
        change=LinkChange(url=url, slug=slug, made_through="import", **fields),
        past=Past(created_at=made_at, updated_at=updated_at, counts=counts),
        ref=ref,
        closed=tuple(
            each if isinstance(each, Closing) else Closing(reason=each, message=REASONS[each])
            for each in closed
        ),
        remarks=remarks,
    )


def not_whole(text: str) -> Closing:
    message = f"its limit of visits can't be taken over: {text!r} is not a whole number"
    return Closing(reason="limit", message=message)


def dateless(text: str) -> LinkRemark:
    return LinkRemark(kind="dates", message=f"came in without its date: {text!r} {NO_TIME}")


def ozh(place: str, **fields: Any) -> ImportedLink:
    plain: dict[str, Any] = {"title": "Ozh, RICHARD", "made_at": OZH_AT}
    return link(place, "https://ozh.org/", "ozh", **(plain | fields))


def click(ref: str, at: int, **fields: Any) -> ImportedClick:
    plain = Click(0, at, 0, PERSON, LINK, None, None, None, None, "other", None, None)
    return ImportedClick(ref=ref, click=plain._replace(**fields))


def its(place: str) -> ImportedLink:
    title = 'It\'s; ("so"),\n<ok>'
    return link(place, "https://example.com/?a=1&b='x'", "it-s", ref="it-s", title=title)


TWELVE = Counts(clicks=12)
GOOGLE: dict[str, Any] = {"kind": BOT, "browser": "Googlebot"}
SPRING: dict[str, Any] = {"title": "Spring", "tag_names": ("mail", "shop")}
READ: list[tuple[SourceName, str, list[Item]]] = [
    ("yourls", samples.YOURLS_TABLE, [ozh("line 2", counts=TWELVE)]),
    (
        "yourls",
        samples.YOURLS_PLUGIN_TABLE,
        [ozh("line 2", title=None, made_at=None, counts=TWELVE)],
    ),
    (
        "yourls",
        samples.YOURLS_STATS,
        [ozh("line 1, entry 1", ref="ozh", domain="localhost:8000", counts=TWELVE)],
    ),
    ("yourls", samples.YOURLS_LIST, [ozh("line 1, entry 1", ref="ozh", counts=TWELVE)]),
    (
        "yourls",
        samples.MYSQLDUMP,
        [
            ozh("line 12", ref="ozh"),
            its("line 12"),
            click(
                *("ozh", 1_360_137_600_000),
                country="US",
                referrer="t.co",
                browser="Chrome",
                os="Windows",
                device="desktop",
            ),
            click("ozh", 1_360_141_200_000, **GOOGLE),
            click("gone", 1_360_144_800_000, country="FR"),
            ImportedCounts(ref="ozh", counts=TWELVE),
        ],
    ),
    (
        "yourls",
        samples.PHPMYADMIN,
        [
            ozh("line 5", ref="ozh"),
            its("line 6"),
            click("ozh", 1_360_137_600_000, country="US", **GOOGLE),
            ImportedCounts(ref="ozh", counts=TWELVE),
        ],
    ),
    (
        "kutt",
        samples.KUTT,
        [
            link(
                *("line 2, entry 1", "https://example.com/kutt", "kutt"),
                title="A note",
                expires_at=1_893_456_000_000,
                made_at=1_709_287_200_000,
                updated_at=1_709_373_600_000,
                counts=Counts(clicks=7),
            ),
            link(
                *("line 6, entry 2", "https://example.com/secret", "secret"),
                domain="localhost:8000",
                made_at=1_709_287_200_000,
                updated_at=1_709_287_200_000,
                closed=("password",),
            ),
            link(
                *("line 10, entry 3", "https://example.com/bad", "bad"),
                closed=("banned",),
                made_at=1_709_287_200_000,
                counts=Counts(clicks=1),
            ),
        ],
    ),
    (
        "shlink",
        samples.SHLINK_TABLE,
        [
            link(
                *("line 2", "https://example.com/s", "shl"),
                domain="go.example",
                title="T",
                tag_names=("a", "b c"),
                made_at=1_704_161_045_000,
                counts=Counts(clicks=42),
            )
        ],
    ),
    (
        "shlink",
        samples.SHLINK,
        [
            link(
                *("line 2, entry 1", "https://example.com/s", "shl"),
                title="T",
                valid_since=1_893_369_600_000,
                expires_at=1_893_456_000_000,
                max_clicks=100,
                tag_names=("a", "b c"),
                forward_parameters=True,
                made_at=1_704_161_045_000,
                counts=Counts(clicks=40, bots=2),
            ),
            link(
                *("line 7, entry 2", "https://example.com/o", "old"),
                domain="localhost:8000",
                made_at=1_577_934_245_000,
                counts=Counts(clicks=3),
            ),
            link(
                *("line 9, entry 3", "https://example.com/p", "two/parts"),
                made_at=1_704_164_645_000,
            ),
        ],
    ),
    (
        "bitly",
        samples.BITLY_TABLE,
        [
            link(
                *("line 2", "https://example.com/spring", "3abcDEF"),
                made_at=1_711_972_800_000,
                counts=Counts(clicks=1024),
                **SPRING,
            ),
            link(
                *("line 3", "https://example.com/own", "own"),
                domain="localhost:8000",
                title="Own",
                made_at=1_712_016_000_000,
                counts=Counts(clicks=5),
            ),
        ],
    ),
    (
        "bitly",
        samples.BITLY,
        [
            link(
                *("line 2, entry 1", "https://example.com/spring", "spring"),
                made_at=1_711_972_800_000,
                **SPRING,
            ),
            *(
                link(
                    *("line 5, entry 2", "https://example.com/own", "own"),
                    domain=domain,
                    made_at=1_712_016_000_000,
                )
                for domain in ("localhost:8000", "go.example")
            ),
        ],
    ),
    (
        "csv",
        (
            "longUrl,slug,status,active,link type,expires,max clicks,password,webhook urls,"
            "nobody's,\n"
            "https://a.example/,s,Permanent_301,No,sms,2030-01-01,1 000,0pen,"
            "https://b.example/… https://c.example/,x,\n"
            "https://a.example/,,308,off,PIGEON,never,0,NO,,,\n"
            "https://a.example/,https://u@go.example/t/,gone,,,,50.0,,,,\n"
            "https://a.example/,a.b,archived,,,,,,,,\n"
            "https://a.example/,go.example:8000/%C3%A9,,,,,,,,,\n"
            "https://a.example/,,,,,,ten,,,,\n"
            "https://a.example/,late,,,,,1000000000000,,,,\n"
        ),
        [
            Remark(place="line 1", message="Unknown columns: nobody's."),
            link(
                *("line 2", "https://a.example/", "s"),
                status=301,
                closed=("disabled",),
                link_type="SMS",
                expires_at=1_893_456_000_000,
                max_clicks=1000,
                password="0pen",
                webhook_urls=("https://c.example/",),
            ),
            link("line 3", "https://a.example/", None, status=308, closed=("disabled", "limit")),
            link(
                *("line 4", "https://a.example/", "t"),
                domain="go.example",
                max_clicks=50,
                closed=(Closing(reason="deleted", message="its state was 'gone'"),),
            ),
            link("line 5", "https://a.example/", "a.b", closed=("archived",)),
            link("line 6", "https://a.example/", "é", domain="go.example:8000"),
            link("line 7", "https://a.example/", None, closed=(not_whole("ten"),)),
            link("line 8", "https://a.example/", "late", closed=(not_whole("1000000000000"),)),
        ],
    ),
    (
        "csv",
        (
            "url,clicks,scans,bio clicks,short link,slug,domain,tags,created\n"
            "https://a.example/,10,3,2,go.example/x,y,other.example,a;b|c,\n"
            "https://a.example/,1,3,2,https://go.example/x,,,a,yesterday\n"
            "https://a.example/,1,3,2,http://go.example/x,,,'=a,\n"
            "https://a.example/,,,,x,,,,\n"
        ),
        [
            link(
                *("line 2", "https://a.example/", "y"),
                domain="other.example",
                tag_names=("a;b", "c"),
                counts=Counts(clicks=5, scans=3, bio_clicks=2),
            ),
            link(
                *("line 3", "https://a.example/", "x"),
                domain="go.example",
                tag_names=("a",),
                counts=Counts(scans=3, bio_clicks=2),
                remarks=(
                    LinkRemark(
                        kind="dates",
                        message=f"came in without its creation date: 'yesterday' {NO_TIME}",
                    ),
                ),
            ),
            link(
                *("line 4", "https://a.example/", "x"),
                domain="go.example",
                tag_names=("=a",),
                counts=Counts(scans=3, bio_clicks=2),
            ),
            link("line 5", "https://a.example/", "x"),
        ],
    ),
    (
        "csv",
        "url\tslug\ttitle\nhttps://a.example/\tNULL\t\\N\n\nhttps://b.example/\tb\tNull\n",
        [
            link("line 2", "https://a.example/", None),
            link("line 4", "https://b.example/", "b", title="Null"),
        ],
    ),
    (
        "yourls",
        "source,target,hits\n/a/,https://a.example/,x\n,https://b.example/,0\n",
        [
            link(
                *("line 2", "https://a.example/", "a"),
                remarks=(
                    LinkRemark(
                        kind="history",
                        message="came in without its number of clicks: 'x' is not a whole number",
                    ),
                ),
            ),
            link("line 3", "https://b.example/", None),
        ],
    ),
    (
        "yourls",
        (
            "INSERT INTO yourls_url VALUES ('a','https://a.example/',NULL,'never','',3,9),"
            "('b','https://b.example/','B','tomorrow','',0);\n"
            "INSERT INTO other_log VALUES (1,'2024-01-01 00:00:00','a');\n"
            "INSERT INTO yourls_log VALUES (1,'tomorrow','a'),(2,NULL,'a'),"
            "(3,'2024-01-01 00:00:00','a','','','','x1');"
        ),
        [
            link("line 1", "https://a.example/", "a", ref="a"),
            link(
                *("line 1", "https://b.example/", "b"),
                ref="b",
                title="B",
                remarks=(dateless("tomorrow"),),
            ),
            click("a", 1_704_067_200_000, kind=BOT),
            ImportedCounts(ref="a", counts=Counts(clicks=3)),
        ],
    ),
    (
        "yourls",
        (
            '[{"shorturl":"https://y.example/folder/a","url":" https://a.example/ ","clicks":1.5},'
            '{"keyword":7,"url":"https://b.example/","title":true,"clicks":"9999999999999"}]'
        ),
        [
            link(
                *("line 1, entry 1", "https://a.example/", "a"),
                ref="a",
                domain="y.example",
            ),
            link("line 1, entry 2", "https://b.example/", "7", ref="7"),
        ],
    ),
    (
        "shlink",
        (
            '{"shortUrls":{"data":[{"longUrl":"https://a.example/","domain":"DEFAULT","tags":'
            '["a",1,"","a",null,true],"meta":[],"visitsSummary":{"total":2,"bots":5},'
            '"forwardQuery":"true"}]}}'
        ),
        [
            link(
                *("line 1, entry 1", "https://a.example/", None),
                tag_names=("a", "1"),
                counts=Counts(bots=2),
            )
        ],
    ),
    (
        "bitly",
        (
            '{"links":[{"id":"J.MP/x","long_url":"https://a.example/"},{"long_url":"https://b.example/"'
            ',"link":"https://own.example/y","id":"bit.ly/z"},{"long_url":"https://c.example/"}]}'
        ),
        [
            link("line 1, entry 1", "https://a.example/", "x"),
            link("line 1, entry 2", "https://b.example/", "y", domain="own.example"),
            link("line 1, entry 3", "https://c.example/", None),
        ],
    ),
    (
        "kutt",
        '{"data":[1,{"target":"https://a.example/","banned":1,"password":"x","visit_count":"5"},'
        '{"target":"' + "x" * 10_001 + '"}]}',
        [
            Fault(
                place="line 1, entry 1",
                subject="",
                message="is not an object that describes a link",
            ),
            link(
                *("line 1, entry 2", "https://a.example/", None),
                password="x",
                counts=Counts(clicks=5),
                closed=("banned",),
            ),
            Fault(
                place="line 1, entry 3",
                subject="",
                message="contains a text that is too long for a link",
            ),
        ],
    ),
]


URL = "https://a.example/"
# What only a sign or a number tells apart: a row of a table, or the values of a dump's row.
SLUGS: list[tuple[SourceName, str, str | None, str]] = [
    ("csv", "url,slug\n{url},/X/", "X", ""),
    ("csv", "url,slug\n{url},a.b//c", "a.b//c", ""),
    ("csv", "url,slug\n{url},a.b/", "a.b", ""),
    ("csv", "url,slug\n{url},a:1/c", "c", "a:1"),
    ("csv", "url,slug,short url\n{url},,x", "x", ""),
    ("csv", "url,slug,domain\n{url},d.example/c,d.example", "c", "d.example"),
    ("csv", "url,slug,domain\n{url},a.b/c,d.example", "a.b/c", "d.example"),
    ("csv", "url,slug,domain\n{url},docs.api/c,d.example", "docs.api/c", "d.example"),
    ("csv", "url,slug\n{url},docs/api", "docs/api", ""),
    ("csv", "url,slug\n{url},v1.2/guide", "v1.2/guide", ""),
    ("csv", "url,short url\n{url},go/x", "go/x", ""),
    ("csv", "url,short url,slug\n{url},go/x,x", "go/x", ""),
    ("csv", "url,short url\n{url},/v1.2", "v1.2", ""),
    ("shlink", "longUrl,shortCode,domain\n{url},a/b.c,DEFAULT", "a/b.c", ""),
    ("csv", "url,slug\n{url},'-x", "-x", ""),
    ("csv", "url,slug\n{url},'x", "'x", ""),
    ("yourls", "source,target\n/X/,{url}", "X", ""),
    ("yourls", "INSERT INTO yourls_url VALUES (b'101','{url}');", "5", ""),
    ("yourls", "INSERT INTO yourls_url VALUES (B'0','{url}');", "0", ""),
    ("yourls", "INSERT INTO yourls_url VALUES (0b11,'{url}');", "3", ""),
    ("yourls", "INSERT INTO yourls_url VALUES (X'4a4B','{url}');", "JK", ""),
    ("yourls", "INSERT INTO yourls_url VALUES (0x4A4b,'{url}');", "JK", ""),
    ("yourls", "INSERT INTO yourls_url VALUES (N'a','{url}');", "a", ""),
    ("yourls", 'INSERT INTO yourls_url VALUES (_utf8mb4 "a""b",\'{url}\');', 'a"b', ""),
    ("yourls", "INSERT INTO yourls_url VALUES ('a\\\\b\\Zc','{url}');", "a\\b\x1ac", ""),
    ("yourls", "INSERT INTO yourls_url VALUES (null,'{url}');", None, ""),
    ("yourls", "INSERT INTO yourls_url VALUES (-5,'{url}');", "-5", ""),
    ("yourls", "INSERT IGNORE INTO shop.yourls_url VALUES ('a','{url}');", "a", ""),
    ("yourls", "INSERT yourls_url VALUES ('a','{url}');", "a", ""),
    ("yourls", "INSERT INTO `shop`.`url` VALUES ('a','{url}');", "a", ""),
    ("yourls", "INSERT INTO url (`url`,keyword) VALUES ('{url}','a');", "a", ""),
    ("yourls", "SET @x = 1-2 ; INSERT INTO url VALUES ('a','{url}');", "a", ""),
    ("yourls", "SET @x = 5--3; INSERT INTO url VALUES ('a','{url}');", "a", ""),
    ("yourls", "SET @x = 5/3; INSERT INTO url VALUES ('a','{url}');", "a", ""),
    ("yourls", "-- x\n# x\nINSERT INTO url VALUES -- y\n('a'/* z */,'{url}')", "a", ""),
]


@pytest.mark.parametrize(("source", "text", "slug", "domain"), SLUGS)
def test_slugs_are_read_as_they_are_written(
    read: Read, source: SourceName, text: str, slug: str | None, domain: str
) -> None:
    (item,) = read(source, text.format(url=URL))
    assert isinstance(item, ImportedLink)
    assert (item.change.url, item.change.slug, item.change.domain) == (URL, slug, domain)


@pytest.mark.parametrize(
    ("text", "most"),
    [("999999999999", 999_999_999_999), ("1\u202f000.0", 1000), ("1.000", 1000), ("0", None)],
)
def test_numbers_are_read_in_any_spelling(read: Read, text: str, most: int | None) -> None:
    (item,) = read("csv", f"url;slug;max clicks\n{URL};a;{text}\n")
    assert isinstance(item, ImportedLink)
    assert item.change.max_clicks == most


@pytest.mark.parametrize(
    ("source", "api"),
    [
        ("yourls", "YOURLS's API"),
        ("kutt", "Kutt's API"),
        ("shlink", "Shlink's REST API"),
        ("bitly", "Bitly's API"),
    ],
)
def test_what_is_no_list_says_what_it_should_be(read: Read, source: SourceName, api: str) -> None:
    with pytest.raises(InvalidFileError) as raised:
        read(source, '{"a": 1}')
    assert str(raised.value) == f"This is not an answer from {api}: it contains no list of links."


@pytest.mark.parametrize(("source", "text", "items"), READ)
def test_each_field_of_a_sample_is_read(
    read: Read, source: SourceName, text: str, items: list[Item]
) -> None:
    assert leave_out_defaults(read(source, text)) == leave_out_defaults(items)
