"""What people typed stands in its own direction on every page, wherever it is printed.

A workspace whose every name is Hebrew is opened page by page. A text of theirs has to be the whole
content of an element with a direction of its own; in an attribute, among words of ours, it has to
be between isolating characters.
"""

import re
from html.parser import HTMLParser
from typing import Any, Final

import httpx
import pytest

from shorty.bidi import FIRST_STRONG_ISOLATE, POP_ISOLATE
from shorty.web.app import PAGES
from tests.api.house import House
from tests.api.visits import visit
from tests.rsgi_client import make_client
from tests.web.browser import Browser

API: Final = "/api/v1"
HEBREW: Final = re.compile("[\u0590-\u05ff]")
# Words of ours beside theirs; an address may have both, and is one thing.
ADDRESS: Final = re.compile(r"(https?://)?[\w.-]+(:\d+)?/\S*")
LATIN: Final = re.compile("[A-Za-z]")
ISOLATED: Final = re.compile(f"{FIRST_STRONG_ISOLATE}[^{POP_ISOLATE}]*{POP_ISOLATE}")
UNENDED: Final = frozenset({"input", "img", "meta", "link", "br", "hr", "wbr", "use", "rect"})
SPOKEN: Final = frozenset({"aria-label", "title", "alt", "data-confirm", "placeholder"})
"""Attributes that are read by people."""
PLAIN: Final = frozenset({"title"})
"""Elements whose text has no markup in it."""
HIDDEN: Final = frozenset({"script", "style"})


class Element:
    def __init__(self, tag: str, attributes: dict[str, str | None]) -> None:
        self.tag = tag
        self.attributes = attributes
        self.text = ""

    @property
    def has_direction(self) -> bool:
        return self.tag == "bdi" or "dir" in self.attributes

    @property
    def is_address(self) -> bool:
        return self.attributes.get("dir") == "ltr"


