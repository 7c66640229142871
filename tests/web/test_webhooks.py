from collections.abc import AsyncGenerator

import msgspec
import pytest

from shorty.config import Config, DefaultsConfig, Plan, WebhooksConfig
from shorty.webhooks import service
from shorty.webhooks.model import Delivery
from tests.api.conftest import DOMAINS
from tests.api.house import House
from tests.support import make_home
from tests.web.browser import Browser, read_text
from tests.web.conftest import SignIn
from tests.webhooks.receiver import Receiver, answer, run_receiver

PLACE = "/app/webhooks"


@pytest.fixture
def config() -> Config:
    return Config(
        domains=DOMAINS,
        plans={"plain": Plan(webhooks=False)},
        webhooks=WebhooksConfig(allow_private=True, retries_s=(5,)),
    )


@pytest.fixture
async def receiver() -> AsyncGenerator[Receiver]:
    async with run_receiver(answer(503, b"<i>busy</i>"), answer(200)) as receiver:
        yield receiver


async def queue(house: House, url: str, times: int = 1) -> list[Delivery]:
    """Deliveries that are not sent yet, because the worker is not notified."""
    actor = await house.make_actor()
    return [
        await house.app.db.write(lambda tx: service.send_test(tx, actor, url, house.now))
        for _ in range(times)
    ]


async def wait_for(browser: Browser, path: str, words: str) -> str:
    """The page's text, once it contains this."""
    for _ in range(2000):
        told = read_text((await browser.open(path)).text)
        if words in told:
            return told
    raise AssertionError("It never said so: " + words)


async def test_a_test_event_is_sent_and_its_tries_are_told(
    owner: Browser, receiver: Receiver
) -> None:
    assert "No deliveries yet" in (await owner.open(PLACE)).text
    sent = await owner.send(f"{PLACE}/test", url=receiver.url)
    path = sent.headers["location"]
    assert "Test event sent" in await owner.follow(sent)
    told = await wait_for(owner, path, "Responded 503")
    assert "<i>busy</i>" in told
    assert "<i>busy" not in (await owner.open(path)).text
    assert '"type": "webhook.test"' in told
    assert "Retrying" in read_text((await owner.open(PLACE)).text)
    await owner.send(f"{path}/resend")
    told = await wait_for(owner, path, "Delivered 22 Nov 2026")
    assert "Responded 200" in told
    assert (await receiver.wait_for(2))[0].id in told


async def test_a_page_that_watches_gets_its_part_alone(house: House, owner: Browser) -> None:
    (delivery,) = await queue(house, "https://a.example/")
    part = await owner.open(f"{PLACE}/deliveries/{delivery.id}", **{"x-shorty-fragment": "1"})
    assert "<html" not in part.text
    assert "webhook-id" in part.text


async def test_the_log_is_filtered_by_status_link_and_receiver(
    house: House, owner: Browser
) -> None:
    link = await house.make_link(slug="docs/größe.v1")
    await queue(house, "https://a.example/?x=1&y")
    await queue(house, "https://b.example/")
    page = (await owner.open(f"{PLACE}?receiver=1")).text
    assert '<option value="1" selected>https://a.example/?x=1&amp;y</option>' in page
    rows = page.partition('class="list"')[2]
    assert "a.example" in rows
    assert "b.example" not in rows
    assert "b.example" in (await owner.open(f"{PLACE}?status=queued")).text
    assert "No deliveries found" in (await owner.open(f"{PLACE}?status=dead")).text
    assert "Endpoint 99" in (await owner.open(f"{PLACE}?receiver=99")).text
    for text in ("docs/größe.v1", "localhost:8000/docs/größe.v1", link.short_url, str(link.id)):
        page = (await owner.open(f"{PLACE}?link={text}")).text
        assert "No deliveries found" in page
        assert 'value="localhost:8000/docs/größe.v1"' in page
    answer = await owner.open(f"{PLACE}?link=<b>nowhere")
    assert answer.status_code == 404
    assert "Does not exist in this workspace" in answer.text
    assert 'value="&lt;b&gt;nowhere"' in answer.text


async def test_the_log_has_pages_that_keep_the_filter(house: House, owner: Browser) -> None:
    await queue(house, "https://a.example/", times=31)
    first = (await owner.open(f"{PLACE}?status=queued")).text
    assert "deliveries/31" in first
    assert 'href="/app/webhooks?status=queued&amp;before=2"' in first
    last = (await owner.open(f"{PLACE}?status=queued&before=2")).text
    assert 'deliveries/1"' in last
    assert "To the start" in last


