"""A form that is sent after its session has ended: kept for its person, and for nobody else."""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import unquote

import httpx
import pytest

from shorty.accounts.second_factor import begin_second_factor, confirm_second_factor
from shorty.accounts.service import Home, create_workspace, list_workspaces, set_password
from shorty.accounts.sessions import end_other_sessions, switch_workspace
from shorty.accounts.totp import STEP_MS, compute_code
from shorty.durations import HOUR_MS
from shorty.links.service import delete_link, find_links
from shorty.links.tags import list_tags
from shorty.passwords import hash_password
from shorty.web.cookies import FORMS, SESSION
from shorty.web.form_tokens import TOKEN
from shorty.webcore.drafts import LARGEST, PER_PERSON
from tests.api.house import House
from tests.rsgi_client import make_client
from tests.support import break_table, make_home
from tests.web.browser import Browser, read_text
from tests.web.conftest import SignIn
from tests.web.test_drafts import count_drafts

PASSWORD: Final = "correct horse"
HERE: Final = "http://localhost:8000"
TAGS: Final = "/app/tags"
TYPED: Final = {"name": "Leaves & <snow>"}
LINK: Final = {
    "whole": "1",
    "url": "https://example.com/autumn?a=1&b=2",
    "title": "Says “hello” & <bye>",
    "tags": "autumn, sale",
    "description": "\nTwo\nlines",
    "password": "open sesame",
    "status": "307",
}


@pytest.fixture
async def ann(house: House, sign_in: SignIn) -> Browser:
    """The owner, with a password to come back with."""
    kept = await hash_password(PASSWORD)
    await house.app.db.write(lambda tx: set_password(tx, "ann@a.example", kept, house.now))
    return await sign_in(house.home)


async def end_sessions(house: House) -> None:
    await house.app.db.write(lambda tx: end_other_sessions(tx, house.home.user.id, 0, house.now))


async def send_late(
    house: House, browser: Browser, path: str, fields: Mapping[str, str], **headers: str
) -> str:
    """Ends the sessions, sends the form; returns where signing in leads to."""
    await end_sessions(house)
    answer = await browser.client.post(path, data={TOKEN: browser.token, **fields}, headers=headers)
    assert answer.status_code == 303, answer.text
    way, _, after = answer.headers["location"].partition("?next=")
    assert way == "/app/sign-in"
    return unquote(after)


async def sign_in_again(browser: Browser, way: str) -> httpx.Response:
    await browser.open(f"/app/sign-in?next={way}")
    right = {"email": "ann@a.example", "password": PASSWORD, "next": way}
    return await follow(browser, await browser.send("/app/sign-in", right))


async def follow(browser: Browser, answer: httpx.Response) -> httpx.Response:
    for _ in range(5):
        if answer.status_code != 303:
            return answer
        answer = await browser.open(answer.headers["location"])
    raise AssertionError("leads in a circle")


async def test_signing_in_gives_the_form_back_and_sending_it_again_works(
    house: House, ann: Browser
) -> None:
    await ann.open("/app/links/new")
    way = await send_late(house, ann, "/app/links", LINK, referer=f"{HERE}/app/links/new")
    waiting = read_text((await ann.open(f"/app/sign-in?next={way}")).text)
    assert "You were signed out before your form was sent." in waiting
    assert "except for passwords" in waiting
    page = await sign_in_again(ann, way)
    assert page.request.url.path == "/app/links/new"
    assert 'value="https://example.com/autumn?a=1&amp;b=2"' in page.text
    assert 'value="Says “hello” &amp; &lt;bye&gt;"' in page.text
    assert ">\n\nTwo\nlines</textarea>" in page.text
    assert re.search('<option value="307"[^>]* selected>', page.text)
    assert "open sesame" not in page.text
    assert "Not kept, so enter again: passwords." in read_text(page.text)
    assert await find_links(house.app.services.links, await house.make_actor(), [1]) == []
    assert (await ann.send("/app/links", LINK)).status_code == 303
    found = await find_links(house.app.services.links, await house.make_actor(), [1])
    assert [link.title for link in found] == [LINK["title"]]


