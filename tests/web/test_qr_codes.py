import re
from html import unescape
from typing import Any

import pytest

from shorty.config import Config, DefaultsConfig, Plan
from shorty.links.model import QrSettings
from shorty.links.service import get_link
from shorty.web.qr_looks import PLAIN_LOOK, PRESET_LOOKS
from tests.api.conftest import DOMAINS
from tests.api.house import House
from tests.qr.reading import RED_SQUARE, read_code
from tests.web.browser import Browser, read_text

PLACE = "/app/qr-codes"
SHOWN = re.compile(r'<img src="(/app/qr-codes/\d+/picture\.svg\?[^"]*)"')
LOGO = {"image": ("Acme.svg", RED_SQUARE.encode())}
SUNSET = QrSettings(preset="sunset", frame="card", text="Menu", size=300)


def fill_in(**changes: str) -> dict[str, str]:
    """The designer's default form, with these changes."""
    return {name: text for name, text in (PLAIN_LOOK | changes).items() if text}


async def find_settings(house: House, link_id: int) -> QrSettings | None:
    link = await get_link(house.app.services.links, await house.make_actor(), link_id)
    return link.qr_settings


async def draw_shown(browser: Browser, page: str) -> str:
    """The image that a page shows."""
    found = SHOWN.search(page)
    assert found, page
    answer = await browser.open(unescape(found[1]))
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "image/svg+xml"
    return answer.text


# The list


async def test_links_that_have_a_code_are_listed(house: House, owner: Browser) -> None:
    assert "No QR codes yet" in (await owner.open(PLACE)).text
    await house.make_link(slug="plain")
    await house.make_link(slug="menu", title="<b>Menu", qr_settings=SUNSET)
    page = (await owner.open(PLACE)).text
    assert "/app/links/2/code.svg" in page
    assert "&lt;b&gt;Menu" in page
    assert "localhost:8000/plain" not in page
    assert "No QR codes found" in (await owner.open(f"{PLACE}?q=nothing")).text
    assert "Menu" in (await owner.open(f"{PLACE}?q=MENU&cursor=nowhere")).text


async def test_the_list_has_pages_that_keep_the_search(house: House, owner: Browser) -> None:
    for number in range(25):
        await house.make_link(slug=f"code-{number}-", qr_settings=QrSettings())
    page = (await owner.open(f"{PLACE}?q=code")).text
    following = re.search(r'rel="next" href="([^"]+)"', page)
    assert following
    assert "code-0-" not in page
    last = (await owner.open(unescape(following[1]))).text
    assert "code-0-" in last
    assert f'href="{PLACE}?q=code"' in last


# The designer


async def test_a_code_is_shown_as_it_is_stored(house: House, owner: Browser) -> None:
    link = await house.make_link(slug="menu", qr_settings=SUNSET)
    page = (await owner.open(f"{PLACE}/{link.id}")).text
    stored = await owner.open(f"/app/links/{link.id}/code.svg")
    assert await draw_shown(owner, page) == stored.text
    assert 'value="classy-rounded" checked' in page
    assert 'value="card" checked' in page
    assert 'value="#9d174d"' in page
    assert "Not saved yet" not in page
    assert "http://localhost:8000/qr/menu.svg" in page or "localhost:8000/qr/menu.svg" in page


async def test_what_is_saved_unchanged_looks_the_same(house: House, owner: Browser) -> None:
    link = await house.make_link(qr_settings=SUNSET)
    before = (await owner.open(f"/app/links/{link.id}/code.svg")).text
    look = {"frame": "card", "text": "Menu", "size": "300", **PRESET_LOOKS["sunset"]}
    await owner.send(f"{PLACE}/{link.id}", fill_in(**look))
    assert (await owner.open(f"/app/links/{link.id}/code.svg")).text == before


async def test_a_look_is_saved_and_what_is_as_by_default_left_out(
    house: House, owner: Browser
) -> None:
    link = await house.make_link(qr_settings=QrSettings(logo="from the printer", color="#ff0000"))
    changes = {"pattern": "dots", "bg_color": "#eeeeee", "margin": "0", "frame": "box"}
    page = await owner.follow(await owner.send(f"{PLACE}/{link.id}", fill_in(**changes)))
    assert "QR code saved" in read_text(page)
    assert await find_settings(house, link.id) == QrSettings(
        logo="from the printer", pattern="dots", bg_color="#eeeeee", margin=0, frame="box"
    )


