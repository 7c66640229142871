"""Actions by mail: invitations, forgotten passwords, new emails."""

import re
from collections.abc import AsyncGenerator

import httpx
import pytest

from shorty.accounts.invitations import list_invitations
from shorty.accounts.members import list_members
from shorty.accounts.model import Invitation, MadeInvitation
from shorty.accounts.second_factor import mark_confirmed, put_second_factor
from shorty.accounts.service import list_users, set_password
from shorty.config import Config, SmtpConfig
from shorty.mail import build_message
from shorty.passwords import hash_password
from shorty.webcore.mails import write_invitation
from tests.api.conftest import DOMAINS
from tests.api.house import House
from tests.mail_server import MailServer, run_mail_server
from tests.rsgi_client import make_client
from tests.web.browser import Browser, read_text

PASSWORD = "correct horse"
MINUTE = 60_000


@pytest.fixture
async def mail_server() -> AsyncGenerator[MailServer]:
    async with run_mail_server() as server:
        yield server


@pytest.fixture
def config(mail_server: MailServer) -> Config:
    return Config(domains=DOMAINS, smtp=mail_server.config)


@pytest.fixture
async def visitor(house: House) -> AsyncGenerator[Browser]:
    async with make_client(house.app) as client:
        yield Browser(client)


@pytest.fixture
async def ann(house: House, owner: Browser) -> Browser:
    """The owner, with a password."""
    kept = await hash_password(PASSWORD)
    user_id = house.home.user.id
    await house.app.db.write(
        lambda tx: tx.execute("update users set password_hash = $2 where id = $1", user_id, kept)
    )
    return owner


def read_link(server: MailServer) -> httpx.URL:
    """The newest mail's link."""
    found = re.search(r"https?://\S+", server.read_text())
    assert found
    return httpx.URL(found[0])


async def ask(house: House, visitor: Browser, email: str = "ann@a.example") -> httpx.Response:
    answer = await visitor.send("/app/forgotten", email=email)
    await house.app.services.mailer.finish()
    return answer


async def choose(visitor: Browser, link: httpx.URL, chosen: str = "battery staple") -> str:
    await visitor.open(link.raw_path.decode())
    answer = await visitor.send("/app/new-password", key=link.params["key"], password=chosen)
    return answer.headers.get("location", read_text(answer.text))


async def test_an_invitation_is_mailed_and_its_link_shown_to_nobody_else(
    house: House, owner: Browser, visitor: Browser, mail_server: MailServer
) -> None:
    answer = await owner.send("/app/members", email="bob@a.example", role="viewer")
    page = read_text(await owner.follow(answer))
    assert "Invitation sent to bob@a.example." in page
    assert "invited by ann · emailed" in page
    link = read_link(mail_server)
    assert mail_server.recipients == ["bob@a.example"]
    (mail,) = mail_server.received
    assert mail["Subject"] == "ann invited you to localhost:8000"
    assert mail["Reply-To"] == "ann@a.example"
    assert "ann invited you to the workspace “ann” on localhost:8000, as a viewer." in (
        mail_server.read_text()
    )
    assert link.params["key"] not in page
    await visitor.open(link.raw_path.decode())
    fields = {"key": link.params["key"], "name": "Bob", "password": PASSWORD}
    assert (await visitor.send("/app/invitation", fields)).headers["location"] == "/app"
    bob = (await list_users(house.app.db))[-1]
    assert (bob.email, bob.email_verified_at) == ("bob@a.example", house.now)


async def test_what_the_mail_server_refuses_is_shown_to_be_copied(
    house: House, owner: Browser, mail_server: MailServer
) -> None:
    mail_server.refusal = "554 no"
    answer = await owner.send("/app/members", email="bob@a.example", role="viewer")
    assert answer.status_code == 200
    assert "The email couldn't be sent." in answer.text
    assert "/app/invitation?key=" in answer.text
    (invitation,) = await list_invitations(house.app.db, await house.make_actor(), house.now)
    assert not invitation.is_mailed


async def test_names_of_others_are_text_in_mails_not_markup(
    owner: Browser, mail_server: MailServer
) -> None:
    await owner.send("/app/workspaces/rename", name="<b>Shop</b>")
    await owner.send("/app/members", email="bob@a.example", role="viewer")
    html = mail_server.received[0].get_body(("html",))
    assert html is not None
    assert "<b>Shop" not in html.get_content()
    assert "“<b>Shop</b>”" in mail_server.read_text()


