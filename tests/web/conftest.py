"""A whole application in this process, and people who are signed in to its dashboard."""

from collections.abc import Awaitable, Callable

import pytest

from shorty.accounts.model import Role
from shorty.accounts.service import Home
from shorty.accounts.sessions import start_session
from shorty.web.cookies import SESSION
from tests.api.conftest import config, house
from tests.api.house import House
from tests.rsgi_client import make_client
from tests.support import make_actor, make_colleague, make_home
from tests.web.browser import Browser

__all__ = ["config", "house"]

SignIn = Callable[[Home], Awaitable[Browser]]


@pytest.fixture
def sign_in(house: House) -> SignIn:
    async def sign_in(home: Home) -> Browser:
        made = await house.app.db.write(
            lambda tx: start_session(tx, home.user.id, home.workspace.id, "Firefox", house.now)
        )
        client = make_client(house.app)
        client.cookies.set(SESSION, made.text)
        browser = Browser(client)
        await browser.open("/app/tags")
        return browser

    return sign_in


@pytest.fixture
async def owner(house: House, sign_in: SignIn) -> Browser:
    return await sign_in(house.home)


@pytest.fixture
async def viewer(house: House, sign_in: SignIn) -> Browser:
    return await sign_in(await _make_member(house, "viewer", "vic@a.example"))


@pytest.fixture
async def editor(house: House, sign_in: SignIn) -> Browser:
    return await sign_in(await _make_member(house, "editor", "eda@a.example"))


@pytest.fixture
async def stranger(house: House, sign_in: SignIn) -> Browser:
    """The owner of another workspace."""
    return await sign_in(await make_home(house.app.db, house.app.config, email="eve@b.example"))


async def _make_member(house: House, role: Role, email: str) -> Home:
    actor = await make_actor(house.app.db, house.home, config=house.app.config)
    home = await make_colleague(house.app.db, actor, role, email)
    return Home(user=home.user, workspace=house.home.workspace)
