"""Members: invited, given roles, removed; what each role sees and may do."""

import re

import pytest

from shorty.accounts import session_store
from shorty.accounts.invitations import find_invitation
from shorty.accounts.members import list_members
from shorty.accounts.sessions import delete_old_sessions, describe_session
from shorty.config import Config, DefaultsConfig, Plan
from tests.api.conftest import DOMAINS
from tests.api.house import House
from tests.reading import reader
from tests.web.browser import Browser, read_text
from tests.web.people import make_member, sign_in_at


async def list_roles(house: House) -> dict[str, str]:
    found = await list_members(house.app.db, house.home.workspace.id, 0, 10)
    return {member.name: member.role for member in found}


async def test_members_are_listed_with_their_roles(owner: Browser, viewer: Browser) -> None:
    page = read_text((await owner.open("/app/members")).text)
    assert "ann (you)" in page
    assert "vic@a.example" in page
    page = (await viewer.open("/app/members")).text
    assert "ann@a.example" in page
    assert '<form method="post" action="/app/members' not in page


async def test_a_member_whose_email_nothing_proves_is_marked(
    house: House, owner: Browser, viewer: Browser
) -> None:
    assert "Unverified" not in (await owner.open("/app/members")).text
    await house.app.db.write(
        lambda tx: tx.execute("update users set email_verified_at = null where id = 2")
    )
    for browser in (owner, viewer):
        page = read_text((await browser.open("/app/members")).text)
        assert "vic@a.example Unverified" in page
        assert page.count("Unverified") == 1


async def test_a_member_who_never_signed_in_is_said_to_be_so(
    house: House, owner: Browser, viewer: Browser, stranger: Browser
) -> None:
    bob = await make_member(house, "editor", "bob@a.example")
    for browser in (owner, viewer):
        page = read_text((await browser.open("/app/members")).text)
        assert "bob@a.example Never signed in" in page
        assert page.count("Never signed in") == 1
    assert "Never signed in" not in (await stranger.open("/app/members")).text
    await sign_in_at(house, bob)
    assert "Never signed in" not in (await owner.open("/app/members")).text


async def test_having_signed_in_outlasts_the_sessions(
    house: House, owner: Browser, viewer: Browser
) -> None:
    await viewer.send("/app/sign-out")
    assert await delete_old_sessions(house.app.db, house.now) == 1
    assert "Never signed in" not in (await owner.open("/app/members")).text


async def test_a_right_password_without_the_code_is_no_sign_in(
    house: House, owner: Browser
) -> None:
    bob = await make_member(house, "editor", "bob@a.example")
    digest, half = "0" * 64, describe_session(bob.user.id, bob.workspace.id, "", house.now, 10**15)
    await house.app.db.write(
        lambda tx: session_store.insert_session(tx, digest, half, awaits_code=True)
    )
    assert "Never signed in" in (await owner.open("/app/members")).text


async def test_an_owner_changes_a_role_and_removes_a_member(
    house: House, owner: Browser, viewer: Browser
) -> None:
    answer = await owner.send("/app/members/2", role="admin")
    assert "vic now has the role admin." in await owner.follow(answer)
    assert await list_roles(house) == {"ann": "owner", "vic": "admin"}
    await owner.follow(await owner.send("/app/members/2/remove"))
    assert await list_roles(house) == {"ann": "owner"}
    assert (await viewer.open("/app/tags")).status_code == 303


async def test_the_last_owner_stays_and_the_page_says_why(house: House, owner: Browser) -> None:
    for path, fields in (("/app/members/1", {"role": "viewer"}), ("/app/members/1/remove", {})):
        page = await owner.follow(await owner.send(path, fields))
        assert "A workspace needs an owner" in read_text(page)
    assert await list_roles(house) == {"ann": "owner"}


