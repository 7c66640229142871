"""Bio pages through the API: their owners, their looks, their blocks and their times."""

from base64 import b64encode
from typing import Any

import httpx
import msgspec
import pytest

from shorty.bio.rules import MAX_BLOCKS, MAX_SOCIALS
from shorty.bio.themes import THEMES
from shorty.config import Config, Plan
from shorty.links.service import restore_link
from tests.api.conftest import DOMAINS
from tests.api.house import House
from tests.clicks.making import store_all
from tests.qr.reading import RED_SQUARE, open_image
from tests.rsgi_client import make_client
from tests.support import DAY, MINUTE

PAGES = "/api/v1/bio-pages"
PICTURES = "/api/v1/bio-pictures"
LINKS = "/api/v1/links"
SHORT_LINKS = "/api/v1/short-link"
HERE = {"destinationUrl": "https://example.com/", "brandedDomain": "localhost:8000"}
SVG = {"content-type": "image/svg+xml"}


async def make_page(client: httpx.AsyncClient, **fields: Any) -> dict[str, Any]:
    plain = {"url": "https://example.com/", "domain": "localhost:8000", "customSlug": "ann"}
    answer = await client.post(PAGES, json=plain | fields)
    assert answer.status_code == 201, answer.text
    page = answer.json()["bioPage"]
    assert answer.headers["location"] == f"{PAGES}/{page['id']}"
    return page


async def add(client: httpx.AsyncClient, page: dict[str, Any], **fields: Any) -> dict[str, Any]:
    answer = await client.post(f"{PAGES}/{page['id']}/blocks", json=fields)
    assert answer.status_code == 201, answer.text
    block = answer.json()["block"]
    assert answer.headers["location"] == f"{PAGES}/{page['id']}/blocks/{block['id']}"
    return block


async def read(client: httpx.AsyncClient, page: dict[str, Any]) -> dict[str, Any]:
    answer = await client.get(f"{PAGES}/{page['id']}")
    assert answer.status_code == 200, answer.text
    return answer.json()["bioPage"]


async def upload(client: httpx.AsyncClient, purpose: str = "image") -> dict[str, Any]:
    answer = await client.post(
        PICTURES, params={"purpose": purpose}, content=RED_SQUARE.encode(), headers=SVG
    )
    assert answer.status_code == 201, answer.text
    return answer.json()["picture"]


async def look(house: House, path: str) -> httpx.Response:
    """A caller without a token."""
    async with make_client(house.app) as client:
        return await client.get(path)


async def restore(house: House, link_id: int) -> None:
    context = house.app.services.links
    await restore_link(context, await house.make_actor(), link_id, house.now)


# Pages


async def test_a_page_is_made_at_a_link_of_its_own(client: httpx.AsyncClient, house: House) -> None:
    page = await make_page(client, title="Ann", buttonLabel="My site", theme="dusk")
    told = {"shortCode": "ann", "title": "Ann", "linkTitle": "Ann", "buttonLabel": "My site"}
    told |= {"theme": "dusk", "avatar": "icon", "isButtonShown": True, "blocks": []}
    assert {name: page[name] for name in told} == told
    assert await read(client, page) == page
    link = (await client.get(f"{SHORT_LINKS}/{page['id']}")).json()["data"]
    assert (link["type"], link["btnLabel"]) == ("BIO_LINK", "My site")
    assert link["linkInBioId"] == link["id"] == int(page["id"])
    assert "My site" in (await look(house, "/ann")).text


async def test_a_link_turned_into_a_page_and_one_made_so_are_listed(
    client: httpx.AsyncClient,
) -> None:
    made = await client.post(
        SHORT_LINKS, json=HERE | {"slashTag": "a", "isLinkInBio": True, "title": "A"}
    )
    other = await client.post(LINKS, json={"url": "https://b.example", "domain": "go.example"})
    link_id = other.json()["link"]["id"]
    turned = await client.post(PAGES, json={"linkId": link_id, "title": "B"})
    assert turned.status_code == 201
    assert turned.json()["bioPage"]["id"] == link_id
    listed = (await client.get(PAGES)).json()
    assert [page["id"] for page in listed["bioPages"]] == [
        str(made.json()["data"]["id"]),
        link_id,
    ]
    assert listed["nextCursor"] is None
    assert [page["title"] for page in listed["bioPages"]] == [None, "B"]
    first = (await client.get(PAGES, params={"limit": 1})).json()
    rest = (await client.get(PAGES, params={"cursor": first["nextCursor"]})).json()
    assert [page["id"] for page in rest["bioPages"]] == [link_id]
    again = await client.post(PAGES, json={"linkId": link_id})
    assert (again.status_code, again.json()["code"]) == (409, "conflict")