async def test_nobody_is_mailed_more_than_five_times_an_hour(
    owner: Browser, mail_server: MailServer
) -> None:
    for _ in range(5):
        answer = await owner.send("/app/members", email="bob@a.example", role="viewer")
        assert answer.status_code == 303
    answer = await owner.send("/app/members", email="bob@a.example", role="viewer")
    assert answer.status_code == 429
    assert len(mail_server.received) == 5


@pytest.mark.parametrize(
    ("host", "base"),
    [
        ("go.example", "https://go.example"),
        ("GO.example.:4711", "https://go.example"),
        ("127.0.0.1:8000", "http://localhost:8000"),
        ("evil.example", "http://localhost:8000"),
    ],
)
async def test_a_mailed_link_leads_to_one_of_the_operators_domains(
    house: House, ann: Browser, mail_server: MailServer, host: str, base: str
) -> None:
    async with make_client(house.app) as client:
        visitor = Browser(client)
        await visitor.open("/app/forgotten")
        data = {"form_token": visitor.token, "email": "ann@a.example"}
        await client.post("/app/forgotten", data=data, headers={"host": host})
        await house.app.services.mailer.finish()
    link = read_link(mail_server)
    assert str(link).startswith(f"{base}/app/new-password?key=")


async def test_a_forgotten_password_is_set_anew_and_ends_every_session(
    house: House, ann: Browser, visitor: Browser, mail_server: MailServer
) -> None:
    page = read_text((await ask(house, visitor)).text)
    assert "If ann@a.example has an account here" in page
    link = read_link(mail_server)
    assert await choose(visitor, link) == "/app/sign-in"
    assert (await ann.open("/app/tags")).status_code == 303
    for password, status in ((PASSWORD, 401), ("battery staple", 303)):
        answer = await visitor.send("/app/sign-in", email="ann@a.example", password=password)
        assert answer.status_code == status
    visitor.token = ""
    assert "already used or has expired" in await choose(visitor, link, "another one")


async def test_who_sets_a_forgotten_password_may_revoke_their_tokens_too(
    house: House, ann: Browser, visitor: Browser, mail_server: MailServer
) -> None:
    client = await house.make_client()
    await ask(house, visitor)
    link = read_link(mail_server)
    page = await visitor.open(link.raw_path.decode())
    fields = {"key": link.params["key"], "password": PASSWORD, "revoke_tokens": "1"}
    assert "Also revoke my API tokens" in page.text
    assert (await client.get("/api/v1/links")).status_code == 200
    page = await visitor.follow(await visitor.send("/app/new-password", fields))
    assert "Password changed. Sign in with the new one. Your API tokens are revoked." in page
    assert (await client.get("/api/v1/links")).status_code == 401


async def test_an_unknown_address_gets_no_mail_and_the_same_answer(
    house: House, ann: Browser, visitor: Browser, mail_server: MailServer
) -> None:
    known = read_text((await ask(house, visitor)).text)
    unknown = read_text((await ask(house, visitor, "eve@b.example")).text)
    assert unknown == known.replace("ann@a.example", "eve@b.example")
    assert mail_server.recipients == ["ann@a.example"]


async def test_a_password_that_is_too_short_leaves_the_link_as_it_is(
    house: House, ann: Browser, visitor: Browser, mail_server: MailServer
) -> None:
    await ask(house, visitor)
    link = read_link(mail_server)
    assert "Must be at least 8 characters long." in await choose(visitor, link, "short")
    assert await choose(visitor, link) == "/app/sign-in"


async def test_a_link_that_is_too_old_says_so(
    house: House, ann: Browser, visitor: Browser, mail_server: MailServer
) -> None:
    await ask(house, visitor)
    link = read_link(mail_server)
    house.clock[0] += 60 * MINUTE
    assert "already used or has expired" in (await visitor.open(link.raw_path.decode())).text
    assert "already used or has expired" in await choose(visitor, link)


async def test_asking_again_and_again_is_stopped(
    house: House, ann: Browser, visitor: Browser, mail_server: MailServer
) -> None:
    for email in ("ann@a.example", "eve@b.example"):
        statuses = [(await ask(house, visitor, email)).status_code for _ in range(6)]
        assert statuses[5] == 429
    assert len(mail_server.received) == 5


