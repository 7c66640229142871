"""Reads titles of honest pages in every encoding, and of hostile ones within limits."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import msgspec
import pytest

from shorty.fetch import Fetcher
from shorty.links.page_metadata import (
    PAGE_LIMIT_BYTES,
    TEXT_LIMIT,
    PageFacts,
    fetch_page_facts,
    read_page_facts,
)


def read_title(body: bytes, charset: str | None = None) -> str | None:
    return read_page_facts(body, "text/html", charset=charset).title


def test_a_page_says_its_title_description_image_and_icon() -> None:
    body = b"""<!doctype html><html><head>
      <title>  A
        page &amp; more </title>
      <meta name="Description" content=" What it\tis about ">
      <meta property="og:image" content="/pictures/a b.png">
      <link rel="stylesheet" href="x.css"><link rel="SHORTCUT ICON" href="favicon.ico">
      </head><body>text</body></html>"""
    facts = read_page_facts(body, "text/html", url="https://example.com/dir/page")
    assert facts == PageFacts(
        title="A page & more",
        description="What it is about",
        image="https://example.com/pictures/a%20b.png",
        icon="https://example.com/dir/favicon.ico",
    )


def test_open_graph_fills_what_is_missing() -> None:
    body = b"""<meta property="og:title" content="Graph"><meta name="twitter:image" content="t.png">
      <meta property="og:description" content="Told"><meta property="og:title" content="second">"""
    facts = read_page_facts(body, "text/html", url="http://example.com")
    assert (facts.title, facts.description) == ("Graph", "Told")
    assert facts.image == "http://example.com/t.png"


@pytest.mark.parametrize(
    ("body", "title"),
    [
        (b"<title>plain", "plain"),
        (b"<TITLE lang=en>upper</TITLE>", "upper"),
        (b"<svg><title>drawing</title></svg><title>page</title>", "page"),
        (b"<script>'<title>no</title>'</script><title>yes</title>", "yes"),
        (b"<!-- <title>no</title> --><title>yes</title>", "yes"),
        (b"<title>&lt;script&gt; <b>kept as text</b></title>", "<script> <b>kept as text</b>"),
        (b"<title>a\x00b&#0;c\x1bd\xe2\x80\xaee\xc2\xa0f</title>", "a\ufffdb\ufffdc d e f"),
        (b"<title>\xf0\x9f\x90\x99 &#x1F419;</title>", "🐙 🐙"),
        (b"<title>&#xD800; lone</title>", "\ufffd lone"),
        (b"<?xml version='1.0' encoding='latin1'?><html><title>\xc3\xa9</title></html>", "é"),
        (b"<title> \n\t </title>", None),
        (b"<p>no title", None),
        (b"   ", None),
        (b"", None),
        (b"\x00\x01\x02\xff\xfe\xfd" * 50, None),
    ],
)
def test_titles_are_found_as_browsers_show_them(body: bytes, title: str | None) -> None:
    assert read_title(body) == title


@pytest.mark.parametrize(
    ("declared", "codec", "title"),
    [
        ("utf-8", "utf-8", "žluťoučký 🐎"),
        ("UTF8", "utf-8", "日本語"),
        ("iso-8859-1", "cp1252", "“quotes” é €"),
        ("ISO-8859-2", "iso8859-2", "žluťoučký"),
        ("windows-1251", "cp1251", "Привет"),
        ("koi8-r", "koi8-r", "Привет"),
        ("windows-1254", "cp1254", "İstanbul ğ"),
        ("iso-8859-7", "iso8859-7", "Ελληνικά"),
        ("windows-1255", "cp1255", "שלום"),
        ("windows-1256", "cp1256", "مرحبا"),
        ("tis-620", "cp874", "สวัสดี"),
        ("windows-1258", "cp1258", "Dương"),
        ("Shift_JIS", "cp932", "日本語①"),
        ("EUC-JP", "euc-jp", "日本語"),
        ("iso-2022-jp", "iso2022-jp", "日本語"),
        ("gb2312", "gb18030", "中文網頁"),
        ("big5", "big5hkscs", "中文網頁"),
        ("euc-kr", "cp949", "한국어 똠"),
    ],
)
def test_any_encoding_is_read_from_http_and_from_the_page(
    declared: str, codec: str, title: str
) -> None:
    encoded = f"<title>{title}</title>".encode(codec)
    assert read_title(encoded, declared) == title
    for meta in (
        f'<meta charset="{declared}">',
        f"<META http-equiv=Content-Type content='text/html; charset={declared}'>",
    ):
        assert read_title(meta.encode() + encoded) == title


@pytest.mark.parametrize(
    ("body", "charset", "title"),
    [
        ("\ufeff<title>é</title>".encode(), "iso-8859-1", "é"),
        ("\ufeff<title>日本</title>".encode("utf-16-le"), None, "日本"),
        ("\ufeff<title>日本</title>".encode("utf-16-be"), "utf-8", "日本"),
        ("<title>é</title>".encode("utf-16-le"), "utf-16", "é"),
        (b"<meta charset=utf-16><title>\xc3\xa9</title>", None, "é"),
        (b"<title>\xc3\xa9</title>", None, "é"),
        (b"<title>\xe9t\xe9</title>", None, "été"),
        (b"<title>\xc3\xa9</title>", "no-such-charset", "é"),
        (b"<title>\xc3\xa9</title>", "punycode", "é"),
        (b"<title>ok</title>", "utf-7", "ok"),
        (b"<meta charset='unicode_escape'><title>\\x41</title>", None, "\\x41"),
        (b"<title>\xc3\xa9 \xff</title>", "utf-8", "é \ufffd"),
        ("<title>é</title>é".encode()[:-1], None, "é"),
    ],
)
def test_the_encoding_is_chosen_as_browsers_choose_it(
    body: bytes, charset: str | None, title: str
) -> None:
    assert read_title(body, charset) == title


@pytest.mark.parametrize("content_type", ["image/png", "application/json", "text/plain"])
def test_only_html_has_a_title(content_type: str) -> None:
    assert read_page_facts(b"<title>x</title>", content_type) == PageFacts()


def test_long_texts_are_cut() -> None:
    body = b"<title>" + b"word " * 40_000 + b"</title>"
    title = read_title(body)
    assert title is not None
    assert title == ("word " * 60).strip()[:TEXT_LIMIT]
    assert len(read_title("<title>🐙</title>".replace("🐙", "🐙" * 400).encode()) or "") == 300


@pytest.mark.parametrize(
    "reference",
    [
        "javascript:alert(1)",
        "data:image/png;base64,AAAA",
        "file:///etc/passwd",
        "https://[broken",
        "/" + "x" * 3000,
        "é" * 1000,
        "",
    ],
)
def test_addresses_that_no_page_may_show_are_dropped(reference: str) -> None:
    body = f'<meta property="og:image" content="{reference}"><link rel=icon href="{reference}">'
    facts = read_page_facts(body.encode(), "text/html", url="https://example.com/")
    assert (facts.image, facts.icon) == (None, None)


def test_without_a_base_only_whole_addresses_are_kept() -> None:
    body = b'<meta property="og:image" content="/a.png"><link rel="icon" href="https://e.com/i">'
    facts = read_page_facts(body, "text/html")
    assert (facts.image, facts.icon) == (None, "https://e.com/i")


HOSTILE_PAGES = {
    "deep": b"<a>" * 90_000,
    "deep drawings": b"<g>" * 250 + b"<svg><title>x</title>" * 12_000,
    "open tag": b"<a b=c " * 36_000,
    "angle brackets": b"<" * 256_000,
    "comments": b"<!--" * 64_000,
    "comment ends": b"--!>" * 64_000,
    "tables": b"<table>" * 36_000,
    "misnested": b"<b><p>" * 42_000,
    "formatting": b"<i><b><u>" * 28_000,
    "entities": b"&a" * 128_000,
    "references": b"&#38;" * 51_000,
    "quotes": b"<div a=" + b"'" * 200_000,
    "attributes": b"<meta " + b" ".join(b"a%d=1" % n for n in range(30_000)) + b">",
    "one attribute": b"<meta charset" + b" " * 200_000,
    "metas": b"<meta name=a content=x>" * 11_000,
    "meta starts": b"<meta" * 50_000,
    "many names": b"".join(b"<meta name=n%d content=x>" % n for n in range(9_000)),
    "icons": b"<link rel=icon>" * 17_000,
    "titles": b"<title></title>" * 17_000,
    "endless title": b"<title>" + b" " * 250_000,
    "doctype": b"<!DOCTYPE html [" + b"<!ENTITY a 'aaaaaaaaaa'>" * 10_000,
    "external entity": b"<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><title>&x;</title>",
    "cdata": b"<![CDATA[" * 28_000,
    "nul": b"\x00" * 256_000,
    "iso-2022-jp": b"<meta charset=iso-2022-jp>" + b"\x1b$B" * 80_000,
}


@pytest.mark.parametrize("name", HOSTILE_PAGES)
def test_no_hostile_page_takes_long_or_grows(name: str) -> None:
    start = time.process_time()
    facts = read_page_facts(HOSTILE_PAGES[name], "text/html", url="https://example.com/")
    assert time.process_time() - start < 1
    encoded = msgspec.json.encode(facts)
    assert len(encoded) < 20_000
    assert b"root:" not in encoded


@asynccontextmanager
async def run_site(answer: bytes) -> AsyncGenerator[str]:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


async def test_a_title_is_fetched_with_its_encoding() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=koi8-r\r\n\r\n"
    body = "<title>Привет</title><link rel=icon href=i.png>".encode("koi8-r")
    async with run_site(head + body) as url, Fetcher(allow_private=True) as fetcher:
        assert (await fetch_page_facts(fetcher, url)).title == "Привет"
        assert (await fetch_page_facts(fetcher, url)).icon == url + "i.png"


async def test_of_a_long_page_the_start_is_read() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<title>early</title>"
    answer = head + b"x" * 3 * PAGE_LIMIT_BYTES + b"<meta name=description content=late>"
    async with run_site(answer) as url, Fetcher(allow_private=True) as fetcher:
        assert await fetch_page_facts(fetcher, url) == PageFacts(title="early")


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\n\r\n<title>404</title>",
        b"HTTP/1.1 200 OK\r\nContent-Type: image/svg+xml\r\n\r\n<title>drawing</title>",
        b"not http at all",
    ],
)
async def test_a_page_that_cannot_be_read_has_no_title(answer: bytes) -> None:
    async with run_site(answer) as url, Fetcher(allow_private=True) as fetcher:
        assert (await fetch_page_facts(fetcher, url)).title is None


async def test_a_private_page_has_no_title_where_private_addresses_are_closed() -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<title>inside</title>"
    async with run_site(answer) as url, Fetcher() as fetcher:
        assert (await fetch_page_facts(fetcher, url)).title is None
