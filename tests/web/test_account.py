"""What people change in their own account."""

import asyncio
import threading
from html import unescape

import pytest

from shorty.accounts.login import check_password
from shorty.accounts.rules import check_time_zone
from shorty.accounts.service import list_users
from shorty.accounts.session_store import mark_sessions_of_user_ended
from shorty.accounts.sessions import list_sessions
from shorty.accounts.tokens import count_own_tokens
from shorty.passwords import ACCOUNTS, hash_password
from shorty.web.cookies import ZONE
from shorty.web.formatting import find_zone, list_zones
from tests.api.house import House
from tests.api.visits import visit
from tests.reading import reader
from tests.support import DAY, NOW, make_token
from tests.web.browser import Browser, read_text
from tests.web.conftest import SignIn

PASSWORD = "correct horse"
LINUX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture
async def ann(house: House, owner: Browser) -> Browser:
    """The owner, with a password."""
    kept = await hash_password(PASSWORD)
    user_id = house.home.user.id
    await house.app.db.write(
        lambda tx: tx.execute("update users set password_hash = $2 where id = $1", user_id, kept)
    )
    return owner


async def test_a_name_is_changed_and_shown(ann: Browser) -> None:
    page = await ann.follow(await ann.send("/app/account/name", name="Ann Bo"))
    assert "Changes saved." in page
    assert 'value="Ann Bo"' in page
    answer = await ann.send("/app/account/name", name="x" * 101)
    assert answer.status_code == 422
    assert "May be at most 100 characters long." in read_text(answer.text)


async def test_a_time_zone_is_chosen_for_every_browser_and_page(
    house: House, ann: Browser, sign_in: SignIn
) -> None:
    other = await sign_in(house.home)
    await house.make_link(expires_at=NOW + DAY)
    await visit(house, {})
    page = await ann.follow(await ann.send("/app/account/time-zone", time_zone="asia/kolkata"))
    assert "Times are now shown in Asia/Kolkata." in read_text(page)
    assert 'value="Asia/Kolkata"' in page
    for browser in (ann, other):
        browser.client.cookies.set(ZONE, "Europe%2FBerlin")
        assert "Times are in Asia/Kolkata." in read_text((await browser.open("/app")).text)
        form = (await browser.open("/app/links/1/edit")).text
        assert "In your time zone, Asia/Kolkata." in read_text(form)
        assert 'value="2026-11-23T17:30"' in form


async def test_without_a_chosen_time_zone_it_is_the_browsers(ann: Browser) -> None:
    await ann.send("/app/account/time-zone", time_zone="America/New_York")
    ann.client.cookies.set(ZONE, "Europe%2FBerlin")
    page = await ann.follow(await ann.send("/app/account/time-zone", time_zone=" "))
    assert "Times are now shown in your browser's time zone, Europe/Berlin." in read_text(
        unescape(page)
    )
    assert "Leave empty to use your browser's time zone, Europe/Berlin." in read_text(page)


@pytest.mark.parametrize(
    "name", ["Mars/Olympus", "../../etc/passwd", "Factory", "/Europe/Berlin", "x" * 10_000, "\x00"]
)
async def test_what_is_no_time_zone_is_refused_and_can_be_mended(ann: Browser, name: str) -> None:
    answer = await ann.send("/app/account/time-zone", time_zone=name)
    assert answer.status_code == 422
    assert "Is not a known time zone; choose one from the list" in read_text(answer.text)
    assert unescape(f'value="{name}"') in unescape(answer.text)


async def test_a_time_zone_is_ones_own(house: House, ann: Browser, stranger: Browser) -> None:
    await ann.send("/app/account/time-zone", time_zone="Asia/Kolkata")
    assert "Asia/Kolkata" not in read_text((await stranger.open("/app/account")).text)


def test_every_zone_of_the_list_can_be_chosen() -> None:
    for name, country in list_zones():
        assert check_time_zone(name) == name
        assert str(find_zone(name)) == name
        assert len(country) > 2, name
    assert len(list_zones()) > 400
    assert check_time_zone(" america/new york ") == "America/New_York"


async def test_a_new_password_signs_the_other_browsers_out(
    house: House, ann: Browser, sign_in: SignIn
) -> None:
    other = await sign_in(house.home)
    fields = {"current": PASSWORD, "password": "battery staple"}
    assert (await ann.send("/app/account/password", fields)).status_code == 303
    assert (await ann.open("/app/account")).status_code == 200
    assert (await other.open("/app/account")).status_code == 303
    assert await check_password(house.app.db, "ann@a.example", "battery staple")


@pytest.mark.parametrize(
    ("place", "fields"),
    [
        ("/app/account/password", {"current": PASSWORD, "password": "battery staple"}),
        ("/app/account/second-factor/begin", {"password": PASSWORD}),
    ],
)
async def test_what_is_asked_for_while_the_session_ends_is_not_done(
    house: House, ann: Browser, place: str, fields: dict[str, str]
) -> None:
    """For example by a thief, while the owner sets a new password by mail."""
    db, go_on = house.app.db, threading.Event()
    before = asyncio.create_task(ACCOUNTS.run("somebody", lambda: go_on.wait(10)))
    asked = asyncio.create_task(ann.send(place, fields))
    while not ACCOUNTS.slots.waiting:  # noqa: ASYNC110 - it follows within this loop's next turns
        await asyncio.sleep(0)
    await db.write(lambda tx: mark_sessions_of_user_ended(tx, 1, house.now))
    go_on.set()
    await before
    answer = await asked
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/app/sign-in?next=/app/drafts/")
    assert await check_password(db, "ann@a.example", PASSWORD)
    assert reader(db).find_one("select 1 from second_factors") is None


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"current": "wrong", "password": "battery staple"}, "Is not your password."),
        ({"current": PASSWORD, "password": "short"}, "Must be at least 8 characters long."),
        ({"password": "battery staple"}, "Is not your password."),
    ],
)
async def test_a_password_changes_only_with_the_present_one_and_to_a_good_one(
    house: House, ann: Browser, fields: dict[str, str], complaint: str
) -> None:
    answer = await ann.send("/app/account/password", fields)
    assert answer.status_code == 422
    assert complaint in read_text(answer.text)
    assert await check_password(house.app.db, "ann@a.example", PASSWORD)


