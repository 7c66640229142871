from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from standardwebhooks import Webhook

from shorty.config import Config, Plan, WebhooksConfig
from tests.api.conftest import DOMAINS
from tests.api.house import House
from tests.clicks.making import BROWSER, store_all
from tests.support import DAY, make_home
from tests.webhooks.receiver import Receiver, answer, run_receiver

Json = dict[str, Any]
ALL = "/api/v1/webhooks"


@pytest.fixture
def config() -> Config:
    return Config(
        domains=DOMAINS,
        plans={"plain": Plan(webhooks=False)},
        webhooks=WebhooksConfig(allow_private=True, retries_s=(5,)),
    )


@pytest.fixture
async def receiver() -> AsyncGenerator[Receiver]:
    async with run_receiver() as receiver:
        yield receiver


async def get(client: httpx.AsyncClient, path: str) -> Json:
    answered = await client.get(f"{ALL}{path}")
    assert answered.status_code == 200, answered.text
    return answered.json()


async def post(client: httpx.AsyncClient, path: str, status: int = 202, **body: object) -> Json:
    answered = await client.post(f"{ALL}{path}", json=body or None)
    assert answered.status_code == status, answered.text
    return answered.json()


async def list_deliveries(client: httpx.AsyncClient, query: str = "") -> list[Json]:
    return (await get(client, f"/deliveries{query}"))["deliveries"]


async def visit(house: House, *slugs: str) -> None:
    visitor = await house.make_client(token="")
    for slug in slugs:
        visited = await visitor.get(f"/{slug}", headers={"user-agent": BROWSER})
        assert visited.status_code == 302
    await store_all(house.app.services.recorder)


async def wait_for(
    client: httpx.AsyncClient, delivery_id: str, attempts: int = 1, status: str | None = None
) -> Json:
    """The delivery, once it has had so many attempts."""
    for _ in range(2000):
        delivery = (await get(client, f"/deliveries/{delivery_id}"))["delivery"]
        if delivery["attempts"] >= attempts and status in {None, delivery["status"]}:
            return delivery
    raise AssertionError("It was not tried")


# From a visit to the receiver


async def test_a_visit_is_told_and_logged(
    house: House, client: httpx.AsyncClient, receiver: Receiver
) -> None:
    link = await house.make_link(slug="sale", title="Sale", webhook_urls=(receiver.url,))
    await visit(house, "sale")
    (message,) = await receiver.wait_for(1)
    (listed,) = await list_deliveries(client)
    delivery = await wait_for(client, listed["id"])
    assert message.event == delivery["payload"]
    assert message.event["data"]["link"]["shortUrl"] == link.short_url
    assert message.event["data"]["click"]["browser"] == "Chrome"
    (made,) = delivery.pop("tries")
    assert (made["number"], made["status"], made["error"], made["body"]) == (1, 200, None, "")
    del delivery["payload"]
    assert delivery == {
        "id": listed["id"],
        "webhookId": message.id,
        "linkId": str(link.id),
        "url": receiver.url,
        "status": "delivered",
        "reason": None,
        "attempts": 1,
        "createdAt": "2026-11-22T12:00:00.000Z",
        "nextTryAt": None,
        "endedAt": delivery["endedAt"],
        "receiver": {"id": "1", "status": "active", "resumesAt": None},
        "lastTry": made,
    }


async def test_the_link_is_told_as_the_links_api_shows_it(
    house: House, client: httpx.AsyncClient, receiver: Receiver
) -> None:
    made = await client.post(
        "/api/v1/links",
        json={
            "url": "https://example.com/?a=1",
            "domain": "localhost:8000",
            "customSlug": "größe",
            "title": "Größe",
            "utmSource": "news",
            "webhookUrls": receiver.url,
        },
    )
    link = made.json()["link"]
    await visit(house, "größe")
    (message,) = await receiver.wait_for(1)
    told = message.event["data"]["link"]
    assert told == {name: link[name] for name in told}
    assert message.event["data"]["click"]["utmSource"] == "news"


# The secret


async def test_the_secret_is_made_once_and_verifies_deliveries(
    house: House, client: httpx.AsyncClient, receiver: Receiver
) -> None:
    secret = await get(client, "/secret")
    assert secret == await get(client, "/secret")
    assert secret["previousValidUntil"] is None
    await post(client, "/test", url=receiver.url)
    (message,) = await receiver.wait_for(1)
    at = datetime.fromtimestamp(int(message.headers["webhook-timestamp"]), UTC)
    expected = Webhook(secret["secret"]).sign(message.id, at, message.body.decode())
    assert message.headers["webhook-signature"] == expected


