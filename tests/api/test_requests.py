import httpx
import pytest

from shorty.webcore.errors import MalformedRequestError, UnsupportedMediaTypeError
from shorty.webcore.requests import BODY_LIMIT, check_media_type, decode_form, decode_object

TOKENS = "/api/v1/tokens"


@pytest.mark.parametrize(
    ("body", "hint"),
    [
        (b"", "truncated"),
        (b"{", "truncated"),
        (b'{"a": 1,}', "byte"),
        (b"\xff", "byte 0"),
        (b'{"a": "\xff"}', "not JSON"),
        (b"[" * 100_000, "nested too deeply"),
        (b"[]", "must be a JSON object"),
        (b"null", "must be a JSON object"),
        (b'"text"', "must be a JSON object"),
    ],
)
def test_what_is_no_object_is_refused_with_the_place(body: bytes, hint: str) -> None:
    with pytest.raises(MalformedRequestError, match=hint):
        decode_object(body)


def test_a_byte_order_mark_before_json_is_skipped() -> None:
    assert decode_object(b'\xef\xbb\xbf{"a": "\xef\xbb\xbf"}') == {"a": "\ufeff"}


async def test_json_behind_a_byte_order_mark_is_no_form(client: httpx.AsyncClient) -> None:
    """As `curl --data-binary @file` sends a file saved by a Windows editor."""
    content = b'\xef\xbb\xbf{"url": "https://example.com/", "domain": "go.example"}'
    for kind in ("application/json", "application/x-www-form-urlencoded"):
        answer = await client.post("/api/v1/links", content=content, headers={"content-type": kind})
        assert answer.status_code == 201, answer.text


@pytest.mark.parametrize(
    ("content_type", "takes_forms", "is_form"),
    [
        (None, False, False),
        ("application/json", False, False),
        ("Application/JSON; charset=utf-8", False, False),
        ("application/merge-patch+json", False, False),
        ("application/x-www-form-urlencoded;charset=UTF-8", True, True),
    ],
)
def test_the_media_type_tells_a_form_from_json(
    content_type: str | None, *, takes_forms: bool, is_form: bool
) -> None:
    assert check_media_type(content_type, takes_forms=takes_forms) is is_form


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", "multipart/form-data"])
def test_other_media_types_are_refused(content_type: str) -> None:
    with pytest.raises(UnsupportedMediaTypeError):
        check_media_type(content_type, takes_forms=True)


def test_a_form_is_refused_where_only_json_is_taken() -> None:
    with pytest.raises(UnsupportedMediaTypeError, match="send application/json"):
        check_media_type("application/x-www-form-urlencoded", takes_forms=False)


def test_a_form_is_read_with_its_repeated_and_empty_fields() -> None:
    assert decode_form(b"a=1&b=%C3%BC+x&a=1&c=&a=3") == {
        "a": ["1", "1", "3"],
        "b": "ü x",
        "c": "",
    }
    with pytest.raises(MalformedRequestError):
        decode_form(b"a=%ff")


async def test_a_body_that_is_too_large_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.post(TOKENS, content=b" " * (BODY_LIMIT + 1))
    assert (answer.status_code, answer.json()["code"]) == (413, "body-too-large")
    assert "1,048,576 bytes" in answer.json()["detail"]


async def test_a_body_of_the_wrong_kind_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.post(TOKENS, content=b"{}", headers={"content-type": "text/plain"})
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported-media-type")


async def test_a_body_that_is_no_json_is_refused_with_the_place(client: httpx.AsyncClient) -> None:
    answer = await client.post(TOKENS, content=b'{"name": }')
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed-request")
    assert "byte 9" in answer.json()["detail"]


@pytest.mark.parametrize("token_id", ["x", "-1", "1.0", "99999999999999999999", "%F0%9F%98%80"])
async def test_an_id_that_cannot_be_any_is_not_found(
    client: httpx.AsyncClient, token_id: str
) -> None:
    answer = await client.get(f"{TOKENS}/{token_id}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not-found")


async def test_an_empty_parameter_is_one_left_out(client: httpx.AsyncClient) -> None:
    answer = await client.get(f"{TOKENS}?limit=&cursor=")
    assert [token["id"] for token in answer.json()["tokens"]] == ["1"]


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "cursor=x", "cursor=-1"])
async def test_a_page_that_cannot_be_is_refused(client: httpx.AsyncClient, query: str) -> None:
    answer = await client.get(f"{TOKENS}?{query}")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-fields")
    assert list(answer.json()["fields"]) == [query.partition("=")[0]]
