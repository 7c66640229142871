import re
from collections.abc import AsyncGenerator

import httpx
import msgspec
import pytest

from shorty.accounts.invitations import find_invitation
from shorty.accounts.members import get_member
from shorty.accounts.model import Role
from shorty.accounts.service import list_users
from shorty.api.members import show_member
from shorty.config import Config, DefaultsConfig, Plan
from tests.api.conftest import DOMAINS
from tests.api.house import House
from tests.mail_server import MailServer, run_mail_server
from tests.reading import reader
from tests.support import make_colleague, make_home

Member = dict[str, str]


async def add(house: House, email: str = "bob@a.example", role: Role = "editor") -> Member:
    """As a person who has accepted an invitation."""
    home = await make_colleague(house.app.db, await house.make_actor(), role, email)
    member = get_member(reader(house.app.db), house.home.workspace.id, home.user.id)
    return msgspec.to_builtins(show_member(member))


async def invite(client: httpx.AsyncClient, **fields: object) -> dict[str, str | None]:
    answer = await client.post("/api/v1/members", json={"email": "bob@a.example"} | fields)
    assert answer.status_code == 201, answer.text
    assert answer.headers["cache-control"] == "no-store"
    return answer.json()["invitation"]


async def count_people(house: House) -> int:
    return len(await list_users(house.app.db))


async def test_a_member_is_read_changed_and_removed(
    house: House, client: httpx.AsyncClient
) -> None:
    member = await add(house, role="viewer")
    path = f"/api/v1/members/{member['id']}"
    assert (await client.get(path)).json()["member"] == {
        "id": member["id"],
        "email": "bob@a.example",
        "emailVerified": True,
        "name": "bob",
        "role": "viewer",
        "createdAt": "2026-11-22T12:00:00.000Z",
    }
    changed = await client.patch(path, json={"role": "admin"})
    assert changed.json()["member"]["role"] == "admin"
    assert (await client.delete(path)).status_code == 204
    assert (await client.get(path)).status_code == 404


async def test_an_invitation_comes_with_its_link_where_no_mail_is_sent(
    house: House, client: httpx.AsyncClient
) -> None:
    invitation = await invite(client, email=" Bob@A.example", role="viewer")
    url = invitation.pop("url")
    assert invitation == {
        "id": invitation["id"],
        "email": "bob@a.example",
        "role": "viewer",
        "expiresAt": "2026-11-29T12:00:00.000Z",
    }
    assert url is not None
    assert url.startswith("http://localhost:8000/app/invitation?key=")
    key = url.partition("key=")[2]
    kept = find_invitation(reader(house.app.db), key, house.now)
    assert kept is not None
    assert (str(kept.id), kept.is_mailed) == (invitation["id"], False)


async def test_the_link_of_an_invitation_is_not_kept_for_retries(
    house: House, client: httpx.AsyncClient
) -> None:
    for _ in range(2):
        answer = await client.post(
            "/api/v1/members", json={"email": "b@a.example"}, headers={"idempotency-key": "once"}
        )
        assert answer.status_code == 201
    assert reader(house.app.db).find_one("select 1 from idempotency_keys") is None


async def test_nobody_becomes_a_member_without_accepting(
    house: House, client: httpx.AsyncClient
) -> None:
    await make_home(house.app.db, email="eve@b.example")
    before = await count_people(house)
    for email in ("eve@b.example", "new@b.example"):
        await invite(client, email=email, role="owner")
    listed = (await client.get("/api/v1/members")).json()["members"]
    assert [member["email"] for member in listed] == ["ann@a.example"]
    assert await count_people(house) == before


async def test_whether_an_email_has_an_account_is_not_told_by_inviting_it(
    house: House, client: httpx.AsyncClient
) -> None:
    await make_home(house.app.db, email="eve@b.example")
    known, unknown = [
        await invite(client, email=email) for email in ("eve@b.example", "new@b.example")
    ]
    assert known.keys() == unknown.keys()
    for each in (known, unknown):
        assert (each["role"], bool(each["url"])) == ("editor", True)


async def test_a_member_whose_email_is_unverified_is_shown_as_such(
    house: House, client: httpx.AsyncClient
) -> None:
    await add(house)
    await house.app.db.write(
        lambda tx: tx.execute("update users set email_verified_at = null where id <> 1")
    )
    listed = (await client.get("/api/v1/members")).json()["members"]
    assert {member["email"]: member["emailVerified"] for member in listed} == {
        "ann@a.example": True,
        "bob@a.example": False,
    }


