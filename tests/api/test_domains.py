from typing import Any

import httpx
import pytest

from shorty.config import Config, DefaultsConfig, Plan
from tests.api.conftest import DOMAINS
from tests.api.house import House
from tests.domains.dns_server import make_system_ask, run_dns_server

PATH = "/api/v1/domains"
APPLE: dict[str, Any] = {
    "applinks": {"details": [{"appIDs": ["A1.com.example"], "components": [{"/": "/b/*"}]}]}
}
ANDROID: list[dict[str, Any]] = [
    {"relation": ["delegate_permission/common.handle_all_urls"], "target": {}}
]


async def add(client: httpx.AsyncClient, host: str = "go.a.example", **fields: object) -> str:
    """The path of the new domain."""
    answer = await client.post(PATH, json={"host": host} | fields)
    assert answer.status_code == 201, answer.text
    return answer.headers["location"]


async def test_a_new_domain_tells_the_records_that_prove_it(client: httpx.AsyncClient) -> None:
    path = await add(client, "GO.a.Example.", rootRedirect="https://a.example")
    domain = (await client.get(path)).json()["domain"]
    assert (domain["host"], domain["scheme"]) == ("go.a.example", "https")
    assert (domain["isVerified"], domain["isOperators"]) == (False, False)
    assert domain["rootRedirect"] == "https://a.example/"
    assert [record["type"] for record in domain["dnsRecords"]] == ["TXT", "CNAME"]
    assert domain["dnsRecords"][0]["name"] == "_shorty-verification.go.a.example"
    assert domain["dnsRecords"][1]["value"] == "go.example"


async def test_domains_are_listed_in_pages_the_operators_among_them(
    client: httpx.AsyncClient,
) -> None:
    await add(client)
    first = (await client.get(f"{PATH}?limit=2")).json()
    rest = (await client.get(f"{PATH}?limit=2&cursor={first['nextCursor']}")).json()
    listed = first["domains"] + rest["domains"]
    assert [domain["host"] for domain in listed] == ["localhost:8000", "go.example", "go.a.example"]
    assert [domain["isOperators"] for domain in listed] == [True, True, False]
    assert rest["nextCursor"] is None


async def test_where_a_domain_leads_may_change(client: httpx.AsyncClient) -> None:
    path = await add(client, rootRedirect="https://a.example/")
    changed = await client.patch(path, json={"notFoundRedirect": "https://a.example/lost"})
    assert changed.json()["domain"]["notFoundRedirect"] == "https://a.example/lost"
    assert changed.json()["domain"]["rootRedirect"] == "https://a.example/"
    cleared = await client.patch(path, json={"rootRedirect": None})
    assert cleared.json()["domain"]["rootRedirect"] == ""


async def test_what_phones_are_told_of_apps_is_set_and_removed(client: httpx.AsyncClient) -> None:
    path = await add(client, appleAppSiteAssociation=APPLE)
    domain = (await client.get(path)).json()["domain"]
    assert (domain["appleAppSiteAssociation"], domain["assetLinks"]) == (APPLE, None)
    changed = await client.patch(path, json={"assetLinks": ANDROID})
    assert changed.json()["domain"]["assetLinks"] == ANDROID
    assert changed.json()["domain"]["appleAppSiteAssociation"] == APPLE
    assert (await client.get(path)).json() == changed.json()
    listed = (await client.get(PATH)).json()["domains"]
    assert listed[-1]["assetLinks"] == ANDROID
    assert [domain["assetLinks"] for domain in listed[:-1]] == [None, None]
    cleared = await client.patch(path, json={"assetLinks": None, "rootRedirect": ""})
    assert cleared.json()["domain"]["assetLinks"] is None
    await client.delete(path)
    again = (await client.get(await add(client))).json()["domain"]
    assert again["appleAppSiteAssociation"] is None


async def test_every_key_and_number_of_a_file_stays_what_it_is(client: httpx.AsyncClient) -> None:
    odd: dict[str, Any] = {
        "é\u2028": [1.50, 12345678901234567890123, True, None, {"": "</script>"}],
        "b": {},
    }
    path = await add(client, appleAppSiteAssociation=odd)
    assert (await client.get(path)).json()["domain"]["appleAppSiteAssociation"] == odd


@pytest.mark.parametrize(
    ("fields", "faults"),
    [
        ({"appleAppSiteAssociation": []}, {"appleAppSiteAssociation": "must be an object or null"}),
        ({"assetLinks": {}}, {"assetLinks": "must be a list or null"}),
        ({"assetLinks": ["x"]}, {"assetLinks": "must be an object (at [0])"}),
        (
            {"assetLinks": [{"a": "x" * 131_063}], "rootRedirect": "x"},
            {
                "assetLinks": "may be at most 128 kB of JSON",
                "rootRedirect": "must be a full URL, such as https://example.com/",
            },
        ),
    ],
)
async def test_a_file_that_cannot_be_served_is_refused(
    client: httpx.AsyncClient, fields: dict[str, object], faults: dict[str, str]
) -> None:
    path = await add(client)
    for answer in (
        await client.patch(path, json=fields),
        await client.post(PATH, json={"host": "x.a.example"} | fields),
    ):
        assert answer.status_code == 422
        assert answer.json()["fields"] == faults
    assert (await client.get(path)).json()["domain"]["assetLinks"] is None