async def test_a_rotated_secret_signs_beside_the_new_one_for_a_day(
    house: House, client: httpx.AsyncClient, receiver: Receiver
) -> None:
    old = await get(client, "/secret")
    new = await post(client, "/secret/rotate", status=200)
    assert new["secret"] != old["secret"]
    assert new["previousValidUntil"] == "2026-11-23T12:00:00.000Z"
    assert await get(client, "/secret") == new
    await post(client, "/test", url=receiver.url)
    (message,) = await receiver.wait_for(1)
    assert len(message.headers["webhook-signature"].split()) == 2
    house.clock[0] += DAY
    assert await get(client, "/secret") == new | {"previousValidUntil": None}


async def test_every_secret_of_a_day_signs(
    house: House, client: httpx.AsyncClient, receiver: Receiver
) -> None:
    for _ in range(3):
        await post(client, "/secret/rotate", status=200)
    await post(client, "/test", url=receiver.url)
    (message,) = await receiver.wait_for(1)
    assert len(message.headers["webhook-signature"].split()) == 4


# Tests and redeliveries


async def test_a_test_event_says_that_it_is_one(
    client: httpx.AsyncClient, receiver: Receiver
) -> None:
    delivery = (await post(client, "/test", url=receiver.url))["delivery"]
    assert (delivery["linkId"], delivery["status"], delivery["attempts"]) == (None, "queued", 0)
    (message,) = await receiver.wait_for(1)
    assert message.event["type"] == "webhook.test"
    assert set(message.event["data"]) == {"link", "click"}
    delivery = await wait_for(client, delivery["id"])
    assert delivery["status"] == "delivered"
    assert delivery["payload"] == message.event


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({}, "is required"),
        ({"url": " "}, "is required"),
        ({"url": 5}, "must be text"),
        ({"url": "ftp://a.example/"}, "is not a valid endpoint URL"),
        ({"url": "mailto:a@a.example"}, "is not a valid endpoint URL"),
    ],
)
async def test_a_test_needs_an_address_of_the_web(
    client: httpx.AsyncClient, body: Json, fault: str
) -> None:
    answered = await client.post(f"{ALL}/test", json=body)
    assert answered.status_code == 422
    assert fault in answered.json()["fields"]["url"]


async def test_a_dead_delivery_is_sent_again_with_its_id(
    house: House, client: httpx.AsyncClient, receiver: Receiver
) -> None:
    receiver.responses = [answer(500)]
    delivery = (await post(client, "/test", url=receiver.url))["delivery"]
    await wait_for(client, delivery["id"])
    house.clock[0] += DAY
    house.app.services.outbox.news.set()
    dead = await wait_for(client, delivery["id"], attempts=2)
    assert (dead["status"], dead["reason"]) == ("dead", "tries-used-up")
    receiver.responses = [answer(200)]
    again = (await post(client, f"/deliveries/{dead['id']}/redeliver"))["delivery"]
    assert (again["status"], again["reason"], again["endedAt"]) == ("queued", None, None)
    delivered = await wait_for(client, dead["id"], attempts=3)
    assert delivered["status"] == "delivered"
    assert [each["status"] for each in delivered["tries"]] == [500, 500, 200]
    assert set(receiver.ids) == {delivery["webhookId"]}


async def test_a_delivery_whose_click_is_gone_cannot_be_sent_again(
    house: House, client: httpx.AsyncClient, receiver: Receiver
) -> None:
    await house.make_link(slug="sale", webhook_urls=(receiver.url,))
    await visit(house, "sale")
    (listed,) = await list_deliveries(client)
    await wait_for(client, listed["id"])
    await house.app.db.write(lambda tx: tx.execute("delete from clicks"))
    answered = await client.post(f"{ALL}/deliveries/{listed['id']}/redeliver")
    assert (answered.status_code, answered.json()["code"]) == (409, "conflict")
    assert (await wait_for(client, listed["id"]))["payload"] is None


