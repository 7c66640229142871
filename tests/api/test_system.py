import httpx
import pytest

from shorty.config import Config, MetricsConfig
from shorty.domains.verification import CHALLENGE_PATH
from tests.api.conftest import DOMAINS
from tests.api.house import House
from tests.rsgi_client import make_client


@pytest.fixture
async def client(house: House) -> httpx.AsyncClient:
    return await house.make_client(token="")


@pytest.mark.parametrize(("path", "status"), [("/healthz", "ok"), ("/readyz", "ready")])
@pytest.mark.parametrize("host", ["localhost:8000", "10.1.2.3", "unknown.example"])
async def test_a_healthy_server_says_so_on_any_host(
    client: httpx.AsyncClient, path: str, status: str, host: str
) -> None:
    answer = await client.get(path, headers={"host": host})
    assert (answer.status_code, answer.json()) == (200, {"status": status})
    assert answer.headers["cache-control"] == "no-store"
    head = await client.head(path)
    assert (head.status_code, head.content) == (200, b"")


async def test_a_healthy_server_says_so_to_its_operator_too(house: House) -> None:
    async with make_client(house.app, peer="127.0.0.1:4000") as client:
        answer = await client.get("/readyz")
        assert (answer.status_code, answer.json()) == (200, {"status": "ready"})


async def test_a_database_that_cannot_be_read_is_told(
    house: House, client: httpx.AsyncClient
) -> None:
    await house.ruin_database("schema_migrations")
    for path in ("/healthz", "/readyz"):
        answer = await client.get(path)
        assert (answer.status_code, answer.json()["code"]) == (503, "storage-unavailable")


async def test_crawlers_are_kept_from_the_api_alone(client: httpx.AsyncClient) -> None:
    answer = await client.get("/robots.txt")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.text == "User-agent: *\nDisallow: /api/\nDisallow: /app/\n"


async def test_there_is_an_icon(client: httpx.AsyncClient) -> None:
    answer = await client.get("/favicon.ico")
    assert answer.headers["content-type"] == "image/svg+xml"
    assert answer.text.startswith("<svg")


async def test_a_challenge_is_answered_the_same_each_time(client: httpx.AsyncClient) -> None:
    first = await client.get(f"{CHALLENGE_PATH}abc")
    again = await client.get(f"{CHALLENGE_PATH}abc", headers={"host": "new.example"})
    other = await client.get(f"{CHALLENGE_PATH}abd")
    assert first.text == again.text
    assert first.text != other.text
    assert len(first.text) == 64


class TestMetrics:
    async def test_this_machine_may_read_them(self, client: httpx.AsyncClient) -> None:
        answer = await client.get("/metrics")
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/plain; version=")
        assert "shorty_visits_stored_total 0.0" in answer.text
        assert "process_resident_memory_bytes" in answer.text

    @pytest.mark.parametrize("header", ["x-forwarded-for", "forwarded", "via"])
    async def test_nobody_reads_them_through_a_proxy(
        self, client: httpx.AsyncClient, header: str
    ) -> None:
        answer = await client.get("/metrics", headers={header: "127.0.0.1"})
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")

    @pytest.mark.parametrize("peer", ["192.0.2.7:4000", "[2001:db8::1]:4000"])
    async def test_nobody_reads_them_from_elsewhere(self, house: House, peer: str) -> None:
        async with make_client(house.app, peer=peer) as far:
            assert (await far.get("/metrics")).status_code == 403

    async def test_an_ipv6_loopback_is_this_machine_too(self, house: House) -> None:
        async with make_client(house.app, peer="[::1]:4000") as near:
            assert (await near.get("/metrics")).status_code == 200


class TestMetricsWithAToken:
    @pytest.fixture
    def config(self) -> Config:
        return Config(domains=DOMAINS, metrics=MetricsConfig(token="s3cret-ü"))

    @pytest.mark.parametrize(
        ("header", "status"),
        [
            (None, 401),
            ("Bearer wrong", 401),
            ("Basic s3cret", 401),
            ("Bearer s3cret-ü", 200),
        ],
    )
    async def test_only_the_token_opens_them(
        self, house: House, header: str | None, status: int
    ) -> None:
        headers = {} if header is None else {b"authorization": header.encode()}
        async with make_client(house.app, peer="192.0.2.7:4000") as far:
            assert (await far.get("/metrics", headers=headers)).status_code == status
