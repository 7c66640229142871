"""The short-link API's import and bulk delete."""

from typing import Any

import httpx
import pytest

from shorty.config import Config, Plan
from shorty.config.settings import DefaultsConfig, WebhooksConfig
from tests.api.conftest import DOMAINS
from tests.api.house import House
from tests.api.short_link_caller import DESTINATION, Caller, make_body, make_caller
from tests.test_fetch import answer_with, run_server

IMPORT = "/api/v1/import-short-link"
DELETES = ("/api/v1/bulk-delete", "/api/v1/shortlinks/bulk-delete")
PRIVATE = WebhooksConfig(allow_private=True)


@pytest.fixture
async def caller(house: House) -> Caller:
    return await make_caller(house)


def make_import(*links: dict[str, Any], **only_what_matters: Any) -> dict[str, Any]:
    data = [{"destinationUrl": DESTINATION} | link for link in links]
    return {"importData": data, "brandedDomain": "go.example"} | only_what_matters


async def import_links(client: httpx.AsyncClient, body: dict[str, Any]) -> dict[str, Any]:
    answer = await client.post(IMPORT, json=body)
    assert answer.status_code == 201, answer.text
    assert list(answer.json()) == ["success", "message", "data"]
    return answer.json()["data"]


async def delete(client: httpx.AsyncClient, path: str, links: list[Any]) -> dict[str, Any]:
    answer = await client.post(path, json={"bulkLinks": links})
    assert answer.status_code == 200, answer.text
    assert list(answer.json()) == ["success", "message", "data"]
    return answer.json()["data"]


# Importing


async def test_good_links_are_made_and_each_other_one_is_told(
    client: httpx.AsyncClient, caller: Caller
) -> None:
    await caller.create(slashTag="taken")
    answer = await client.post(
        IMPORT,
        json=make_import(
            {"slashTag": "one", "title": "One"},
            {"slashTag": "taken"},
            {"slashTag": "two words"},
            {"destinationUrl": None},
            {"title": 5},
            {"slashTag": "two", "isQrGenerated": True},
        ),
    )
    assert answer.json()["message"] == "2 Short Links Created Successfully."
    data = answer.json()["data"]
    assert data["created"] == 2
    assert [link["slashTag"] for link in data["links"]] == ["one", "two"]
    assert [failed["index"] for failed in data["failed"]] == [1, 2, 3, 4]
    words = ["already taken", "a space", "destinationUrl: is required", "title: must be text"]
    for failed, word in zip(data["failed"], words, strict=True):
        assert word in failed["message"]
    for link in data["links"]:
        answer = await client.get(f"/api/v1/short-link/{link['id']}")
        assert answer.json()["data"] == link
    assert (await caller.visit("two")).status_code == 302


async def test_links_share_a_domain_and_tags_beside_their_own(client: httpx.AsyncClient) -> None:
    here = {"slashTag": "a", "tags": "own, spring", "unheard": [1]}
    there = {"slashTag": "b", "brandedDomain": "localhost:8000"}
    data = await import_links(client, make_import(here, there, tags=" spring , all"))
    told = [(link["brandedDomain"], link["tags"]) for link in data["links"]]
    assert told == [("go.example", "spring,all,own"), ("localhost:8000", "spring,all")]
    listed = await import_links(client, make_import({"slashTag": "c"}, tags=["all", "x"]))
    assert listed["links"][0]["tags"] == "all,x"


async def test_what_costs_no_link_is_a_remark(client: httpx.AsyncClient, caller: Caller) -> None:
    data = await import_links(
        client,
        make_import(
            {"slashTag": "a", "tags": f"own,{'x' * 60}"},
            {"slashTag": "b", "destinationUrl": "mailto:ana@example.com"},
            {"slashTag": "c", "password": "5f4dcc3b5aa765d61d8327deb882cf99"},
            {"slashTag": "a", "tags": "y" * 60},
        ),
    )
    assert [link["slashTag"] for link in data["links"]] == ["a", "b", "c"]
    assert [(each["index"], each["about"]) for each in data["remarks"]] == [
        (0, "tags"),
        (2, "switched off"),
    ]
    assert (data["switchedOff"], len(data["failed"])) == (1, 1)
    assert data["links"][0]["tags"] == "own"
    assert data["links"][1]["destinationUrl"] == "mailto:ana@example.com"
    assert (await caller.visit("c")).status_code == 404