async def test_headers_that_name_no_host_are_answered_all_the_same(house: House) -> None:
    async with make_client(house.app) as client:
        headers = {"host": "[", "referer": "http://["}
        assert (await client.post(TAGS, data=TYPED, headers=headers)).status_code == 303


async def test_it_comes_back_after_the_second_factor_too(house: House, ann: Browser) -> None:
    user_id, db = house.home.user.id, house.app.db
    secret = await db.write(lambda tx: begin_second_factor(tx, user_id, house.now))
    first = compute_code(secret, house.now // STEP_MS)
    await db.write(lambda tx: confirm_second_factor(tx, user_id, first, house.now))
    house.clock[0] += 2 * STEP_MS
    way = await send_late(house, ann, TAGS, TYPED)
    asked = await sign_in_again(ann, way)
    assert "Enter your code" in asked.text
    assert f'name="next" value="{way}"' in asked.text
    code = compute_code(secret, house.now // STEP_MS)
    page = await follow(ann, await ann.send("/app/sign-in/code", {"code": code, "next": way}))
    assert 'value="Leaves &amp; &lt;snow&gt;"' in page.text
    assert await list_tags(db, house.home.workspace.id) == []


async def test_a_reload_shows_it_again_and_an_hour_later_it_is_gone(
    house: House, ann: Browser
) -> None:
    page = await sign_in_again(ann, await send_late(house, ann, TAGS, TYPED))
    address = page.request.url.raw_path.decode()
    assert "Leaves &amp;" in (await ann.open(address)).text
    house.clock[0] += HOUR_MS
    assert "Leaves &amp;" not in (await ann.open(address)).text
    key = address.partition("draft=")[2]
    gone = await ann.open(f"/app/drafts/{key}")
    assert gone.status_code == 404
    assert "Nothing was saved." in gone.text


async def test_a_session_that_began_anew_in_another_tab_gives_it_back_at_once(
    house: House, ann: Browser, sign_in: SignIn
) -> None:
    again = await sign_in(house.home)
    ann.client.cookies.set(SESSION, again.client.cookies[SESSION])
    sent = await ann.client.post(TAGS, data={TOKEN: ann.token, **TYPED})
    assert sent.headers["location"].startswith("/app/drafts/")
    page = await follow(ann, sent)
    assert "Leaves &amp; &lt;snow&gt;" in page.text
    assert await list_tags(house.app.db, house.home.workspace.id) == []


async def test_it_is_deleted_where_somebody_else_comes_back(
    house: House, ann: Browser, sign_in: SignIn
) -> None:
    eve = await make_home(house.app.db, house.app.config, "eve@b.example")
    way = await send_late(house, ann, TAGS, TYPED)
    other = await sign_in(eve)
    ann.client.cookies.set(SESSION, other.client.cookies[SESSION])
    answer = await ann.open(way)
    assert answer.status_code == 404
    assert "somebody else or in another workspace" in answer.text
    assert "Leaves" not in answer.text
    assert "ann@a.example" not in answer.text
    assert await count_drafts(house) == 0
    assert "Leaves" not in (await sign_in_again(ann, way)).text


async def test_it_is_deleted_where_another_workspace_comes_back(
    house: House, ann: Browser, sign_in: SignIn
) -> None:
    user_id, db = house.home.user.id, house.app.db
    other = await db.write(
        lambda tx: create_workspace(tx, house.app.config, user_id, "Other", house.now)
    )
    way = await send_late(house, ann, TAGS, TYPED)
    again = await sign_in(Home(user=house.home.user, workspace=other))
    ann.client.cookies.set(SESSION, again.client.cookies[SESSION])
    answer = await ann.open(way)
    assert answer.status_code == 404
    assert "in another workspace" in answer.text
    assert await count_drafts(house) == 0


async def test_signing_in_leads_into_the_workspace_in_which_it_was_typed(
    house: House, ann: Browser
) -> None:
    """Otherwise everyone with two workspaces would lose what they typed in the second one."""
    user_id, db = house.home.user.id, house.app.db
    other = await db.write(
        lambda tx: create_workspace(tx, house.app.config, user_id, "Other", house.now)
    )
    session = await db.find_all("select max(id) as id from sessions")
    await db.write(lambda tx: switch_workspace(tx, user_id, session[0]["id"], other.id))
    await ann.open(TAGS)
    page = await sign_in_again(ann, await send_late(house, ann, TAGS, TYPED))
    assert "Leaves &amp;" in page.text
    assert re.search("<strong[^>]*>Other</strong>", page.text)
    assert len(await list_workspaces(db, user_id)) == 2


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site", "origin": HERE},
    ],
    ids=str,
)
async def test_nothing_of_another_origin_is_kept_or_done(
    house: House, ann: Browser, headers: dict[str, str]
) -> None:
    data = {TOKEN: ann.token, **TYPED}
    assert (await ann.client.post(TAGS, data=data, headers=headers)).status_code == 403
    assert await send_late(house, ann, TAGS, TYPED, **headers) == TAGS
    assert await count_drafts(house) == 0


