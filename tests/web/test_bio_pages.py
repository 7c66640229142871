import re
from io import BytesIO

import httpx
import pytest
from PIL import Image

from tests.api.house import House
from tests.rsgi_client import make_client
from tests.web.browser import Browser, read_text

PLACE = "/app/bio-pages"
NEW = {
    "title": "Ann of Porto",
    "url": "https://ann.example/shop",
    "domain": "localhost:8000",
    "slug": "ann",
}


async def visit(house: House, path: str = "/ann") -> httpx.Response:
    agent = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"
    async with make_client(house.app) as client:
        return await client.get(path, headers={"user-agent": agent})


async def add_block(browser: Browser, kind: str, **fields: str) -> httpx.Response:
    typed = {f"new-{kind}-{name}": text for name, text in fields.items()}
    return await browser.send(f"{PLACE}/1/blocks", {"kind": kind, **typed})


def list_kinds(page: str) -> list[str]:
    return re.findall(r'<span class="soft small">(Heading|Text|Button|Player|Image)', page)


async def test_a_page_is_made_filled_and_seen(house: House, owner: Browser) -> None:
    page = await owner.follow(await owner.send(PLACE, NEW))
    assert "Bio page created" in read_text(page)
    await add_block(owner, "header", text="Find me")
    await add_block(owner, "link", target="https://pictures.example/ann", text="My pictures")
    await add_block(owner, "text", text="I make <b>ceramics</b>.")
    await owner.send(f"{PLACE}/1", theme="dusk", has_switches="1", is_button_shown="1")
    seen = await visit(house)
    assert seen.status_code == 200
    text = read_text(seen.text)
    assert "Find me My pictures I make <b>ceramics</b>." in text
    assert "<b>ceramics</b>" not in seen.text
    assert 'class="dusk"' in seen.text
    listed = read_text((await owner.open(PLACE)).text)
    assert "Ann of Porto localhost:8000/ann 3 blocks" in listed


async def test_a_button_leads_to_a_link_that_is_there_or_makes_one(
    house: House, owner: Browser
) -> None:
    await owner.send(PLACE, NEW)
    sale = await house.make_link(slug="sale", url="https://example.com/sale")
    await add_block(owner, "link", target="sale")
    await add_block(owner, "link", target="http://localhost:8000/sale")
    await add_block(owner, "link", target="https://example.com/new")
    page = (await owner.open(f"{PLACE}/1")).text
    assert page.count(f"localhost:8000/{sale.slug}<") == 2
    answer = await add_block(owner, "link", target="nothing-of-that-name")
    assert answer.status_code == 422
    assert "Is not a short link of this workspace" in read_text(answer.text)
    assert 'value="nothing-of-that-name"' in answer.text


async def test_blocks_move_hide_and_go(house: House, owner: Browser) -> None:
    await owner.send(PLACE, NEW)
    await add_block(owner, "header", text="First")
    await add_block(owner, "text", text="Second")
    page = await owner.follow(await owner.send(f"{PLACE}/1/blocks/2/move", way="up"))
    assert list_kinds(page)[:2] == ["Text", "Heading"]
    page = await owner.follow(await owner.send(f"{PLACE}/1/blocks/order", {"ids": ["1", "2"]}))
    assert list_kinds(page)[:2] == ["Heading", "Text"]
    await owner.send(f"{PLACE}/1/blocks/1/hide", is_hidden="1")
    assert "First" not in (await visit(house)).text
    await owner.send(f"{PLACE}/1/blocks/1/hide", is_hidden="")
    assert "First" in (await visit(house)).text
    page = await owner.follow(await owner.send(f"{PLACE}/1/blocks/1/delete"))
    assert list_kinds(page)[:1] == ["Text"]


async def test_a_block_is_shown_for_a_time_in_the_viewers_zone(
    house: House, owner: Browser
) -> None:
    owner.client.cookies.set("shorty_zone", "Asia%2FKolkata")
    await owner.send(PLACE, NEW)
    # It is 12:00 UTC, which is 17:30 there.
    await add_block(owner, "text", text="Later", shown_from="2026-11-22T17:31")
    await add_block(owner, "text", text="Now", shown_from="2026-11-22T17:29")
    seen = read_text((await visit(house)).text)
    assert "Later" not in seen
    assert "Now" in seen
    assert 'value="2026-11-22T17:31"' in (await owner.open(f"{PLACE}/1")).text


