import pytest

from shorty.links.model import LinkChange, QrSettings
from shorty.links.service import change_link, delete_link, restore_link
from shorty.web.cookies import ZONE
from shorty.web.link_history import name_field
from tests.api.house import House
from tests.support import NOW
from tests.web.browser import Browser, read_text

PLACE = "/app/links/1/history"


async def change(house: House, **values: object) -> None:
    actor = await house.make_actor()
    await change_link(
        house.app.services.links,
        actor,
        1,
        LinkChange(**values),  # pyright: ignore[reportArgumentType] - as each test says
        house.now,
    )


async def read_page(browser: Browser, path: str = PLACE) -> str:
    answer = await browser.open(path)
    assert answer.status_code == 200
    return read_text(answer.text)


async def test_a_new_link_was_made(house: House, owner: Browser) -> None:
    await house.make_link()
    assert "ann created it 22 Nov 2026, 12:00" in await read_page(owner)


async def test_changes_say_what_was_and_what_is(house: House, owner: Browser) -> None:
    await house.make_link(slug="sale", title="Old")
    await change(house, title="<i>New</i>", is_active=False, expires_at=NOW + 3_600_000)
    await change(house, valid_since=NOW + 1_800_000)
    await change(house, title=None, tag_names=("Shop", "Print"), password="secret")
    await change(house, qr_settings=QrSettings(color="#112233"))
    owner.client.cookies.set(ZONE, "Asia%2FKolkata")
    text = await read_page(owner)
    assert "Title Old <i>New</i>" in text
    assert "Active yes no" in text
    assert "Expires 22 Nov 2026, 18:30" in text
    assert "Starts 22 Nov 2026, 18:00" in text
    assert "Title <i>New</i> removed" in text
    assert "Tags Shop, Print" in text
    assert "Password set" in text
    assert "secret" not in text
    assert "QR code color #112233" in text
    assert text.index("QR code color") < text.index("Active yes") < text.index("created it")


async def test_a_viewer_is_told_no_more_of_webhooks_than_their_hosts(
    house: House, owner: Browser, viewer: Browser
) -> None:
    long = f"https://a.example/{'k' * 600}"
    await house.make_link()
    await change(house, webhook_urls=(long, "https://b.example/key"))
    assert "https://b.example/key" in await read_page(owner)
    text = await read_page(viewer)
    assert "Webhooks https://a.example/…, https://b.example/… " in text
    assert "k" * 9 not in text


async def test_a_link_that_was_brought_back_says_so(house: House, owner: Browser) -> None:
    await house.make_link()
    actor = await house.make_actor()
    await delete_link(house.app.services.links, actor, 1, NOW)
    await restore_link(house.app.services.links, actor, 1, NOW)
    text = await read_page(owner)
    assert text.index("restored it") < text.index("deleted it")


async def test_many_changes_are_on_several_pages(house: House, owner: Browser) -> None:
    await house.make_link()
    for number in range(60):
        await change(house, title=f"Title {number}")
    page = (await owner.open(PLACE)).text
    assert "created it" not in page
    following = page.partition('rel="next" href="')[2].partition('"')[0]
    text = await read_page(owner, following)
    assert "Title 9 " in text
    assert "created it" in text


@pytest.mark.parametrize(
    ("field", "name"),
    [("url", "Destination"), ("utm_source", "UTM source"), ("button_label", "Button label")],
)
def test_a_field_has_a_name(field: str, name: str) -> None:
    assert name_field(field) == name
