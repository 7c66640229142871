"""Large public documents: one copy, compressed once, identified by an ETag."""

from typing import Final

import httpx
import pytest

from shorty.webcore.documents import PLAIN_FOR_ONE, is_known, list_encodings
from tests.api.house import House
from tests.rsgi_client import make_client
from tests.support import MINUTE

DOCUMENTS: Final = ("/api/v1/openapi.json", "/api/v1/docs")


async def ask(house: House, path: str, **headers: str) -> httpx.Response:
    """Its content is decompressed; the headers are those that were sent."""
    async with make_client(house.app) as client:
        del client.headers["accept-encoding"]
        return await client.get(
            path, headers={name.replace("_", "-"): value for name, value in headers.items()}
        )


def find_encoding(answer: httpx.Response) -> str:
    return answer.headers.get("content-encoding", "")


@pytest.mark.parametrize("path", DOCUMENTS)
async def test_a_document_comes_in_the_smallest_form_that_its_reader_takes(
    house: House, path: str
) -> None:
    plain = await ask(house, path)
    packed = await ask(house, path, accept_encoding="gzip, deflate;q=0.5")
    smallest = await ask(house, path, accept_encoding="gzip, deflate, br, zstd")
    forms = (plain, packed, smallest)
    assert [find_encoding(each) for each in forms] == ["", "gzip", "br"]
    assert len({each.content for each in forms}) == 1
    sizes = [int(each.headers["content-length"]) for each in forms]
    assert sizes[0] > 8 * sizes[1] > 8 * sizes[2]
    assert len({each.headers["etag"] for each in forms}) == 3
    assert all(each.headers["vary"] == "accept-encoding" for each in forms)
    assert all(each.headers["cache-control"] == "no-cache" for each in forms)


@pytest.mark.parametrize("path", DOCUMENTS)
async def test_what_a_reader_has_already_is_not_sent_again(house: House, path: str) -> None:
    tag = (await ask(house, path, accept_encoding="br")).headers["etag"]
    again = await ask(house, path, accept_encoding="br", if_none_match=f'"other", W/{tag}')
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == tag
    assert again.headers["vary"] == "accept-encoding"
    assert (await ask(house, path, if_none_match=tag)).status_code == 200


async def test_long_documents_are_sent_uncompressed_within_a_budget(house: House) -> None:
    path = DOCUMENTS[0]
    for _ in range(PLAIN_FOR_ONE):
        assert find_encoding(await ask(house, path)) == ""
    assert find_encoding(await ask(house, path)) == "gzip"
    house.clock[0] += MINUTE
    assert find_encoding(await ask(house, path)) == ""


@pytest.mark.parametrize(
    ("header", "accepted"),
    [
        ("", set[str]()),
        ("gzip", {"gzip"}),
        ("GZIP;Q=1.0 , br; q=0.001", {"gzip", "br"}),
        ("gzip;q=0, br;q=0.000", set[str]()),
        ("notgzip", {"notgzip"}),
    ],
)
def test_an_encoding_is_taken_where_it_is_named_and_not_refused(
    header: str, accepted: set[str]
) -> None:
    assert list_encodings(header) - {""} == accepted


@pytest.mark.parametrize(
    ("header", "known"),
    [("*", True), ('"a"', True), ('W/"a"', True), ('"b","a"', True), ("a", False), ("", False)],
)
def test_a_tag_is_known_in_whatever_list(header: str, *, known: bool) -> None:
    assert is_known(header, b'"a"') == known
