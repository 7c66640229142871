"""A whole application in this process, and people who are signed in to its dashboard."""

from collections.abc import Awaitable, Callable
from functools import partial

import pytest

from shorty.accounts.service import Home
from tests.api.conftest import config, house
from tests.api.house import House
from tests.support import make_home
from tests.web.browser import Browser
from tests.web.people import make_member, sign_in_at

__all__ = ["config", "house"]

SignIn = Callable[[Home], Awaitable[Browser]]


@pytest.fixture
def sign_in(house: House) -> SignIn:
    return partial(sign_in_at, house)


@pytest.fixture
async def owner(house: House, sign_in: SignIn) -> Browser:
    return await sign_in(house.home)


@pytest.fixture
async def viewer(house: House, sign_in: SignIn) -> Browser:
    return await sign_in(await make_member(house, "viewer", "vic@a.example"))


@pytest.fixture
async def editor(house: House, sign_in: SignIn) -> Browser:
    return await sign_in(await make_member(house, "editor", "eda@a.example"))


@pytest.fixture
async def stranger(house: House, sign_in: SignIn) -> Browser:
    """The owner of another workspace."""
    return await sign_in(await make_home(house.app.db, house.app.config, email="eve@b.example"))