async def test_members_are_listed_in_pages(house: House, client: httpx.AsyncClient) -> None:
    await add(house)
    await add(house, "cy@a.example")
    first = (await client.get("/api/v1/members?limit=2")).json()
    rest = (await client.get(f"/api/v1/members?limit=2&cursor={first['nextCursor']}")).json()
    names = [member["name"] for member in first["members"] + rest["members"]]
    assert names == ["ann", "bob", "cy"]
    assert rest["nextCursor"] is None


async def test_a_second_invitation_replaces_the_first(
    house: House, client: httpx.AsyncClient
) -> None:
    first, second = await invite(client), await invite(client)
    assert first["id"] == second["id"]
    keys = [str(each["url"]).partition("key=")[2] for each in (first, second)]
    found = [find_invitation(reader(house.app.db), key, house.now) for key in keys]
    assert [invitation is not None for invitation in found] == [False, True]


async def test_a_person_invites_fifty_times_an_hour(
    house: House, client: httpx.AsyncClient
) -> None:
    for number in range(50):
        await invite(client, email=f"{number}@a.example")
    answer = await client.post("/api/v1/members", json={"email": "x@a.example"})
    assert (answer.status_code, answer.json()["code"]) == (429, "rate-limited")


async def test_faulty_fields_are_named_at_once(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/v1/members", json={"role": "king", "nick": "b"})
    assert answer.status_code == 422
    assert set(answer.json()["fields"]) == {"email", "role", "nick"}
    answer = await client.post("/api/v1/members", json={"email": "bob"})
    assert answer.json()["fields"] == {"email": "must be an email, such as ann@example.com"}


async def test_nobody_is_a_member_twice(house: House, client: httpx.AsyncClient) -> None:
    await add(house)
    answer = await client.post("/api/v1/members", json={"email": "Bob@A.example"})
    assert (answer.status_code, answer.json()["code"]) == (409, "already-exists")


async def test_the_last_owner_stays(client: httpx.AsyncClient) -> None:
    for answer in (
        await client.patch("/api/v1/members/1", json={"role": "editor"}),
        await client.delete("/api/v1/members/1"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "conflict")


async def test_another_workspaces_member_is_not_there(
    house: House, client: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    member = await add(house)
    path = f"/api/v1/members/{member['id']}"
    assert (await stranger.get(path)).status_code == 404
    assert (await stranger.patch(path, json={"role": "viewer"})).status_code == 404
    assert (await stranger.delete(path)).status_code == 404
    assert (await client.get(path)).json()["member"] == member


async def test_everybody_sees_the_members_and_admins_manage_them(house: House) -> None:
    writer = await house.make_client(scope="write")
    assert (await writer.get("/api/v1/members")).status_code == 200
    for answer in (
        await writer.post("/api/v1/members", json={"email": "bob@a.example"}),
        await writer.patch("/api/v1/members/1", json={"role": "viewer"}),
        await writer.delete("/api/v1/members/1"),
    ):
        assert answer.status_code == 403


class TestWithMail:
    @pytest.fixture
    async def mail_server(self) -> AsyncGenerator[MailServer]:
        async with run_mail_server() as server:
            yield server

    @pytest.fixture
    def config(self, mail_server: MailServer) -> Config:
        return Config(domains=DOMAINS, smtp=mail_server.config)

    async def test_an_invitation_is_mailed_and_its_link_shown_to_nobody(
        self, house: House, client: httpx.AsyncClient, mail_server: MailServer
    ) -> None:
        invitation = await invite(client)
        assert invitation["url"] is None
        assert mail_server.recipients == ["bob@a.example"]
        found = re.search(r"(http\S+/app/invitation\?key=)(\S+)", mail_server.read_text())
        assert found
        assert found[1] == "http://localhost:8000/app/invitation?key="
        kept = find_invitation(reader(house.app.db), found[2], house.now)
        assert kept is not None
        assert kept.is_mailed

    async def test_a_link_that_cannot_be_mailed_is_handed_back_and_proves_nothing(
        self, house: House, client: httpx.AsyncClient, mail_server: MailServer
    ) -> None:
        mail_server.refusal = "554 no"
        key = str((await invite(client))["url"]).partition("key=")[2]
        kept = find_invitation(reader(house.app.db), key, house.now)
        assert kept is not None
        assert not kept.is_mailed


class TestWithAPlanForOneMember:
    @pytest.fixture
    def config(self) -> Config:
        plans = {"solo": Plan(members=1)}
        return Config(domains=DOMAINS, plans=plans, defaults=DefaultsConfig(plan="solo"))

    async def test_the_plans_limit_is_told(self, client: httpx.AsyncClient) -> None:
        answer = await client.post("/api/v1/members", json={"email": "bob@a.example"})
        assert (answer.status_code, answer.json()["code"]) == (429, "quota-exceeded")
        assert answer.json()["detail"] == "The plan's limit of 1 members is reached."
        assert "retry-after" not in answer.headers