async def test_a_page_is_changed_part_by_part_and_null_goes_back(
    client: httpx.AsyncClient,
) -> None:
    page = await make_page(client)
    picture = await upload(client, "avatar")
    changes: dict[str, Any] = {
        "title": "Ann  of the coast",
        "description": "Line one\nline two",
        "isButtonShown": False,
        "avatarId": picture["id"],
        "theme": "poster",
        "colors": {"background": "#123", "button": "#ffcc00"},
        "socials": [
            {"network": "email", "url": "ann@example.com"},
            {"network": "github", "url": "https://github.com/ann"},
        ],
    }
    answer = await client.patch(f"{PAGES}/{page['id']}", json=changes)
    assert answer.status_code == 200, answer.text
    changed = answer.json()["bioPage"]
    assert changed["title"] == "Ann of the coast"
    assert changed["avatar"] == "picture"
    assert changed["avatarPath"] == picture["path"]
    assert changed["socials"][0] == {"network": "email", "url": "mailto:ann@example.com"}
    assert changed["colors"]["text"] is None
    assert await read(client, page) == changed
    cleared = dict.fromkeys(changes)
    answer = await client.patch(f"{PAGES}/{page['id']}", json=cleared)
    assert answer.status_code == 200, answer.text
    kept = {name: value for name, value in page.items() if name != "updatedAt"}
    assert kept.items() <= answer.json()["bioPage"].items()


async def test_only_the_buttons_label_is_an_edit_of_the_link(client: httpx.AsyncClient) -> None:
    page = await make_page(client)
    await client.patch(f"{PAGES}/{page['id']}", json={"title": "New", "theme": "slate"})
    assert (await client.get(f"{SHORT_LINKS}/{page['id']}")).json()["data"]["edit"] == 0
    await client.patch(f"{PAGES}/{page['id']}", json={"buttonLabel": "Go"})
    link = (await client.get(f"{SHORT_LINKS}/{page['id']}")).json()["data"]
    assert (link["edit"], link["btnLabel"]) == (1, "Go")


BAD: list[tuple[dict[str, Any], set[str]]] = [
    ({"title": "x" * 101, "description": "x" * 501}, {"title", "description"}),
    ({"theme": "neon", "odd": 1}, {"theme", "odd"}),
    ({"colors": {"button": "red"}}, {"colors"}),
    ({"colors": {"button": "#11223344"}}, {"colors"}),
    ({"socials": [{"network": "x", "url": "javascript:alert(1)"}]}, {"socials"}),
    ({"socials": [{"network": "x", "url": "https://malware.example/"}]}, {"socials"}),
    ({"socials": [{"network": "orkut", "url": "https://o.example"}]}, {"socials"}),
    ({"socials": [{"network": "x", "url": "https://x.com/a"}] * (MAX_SOCIALS + 1)}, {"socials"}),
    ({"avatarId": "999"}, {"avatarId"}),
    ({"avatarId": "x"}, {"avatarId"}),
    ({"avatar": "picture"}, {"avatar"}),
    ({"buttonLabel": "x" * 101}, {"buttonLabel"}),
]


@pytest.mark.parametrize(("fields", "faulty"), BAD)
async def test_faults_of_a_page_are_told_field_by_field(
    client: httpx.AsyncClient, fields: dict[str, Any], faulty: set[str]
) -> None:
    page = await make_page(client)
    answer = await client.patch(f"{PAGES}/{page['id']}", json=fields)
    assert answer.status_code == 422
    assert set(answer.json()["fields"]) == faulty
    assert await read(client, page) == page


async def test_a_fault_inside_a_list_names_its_place(client: httpx.AsyncClient) -> None:
    socials = [{"network": "orkut", "url": "https://o.example"}]
    answer = await client.post(PAGES, json={"domain": "localhost:8000", "socials": socials})
    told = "is none of the possible values (at [0].network)"
    assert answer.json()["fields"] == {"socials": told}


