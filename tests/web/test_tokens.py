import re

import pytest

from tests.api.house import House
from tests.support import DAY, make_token
from tests.web.browser import Browser, read_text

PLACE = "/app/tokens"
TEXT = re.compile(r'data-copy="(shorty_[\w-]{43})"')


async def make(browser: Browser, name: str = "Deploy", scope: str = "read", **more: str) -> str:
    """The new token's text."""
    answer = await browser.send(PLACE, {"name": name, "scope": scope, **more})
    found = TEXT.search(answer.text)
    assert found, answer.text
    return found[1]


async def test_a_new_token_is_shown_once_and_works(house: House, owner: Browser) -> None:
    assert "No tokens yet" in (await owner.open(PLACE)).text
    text = await make(owner)
    client = await house.make_client(token=text)
    assert (await client.get("/api/v1/links")).status_code == 200
    assert (await client.post("/api/v1/tags", json={"name": "a"})).status_code == 403
    page = (await owner.open(PLACE)).text
    assert text not in page
    assert text[:11] in page
    assert "ann@a.example" in page


async def test_the_example_is_one_that_the_token_may_run(owner: Browser) -> None:
    answer = await owner.send(PLACE, scope="write")
    assert "-d '{" in read_text(answer.text)
    assert '"domain": "localhost:8000"' in read_text(answer.text)
    assert "-d '{" not in read_text((await owner.send(PLACE, scope="read")).text)
    assert answer.headers["cache-control"] == "no-store, no-transform"


@pytest.mark.parametrize(
    ("ends", "typed", "told"),
    [
        ("never", "", "never expires"),
        ("90", "", "expires 20 Feb 2027"),
        ("date", "2026-12-24T18:00", "expires 24 Dec 2026"),
        ("nonsense", "2026-12-24T18:00", "never expires"),
    ],
)
async def test_a_token_ends_when_one_says(owner: Browser, ends: str, typed: str, told: str) -> None:
    await make(owner, ends=ends, expires_at=typed)
    assert told in read_text((await owner.open(PLACE)).text)


async def test_an_ended_token_says_so(house: House, owner: Browser) -> None:
    await make(owner, ends="date", expires_at="2026-11-23T12:00")
    await house.settle()
    house.clock[0] += 2 * DAY
    assert "Expired" in read_text((await owner.open(PLACE)).text)


@pytest.mark.parametrize(
    ("typed", "fault"),
    [
        ("", "Must be a date and a time"),
        ("soon", "Must be a date and a time"),
        ("2026-11-22T11:59", "Must be in the future"),
        ("9999-12-31T23:59", "Must be within the next 100 years"),
    ],
)
async def test_a_wrong_end_stands_beside_its_field_and_nothing_is_lost(
    owner: Browser, typed: str, fault: str
) -> None:
    answer = await owner.send(PLACE, name="<b>Mine", scope="admin", ends="date", expires_at=typed)
    assert answer.status_code == 422
    assert fault in read_text(answer.text)
    assert 'value="&lt;b&gt;Mine"' in answer.text
    assert f'value="{typed}"' in answer.text
    assert 'value="admin" checked' in answer.text
    assert 'value="date" selected' in answer.text


async def test_a_token_is_renamed_and_revoked(house: House, owner: Browser) -> None:
    text = await make(owner)
    page = await owner.follow(await owner.send(f"{PLACE}/1", name="<i>Old"))
    assert "&lt;i&gt;Old" in page
    answer = await owner.send(f"{PLACE}/1", name="x" * 101)
    assert answer.status_code == 422
    assert "May be at most 100 characters long" in read_text(answer.text)
    page = await owner.follow(await owner.send(f"{PLACE}/1/revoke"))
    assert "No tokens yet" in page
    client = await house.make_client(token=text)
    assert (await client.get("/api/v1/links")).status_code == 401


async def test_the_list_has_pages(house: House, owner: Browser) -> None:
    for number in range(51):
        await make_token(house.app.db, house.home, name=f"Token-{number}.")
    page = (await owner.open(PLACE)).text
    assert "Token-49." in page
    assert "Token-50." not in page
    assert "Token-50." in (await owner.open(f"{PLACE}?after=50")).text


async def test_tokens_are_no_business_of_editors(editor: Browser) -> None:
    assert PLACE not in (await editor.open("/app/tags")).text
    assert (await editor.open(PLACE)).status_code == 403
    for path in ("", "/1", "/1/revoke"):
        assert (await editor.send(f"{PLACE}{path}")).status_code == 403


async def test_another_workspaces_token_is_not_there(owner: Browser, stranger: Browser) -> None:
    await make(owner)
    assert "No tokens yet" in (await stranger.open(PLACE)).text
    assert (await stranger.send(f"{PLACE}/1", name="Mine")).status_code == 404
    assert (await stranger.send(f"{PLACE}/1/revoke")).status_code == 404