async def test_a_file_may_be_as_large_as_apple_reads(client: httpx.AsyncClient) -> None:
    largest = [{"a": "x" * 131_062}]
    path = await add(client, assetLinks=largest)
    assert (await client.get(path)).json()["domain"]["assetLinks"] == largest


async def test_a_file_that_is_nested_very_deeply_breaks_nothing(client: httpx.AsyncClient) -> None:
    path = await add(client)
    for depth in (100, 400, 600, 900, 990, 20_000):
        text = '{"appleAppSiteAssociation":' + '{"a":' * depth + "1" + "}" * (depth + 1)
        answer = await client.patch(
            path, content=text, headers={"content-type": "application/json"}
        )
        assert answer.status_code in {200, 400, 422}
        assert (await client.get(path)).status_code == 200


async def test_a_removed_domain_is_gone_and_may_come_back(client: httpx.AsyncClient) -> None:
    path = await add(client)
    assert (await client.delete(path)).status_code == 204
    assert (await client.get(path)).status_code == 404
    await add(client)


async def test_all_faults_are_told_in_the_callers_words(client: httpx.AsyncClient) -> None:
    faulty = {"host": "https://x/", "rootRedirect": "ftp://x", "notFoundRedirect": "x"}
    answer = await client.post(PATH, json=faulty)
    assert answer.status_code == 422
    assert set(answer.json()["fields"]) == {"host", "rootRedirect", "notFoundRedirect"}
    path = await add(client)
    answer = await client.patch(path, json={"rootRedirect": "https://go.a.example/", "host": "x"})
    assert set(answer.json()["fields"]) == {"host"}
    answer = await client.patch(path, json={"rootRedirect": "https://go.a.example/"})
    assert answer.json()["fields"] == {"rootRedirect": "redirects back to itself"}


async def test_a_host_is_taken_once(client: httpx.AsyncClient) -> None:
    await add(client)
    for host in ("go.a.example", "go.example"):
        answer = await client.post(PATH, json={"host": host})
        assert (answer.status_code, answer.json()["code"]) == (409, "already-exists")


async def test_verifying_says_what_was_looked_for_and_found(
    house: House, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = await add(client, "go.a.invalid")
    async with run_dns_server({}) as server:
        make_system_ask(server, monkeypatch)
        answer = await client.post(f"{path}/verify")
    assert answer.status_code == 200
    told = answer.json()
    assert told["isVerified"] is False
    assert [check["name"] for check in told["checks"]] == ["ownership", "address"]
    assert not any(check["isPassed"] for check in told["checks"])
    assert "Create a TXT record" in told["checks"][0]["message"]
    assert house.app.services.domains.find_by_host("go.a.invalid") is None


async def test_the_operators_domains_are_not_a_workspaces_to_change(
    client: httpx.AsyncClient,
) -> None:
    for answer in (
        await client.patch(f"{PATH}/1", json={"rootRedirect": "https://a.example/"}),
        await client.patch(f"{PATH}/1", json={"appleAppSiteAssociation": APPLE}),
        await client.patch(f"{PATH}/1", json={"assetLinks": None}),
        await client.delete(f"{PATH}/1"),
        await client.post(f"{PATH}/1/verify"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


async def test_another_workspaces_domain_is_not_there(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    path = await add(client)
    for answer in (
        await stranger.get(path),
        await stranger.patch(path, json={"rootRedirect": "https://b.example/"}),
        await stranger.patch(path, json={"assetLinks": ANDROID}),
        await stranger.delete(path),
        await stranger.post(f"{path}/verify"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "not-found")
    hosts = [domain["host"] for domain in (await stranger.get(PATH)).json()["domains"]]
    assert "go.a.example" not in hosts
    assert (await client.get(path)).json()["domain"]["rootRedirect"] == ""
    assert (await client.get(path)).json()["domain"]["assetLinks"] is None


async def test_a_file_of_another_workspaces_claim_is_neither_read_nor_changed(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    """Both claim the same host, which nobody has proved yet."""
    mine, theirs = await add(client, assetLinks=ANDROID), await add(stranger)
    assert (await stranger.get(theirs)).json()["domain"]["assetLinks"] is None
    await stranger.patch(theirs, json={"appleAppSiteAssociation": {}, "assetLinks": None})
    domain = (await client.get(mine)).json()["domain"]
    assert (domain["assetLinks"], domain["appleAppSiteAssociation"]) == (ANDROID, None)


async def test_everybody_reads_domains_and_admins_manage_them(house: House) -> None:
    writer = await house.make_client(scope="write")
    assert (await writer.get(PATH)).status_code == 200
    for answer in (
        await writer.post(PATH, json={"host": "go.a.example"}),
        await writer.patch(f"{PATH}/1", json={}),
        await writer.delete(f"{PATH}/1"),
        await writer.post(f"{PATH}/1/verify"),
    ):
        assert answer.status_code == 403


class TestWithAPlanForOneDomain:
    @pytest.fixture
    def config(self) -> Config:
        plans = {"one": Plan(domains=1)}
        return Config(domains=DOMAINS, plans=plans, defaults=DefaultsConfig(plan="one"))

    async def test_the_plans_limit_is_told_and_a_place_becomes_free_again(
        self, client: httpx.AsyncClient
    ) -> None:
        path = await add(client)
        answer = await client.post(PATH, json={"host": "to.a.example"})
        assert (answer.status_code, answer.json()["code"]) == (429, "quota-exceeded")
        await client.delete(path)
        await add(client, "to.a.example")
