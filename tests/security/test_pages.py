"""Every page and form of the dashboard, as it is declared, opened and sent by those who may not.

A new page is covered as soon as it is declared. One whose path names something new fails here until
`furnish` creates one of it.
"""

import re
from typing import Final, NamedTuple

import httpx
import pytest

from shorty.accounts.model import Scope
from shorty.web.app import PAGES
from shorty.web.doors import find_rule
from tests.api.house import House
from tests.rsgi_client import make_client
from tests.security.furnished import Ids, assert_rows_remain, describe_database
from tests.web.browser import Browser
from tests.web.test_imports import send_file, wait_for_job

NAMES: Final = re.compile(r"\{(\w+):str\}")
FIELDS: Final = {"role": "viewer"}  # what is read before it is known for whom
SIGN_IN: Final = "/app/sign-in"


class Page(NamedTuple):
    method: str
    path: str
    needs: Scope | None


EACH: Final = [
    Page("POST" if "POST" in handler.http_methods else "GET", path, find_rule(handler).needs)
    for handler in PAGES
    for path in sorted(handler.paths)
]


def name_page(page: Page) -> str:
    return f"{page.method} {page.path}"


def choose(*, method: str = "", is_closed: bool = False, has_names: bool = False) -> list[Page]:
    return [
        page
        for page in EACH
        if method in {"", page.method}
        and (page.needs is not None or not is_closed)
        and (NAMES.search(page.path) is not None or not has_names)
    ]


async def fill_path(page: Page, house: House, owner: Browser, ids: Ids) -> str:
    """With the ids of the furnished workspace, and of an import that its owner has begun."""
    names = dict(ids)
    if "{job_id:str}" in page.path:
        names["job_id"] = (await send_file(owner)).headers["location"].rpartition("/")[2]
        await wait_for_job(house)
    for name in NAMES.findall(page.path):
        assert name in names, f"furnish() creates nothing for {{{name}}} yet"
    return "/app" + NAMES.sub(lambda found: names[found[1]], page.path)


async def go(browser: Browser, page: Page, path: str) -> httpx.Response:
    if page.method == "GET":
        return await browser.open(path)
    return await browser.send(path, FIELDS)


@pytest.mark.parametrize("page", choose(is_closed=True), ids=name_page)
async def test_who_is_signed_out_is_asked_to_sign_in(
    page: Page, house: House, owner: Browser, ids: Ids
) -> None:
    path = await fill_path(page, house, owner, ids)
    before = await describe_database(house)
    async with make_client(house.app) as client:
        answer = await go(Browser(client), page, path)
    assert answer.status_code == 303
    assert answer.headers["location"].partition("?")[0] == SIGN_IN
    assert await describe_database(house) == before


@pytest.mark.parametrize("page", choose(method="POST"), ids=name_page)
@pytest.mark.parametrize("token", ["", "0" * 64])
async def test_a_form_without_its_token_is_refused(
    page: Page, house: House, owner: Browser, ids: Ids, token: str
) -> None:
    path = await fill_path(page, house, owner, ids)
    before = await describe_database(house)
    answer = await owner.send(path, token=token)
    assert answer.status_code == 403
    assert await describe_database(house) == before


@pytest.mark.parametrize("page", choose(method="POST"), ids=name_page)
async def test_a_form_with_the_token_of_somebody_else_is_refused(
    page: Page, house: House, owner: Browser, stranger: Browser, ids: Ids
) -> None:
    path = await fill_path(page, house, owner, ids)
    before = await describe_database(house)
    answer = await owner.send(path, token=stranger.token)
    assert answer.status_code == 403
    assert await describe_database(house) == before


@pytest.mark.parametrize(
    "page", [page for page in EACH if page.needs in {"write", "admin"}], ids=name_page
)
async def test_a_viewer_changes_nothing(
    page: Page, house: House, owner: Browser, viewer: Browser, ids: Ids
) -> None:
    path = await fill_path(page, house, owner, ids)
    before = await describe_database(house)
    answer = await go(viewer, page, path)
    assert answer.status_code == 403
    assert await describe_database(house) == before


@pytest.mark.parametrize("page", [page for page in EACH if page.needs == "admin"], ids=name_page)
async def test_an_editor_manages_nothing(
    page: Page, house: House, owner: Browser, editor: Browser, ids: Ids
) -> None:
    path = await fill_path(page, house, owner, ids)
    before = await describe_database(house)
    answer = await go(editor, page, path)
    assert answer.status_code == 403
    assert await describe_database(house) == before


@pytest.mark.parametrize("page", choose(is_closed=True, has_names=True), ids=name_page)
async def test_another_workspace_finds_nothing_of_it(
    page: Page, house: House, owner: Browser, stranger: Browser, ids: Ids
) -> None:
    path = await fill_path(page, house, owner, ids)
    before = await describe_database(house)
    answer = await go(stranger, page, path)
    assert answer.status_code == 404
    assert "anns" not in answer.text.lower()
    assert await describe_database(house) == before


@pytest.mark.parametrize("page", choose(method="GET", is_closed=True), ids=name_page)
async def test_another_workspace_sees_nothing_of_it_anywhere(
    page: Page, house: House, owner: Browser, stranger: Browser, ids: Ids
) -> None:
    if page.path.endswith("/live") or NAMES.search(page.path):
        path = await fill_path(page, house, owner, ids)
    else:
        path = f"/app{page.path}"
    before = await describe_database(house)
    answer = await stranger.open(path)
    assert "anns" not in answer.text.lower()
    assert_rows_remain(before, await describe_database(house))


@pytest.mark.parametrize("page", choose(method="GET", is_closed=True), ids=name_page)
async def test_its_owner_gets_in(page: Page, house: House, owner: Browser, ids: Ids) -> None:
    """Else the refusals above would say nothing of who asks."""
    if page.path.endswith("/live"):
        return
    answer = await owner.open(await fill_path(page, house, owner, ids))
    assert answer.status_code not in {401, 403}, answer.text
    assert not answer.headers.get("location", "").startswith(SIGN_IN)
