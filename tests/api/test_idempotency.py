import asyncio
from itertools import count
from typing import Any

import httpx
import pytest

from shorty.accounts import token_store
from shorty.accounts.model import KeptAnswer
from shorty.api.idempotency import delete_old_keys
from shorty.storage.database import Reader
from tests.api.house import House
from tests.reading import reader
from tests.support import DAY, NOW

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
    rows = reader(db).find_all("select key from idempotency_keys")
    assert [row["key"] for row in rows] == ["new"]


async def test_a_key_without_end_is_refused(client: httpx.AsyncClient) -> None:
    for key in ("", "x" * 256):
        answer = await add(client, key)
        assert answer.status_code == 422
        assert answer.json()["fields"] == {"Idempotency-Key": "must be 1 to 255 characters long"}
    assert (await add(client, "x" * 255)).status_code == 201


# Of `POST /api/v1/domains` with BODY, written once: a release after this one answers by it too.
BODY = b'{"host":"go.a.example"}'
DIGEST = "ef6e8ad9527e642303d7ec3a0cb6927b7e6bf51adce2b839567af46d09c95ed1"


async def send(
    client: httpx.AsyncClient, path: str = DOMAINS, body: bytes = BODY
) -> httpx.Response:
    headers = {"idempotency-key": "k", "content-type": "application/json"}
    return await client.post(path, content=body, headers=headers)


async def test_an_answer_is_kept_as_this_row(house: House, client: httpx.AsyncClient) -> None:
    other = await house.make_client()
    answer = await send(client)
    await other.post("/api/v1/tags", json={"name": "News"}, headers={"idempotency-key": "k"})
    rows = reader(house.app.db).find_all("select * from idempotency_keys order by token_id")
    first, second = [tuple(row) for row in rows]
    location = answer.headers["location"]
    assert first == (first[0], "k", DIGEST, 201, answer.content, location, NOW)
    assert second[:2] == (first[0] + 1, "k")


@pytest.mark.parametrize(
    ("location", "headers"),
    [("/api/v1/domains/77", {"location": "/api/v1/domains/77"}), ("", {})],
)
async def test_a_kept_row_is_answered_field_by_field(
    house: House, client: httpx.AsyncClient, location: str, headers: dict[str, str]
) -> None:
    """Beside that of another token with the same key."""
    await house.make_client()
    (token_id, other_id) = [
        row["id"] for row in reader(house.app.db).find_all("select id from tokens order by id")
    ][-2:]
    for id_, digest, status, body in (
        (token_id, DIGEST, 202, b'{"kept": 1}'),
        (other_id, "other", 200, b"other"),
    ):
        await house.app.db.write(
            lambda tx, row=(id_, "k", digest, status, body, location, NOW - DAY + 1): tx.execute(
                "insert into idempotency_keys values ($1, $2, $3, $4, $5, $6, $7)", *row
            )
        )
    answer = await send(client)
    assert (answer.status_code, answer.content) == (202, b'{"kept": 1}')
    assert (b"idempotency-replayed", b"true") in answer.headers.raw
    assert {"location": answer.headers.get("location", "")} == {"location": "", **headers}
    for path, body in ((f"{DOMAINS}?&", BODY), (DOMAINS, BODY + b" ")):
        answer = await send(client, path, body)
        assert (answer.status_code, answer.json()["code"]) == (422, "idempotency-key-reused")
    house.clock[0] += 1
    assert b"kept" not in (await send(client)).content


async def test_what_another_process_did_meanwhile_is_answered_again(
    house: House, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await add(client, "k")
    find, asked = token_store.find_kept_answer, count()

    def find_late(rows: Reader, *place: Any) -> KeptAnswer | None:
        return find(rows, *place) if next(asked) else None

    monkeypatch.setattr(token_store, "find_kept_answer", find_late)
    again = await add(client, "k")  # whose host exists by now
    assert (again.status_code, again.json()) == (201, first.json())
    assert (b"idempotency-replayed", b"true") in again.headers.raw
    assert await count_hosts(client) == 1


async def test_a_write_by_another_process_meanwhile_is_a_conflict(
    house: House, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It looked for the answer before the other one kept its own: nothing is done twice."""
    await add(client, "k")

    def find_nothing(*_: object) -> None: ...

    monkeypatch.setattr(token_store, "find_kept_answer", find_nothing)
    answer = await add(client, "k", "other.a.example")
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert "Idempotency-Key is in progress; try again" in answer.json()["error"]
    assert await count_hosts(client) == 1
