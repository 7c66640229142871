"""The links API: scenarios through HTTP against a real database."""

import asyncio
from typing import Any

import httpx
import msgspec
import pytest

from shorty.config import Config, Plan
from shorty.domains import NewDomain
from shorty.domains.service import add_operator_domain, remove_by_host
from shorty.storage.statements import Statement
from tests.api.conftest import DOMAINS
from tests.api.house import House
from tests.support import DAY, NOW

Json = dict[str, Any]
LINKS = "/api/v1/links"
WANTED: Json = {"url": "https://example.com/page", "domain": "go.example"}


async def make(client: httpx.AsyncClient, **fields: Any) -> Json:
    answer = await client.post(LINKS, json=WANTED | fields)
    assert answer.status_code == 201, answer.text
    return answer.json()["link"]


async def make_tag(client: httpx.AsyncClient, name: str) -> str:
    return (await client.post("/api/v1/tags", json={"name": name})).json()["tag"]["id"]


async def test_a_link_is_made_as_the_contract_says(client: httpx.AsyncClient) -> None:
    tag = await make_tag(client, "Press")
    answer = await client.post(
        LINKS,
        json=WANTED
        | {
            "customSlug": "my-campaign",
            "title": "Campaign",
            "description": "About it",
            "image": "https://example.com/i.png",
            "redirectType": "PERMANENT_301",
            "linkType": "URL",
            "cloaked": True,
            "password": "secret",
            "validSince": "2027-01-01T01:00:00+01:00",
            "expiresAt": "2030-01-01T01:00:00+01:00",
            "maxClicks": 10,
            "tagIds": [tag],
            "forwardParameters": True,
            "blockBots": True,
            "utmSource": "s",
            "utmMedium": "m",
            "utmCampaign": "c",
            "utmTerm": "t",
            "utmContent": "n",
            "metaPixelId": "1234567890",
            "googleTagId": "G-ABC123DEF4",
            "webhookUrls": "https://a.example/hook, https://b.example/hook",
            "expiredUrl": "https://example.com/over",
            "hideReferrer": True,
            "gtmContainerId": "gtm-abc1234",
            "skipSocialCrawlerTracking": True,
            "rules": [{"id": "4f2a", "url": "https://example.com/all"}],
        },
    )
    assert answer.status_code == 201
    link = answer.json()["link"]
    assert answer.headers["location"] == f"{LINKS}/{link['id']}"
    assert link == {
        "id": "1",
        "shortCode": "my-campaign",
        "shortUrl": "https://go.example/my-campaign",
        "url": "https://example.com/page"
        "?utm_source=s&utm_medium=m&utm_campaign=c&utm_term=t&utm_content=n",
        "originalUrl": "https://example.com/page",
        "domain": "go.example",
        "title": "Campaign",
        "description": "About it",
        "image": "https://example.com/i.png",
        "linkType": "URL",
        "redirectType": "PERMANENT_301",
        "isActive": True,
        "cloaked": True,
        "password": None,
        "hasPassword": True,
        "validSince": "2027-01-01T00:00:00.000Z",
        "expiresAt": "2030-01-01T00:00:00.000Z",
        "maxClicks": 10,
        "clickCount": 0,
        "forwardParameters": True,
        "blockBots": True,
        "utmSource": "s",
        "utmMedium": "m",
        "utmCampaign": "c",
        "utmTerm": "t",
        "utmContent": "n",
        "utmId": None,
        "metaPixelId": "1234567890",
        "googleTagId": "G-ABC123DEF4",
        "webhookUrls": "https://a.example/hook,https://b.example/hook",
        "aliases": [],
        "tags": [{"tag": {"id": tag, "name": "Press", "color": link["tags"][0]["tag"]["color"]}}],
        "qrCode": None,
        "expiredUrl": "https://example.com/over",
        "hideReferrer": True,
        "gtmContainerId": "GTM-ABC1234",
        "skipSocialCrawlerTracking": True,
        "rules": [
            {
                "id": "4f2a",
                "name": None,
                "isActive": True,
                "url": "https://example.com/all",
                "conditions": [],
            }
        ],
        "isStarred": False,
        "workspaceId": "1",
        "createdBy": {"id": "1", "name": "ann", "email": "ann@a.example"},
        "createdAt": "2026-11-22T12:00:00.000Z",
        "updatedAt": "2026-11-22T12:00:00.000Z",
    }
    assert (await client.get(answer.headers["location"])).json() == {"link": link}