@pytest.mark.parametrize(
    "headers",
    [{"origin": HERE}, {"origin": "http://localhost"}, {"sec-fetch-site": "same-origin"}, {}],
    ids=str,
)
async def test_what_comes_from_our_own_pages_is_kept(
    house: House, ann: Browser, headers: dict[str, str]
) -> None:
    assert (await send_late(house, ann, TAGS, TYPED, **headers)).startswith("/app/drafts/")


async def test_a_made_up_token_or_that_of_another_browser_keeps_nothing(
    house: House, ann: Browser, sign_in: SignIn
) -> None:
    eve = await sign_in(await make_home(house.app.db, house.app.config, "eve@b.example"))
    for token in ("", "0" * 64, eve.token, ann.token[:-2]):
        assert await send_late(house, ann, TAGS, {TOKEN: token, **TYPED}) == TAGS
    del ann.client.cookies[FORMS]
    assert await send_late(house, ann, TAGS, TYPED) == TAGS
    assert await count_drafts(house) == 0


async def test_a_token_of_somebody_who_never_signed_in_keeps_nothing(house: House) -> None:
    """Strangers get such tokens for the asking, so they must not be able to fill the memory."""
    async with make_client(house.app) as client:
        stranger = Browser(client)
        await stranger.open("/app/sign-in")
        answer = await stranger.send(TAGS, TYPED)
        assert answer.headers["location"] == "/app/sign-in?next=/app/tags"
    assert await count_drafts(house) == 0


async def test_one_person_keeps_no_more_than_a_few(house: House, ann: Browser) -> None:
    ways = [await send_late(house, ann, TAGS, {"name": f"tag {n}"}) for n in range(PER_PERSON + 20)]
    assert await count_drafts(house) == PER_PERSON
    page = await sign_in_again(ann, ways[-1])
    assert "tag 24" in page.text
    assert (await ann.open(ways[0])).status_code == 404


@pytest.mark.parametrize("size", [LARGEST, 2_000_000])
async def test_one_that_is_too_large_is_not_kept_and_that_is_said(
    house: House, ann: Browser, size: int
) -> None:
    assert await send_late(house, ann, TAGS, {"name": "x" * size}) == TAGS
    assert await count_drafts(house) == 0
    assert "Your form was too large to keep." in (await ann.open("/app/sign-in")).text


