import httpx

from tests.api.house import House
from tests.reading import reader
from tests.rsgi_client import make_client
from tests.support import DAY, MINUTE, make_home

Token = dict[str, str]


async def make(client: httpx.AsyncClient, **fields: object) -> Token:
    answer = await client.post("/api/v1/tokens", json=fields)
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == f"/api/v1/tokens/{answer.json()['token']['id']}"
    assert answer.headers["cache-control"] == "no-store"
    return answer.json()["token"]


async def test_a_new_token_works_and_its_text_is_shown_once(
    house: House, client: httpx.AsyncClient
) -> None:
    token = await make(client, name=" Deploy ", scope="write")
    assert (token["name"], token["scope"]) == ("Deploy", "write")
    assert token["user"] == {"id": "1", "email": "ann@a.example"}
    caller = await house.make_client(token=token["token"])
    assert (await caller.get("/api/v1/usage")).status_code == 200
    await house.settle()
    shown = (await client.get(f"/api/v1/tokens/{token['id']}")).json()["token"]
    assert "token" not in shown
    assert shown["lastUsedAt"] == "2026-11-22T12:00:00.000Z"
    assert shown["hint"] == token["token"][:11]


async def test_tokens_are_listed_in_pages_without_their_texts(client: httpx.AsyncClient) -> None:
    for name in "ab":
        await make(client, name=name)
    first = (await client.get("/api/v1/tokens?limit=2")).json()
    rest = (await client.get(f"/api/v1/tokens?limit=2&cursor={first['nextCursor']}")).json()
    assert [token["name"] for token in first["tokens"] + rest["tokens"]] == ["", "a", "b"]
    assert rest["nextCursor"] is None
    assert not any("token" in token for token in first["tokens"])


async def test_a_token_ends_when_it_says(house: House, client: httpx.AsyncClient) -> None:
    token = await make(client, expiresAt="2026-11-23T13:00:00+01:00")
    assert token["expiresAt"] == "2026-11-23T12:00:00.000Z"
    caller = await house.make_client(token=token["token"])
    assert (await caller.get("/api/v1/usage")).status_code == 200
    house.clock[0] += DAY
    assert (await caller.get("/api/v1/usage")).status_code == 401


async def test_a_tokens_name_and_end_may_change(client: httpx.AsyncClient) -> None:
    token = await make(client, name="old", expiresAt="2026-12-01T00:00:00Z")
    path = f"/api/v1/tokens/{token['id']}"
    renamed = (await client.patch(path, json={"name": "new"})).json()["token"]
    assert (renamed["name"], renamed["expiresAt"]) == ("new", "2026-12-01T00:00:00.000Z")
    endless = (await client.patch(path, json={"expiresAt": None})).json()["token"]
    assert (endless["name"], endless["expiresAt"]) == ("new", None)


async def test_a_revoked_token_stops_at_once(house: House, client: httpx.AsyncClient) -> None:
    token = await make(client)
    caller = await house.make_client(token=token["token"])
    assert (await caller.get("/api/v1/usage")).status_code == 200
    path = f"/api/v1/tokens/{token['id']}"
    assert (await client.delete(path)).status_code == 204
    assert (await caller.get("/api/v1/usage")).status_code == 401
    assert (await client.get(path)).status_code == 404
    assert (await client.delete(path)).status_code == 404


async def test_every_faulty_field_is_named_at_once(client: httpx.AsyncClient) -> None:
    wrong = {"name": 1, "scope": "root", "expiresAt": "soon", "colour": "red"}
    answer = await client.post("/api/v1/tokens", json=wrong)
    assert answer.status_code == 422
    assert answer.json()["fields"] == {
        "name": "must be text",
        "scope": 'must be "read", "write" or "admin"',
        "expiresAt": "must be a time such as 2026-12-31T23:59:59Z",
        "colour": "is not a known field",
    }
    past = await client.post("/api/v1/tokens", json={"expiresAt": "2026-11-22T12:00:00Z"})
    assert past.json()["fields"] == {"expiresAt": "must be in the future"}


async def test_another_workspaces_token_is_not_there(
    house: House, client: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    token = await make(client)
    path = f"/api/v1/tokens/{token['id']}"
    assert (await stranger.get(path)).status_code == 404
    assert (await stranger.patch(path, json={"name": "mine"})).status_code == 404
    assert (await stranger.delete(path)).status_code == 404
    assert token["id"] not in [
        each["id"] for each in (await stranger.get("/api/v1/tokens")).json()["tokens"]
    ]
    caller = await house.make_client(token=token["token"])
    assert (await caller.get("/api/v1/usage")).status_code == 200


async def test_only_an_admin_token_manages_tokens(house: House) -> None:
    writer = await house.make_client(scope="write")
    for method, path in [("GET", ""), ("POST", ""), ("GET", "/1"), ("DELETE", "/1")]:
        answer = await writer.request(method, f"/api/v1/tokens{path}")
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


async def test_the_text_of_a_token_is_not_kept_for_retries(
    house: House, client: httpx.AsyncClient
) -> None:
    headers = {"idempotency-key": "once"}
    for _ in range(2):
        answer = await client.post("/api/v1/tokens", json={}, headers=headers)
        assert answer.status_code == 201
    assert reader(house.app.db).find_one("select 1 from idempotency_keys") is None


async def test_a_token_belongs_to_one_workspace_of_its_person(house: House) -> None:
    other = await make_home(house.app.db, house.app.config, email="bob@b.example")
    caller = await house.make_client(home=other, scope="read")
    members = (await caller.get("/api/v1/members")).json()["members"]
    assert [member["email"] for member in members] == ["bob@b.example"]


async def test_an_expired_token_stays_expired_when_the_clock_is_set_back_or_its_end_moved(
    house: House, client: httpx.AsyncClient
) -> None:
    end = {"expiresAt": "2026-11-22T13:00:00Z"}
    made = (await client.post("/api/v1/tokens", json=end)).json()["token"]
    caller = make_client(house.app)
    caller.headers["authorization"] = f"Bearer {made['token']}"
    assert (await caller.get("/api/v1/members")).status_code == 200
    house.clock[0] += 60 * MINUTE
    assert (await caller.get("/api/v1/members")).status_code == 401
    path = f"/api/v1/tokens/{made['id']}"
    for later in ("2027-11-22T13:00:00Z", None):
        answer = await client.patch(path, json={"expiresAt": later})
        assert answer.json()["fields"] == {
            "expiresAt": "cannot change, as the token has expired; create another"
        }
    await house.app.jobs.sweep()
    house.clock[0] -= 60 * MINUTE
    assert (await caller.get("/api/v1/members")).status_code == 401
    await caller.aclose()
