import httpx

from tests.api.house import House
from tests.support import DAY


async def make(client: httpx.AsyncClient, **fields: object) -> dict[str, str]:
    answer = await client.post("/api/v1/tokens", json=fields)
    assert answer.status_code == 201, answer.text
    return answer.json()["token"]


async def test_a_new_token_works_and_its_text_is_shown_once(
    house: House, client: httpx.AsyncClient
) -> None:
    token = await make(client, name=" Deploy ", scope="write")
    assert (token["name"], token["scope"], token["user"]) == (
        "Deploy",
        "write",
        {"id": "1", "email": "ann@a.example"},
    )
    caller = await house.make_client(token=token["token"])
    assert (await caller.get("/api/v1/usage")).status_code == 200
    shown = (await client.get(f"/api/v1/tokens/{token['id']}")).json()["token"]
    assert shown == {key: token[key] for key in token if key != "token"} | {
        "lastUsedAt": shown["lastUsedAt"]
    }
    assert "token" not in shown