async def test_faults_stand_beside_their_fields_and_nothing_is_lost(owner: Browser) -> None:
    await owner.send(PLACE, NEW)
    answer = await add_block(owner, "embed", url="https://evil.example/x", text="A film")
    assert answer.status_code == 422
    assert "Must be a page on one of these sites" in read_text(answer.text)
    assert 'value="https://evil.example/x"' in answer.text
    settings = {"title": "x" * 101, "description": "Kept"}
    settings |= {"has_button": "1", "button": "#123456", "text": "#654321"}
    answer = await owner.send(f"{PLACE}/1", settings)
    assert answer.status_code == 422
    assert ">Kept</textarea>" in answer.text
    assert 'value="#123456"' in answer.text
    assert 'name="has_button" value="1" checked' in answer.text
    assert "#654321" not in answer.text
    answer = await owner.send(PLACE, NEW | {"title": "Another"})
    assert answer.status_code == 422
    assert "is already taken" in read_text(answer.text)
    assert 'value="Another"' in answer.text


async def test_the_preview_follows_settings_that_are_not_saved(
    house: House, owner: Browser
) -> None:
    await owner.send(PLACE, NEW)
    answer = await owner.open(f"{PLACE}/1/preview?title=Half&theme=poster")
    assert "Half" in answer.text
    assert 'class="poster"' in answer.text
    assert "frame-ancestors 'self'" in answer.headers["content-security-policy"]
    assert "Half" not in (await visit(house)).text
    broken = await owner.open(f"{PLACE}/1/preview?theme=nonsense")
    assert broken.status_code == 200


async def test_an_avatar_is_uploaded_and_drawn_anew(house: House, owner: Browser) -> None:
    await owner.send(PLACE, NEW)
    file = BytesIO()
    Image.new("RGB", (400, 400), "teal").save(file, "JPEG")
    answer = await owner.client.post(
        f"{PLACE}/1",
        data={"form_token": owner.token, "avatar": "icon"},
        files={"avatar-image": ("me.jpg", file.getvalue(), "image/jpeg")},
    )
    assert answer.status_code == 303
    avatar = re.search(r'src="(/static/pictures/\w+\.png)"', (await visit(house)).text)
    assert avatar
    picture = await visit(house, avatar[1])
    assert Image.open(BytesIO(picture.content)).size == (192, 192)
    broken = await owner.client.post(
        f"{PLACE}/1",
        data={"form_token": owner.token, "description": "Kept"},
        files={"avatar-image": ("me.jpg", b"no picture", "image/jpeg")},
    )
    assert broken.status_code == 422
    assert ">Kept</textarea>" in broken.text


async def test_a_picture_without_file_and_address_says_what_is_missing(owner: Browser) -> None:
    await owner.send(PLACE, NEW)
    answer = await add_block(owner, "image")
    assert answer.status_code == 422
    assert "Choose a file or enter a URL, not both." in read_text(answer.text)


async def test_a_page_is_deleted_with_or_without_its_link(house: House, owner: Browser) -> None:
    await owner.send(PLACE, NEW)
    page = await owner.follow(await owner.send(f"{PLACE}/1/delete", keeps_link="1"))
    assert "No bio pages yet" in read_text(page)
    assert (await visit(house)).headers["location"] == "https://ann.example/shop"
    await owner.send(PLACE, NEW | {"slug": "two"})
    await owner.send(f"{PLACE}/2/delete")
    assert (await visit(house, "/two")).status_code == 404


async def test_a_viewer_looks_and_changes_nothing(owner: Browser, viewer: Browser) -> None:
    await owner.send(PLACE, NEW)
    page = (await viewer.open(f"{PLACE}/1")).text
    assert "Profile" not in page
    assert (await viewer.send(f"{PLACE}/1", title="Mine")).status_code == 403
    assert (await add_block(viewer, "text", text="Mine")).status_code == 403
    assert (await viewer.send(f"{PLACE}/1/delete")).status_code == 403


