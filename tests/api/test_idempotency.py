import asyncio

import httpx

from shorty.api.idempotency import delete_old_keys
from tests.api.house import House
from tests.support import DAY

DOMAINS = "/api/v1/domains"


async def add(
    client: httpx.AsyncClient, key: str, host: str = "go.a.example", **fields: object
) -> httpx.Response:
    body = {"host": host} | fields
    return await client.post(DOMAINS, json=body, headers={"idempotency-key": key})


async def count_hosts(client: httpx.AsyncClient) -> int:
    return len((await client.get(DOMAINS)).json()["domains"]) - 2  # the operator's


async def test_a_retry_is_answered_as_the_first_request_was(client: httpx.AsyncClient) -> None:
    first = await add(client, "k")
    again = await add(client, "k")
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again.headers["location"] == first.headers["location"]
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert again.headers["content-type"] == "application/json"
    assert await count_hosts(client) == 1


async def test_of_many_at_once_one_works_and_the_others_answer_as_it_does(
    client: httpx.AsyncClient,
) -> None:
    answers = await asyncio.gather(*(add(client, "k") for _ in range(20)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert sum("idempotency-replayed" in answer.headers for answer in answers) == 19


async def test_a_key_stands_for_one_request(client: httpx.AsyncClient) -> None:
    await add(client, "k")
    for answer in (
        await add(client, "k", "other.a.example"),
        await client.post(
            "/api/v1/tags",
            json={"name": "News"},
            headers={"idempotency-key": "k"},
        ),
    ):
        assert (answer.status_code, answer.json()["code"]) == (422, "idempotency-key-reused")
    assert await count_hosts(client) == 1


async def test_a_failure_is_not_kept(client: httpx.AsyncClient) -> None:
    assert (await add(client, "k", "not a host")).status_code == 422
    assert (await add(client, "k")).status_code == 201


async def test_each_token_has_its_own_keys(house: House, client: httpx.AsyncClient) -> None:
    other = await house.make_client()
    assert (await add(client, "k")).status_code == 201
    answer = await add(other, "k")
    assert (answer.status_code, answer.json()["code"]) == (409, "already-exists")


async def test_after_a_day_the_key_is_free_again(house: House, client: httpx.AsyncClient) -> None:
    await add(client, "k")
    house.clock[0] += DAY - 1
    assert (await add(client, "k")).headers["idempotency-replayed"] == "true"
    house.clock[0] += 1
    answer = await add(client, "k", "other.a.example")
    assert (answer.status_code, "idempotency-replayed" in answer.headers) == (201, False)
    assert (await add(client, "k", "other.a.example")).content == answer.content


async def test_old_keys_are_deleted_in_batches(house: House, client: httpx.AsyncClient) -> None:
    await add(client, "old")
    house.clock[0] += DAY
    await add(client, "new", "other.a.example")
    db = house.app.db
    assert await delete_old_keys(db, house.now) == 1
    assert await delete_old_keys(db, house.now) == 0
    rows = db.look_up_all("select key from idempotency_keys")
    assert [row["key"] for row in rows] == ["new"]


async def test_a_key_without_end_is_refused(client: httpx.AsyncClient) -> None:
    for key in ("", "x" * 256):
        answer = await add(client, key)
        assert answer.status_code == 422
        assert answer.json()["fields"] == {"Idempotency-Key": "must be 1 to 255 characters long"}
    assert (await add(client, "x" * 255)).status_code == 201
