"""The first run: the server's setup key creates the owner's account, once."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from shorty.accounts.known_browsers import find_known_account
from shorty.accounts.service import add_user, can_anyone_sign_in, list_users
from shorty.app import App
from shorty.config import Config
from shorty.web.cookies import KNOWN, open_browser
from tests.reading import reader
from tests.rsgi_client import make_client
from tests.support import NOW, make_home, make_storage
from tests.web.browser import Browser, read_text

OWNER = {"name": "Ann", "email": "Ann@A.example", "password": "correct horse"}


@pytest.fixture
async def app(tmp_path: Path) -> AsyncGenerator[App]:
    app = App(Config(storage=make_storage(tmp_path)), lambda: NOW * 1_000_000)
    await app.start()
    yield app
    await app.stop()


@pytest.fixture
async def visitor(app: App) -> AsyncGenerator[Browser]:
    async with make_client(app) as client:
        yield Browser(client)


async def test_the_key_makes_the_owners_account_and_signs_in(app: App, visitor: Browser) -> None:
    setup_path = await app.find_setup_path()
    page = await visitor.open(setup_path)
    assert page.status_code == 200
    key = setup_path.partition("key=")[2]
    answer = await visitor.send("/app/welcome", {"key": key, **OWNER})
    assert answer.headers["location"] == "/app"
    assert (await visitor.open("/app/tags")).status_code == 200
    (user,) = await list_users(app.db)
    assert (user.email, user.name) == ("ann@a.example", "Ann")
    known = open_browser(app.services.secret, visitor.client.cookies[KNOWN])
    assert find_known_account(reader(app.db), known, user.id, NOW)
    assert await app.find_setup_path() == ""


async def test_the_owner_of_a_token_made_before_keeps_its_workspace(
    app: App, visitor: Browser
) -> None:
    home = await make_home(app.db, email="owner@shorty.invalid")
    key = (await app.find_setup_path()).partition("key=")[2]
    await visitor.send("/app/welcome", {"key": key, **OWNER})
    (user,) = await list_users(app.db)
    assert user.id == home.user.id


async def test_a_used_key_is_gone(app: App, visitor: Browser) -> None:
    setup_path = await app.find_setup_path()
    key = setup_path.partition("key=")[2]
    await visitor.send("/app/welcome", {"key": key, **OWNER})
    async with make_client(app) as client:
        other = Browser(client)
        assert (await other.open(setup_path)).headers["location"] == "/app/sign-in"
        answer = await other.send("/app/welcome", {"key": key, **OWNER, "email": "eve@b.example"})
        assert answer.status_code == 403
    assert len(await list_users(app.db)) == 1


@pytest.mark.parametrize("key", ["", "wrong", "é"])
async def test_a_wrong_key_makes_nothing(app: App, visitor: Browser, key: str) -> None:
    await app.find_setup_path()
    page = await visitor.open(f"/app/welcome?key={key}")
    assert page.status_code == 403
    assert "This setup link has expired." in page.text
    assert (await visitor.send("/app/welcome", {"key": key, **OWNER})).status_code == 403
    assert await list_users(app.db) == []


async def test_a_newer_key_replaces_the_older(app: App, visitor: Browser) -> None:
    old, new = await app.find_setup_path(), await app.find_setup_path()
    assert (await visitor.open(old)).status_code == 403
    assert (await visitor.open(new)).status_code == 200


async def test_what_is_wrong_stands_beside_the_field(app: App, visitor: Browser) -> None:
    key = (await app.find_setup_path()).partition("key=")[2]
    answer = await visitor.send("/app/welcome", {"key": key, **OWNER, "password": "short"})
    assert answer.status_code == 422
    assert "Must be at least 8 characters long." in read_text(answer.text)
    assert 'value="Ann@A.example"' in answer.text
    answer = await visitor.send("/app/welcome", {"key": key, **OWNER, "email": "nonsense"})
    assert "Must be an email" in read_text(answer.text)
    assert not can_anyone_sign_in(reader(app.db))
    answer = await visitor.send("/app/welcome", {"key": key, **OWNER})
    assert answer.status_code == 303


async def test_it_is_over_once_a_command_has_added_somebody(app: App, visitor: Browser) -> None:
    key = (await app.find_setup_path()).partition("key=")[2]
    await app.db.write(
        lambda tx: add_user(tx, app.config, "bob@a.example", NOW, password_hash="$hash")
    )
    answer = await visitor.send("/app/welcome", {"key": key, **OWNER})
    assert answer.headers["location"] == "/app/sign-in"
    assert len(await list_users(app.db)) == 1


async def test_the_way_to_sign_in_tells_of_it_while_nobody_can(app: App, visitor: Browser) -> None:
    page = read_text((await visitor.open("/app/sign-in")).text)
    assert "setup link that the server printed" in page
