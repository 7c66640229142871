"""Aliases in the dashboard: kept by the form, added and removed on the link's page."""

import re
from html import unescape

import pytest

from shorty.config import Config
from shorty.links.model import Link, LinkChange, QrSettings
from shorty.links.service import change_link, delete_link, get_link
from tests.api.conftest import DOMAINS
from tests.api.house import House
from tests.api.visits import visit
from tests.web.browser import Browser, read_text
from tests.web.test_link_form import fill_in

PLACE = "/app/links"


@pytest.fixture
def config() -> Config:
    return Config(domains=DOMAINS)


async def list_aliases(house: House, link: Link) -> list[str]:
    found = await get_link(house.app.services.links, await house.make_actor(), link.id)
    return [alias.text for alias in found.aliases]


async def make_used_link(house: House, **only_what_matters: object) -> Link:
    return await house.make_link(slug="autumn", qr_settings=QrSettings(), **only_what_matters)


async def rename(house: House, link: Link, slug: str) -> None:
    context, actor = house.app.services.links, await house.make_actor()
    change = LinkChange(slug=slug, keeps_old_slug=False)
    await change_link(context, actor, link.id, change, house.now)


async def test_the_form_says_what_uses_the_address_and_keeps_it(
    house: House, owner: Browser
) -> None:
    link = await make_used_link(house)
    await visit(house, {"link_id": link.id}, {"link_id": link.id})
    path = f"{PLACE}/{link.id}/edit"
    page = read_text((await owner.open(path)).text)
    assert "2 clicks and a QR code use localhost:8000/autumn." in page
    wanted = await fill_in(owner, path, slug="winter")
    assert wanted["keeps_old_slug"] == "1"
    await owner.follow(await owner.send(path, wanted))
    assert await list_aliases(house, link) == ["localhost:8000/autumn"]


@pytest.mark.parametrize(
    ("clicks", "has_code", "text"),
    [
        (0, True, "A QR code uses localhost:8000/autumn."),
        (1, False, "1 click uses localhost:8000/autumn."),
        (2, False, "2 clicks use localhost:8000/autumn."),
        (1, True, "1 click and a QR code use localhost:8000/autumn."),
    ],
)
async def test_what_uses_an_address_is_a_sentence(
    house: House, owner: Browser, clicks: int, text: str, *, has_code: bool
) -> None:
    link = await house.make_link(slug="autumn", qr_settings=QrSettings() if has_code else None)
    await visit(house, *({"link_id": link.id} for _ in range(clicks)))
    assert text in read_text((await owner.open(f"{PLACE}/{link.id}/edit")).text)


async def test_a_former_address_is_let_go_of_where_it_is_asked_for(
    house: House, owner: Browser
) -> None:
    link = await make_used_link(house)
    path = f"{PLACE}/{link.id}/edit"
    wanted = await fill_in(owner, path, slug="winter")
    del wanted["keeps_old_slug"]
    await owner.follow(await owner.send(path, wanted))
    assert await list_aliases(house, link) == []


async def test_nothing_is_asked_of_a_link_that_nobody_has_used(
    house: House, owner: Browser
) -> None:
    link = await house.make_link(slug="fresh")
    path = f"{PLACE}/{link.id}/edit"
    assert "keeps_old_slug" not in (await owner.open(path)).text
    await owner.follow(await owner.send(path, await fill_in(owner, path, slug="other")))
    assert await list_aliases(house, link) == []


async def test_a_fault_keeps_what_was_answered(house: House, owner: Browser) -> None:
    link = await make_used_link(house, aliases=tuple(f"a{number}" for number in range(20)))
    path = f"{PLACE}/{link.id}/edit"
    answer = await owner.send(path, await fill_in(owner, path, slug="winter"))
    assert answer.status_code == 422
    assert "Aliases are 20 already" in read_text(answer.text)
    wanted = await fill_in(owner, path, slug="winter", max_clicks="many")
    del wanted["keeps_old_slug"]
    answer = await owner.send(path, wanted)
    assert answer.status_code == 422
    box = re.search(r'<input id="keeps_old_slug"[^>]*>', answer.text)
    assert box
    assert "checked" not in box[0]


async def test_aliases_are_added_shown_and_removed(house: House, owner: Browser) -> None:
    link = await house.make_link(slug="autumn")
    page = f"{PLACE}/{link.id}"
    added = await owner.send(
        f"{page}/aliases", domain="go.example", slug="sale", back=f"{page}/history"
    )
    assert added.headers["location"] == f"{page}/history"
    text = await owner.follow(added)
    assert "Alias added: go.example/sale" in read_text(text)
    assert "Aliases go.example/sale" in read_text(text)
    assert text.count('data-copy="https://go.example/sale"') == 2  # in the notice, and beside it
    question = re.search(r'name="confirm_question" value="(Remove the alias[^"]+)"', text)
    assert question
    removal = {"alias": "go.example/sale", "back": page}
    asked = await owner.send(
        f"{page}/aliases/remove", {**removal, "confirm_question": unescape(question[1])}
    )
    assert "It stops working immediately" in read_text(asked.text)
    assert await list_aliases(house, link) == ["go.example/sale"]
    gone = await owner.follow(await owner.send(f"{page}/aliases/remove", removal))
    assert "Alias removed: go.example/sale" in read_text(gone)
    assert await list_aliases(house, link) == []
    undo = re.search(r'action="(/app/links/\d+/aliases)"', gone)
    assert undo
    fields = {"domain": "go.example", "slug": "sale", "back": page}
    await owner.follow(await owner.send(undo[1], fields))
    assert await list_aliases(house, link) == ["go.example/sale"]
    again = await owner.follow(await owner.send(f"{page}/aliases/remove", alias="go.example/x"))
    assert "does not have that alias" in read_text(again)


