"""Names of tags and UTM templates that look alike are one, through every door."""

import unicodedata

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shorty.links.tags import fold_name, spell_name
from tests.api.house import House

API = "/api/v1"
COMPOSED = "Caf\N{LATIN SMALL LETTER E WITH ACUTE}"
ALIKE = (
    "cafe\N{COMBINING ACUTE ACCENT}",
    "CAF\N{LATIN CAPITAL LETTER E WITH ACUTE}",
    f"  {COMPOSED} ",
    f"{COMPOSED}\N{NO-BREAK SPACE}",
)


@given(st.text(max_size=40))
def test_a_name_is_the_same_however_it_is_typed(name: str) -> None:
    key = fold_name(name)
    for form in ("NFC", "NFD"):
        assert fold_name(unicodedata.normalize(form, name)) == key
    assert fold_name(f" {name}\t") == fold_name(spell_name(name)) == fold_name(key) == key


def test_what_is_longer_than_any_name_is_not_composed() -> None:
    """Composing a hostile text takes the square of its length."""
    assert len(fold_name("a" + "\N{COMBINING ACUTE ACCENT}" * 1_000_000)) == 1_000_001


@pytest.mark.parametrize("name", ALIKE)
async def test_the_apis_tags_are_one(client: httpx.AsyncClient, name: str) -> None:
    made = await client.post(f"{API}/tags", json={"name": name})
    tag_id = made.json()["tag"]["id"]
    again = await client.post(f"{API}/tags", json={"name": COMPOSED})
    assert (again.status_code, again.json()["code"]) == (409, "already-exists")
    link = {"url": "https://example.com/", "domain": "go.example", "tagNames": [COMPOSED, *ALIKE]}
    tags = (await client.post(f"{API}/links", json=link)).json()["link"]["tags"]
    assert [each["tag"]["id"] for each in tags] == [tag_id]
    short = {"destinationUrl": "https://example.com/", "brandedDomain": "go.example"}
    body = {**short, "slashTag": "short", "tags": f"{COMPOSED},{name}"}
    answer = await client.post(f"{API}/short-link", json=body)
    assert answer.json()["data"]["uniqueTagId"] == int(tag_id)
    assert answer.json()["data"]["tags"] == spell_name(name)


@pytest.mark.parametrize("name", ALIKE)
async def test_the_apis_templates_are_one(client: httpx.AsyncClient, name: str) -> None:
    path = f"{API}/utm-templates"
    await client.post(path, json={"name": name, "utmSource": "a"})
    other = await client.post(path, json={"name": "Other", "utmSource": "a"})
    again = await client.post(path, json={"name": COMPOSED, "utmSource": "b"})
    assert (again.status_code, again.json()["code"]) == (409, "already-exists")
    renamed = await client.patch(
        f"{path}/{other.json()['utmTemplate']['id']}", json={"name": COMPOSED}
    )
    assert renamed.status_code == 409


async def test_another_workspaces_names_are_not_compared(
    client: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    for caller in (client, stranger):
        answer = await caller.post(f"{API}/tags", json={"name": COMPOSED})
        assert answer.status_code == 201


async def test_a_name_is_kept_composed_and_trimmed(client: httpx.AsyncClient) -> None:
    made = await client.post(f"{API}/tags", json={"name": f" {ALIKE[0]}   Bar "})
    assert made.json()["tag"]["name"] == f"{COMPOSED.lower()} Bar"


async def test_a_host_is_recognised_in_any_spelling(house: House) -> None:
    client = await house.make_client()
    for host in ("GO.example", "go.example.", "\N{FULLWIDTH LATIN SMALL LETTER G}o.example"):
        body = {"url": "https://example.com/", "domain": host}
        answer = await client.post(f"{API}/links", json=body)
        assert answer.json()["link"]["domain"] == "go.example", answer.text
        for path in ("links", "analytics/summary"):
            found = await client.get(f"{API}/{path}", params={"domain": host})
            assert found.status_code == 200, found.text
        path = f"{API}/links/{answer.json()['link']['id']}"
        assert (await client.patch(path, json={"domain": host})).status_code == 200
