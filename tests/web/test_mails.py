"""What is done by mail: invitations, forgotten passwords, new addresses."""

import re
from collections.abc import AsyncGenerator

import httpx
import pytest

from shorty.accounts.invitations import list_invitations
from shorty.accounts.service import list_users, set_password
from shorty.config import Config
from shorty.passwords import hash_password
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
    assert "An invitation is on its way to bob@a.example." in page
    assert "by ann · mailed" in page
    link = read_link(mail_server)
    assert mail_server.recipients == ["bob@a.example"]
    assert mail_server.received[0]["Subject"] == "Join ann"
    assert "ann invites you to the workspace “ann”, as a viewer." in mail_server.read_text()
    assert link.params["key"] not in page
    await visitor.open(link.raw_path.decode())
    fields = {"key": link.params["key"], "name": "Bob", "password": PASSWORD}
    assert (await visitor.send("/app/invitation", fields)).headers["location"] == "/app"
    assert [user.email for user in await list_users(house.app.db)][-1] == "bob@a.example"


async def test_what_the_mail_server_refuses_is_shown_to_be_copied(
    house: House, owner: Browser, mail_server: MailServer
) -> None:
    mail_server.refusal = "554 no"
    answer = await owner.send("/app/members", email="bob@a.example", role="viewer")
    assert answer.status_code == 200
    assert "The mail could not be sent." in answer.text
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
    assert "used up or too old" in await choose(visitor, link, "another one")


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
    assert "Your new password is set. Sign in with it. Your API tokens are revoked." in page
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
    assert "used up or too old" in (await visitor.open(link.raw_path.decode())).text
    assert "used up or too old" in await choose(visitor, link)


async def test_asking_again_and_again_is_stopped(
    house: House, ann: Browser, visitor: Browser, mail_server: MailServer
) -> None:
    for email in ("ann@a.example", "eve@b.example"):
        statuses = [(await ask(house, visitor, email)).status_code for _ in range(6)]
        assert statuses[5] == 429
    assert len(mail_server.received) == 5


async def test_a_new_address_counts_once_its_link_was_followed(
    house: House, ann: Browser, visitor: Browser, mail_server: MailServer
) -> None:
    answer = await ann.send("/app/account/email", email="New@a.example", password=PASSWORD)
    assert "A link is on its way to new@a.example." in read_text(await ann.follow(answer))
    assert (await list_users(house.app.db))[0].email == "ann@a.example"
    link = read_link(mail_server)
    assert mail_server.recipients == ["new@a.example"]
    page = await visitor.open(link.raw_path.decode())
    assert "You sign in with new@a.example from now on." in read_text(page.text)
    answer = await visitor.send("/app/new-email", key=link.params["key"])
    assert answer.headers["location"] == "/app/sign-in"
    await house.app.services.mailer.finish()
    assert (await list_users(house.app.db))[0].email == "new@a.example"
    assert mail_server.recipients[-1] == "ann@a.example"
    assert "no more with ann@a.example" in mail_server.read_text()
    assert "used up or too old" in (await visitor.open(link.raw_path.decode())).text


async def test_an_operators_new_password_stops_links_that_were_mailed(
    house: House, ann: Browser, visitor: Browser, mail_server: MailServer
) -> None:
    await ask(house, visitor)
    await house.app.db.write(lambda tx: set_password(tx, "ann@a.example", "$hash", house.now))
    assert "used up or too old" in await choose(visitor, read_link(mail_server))