async def test_flags_decide_whether_their_colours_count(house: House, owner: Browser) -> None:
    link = await house.make_link()
    colors = {"gradient": "#004400", "primary": "#111111", "text_color": "#eeeeee"}
    path = f"{PLACE}/{link.id}"
    await owner.send(path, fill_in(frame="box", **colors))
    assert await find_settings(house, link.id) == QrSettings(frame="box")
    flags = {"has_gradient": "1", "has_frame_colors": "1", "is_transparent": "1"}
    await owner.send(path, fill_in(frame="box", **colors, **flags))
    assert await find_settings(house, link.id) == QrSettings(
        frame="box",
        gradient="#004400",
        bg_color="transparent",
        primary="#111111",
        text_color="#eeeeee",
    )


async def test_faults_stand_beside_their_fields_and_nothing_is_lost(
    house: House, owner: Browser
) -> None:
    link = await house.make_link()
    wrong = {"size": "9", "margin": "x", "color": "red", "pattern": "stars", "text": "<i>" * 30}
    answer = await owner.send(f"{PLACE}/{link.id}", fill_in(**wrong, frame="label"))
    told = read_text(answer.text)
    assert answer.status_code == 422
    assert "Must be a whole number from 64 to 2048" in told
    assert "Must be a whole number." in told
    assert "Must be a colour such as #1a2b3c" in told
    assert "Must be square, dots" in told
    assert "May be at most 60 characters long" in told
    assert 'value="9"' in answer.text
    assert 'value="x"' in answer.text
    assert "&lt;i&gt;" in answer.text
    assert 'value="label" checked' in answer.text
    assert "<svg" in await draw_shown(owner, answer.text)
    assert await find_settings(house, link.id) is None


async def test_a_preview_saves_nothing_and_tells_what_will_not_scan(
    house: House, owner: Browser
) -> None:
    link = await house.make_link()
    look = fill_in(color="#eeeeee", pattern="dots", size="64")
    answer = await owner.send(f"{PLACE}/{link.id}/preview", look)
    assert "The contrast of 1.2:1 is too low" in read_text(answer.text)
    assert "Each module is only 1.7 pixels wide" in read_text(answer.text)
    assert "Not saved yet" in answer.text
    assert 'fill="#eeeeee"' in await draw_shown(owner, answer.text)
    assert await find_settings(house, link.id) is None


async def test_a_script_gets_the_picture_alone(house: House, owner: Browser) -> None:
    link = await house.make_link()
    owner.client.headers["x-shorty-fragment"] = "1"
    part = (await owner.send(f"{PLACE}/{link.id}/preview", fill_in(pattern="dots"))).text
    assert "<form" not in part
    assert "pattern=dots" in part


async def test_a_preset_fills_the_form_without_scripts(house: House, owner: Browser) -> None:
    link = await house.make_link()
    answer = await owner.send(
        f"{PLACE}/{link.id}/preview", fill_in(frame="box", text="Hi", preset="berry")
    )
    assert 'value="dots" checked' in answer.text
    assert 'value="radial" selected' in answer.text
    assert 'value="box" checked' in answer.text
    assert 'value="Hi"' in answer.text


async def test_a_code_is_removed(house: House, owner: Browser) -> None:
    link = await house.make_link(qr_settings=SUNSET)
    page = await owner.follow(await owner.send(f"{PLACE}/{link.id}/remove"))
    assert "QR code removed" in read_text(page)
    assert await find_settings(house, link.id) is None


async def test_every_link_shows_a_code(house: House, owner: Browser, stranger: Browser) -> None:
    link = await house.make_link()
    assert f'href="{PLACE}/{link.id}"' in (await owner.open(f"/app/links/{link.id}")).text
    plain = await owner.open(f"/app/links/{link.id}/code.svg")
    assert plain.headers["content-type"] == "image/svg+xml"
    assert (await stranger.open(f"/app/links/{link.id}/code.svg")).status_code == 404


# Downloads


async def test_a_download_is_what_is_shown_under_the_slugs_name(
    house: House, owner: Browser
) -> None:
    link = await house.make_link(slug="größe")
    path = f"{PLACE}/{link.id}/download"
    png = await owner.open(f"{path}?format=png&size=600&pattern=rounded")
    assert png.headers["content-type"] == "image/png"
    assert "filename*=UTF-8''gr%C3%B6%C3%9Fe-qr.png" in png.headers["content-disposition"]
    assert read_code(png.content) == f"{link.scheme}://localhost:8000/gr%C3%B6%C3%9Fe?qr=1"
    svg = await owner.open(f"{path}?format=svg&color=%23004400")
    assert 'fill="#004400"' in svg.text
    assert "default-src 'none'" in svg.headers["content-security-policy"]