async def test_receivers_are_told_and_how_they_fare(house: House, owner: Browser) -> None:
    assert "No endpoints yet" in (await owner.open(f"{PLACE}/receivers")).text
    await queue(house, "https://a.example/<b>")
    page = (await owner.open(f"{PLACE}/receivers")).text
    assert "https://a.example/&lt;b&gt;" in page
    assert "Active" in page


@pytest.mark.parametrize(
    ("url", "fault"), [("", "Is required"), ("ftp://a/", "is not a valid endpoint URL")]
)
async def test_an_address_that_is_none_keeps_standing(owner: Browser, url: str, fault: str) -> None:
    answer = await owner.send(f"{PLACE}/test", url=url)
    assert answer.status_code == 422
    assert fault in read_text(answer.text)
    assert f'value="{url}"' in answer.text


async def test_the_secret_is_hidden_shown_on_demand_and_replaced(owner: Browser) -> None:
    assert "whsec_<span" in (await owner.open(f"{PLACE}/signing")).text
    shown = (await owner.open(f"{PLACE}/signing?show=1")).text
    assert 'data-copy="whsec_' in shown
    page = await owner.follow(await owner.send(f"{PLACE}/signing/rotate"))
    assert "The previous secret also signs until 23 Nov 2026, 12:00" in read_text(page)
    assert shown.partition('data-copy="')[2][:40] != page.partition('data-copy="')[2][:40]


async def test_an_editor_sends_and_sees_no_secret(house: House, editor: Browser) -> None:
    (delivery,) = await queue(house, "https://a.example/")
    page = (await editor.open(f"{PLACE}/signing?show=1")).text
    assert "data-copy" not in page
    assert "How to verify a delivery" in page
    assert (await editor.send(f"{PLACE}/signing/rotate")).status_code == 403
    assert (await editor.send(f"{PLACE}/deliveries/{delivery.id}/resend")).status_code == 303


async def test_a_viewer_looks_and_sends_nothing(house: House, viewer: Browser) -> None:
    (delivery,) = await queue(house, "https://a.example/hush?secret=1")
    for path in ("", "/receivers", f"/deliveries/{delivery.id}", "?receiver=1"):
        page = (await viewer.open(f"{PLACE}{path}")).text
        assert "https://a.example/…" in page
        assert "hush" not in page
        assert "secret=1" not in page
        assert 'method="post" action="/app/webhooks' not in page
    assert (await viewer.send(f"{PLACE}/test", url="https://a.example/")).status_code == 403
    assert (await viewer.send(f"{PLACE}/deliveries/{delivery.id}/resend")).status_code == 403


async def test_another_workspaces_deliveries_are_not_there(
    house: House, owner: Browser, stranger: Browser
) -> None:
    link = await house.make_link(slug="sale")
    (delivery,) = await queue(house, "https://a.example/")
    assert "No deliveries yet" in (await stranger.open(PLACE)).text
    assert "No endpoints yet" in (await stranger.open(f"{PLACE}/receivers")).text
    path = f"{PLACE}/deliveries/{delivery.id}"
    assert (await stranger.open(path)).status_code == 404
    assert (await stranger.send(f"{path}/resend")).status_code == 404
    for text in (str(link.id), "localhost:8000/sale"):
        answer = await stranger.open(f"{PLACE}?link={text}")
        assert "Does not exist in this workspace" in answer.text
    ours = (await owner.open(f"{PLACE}/signing?show=1")).text.partition('data-copy="')[2][:50]
    assert ours not in (await stranger.open(f"{PLACE}/signing?show=1")).text


async def test_a_plan_without_webhooks_says_so(house: House, sign_in: SignIn) -> None:
    plain = msgspec.structs.replace(house.app.config, defaults=DefaultsConfig(plan="plain"))
    browser = await sign_in(await make_home(house.app.db, plain, email="pia@c.example"))
    for path in ("", "/receivers", "/signing", "/deliveries/1"):
        assert "Your plan does not include webhooks" in (await browser.open(f"{PLACE}{path}")).text
    for path in ("/test", "/signing/rotate", "/deliveries/1/resend"):
        assert (await browser.send(f"{PLACE}{path}")).status_code == 403