@pytest.mark.parametrize("link", [{}, {"slashTag": None}, {"slashTag": ""}])
async def test_a_link_without_a_slug_gets_one(
    client: httpx.AsyncClient, caller: Caller, link: dict[str, Any]
) -> None:
    (made,) = (await import_links(client, make_import(link)))["links"]
    assert len(made["slashTag"]) == 6
    assert (await caller.visit(made["slashTag"])).headers["location"] == DESTINATION


async def test_without_any_domain_each_link_says_so(client: httpx.AsyncClient) -> None:
    data = await import_links(client, make_import({"slashTag": "a"}, brandedDomain=None))
    assert data["created"] == 0
    assert data["failed"] == [{"index": 0, "message": "brandedDomain: is required"}]


async def test_whole_objects_are_imported_elsewhere(
    client: httpx.AsyncClient, caller: Caller
) -> None:
    made = await caller.create(title="Sale", tags="a", utm_id="7", expirationDate="2030-01-01")
    (copy,) = (await import_links(client, {"importData": [made | {"slashTag": "b"}]}))["links"]
    same = made.keys() - {"id", "slashTag"}
    assert {key: copy[key] for key in same} == {key: made[key] for key in same}


@pytest.mark.parametrize("config", [Config(domains=DOMAINS, webhooks=PRIVATE)])
async def test_titles_of_imported_links_are_fetched(
    client: httpx.AsyncClient, house: House
) -> None:
    async with run_server(answer_with(b"<!doctype html><title>JS dev</title>")) as server:
        url = f"http://127.0.0.1:{server.port}/"
        data = await import_links(client, make_import({"destinationUrl": url}))
        await house.app.services.page_fetcher.finish()
    answer = await client.get(f"/api/v1/short-link/{data['links'][0]['id']}")
    assert answer.json()["data"]["title"] == "JS dev"


async def test_a_retried_import_makes_nothing_twice(client: httpx.AsyncClient) -> None:
    headers = {"idempotency-key": "k"}
    first, again = [
        await client.post(IMPORT, json=make_import({}, {}), headers=headers) for _ in range(2)
    ]
    assert (again.status_code, again.content) == (201, first.content)
    assert len((await client.get("/api/v1/short-link")).json()["resultData"]) == 2


class TestSmallPlan:
    @pytest.fixture
    def config(self) -> Config:
        plan = Plan(name="small", links=2, qr_codes=1)
        return Config(domains=DOMAINS, plans={"small": plan}, defaults=DefaultsConfig(plan="small"))

    async def test_what_the_plan_has_no_room_for_is_told_in_the_words_of_the_document(
        self, client: httpx.AsyncClient
    ) -> None:
        code = {"isQrGenerated": True}
        data = await import_links(client, make_import(code, code, {}, {}))
        ending = "Limit Exceeded for your current plan. Please upgrade!"
        assert data["created"] == 2
        assert data["failed"] == [
            {"index": 1, "message": f"Qr Code {ending}"},
            {"index": 3, "message": f"Link {ending}"},
        ]


# Deleting


@pytest.mark.parametrize("path", DELETES)
async def test_links_are_deleted_whatever_their_type_is_called(
    client: httpx.AsyncClient, caller: Caller, path: str
) -> None:
    ids = [(await caller.create(slashTag=f"s{number}"))["id"] for number in range(5)]
    kinds: list[dict[str, Any]] = [
        {"type": "SHORT_LINK"},
        {"type": "shortlink"},
        {"type": "Short Link"},
        {"type": None},
        {},
    ]
    links = [{"id": link_id, **kind} for link_id, kind in zip(ids, kinds, strict=True)]
    assert await delete(client, path, links) == {"deleted": 5, "failed": []}
    assert (await client.get("/api/v1/short-link")).json()["resultData"] == []
    assert (await caller.visit("s0")).status_code == 404