@pytest.mark.postgres_only
async def test_one_that_the_database_does_not_take_is_not_kept_and_that_is_said(
    house: House, ann: Browser
) -> None:
    await break_table(house.app.db, "drafts")
    assert await send_late(house, ann, TAGS, TYPED) == TAGS
    said = read_text((await ann.open("/app/sign-in")).text)
    assert "Your form could not be kept, because the database did not answer." in said
    assert await list_tags(house.app.db, house.home.workspace.id) == []


async def test_a_file_is_left_out_and_the_rest_is_kept(house: House, ann: Browser) -> None:
    await end_sessions(house)
    answer = await ann.client.post(
        "/app/import",
        data={TOKEN: ann.token, "source": "kutt", "on_conflict": "rename"},
        files={"file": ("links.csv", b"address,target\nsecret,https://example.com\n")},
        headers={"referer": f"{HERE}/app/import"},
    )
    way = unquote(answer.headers["location"].partition("?next=")[2])
    page = await sign_in_again(ann, way)
    assert '<input type="radio" name="source" value="kutt" checked>' in page.text
    assert '<input type="radio" name="source" value="csv">' in page.text
    assert re.search('<option value="rename"[^>]* selected>', page.text)
    assert "Not kept, so enter again: files." in read_text(page.text)


async def test_a_page_that_has_the_form_no_more_shows_what_was_typed(
    house: House, ann: Browser
) -> None:
    link = await house.make_link()
    edit = f"/app/links/{link.id}/edit"
    await ann.open(edit)
    way = await send_late(house, ann, edit, LINK, referer=f"{HERE}{edit}")
    await delete_link(house.app.services.links, await house.make_actor(), link.id, house.now)
    page = await sign_in_again(ann, way)
    assert page.status_code == 404
    assert "The form is not on this page any more." in page.text
    assert "Says “hello” &amp; &lt;bye&gt;" in page.text
    assert "open sesame" not in page.text


@pytest.mark.parametrize(
    ("referer", "page"),
    [
        (f"{HERE}/app/tags?after=7&draft=x", "/app/tags?after=7"),
        (f"{HERE}/app/account", "/app/account"),
        (f"{HERE}/app/new-email?key=of-a-mail&x=1", "/app/new-email?x=1"),
        (f"{HERE}/app/tags", "/app/tags"),
        (f"{HERE}/", "/app/tags"),
        (f"{HERE}/app/../../evil", "/app/tags"),
        (f"{HERE}//evil.example/app", "/app/tags"),
        ("https://evil.example/app/account", "/app/tags"),
        ("http://[", "/app/tags"),
        ("javascript:alert(1)", "/app/tags"),
        ("", "/app/tags"),
    ],
)
async def test_without_a_form_of_ours_one_comes_back_to_its_page_and_to_no_other_site(
    house: House, ann: Browser, referer: str, page: str
) -> None:
    fields = {TOKEN: "", **TYPED}
    assert await send_late(house, ann, TAGS, fields, referer=referer) == page
    way = await send_late(house, ann, TAGS, TYPED, referer=referer)
    key = way.removeprefix("/app/drafts/")
    kept = await house.app.services.drafts.find(key, ann.client.cookies[FORMS], house.now)
    assert kept is not None
    assert kept.page == page


async def test_signing_out_of_a_session_that_has_ended_is_signing_out(
    house: House, ann: Browser
) -> None:
    await end_sessions(house)
    answer = await ann.client.post("/app/sign-out", data={TOKEN: ann.token})
    assert answer.headers["location"] == "/app/sign-in"
    assert await count_drafts(house) == 0


async def test_the_draft_of_another_browser_is_none(
    house: House, ann: Browser, sign_in: SignIn
) -> None:
    way = await send_late(house, ann, TAGS, TYPED)
    elsewhere = await sign_in(house.home)
    assert (await elsewhere.open(way)).status_code == 404
    assert await count_drafts(house) == 1
    shown = await elsewhere.open(f"/app/tags?draft={way.removeprefix('/app/drafts/')}")
    assert "Leaves" not in shown.text