async def test_another_workspaces_page_is_not_there(owner: Browser, stranger: Browser) -> None:
    await owner.send(PLACE, NEW)
    await add_block(owner, "text", text="Mine")
    for path in ("", "/preview"):
        assert (await stranger.open(f"{PLACE}/1{path}")).status_code == 404
    for path in ("", "/delete", "/blocks", "/blocks/1/hide", "/blocks/1/move", "/blocks/1/delete"):
        answer = await stranger.send(f"{PLACE}/1{path}", kind="text", text="x", way="up")
        assert answer.status_code == 404, path
    assert "Mine" in (await owner.open(f"{PLACE}/1")).text


async def test_a_button_finds_its_link_however_it_is_written_and_whatever_else_looks_alike(
    house: House, owner: Browser
) -> None:
    await owner.send(PLACE, NEW)
    await house.make_link(slug="a", url="https://example.com/one")
    await house.make_link(slug="日本", url="https://example.com/two")
    for number in range(60):
        await house.make_link(slug=f"a{number}", url="https://example.com/other")
    for target in ("a", "LOCALHOST:8000/a", "http://localhost:8000/%E6%97%A5%E6%9C%AC"):
        assert (await add_block(owner, "link", target=target)).status_code == 303
    page = (await owner.open(f"{PLACE}/1")).text
    assert page.count("localhost:8000/a<") == 2
    assert page.count("localhost:8000/日本<") == 1


async def test_an_address_may_come_without_its_scheme_and_a_button_may_write_a_mail(
    house: House, owner: Browser
) -> None:
    assert (await owner.send(PLACE, NEW | {"url": "ann.example/shop"})).status_code == 303
    assert (await add_block(owner, "link", target="example.com/page")).status_code == 303
    assert (await add_block(owner, "link", target="mailto:ann@a.example")).status_code == 303
    listed = (await owner.open("/app/links")).text
    for url in ("https://ann.example/shop", "https://example.com/page", "mailto:ann@a.example"):
        assert f'href="{url}"' in listed


async def test_a_button_whose_domain_answers_no_more_keeps_its_link(
    house: House, owner: Browser
) -> None:
    await owner.send(PLACE, NEW)
    await house.make_link(slug="sale", url="https://example.com/sale")
    await add_block(owner, "link", target="sale")
    shown = "gone.example/sale"
    await house.app.db.write(
        lambda tx: tx.execute(
            """
            insert into domains (host, scheme, workspace_id, source, position, root_redirect,
              not_found_redirect, verification_token, created_at)
            values ('gone.example', 'https', $1, 'api', 0, '', '', 'x', 0)
            """,
            house.home.workspace.id,
        )
    )
    await house.app.db.write(
        lambda tx: tx.execute(
            "update links set domain_id = (select max(id) from domains) where slug = 'sale'"
        )
    )
    answer = await owner.send(f"{PLACE}/1", {"b1-target": shown, "b1-text": "Sale!"})
    assert answer.status_code == 303
    page = (await owner.open(f"{PLACE}/1")).text
    assert f"{shown}<" in page
    assert "Sale!" in page


async def test_a_page_of_the_list_that_cannot_be_is_the_first(owner: Browser) -> None:
    await owner.send(PLACE, NEW)
    for after in ("9" * 30, "9" * 5000, "-1", "x"):
        answer = await owner.open(f"{PLACE}?after={after}")
        assert "Ann of Porto" in answer.text


async def test_a_time_at_the_end_of_all_years_is_shown_in_every_zone(
    house: House, owner: Browser
) -> None:
    await owner.send(PLACE, NEW)
    for zone in ("UTC", "America%2FNew_York", "Asia%2FTokyo"):
        owner.client.cookies.set("shorty_zone", zone)
        last, first = "9999-12-31T23:59", "0001-01-01T00:00"
        await add_block(owner, "text", text="Ever", shown_from=first, shown_until=last)
        assert (await owner.open(f"{PLACE}/1")).status_code == 200
    owner.client.cookies.set("shorty_zone", "UTC")
    assert (await owner.open(f"{PLACE}/1")).status_code == 200
    assert read_text((await visit(house)).text).count("Ever") == 3