async def test_a_new_email_counts_once_its_link_was_followed(
    house: House, ann: Browser, visitor: Browser, mail_server: MailServer
) -> None:
    answer = await ann.send("/app/account/email", email="New@a.example", password=PASSWORD)
    assert "Confirmation link sent to new@a.example." in read_text(await ann.follow(answer))
    assert (await list_users(house.app.db))[0].email == "ann@a.example"
    link = read_link(mail_server)
    assert mail_server.recipients == ["new@a.example"]
    path = link.raw_path.decode()
    assert "Confirm to sign in with new@a.example from now on." in read_text(
        (await ann.open(path)).text
    )
    answer = await ann.send("/app/new-email", key=link.params["key"])
    assert "You now sign in with new@a.example." in read_text(await ann.follow(answer))
    await house.app.services.mailer.finish()
    changed = (await list_users(house.app.db))[0]
    assert (changed.email, changed.email_verified_at) == ("new@a.example", house.now)
    assert mail_server.recipients[-1] == "ann@a.example"
    assert "no longer with ann@a.example" in mail_server.read_text()
    assert "already used, has expired" in (await ann.open(path)).text


async def test_a_link_to_a_new_email_serves_nobody_but_the_person_who_asked_for_it(
    house: House, ann: Browser, stranger: Browser, visitor: Browser, mail_server: MailServer
) -> None:
    await ann.send("/app/account/email", email="boss@a.example", password=PASSWORD)
    link = read_link(mail_server)
    path = link.raw_path.decode()
    assert (await visitor.open(path)).headers["location"].startswith("/app/sign-in?next=")
    assert (await visitor.send("/app/new-email", key=link.params["key"])).status_code == 303
    assert "belongs to another account" in (await stranger.open(path)).text
    assert (await stranger.send("/app/new-email", key=link.params["key"])).status_code == 409
    emails = [user.email for user in await list_users(house.app.db)]
    assert emails == ["ann@a.example", "eve@b.example"]


async def test_whether_an_email_is_taken_is_told_to_that_email_alone(
    house: House, ann: Browser, stranger: Browser, mail_server: MailServer
) -> None:
    pages: list[str] = []
    for email in ("eve@b.example", "new@b.example"):
        answer = await ann.send("/app/account/email", email=email, password=PASSWORD)
        pages.append(read_text(await ann.follow(answer)).replace(email, "x"))
    assert pages[0] == pages[1]
    assert mail_server.recipients == ["eve@b.example", "new@b.example"]
    taken, free = mail_server.received
    assert (taken["Subject"], free["Subject"]) == (
        "Your email already has an account",
        "Confirm your email",
    )
    assert "/app/forgotten" in str(taken.get_body(("plain",)))
    assert (await list_users(house.app.db))[0].email == "ann@a.example"


async def test_an_email_changes_only_with_the_password_and_to_one_that_is_one(
    house: House, ann: Browser, mail_server: MailServer
) -> None:
    wrong = await ann.send("/app/account/email", email="new@a.example", password="x")
    assert "It is not your password." in read_text(wrong.text)
    odd = await ann.send("/app/account/email", email="x", password=PASSWORD)
    assert "Must be an email" in read_text(odd.text)
    same = await ann.send("/app/account/email", email="Ann@a.example", password=PASSWORD)
    assert "Is your email already." in read_text(same.text)
    assert mail_server.received == []


async def test_an_unverified_email_is_verified_by_a_link_to_itself(
    house: House, ann: Browser, mail_server: MailServer
) -> None:
    await house.app.db.write(lambda tx: tx.execute("update users set email_verified_at = null"))
    assert "Leave the email as it is to verify it." in read_text(
        (await ann.open("/app/account")).text
    )
    await ann.send("/app/account/email", email="ann@a.example", password=PASSWORD)
    link = read_link(mail_server)
    await ann.open(link.raw_path.decode())
    answer = await ann.send("/app/new-email", key=link.params["key"])
    page = read_text(await ann.follow(answer))
    assert "Your email ann@a.example is verified." in page
    assert "Unverified" not in page
    assert len(mail_server.received) == 1
    assert (await ann.open("/app/tags")).status_code == 200


async def test_who_proves_an_email_first_gets_the_account_that_somebody_else_set_up(
    house: House, ann: Browser, visitor: Browser, mail_server: MailServer
) -> None:
    client = await house.make_client()
    await house.app.db.write(lambda tx: tx.execute("update users set email_verified_at = null"))
    await house.app.db.write(lambda tx: put_second_factor(tx, 1, "ABCD", house.now))
    await house.app.db.write(lambda tx: mark_confirmed(tx, 1, house.now))
    await ask(house, visitor)
    link = read_link(mail_server)
    page = read_text((await visitor.open(link.raw_path.decode())).text)
    assert "Until now ann@a.example was unverified," in page
    assert "The account belongs to ann ." in page
    assert "Also revoke my API tokens" not in page
    assert await choose(visitor, link) == "/app/sign-in"
    assert (await ann.open("/app/tags")).status_code == 303
    assert (await client.get("/api/v1/links")).status_code == 401
    answer = await visitor.send("/app/sign-in", email="ann@a.example", password="battery staple")
    assert answer.headers["location"] == "/app"
    assert "Unverified" not in (await visitor.open("/app/account")).text