async def test_whole_objects_and_ids_as_text_are_deleted(
    client: httpx.AsyncClient, caller: Caller
) -> None:
    made = [await caller.create(slashTag=slug) for slug in ("a", "b")]
    links = [made[0], {"id": str(made[1]["id"])}]
    assert (await delete(client, DELETES[0], links))["deleted"] == 2


async def test_what_is_not_there_is_told(client: httpx.AsyncClient, caller: Caller) -> None:
    made = await caller.create()
    links = [{"id": 99}, {"id": made["id"]}, {"id": made["id"]}, {"id": "none"}]
    assert await delete(client, DELETES[0], links) == {
        "deleted": 1,
        "failed": [
            {"id": 99, "message": "Short link 99 not found."},
            {"id": "none", "message": "Short link none not found."},
        ],
    }
    nothing = await delete(client, DELETES[0], [{"id": "none"}])
    assert nothing["deleted"] == 0


@pytest.mark.parametrize("path", DELETES)
async def test_another_workspaces_links_stay(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient, caller: Caller, path: str
) -> None:
    made = await caller.create()
    refused = await delete(stranger, path, [{"id": made["id"]}])
    assert (refused["deleted"], len(refused["failed"])) == (0, 1)
    assert (await client.get(f"/api/v1/short-link/{made['id']}")).status_code == 200
    assert (await caller.visit("sale")).status_code == 302


async def test_an_import_stays_in_its_workspace(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    await import_links(client, make_import({"slashTag": "a"}, tags="ours"))
    assert (await stranger.get("/api/v1/short-link")).json()["resultData"] == []
    assert (await stranger.get("/api/v1/tags")).json()["tags"] == []


# Errors


EMPTY: dict[str, Any] = {}


@pytest.mark.parametrize(
    ("path", "body", "sentence"),
    [
        (IMPORT, EMPTY, "importData: is required"),
        (IMPORT, {"importData": []}, "importData: must be a list of at least 1"),
        (IMPORT, {"importData": [EMPTY] * 1001}, "importData: must be a list of at most 1000"),
        (IMPORT, {"importData": ["https://example.com"]}, "importData: must be an object"),
        (IMPORT, {"importData": [EMPTY], "brandedDomain": 5}, "brandedDomain: must be text"),
        (IMPORT, {"importData": [EMPTY], "tags": 5}, "tags: must be"),
        (DELETES[0], EMPTY, "bulkLinks: is required"),
        (DELETES[0], {"bulkLinks": []}, "bulkLinks: must be a list of at least 1"),
        (DELETES[0], {"bulkLinks": [EMPTY]}, "bulkLinks: "),
        (DELETES[1], {"bulkLinks": [{"id": 1}] * 1001}, "bulkLinks: must be a list of at most"),
    ],
)
async def test_a_faulty_body_is_a_bad_request(
    client: httpx.AsyncClient, path: str, body: dict[str, Any], sentence: str
) -> None:
    answer = await client.post(path, json=body)
    assert answer.status_code == 400
    assert answer.json()["error"] is True
    assert sentence in answer.json()["data"]["message"]


async def test_a_link_that_was_made_alone_is_deleted_with_its_quota(
    client: httpx.AsyncClient, caller: Caller
) -> None:
    made = await caller.create(**make_body(isQrGenerated=True, isLinkInBio=True))
    await delete(client, DELETES[0], [{"id": made["id"], "type": "BIO_LINK"}])
    rows = await caller.house.app.db.find_all(
        "select used from quotas where quota in ('links', 'qr_codes', 'bio_pages')"
    )
    assert [row["used"] for row in rows] == [0, 0, 0]
