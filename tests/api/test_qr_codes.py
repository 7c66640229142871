"""QR codes as callers and everybody see them, and the logos in them."""

from base64 import b64encode
from typing import Any

import httpx
import pytest

from tests.api.house import House
from tests.clicks.making import store_all
from tests.qr.reading import RED_SQUARE, open_image, read_code
from tests.rsgi_client import make_client

LOGOS = "/api/v1/qr-logos"
LINKS = "/api/v1/links"
IMAGE = b64encode(RED_SQUARE.encode()).decode()
RED = (204, 0, 0)


async def make(client: httpx.AsyncClient, **fields: Any) -> dict[str, Any]:
    body = {"url": "https://example.com/", "domain": "go.example", "customSlug": "sale"}
    answer = await client.post(LINKS, json=body | fields)
    assert answer.status_code == 201, answer.text
    return answer.json()["link"]


async def upload(client: httpx.AsyncClient) -> dict[str, Any]:
    answer = await client.post(LOGOS, json={"name": "Acme", "image": IMAGE})
    assert answer.status_code == 201, answer.text
    return answer.json()["logo"]


async def draw(client: httpx.AsyncClient, link_id: str, **query: Any) -> httpx.Response:
    return await client.get(f"{LINKS}/{link_id}/qr", params=query)


async def fetch(
    house: House, path: str, host: str = "go.example", **headers: str
) -> httpx.Response:
    """As somebody without a token."""
    async with make_client(house.app) as client:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await client.get(path, headers={"host": host} | named)


# The settings of a link


async def test_a_link_without_a_code_says_so(client: httpx.AsyncClient) -> None:
    assert (await make(client))["qrCode"] is None


async def test_a_code_is_kept_with_its_link_changed_and_cleared(client: httpx.AsyncClient) -> None:
    link = await make(client, qrCode={"color": "#1d4ed8", "pattern": "dots", "size": 300})
    url = "https://go.example/qr/sale.svg"
    told: dict[str, Any] = {"color": "#1d4ed8", "pattern": "dots", "size": 300}
    told |= {"url": url, "warnings": []}
    assert link["qrCode"] == told
    path = f"{LINKS}/{link['id']}"
    assert (await client.patch(path, json={"qrCode": told})).json()["link"]["qrCode"] == told
    changed = await client.patch(path, json={"qrCode": {}})
    assert changed.json()["link"]["qrCode"] == {"url": url, "warnings": []}
    assert (await client.patch(path, json={"qrCode": None})).json()["link"]["qrCode"] is None


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"color": "red"}, "color must be a colour"),
        ({"bgColor": "none"}, "bgColor must be a colour such as #1a2b3c, or transparent"),
        ({"pattern": "stars"}, "pattern must be square, dots"),
        ({"errorCorrection": "X"}, "errorCorrection must be L, M, Q or H"),
        ({"margin": 21}, "margin must be a whole number from 0 to 20"),
        ({"size": 63}, "size must be a whole number from 64 to 2048"),
        ({"text": "a\nb"}, "text must be one line"),
        ({"text": "x" * 61}, "text may be at most 60"),
        ({"qrLogoId": 7}, "qrLogoId is not a logo"),
        ({"color": 5}, "must be"),
    ],
)
async def test_faulty_settings_are_told(
    client: httpx.AsyncClient, settings: dict[str, Any], told: str
) -> None:
    body = {"url": "https://example.com/", "domain": "go.example", "qrCode": settings}
    answer = await client.post(LINKS, json=body)
    assert answer.status_code == 422
    assert set(answer.json()["fields"]) == {"qrCode"}
    assert told in answer.json()["fields"]["qrCode"]


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"color": "#aaaaaa"}, "contrast of 2.3:1 is too low"),
        ({"color": "#000", "gradient": "#ffee00"}, "contrast"),
        ({"color": "#fff", "bgColor": "#000"}, "lighter than its background"),
        ({"bgColor": "transparent"}, "background is transparent"),
        ({"margin": 0}, "margin is narrow"),
        ({"size": 110}, "only 2.9 pixels wide: choose a size of at least 111 pixels"),
        ({"size": 111, "frame": "card"}, "only 2.6 pixels wide: choose a size of at least 128"),
        ({"frame": "unheard-of"}, "frame is not one of"),
        ({"preset": "unheard-of"}, "preset is not one of"),
    ],
)
async def test_a_code_that_may_not_be_read_is_made_with_a_warning(
    client: httpx.AsyncClient, settings: dict[str, Any], told: str
) -> None:
    link = await make(client, qrCode=settings)
    assert told in " ".join(link["qrCode"]["warnings"])
    assert told in (await draw(client, link["id"])).headers["x-qr-warning"]


