import httpx
import pytest

from shorty.config import Config, DefaultsConfig, Plan
from tests.api.conftest import DOMAINS
from tests.api.house import House

Member = dict[str, str]


async def add(client: httpx.AsyncClient, **fields: object) -> Member:
    answer = await client.post("/api/v1/members", json={"email": "bob@a.example"} | fields)
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == f"/api/v1/members/{answer.json()['member']['id']}"
    return answer.json()["member"]


async def test_a_member_is_added_read_changed_and_removed(client: httpx.AsyncClient) -> None:
    member = await add(client, name="Bob", role="viewer")
    path = f"/api/v1/members/{member['id']}"
    assert (await client.get(path)).json()["member"] == {
        "id": member["id"],
        "email": "bob@a.example",
        "name": "Bob",
        "role": "viewer",
        "createdAt": "2026-11-22T12:00:00.000Z",
    }
    changed = await client.patch(path, json={"role": "admin"})
    assert changed.json()["member"]["role"] == "admin"
    assert (await client.delete(path)).status_code == 204
    assert (await client.get(path)).status_code == 404


async def test_members_are_listed_in_pages(client: httpx.AsyncClient) -> None:
    await add(client)
    await add(client, email="cy@a.example")
    first = (await client.get("/api/v1/members?limit=2")).json()
    rest = (await client.get(f"/api/v1/members?limit=2&cursor={first['nextCursor']}")).json()
    names = [member["name"] for member in first["members"] + rest["members"]]
    assert names == ["ann", "bob", "cy"]
    assert rest["nextCursor"] is None


async def test_a_retry_adds_a_member_once(client: httpx.AsyncClient) -> None:
    headers = {"idempotency-key": "bob"}
    first = await client.post("/api/v1/members", json={"email": "bob@a.example"}, headers=headers)
    again = await client.post("/api/v1/members", json={"email": "bob@a.example"}, headers=headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert again.headers["location"] == first.headers["location"]


async def test_faulty_fields_are_named_at_once(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/v1/members", json={"role": "king", "nick": "b"})
    assert answer.status_code == 422
    assert set(answer.json()["fields"]) == {"email", "role", "nick"}
    answer = await client.post("/api/v1/members", json={"email": "bob"})
    assert answer.json()["fields"] == {
        "email": "must be an e-mail address, such as ann@example.com"
    }


async def test_nobody_is_a_member_twice(client: httpx.AsyncClient) -> None:
    await add(client)
    answer = await client.post("/api/v1/members", json={"email": "Bob@A.example"})
    assert (answer.status_code, answer.json()["code"]) == (409, "already-exists")


async def test_the_last_owner_stays(client: httpx.AsyncClient) -> None:
    for answer in (
        await client.patch("/api/v1/members/1", json={"role": "editor"}),
        await client.delete("/api/v1/members/1"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "conflict")


async def test_another_workspaces_member_is_not_there(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    member = await add(client)
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
