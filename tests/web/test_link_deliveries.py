from collections.abc import AsyncGenerator

import pytest

from shorty.config import Config, Plan, WebhooksConfig
from shorty.web.deliveries import ON_A_PAGE
from tests.api.conftest import DOMAINS
from tests.api.house import House
from tests.api.visits import visit
from tests.support import NOW
from tests.web.browser import Browser, read_text
from tests.webhooks.receiver import Receiver, run_receiver

PLACE = "/app/links/1/deliveries"


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


@pytest.fixture(autouse=True)
async def link(house: House, receiver: Receiver) -> None:
    await house.make_link(slug="sale", webhook_urls=(receiver.url,))


async def test_before_the_first_click_it_says_who_will_be_told(
    owner: Browser, receiver: Receiver
) -> None:
    text = read_text((await owner.open(PLACE)).text)
    assert f"The next click goes to {receiver.url}" in text


async def test_a_links_own_deliveries_are_listed(
    house: House, owner: Browser, receiver: Receiver
) -> None:
    await house.make_link(slug="other", webhook_urls=(receiver.url,))
    await visit(house, {"link_id": 1}, {"link_id": 2})
    await receiver.wait_for(2)
    page = (await owner.open(PLACE)).text
    assert 'href="/app/webhooks/deliveries/1"' in page
    assert 'href="/app/webhooks/deliveries/2"' not in page
    assert receiver.url in read_text(page)


async def test_a_viewer_is_told_no_more_than_the_hosts(
    house: House, viewer: Browser, receiver: Receiver
) -> None:
    origin = receiver.url.rpartition("/")[0]
    urls = (f"{origin}/hush", "https://b.example/?k", "https://c.example/")
    await house.make_link(slug="several", webhook_urls=urls)
    text = read_text((await viewer.open("/app/links/2/deliveries")).text)
    assert f"{origin}/…, https://b.example/…, https://c.example/" in text
    await visit(house, {"link_id": 2})
    await receiver.wait_for(1)
    page = (await viewer.open("/app/links/2/deliveries")).text
    assert f"{origin}/…" in page
    assert "hush" not in page


async def test_they_are_listed_page_by_page(
    house: House, owner: Browser, receiver: Receiver
) -> None:
    await visit(house, *({"at": NOW - each} for each in range(ON_A_PAGE + 10)))
    page = (await owner.open(PLACE)).text
    assert page.count('href="/app/webhooks/deliveries/') == ON_A_PAGE
    following = page.partition('rel="next" href="')[2].partition('"')[0]
    page = (await owner.open(following)).text
    assert page.count('href="/app/webhooks/deliveries/') == 10
    assert 'rel="next"' not in page
    assert (await owner.open(f"{PLACE}?before=x")).status_code == 200


async def test_a_link_that_tells_nobody_says_how_to(
    house: House, owner: Browser, viewer: Browser
) -> None:
    await house.make_link(slug="quiet")
    place = "/app/links/2/deliveries"
    assert "Edit the link to add one." in read_text((await owner.open(place)).text)
    assert "Edit the link" not in read_text((await viewer.open(place)).text)


async def test_a_plan_without_webhooks_says_so(house: House, owner: Browser) -> None:
    await house.app.db.write(lambda tx: tx.execute("update workspaces set plan = 'plain'"))
    assert "Your plan does not include webhooks." in read_text((await owner.open(PLACE)).text)