# Drawing


async def test_any_link_is_drawn_with_the_marker_of_scans(client: httpx.AsyncClient) -> None:
    link = await make(client)
    answer = await draw(client, link["id"])
    assert answer.headers["content-type"] == "image/png"
    assert read_code(answer.content) == "https://go.example/sale?qr=1"
    assert "x-qr-warning" not in answer.headers


async def test_a_query_beats_what_is_stored(client: httpx.AsyncClient) -> None:
    link = await make(client, qrCode={"color": "#00ff00", "gradient": "#00ff00", "size": 300})
    answer = await draw(client, link["id"], color="cc0000", size=200, margin=1, pattern="rounded")
    picture = open_image(answer.content)
    assert picture.size == (200, 200)
    colors = {color for _, color in picture.getcolors(1 << 16) or ()}
    assert RED in colors
    assert (0, 255, 0) not in colors
    berry = await make(client, customSlug="berry", qrCode={"preset": "berry"})
    for color, has_gradient in (("", True), ("cc0000", False)):
        svg = await draw(client, berry["id"], format="svg", color=color)
        assert ("Gradient" in svg.text) == has_gradient
    svg = await draw(client, link["id"], format="svg")
    assert svg.headers["content-type"] == "image/svg+xml"
    assert 'width="300"' in svg.text
    assert "#00ff00" in svg.text


@pytest.mark.parametrize(
    "query",
    [{"format": "gif"}, {"size": 9}, {"margin": "x"}, {"color": "red"}, {"pattern": "stars"}],
)
async def test_a_faulty_query_is_told(client: httpx.AsyncClient, query: dict[str, str]) -> None:
    link = await make(client)
    answer = await draw(client, link["id"], **query)
    assert (answer.status_code, set(answer.json()["fields"])) == (422, set(query))


async def test_a_drawing_that_is_known_is_not_sent_again(
    client: httpx.AsyncClient, house: House
) -> None:
    link = await make(client, qrCode={})
    for path in (f"{LINKS}/{link['id']}/qr", "/qr/sale.png"):
        client.headers["host"] = "go.example"
        first = await client.get(path)
        again = await client.get(path, headers={"if-none-match": f'W/"x", {first.headers["etag"]}'})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == first.headers["etag"]
    before = (await fetch(house, "/qr/sale.png")).headers["etag"]
    await client.patch(f"{LINKS}/{link['id']}", json={"qrCode": {"color": "#123456"}})
    assert (await fetch(house, "/qr/sale.png", if_none_match=before)).status_code == 200


# The public address


async def test_everybody_can_fetch_a_code(client: httpx.AsyncClient, house: House) -> None:
    await make(client, qrCode={"frame": "box"})
    svg = await fetch(house, "/qr/sale.svg")
    assert svg.headers["content-type"] == "image/svg+xml"
    assert svg.headers["cache-control"] == "public, max-age=300"
    assert svg.headers["content-security-policy"].startswith("default-src 'none'")
    png = await fetch(house, "/qr/sale.png")
    assert read_code(png.content) == "https://go.example/sale?qr=1"


async def test_a_code_of_an_emoji_is_fetched_and_read(
    client: httpx.AsyncClient, house: House
) -> None:
    link = await make(client, customSlug="été-🎉", qrCode={})
    path = link["qrCode"]["url"].removeprefix("https://go.example").replace(".svg", ".png")
    found = read_code((await fetch(house, path)).content)
    assert found == "https://go.example/%C3%A9t%C3%A9-%F0%9F%8E%89?qr=1"


@pytest.mark.parametrize("slug", ["docs/api", "v1.2", "docs/v1.svg"])
async def test_a_code_is_fetched_by_a_slug_with_dots_and_slashes(
    client: httpx.AsyncClient, house: House, slug: str
) -> None:
    link = await make(client, customSlug=slug, qrCode={})
    assert link["qrCode"]["url"] == f"https://go.example/qr/{slug}.svg"
    for path in (f"/qr/{slug}.png", f"/qr/{slug.replace('/', '%2F')}.png"):
        assert read_code((await fetch(house, path)).content) == f"https://go.example/{slug}?qr=1"
    for path in (f"/qr/{slug}", f"/qr/x/{slug}.svg", f"/qr/{slug}/.svg"):
        assert (await fetch(house, path)).status_code == 404, path


