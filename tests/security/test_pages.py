"""Every declared page and form of the dashboard, used by people without permission.

A new page is covered as soon as it is declared. If its path names a new kind of object, the test
fails until `furnish` creates one.
"""

import re
from typing import Final, NamedTuple

import httpx
import pytest

from shorty.accounts.model import Scope
from shorty.web.app import PAGES
from shorty.web.cookies import FORMS
from shorty.web.guard import find_rule
from shorty.webcore.drafts import Draft
from tests.api.house import House
from tests.rsgi_client import make_client
from tests.security.furnished import Ids, assert_rows_remain, describe_database
from tests.support import make_home
from tests.web.browser import Browser
from tests.web.people import make_member, sign_in_at
from tests.web.test_imports import send_file, wait_for_job

NAMES: Final = re.compile(r"\{(\w+):str\}")
# The manual, which is the same for everybody who is signed in.
OF_EVERYBODY: Final = {"/help/{chapter:str}", "/help/pictures/{picture:str}"}
FIELDS: Final = {"role": "viewer"}  # read before the permission is checked
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


class People(NamedTuple):
    """People who are signed in; the stranger owns another workspace."""

    owner: Browser
    editor: Browser
    viewer: Browser
    stranger: Browser


@pytest.fixture(scope="module")
async def people(shared_house: House) -> People:
    house = shared_house
    eve = await make_home(house.app.db, house.app.config, "eve@b.example")
    return People(
        owner=await sign_in_at(house, house.home),
        editor=await sign_in_at(house, await make_member(house, "editor", "eda@a.example")),
        viewer=await sign_in_at(house, await make_member(house, "viewer", "vic@a.example")),
        stranger=await sign_in_at(house, eve),
    )


@pytest.fixture(scope="module")
async def names(shared_house: House, people: People, ids: Ids) -> Ids:
    """The ids of the furnished workspace, of an import and an action that its owner began, and of a
    form that they sent after their session had ended.
    """
    begun = await send_file(people.owner)
    await wait_for_job(shared_house)
    home, services = shared_house.home, shared_house.app.services
    action = await services.bulk_jobs.start(await shared_house.make_actor(), "restore", [])
    draft = Draft(
        user_id=home.user.id,
        workspace_id=home.workspace.id,
        browser=people.owner.client.cookies[FORMS],
        page="/app/tags",
        action="/app/tags",
        fields={"name": ("Annelieses words",)},
        kept_at=shared_house.now,
    )
    key = await services.drafts.keep(draft)
    assert key
    return {
        **ids,
        "job_id": begun.headers["location"].rpartition("/")[2],
        "action_id": action.id,
        "key": key,
    }


def fill_path(page: Page, names: Ids) -> str:
    for name in NAMES.findall(page.path):
        assert name in names, f"furnish() creates nothing for {{{name}}} yet"
    return "/app" + NAMES.sub(lambda found: names[found[1]], page.path)


async def go(browser: Browser, page: Page, path: str) -> httpx.Response:
    if page.method == "GET":
        return await browser.open(path)
    return await browser.send(path, FIELDS)


@pytest.mark.parametrize("page", choose(is_closed=True), ids=name_page)
async def test_who_is_signed_out_is_asked_to_sign_in(
    page: Page, shared_house: House, names: Ids
) -> None:
    before = await describe_database(shared_house)
    async with make_client(shared_house.app) as client:
        answer = await go(Browser(client), page, fill_path(page, names))
    assert answer.status_code == 303
    assert answer.headers["location"].partition("?")[0] == SIGN_IN
    assert await describe_database(shared_house) == before


@pytest.mark.parametrize("page", choose(method="POST"), ids=name_page)
async def test_a_form_without_a_token_of_its_own_is_refused(
    page: Page, shared_house: House, people: People, names: Ids
) -> None:
    before = await describe_database(shared_house)
    for token in ("", "0" * 64, people.stranger.token):
        answer = await people.owner.send(fill_path(page, names), token=token)
        assert answer.status_code == 403, f"with {token!r}"
    assert await describe_database(shared_house) == before


@pytest.mark.parametrize(
    "page", [page for page in EACH if page.needs in {"write", "admin"}], ids=name_page
)
async def test_a_viewer_changes_nothing(
    page: Page, shared_house: House, people: People, names: Ids
) -> None:
    before = await describe_database(shared_house)
    answer = await go(people.viewer, page, fill_path(page, names))
    assert answer.status_code == 403
    assert await describe_database(shared_house) == before


@pytest.mark.parametrize("page", [page for page in EACH if page.needs == "admin"], ids=name_page)
async def test_an_editor_manages_nothing(
    page: Page, shared_house: House, people: People, names: Ids
) -> None:
    before = await describe_database(shared_house)
    answer = await go(people.editor, page, fill_path(page, names))
    assert answer.status_code == 403
    assert await describe_database(shared_house) == before


@pytest.mark.parametrize(
    "page",
    [page for page in choose(is_closed=True, has_names=True) if page.path not in OF_EVERYBODY],
    ids=name_page,
)
async def test_another_workspace_finds_nothing_of_it(
    page: Page, shared_house: House, people: People, names: Ids
) -> None:
    before = await describe_database(shared_house)
    answer = await go(people.stranger, page, fill_path(page, names))
    assert answer.status_code == 404
    assert "anneliese" not in answer.text.lower()
    assert await describe_database(shared_house) == before


@pytest.mark.parametrize("page", choose(method="GET", is_closed=True), ids=name_page)
async def test_another_workspace_sees_nothing_of_it_anywhere(
    page: Page, shared_house: House, people: People, names: Ids
) -> None:
    before = await describe_database(shared_house)
    answer = await people.stranger.open(fill_path(page, names))
    assert "anneliese" not in answer.text.lower()
    assert_rows_remain(before, await describe_database(shared_house))


@pytest.mark.parametrize("page", choose(method="GET", is_closed=True), ids=name_page)
async def test_its_owner_gets_in(page: Page, people: People, names: Ids) -> None:
    """Otherwise the refusals above would prove nothing about permissions."""
    if page.path.endswith("/live"):
        return
    answer = await people.owner.open(fill_path(page, names))
    assert answer.status_code not in {401, 403}, answer.text
    assert not answer.headers.get("location", "").startswith(SIGN_IN)
