"""Every declared form, sent after its session has ended: nothing is done, and nothing is lost.

A new form is covered as soon as it is declared: the pages are searched for it.
"""

import re
from importlib import resources
from typing import Final
from urllib.parse import unquote

import httpx
import pytest

from shorty.accounts.sessions import end_session
from shorty.web.cookies import SESSION
from shorty.web.form_tokens import TOKEN
from shorty.web.lost_forms import UNKEPT
from shorty.web.rendering import TEMPLATES
from tests.api.house import House
from tests.security.furnished import Ids, describe_database
from tests.security.lost_forms import (
    SECRET,
    PageForm,
    fill_in,
    list_actions,
    list_forms,
    read_fields,
)
from tests.security.test_pages import EACH, NAMES, Page, fill_path, name_page, names, people
from tests.web.browser import Browser
from tests.web.people import sign_in_at

__all__ = ["names", "people"]

POSTS: Final = [page for page in EACH if page.method == "POST" and page.needs is not None]
UNPAGED: Final = ("/live", ".svg", ".png", ".zip", ".ndjson", ".csv", "/preview", "/check")
# Without a Referer, their forms are looked for on another page that has one like them: the form of
# a duplicate comes back as that of a new link, which has no rules to copy.
ELSEWHERE: Final = {"/links/many", "/links"}
PLACE: Final = resources.files("shorty.web").joinpath("templates")
SECRET_FIELD: Final = re.compile(
    r'(?:<input|ui\.field)[^>}]*(?:type="password"|one-time-code|name="(?:key|secret)")[^>}]*'
)
NAME: Final = re.compile(r'(?:name="|ui\.field\(")([a-z_]+)"')
WORDS: Final = "Typed where no form is & <kept>"
MOST_STEPS: Final = 8  # a form without a Referer is looked for level by level


class Lost:
    """What came of a form: the address after signing in, and the page there."""

    def __init__(self, way: str, answer: httpx.Response) -> None:
        self.way = way
        self.answer = answer


@pytest.fixture(scope="module")
async def forms(shared_house: House, names: Ids) -> list[PageForm]:
    """All that the pages have, filled in."""
    owner = await sign_in_at(shared_house, shared_house.home)
    found: list[PageForm] = []
    for page in EACH:
        if page.method == "POST" or page.needs is None or page.path.endswith(UNPAGED):
            continue
        path = fill_path(page, names)
        answer = await owner.open(path)
        if answer.status_code == 200 and answer.headers["content-type"].startswith("text/html"):
            found += [
                fill_in(path, form, action)
                for form in list_forms(path, answer.text)
                for action in list_actions(form)
            ]
    return found


def find_form(forms: list[PageForm], page: Page) -> PageForm | None:
    """The one with the most fields, which no other form is like."""
    pattern = re.compile("/app" + NAMES.sub(r"[^/]+", page.path))
    those = [form for form in forms if pattern.fullmatch(form.action)]
    return max(those, key=lambda each: len(each.fields), default=None)


async def lose_session(house: House, browser: Browser) -> None:
    rows = await house.app.db.find_all("select max(id) as id from sessions")
    await house.app.db.write(
        lambda tx: end_session(tx, house.home.user.id, rows[0]["id"], house.now)
    )


async def send_and_return(house: House, form: PageForm, *, has_referer: bool) -> Lost:
    """The form is sent after its session has ended; its person signs in again in that browser."""
    browser = await sign_in_at(house, house.home)
    await browser.open(form.page)
    await lose_session(house, browser)
    before = await describe_database(house)
    headers = {"origin": "http://localhost:8000"}
    if has_referer:
        headers["referer"] = f"http://localhost:8000{form.page}"
    data = {**form.fields, TOKEN: browser.token}
    sent = await browser.client.post(form.action, data=data, headers=headers)
    assert await describe_database(house) == before
    assert sent.status_code == 303, sent.text
    way = unquote(sent.headers["location"].partition("?next=")[2])
    assert way.startswith("/app/drafts/"), sent.headers["location"]
    signed_in = await sign_in_at(house, house.home)
    browser.client.cookies.set(SESSION, signed_in.client.cookies[SESSION])
    before = await describe_database(house)
    answer = await follow(browser, way)
    assert await describe_database(house) == before
    return Lost(way, answer)


async def follow(browser: Browser, way: str) -> httpx.Response:
    answer = await browser.open(way)
    for _ in range(MOST_STEPS):
        if answer.status_code != 303:
            return answer
        answer = await browser.open(answer.headers["location"])
    raise AssertionError(f"{way} leads in a circle")


@pytest.mark.parametrize("has_referer", [True, False], ids=["referer", "no-referer"])
@pytest.mark.parametrize("page", POSTS, ids=name_page)
async def test_a_form_comes_back_as_it_was_typed(
    page: Page, shared_house: House, forms: list[PageForm], names: Ids, *, has_referer: bool
) -> None:
    form = find_form(forms, page)
    if form is None:
        path = fill_path(page, names)
        fields = {"words": [WORDS], "password": [SECRET]}
        form = PageForm("/app/tags", path, fields, has_secrets=True)
        lost = await send_and_return(shared_house, form, has_referer=has_referer)
        assert "Typed where no form is &amp; &lt;kept&gt;" in lost.answer.text
        assert SECRET not in lost.answer.text
        return
    lost = await send_and_return(shared_house, form, has_referer=has_referer)
    assert "You were signed out before" in lost.answer.text
    assert SECRET not in lost.answer.text
    assert ("passwords" in lost.answer.text) >= form.has_secrets
    found = [
        read_fields(each)
        for each in list_forms(form.page, lost.answer.text)
        if form.action in list_actions(each)
    ]
    wanted = {name: values for name, values in form.fields.items() if name not in UNKEPT}
    kept = form.names - UNKEPT
    shown = [{name: values for name, values in each.items() if name in kept} for each in found]
    if has_referer or page.path not in ELSEWHERE:
        assert wanted in shown
    else:
        assert {name: values for name, values in wanted.items() if name in shown[0]} in shown


def test_every_field_for_a_secret_is_one_that_is_never_kept() -> None:
    """Of all templates, also of pages that no test opens."""
    tags = [
        tag
        for template in TEMPLATES.list_templates()
        for tag in SECRET_FIELD.findall((PLACE / template).read_text())
    ]
    assert len(tags) > 10
    names = [name for tag in tags for name in NAME.findall(tag)]
    assert len(names) == len(tags)
    assert set(names) <= UNKEPT