async def test_tokens_go_on_with_a_new_password_unless_the_box_is_ticked(
    house: House, ann: Browser
) -> None:
    place, fields = "/app/account", {"current": PASSWORD, "password": PASSWORD}
    assert "Also revoke my API tokens" not in (await ann.open(place)).text
    for _ in range(2):
        await make_token(house.app.db, house.home)
    assert "Otherwise your 2 tokens keep working." in (await ann.open(place)).text
    wrong = await ann.send(f"{place}/password", current="x", revoke_tokens="1")
    assert 'type="checkbox" value="1" checked' in wrong.text
    page = await ann.follow(await ann.send(f"{place}/password", fields))
    assert "other browsers are signed out. Your 2 API tokens still work." in page
    page = await ann.follow(await ann.send(f"{place}/password", fields, revoke_tokens="1"))
    assert "other browsers are signed out. Your API tokens are revoked." in page
    assert count_own_tokens(reader(house.app.db), house.home.user.id, house.now) == 0


async def test_guessing_the_present_password_is_stopped(ann: Browser) -> None:
    fields = {"current": "wrong", "password": "battery staple"}
    statuses = [(await ann.send("/app/account/password", fields)).status_code for _ in range(11)]
    assert statuses == [422] * 10 + [429]


async def test_without_mail_a_new_email_is_the_operators_to_set_and_the_page_says_so(
    house: House, ann: Browser
) -> None:
    page = (await ann.open("/app/account")).text
    assert 'action="/app/account/email"' not in page
    assert "This server can't send email, so it can't verify yours." in read_text(page)
    assert "shorty user email" in page
    for email in ("new@a.example", "eve@b.example"):
        answer = await ann.send("/app/account/email", email=email, password=PASSWORD)
        assert answer.status_code == 409
        assert "The person who runs it can change it" in read_text(answer.text)
    assert (await list_users(house.app.db))[0].email == "ann@a.example"


async def test_the_account_says_whether_its_email_is_verified(house: House, ann: Browser) -> None:
    page = read_text((await ann.open("/app/account")).text)
    assert "Verified" in page
    assert "Unverified" not in page
    await house.app.db.write(lambda tx: tx.execute("update users set email_verified_at = null"))
    page = read_text((await ann.open("/app/account")).text)
    assert "Unverified" in page
    assert "or mark it as verified" in page


async def test_sessions_are_listed_by_browser_and_ended(
    house: House, ann: Browser, sign_in: SignIn
) -> None:
    other = await sign_in(house.home)
    await house.app.db.write(lambda tx: tx.execute("update sessions set user_agent = $1", LINUX))
    page = read_text((await ann.open("/app/account")).text)
    assert page.count("Firefox on Linux") == 2
    assert page.count("This browser") == 1
    assert (await ann.send("/app/account/sessions/2/end")).status_code == 303
    assert (await other.open("/app/account")).status_code == 303
    assert (await ann.open("/app/account")).status_code == 200


async def test_all_other_sessions_end_at_once(house: House, ann: Browser, sign_in: SignIn) -> None:
    others = [await sign_in(house.home) for _ in range(2)]
    assert (await ann.send("/app/account/sessions/end-others")).status_code == 303
    for other in others:
        assert (await other.open("/app/account")).status_code == 303
    assert len(await list_sessions(house.app.db, house.home.user.id, house.now)) == 1


async def test_another_persons_session_is_not_there(ann: Browser, stranger: Browser) -> None:
    assert (await ann.send("/app/account/sessions/2/end")).status_code == 404
    assert (await stranger.open("/app/account")).status_code == 200


async def test_a_viewer_has_an_account_too(viewer: Browser) -> None:
    assert (await viewer.open("/app/account")).status_code == 200
    assert (await viewer.send("/app/account/name", name="Vic")).status_code == 303


async def test_without_mail_a_forgotten_password_is_the_operators_to_set(ann: Browser) -> None:
    assert "can't send email" in (await ann.open("/app/forgotten")).text
    answer = await ann.send("/app/forgotten", email="ann@a.example")
    assert "can't send email" in answer.text


async def test_single_keys_are_a_persons_own_choice(
    house: House, ann: Browser, sign_in: SignIn, viewer: Browser
) -> None:
    assert 'data-keys="on"' in (await ann.open("/app/tags")).text
    page = await ann.follow(await ann.send("/app/account/keys"))
    assert "Single-key shortcuts are off." in page
    for browser in (ann, await sign_in(house.home)):
        assert 'data-keys="off"' in (await browser.open("/app/tags")).text
    assert 'data-keys="on"' in (await viewer.open("/app/tags")).text
    page = await ann.follow(await ann.send("/app/account/keys", single_keys="1"))
    assert "Single-key shortcuts are on." in page
    assert 'data-keys="on"' in page
