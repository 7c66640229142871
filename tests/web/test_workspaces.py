"""Workspaces: creating another, renaming, switching, leaving."""

from shorty.accounts.service import list_workspaces
from tests.api.house import House
from tests.web.browser import Browser, read_text


async def list_names(house: House, user_id: int = 1) -> set[str]:
    return {workspace.name for workspace in await list_workspaces(house.app.db, user_id)}


async def test_another_workspace_is_made_and_looked_at(house: House, owner: Browser) -> None:
    await owner.send("/app/tags", name="Harvest")
    assert (await owner.send("/app/workspaces", name="Shop")).headers["location"] == "/app"
    assert await list_names(house) == {"ann", "Shop"}
    page = (await owner.open("/app/tags")).text
    assert '<strong dir="auto">Shop</strong>' in page
    assert "Harvest" not in page
    answer = await owner.send("/app/workspaces", name=" ")
    assert "Must not be empty." in read_text(answer.text)


async def test_one_switches_back_and_sees_what_was_there(owner: Browser) -> None:
    await owner.send("/app/tags", name="Harvest")
    await owner.send("/app/workspaces", name="Shop")
    page = read_text((await owner.open("/app/workspaces")).text)
    assert "Shop Current" in page
    assert (await owner.send("/app/workspaces/1/open")).status_code == 303
    assert "Harvest" in (await owner.open("/app/tags")).text


async def test_a_form_that_was_opened_in_one_workspace_does_nothing_in_another(
    owner: Browser,
) -> None:
    await owner.open("/app/tags")
    token = owner.token
    await owner.follow(await owner.send("/app/workspaces", name="Shop"))
    answer = await owner.send("/app/tags", name="Harvest", token=token)
    assert answer.status_code == 403
    assert "another workspace" in read_text(answer.text)
    assert "No tags yet" in (await owner.open("/app/tags")).text


async def test_nobody_opens_a_workspace_they_do_not_belong_to(
    owner: Browser, stranger: Browser
) -> None:
    assert (await stranger.send("/app/workspaces/1/open")).status_code == 404
    assert (await owner.send("/app/workspaces/999/open")).status_code == 404
    assert '<strong dir="auto">eve</strong>' in (await stranger.open("/app/tags")).text


async def test_an_owner_renames_it_and_a_viewer_does_not(
    house: House, owner: Browser, viewer: Browser
) -> None:
    page = await owner.follow(await owner.send("/app/workspaces/rename", name="Shop"))
    assert '<strong dir="auto">Shop</strong>' in page
    assert (await viewer.send("/app/workspaces/rename", name="Mine")).status_code == 403
    assert "/app/workspaces/rename" not in (await viewer.open("/app/workspaces")).text
    answer = await owner.send("/app/workspaces/rename", name="x" * 101)
    assert "It may be at most 100 characters long." in read_text(answer.text)
    assert await list_names(house) == {"Shop"}


async def test_whoever_leaves_their_only_workspace_is_signed_out(
    house: House, viewer: Browser
) -> None:
    answer = await viewer.send("/app/workspaces/leave")
    assert answer.headers["location"] == "/app/sign-in"
    assert "You left ann." in await viewer.follow(answer)
    assert await list_names(house, 2) == set()
    assert (await viewer.open("/app/tags")).status_code == 303


async def test_whoever_leaves_one_of_several_looks_at_another(
    house: House, viewer: Browser
) -> None:
    await viewer.follow(await viewer.send("/app/workspaces", name="Mine"))
    await viewer.send("/app/workspaces/1/open")
    await viewer.open("/app/workspaces")
    page = await viewer.follow(await viewer.send("/app/workspaces/leave"))
    assert '<strong dir="auto">Mine</strong>' in page
    assert await list_names(house, 2) == {"Mine"}


async def test_the_last_owner_stays(house: House, owner: Browser) -> None:
    page = await owner.follow(await owner.send("/app/workspaces/leave"))
    assert "A workspace needs an owner" in page
    assert await list_names(house) == {"ann"}