async def test_a_new_link_works_at_once(client: httpx.AsyncClient) -> None:
    missing = await client.get("/soon", headers={"host": "go.example"})
    assert missing.status_code == 404
    await make(client, customSlug="soon")
    visit = await client.get("/soon", headers={"host": "go.example"})
    assert (visit.status_code, visit.headers["location"]) == (302, "https://example.com/page")


async def test_json_that_is_called_a_form_is_taken_as_json(client: httpx.AsyncClient) -> None:
    answer = await client.post(
        LINKS,
        content=msgspec.json.encode(WANTED),
        headers={"content-type": "application/x-www-form-urlencoded"},
    )
    assert answer.status_code == 201, answer.text


async def test_a_form_is_taken_beside_json(client: httpx.AsyncClient) -> None:
    one, two = await make_tag(client, "a"), await make_tag(client, "b")
    answer = await client.post(
        LINKS,
        data={
            "url": "https://example.com/ä",
            "domain": "go.example",
            "customSlug": "",
            "cloaked": "true",
            "maxClicks": "5",
            "tagIds": f"{one},{two}",
        },
    )
    assert answer.status_code == 201, answer.text
    link = answer.json()["link"]
    assert (link["cloaked"], link["maxClicks"], len(link["tags"])) == (True, 5, 2)
    assert link["originalUrl"] == "https://example.com/ä"
    repeated = await client.post(LINKS, data={**WANTED, "tagIds": [one, two]})
    assert len(repeated.json()["link"]["tags"]) == 2


@pytest.mark.parametrize(
    ("redirect", "shown"),
    [
        ("PERMANENT_301", "PERMANENT_301"),
        ("TEMPORARY_302", "TEMPORARY_302"),
        (301, "PERMANENT_301"),
        ("307", "TEMPORARY_307"),
        (308, "PERMANENT_308"),
        (None, "TEMPORARY_302"),
    ],
)
async def test_redirect_types_are_read_and_answered_by_name(
    client: httpx.AsyncClient, redirect: object, shown: str
) -> None:
    assert (await make(client, redirectType=redirect))["redirectType"] == shown


@pytest.mark.parametrize(
    ("fields", "faulty"),
    [
        ({"url": None}, {"url"}),
        ({"url": 5}, {"url"}),
        ({"url": "ftp://example.com"}, {"url"}),
        ({"url": "https://malware.example/x"}, {"url"}),
        ({"url": "https://go.example/x"}, {"url"}),
        ({"domain": "nobody.example"}, {"domain"}),
        ({"customSlug": "healthz"}, {"customSlug"}),
        ({"customSlug": "a//b"}, {"customSlug"}),
        ({"redirectType": 303}, {"redirectType"}),
        ({"linkType": "FAX"}, {"linkType"}),
        ({"cloaked": "yes"}, {"cloaked"}),
        ({"expiresAt": "tomorrow"}, {"expiresAt"}),
        ({"validSince": "tomorrow"}, {"validSince"}),
        ({"validSince": "2031-01-01", "expiresAt": "2030-01-01"}, {"validSince"}),
        ({"expiresAt": "2020-01-01"}, {"expiresAt"}),
        ({"maxClicks": 0}, {"maxClicks"}),
        ({"maxClicks": 1.5}, {"maxClicks"}),
        ({"tagIds": ["77"]}, {"tagIds"}),
        ({"tagIds": ["x"]}, {"tagIds"}),
        ({"tagIds": "1"}, {"tagIds"}),
        ({"webhookUrls": "nonsense"}, {"webhookUrls"}),
        ({"metaPixelId": "a"}, {"metaPixelId"}),
        ({"surprise": 1, "id": "5"}, {"surprise", "id"}),
        (
            {"url": "x", "cloaked": 1, "customSlug": "api", "tagIds": ["9"], "wrong": 1},
            {"url", "cloaked", "customSlug", "tagIds", "wrong"},
        ),
    ],
)
async def test_every_faulty_field_is_told_at_once(
    client: httpx.AsyncClient, fields: Json, faulty: set[str]
) -> None:
    answer = await client.post(LINKS, json=WANTED | fields)
    assert answer.status_code == 422, answer.text
    problem = answer.json()
    assert set(problem["fields"]) == faulty
    assert problem["code"] == "invalid-fields"
    assert problem["error"] == problem["detail"]


