"""Every operation in the OpenAPI document, called by people without permission.

A new operation is covered as soon as it is declared. If its path names a new kind of object, the
test fails until `furnish` creates one.
"""

import re
from typing import Any, Final, cast

import httpx
import pytest

from shorty.accounts.model import Scope
from tests.api.house import House
from tests.api.test_openapi import EACH, Told, name_operation
from tests.security.furnished import Ids, assert_rows_remain, describe_database
from tests.support import make_home

NAMES: Final = re.compile(r"\{(\w+)\}")
SCOPES: Final[tuple[Scope, ...]] = ("read", "write", "admin")

# The fields of bodies that name objects of a workspace.
ID_FIELDS: Final = {
    "tagIds": "tag_id",
    "tagId": "tag_id",
    "uniqueTagId": "tag_id",
    "qrLogoId": "logo_id",
    "logoId": "logo_id",
    "ids": "link_id",
    "linkId": "link_id",
    "linkIds": "link_id",
    "linkInBioId": "page_id",
    "bioPageId": "page_id",
    "avatarId": "picture_id",
    "pictureId": "picture_id",
    "blockIds": "block_id",
    "order": "block_id",
    "domainId": "domain_id",
    "templateId": "template_id",
    "userId": "user_id",
    "id": "link_id",
}

HAS_NAMES: Final = [told for told in EACH if NAMES.search(told.path)]
HAS_NONE: Final = [told for told in EACH if told not in HAS_NAMES]


def choose(operations: list[Told]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("told", operations, ids=name_operation)


def find_scope(told: Told) -> Scope:
    found = re.search(r"scope `(\w+)`", told.operation["description"])
    assert found, f"{told.method} {told.path} says no scope: may everybody call it?"
    return next(scope for scope in SCOPES if scope == found[1])


def snake(name: str) -> str:
    return re.sub("([A-Z])", r"_\1", name).lower()


def fill_path(told: Told, ids: Ids) -> str:
    for name in NAMES.findall(told.path):
        assert snake(name) in ids, f"furnish() creates nothing for {{{name}}} yet"
    return NAMES.sub(lambda found: ids[snake(found[1])], told.path)


def find_example(told: Told) -> Any:
    content = told.operation.get("requestBody", {}).get("content", {})
    return content.get("application/json", {}).get("example")


def list_names(example: Any) -> set[str]:
    if isinstance(example, list):
        return {name for each in cast("list[Any]", example) for name in list_names(each)}
    if isinstance(example, dict):
        members = cast("dict[str, Any]", example)
        return set(members) | list_names(list(members.values()))
    return set()


def find_id_fields(example: Any) -> set[str]:
    return list_names(example) & set(ID_FIELDS)


async def call(
    client: httpx.AsyncClient, told: Told, ids: Ids, body: object | None = None
) -> httpx.Response:
    json = find_example(told) if body is None else body
    return await client.request(told.method, fill_path(told, ids), json=json)


@pytest.fixture(scope="module")
async def shared_stranger(shared_house: House) -> httpx.AsyncClient:
    return await make_stranger(shared_house)


@pytest.fixture
async def stranger(house: House) -> httpx.AsyncClient:
    return await make_stranger(house)


async def make_stranger(house: House) -> httpx.AsyncClient:
    """The owner of another workspace."""
    home = await make_home(house.app.db, house.app.config, "eve@b.example")
    return await house.make_client(home=home)


@choose(EACH)
async def test_nobody_calls_it_without_a_token(told: Told, shared_house: House, ids: Ids) -> None:
    before = await describe_database(shared_house)
    for token in ("", "shorty_" + "x" * 43):
        answer = await call(await shared_house.make_client(token=token), told, ids)
        assert answer.status_code == 401, answer.text
        assert "anneliese" not in answer.text.lower()
    assert await describe_database(shared_house) == before


@choose(EACH)
async def test_a_token_of_a_lower_scope_is_refused(
    told: Told, shared_house: House, ids: Ids
) -> None:
    for scope in SCOPES[: SCOPES.index(find_scope(told))]:
        client = await shared_house.make_client(scope=scope)
        before = await describe_database(shared_house)
        answer = await call(client, told, ids)
        assert answer.status_code == 403, answer.text
        assert await describe_database(shared_house) == before


@choose(EACH)
async def test_a_token_of_its_scope_reaches_its_own(told: Told, house: House, ids: Ids) -> None:
    """Otherwise the refusals above would prove nothing about permissions."""
    client = await house.make_client(scope=find_scope(told))
    answer = await call(client, told, ids)
    assert answer.status_code not in {401, 403}, answer.text
    if told.method == "GET":
        assert answer.status_code == 200, answer.text


@choose(HAS_NAMES)
async def test_another_workspace_finds_nothing_of_it(
    told: Told, shared_house: House, shared_stranger: httpx.AsyncClient, ids: Ids
) -> None:
    before = await describe_database(shared_house)
    answer = await call(shared_stranger, told, ids)
    assert answer.status_code == 404, answer.text
    assert "anneliese" not in answer.text.lower()
    assert await describe_database(shared_house) == before


@choose(HAS_NONE)
async def test_another_workspace_reaches_its_own_alone(
    told: Told, house: House, stranger: httpx.AsyncClient, ids: Ids
) -> None:
    before = await describe_database(house)
    answer = await call(stranger, told, ids)
    assert "anneliese" not in answer.text.lower()
    assert_rows_remain(before, await describe_database(house))


@choose([told for told in EACH if find_id_fields(find_example(told))])
async def test_another_workspaces_ids_in_a_body_are_unknown(
    told: Told, house: House, stranger: httpx.AsyncClient, ids: Ids
) -> None:
    theirs = _put_ids_in(find_example(told), ids)
    before = await describe_database(house)
    answer = await call(stranger, told, ids, theirs)
    assert "anneliese" not in answer.text.lower()
    assert_rows_remain(before, await describe_database(house))


def _put_ids_in(example: Any, ids: Ids) -> Any:
    """The same body with another workspace's ids in every field that names one."""
    if isinstance(example, list):
        return [_put_ids_in(each, ids) for each in cast("list[Any]", example)]
    if not isinstance(example, dict):
        return example
    members = cast("dict[str, Any]", example)
    return {name: _replace_id(name, value, ids) for name, value in members.items()}


def _replace_id(name: str, value: Any, ids: Ids) -> Any:
    if name not in ID_FIELDS or value is None:
        return _put_ids_in(value, ids)
    theirs = ids[ID_FIELDS[name]]
    if isinstance(value, list):
        return [theirs]
    return int(theirs) if isinstance(value, int) else theirs


def test_every_id_that_a_body_takes_is_known_here() -> None:
    found = {name for told in EACH for name in list_names(find_example(told))}
    ids = {name for name in found if re.search(r"(?:Id|Ids)$|^ids?$", name)}
    others = {"utmId", "metaPixelId", "googleTagId", "gtmContainerId"}
    assert ids - others <= set(ID_FIELDS)
