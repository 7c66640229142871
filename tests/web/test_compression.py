"""Pages and API answers are compressed as the client asks; visits, events and secrets are not."""

import gzip
import zlib
from typing import Final, cast

import brotli
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shorty.webcore.compression import SMALLEST, choose_encoding
from tests.api.house import House
from tests.rsgi_client import make_client
from tests.web.browser import TOKEN, Browser

TAGS: Final = "/app/tags"


@pytest.mark.parametrize(
    ("header", "encoding"),
    [
        ("", ""),
        ("identity", ""),
        ("gzip", "gzip"),
        ("br", "br"),
        ("gzip, deflate, br, zstd", "br"),
        ("GZIP;Q=1", "gzip"),
        ("br;q=0.5, gzip;q=0.8", "gzip"),
        ("br;q=0, gzip", "gzip"),
        ("br ; q=0.000 , gzip ; q=0.001", "gzip"),
        ("br;q=0, gzip;q=0", ""),
        ("*", "br"),
        ("*;q=0", ""),
        ("br;q=0, *", "gzip"),
        ("identity;q=1, gzip;q=0.5", ""),
        ("identity;q=0.5, gzip;q=1.0", "gzip"),
        ("gzip;q=x", ""),
        ("gzip;level=9", "gzip"),
        ("x-gzip, deflate, zstd", ""),
    ],
)
def test_the_encoding_is_the_one_preferred(header: str, encoding: str) -> None:
    assert choose_encoding(header) == encoding


@given(st.text())
def test_any_header_can_be_read(header: str) -> None:
    assert choose_encoding(header) in {"", "br", "gzip"}


def unpack(answer: httpx.Response, raw: bytes) -> bytes:
    encoding = answer.headers.get("content-encoding", "")
    if encoding == "br":
        return cast("bytes", brotli.decompress(raw))
    return gzip.decompress(raw) if encoding == "gzip" else raw


async def ask(
    client: httpx.AsyncClient, path: str, accepted: str, method: str = "GET"
) -> tuple[httpx.Response, bytes]:
    """The answer and its body as it was sent."""
    answer = await client.request(method, path, headers={"accept-encoding": accepted})
    return answer, answer.extensions["sent"]


@pytest.mark.parametrize("accepted", ["br", "gzip", "identity"])
async def test_a_page_is_compressed_as_the_client_asks(owner: Browser, accepted: str) -> None:
    answer, raw = await ask(owner.client, TAGS, accepted)
    assert answer.headers.get("content-encoding", "identity") == accepted
    assert int(answer.headers["content-length"]) == len(raw)
    assert answer.headers["vary"] == "accept-encoding"
    page = unpack(answer, raw).decode()
    assert page.lstrip().startswith("<!doctype")
    assert accepted == "identity" or len(raw) * 2 < len(page)
    assert (await owner.send(TAGS, {"name": "x"}, token=TOKEN.findall(page)[0])).status_code == 303


async def test_head_tells_of_the_same_encoding_and_sends_nothing(owner: Browser) -> None:
    answer, raw = await ask(owner.client, TAGS, "br", "HEAD")
    assert answer.headers["content-encoding"] == "br"
    assert int(answer.headers["content-length"]) > 500
    assert raw == b""


async def test_answers_of_the_api_are_compressed_once_they_are_long(house: House) -> None:
    client = await house.make_client()
    short, _ = await ask(client, "/api/v1/tags", "br")
    assert "content-encoding" not in short.headers
    assert "accept-encoding" not in short.headers.get("vary", "")
    for number in range(5):
        await house.make_link(title=f"Link {number}")
    long, raw = await ask(client, "/api/v1/links", "br")
    assert long.headers["content-encoding"] == "br"
    assert len(unpack(long, raw)) > 3 * len(raw)
    assert "accept-encoding" in long.headers["vary"]


async def test_a_very_long_answer_is_compressed_beside_the_loop(house: House) -> None:
    client = await house.make_client()
    for _ in range(100):
        await house.make_link(description="words " * 300)
    answer, raw = await ask(client, "/api/v1/links?limit=100", "gzip")
    assert len(unpack(answer, raw)) > 131_072
    assert answer.headers["content-encoding"] == "gzip"


async def test_a_visit_is_never_compressed(house: House) -> None:
    await house.make_link(slug="plain")
    await house.make_link(slug="closed", password="open sesame")
    async with make_client(house.app) as client:
        for path in ("/plain", "/plain+", "/closed", "/nothing-here", "/"):
            answer, _ = await ask(client, path, "br, gzip")
            assert "content-encoding" not in answer.headers, path
            assert "accept-encoding" not in answer.headers.get("vary", ""), path


async def test_a_tag_of_a_compressed_picture_is_weak_and_known_again(house: House) -> None:
    link = await house.make_link()
    owned = await house.make_client()
    created = await owned.patch(f"/api/v1/links/{link.id}", json={"qrCode": {}})
    assert created.status_code == 200, created.text
    async with make_client(house.app) as client:
        path = f"/qr/{link.slug}.svg"
        plain, written = await ask(client, path, "identity")
        packed, raw = await ask(client, path, "br")
        assert plain.status_code == 200
        assert packed.headers["etag"] == f"W/{plain.headers['etag']}"
        assert unpack(packed, raw) == written
        known = {"if-none-match": packed.headers["etag"], "accept-encoding": "br"}
        unchanged = await client.get(path, headers=known)
        assert unchanged.status_code == 304
        assert unchanged.headers["etag"] == packed.headers["etag"]
        assert "accept-encoding" in unchanged.headers["vary"]
        png, _ = await ask(client, f"/qr/{link.slug}.png", "br")
        assert "content-encoding" not in png.headers


async def test_a_download_is_compressed_as_it_is_written(house: House, owner: Browser) -> None:
    for number in range(20):
        await house.make_link(title=f"Link {number}")
    answer, raw = await ask(owner.client, "/app/export/links.ndjson", "br, gzip")
    assert answer.headers["content-encoding"] == "gzip"
    assert zlib.decompress(raw, 31).count(b"\n") >= 20
    plain, written = await ask(owner.client, "/app/export/links.ndjson", "identity")
    assert "content-encoding" not in plain.headers
    assert zlib.decompress(raw, 31) == written


async def test_a_page_that_shows_a_secret_is_not_compressed(owner: Browser) -> None:
    sent = {"form_token": owner.token, "name": "Mine", "scope": "read"}
    request = owner.client.build_request(
        "POST", "/app/tokens", data=sent, headers={"accept-encoding": "br"}
    )
    answer = await owner.client.send(request)
    assert "shorty_" in answer.text
    assert len(answer.text) > SMALLEST
    assert "content-encoding" not in answer.headers
    assert answer.headers["cache-control"] == "no-store, no-transform"