async def test_what_is_required_is_asked_for(client: httpx.AsyncClient) -> None:
    problem = (await client.post(LINKS, json={})).json()
    assert problem["fields"] == {"url": "is required", "domain": "is required"}


@pytest.mark.parametrize(
    ("content", "content_type", "status"),
    [
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b'"\xff"', "application/json", 400),
        (b"<a/>", "text/xml", 415),
        (b" " * 2_000_000, "application/json", 413),
    ],
)
async def test_a_body_that_cannot_be_read_is_refused(
    client: httpx.AsyncClient, content: bytes, content_type: str, status: int
) -> None:
    headers = {"content-type": content_type}
    answer = await client.post(LINKS, content=content, headers=headers)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_taken_slug_is_a_conflict(client: httpx.AsyncClient) -> None:
    await make(client, customSlug="one")
    answer = await client.post(LINKS, json=WANTED | {"customSlug": "one"})
    assert (answer.status_code, answer.json()["code"]) == (409, "slug-taken")


async def test_find_or_create_answers_the_link_there_is(client: httpx.AsyncClient) -> None:
    answers = [
        await client.post(LINKS, params={"findOrCreate": "true"}, json=WANTED) for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [201, 200]
    assert answers[0].json() == answers[1].json()
    assert "location" not in answers[1].headers
    bad = await client.post(LINKS, params={"findOrCreate": "maybe"}, json=WANTED)
    assert set(bad.json()["fields"]) == {"findOrCreate"}


async def test_a_retry_with_the_same_key_makes_no_second_link(client: httpx.AsyncClient) -> None:
    headers = {"idempotency-key": "k1"}
    answers = await asyncio.gather(
        *(client.post(LINKS, json=WANTED, headers=headers) for _ in range(5))
    )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert {answer.headers["location"] for answer in answers} == {f"{LINKS}/1"}
    assert (await client.get(LINKS)).json()["total"] == 1
    many = {"domain": "go.example", "links": [{"url": "https://example.com/"}]}
    headers = {"idempotency-key": "k2"}
    first = await client.post(f"{LINKS}/bulk", json=many, headers=headers)
    again = await client.post(f"{LINKS}/bulk", json=many, headers=headers)
    assert first.content == again.content
    assert (await client.get(LINKS)).json()["total"] == 2


async def test_a_patch_changes_what_is_given_and_null_clears(client: httpx.AsyncClient) -> None:
    tag = await make_tag(client, "a")
    link = await make(
        client,
        title="T",
        utmSource="s",
        validSince="2027-01-01T00:00:00Z",
        expiresAt="2030-01-01T00:00:00Z",
        maxClicks=5,
        tagIds=[tag],
        redirectType=301,
        webhookUrls="https://a.example/",
        password="x",
        cloaked=True,
    )
    path = f"{LINKS}/{link['id']}"
    unchanged = await client.patch(path, json={})
    assert unchanged.json()["link"] == link
    answer = await client.patch(path, json={"title": "U", "isActive": False, "isStarred": True})
    changed = answer.json()["link"]
    assert changed == link | {
        "title": "U",
        "isActive": False,
        "isStarred": True,
        "updatedAt": changed["updatedAt"],
    }
    names = ("title", "utmSource", "validSince", "expiresAt", "maxClicks", "tagIds", "redirectType")
    names += ("webhookUrls", "password", "cloaked", "isActive", "isStarred")
    answer = await client.patch(path, json=dict.fromkeys(names))
    cleared = answer.json()["link"]
    assert {name: cleared.get(name) for name in names} == {
        **dict.fromkeys(names),
        "redirectType": "TEMPORARY_302",
        "cloaked": False,
        "isActive": True,
        "isStarred": False,
    }
    assert cleared["tags"] == []
    assert cleared["hasPassword"] is False
    assert cleared["url"] == "https://example.com/page"


async def test_tags_can_be_added_and_taken_one_by_one(client: httpx.AsyncClient) -> None:
    a, b, c = [await make_tag(client, name) for name in "abc"]
    link = await make(client, tagIds=[a, b])
    change = {"addTagIds": [c, a], "removeTagIds": [int(b), "99"]}
    one = await client.patch(f"{LINKS}/{link['id']}", json=change)
    assert [each["tag"]["name"] for each in one.json()["link"]["tags"]] == ["a", "c"]
    many = await client.patch(f"{LINKS}/bulk", json={"ids": [link["id"]], "addTagIds": [b]})
    assert [each["tag"]["name"] for each in many.json()["links"][0]["tags"]] == ["a", "c", "b"]
    for unknown in ("98", "x"):
        wrong = {"addTagIds": [unknown], "maxClicks": 0}
        answer = await client.patch(f"{LINKS}/{link['id']}", json=wrong)
        assert set(answer.json()["fields"]) == {"addTagIds", "maxClicks"}


async def test_a_faulty_patch_is_told_field_by_field(client: httpx.AsyncClient) -> None:
    link = await make(client)
    answer = await client.patch(
        f"{LINKS}/{link['id']}",
        json={"url": None, "customSlug": "api", "maxClicks": "x", "odd": 1, "tagIds": ["4"]},
    )
    assert answer.status_code == 422
    assert set(answer.json()["fields"]) == {"url", "customSlug", "maxClicks", "odd", "tagIds"}


@pytest.mark.parametrize("link_id", ["99", "abc", "-1", "1" * 30, "1.0", "%31x", "٣"])
async def test_an_unknown_id_is_not_found(client: httpx.AsyncClient, link_id: str) -> None:
    path = f"{LINKS}/{link_id}"
    answers = [
        await client.get(path),
        await client.patch(path, json={"title": "x"}),
        await client.patch(path, json={"title": 5}),
        await client.delete(path),
    ]
    assert [answer.status_code for answer in answers] == [404] * 4


async def test_another_workspace_sees_no_link(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    link = await make(client)
    path = f"{LINKS}/{link['id']}"
    assert (await stranger.get(path)).status_code == 404
    assert (await stranger.patch(path, json={"title": "x"})).status_code == 404
    assert (await stranger.delete(path)).status_code == 404
    assert (await stranger.get(LINKS)).json()["links"] == []
    bulk = await stranger.request("DELETE", f"{LINKS}/bulk", json={"ids": [link["id"]]})
    assert bulk.json()["deleted"] == 0
    assert (await client.get(path)).status_code == 200


async def test_a_deleted_link_stops_at_once(client: httpx.AsyncClient) -> None:
    link = await make(client, customSlug="bye")
    assert (await client.get("/bye", headers={"host": "go.example"})).status_code == 302
    answer = await client.delete(f"{LINKS}/{link['id']}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await client.get("/bye", headers={"host": "go.example"})).status_code == 404
    assert (await client.get(f"{LINKS}/{link['id']}")).status_code == 404
    assert (await client.get(LINKS)).json()["total"] == 0
    await make(client, customSlug="bye")


async def test_a_deleted_link_is_restored_as_it_was(
    house: House, client: httpx.AsyncClient
) -> None:
    made = await make(client, customSlug="back", title="Was there")
    path = f"{LINKS}/{made['id']}"
    await client.delete(path)
    house.clock[0] += DAY
    answer = await client.post(f"{path}/restore")
    assert answer.status_code == 200
    restored = answer.json()["link"]
    assert restored == made | {"updatedAt": "2026-11-23T12:00:00.000Z"}
    assert (await client.get(path)).json()["link"] == restored
    assert (await client.get("/back", headers={"host": "go.example"})).status_code == 302
    for missing in (path, f"{LINKS}/99", f"{LINKS}/x"):
        again = await client.post(f"{missing}/restore")
        assert (again.status_code, again.json()["code"]) == (404, "not-found")


async def test_a_link_whose_address_was_given_away_is_not_restored(
    client: httpx.AsyncClient,
) -> None:
    path = f"{LINKS}/{(await make(client, customSlug='back'))['id']}"
    await client.delete(path)
    await make(client, customSlug="back")
    answer = await client.post(f"{path}/restore")
    assert (answer.status_code, answer.json()["code"]) == (409, "slug-taken")


async def test_a_link_of_a_removed_domain_is_restored_once_the_domain_is_back(
    house: House, client: httpx.AsyncClient
) -> None:
    db, new = house.app.db, NewDomain(host="short.example")
    await db.write(lambda tx: add_operator_domain(tx, new, house.now))
    await house.app.services.domains.reload()
    path = f"{LINKS}/{(await make(client, domain='short.example'))['id']}"
    await client.delete(path)
    await db.write(lambda tx: remove_by_host(tx, "short.example", house.now))
    refused = await client.post(f"{path}/restore")
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    assert "short.example has been removed" in refused.json()["detail"]
    await db.write(lambda tx: add_operator_domain(tx, new, house.now))
    assert (await client.post(f"{path}/restore")).status_code == 200


async def test_another_workspaces_deleted_link_is_not_restored(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    path = f"{LINKS}/{(await make(client))['id']}"
    await client.delete(path)
    assert (await stranger.post(f"{path}/restore")).status_code == 404
    assert (await client.get(path)).status_code == 404


async def test_links_are_listed_by_their_state(house: House, client: httpx.AsyncClient) -> None:
    soon = "2026-11-22T12:00:01Z"
    made: dict[str, Json] = {
        "active": {},
        "disabled": {},
        "expired": {"expiresAt": soon},
        "used-up": {"maxClicks": 1},
        "not-started": {"validSince": "2027-01-01T00:00:00Z"},
        "blocked": {},
        "deleted": {},
    }
    ids = {
        state: (await make(client, customSlug=state, **fields))["id"]
        for state, fields in made.items()
    }
    await client.patch(f"{LINKS}/{ids['disabled']}", json={"isActive": False})
    await client.delete(f"{LINKS}/{ids['deleted']}")
    await house.app.db.write(
        lambda tx: (
            tx.execute("update links set is_admin_blocked = 1 where slug = 'blocked'"),
            tx.execute(
                "update link_counters set clicks = 1, total = 1 where link_id = $1",
                int(ids["used-up"]),
            ),
        )
    )
    house.clock[0] += DAY
    for state in made:
        found = (await client.get(LINKS, params={"state": state})).json()
        assert [link["shortCode"] for link in found["links"]] == [state]
        assert (found["total"], found["totalIsCapped"]) == (1, False)
    both = (await client.get(LINKS, params={"state": "disabled", "isActive": "true"})).json()
    assert (both["links"], both["total"]) == ([], 0)


async def test_an_unknown_state_or_order_of_a_list_is_refused(client: httpx.AsyncClient) -> None:
    wrong = [
        ({"state": "password"}, "state"),
        ({"sort": "deletedAt"}, "sort"),
        ({"sort": "-deletedAt", "state": "active"}, "sort"),
    ]
    for query, field in wrong:
        answer = await client.get(LINKS, params=query)
        assert (answer.status_code, set(answer.json()["fields"])) == (422, {field})


async def test_deleted_links_are_listed_with_who_when_and_what_is_in_the_way(
    house: House, client: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    made = [await make(client, customSlug=f"s{number}", title="T") for number in range(3)]
    for link in made:
        house.clock[0] += 1000
        await client.delete(f"{LINKS}/{link['id']}")
    await make(client, customSlug="s1")
    query = {"state": "deleted", "sort": "-deletedAt", "limit": "2"}
    first = (await client.get(LINKS, params=query)).json()
    rest = (await client.get(LINKS, params=query | {"cursor": first["nextCursor"]})).json()
    assert (first["total"], rest["nextCursor"]) == (3, None)
    listed = first["links"] + rest["links"]
    assert [link["shortCode"] for link in listed] == ["s2", "s1", "s0"]
    deletion = listed[1].pop("deletion")
    assert listed[1] == made[1]
    assert deletion == {
        "deletedAt": "2026-11-22T12:00:02.000Z",
        "deletedBy": made[1]["createdBy"],
        "obstacle": "slug-taken",
    }
    assert listed[0]["deletion"]["obstacle"] is None
    theirs = (await stranger.get(LINKS, params={"state": "deleted"})).json()
    assert (theirs["links"], theirs["total"]) == ([], 0)


async def test_only_lists_of_deleted_links_have_deletions(client: httpx.AsyncClient) -> None:
    link = await make(client)
    await client.delete(f"{LINKS}/{link['id']}")
    restored = (await client.post(f"{LINKS}/{link['id']}/restore")).json()["link"]
    (listed,) = (await client.get(LINKS)).json()["links"]
    assert "deletion" not in restored
    assert "deletion" not in listed


async def test_a_token_that_reads_may_not_write(house: House) -> None:
    link = await house.make_link()
    reader = await house.make_client(scope="read")
    assert (await reader.get(f"{LINKS}/{link.id}")).status_code == 200
    refused = [
        await reader.post(LINKS, json=WANTED),
        await reader.patch(f"{LINKS}/{link.id}", json={}),
        await reader.delete(f"{LINKS}/{link.id}"),
        await reader.post(f"{LINKS}/{link.id}/restore"),
        await reader.post(f"{LINKS}/bulk", json={}),
        await reader.post("/api/v1/tags", json={"name": "x"}),
    ]
    assert [answer.status_code for answer in refused] == [403] * 6
    nobody = await house.make_client(token="")
    assert (await nobody.post(LINKS, json=WANTED)).status_code == 401


async def test_many_links_are_made_at_once(client: httpx.AsyncClient) -> None:
    await make(client, customSlug="taken")
    answer = await client.post(
        f"{LINKS}/bulk",
        json={
            "domain": "go.example",
            "links": [
                {"url": "https://example.com/0", "customSlug": "zero"},
                {"url": "https://example.com/1", "customSlug": "taken"},
                {"url": "nonsense", "maxClicks": "x", "odd": 1},
                {"url": "https://example.com/3", "customSlug": "zero"},
                {"url": "https://example.com/4", "domain": "localhost:8000"},
            ],
        },
    )
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert made["created"] == 2
    first, second = made["links"]
    assert (first["shortCode"], second["domain"]) == ("zero", "localhost:8000")
    assert [(failed["index"], failed["code"]) for failed in made["failed"]] == [
        (1, "slug-taken"),
        (2, "invalid-fields"),
        (3, "slug-taken"),
    ]
    assert set(made["failed"][1]["fields"]) == {"url", "maxClicks", "odd"}
    assert (await client.get(LINKS)).json()["total"] == 3


async def test_what_is_wrong_with_one_of_many_is_told_in_the_callers_words(
    client: httpx.AsyncClient,
) -> None:
    wrong: Json = {"customSlug": "a b", "expiresAt": "2020-01-01"}
    link_id = (await make(client))["id"]
    made = await client.post(
        f"{LINKS}/bulk", json={"domain": "go.example", "links": [WANTED | wrong]}
    )
    changed = await client.patch(f"{LINKS}/bulk", json={"ids": [link_id], **wrong})
    for answer in (made, changed):
        (failed,) = answer.json()["failed"]
        assert set(failed["fields"]) == set(wrong)
        told = [f"{name}: {fault}" for name, fault in failed["fields"].items()]
        assert failed["error"] == "; ".join(told)


async def test_every_wrong_tag_is_told_at_once(client: httpx.AsyncClient) -> None:
    link_id = (await make(client))["id"]
    wrong: Json = {"tagIds": ["99", "x"]}
    made = await client.post(LINKS, json=WANTED | wrong)
    changed = await client.patch(f"{LINKS}/{link_id}", json=wrong)
    for answer in (made, changed):
        assert answer.json()["fields"] == {"tagIds": "name no tag of this workspace: 99, x"}


NOT_MANY: list[Json] = [
    {},
    {"domain": "go.example"},
    {"domain": "go.example", "links": []},
    {"domain": "go.example", "links": [5]},
    {"domain": "go.example", "links": [{}] * 1001},
]


@pytest.mark.parametrize("body", NOT_MANY)
async def test_a_bulk_create_needs_1_to_1000_objects(client: httpx.AsyncClient, body: Json) -> None:
    answer = await client.post(f"{LINKS}/bulk", json=body)
    assert answer.status_code == 422
    assert set(answer.json()["fields"]) <= {"links", "domain"}


async def test_many_links_are_changed_and_deleted_at_once(client: httpx.AsyncClient) -> None:
    one, two = (await make(client))["id"], (await make(client))["id"]
    answer = await client.patch(
        f"{LINKS}/bulk", json={"ids": [one, two, "99", "x", one], "title": "T", "isActive": False}
    )
    changed = answer.json()
    assert changed["updated"] == 2
    assert {link["title"] for link in changed["links"]} == {"T"}
    assert [(failed["id"], failed["code"]) for failed in changed["failed"]] == [
        ("99", "not-found"),
        ("x", "not-found"),
    ]
    answer = await client.request("DELETE", f"{LINKS}/bulk", json={"ids": [one, "99", int(two)]})
    assert answer.json() == {
        "deleted": 2,
        "failed": [{"id": "99", "error": "Link 99 not found.", "code": "not-found"}],
    }
    bad = await client.patch(f"{LINKS}/bulk", json={"ids": [], "title": 5, "odd": 1})
    assert set(bad.json()["fields"]) == {"ids", "title", "odd"}


class TestSmallPlan:
    @pytest.fixture
    def config(self) -> Config:
        small = Plan(links=2, links_per_month=3, edits_per_month=1, webhooks=False)
        defaults = Config().defaults
        return Config(
            domains=DOMAINS,
            plans={"small": small},
            defaults=type(defaults)(plan="small"),
        )

    async def test_a_used_up_plan_is_told(self, client: httpx.AsyncClient) -> None:
        one = await make(client)
        await make(client)
        answer = await client.post(LINKS, json=WANTED)
        assert (answer.status_code, answer.json()["code"]) == (429, "quota-exceeded")
        await client.delete(f"{LINKS}/{one['id']}")
        two = await make(client)
        await client.delete(f"{LINKS}/{two['id']}")
        answer = await client.post(LINKS, json=WANTED)
        assert answer.status_code == 429
        assert int(answer.headers["retry-after"]) > 0

    async def test_a_link_is_restored_only_where_there_is_room(
        self, client: httpx.AsyncClient
    ) -> None:
        path = f"{LINKS}/{(await make(client))['id']}"
        await client.delete(path)
        other = await make(client)
        await make(client)
        answer = await client.post(f"{path}/restore")
        assert (answer.status_code, answer.json()["code"]) == (429, "quota-exceeded")
        await client.delete(f"{LINKS}/{other['id']}")
        assert (await client.post(f"{path}/restore")).status_code == 200

    async def test_edits_are_counted(self, client: httpx.AsyncClient) -> None:
        path = f"{LINKS}/{(await make(client))['id']}"
        assert (await client.patch(path, json={"title": "a"})).status_code == 200
        assert (await client.patch(path, json={"title": "b"})).status_code == 429
        assert (await client.get(path)).json()["link"]["title"] == "a"

    async def test_webhooks_that_the_plan_lacks_are_refused(
        self, client: httpx.AsyncClient
    ) -> None:
        answer = await client.post(LINKS, json=WANTED | {"webhookUrls": "https://h.example/"})
        assert (answer.status_code, answer.json()["code"]) == (403, "feature-off")

    async def test_of_many_at_once_the_first_that_fit_are_made(
        self, client: httpx.AsyncClient
    ) -> None:
        wanted = [{"url": f"https://example.com/{n}"} for n in range(4)]
        wanted[0] = {"url": "nonsense"}
        answer = await client.post(f"{LINKS}/bulk", json={"domain": "go.example", "links": wanted})
        made = answer.json()
        assert made["created"] == 2
        assert [failed["code"] for failed in made["failed"]] == ["invalid-fields", "quota-exceeded"]
        assert (await client.get(LINKS)).json()["total"] == 2


async def test_times_are_told_in_utc_with_milliseconds(
    house: House, client: httpx.AsyncClient
) -> None:
    house.clock[0] = NOW + 1234
    link = await make(client, expiresAt="2030-06-01T12:00")
    assert link["createdAt"] == "2026-11-22T12:00:01.234Z"
    assert link["expiresAt"] == "2030-06-01T12:00:00.000Z"


async def test_new_links_are_indexed_by_the_clock(house: House) -> None:
    link = await house.make_link(title="harbour")
    db, statement = house.app.db, Statement()
    match = await db.dialect.find_match(db, "rbo", workspace_id=link.workspace_id)
    assert match is not None
    indexed = db.dialect.write_source(match, statement.bind)
    assert await db.find_one(indexed, *statement.values) is None
    await house.app.jobs.index_new_links()
    rows = await db.find_all(indexed, *statement.values)
    assert [row["id"] for row in rows] == [link.id]
