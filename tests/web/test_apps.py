"""Files for other programs: each is read and used as its program would."""

import json
import re
from html import unescape
from typing import Any

import pytest

from shorty.web.recipes import RECIPES, write_bookmarklet
from tests.api.house import House
from tests.reading import reader
from tests.rsgi_client import make_client
from tests.support import DAY
from tests.web.browser import Browser, read_text

PLACE = "/app/apps"
DOMAIN = "go.example"
URL = "https://shop.example/a?b=1&c=%22d%22#e"


async def make(browser: Browser, app: str, **more: str) -> str:
    answer = await browser.send(PLACE, {"app": app, "domain": DOMAIN, **more})
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    return answer.text


def read_file(page: str) -> str:
    found = re.search(r"<pre[^>]*>(.*?)</pre>", page, re.DOTALL)
    assert found
    return unescape(found[1])


def find_path(url: str) -> str:
    return "/" + url.split("/", 3)[3]


def find_in(answer: Any, syntax: str) -> Any:
    """What ShareX makes of `{json:a.b}`."""
    found = re.fullmatch(r"\{json:([\w.]+)\}", syntax)
    assert found
    for key in found[1].split("."):
        answer = answer[key]
    return answer


@pytest.mark.parametrize("url", [URL, "nonsense"])
async def test_sharex_is_told_all_it_needs(house: House, owner: Browser, url: str) -> None:
    uploader = json.loads(read_file(await make(owner, "sharex")))
    assert uploader["DestinationType"] == "URLShortener"
    assert uploader["Body"] == "FormURLEncoded"
    form = {name: value.replace("{input}", url) for name, value in uploader["Arguments"].items()}
    async with make_client(house.app) as client:
        answer = await client.request(
            uploader["RequestMethod"],
            find_path(uploader["RequestURL"]),
            data=form,
            headers=uploader["Headers"],
        )
    if url == URL:
        assert answer.status_code == 201, answer.text
        assert find_in(answer.json(), uploader["URL"]).startswith(f"https://{DOMAIN}/")
        assert answer.json()["link"]["url"] == URL
    else:
        assert answer.status_code == 422
        assert find_in(answer.json(), uploader["ErrorMessage"])


async def test_the_shortcut_works_as_described(house: House, owner: Browser) -> None:
    page = await make(owner, "shortcuts")
    endpoint, header, domain, key = re.findall(r'<div class="secret"><code>([^<]*)</code>', page)[
        :4
    ]
    async with make_client(house.app) as client:
        answer = await client.post(
            find_path(endpoint),
            json={"url": URL, "domain": domain},
            headers={"authorization": header},
        )
    assert answer.status_code == 201, answer.text
    first, second = key.split(".")
    assert answer.json()[first][second].startswith(f"https://{DOMAIN}/")


@pytest.mark.parametrize("app", RECIPES)
async def test_each_has_a_token_of_its_own_that_is_shown_once(
    house: House, owner: Browser, app: str
) -> None:
    page = await make(owner, app, ends="90")
    texts = set(re.findall(r"shorty_[\w-]{43}", page))
    assert len(texts) == 1
    (text,) = texts
    assert text not in (await owner.open(PLACE)).text
    assert text not in (await owner.open("/app/tokens")).text
    client = await house.make_client(token=text)
    assert (await client.get("/api/v1/links")).status_code == 200
    # No more than creating links needs.
    assert (await client.get("/api/v1/tokens")).status_code == 403
    rows = reader(house.app.db).find_all(
        "select name, scope, expires_at from tokens order by id desc"
    )
    created = next(tuple(row) for row in rows if row["name"] == RECIPES[app].name)
    assert created == (RECIPES[app].name, "write", house.now + 90 * DAY)


@pytest.mark.parametrize(
    ("fields", "faulty"),
    [
        ({"app": "telegram", "domain": DOMAIN}, "app"),
        ({"app": "curl", "domain": "elsewhere.example"}, "domain"),
        ({"app": "curl"}, "domain"),
    ],
)
async def test_what_is_not_offered_makes_no_token(
    house: House, owner: Browser, fields: dict[str, str], faulty: str
) -> None:
    answer = await owner.send(PLACE, fields)
    assert answer.status_code == 422
    assert f'id="{faulty}-fault"' in answer.text
    assert reader(house.app.db).find_all("select 1 from tokens") == []


async def test_another_workspaces_domain_is_not_offered(
    house: House, owner: Browser, stranger: Browser
) -> None:
    await owner.send("/app/domains", host="anns.example")
    assert "anns.example" not in (await stranger.open(PLACE)).text
    answer = await stranger.send(PLACE, {"app": "curl", "domain": "anns.example"})
    assert answer.status_code == 422


async def test_editors_get_the_bookmarklet_and_no_token(editor: Browser, viewer: Browser) -> None:
    page = (await editor.open(PLACE)).text
    assert "Shorten this page" in page
    assert "Ask one of them." in read_text(page)
    assert 'action="/app/apps"' not in page
    assert (await editor.send(PLACE, {"app": "curl", "domain": DOMAIN})).status_code == 403
    assert (await viewer.open(PLACE)).status_code == 403
    assert 'href="/app/apps"' not in (await viewer.open("/app/tags")).text


def test_a_strange_host_stays_a_text_in_the_bookmarklet() -> None:
    assert """window.open("https://a'\\"b/app/links/new?url="+""" in write_bookmarklet(
        "https://a'\"b"
    )