async def test_an_alias_that_was_in_use_recently_is_added_with_a_warning(
    house: House, owner: Browser
) -> None:
    link, other = [await house.make_link(slug=slug) for slug in ("autumn", "winter")]
    await visit(house, {"link_id": link.id})
    await owner.send(f"{PLACE}/{link.id}/aliases", domain="go.example", slug="sale")
    removed = await owner.follow(
        await owner.send(f"{PLACE}/{link.id}/aliases/remove", alias="go.example/sale")
    )
    fields = {"domain": "go.example", "slug": "sale"}
    added = await owner.follow(await owner.send(f"{PLACE}/{other.id}/aliases", fields))
    assert "This slug was in use recently" in read_text(added)
    await owner.send(f"{PLACE}/{other.id}/aliases/remove", alias="go.example/sale")
    undo = dict(
        re.findall(r'<input type="hidden" name="(slug|domain|undoes)" value="([^"]*)">', removed)
    )
    assert undo == fields | {"undoes": "1"}
    again = read_text(await owner.follow(await owner.send(f"{PLACE}/{link.id}/aliases", undo)))
    assert "Alias added" in again
    assert "in use recently" not in again


async def test_an_alias_that_cannot_be_had_says_why_beside_its_field(
    house: House, owner: Browser
) -> None:
    link = await house.make_link(slug="autumn")
    await house.make_link(slug="taken")
    path = f"{PLACE}/{link.id}/aliases"
    for fields, status, text in (
        ({"slug": "taken"}, 409, "already taken on localhost:8000"),
        ({"slug": ""}, 422, "Enter a slug."),
        ({"slug": "a b"}, 422, "a space"),
        ({"slug": "x", "domain": "nobody.example"}, 422, "verified domain"),
    ):
        answer = await owner.send(path, fields)
        assert answer.status_code == status, fields
        fault = re.search(r'id="alias-fault">([^<]+)<', answer.text)
        assert fault
        assert text in unescape(fault[1])
        assert f'name="slug" dir="auto" value="{fields["slug"]}"' in answer.text
    context, actor = house.app.services.links, await house.make_actor()
    many = LinkChange(aliases=tuple(f"a{number}" for number in range(20)))
    await change_link(context, actor, link.id, many, house.now)
    answer = await owner.send(path, slug="one-more")
    assert "This link has 20 aliases already." in read_text(answer.text)
    assert (await owner.open(path)).headers["location"] == f"{PLACE}/{link.id}"


async def test_a_slug_that_rests_for_another_workspace_is_refused(
    house: House, owner: Browser, stranger: Browser
) -> None:
    link = await make_used_link(house)
    await visit(house, {"link_id": link.id})
    await rename(house, link, "winter")
    answer = await stranger.send(PLACE, url="https://example.com/theirs", slug="autumn")
    assert answer.status_code == 409
    assert "reserved for its previous owner" in read_text(answer.text)
    # Its own workspace may take it, and is warned.
    told = (await owner.open(f"{PLACE}/check?domain=localhost:8000&slug=autumn")).json()
    assert told["slug"] is None
    assert "in use recently" in told["slug_note"]
    answer = await owner.send(PLACE, url="https://example.com/new", slug="autumn")
    assert "This slug was in use recently" in read_text(await owner.follow(answer))


async def test_nobody_changes_the_aliases_of_another_workspace(
    house: House, viewer: Browser, stranger: Browser
) -> None:
    link = await house.make_link(slug="autumn", aliases=("old",))
    for browser, status in ((stranger, 404), (viewer, 403)):
        for path, fields in (
            (f"{PLACE}/{link.id}/aliases", {"slug": "mine"}),
            (f"{PLACE}/{link.id}/aliases/remove", {"alias": "localhost:8000/old"}),
        ):
            assert (await browser.send(path, fields)).status_code == status
    assert await list_aliases(house, link) == ["localhost:8000/old"]
    page = (await viewer.open(f"{PLACE}/{link.id}")).text
    assert "localhost:8000/old" in read_text(page)
    assert "/aliases" not in page


async def test_the_history_has_aliases(house: House, owner: Browser) -> None:
    link = await house.make_link(slug="autumn")
    await owner.send(f"{PLACE}/{link.id}/aliases", slug="old")
    text = read_text((await owner.open(f"{PLACE}/{link.id}/history")).text)
    assert "ann edited it Aliases localhost:8000/old" in text


async def test_a_restored_link_says_which_aliases_it_did_not_get_back(
    house: House, owner: Browser
) -> None:
    link = await house.make_link(slug="autumn", aliases=("old", "older"))
    context, actor = house.app.services.links, await house.make_actor()
    await delete_link(context, actor, link.id, house.now)
    await house.make_link(slug="old")
    page = await owner.follow(await owner.send(f"{PLACE}/restore", ids=str(link.id)))
    text = read_text(page)
    assert "1 link restored." in text
    assert "The alias localhost:8000/old was not restored" in text
    assert "older was not" not in text
    assert await list_aliases(house, link) == ["localhost:8000/older"]