async def test_a_test_that_succeeds_revives_a_stopped_receiver(
    house: House, client: httpx.AsyncClient, receiver: Receiver
) -> None:
    receiver.responses = [answer(410)]
    stopped = (await post(client, "/test", url=receiver.url))["delivery"]
    dead = await wait_for(client, stopped["id"])
    assert (dead["status"], dead["reason"]) == ("dead", "receiver-stopped")
    assert dead["receiver"]["status"] == "stopped"
    await house.make_link(slug="sale", webhook_urls=(receiver.url,))
    await visit(house, "sale")
    assert len(await list_deliveries(client)) == 1
    receiver.responses = [answer(200)]
    house.clock[0] += 1000
    revived = (await post(client, "/test", url=receiver.url))["delivery"]
    assert (await wait_for(client, revived["id"]))["receiver"]["status"] == "active"
    await visit(house, "sale")
    assert len(await list_deliveries(client)) == 3


async def test_a_paused_receiver_says_so_and_when_it_is_tried_again(
    client: httpx.AsyncClient, receiver: Receiver
) -> None:
    receiver.responses = [answer(500)]
    for number in range(5):
        delivery = (await post(client, "/test", url=receiver.url))["delivery"]
        await receiver.wait_for(number + 1)
        await wait_for(client, delivery["id"])
    paused = (await list_deliveries(client))[0]
    (shown,) = (await get(client, "/receivers"))["receivers"]
    assert (shown["url"], shown["status"], shown["failures"]) == (receiver.url, "paused", 5)
    assert shown["resumesAt"] > shown["pausedAt"] >= shown["createdAt"]
    assert shown["stoppedAt"] is None
    assert paused["receiver"] == {
        "id": shown["id"],
        "status": "paused",
        "resumesAt": shown["resumesAt"],
    }
    assert paused["nextTryAt"] == max(paused["nextTryAt"], shown["resumesAt"])


# The log


async def test_deliveries_are_listed_in_pages_the_newest_first(
    house: House, client: httpx.AsyncClient, receiver: Receiver
) -> None:
    await house.make_link(slug="sale", webhook_urls=(receiver.url, f"{receiver.url}?two"))
    await visit(house, *["sale"] * 3)
    await receiver.wait_for(6)
    ids: list[str] = []
    cursor = ""
    while True:
        page = await get(client, f"/deliveries?limit=4{cursor}")
        ids += [each["id"] for each in page["deliveries"]]
        if page["nextCursor"] is None:
            break
        cursor = f"&cursor={page['nextCursor']}"
    assert ids == ["6", "5", "4", "3", "2", "1"]


async def test_deliveries_are_found_by_link_status_and_address(
    house: House, client: httpx.AsyncClient, receiver: Receiver
) -> None:
    async with run_receiver(answer(500)) as failing:
        one = await house.make_link(slug="one", webhook_urls=(receiver.url,))
        two = await house.make_link(slug="two", webhook_urls=(receiver.url, failing.url))
        await visit(house, "one", "two")
        await receiver.wait_for(2)
        await failing.wait_for(1)
        for each in await list_deliveries(client):
            await wait_for(client, each["id"])

    async def find(query: str) -> list[tuple[str, str]]:
        found = await list_deliveries(client, query)
        return [(each["linkId"], each["url"]) for each in found]

    good, bad = (str(two.id), receiver.url), (str(two.id), failing.url)
    assert await find(f"?linkId={one.id}") == [(str(one.id), receiver.url)]
    assert await find(f"?linkId={two.id}") == [bad, good]
    assert await find("?status=queued") == [bad]
    assert await find(f"?status=delivered&linkId={two.id}") == [good]
    assert await find(f"?url={failing.url}") == [bad]
    assert await find(f"?url={receiver.url}&linkId={two.id}") == [good]
    assert await find("?url=https://nobody.example/") == []
    assert await find("?linkId=404") == []
    assert await find("?status=dead") == []


SPELLINGS = [
    "http://127.0.0.1:{port}/hook,a?b=,",
    "HTTP://127.0.0.1:{port}/hook,a?b=,",
    "http://2130706433:{port}/x/../hook%2Ca?b=%2C",
    " http://0x7f.1:{port}\\hook,a?b=,#part",
    "http://127.0.0.1.:{port}/./hook,a?b=,#",
]


