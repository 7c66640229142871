"""Questions before an action, where no script has asked them."""

import re
from html import unescape

import pytest

from shorty.web.confirmation import QUESTION, SURE, split_question
from tests.api.house import House
from tests.web.browser import Browser, read_text

TAGS = "/app/tags"


async def make_tag(house: House, owner: Browser) -> str:
    """The path by which it is deleted."""
    page = await owner.follow(await owner.send(TAGS, name="Why? <Me>"))
    path = re.search(r"/app/tags/\d+/delete", page)
    assert path
    return path[0]


def read_question(page: str) -> str:
    question = re.search(rf'name="{QUESTION}" value="([^"]*)"', page)
    assert question
    return unescape(question[1])


async def has_tag(owner: Browser) -> bool:
    return "Why? <Me>" in read_text((await owner.open(TAGS)).text)


async def test_a_question_is_answered_on_a_page_of_its_own(house: House, owner: Browser) -> None:
    path = await make_tag(house, owner)
    question = read_question((await owner.open(TAGS)).text)
    owner.client.headers["referer"] = f"http://localhost:8000{TAGS}?after=7"
    asked = await owner.send(path, {QUESTION: question, "kept": ["a", '"b"']})
    assert asked.status_code == 200
    assert '<h1 class="wrap">Delete the tag “Why? &lt;Me&gt;”?</h1>' in asked.text
    assert f'href="{TAGS}?after=7">Cancel' in asked.text
    assert f'action="{path}"' in asked.text
    fields = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', asked.text)
    own = [(name, unescape(value)) for name, value in fields if name != "form_token"]
    assert own[-3:] == [("kept", "a"), ("kept", '"b"'), (SURE, "1")]
    assert QUESTION not in asked.text
    assert await has_tag(owner)
    answer = await owner.send(path, {name: value for name, value in fields if name == SURE})
    await owner.follow(answer)
    assert not await has_tag(owner)


async def test_a_script_that_has_asked_says_so(house: House, owner: Browser) -> None:
    path = await make_tag(house, owner)
    answer = await owner.send(path, {QUESTION: "Delete it?", SURE: "1"})
    await owner.follow(answer)
    assert not await has_tag(owner)


@pytest.mark.parametrize(
    "referrer",
    ["https://evil.example/x", "http://[", "javascript:alert(1)", "\\\\evil.example", ""],
)
async def test_cancelling_never_leads_off_the_site(
    house: House, owner: Browser, referrer: str
) -> None:
    path = await make_tag(house, owner)
    owner.client.headers["referer"] = referrer
    asked = await owner.send(path, {QUESTION: "Delete it?"})
    assert '<a class="button" href="/app">Cancel' in asked.text


async def test_a_question_of_another_site_is_not_shown(house: House, owner: Browser) -> None:
    path = await make_tag(house, owner)
    answer = await owner.send(path, {QUESTION: "Call this number"}, token="0" * 64)
    assert answer.status_code == 403
    assert "Call this number" not in answer.text


@pytest.mark.parametrize(
    ("question", "parts"),
    [
        ("Delete the tag “x”? The links stay.", ("Delete the tag “x”?", "The links stay.")),
        ("Delete “Why? Me”? It goes.", ("Delete “Why? Me”?", "It goes.")),
        ("Delete “Why? Me”?", ("Delete “Why? Me”?", "")),
        ("Delete", ("Delete", "")),
    ],
)
def test_a_question_is_told_from_what_stands_beside_it(
    question: str, parts: tuple[str, str]
) -> None:
    assert split_question(question) == parts
