"""An invitation from the members' page to the page that its link leads to."""

import re
from collections.abc import AsyncGenerator

import pytest

from shorty.accounts.invitations import create_invitation
from shorty.accounts.known_browsers import find_known_account
from shorty.accounts.members import list_members
from shorty.accounts.model import Role
from shorty.accounts.service import add_user, get_home
from shorty.accounts.sessions import find_signed_in
from shorty.passwords import hash_password
from shorty.web.cookies import KNOWN, SESSION, open_browser
from tests.api.house import House
from tests.rsgi_client import make_client
from tests.support import make_actor
from tests.web.browser import Browser, read_text

NEW = {"name": "Bob", "password": "correct horse"}


@pytest.fixture
async def visitor(house: House) -> AsyncGenerator[Browser]:
    async with make_client(house.app) as client:
        yield Browser(client)


async def invite(owner: Browser, email: str = "bob@a.example", role: str = "viewer") -> str:
    """The link's path with its key, from the page that shows it once."""
    answer = await owner.send("/app/members", email=email, role=role)
    found = re.search(r"<code>http://[^/]+(/app/invitation\?key=[\w-]+)</code>", answer.text)
    assert found, answer.text
    return found[1]


async def accept(visitor: Browser, way_in: str, **fields: str) -> str:
    page = await visitor.open(way_in)
    assert page.status_code == 200
    answer = await visitor.send("/app/invitation", {"key": way_in.partition("key=")[2]} | fields)
    return answer.headers.get("location", answer.text)


async def list_roles(house: House) -> dict[str, Role]:
    found = await list_members(house.app.db, house.home.workspace.id, 0, 10)
    return {member.email: member.role for member in found}


async def test_a_new_person_makes_an_account_and_is_in_the_workspace(
    house: House, owner: Browser, visitor: Browser
) -> None:
    way_in = await invite(owner)
    page = read_text((await visitor.open(way_in)).text)
    assert "ann invites you to the workspace ann , as a viewer." in page
    assert await accept(visitor, way_in, **NEW) == "/app"
    assert (await list_roles(house))["bob@a.example"] == "viewer"
    signed_in = find_signed_in(
        *(house.app.db, visitor.client.cookies[SESSION], house.app.config.plans, house.now)
    )
    assert signed_in is not None
    assert signed_in.actor.workspace_id == house.home.workspace.id
    known = open_browser(house.app.services.secret, visitor.client.cookies[KNOWN])
    assert find_known_account(house.app.db, known, signed_in.actor.user_id, house.now)
    assert (await visitor.send("/app/tags", name="Mine")).status_code == 403


async def test_an_accepted_invitation_leads_nowhere(
    house: House, owner: Browser, visitor: Browser
) -> None:
    way_in = await invite(owner)
    await accept(visitor, way_in, **NEW)
    async with make_client(house.app) as client:
        other = Browser(client)
        page = await other.open(way_in)
        assert page.status_code == 404
        assert "holds no more" in page.text
        key = way_in.partition("key=")[2]
        assert (await other.send("/app/invitation", {"key": key, **NEW})).status_code == 404


async def test_what_is_wrong_stands_beside_the_field(owner: Browser, visitor: Browser) -> None:
    way_in = await invite(owner)
    page = await accept(visitor, way_in, name="Bob", password="short")
    assert "Must be at least 8 characters long." in read_text(page)
    assert 'value="Bob"' in page


async def test_who_is_signed_in_joins_with_their_account_and_looks_at_the_new_workspace(
    house: House, owner: Browser, stranger: Browser
) -> None:
    way_in = await invite(owner, role="editor")
    page = read_text((await stranger.open(way_in)).text)
    assert "You are signed in as eve@b.example" in page
    assert await accept(stranger, way_in) == "/app"
    assert (await list_roles(house))["eve@b.example"] == "editor"
    assert "You belong to ann now." in (await stranger.open("/app/tags")).text
    assert (await stranger.send("/app/members/1/remove")).status_code == 403


async def test_whoever_has_an_account_is_asked_to_sign_in_and_comes_back(
    house: House, owner: Browser, visitor: Browser
) -> None:
    kept = await hash_password("correct horse")
    await house.app.db.write(
        lambda tx: add_user(tx, house.app.config, "bob@a.example", house.now, password_hash=kept)
    )
    way_in = await invite(owner)
    page = (await visitor.open(way_in)).text
    assert "bob@a.example has an account here." in read_text(page)
    link = re.search(r'href="(/app/sign-in\?next=[^"]+)"', page)
    assert link
    form = await visitor.open(link[1])
    back = re.search(r'name="next" value="([^"]+)"', form.text)
    assert back
    assert back[1] == way_in
    answer = await visitor.send(
        "/app/sign-in", email="bob@a.example", password="correct horse", next=back[1]
    )
    assert answer.headers["location"] == way_in
    assert await accept(visitor, way_in) == "/app"
    assert (await list_roles(house))["bob@a.example"] == "viewer"


async def test_the_way_in_to_an_account_of_another_workspace_is_refused_in_words(
    house: House, owner: Browser, stranger: Browser, visitor: Browser
) -> None:
    db = house.app.db
    home = await db.write(lambda tx: get_home(tx, "eve@b.example"))
    eve = await make_actor(db, home)
    await db.write(lambda tx: create_invitation(tx, eve, "x@a.example", "viewer", house.now))
    await house.app.db.write(lambda tx: add_user(tx, house.app.config, "bob@a.example", house.now))
    page = await accept(visitor, await invite(owner), **NEW)
    assert "belongs to another workspace and has no password yet" in read_text(page)


async def test_an_invitation_to_the_mailed_address_is_text_there_not_markup(
    owner: Browser, visitor: Browser
) -> None:
    await owner.send("/app/workspaces/rename", name="<b>Shop</b>")
    page = (await visitor.open(await invite(owner))).text
    assert "<b>Shop" not in page
    assert "&lt;b&gt;Shop&lt;/b&gt;" in page
