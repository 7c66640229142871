"""An invitation, from the members' page to the page that its link opens."""

import re
from collections.abc import AsyncGenerator
from urllib.parse import quote

import pytest

from shorty.accounts.invitations import create_invitation
from shorty.accounts.known_browsers import find_known_account
from shorty.accounts.members import list_members
from shorty.accounts.model import Role
from shorty.accounts.service import add_user
from shorty.accounts.sessions import find_signed_in
from shorty.passwords import hash_password
from shorty.web.cookies import KNOWN, SESSION, open_browser
from tests.api.house import House
from tests.reading import reader
from tests.rsgi_client import make_client
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


async def accept(visitor: Browser, setup_path: str, **fields: str) -> str:
    page = await visitor.open(setup_path)
    assert page.status_code == 200
    answer = await visitor.send(
        "/app/invitation", {"key": setup_path.partition("key=")[2]} | fields
    )
    return answer.headers.get("location", answer.text)


async def list_roles(house: House) -> dict[str, Role]:
    found = await list_members(house.app.db, house.home.workspace.id, 0, 10)
    return {member.email: member.role for member in found}


async def test_a_new_person_makes_an_account_and_is_in_the_workspace(
    house: House, owner: Browser, visitor: Browser
) -> None:
    setup_path = await invite(owner)
    page = read_text((await visitor.open(setup_path)).text)
    assert "ann invited you to the workspace ann as a viewer." in page
    assert await accept(visitor, setup_path, **NEW) == "/app"
    assert (await list_roles(house))["bob@a.example"] == "viewer"
    signed_in = find_signed_in(
        *(reader(house.app.db), visitor.client.cookies[SESSION], house.app.config.plans, house.now)
    )
    assert signed_in is not None
    assert signed_in.actor.workspace_id == house.home.workspace.id
    known = open_browser(house.app.services.secret, visitor.client.cookies[KNOWN])
    assert find_known_account(reader(house.app.db), known, signed_in.actor.user_id, house.now)
    assert (await visitor.send("/app/tags", name="Mine")).status_code == 403


async def test_an_accepted_invitation_leads_nowhere(
    house: House, owner: Browser, visitor: Browser
) -> None:
    setup_path = await invite(owner)
    await accept(visitor, setup_path, **NEW)
    async with make_client(house.app) as client:
        other = Browser(client)
        page = await other.open(setup_path)
        assert page.status_code == 404
        assert "This invitation is no longer valid" in page.text
        key = setup_path.partition("key=")[2]
        assert (await other.send("/app/invitation", {"key": key, **NEW})).status_code == 404


async def test_what_is_wrong_stands_beside_the_field(owner: Browser, visitor: Browser) -> None:
    setup_path = await invite(owner)
    page = await accept(visitor, setup_path, name="Bob", password="short")
    assert "Must be at least 8 characters long." in read_text(page)
    assert 'value="Bob"' in page


async def test_who_is_signed_in_joins_with_their_account_and_looks_at_the_new_workspace(
    house: House, owner: Browser, stranger: Browser
) -> None:
    setup_path = await invite(owner, role="editor")
    page = read_text((await stranger.open(setup_path)).text)
    assert "You are signed in as eve@b.example" in page
    assert await accept(stranger, setup_path) == "/app"
    assert (await list_roles(house))["eve@b.example"] == "editor"
    assert "You joined ann." in (await stranger.open("/app/tags")).text
    assert (await stranger.send("/app/members/1/remove")).status_code == 403


async def add_bob(house: House) -> None:
    kept = await hash_password("correct horse")
    await house.app.db.write(
        lambda tx: add_user(tx, house.app.config, "bob@a.example", house.now, password_hash=kept)
    )


async def invite_by_mail(house: House) -> str:
    """The path that the mail's link would have."""
    actor = await house.make_actor()
    made = await house.app.db.write(
        lambda tx: create_invitation(
            tx, actor, "bob@a.example", "viewer", house.now, is_mailed=True
        )
    )
    return f"/app/invitation?key={made.text}"


async def test_whoever_has_an_account_is_asked_to_sign_in_and_comes_back(
    house: House, owner: Browser, visitor: Browser
) -> None:
    await add_bob(house)
    setup_path = await invite_by_mail(house)
    page = (await visitor.open(setup_path)).text
    assert "bob@a.example already has an account here." in read_text(page)
    link = re.search(r'href="(/app/sign-in\?next=[^"]+)"', page)
    assert link
    form = await visitor.open(link[1])
    back = re.search(r'name="next" value="([^"]+)"', form.text)
    assert back
    assert back[1] == setup_path
    answer = await visitor.send(
        "/app/sign-in", email="bob@a.example", password="correct horse", next=back[1]
    )
    assert answer.headers["location"] == setup_path
    assert await accept(visitor, setup_path) == "/app"
    assert (await list_roles(house))["bob@a.example"] == "viewer"


async def test_a_link_to_copy_looks_the_same_whether_or_not_its_email_has_an_account(
    house: House, owner: Browser, visitor: Browser
) -> None:
    await add_bob(house)
    pages: list[str] = []
    for email in ("bob@a.example", "new@a.example"):
        setup_path = await invite(owner, email)
        text = read_text((await visitor.open(setup_path)).text)
        pages.append(text.replace(email, "x").replace(quote(setup_path), ""))
    assert pages[0] == pages[1]
    assert "Already have an account with another email? Sign in" in pages[0]


async def test_who_came_by_a_copied_link_has_an_email_that_nothing_proves(
    house: House, owner: Browser, visitor: Browser
) -> None:
    await accept(visitor, await invite(owner), **NEW)
    members = await list_members(house.app.db, house.home.workspace.id, 0, 10)
    proofs = {member.email: member.email_verified_at for member in members}
    assert proofs == {"ann@a.example": house.now, "bob@a.example": None}


async def test_an_account_under_somebody_elses_email_opens_no_other_workspace(
    house: House, owner: Browser, stranger: Browser, visitor: Browser
) -> None:
    """Eve takes Bob's email by a link of her own; Ann invites Bob."""
    assert await accept(visitor, await invite(stranger), **NEW) == "/app"
    setup_path = await invite(owner, role="admin")
    assert "bob@a.example" not in await list_roles(house)
    assert "ann@a.example" not in (await visitor.open("/app/members")).text
    async with make_client(house.app) as client:
        page = await accept(Browser(client), setup_path, **NEW)
    assert "already has an account" in read_text(page)
    assert "bob@a.example" not in await list_roles(house)


async def test_a_copied_link_opens_no_account_that_a_workspace_once_added(
    house: House, owner: Browser, stranger: Browser, visitor: Browser
) -> None:
    await house.app.db.write(lambda tx: add_user(tx, house.app.config, "bob@a.example", house.now))
    page = await accept(visitor, await invite(owner), **NEW)
    assert "already has an account" in read_text(page)


async def test_an_invitation_to_the_mailed_address_is_text_there_not_markup(
    owner: Browser, visitor: Browser
) -> None:
    await owner.send("/app/workspaces/rename", name="<b>Shop</b>")
    page = (await visitor.open(await invite(owner))).text
    assert "<b>Shop" not in page
    assert "&lt;b&gt;Shop&lt;/b&gt;" in page