async def test_a_page_without_a_destination_leads_to_its_domains_front_page(
    client: httpx.AsyncClient, house: House
) -> None:
    made = await client.post(PAGES, json={"title": "Ann", "domain": "localhost:8000"})
    assert made.status_code == 201, made.text
    page = made.json()["bioPage"]
    assert (page["url"], page["isButtonShown"]) == ("http://localhost:8000/", False)
    shown = await client.post(
        PAGES, json={"title": "Bob", "domain": "localhost:8000", "isButtonShown": True}
    )
    assert shown.json()["bioPage"]["isButtonShown"] is True
    for url in ("http://localhost:8000/sale", "http://localhost:8000/?x"):
        loop = await client.post(PAGES, json={"url": url, "domain": "localhost:8000"})
        assert "own domains" in loop.json()["fields"]["url"]
    plain = {"url": "http://localhost:8000/", "domain": "localhost:8000"}
    assert "own domains" in (await client.post("/api/v1/links", json=plain)).json()["fields"]["url"]


async def test_faults_of_a_new_page_and_its_link_are_told_together(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.post(PAGES, json={"title": "x"})
    assert set(answer.json()["fields"]) == {"domain"}
    answer = await client.post(PAGES, json={"title": "x", "domain": "odd.example"})
    assert "domain" in answer.json()["fields"]
    answer = await client.post(PAGES, json={"linkId": "1", "url": "https://a.example"})
    assert set(answer.json()["fields"]) == {"url"}
    answer = await client.post(PAGES, json={"linkId": "99"})
    assert set(answer.json()["fields"]) == {"linkId"}
    bad = {"url": "ftp://a", "domain": "odd.example", "customSlug": "a b", "title": "x" * 101}
    answer = await client.post(PAGES, json=bad)
    assert set(answer.json()["fields"]) == {"url", "domain", "customSlug", "title"}
    await make_page(client)
    answer = await client.post(
        PAGES, json={"url": "https://a.example", "domain": "localhost:8000", "customSlug": "ann"}
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "slug-taken")


async def test_a_page_is_deleted_with_its_link_or_without(
    client: httpx.AsyncClient, house: House
) -> None:
    page = await make_page(client)
    await add(client, page, kind="header", text="Hello")
    kept = await client.delete(f"{PAGES}/{page['id']}", params={"keepLink": "true"})
    assert kept.status_code == 204
    assert (await client.get(f"{PAGES}/{page['id']}")).status_code == 404
    assert (await look(house, "/ann")).headers["location"] == "https://example.com/"
    again = await client.post(PAGES, json={"linkId": page["id"]})
    assert [block["text"] for block in again.json()["bioPage"]["blocks"]] == ["Hello"]
    assert (await client.delete(f"{PAGES}/{page['id']}")).status_code == 204
    assert (await look(house, "/ann")).status_code == 404
    assert (await client.get(f"{LINKS}/{page['id']}")).status_code == 404
    assert (await client.delete(f"{PAGES}/{page['id']}")).status_code == 404
    await restore(house, int(page["id"]))
    assert [block["text"] for block in (await read(client, page))["blocks"]] == ["Hello"]


async def test_a_retry_makes_no_second_page_and_no_second_block(
    client: httpx.AsyncClient,
) -> None:
    key = {"idempotency-key": "k"}
    body = {"url": "https://example.com/", "domain": "localhost:8000"}
    answers = [await client.post(PAGES, json=body, headers=key) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    page = answers[0].json()["bioPage"]
    for _ in range(2):
        answer = await client.post(
            f"{PAGES}/{page['id']}/blocks",
            json={"kind": "header", "text": "A"},
            headers={"idempotency-key": "b"},
        )
        assert answer.status_code == 201
    assert len((await read(client, page))["blocks"]) == 1
    assert len((await client.get(PAGES)).json()["bioPages"]) == 1


class TestWithRoomForOnePage:
    @pytest.fixture
    def config(self) -> Config:
        plan = Plan(name="unlimited", bio_pages=1)
        return Config(domains=DOMAINS, plans={"unlimited": plan})

    async def test_a_full_plan_is_told_in_each_apis_words(self, client: httpx.AsyncClient) -> None:
        page = await make_page(client)
        link = await client.post(LINKS, json={"url": "https://b.example", "domain": "go.example"})
        bodies = (
            {"url": "https://example.com/", "domain": "go.example"},
            {"linkId": link.json()["link"]["id"]},
        )
        for body in bodies:
            answer = await client.post(PAGES, json=body)
            assert (answer.status_code, answer.json()["code"]) == (429, "quota-exceeded")
        short = await client.post(SHORT_LINKS, json=HERE | {"slashTag": "b", "isLinkInBio": True})
        assert short.status_code == 429
        assert short.json()["data"]["message"] == (
            "Bio Page Limit Exceeded for your current plan. Please upgrade!"
        )
        await client.delete(f"{PAGES}/{page['id']}")
        assert (await client.post(PAGES, json=bodies[0])).status_code == 201


# Blocks


async def test_blocks_of_each_kind_stand_on_the_page(
    client: httpx.AsyncClient, house: House
) -> None:
    page = await make_page(client)
    shop = await house.make_link(slug="shop", title="My shop")
    picture = await upload(client)
    await add(client, page, kind="header", text=" Work ")
    await add(client, page, kind="link", linkId=str(shop.id))
    await add(client, page, kind="text", text="One\n<b>two</b>")
    await add(client, page, kind="image", pictureId=picture["id"], text="A red square")
    await add(client, page, kind="image", url="https://pics.example/a,b.png?x=1", text="")
    await add(client, page, kind="embed", url="https://youtu.be/dQw4w9WgXcQ", text="A film")
    shown = await look(house, "/ann")
    order = [
        '<h2 dir="auto">Work</h2>',
        'href="http://localhost:8000/shop?bio=1"',
        "My shop",
        "One\n&lt;b&gt;two&lt;/b&gt;",
        f'src="{picture["path"]}" alt="A red square"',
        'src="https://pics.example/a,b.png?x=1" alt=""',
        'src="https://www.youtube-nocookie.com/embed/dQw4w9WgXcQ" title="A film"',
    ]
    places = [shown.text.index(part) for part in order]
    assert places == sorted(places)
    policy = shown.headers["content-security-policy"]
    assert "img-src 'self' data: https://pics.example/a%2Cb.png;" in policy
    assert "frame-src https://www.youtube-nocookie.com" in policy
    assert "script-src" not in policy
    link = (await client.get(f"{SHORT_LINKS}/{shop.id}")).json()["data"]
    assert (link["type"], link["linkInBioId"]) == ("shortlink", int(page["id"]))


async def test_blocks_are_put_in_order_changed_and_deleted(client: httpx.AsyncClient) -> None:
    page = await make_page(client)
    blocks = [await add(client, page, kind="header", text=text) for text in "abc"]
    first = await add(client, page, kind="header", text="z", position=0)
    path = f"{PAGES}/{page['id']}/blocks"
    ids = [first["id"], *(block["id"] for block in blocks)]
    listed = (await client.get(path)).json()["blocks"]
    assert [block["id"] for block in listed] == ids
    answer = await client.put(f"{path}/order", json={"blockIds": ids[::-1]})
    assert [block["id"] for block in answer.json()["blocks"]] == ids[::-1]
    for wrong in ([], ids[1:], [*ids, ids[0]], [*ids[1:], "999"], ["x"]):
        answer = await client.put(f"{path}/order", json={"blockIds": wrong})
        assert (answer.status_code, set(answer.json()["fields"])) == (422, {"blockIds"})
    answer = await client.patch(f"{path}/{ids[0]}", json={"text": "New", "isHidden": True})
    changed = answer.json()["block"]
    assert (changed["text"], changed["isHidden"], changed["isShown"]) == ("New", True, False)
    assert (await client.get(f"{path}/{ids[0]}")).json()["block"] == changed
    assert (await client.delete(f"{path}/{ids[0]}")).status_code == 204
    assert (await client.delete(f"{path}/{ids[0]}")).status_code == 404
    assert [block["id"] for block in (await client.get(path)).json()["blocks"]] == ids[:0:-1]


async def test_a_block_is_shown_by_the_clock(client: httpx.AsyncClient, house: House) -> None:
    page = await make_page(client)
    block = await add(
        client,
        page,
        kind="header",
        text="Sale today",
        shownFrom="2026-11-23T00:00:00Z",
        shownUntil="2026-11-24T01:00:00+01:00",
    )
    assert block["shownUntil"] == "2026-11-24T00:00:00.000Z"
    seen: list[bool] = []
    for _ in range(3):
        seen.append("Sale today" in (await look(house, "/ann")).text)
        listed = await client.get(f"{PAGES}/{page['id']}/blocks/{block['id']}")
        assert listed.json()["block"]["isShown"] == seen[-1]
        house.clock[0] += DAY
    assert seen == [False, True, False]
    path = f"{PAGES}/{page['id']}/blocks/{block['id']}"
    await client.patch(path, json={"shownUntil": None})
    assert "Sale today" in (await look(house, "/ann")).text


async def test_a_button_stands_as_long_as_its_link_opens(
    client: httpx.AsyncClient, house: House
) -> None:
    page = await make_page(client)
    shop = await house.make_link(slug="shop", title="My shop")
    block = await add(client, page, kind="link", linkId=shop.id)
    path = f"{LINKS}/{shop.id}"
    assert "My shop" in (await look(house, "/ann")).text
    await client.patch(path, json={"isActive": False})
    assert "My shop" not in (await look(house, "/ann")).text
    await client.patch(path, json={"isActive": True, "title": "Our shop"})
    assert "Our shop" in (await look(house, "/ann")).text
    await client.patch(path, json={"expiresAt": "2026-11-23T00:00:00Z"})
    house.clock[0] += DAY
    assert "Our shop" not in (await look(house, "/ann")).text
    await client.delete(path)
    assert (await client.get(f"{PAGES}/{page['id']}/blocks/{block['id']}")).status_code == 404
    assert (await read(client, page))["blocks"] == []
    await restore(house, shop.id)
    assert (await client.get(f"{PAGES}/{page['id']}/blocks/{block['id']}")).status_code == 200


BAD_BLOCKS: list[tuple[dict[str, Any], set[str]]] = [
    ({}, {"kind"}),
    ({"kind": "video"}, {"kind"}),
    ({"kind": "link"}, {"linkId"}),
    ({"kind": "link", "linkId": "x"}, {"linkId"}),
    ({"kind": "link", "linkId": "999"}, {"linkId"}),
    ({"kind": "link", "linkId": "1", "url": "https://a.example"}, {"url"}),
    ({"kind": "header", "text": "  "}, {"text"}),
    ({"kind": "header", "text": "x" * 101}, {"text"}),
    ({"kind": "text", "text": "x" * 2001, "pictureId": "1"}, {"text", "pictureId"}),
    ({"kind": "image"}, {"pictureId"}),
    ({"kind": "image", "pictureId": "999"}, {"pictureId"}),
    ({"kind": "image", "url": "http://a.example/b.png"}, {"url"}),
    ({"kind": "image", "url": "https://malware.example/b.png"}, {"url"}),
    ({"kind": "embed"}, {"url"}),
    ({"kind": "embed", "url": "https://evil.example/embed"}, {"url"}),
    ({"kind": "header", "text": "A", "shownFrom": "soon"}, {"shownFrom"}),
    (
        {"kind": "header", "text": "A", "shownFrom": "2027-01-02", "shownUntil": "2027-01-01"},
        {"shownUntil"},
    ),
    ({"kind": "header", "text": "A", "position": -1}, {"position"}),
]


@pytest.mark.parametrize(("fields", "faulty"), BAD_BLOCKS)
async def test_faults_of_a_block_are_told_field_by_field(
    client: httpx.AsyncClient, fields: dict[str, Any], faulty: set[str]
) -> None:
    page = await make_page(client)
    answer = await client.post(f"{PAGES}/{page['id']}/blocks", json=fields)
    assert answer.status_code == 422, answer.text
    assert set(answer.json()["fields"]) == faulty


async def test_a_page_is_no_button_of_its_own_and_holds_only_so_many(
    client: httpx.AsyncClient, house: House
) -> None:
    page = await make_page(client)
    path = f"{PAGES}/{page['id']}/blocks"
    answer = await client.post(path, json={"kind": "link", "linkId": page["id"]})
    assert set(answer.json()["fields"]) == {"linkId"}
    rows = [(int(page["id"]), place) for place in range(MAX_BLOCKS)]
    fill = "insert into bio_blocks (page_id, position, kind, created_at) values ($1, $2, 'text', 0)"
    await house.app.db.write(lambda tx: tx.execute_many(fill, rows))
    answer = await client.post(path, json={"kind": "header", "text": "A"})
    assert set(answer.json()["fields"]) == {"kind"}


async def test_a_link_belongs_to_its_own_page_or_the_first_that_shows_it(
    client: httpx.AsyncClient, house: House
) -> None:
    link = await house.make_link(slug="shop")
    first, second = await make_page(client), await make_page(client, customSlug="bob")
    for page in (second, first):
        await add(client, page, kind="link", linkId=link.id)

    async def find_page() -> int | None:
        return (await client.get(f"{SHORT_LINKS}/{link.id}")).json()["data"]["linkInBioId"]

    async def turn(*, into_page: bool) -> int | None:
        answer = await client.put(f"{SHORT_LINKS}/{link.id}", json={"isLinkInBio": into_page})
        return answer.json()["data"]["linkInBioId"]

    assert await find_page() == int(first["id"])
    assert await turn(into_page=True) == link.id == await find_page()
    assert await turn(into_page=False) == int(first["id"])
    await client.delete(f"{PAGES}/{first['id']}")
    assert await find_page() == int(second["id"])
    await client.delete(f"{PAGES}/{second['id']}", params={"keepLink": "true"})
    assert await find_page() is None


# Pictures


async def test_pictures_are_drawn_anew_and_shown_to_everybody(
    client: httpx.AsyncClient, house: House
) -> None:
    avatar = await upload(client, "avatar")
    image = b64encode(RED_SQUARE.encode()).decode()
    answer = await client.post(PICTURES, json={"image": image, "name": "Red"})
    other = answer.json()["picture"]
    assert (avatar["purpose"], avatar["name"], avatar["width"]) == ("avatar", "Avatar", 192)
    assert (other["purpose"], other["name"], other["width"]) == ("image", "Red", 960)
    assert (await client.get(PICTURES)).json()["pictures"] == [avatar, other]
    assert (await client.get(f"{PICTURES}/{other['id']}")).json()["picture"] == other
    assert (await client.get("/api/v1/qr-logos")).json()["logos"] == []
    shown = await look(house, avatar["path"])
    assert open_image(shown.content).size == (192, 192)
    assert shown.headers["content-type"] == "image/png"
    assert "immutable" in shown.headers["cache-control"]
    assert (await look(house, "/static/pictures/none.png")).status_code == 404
    assert (await look(house, "/static/pictures/.png")).status_code == 404
    for name in ("pictures", "icons"):
        assert (await look(house, f"/static/{name}/%00.png")).status_code == 404


async def test_what_showed_a_deleted_picture_goes_on_without(
    client: httpx.AsyncClient, house: House
) -> None:
    page = await make_page(client)
    avatar, image = await upload(client, "avatar"), await upload(client)
    await client.patch(f"{PAGES}/{page['id']}", json={"avatarId": avatar["id"]})
    await add(client, page, kind="image", pictureId=image["id"])
    for picture in (avatar, image):
        assert (await client.delete(f"{PICTURES}/{picture['id']}")).status_code == 204
        assert (await client.delete(f"{PICTURES}/{picture['id']}")).status_code == 404
    after = await read(client, page)
    assert (after["avatarId"], after["blocks"]) == (None, [])
    assert "/static/pictures/" not in (await look(house, "/ann")).text


async def test_an_avatar_is_no_image_and_a_logo_is_neither(client: httpx.AsyncClient) -> None:
    page = await make_page(client)
    avatar, image = await upload(client, "avatar"), await upload(client)
    answer = await client.patch(f"{PAGES}/{page['id']}", json={"avatarId": image["id"]})
    assert set(answer.json()["fields"]) == {"avatarId"}
    answer = await client.post(
        f"{PAGES}/{page['id']}/blocks", json={"kind": "image", "pictureId": avatar["id"]}
    )
    assert set(answer.json()["fields"]) == {"pictureId"}
    logo = await client.post("/api/v1/qr-logos", content=RED_SQUARE.encode(), headers=SVG)
    logo_id = logo.json()["logo"]["id"]
    assert (await client.get(f"{PICTURES}/{logo_id}")).status_code == 404
    assert (await client.delete(f"{PICTURES}/{logo_id}")).status_code == 404
    assert (await client.get(f"/api/v1/qr-logos/{image['id']}")).status_code == 404


# Owners


async def test_another_workspace_reaches_nothing_of_a_page(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient, house: House
) -> None:
    page = await make_page(client)
    link = await house.make_link(slug="shop")
    picture = await upload(client)
    block = await add(client, page, kind="link", linkId=link.id)
    own = await make_page(stranger, customSlug="eve")
    path = f"{PAGES}/{page['id']}"
    answers = [
        await stranger.get(path),
        await stranger.patch(path, json={"title": "x"}),
        await stranger.delete(path),
        await stranger.get(f"{path}/blocks"),
        await stranger.post(f"{path}/blocks", json={"kind": "header", "text": "x"}),
        await stranger.put(f"{path}/blocks/order", json={"blockIds": [block["id"]]}),
        await stranger.get(f"{path}/blocks/{block['id']}"),
        await stranger.patch(f"{path}/blocks/{block['id']}", json={"isHidden": True}),
        await stranger.delete(f"{path}/blocks/{block['id']}"),
        await stranger.patch(f"{PAGES}/{own['id']}/blocks/{block['id']}", json={"isHidden": True}),
        await stranger.delete(f"{PAGES}/{own['id']}/blocks/{block['id']}"),
        await stranger.get(f"{PICTURES}/{picture['id']}"),
        await stranger.delete(f"{PICTURES}/{picture['id']}"),
    ]
    assert [answer.status_code for answer in answers] == [404] * len(answers)
    blocks = f"{PAGES}/{own['id']}/blocks"
    taken = (
        {"kind": "link", "linkId": str(link.id)},
        {"kind": "image", "pictureId": picture["id"]},
    )
    for body in taken:
        assert (await stranger.post(blocks, json=body)).status_code == 422
    assert (await stranger.post(PAGES, json={"linkId": str(link.id)})).status_code == 422
    assert [page["id"] for page in (await stranger.get(PAGES)).json()["bioPages"]] == [own["id"]]
    assert (await stranger.get(PICTURES)).json() == {"pictures": []}
    assert (await read(client, page))["blocks"] == [block]


async def test_a_token_that_only_reads_changes_nothing(
    client: httpx.AsyncClient, house: House
) -> None:
    page = await make_page(client)
    reader = await house.make_client(scope="read")
    path = f"{PAGES}/{page['id']}"
    assert (await reader.get(path)).status_code == 200
    answers = [
        await reader.post(PAGES, json={}),
        await reader.patch(path, json={}),
        await reader.delete(path),
        await reader.post(f"{path}/blocks", json={}),
        await reader.post(PICTURES, json={}),
    ]
    assert {answer.status_code for answer in answers} == {403}


@pytest.mark.parametrize("theme", THEMES)
async def test_colours_that_cannot_be_read_are_warned_of(
    client: httpx.AsyncClient, theme: str
) -> None:
    page = await make_page(client, theme=theme, colors={"background": "#ffffff", "text": "#eeeeee"})
    assert len(page["warnings"]) == 1
    assert "background" in page["warnings"][0]


async def test_followed_buttons_are_exported_as_from_a_page(
    client: httpx.AsyncClient, house: House
) -> None:
    await make_page(client)
    async with make_client(house.app) as visitor:
        visitor.headers["user-agent"] = "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"
        for address in ("/ann", "/ann?bio=go"):
            await visitor.get(address)
    await store_all(house.app.services.recorder)
    house.clock[0] += MINUTE
    lines = (await client.get("/api/v1/analytics/export", params={"format": "ndjson"})).text
    sources = [msgspec.json.decode(line)["source"] for line in lines.splitlines()]
    assert sources == ["link", "bio"]
    page = (await client.get(PAGES)).json()["bioPages"][0]
    link = (await client.get(f"{SHORT_LINKS}/{page['id']}")).json()["data"]
    assert (link["clicks"], link["lbClicks"], page["clickCount"]) == (1, 1, 2)
