"""`/qr-code`: created, changed and refused in the short-link API's forms."""

from typing import Any

import httpx
import pytest

from shorty.config import Config, Plan
from shorty.config.settings import DefaultsConfig
from tests.api.conftest import DOMAINS
from tests.api.house import House
from tests.api.short_link_caller import make_body
from tests.qr.reading import read_code
from tests.rsgi_client import make_client

CODES = "/api/v1/qr-code"
SETTINGS = {"color": "#1d4ed8", "pattern": "dots", "frame": "box", "text": "Menu"}


async def create(client: httpx.AsyncClient, **fields: Any) -> dict[str, Any]:
    answer = await client.post(CODES, json=make_body(**fields))
    assert answer.status_code == 201, answer.text
    return answer.json()["data"]


async def change(client: httpx.AsyncClient, link_id: int, body: dict[str, Any]) -> dict[str, Any]:
    answer = await client.put(f"{CODES}/{link_id}", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


async def test_a_code_is_made_with_its_settings_beside_the_link(
    client: httpx.AsyncClient, house: House
) -> None:
    answer = await client.post(CODES, json=make_body(qrType="website", size=300, **SETTINGS))
    assert answer.json()["message"] == "QR Code Created Successfully."
    data = answer.json()["data"]
    told = {"type": "QR", "qrType": "website", **SETTINGS}
    assert {key: data[key] for key in told} == told
    assert data["qr"] == "https://go.example/qr/sale.svg"
    async with make_client(house.app) as visitor:
        png = await visitor.get("/qr/sale.png", headers={"host": "go.example"})
    assert read_code(png.content) == "https://go.example/sale?qr=1"


async def test_a_bare_code_and_one_with_nested_settings_are_made(
    client: httpx.AsyncClient,
) -> None:
    assert (await create(client))["qr"] is not None
    nested = await create(client, slashTag="other", qrSettings={"color": "#123456"}, margin=2)
    assert nested["color"] == "#123456"


async def test_a_form_makes_a_code(client: httpx.AsyncClient) -> None:
    form = make_body(color="#123456", margin="2", **{"qrSettings[pattern]": "dots"})
    answer = await client.post(CODES, data=form)
    assert answer.status_code == 201, answer.text
    assert (answer.json()["data"]["color"], answer.json()["data"]["pattern"]) == ("#123456", "dots")


async def test_a_code_that_may_not_be_read_comes_with_a_warning(client: httpx.AsyncClient) -> None:
    answer = await client.post(CODES, json=make_body(color="#dddddd"))
    assert "contrast" in answer.headers["x-qr-warning"]


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"color": "red"}, "qrSettings: color must be a colour"),
        ({"pattern": 5}, "qrSettings: must be text"),
        ({"qrType": "wifi"}, "qrType must be website"),
        ({"qrLogoId": 99}, "qrLogoId is not a logo"),
        ({"destinationUrl": None}, "destinationUrl: must be text"),
    ],
)
async def test_faults_are_told_in_the_products_shape(
    client: httpx.AsyncClient, fields: dict[str, Any], told: str
) -> None:
    answer = await client.post(CODES, json=make_body(**fields))
    assert answer.status_code == 400
    assert answer.json()["error"] is True
    assert told in answer.json()["data"]["message"]


async def test_a_token_is_needed(house: House) -> None:
    nobody = await house.make_client(token="")
    answer = await nobody.post(CODES, json=make_body(public=True))
    assert (answer.status_code, answer.json()) == (401, {"message": "Unauthorized!"})


async def test_what_is_given_changes_and_null_clears(client: httpx.AsyncClient) -> None:
    made = await create(
        client, title="Menu", tags="a,b", btnLabel="Go", expirationDate="2030-01-01", **SETTINGS
    )
    changed = await change(
        client,
        made["id"],
        {"destinationUrl": "https://example.com/new", "color": "#14532d", "frame": None},
    )
    told = {"destinationUrl": "https://example.com/new", "color": "#14532d", "frame": None}
    assert {key for key in made if made[key] != changed[key]} == {
        *told,
        *("edit", "isEdit", "updatedAt"),
    }
    assert {key: changed[key] for key in told} == told
    nothing = {"title": None, "tags": "", "expirationDate": None, "btnLabel": ""}
    cleared = await change(client, made["id"], nothing)
    assert [cleared[key] for key in nothing] == ["", "", None, "Click Here"]


async def test_an_object_put_back_changes_nothing(client: httpx.AsyncClient) -> None:
    made = await create(client, title="Menu", tags="a,b", password="x", **SETTINGS)
    assert made["passwordProtectionEnabled"] is True
    assert await change(client, made["id"], made) == made


async def test_a_password_is_cleared_by_null_alone(client: httpx.AsyncClient) -> None:
    made = await create(client, password="x")
    cleared = await change(client, made["id"], {"password": None})
    assert cleared["passwordProtectionEnabled"] is False


async def test_a_link_without_a_code_and_anothers_are_not_found(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    made = await create(client)
    plain = await client.post("/api/v1/short-link", json=make_body(slashTag="plain"))
    for caller, link_id in ((client, plain.json()["data"]["id"]), (stranger, made["id"])):
        answer = await caller.put(f"{CODES}/{link_id}", json={"color": "#000"})
        assert answer.status_code == 404
        assert answer.json()["error"] is True


class TestSmallPlan:
    @pytest.fixture
    def config(self) -> Config:
        plan = Plan(name="small", qr_codes=1)
        return Config(domains=DOMAINS, plans={"small": plan}, defaults=DefaultsConfig(plan="small"))

    async def test_a_full_plan_is_told_in_the_words_of_the_document(
        self, client: httpx.AsyncClient
    ) -> None:
        made = await create(client)
        answer = await client.post(CODES, json=make_body(slashTag="two"))
        message = "Qr Code Limit Exceeded for your current plan. Please upgrade!"
        assert (answer.status_code, answer.json()) == (
            429,
            {"error": True, "data": {"message": message}},
        )
        await change(client, made["id"], {"isQrGenerated": False})
        await create(client, slashTag="two")


async def test_a_margin_of_nothing_is_a_margin(client: httpx.AsyncClient) -> None:
    made = await create(client, margin=0)
    link = (await client.get(f"/api/v1/links/{made['id']}")).json()["link"]
    assert link["qrCode"]["margin"] == 0
    await change(client, made["id"], {"margin": 3})
    await change(client, made["id"], {"margin": 0})
    link = (await client.get(f"/api/v1/links/{made['id']}")).json()["link"]
    assert link["qrCode"]["margin"] == 0