async def test_what_has_no_code_is_not_there(client: httpx.AsyncClient, house: House) -> None:
    link = await make(client, qrCode={})
    await make(client, customSlug="plain")
    missing = ("/qr/plain.svg", "/qr/other.svg", "/qr/sale", "/qr/sale.gif", "/qr/.svg")
    for path in missing:
        assert (await fetch(house, path)).status_code == 404, path
    assert (await fetch(house, "/qr/sale.svg", host="localhost:8000")).status_code == 404
    await client.delete(f"{LINKS}/{link['id']}")
    assert (await fetch(house, "/qr/sale.svg")).status_code == 404


async def test_scans_are_counted_apart_from_clicks(client: httpx.AsyncClient, house: House) -> None:
    link = await make(client, qrCode={})
    address = read_code((await fetch(house, "/qr/sale.png")).content) or ""
    browser = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
    for path in (address.removeprefix("https://go.example"), "/sale"):
        await fetch(house, path, user_agent=browser)
    await store_all(house.app.services.recorder)
    row = await house.app.db.find_one(
        "select clicks, scans from link_counters where link_id = $1", int(link["id"])
    )
    assert row is not None
    assert tuple(row) == (1, 1)


# Logos


async def test_logos_are_uploaded_listed_read_and_deleted(client: httpx.AsyncClient) -> None:
    logo = await upload(client)
    assert logo["name"] == "Acme"
    assert (logo["width"], logo["height"]) == (400, 400)
    assert (await client.get(LOGOS)).json() == {"logos": [logo]}
    assert (await client.get(f"{LOGOS}/{logo['id']}")).json() == {"logo": logo}
    image = await client.get(logo["imageUrl"])
    assert image.headers["content-type"] == "image/png"
    assert open_image(image.content).size == (400, 400)
    assert (await client.delete(f"{LOGOS}/{logo['id']}")).status_code == 204
    assert (await client.get(logo["imageUrl"])).status_code == 404


async def test_a_file_is_uploaded_as_it_is(client: httpx.AsyncClient) -> None:
    headers = {"content-type": "image/svg+xml"}
    answer = await client.post(LOGOS, content=RED_SQUARE, headers=headers)
    assert (answer.status_code, answer.json()["logo"]["name"]) == (201, "Logo")


@pytest.mark.parametrize(
    ("body", "faulty"),
    [
        ({}, "image"),
        ({"image": "***"}, "image"),
        ({"image": "aGVsbG8="}, "image"),
        ({"image": IMAGE, "name": "x" * 101}, "name"),
        ({"image": IMAGE, "odd": 1}, "odd"),
    ],
)
async def test_what_is_no_logo_is_refused(
    client: httpx.AsyncClient, body: dict[str, Any], faulty: str
) -> None:
    answer = await client.post(LOGOS, json=body)
    assert (answer.status_code, set(answer.json()["fields"])) == (422, {faulty})


async def test_a_logo_stands_in_the_middle_unless_it_is_not_wanted(
    client: httpx.AsyncClient,
) -> None:
    logo = await upload(client)
    link = await make(client, qrCode={"qrLogoId": int(logo["id"])})
    for wanted, is_red in (("true", True), ("false", False)):
        png = (await draw(client, link["id"], logo=wanted)).content
        assert (open_image(png).getpixel((256, 256)) == RED) == is_red
        assert read_code(png) == "https://go.example/sale?qr=1"
    await client.delete(f"{LOGOS}/{logo['id']}")
    png = (await draw(client, link["id"])).content
    assert open_image(png).getpixel((256, 256)) != RED
    renamed = await client.patch(f"{LINKS}/{link['id']}", json={"title": "Still changeable"})
    assert renamed.status_code == 200


async def test_another_workspace_has_its_own_logos_and_codes(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    logo = await upload(client)
    link = await make(client, qrCode={"qrLogoId": int(logo["id"])})
    assert (await stranger.get(LOGOS)).json() == {"logos": []}
    for path in (f"{LOGOS}/{logo['id']}", logo["imageUrl"], f"{LINKS}/{link['id']}/qr"):
        assert (await stranger.get(path)).status_code == 404, path
    assert (await stranger.delete(f"{LOGOS}/{logo['id']}")).status_code == 404
    body = {"url": "https://example.com/", "domain": "go.example"}
    settings = {"qrLogoId": int(logo["id"])}
    answer = await stranger.post(LINKS, json=body | {"qrCode": settings})
    assert "is not a logo" in answer.json()["fields"]["qrCode"]


async def test_reading_is_not_writing(house: House) -> None:
    reader = await house.make_client(scope="read")
    answer = await reader.post(LOGOS, json={"image": IMAGE})
    assert answer.status_code == 403