async def test_one_save_keeps_the_settings_and_every_block(house: House, owner: Browser) -> None:
    await owner.send(PLACE, NEW)
    await add_block(owner, "header", text="First")
    await add_block(owner, "text", text="Second")
    typed = {"title": "Ann", "is_button_shown": "1", "b1-text": "One", "b2-text": "Two"}
    page = await owner.follow(await owner.send(f"{PLACE}/1", typed))
    assert "Changes saved." in read_text(page)
    assert "Ann One Two" in re.sub(r"Click Here ", "", read_text((await visit(house)).text))


async def test_a_faulty_block_keeps_the_rest_and_what_was_typed(
    house: House, owner: Browser
) -> None:
    await owner.send(PLACE, NEW)
    await add_block(owner, "header", text="First")
    await add_block(owner, "text", text="Second")
    typed = {"title": "Ann", "b1-text": "x" * 101, "b2-text": "Two", "b1-shown_from": "soon"}
    answer = await owner.send(f"{PLACE}/1", typed)
    assert answer.status_code == 422
    assert "Some changes could not be saved" in read_text(answer.text)
    assert "Must be a date and a time." in read_text(answer.text)
    assert f'value="{"x" * 101}"' in answer.text
    seen = read_text((await visit(house)).text)
    assert "First Two" in seen
    assert "Ann" in seen


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/blocks/1/move", {"way": "down"}),
        ("/blocks/2/hide", {"is_hidden": "1"}),
        ("/blocks/2/delete", {}),
        ("/blocks", {"kind": "text", "new-text-text": "Third"}),
    ],
)
async def test_every_button_saves_what_else_was_typed(
    house: House, owner: Browser, path: str, fields: dict[str, str]
) -> None:
    await owner.send(PLACE, NEW)
    await add_block(owner, "header", text="First")
    await add_block(owner, "text", text="Second")
    answer = await owner.send(f"{PLACE}/1{path}", {"title": "Ann", "b1-text": "One", **fields})
    assert answer.status_code == 303
    seen = read_text((await visit(house)).text)
    assert "Ann" in seen
    assert "One" in seen
    assert "First" not in seen


async def test_a_faulty_block_can_still_be_deleted(owner: Browser) -> None:
    await owner.send(PLACE, NEW)
    await add_block(owner, "header", text="First")
    answer = await owner.send(f"{PLACE}/1/blocks/1/delete", {"b1-text": ""})
    assert "“First” deleted." in await owner.follow(answer)


async def test_a_move_says_which_block_stands_where_and_buttons_name_their_block(
    owner: Browser,
) -> None:
    await owner.send(PLACE, NEW)
    await add_block(owner, "header", text="First")
    await add_block(owner, "text", text="Second")
    page = await owner.follow(await owner.send(f"{PLACE}/1/blocks/2/move", way="up"))
    assert "“Second” moved to position 1 of 2." in read_text(page)
    for label in ("Move “First” up", "Move “Second” down", "Hide “First”", "Delete “Second”"):
        assert f'aria-label="{label}"' in page


async def test_a_page_without_a_destination_has_no_first_button(
    house: House, owner: Browser
) -> None:
    assert (await owner.send(PLACE, NEW | {"url": ""})).status_code == 303
    seen = await visit(house)
    assert seen.status_code == 200
    assert "Ann of Porto" in seen.text
    assert "bio=go" not in seen.text
    owner_page = (await owner.open(f"{PLACE}/1")).text
    assert "http://localhost:8000/" in owner_page
    answer = await owner.send(PLACE, {"title": "x", "url": "", "domain": "of.another"})
    assert answer.status_code == 422
    assert "verified domain" in read_text(answer.text)


async def test_the_first_button_takes_the_destinations_title(house: House, owner: Browser) -> None:
    await owner.send(PLACE, NEW)
    assert "Click Here" in read_text((await visit(house)).text)
    await owner.send("/app/links/1/edit", title="Anns shop", url=NEW["url"])
    seen = read_text((await visit(house)).text)
    assert "Ann of Porto Anns shop" in seen
    await owner.send(f"{PLACE}/1", {"button_label": "My shop", "is_button_shown": "1"})
    assert "My shop" in read_text((await visit(house)).text)