class Reader(HTMLParser):
    """Finds texts of people that have no direction of their own."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[Element] = []
        self.faults: list[str] = []
        self.seen = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, dict(attrs))
        self._read_attributes(element)
        if tag not in UNENDED:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._read_attributes(Element(tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1].tag not in HIDDEN:
            self._find_isolating().text += data

    def handle_endtag(self, tag: str) -> None:
        while self.open:
            element = self.open.pop()
            self._read_text(element)
            if element.tag == tag:
                return

    def _find_isolating(self) -> Element:
        return next((each for each in reversed(self.open) if each.has_direction), self.open[-1])

    def _read_text(self, element: Element) -> None:
        text = " ".join(element.text.split())
        if not HEBREW.search(text):
            return
        self.seen += 1
        if not HEBREW.search(ISOLATED.sub("", text)):
            return
        if element.tag in PLAIN:
            self._read_plain(f"<{element.tag}>", text)
        elif not element.has_direction:
            self.faults.append(f"<{element.tag}> has no direction: {text}")
        elif not element.is_address and LATIN.search(ADDRESS.sub("", text)):
            self.faults.append(f"<{element.tag}> has words of ours too: {text}")

    def _read_attributes(self, element: Element) -> None:
        for name in SPOKEN & element.attributes.keys():
            self._read_plain(f"<{element.tag} {name}>", element.attributes[name] or "")
        is_typed = element.tag == "input" and element.attributes.get("type", "text") == "text"
        value = element.attributes.get("value") or ""
        if is_typed and HEBREW.search(value) and "dir" not in element.attributes:
            self.faults.append(f"<input> has no direction: {value}")

    def _read_plain(self, where: str, text: str) -> None:
        rest = ISOLATED.sub("", text)
        if HEBREW.search(rest) and LATIN.search(ADDRESS.sub("", rest)):
            self.faults.append(f"{where} mixes directions: {text}")


def find_faults(page: str) -> list[str]:
    reader = Reader()
    reader.feed(page)
    reader.close()
    return reader.faults


@pytest.mark.parametrize(
    "page",
    [
        "<p>שלום</p>",
        "<p>Deleted <b>שלום</b>.</p>",
        "<p dir=auto>Deleted שלום.</p>",
        '<a aria-label="Delete שלום">x</a>',
        '<input value="שלום">',
        "<title>Edit שלום</title>",
    ],
)
def test_what_has_no_direction_is_found(page: str) -> None:
    assert len(find_faults(page)) == 1


@pytest.mark.parametrize(
    "page",
    [
        "<p dir=auto>שלום</p>",
        "<p>Deleted <bdi>שלום</bdi>.</p>",
        '<bdi dir="ltr">go.example/<wbr>שלום</bdi>',
        f'<a aria-label="Delete {FIRST_STRONG_ISOLATE}שלום{POP_ISOLATE}">x</a>',
        "<title>שלום</title>",
        f"<label>Keep {FIRST_STRONG_ISOLATE}שלום{POP_ISOLATE} too</label>",
    ],
)
def test_what_has_a_direction_passes(page: str) -> None:
    assert find_faults(page) == []


async def furnish(house: House, owner: Browser) -> dict[str, str]:
    """One of everything that people name, in Hebrew. The ids by the names of path parameters."""
    client = await house.make_client()

    async def create(path: str, body: dict[str, Any], member: str) -> str:
        answer = await client.post(f"{API}{path}", json=body)
        assert answer.status_code < 300, answer.text
        return str(answer.json()[member]["id"])

    named = {"url": "https://example.com/דף", "domain": "localhost:8000"}
    tag_ids = [await create("/tags", {"name": name}, "tag") for name in ("חורף", "סתיו")]
    words = {"title": "כותרת", "description": "תיאור", "utmSource": "מקור", "tagIds": tag_ids}
    rules = [
        {
            "id": "rule",
            "name": "מבקרים",
            "url": "https://example.com/דף",
            "conditions": [
                {"type": "city", "values": ["חיפה", "תל אביב"]},
                {"type": "query", "key": "מקור", "values": ["עלון"]},
            ],
        },
        {
            "id": "split",
            "variants": [
                {"key": "a", "url": "https://example.com/א", "weight": 1},
                {"key": "b", "url": "https://example.com/ב", "weight": 1},
            ],
        },
    ]
    own = {**named, **words, "customSlug": "קיץ", "rules": rules}
    link_id = await create("/links", own, "link")
    page = {**named, "customSlug": "אני", "title": "דנה", "buttonLabel": "החנות שלי"}
    page_id = await create("/bio-pages", page, "bioPage")
    for block in (
        {"kind": "header", "text": "חדש"},
        {"kind": "text", "text": "טקסט"},
        {"kind": "link", "linkId": link_id},
    ):
        await create(f"/bio-pages/{page_id}/blocks", block, "block")
    ids = {
        "link_id": link_id,
        "rule_id": "rule",
        "page_id": page_id,
        "template_id": await create(
            "/utm-templates", {"name": "עלון", "utmSource": "דואר"}, "utmTemplate"
        ),
        "domain_id": await create("/domains", {"host": "בית.example"}, "domain"),
    }
    await create("/tokens", {"name": "תוכנית", "scope": "read"}, "token")
    await visit(house, {"link_id": int(link_id), "referrer": "t.co"})
    await client.patch(f"{API}/links/{link_id}", json={"title": "כותרת חדשה"})
    await owner.send("/app/account/name", name="רחל")
    await owner.send("/app/workspaces/rename", name="המפעל")
    await client.post(f"{API}/members", json={"email": "zoe@a.example", "role": "viewer"})
    return ids


def list_paths(ids: dict[str, str]) -> list[str]:
    """Every page whose parameters are known, and some as they are with a query."""
    paths = [
        path.replace(":str}", "}")
        for handler in PAGES
        if "GET" in handler.http_methods
        for path in handler.paths
    ]
    known = [path for path in paths if set(re.findall(r"\{(\w+)\}", path)) <= ids.keys()]
    more = [
        "/links?q=כותרת",
        "/links/{link_id}/delete",
        "/links/{link_id}/rules?try=1&city=חיפה&query=דואר",
        "/links/{link_id}/rules/split",
        "/utm?utm_source=מקור&url=https://a.example",
    ]
    return [f"/app{path.format_map(ids)}" for path in [*known, *more]]


async def test_every_page_gives_the_words_of_people_their_direction(
    house: House, owner: Browser
) -> None:
    ids = await furnish(house, owner)
    seen = 0
    faults: list[str] = []
    for path in list_paths(ids):
        if path.endswith("/live"):
            continue
        answer = await owner.open(path)
        if not is_page(answer):
            continue
        reader = Reader()
        reader.feed(answer.text)
        reader.close()
        seen += reader.seen
        faults += [f"{path}: {fault}" for fault in reader.faults]
    assert faults == []
    assert seen > 100


async def test_visitors_pages_do_so_too(house: House, owner: Browser) -> None:
    await furnish(house, owner)
    for path in ("/אני", "/קיץ+"):
        async with make_client(house.app) as visitor:
            answer = await visitor.get(path)
        assert HEBREW.search(answer.text)
        assert [f"{path}: {fault}" for fault in find_faults(answer.text)] == []


def is_page(answer: httpx.Response) -> bool:
    return answer.headers.get("content-type", "").startswith("text/html")


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/app/tags", {"name": "אביב", "color": "#112233"}),
        ("/app/utm/templates", {"name": "אביב", "utm_source": "x"}),
        ("/app/workspaces", {"name": "אביב"}),
    ],
)
async def test_a_notice_isolates_the_name_that_it_quotes(
    owner: Browser, path: str, fields: dict[str, str]
) -> None:
    page = await owner.follow(await owner.send(path, fields))
    assert f"{FIRST_STRONG_ISOLATE}אביב{POP_ISOLATE}" in page