async def test_one_endpoint_is_the_same_however_it_is_spelled(
    house: House, client: httpx.AsyncClient, receiver: Receiver
) -> None:
    receiver.responses = [answer(410)]
    port = receiver.url.split(":")[2].split("/")[0]
    spellings = [each.format(port=port) for each in SPELLINGS]
    url = f"http://127.0.0.1:{port}/hook%2Ca?b=%2C"
    tested = (await post(client, "/test", url=spellings[0]))["delivery"]
    await wait_for(client, tested["id"])
    for number, spelling in enumerate(spellings):
        await house.make_link(slug=f"sale{number}", webhook_urls=(spelling, *spellings))
        await visit(house, f"sale{number}")  # the receiver is stopped, so no delivery is queued
        (listed,) = (await client.get(f"{ALL}/deliveries", params={"url": spelling})).json()[
            "deliveries"
        ]
        assert listed["id"] == tested["id"]
    assert [each["url"] for each in (await get(client, "/receivers"))["receivers"]] == [url]
    receiver.responses = [answer(200)]
    house.clock[0] += 1000
    for spelling in spellings:
        again = (await post(client, "/test", url=spelling))["delivery"]
        assert (await wait_for(client, again["id"]))["receiver"]["id"] == "1"
    await visit(house, "sale3")
    assert len(await list_deliveries(client)) == 2 + len(spellings)
    assert {message.path for message in receiver.messages} == {"/hook%2Ca?b=%2C"}


@pytest.mark.parametrize("query", ["linkId=x", "status=odd", "url=tel:5", "cursor=x", "limit=101"])
async def test_a_filter_that_cannot_be_is_refused(client: httpx.AsyncClient, query: str) -> None:
    answered = await client.get(f"{ALL}/deliveries?{query}")
    assert answered.status_code == 422
    assert list(answered.json()["fields"]) == [query.partition("=")[0]]


# Permissions


async def test_another_workspaces_deliveries_are_not_there(
    house: House, client: httpx.AsyncClient, stranger: httpx.AsyncClient, receiver: Receiver
) -> None:
    delivery = (await post(client, "/test", url=receiver.url))["delivery"]
    await wait_for(client, delivery["id"])
    path = f"{ALL}/deliveries/{delivery['id']}"
    assert (await stranger.get(path)).status_code == 404
    assert (await stranger.post(f"{path}/redeliver")).status_code == 404
    assert await list_deliveries(stranger) == []
    assert await list_deliveries(stranger, f"?url={receiver.url}") == []
    assert (await get(stranger, "/receivers"))["receivers"] == []
    assert (await get(stranger, "/secret")) != (await get(client, "/secret"))
    assert len(receiver.messages) == 1


async def test_the_receivers_of_two_workspaces_fare_apart(
    house: House, client: httpx.AsyncClient, stranger: httpx.AsyncClient, receiver: Receiver
) -> None:
    receiver.responses = [answer(410), answer(200)]
    for caller, status in ((client, "stopped"), (stranger, "active")):
        delivery = (await post(caller, "/test", url=receiver.url))["delivery"]
        await wait_for(caller, delivery["id"])
        (shown,) = (await get(caller, "/receivers"))["receivers"]
        assert shown["status"] == status


EVERYTHING = [
    ("GET", "/secret", "admin"),
    ("POST", "/secret/rotate", "admin"),
    ("GET", "/receivers", "read"),
    ("GET", "/deliveries", "read"),
    ("GET", "/deliveries/1", "read"),
    ("POST", "/deliveries/1/redeliver", "write"),
    ("POST", "/test", "write"),
]


@pytest.mark.parametrize(("method", "path", "needed"), EVERYTHING)
async def test_what_a_token_may_do_depends_on_its_scope(
    house: House, method: str, path: str, needed: str
) -> None:
    ranks = ["read", "write", "admin"]
    for scope in ranks:
        caller = await house.make_client(scope=scope)  # pyright: ignore[reportArgumentType]
        answered = await caller.request(method, f"{ALL}{path}", json={"url": ""})
        is_allowed = ranks.index(scope) >= ranks.index(needed)
        assert (answered.status_code == 403) == (not is_allowed)


@pytest.mark.parametrize(("method", "path", "needed"), EVERYTHING)
async def test_a_plan_without_webhooks_refuses_with_a_clear_word(
    house: House, method: str, path: str, needed: str
) -> None:
    plain = await make_home(house.app.db, house.app.config, email="pat@c.example")
    await house.app.db.write(
        lambda tx: tx.execute(
            "update workspaces set plan = 'plain' where id = $1", plain.workspace.id
        )
    )
    caller = await house.make_client(home=plain)
    answered = await caller.request(method, f"{ALL}{path}", json={"url": "https://a.example"})
    assert (answered.status_code, answered.json()["code"]) == (403, "feature-off")