async def test_viewers_and_editors_manage_nobody(
    house: House, viewer: Browser, editor: Browser
) -> None:
    for browser in (viewer, editor):
        for path, fields in (
            ("/app/members", {"email": "x@a.example", "role": "viewer"}),
            ("/app/members/1", {"role": "viewer"}),
            ("/app/members/1/remove", {}),
            ("/app/invitations/1/revoke", {}),
        ):
            assert (await browser.send(path, fields)).status_code == 403
    assert len(await list_roles(house)) == 3


async def test_an_admin_neither_offers_nor_gives_ownership(owner: Browser, viewer: Browser) -> None:
    await owner.send("/app/members/2", role="admin")
    page = (await viewer.open("/app/members")).text
    assert '<option value="owner"' not in page
    invited = await viewer.send("/app/members", email="x@a.example", role="owner")
    assert invited.status_code == 403
    assert (await viewer.send("/app/members/2", role="owner")).status_code == 403
    assert (await viewer.send("/app/members/1/remove")).status_code == 403


async def test_an_invitation_is_listed_until_it_is_taken_back(house: House, owner: Browser) -> None:
    answer = await owner.send("/app/members", email="bob@a.example", role="editor")
    key = re.search(r"key=([\w-]+)</code>", answer.text)
    assert key
    page = read_text((await owner.open("/app/members")).text)
    assert "bob@a.example as editor, invited by ann · shared as a link" in page
    assert key[1] not in page
    page = await owner.follow(await owner.send("/app/invitations/1/revoke"))
    assert "bob@a.example" not in page
    assert find_invitation(reader(house.app.db), key[1], house.now) is None


async def test_inviting_again_says_beside_the_new_link_what_has_changed(owner: Browser) -> None:
    for role, told in (
        ("viewer", ""),
        ("editor", " The earlier link no longer works. The role is now editor."),
        ("editor", " The earlier link no longer works."),
    ):
        answer = await owner.send("/app/members", email="bob@a.example", role=role)
        page = re.sub(r" +", " ", read_text(answer.text))
        assert re.search(rf"expires on [\w ,:]+ ?\.{re.escape(told)} http://", page), page


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"email": "nonsense", "role": "viewer"}, "Must be an email"),
        ({"email": "ann@a.example", "role": "viewer"}, "Is already a member."),
        ({"email": "ANN@A.example", "role": "viewer"}, "Is already a member."),
        ({"email": "a@a.example,b@a.example", "role": "viewer"}, "Must be an email"),
    ],
)
async def test_what_is_wrong_with_an_invitation_stands_beside_the_field(
    owner: Browser, fields: dict[str, str], complaint: str
) -> None:
    answer = await owner.send("/app/members", fields)
    assert answer.status_code == 422
    assert complaint in read_text(answer.text)
    assert f'value="{fields["email"]}"' in answer.text


async def test_a_role_that_is_none_is_refused(owner: Browser, viewer: Browser) -> None:
    assert (await owner.send("/app/members", email="x@a.example", role="x")).status_code == 422
    assert (await owner.send("/app/members/2", role="x")).status_code == 422


async def test_another_workspaces_members_and_invitations_are_not_there(
    owner: Browser, stranger: Browser
) -> None:
    await owner.send("/app/members", email="bob@a.example", role="editor")
    page = (await stranger.open("/app/members")).text
    assert "ann@a.example" not in page
    assert "bob@a.example" not in page
    assert (await stranger.send("/app/members/1", role="viewer")).status_code == 404
    assert (await stranger.send("/app/members/1/remove")).status_code == 404
    assert (await stranger.send("/app/invitations/1/revoke")).status_code == 404


class TestWithAPlanForOneMember:
    @pytest.fixture
    def config(self) -> Config:
        plans = {"solo": Plan(members=1)}
        return Config(domains=DOMAINS, plans=plans, defaults=DefaultsConfig(plan="solo"))

    async def test_where_nobody_could_join_the_page_says_why(self, owner: Browser) -> None:
        answer = await owner.send("/app/members", email="bob@a.example", role="viewer")
        assert answer.status_code == 429
        assert "The plan's limit of 1 members is reached." in read_text(answer.text)
