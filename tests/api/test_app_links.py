"""The files by which phones know which apps open a domain's links, as they are answered."""

from typing import Any

import httpx
import pytest

from shorty.domains import DomainChange, NewDomain, store
from shorty.domains.app_links import ANDROID_PATH, APPLE_PATH
from shorty.domains.service import add_operator_domain, change_by_host
from tests.api.house import House
from tests.rsgi_client import make_client

DOMAINS = "/api/v1/domains"
APPLE: dict[str, Any] = {"applinks": {"details": [{"appIDs": ["A1.com.example"]}]}}
ANDROID: list[dict[str, Any]] = [{"relation": [], "target": {"namespace": "android_app"}}]
HOST = {"host": "go.a.example"}


@pytest.fixture
async def path(house: House, client: httpx.AsyncClient) -> str:
    """Of the workspace's own domain, which answers."""
    body = {"host": "go.a.example", "appleAppSiteAssociation": APPLE, "assetLinks": ANDROID}
    path: str = (await client.post(DOMAINS, json=body)).headers["location"]
    await verify(house, int(path.rpartition("/")[2]))
    return path


async def verify(house: House, domain_id: int) -> None:
    await house.app.db.write(lambda tx: store.mark_verified(tx, domain_id, house.now))
    await house.app.services.domains.reload()


async def ask(house: House, path: str, *, method: str = "GET", **headers: str) -> httpx.Response:
    """As a phone asks: without a token."""
    async with make_client(house.app) as client:
        return await client.request(method, path, headers=headers)


@pytest.mark.usefixtures("path")
async def test_a_phone_gets_the_file_as_json_without_a_redirect(house: House) -> None:
    for path, value in ((APPLE_PATH, APPLE), (ANDROID_PATH, ANDROID)):
        answer = await ask(house, path, **HOST)
        assert (answer.status_code, answer.json()) == (200, value)
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["cache-control"] == "public, max-age=300"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.content == answer.text.replace(" ", "").encode()
        head = await ask(house, path, method="HEAD", **HOST)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == answer.headers["content-length"]
        assert (await ask(house, path, host="GO.a.example.:443")).json() == value
        assert (await ask(house, path, method="POST", **HOST)).status_code == 405


@pytest.mark.usefixtures("path")
@pytest.mark.parametrize("host", ["localhost:8000", "go.example", "sub.go.a.example", "x.example"])
async def test_no_other_host_answers_with_it(house: House, host: str) -> None:
    for path in (APPLE_PATH, ANDROID_PATH):
        answer = await ask(house, path, host=host)
        assert (answer.status_code, answer.json()["code"]) == (404, "not-found")
        assert (await ask(house, path, method="HEAD", host=host)).status_code == 404


async def test_a_change_is_answered_at_once_and_what_is_removed_is_404(
    house: House, client: httpx.AsyncClient, path: str
) -> None:
    await client.patch(path, json={"assetLinks": [], "appleAppSiteAssociation": None})
    assert (await ask(house, ANDROID_PATH, **HOST)).json() == []
    assert (await ask(house, APPLE_PATH, **HOST)).status_code == 404
    await client.delete(path)
    assert (await ask(house, ANDROID_PATH, **HOST)).status_code == 404


async def test_a_claim_answers_nothing_before_it_is_proved(
    house: House, client: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    theirs = {"host": "go.a.example", "assetLinks": [{"of": "theirs"}]}
    mine = {"host": "go.a.example", "assetLinks": [{"of": "mine"}]}
    await stranger.post(DOMAINS, json=theirs)
    path = (await client.post(DOMAINS, json=mine)).headers["location"]
    assert (await ask(house, ANDROID_PATH, **HOST)).status_code == 404
    await verify(house, int(path.rpartition("/")[2]))
    assert (await ask(house, ANDROID_PATH, **HOST)).json() == [{"of": "mine"}]


async def test_the_files_of_an_operators_domain_are_the_operators(house: House) -> None:
    new = NewDomain(host="to.example", asset_links='[ {"a": 1} ]')
    await house.app.db.write(lambda tx: add_operator_domain(tx, new, house.now))
    await house.app.services.domains.reload()
    assert (await ask(house, ANDROID_PATH, host="to.example")).text == '[{"a":1}]'
    change = DomainChange(asset_links="", apple_app_site_association="{}")
    await house.app.db.write(lambda tx: change_by_host(tx, "to.example", change))
    assert (await ask(house, ANDROID_PATH, host="to.example")).status_code == 404
    assert (await ask(house, APPLE_PATH, host="to.example")).json() == {}