async def test_who_is_invited_by_mail_to_an_account_of_somebody_elses_gets_it_by_mail_too(
    house: House, owner: Browser, stranger: Browser, visitor: Browser, mail_server: MailServer
) -> None:
    mail_server.refusal = "554 no"
    answer = await stranger.send("/app/members", email="boss@a.example", role="viewer")
    key = re.search(r"key=([\w-]+)</code>", answer.text)
    assert key
    evil = {"key": key[1], "name": "Eve", "password": PASSWORD}
    assert (await visitor.send("/app/invitation", evil)).headers["location"] == "/app"
    mail_server.refusal = ""
    await owner.send("/app/members", email="boss@a.example", role="admin")
    invitation = read_link(mail_server).raw_path.decode()
    async with make_client(house.app) as client:
        boss = Browser(client)
        page = read_text((await boss.open(invitation)).text)
        assert "boss@a.example already has an account here." in page
        assert "someone else created it? Set a new password" in page
        await ask(house, boss, "boss@a.example")
        assert await choose(boss, read_link(mail_server)) == "/app/sign-in"
        assert (await visitor.open("/app/tags")).status_code == 303
        fields = {"email": "boss@a.example", "password": "battery staple", "next": invitation}
        assert (await boss.send("/app/sign-in", fields)).headers["location"] == invitation
        await boss.open(invitation)
        answer = await boss.send("/app/invitation", key=invitation.partition("key=")[2])
        assert answer.headers["location"] == "/app"
    members = await list_members(house.app.db, house.home.workspace.id, 0, 9)
    assert {each.email: each.email_verified_at for each in members} == {
        "ann@a.example": house.now,
        "boss@a.example": house.now,
    }


async def test_an_operators_new_password_stops_links_that_were_mailed(
    house: House, ann: Browser, visitor: Browser, mail_server: MailServer
) -> None:
    await ask(house, visitor)
    await house.app.db.write(lambda tx: set_password(tx, "ann@a.example", "$hash", house.now))
    assert "already used or has expired" in await choose(visitor, read_link(mail_server))


async def test_nobody_is_answered_under_an_email_that_is_not_proved(
    house: House, owner: Browser, mail_server: MailServer
) -> None:
    await house.app.db.write(lambda tx: tx.execute("update users set email_verified_at = null"))
    await owner.send("/app/members", email="bob@a.example", role="viewer")
    assert "Reply-To" not in mail_server.received[0]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Ann\r\nBcc: eve@b.example", "Ann Bcc: eve@b.example"),
        ("Ann\u2028\u202e  Müller", "Ann Müller"),
        ("A" * 500, "A" * 60),
    ],
)
def test_a_name_is_one_line_of_the_subject(name: str, shown: str) -> None:
    invitation = Invitation(
        id=1,
        workspace_id=1,
        workspace_name="Shop",
        workspace_plan="unlimited",
        email="bob@a.example",
        role="viewer",
        inviter_name=name,
        is_mailed=True,
        created_at=0,
        expires_at=1,
    )
    made = MadeInvitation(invitation=invitation, text="key")
    mail = write_invitation(made, "https://go.example/x", site="go.example")
    assert mail.subject == f"{shown} invited you to go.example"
    message = build_message(SmtpConfig(host="mail.example", sender="a@a.example"), mail)
    assert message["Subject"] == mail.subject
    assert "Bcc" not in message


async def test_inviting_again_says_what_has_changed(
    owner: Browser, mail_server: MailServer
) -> None:
    await owner.send("/app/members", email="bob@a.example", role="viewer")
    again = await owner.send("/app/members", email="bob@a.example", role="editor")
    page = read_text(await owner.follow(again))
    assert "The earlier link no longer works. The role is now editor." in page
    same = await owner.send("/app/members", email="bob@a.example", role="editor")
    page = read_text(await owner.follow(same))
    assert "The earlier link no longer works." in page
    assert "The role is now" not in page
    assert len(mail_server.received) == 3