@pytest.mark.parametrize("query", ["size=9", "color=red%22%3E", "size=x", "pattern=stars"])
async def test_a_picture_of_nonsense_is_refused(house: House, owner: Browser, query: str) -> None:
    link = await house.make_link()
    assert (await owner.open(f"{PLACE}/{link.id}/picture.svg?{query}")).status_code == 422


# Logos


async def upload(browser: Browser, link_id: int, **changes: str) -> str:
    """The page after it."""
    answer = await browser.send(f"{PLACE}/{link_id}/logos", fill_in(**changes), files=LOGO)
    assert answer.status_code == 200, answer.text
    return answer.text


async def test_a_logo_is_uploaded_chosen_and_deleted_with_what_was_typed_kept(
    house: House, owner: Browser
) -> None:
    link = await house.make_link()
    page = await upload(owner, link.id, pattern="dots")
    assert 'name="qr_logo_id" value="1" checked' in page
    assert 'value="dots" checked' in page
    assert "data:image/png;base64," in await draw_shown(owner, page)
    shown = await owner.open("/app/qr-logos/1")
    assert shown.headers["content-type"] == "image/png"
    await owner.send(f"{PLACE}/{link.id}", fill_in(qr_logo_id="1"))
    assert await find_settings(house, link.id) == QrSettings(qr_logo_id=1)
    gone = await owner.send(f"{PLACE}/{link.id}/logos/1/delete", fill_in(qr_logo_id="1"))
    assert 'name="qr_logo_id" value="" checked' in gone.text
    assert (await owner.open("/app/qr-logos/1")).status_code == 404


async def test_a_file_that_was_chosen_is_kept_on_saving(house: House, owner: Browser) -> None:
    link = await house.make_link()
    await owner.send(f"{PLACE}/{link.id}", fill_in(), files=LOGO)
    assert await find_settings(house, link.id) == QrSettings(qr_logo_id=1)


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"not a picture", "image"),
        (b"x" * 1_100_000, "May be at most 1,048,576 bytes"),
        (None, "Choose a file first"),
    ],
)
async def test_a_file_that_is_no_logo_is_told(
    house: House, owner: Browser, content: bytes | None, fault: str
) -> None:
    link = await house.make_link()
    files: Any = {"image": ("a.png", content)} if content else None
    answer = await owner.send(f"{PLACE}/{link.id}/logos", fill_in(text="Kept"), files=files)
    assert answer.status_code == 422
    assert fault in answer.text.partition('id="image-fault"')[2]
    assert 'value="Kept"' in answer.text


# Permissions


async def test_a_viewer_downloads_and_changes_nothing(house: House, viewer: Browser) -> None:
    link = await house.make_link(qr_settings=SUNSET)
    page = (await viewer.open(f"{PLACE}/{link.id}")).text
    assert "<svg" in await draw_shown(viewer, page)
    assert 'id="look"' not in page
    for path in ("", "/preview", "/logos", "/logos/1/delete", "/remove"):
        assert (await viewer.send(f"{PLACE}/{link.id}{path}")).status_code == 403


async def test_another_workspaces_code_and_logo_are_not_there(
    house: House, owner: Browser, stranger: Browser
) -> None:
    link = await house.make_link(qr_settings=SUNSET)
    await upload(owner, link.id)
    assert "No QR codes yet" in (await stranger.open(PLACE)).text
    for path in ("", "/picture.svg", "/download"):
        assert (await stranger.open(f"{PLACE}/{link.id}{path}")).status_code == 404
    for path in ("", "/preview", "/logos", "/logos/1/delete", "/remove"):
        assert (await stranger.send(f"{PLACE}/{link.id}{path}")).status_code == 404
    assert (await stranger.open("/app/qr-logos/1")).status_code == 404


class TestWithAPlanForNoCodes:
    @pytest.fixture
    def config(self) -> Config:
        plans = {"none": Plan(qr_codes=0)}
        return Config(domains=DOMAINS, plans=plans, defaults=DefaultsConfig(plan="none"))

    async def test_the_plans_limit_is_told_and_nothing_is_lost(
        self, house: House, owner: Browser
    ) -> None:
        link = await house.make_link()
        answer = await owner.send(f"{PLACE}/{link.id}", fill_in(pattern="dots"))
        assert answer.status_code == 422
        assert "limit of 0 qr codes is reached" in read_text(answer.text)
        assert 'value="dots" checked' in answer.text
