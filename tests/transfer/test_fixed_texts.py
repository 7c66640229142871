"""Texts that were written once, in each format: what each field is read as, stored as and written.

A round trip does not notice what changes both of its ends alike. Change these texts only together
with the format.
"""

import re
from pathlib import Path
from typing import Any

import pytest
from msgspec import UNSET
from msgspec.structs import replace

from shorty import __version__
from shorty.bio.model import Colors, NewBlock, PageChange, Social
from shorty.clicks.model import BIO, BOT, LINK, PERSON, PREFETCH, QR, Click
from shorty.links.imported_history import Counts, Past
from shorty.links.model import Link, LinkChange, LinkFields, LinkType, QrSettings
from shorty.links.pictures import Purpose
from shorty.links.rule_reading import read_rules
from shorty.links.tags import NewTag, create_tag
from shorty.links.utm_templates import NewUtmTemplate
from shorty.transfer.csv_file import read_csv
from shorty.transfer.files import OpenFile
from shorty.transfer.lines import FORMAT, LinkLine
from shorty.transfer.model import (
    ImportedBlock,
    ImportedClick,
    ImportedCounts,
    ImportedLink,
    ImportedPage,
    ImportedPicture,
    ImportedTag,
    ImportedTemplate,
    Item,
)
from shorty.transfer.progress import TransferProgress
from shorty.transfer.remarks import REASONS, Closing
from shorty.transfer.shorty_file import read_shorty
from tests.clicks.making import load_clicks
from tests.links.making import make_link
from tests.support import NOW, make_actor, make_home
from tests.transfer.making import (
    CONFIG,
    House,
    export_all,
    export_csv,
    import_text,
    leave_out_defaults,
    list_all,
)
from tests.transfer.page_making import add, add_template, dress, keep_picture, make_page

FIXTURES = Path(__file__).with_name("fixtures")
CLICKS, COUNTS, TABLE = [
    (FIXTURES / name).read_bytes()
    for name in ("with_clicks.ndjson", "with_counts.ndjson", "links.csv")
]
HASH = (
    "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA"
    "$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g"
)
SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8">'
    '<rect width="8" height="8" fill="#{}"/></svg>'
)
SALE: dict[str, Any] = {
    "url": "https://example.com/sale?a=1",
    "domain": "localhost:8000",
    "slug": "Sale",
    "link_type": "URL",
    "title": "Title",
    "description": "Two\nlines",
    "image": "https://example.com/preview.png",
    "status": 308,
    "cloaked": True,
    "valid_since": 1_800_000_000_001,
    "expires_at": 1_900_000_000_001,
    "max_clicks": 5000,
    "aliases": ("localhost:8000/spring", "go.example/Sale"),
    "tag_names": ("news", "Shop"),
    "forward_parameters": True,
    "block_bots": True,
    "is_active": False,
    "is_starred": True,
    "utm_source": "l-source",
    "utm_medium": "l-medium",
    "utm_campaign": "l-campaign",
    "utm_term": "l-term",
    "utm_content": "l-content",
    "utm_id": "l-id",
    "meta_pixel_id": "1234567890",
    "google_tag_id": "G-ABC123DEF4",
    "gtm_container_id": "GTM-ABC123",
    "hide_referrer": True,
    "skip_social_crawler_tracking": True,
    "expired_url": "https://example.com/gone",
    "webhook_urls": ("https://hooks.example/one", "https://hooks.example/two"),
}
RULES: list[dict[str, Any]] = [
    {
        "id": "r-1",
        "name": "Phones",
        "isActive": False,
        "url": "https://example.com/app",
        "conditions": [
            {"type": "country", "not": True, "values": ["DE"]},
            {"type": "query", "key": "src", "values": [""]},
            {
                "type": "time",
                "days": [1, 5],
                "from": "22:00",
                "to": "02:30",
                "timezone": "Europe/Berlin",
            },
            {"type": "before", "at": "2030-01-01T00:00:00.001Z"},
        ],
    },
    {
        "id": "r-2",
        "name": None,
        "isActive": True,
        "variants": [
            {"key": "a", "url": "https://example.com/a", "weight": 60},
            {"key": "b", "url": "https://example.com/b", "weight": 40},
        ],
        "sticky": True,
        "testEndsAt": "2031-01-01T00:00:00.001Z",
        "winner": "b",
        "conditions": [],
    },
]
CODE = QrSettings(
    preset="classic",
    color="#111111",
    bg_color="#eeeeee",
    qr_logo_id=41,
    text="Scan",
    margin=4,
    size=512,
    error_correction="Q",
)
PAGE_FIELDS: dict[str, Any] = {"is_link_in_bio": True, "button_label": "Visit"}
UTM_PARTS = ("source", "medium", "campaign", "term", "content", "id")
UTM = '["c-source","c-medium","c-campaign","c-term","c-content"]'
PLAIN_CLICK = Click(0, 90_000_002, 0, PERSON, LINK, None, None, None, None, None, None, None)
PICTURES: list[tuple[str, Purpose, int, str, str]] = [
    ("line 6", "logo", 41, "Acme", "a00"),
    ("line 7", "avatar", 42, "Ann", "0a0"),
    ("line 8", "image", 43, "Kiln", "00a"),
]
ROWS: list[tuple[str, str, str, LinkType, int, Counts | None, bool]] = [
    ("line 4", "https://example.com/bare", "bare", "URL", 2003, Counts(clicks=1), False),
    ("line 5", "+1 201 555 0123", "call", "TEL", 2005, None, True),
    ("line 6", "https://example.com/page", "page", "URL", 2007, None, False),
]
ITEMS: list[Item] = [
    ImportedTag(place="line 2", new=NewTag(name="Shop", color="#010203")),
    ImportedTag(place="line 3", new=NewTag(name="news", color="#040506")),
    ImportedTemplate(place="line 4", new=NewUtmTemplate(name="Ads"), made_at=1001),
    ImportedTemplate(
        place="line 5",
        new=NewUtmTemplate(
            name="Letter",
            utm_source="t-source",
            utm_medium="t-medium",
            utm_campaign="t-campaign",
            utm_term="t-term",
            utm_content="t-content",
            utm_id="t-id",
        ),
        made_at=1002,
    ),
    *(
        ImportedPicture(
            place=place, purpose=purpose, ref=ref, name=name, content=SVG.format(color).encode()
        )
        for place, purpose, ref, name, color in PICTURES
    ),
    ImportedLink(
        place="line 9",
        change=LinkChange(
            **SALE, **PAGE_FIELDS, is_password_asked=False, qr_settings=CODE, made_through="qr"
        ),
        past=Past(created_at=2001, updated_at=2002, edit_count=9, is_admin_blocked=True),
        ref="1162",
        password_hash=HASH,
    ),
    ImportedLink(
        place="line 10",
        change=LinkChange(
            url="https://example.com/bare",
            domain="go.example",
            slug="bare",
            rules=read_rules(RULES)[0],
        ),
        past=Past(created_at=2003, updated_at=2004),
        ref="1163",
    ),
    ImportedLink(
        place="line 11",
        change=LinkChange(
            url="+1 201 555 0123",
            domain="go.example",
            slug="call",
            link_type="TEL",
            made_through="import",
        ),
        past=Past(created_at=2005, updated_at=2006),
        ref="1164",
        password_hash=HASH,
    ),
    ImportedLink(
        place="line 12",
        change=LinkChange(
            url="https://example.com/page", domain="go.example", slug="page", is_link_in_bio=True
        ),
        past=Past(created_at=2007, updated_at=2008),
        ref="1165",
    ),
    ImportedPage(
        place="line 13",
        ref="1162",
        change=PageChange(
            title="Ann",
            description="Ceramics",
            is_button_shown=False,
            avatar="picture",
            theme="dusk",
            colors=Colors(
                background="#112233", text="#445566", button="#778899", button_text="#aabbcc"
            ),
            socials=(
                Social(network="instagram", url="https://instagram.com/ann.example"),
                Social(network="email", url="mailto:ann@a.example"),
            ),
        ),
        blocks=(
            ImportedBlock(
                place="line 13, block 1",
                new=NewBlock(
                    kind="link", text="My shop", is_hidden=True, shown_from=3001, shown_until=3002
                ),
                made_at=3003,
                target="1163",
            ),
            ImportedBlock(
                place="line 13, block 2",
                new=NewBlock(kind="image", text="A kiln"),
                made_at=3004,
                picture=43,
            ),
            ImportedBlock(
                place="line 13, block 3",
                new=NewBlock(kind="image", text="A film", url="https://example.com/a.png"),
                made_at=3005,
            ),
            ImportedBlock(
                place="line 13, block 4", new=NewBlock(kind="header", text="Here"), made_at=3006
            ),
        ),
        picture=42,
        updated_at=3007,
    ),
    ImportedPage(
        place="line 14",
        ref="1165",
        change=PageChange(
            title=None,
            description=None,
            is_button_shown=True,
            avatar="icon",
            theme="paper",
            colors=Colors(),
            socials=(),
        ),
        blocks=(
            ImportedBlock(
                place="line 14, block 1", new=NewBlock(kind="text", text="Words"), made_at=3008
            ),
        ),
        updated_at=2008,
    ),
    ImportedClick(
        ref="1163",
        click=Click(
            link_id=0,
            at=90_000_001,
            visitor=9_223_372_036_854_775_807,
            kind=BOT,
            source=QR,
            country="DE",
            referrer="t.co",
            browser="Firefox",
            os="Linux",
            device="desktop",
            utm=UTM,
            city="Köln",
        ),
    ),
    ImportedClick(ref="1163", click=PLAIN_CLICK),
    ImportedClick(
        ref="1162",
        click=PLAIN_CLICK._replace(
            at=90_000_003, visitor=7, kind=PREFETCH, source=BIO, utm='[null,null,null,null,"only"]'
        ),
    ),
    ImportedCounts(
        ref="1162",
        counts=Counts(clicks=11, scans=12, bio_clicks=13, bots=14, last_click_at=90_000_004),
    ),
    ImportedCounts(ref="1163", counts=Counts(clicks=1, bots=1, last_click_at=90_000_002)),
]
SPARSE = """\
{"kind":"export","format":1,"exportedAt":0}

{"kind":"template","name":"Ads"}
{"kind":"link","id":"a","domain":"","slug":"","url":"","createdAt":0,"updatedAt":1,"counts":{}}
{"kind":"link","id":"b","domain":"","slug":"","url":"","createdAt":0,"updatedAt":1,"counts":\
{"clicks":1,"scans":2,"bioClicks":3,"bots":4,"lastClickAt":5},"qrSettings":{"preset":"1",\
"color":"2","bgColor":"3","pattern":"4","corner":"5","logo":"6","qrLogoId":7,"frame":"8",\
"text":"9","textColor":"10","primary":"11","secondary":"12","qrType":"13","gradient":"14",\
"gradientType":"15","margin":16,"size":17,"errorCorrection":"18"}}
{"kind":"page","link":"a"}
{"kind":"click","link":"a","at":6}
{"kind":"click","link":"a","at":7,"by":"person","source":"link","visitor":"9223372036854775808",\
"utm":[null,null,null,null,null]}
{"kind":"counts","link":"a","counts":{}}
"""
NO_LINK = LinkChange(url="", domain="", slug="")
SPARSE_ITEMS: list[Item] = [
    ImportedTemplate(place="line 3", new=NewUtmTemplate(name="Ads"), made_at=None),
    ImportedLink(
        place="line 4",
        change=NO_LINK,
        past=Past(created_at=0, updated_at=1, counts=Counts()),
        ref="a",
    ),
    ImportedLink(
        place="line 5",
        change=replace(
            NO_LINK,
            qr_settings=QrSettings(
                preset="1",
                color="2",
                bg_color="3",
                pattern="4",
                corner="5",
                logo="6",
                qr_logo_id=7,
                frame="8",
                text="9",
                text_color="10",
                primary="11",
                secondary="12",
                qr_type="13",
                gradient="14",
                gradient_type="15",
                margin=16,
                size=17,
                error_correction="18",
            ),
        ),
        past=Past(
            created_at=0,
            updated_at=1,
            counts=Counts(clicks=1, scans=2, bio_clicks=3, bots=4, last_click_at=5),
        ),
        ref="b",
    ),
    ImportedPage(
        place="line 6",
        ref="a",
        change=PageChange(
            title=None,
            description=None,
            is_button_shown=True,
            avatar="icon",
            theme="paper",
            colors=Colors(),
            socials=(),
        ),
        blocks=(),
    ),
    ImportedClick(ref="a", click=PLAIN_CLICK._replace(at=6)),
    ImportedClick(ref="a", click=PLAIN_CLICK._replace(at=7)),
    ImportedCounts(ref="a", counts=Counts()),
]
LOST = (Closing(reason="password", message=REASONS["password"]),)
TABLE_ITEMS: list[Item] = [
    ImportedLink(
        place="line 2",
        change=LinkChange(**SALE, made_through="import"),
        past=Past(
            created_at=2001, updated_at=2002, counts=Counts(clicks=11, scans=12, bio_clicks=13)
        ),
    ),
    *(
        ImportedLink(
            place=place,
            change=LinkChange(
                url=url,
                domain="go.example",
                slug=slug,
                link_type=kind,
                rules=read_rules(RULES)[0] if slug == "bare" else UNSET,
                made_through="import",
            ),
            past=Past(created_at=made_at, updated_at=made_at + 1, counts=counts),
            closed=LOST if is_lost else (),
        )
        for place, url, slug, kind, made_at, counts, is_lost in ROWS
    ),
]


@pytest.mark.parametrize(
    ("read", "content", "items"),
    [
        (read_shorty, CLICKS, ITEMS),
        (read_shorty, SPARSE.encode(), SPARSE_ITEMS),
        (read_csv, TABLE, TABLE_ITEMS),
    ],
)
def test_each_field_of_a_text_is_read(
    tmp_path: Path, read: Any, content: bytes, items: list[Item]
) -> None:
    path = tmp_path / "text"
    path.write_bytes(content)
    file = OpenFile(path)
    try:
        assert leave_out_defaults(read(file)) == leave_out_defaults(items)
    finally:
        file.close()


async def add_neighbour(house: House) -> None:
    """Another workspace has some of everything, before and after what is imported beside it."""
    home = await make_home(house.db, CONFIG, "eve@b.example")
    eve = house._replace(actor=await make_actor(house.db, home, config=CONFIG))
    for name in ("Letter", "Other"):
        await add_template(eve, name, utm_source="eve")
    new = NewTag(name="Eve's", color="#ffffff")
    await eve.db.write(lambda tx: create_tag(tx, eve.actor, new, NOW))
    await keep_picture(eve, "logo", "Eve")
    link = await make_link(eve.context, eve.actor, 2002, slug="eve", tag_names=("Eve's",))
    page = await make_page(eve, "eves-page", 2006)
    await dress(eve, page, title="Eve")
    await add(eve, page, kind="link", link_id=link.id)
    clicks = [PLAIN_CLICK._replace(link_id=link.id, at=at) for at in (90_000_001, 90_000_009)]
    await load_clicks(eve.db, clicks)


def write_as_in_file(exported: bytes, links: list[Link]) -> str:
    """With the file's own ids and pictures: both are new in each house."""
    text = exported.decode()
    for number, link in enumerate(links, 1162):
        text = re.sub(rf'"(id|link)":"{link.id}"', rf'"\1":"={number}"', text)
    text = re.sub(r'"(id|link)":"=', r'"\1":"', text)
    for number, (old, png) in enumerate(re.findall(r'"id":(\d+),.*"png":"([^"]+)"', text), 41):
        text = text.replace(png, f"PNG {number}")
        text = re.sub(rf'"(id|qrLogoId|picture)":{old}\b', rf'"\1":{number}', text)
    return text


def test_each_field_of_a_link_is_exported_or_stays_behind() -> None:
    other_names = {"host", "original_url", "status"}  # `domain`, `url` and `redirect` there
    stays_behind = {"domain_id", "scheme", "is_public", "favicon_url"}
    exported = {*LinkLine.__struct_fields__}
    assert {*LinkFields.__struct_fields__} - exported == other_names | stays_behind


async def test_exports_of_each_format_are_these_texts(house: House) -> None:
    """Of one workspace, beside another."""
    await add_neighbour(house)
    told = await import_text(house, "shorty", CLICKS)
    assert (told.state, told.created, told.clicks, told.problems) == ("done", 4, 3, ())
    links = await list_all(house)
    assert (FORMAT, __version__) == (3, "0.1.0")
    for has_clicks, text, rows in ((True, CLICKS, 4 + 5), (False, COUNTS, 4)):
        progress = TransferProgress()
        exported = await export_all(house, progress, has_clicks=has_clicks)
        assert (progress.done, progress.total, progress.created) == (rows, rows, 4)
        assert progress.clicks == (3 if has_clicks else 0)
        kept = re.sub(r'("id":(\d+),.*"png":)"[^"]+"', r'\1"PNG \2"', text.decode())
        assert write_as_in_file(exported, links) == kept
    progress = TransferProgress()
    assert await export_csv(house, progress) == TABLE
    assert (progress.done, progress.total, progress.created) == (4, 4, 4)


async def test_each_field_of_a_text_is_stored(house: House) -> None:
    """Rows as they are, for what reads them could change as what wrote them did."""
    await import_text(house, "shorty", CLICKS)
    sale, bare, call, page = [
        dict(row) for row in await house.db.find_all("select * from links order by id")
    ]
    wanted: dict[str, Any] = {
        **SALE,
        "domain_id": 2,
        "slug_key": "Sale",
        "original_url": "https://example.com/sale?a=1",
        "url": "https://example.com/sale?a=1&utm_source=l-source&utm_medium=l-medium"
        "&utm_campaign=l-campaign&utm_term=l-term&utm_content=l-content&utm_id=l-id",
        "webhook_urls": "https://hooks.example/one,https://hooks.example/two",
        "is_admin_blocked": 1,
        "password_hash": HASH,
        "is_password_asked": 0,
        "is_link_in_bio": 1,
        "button_label": "Visit",
        "qr_settings": '{"preset":"classic","color":"#111111","bgColor":"#eeeeee","qrLogoId":1,'
        '"text":"Scan","margin":4,"size":512,"errorCorrection":"Q"}',
        "made_through": "qr",
        "edit_count": 9,
        "created_at": 2001,
        "updated_at": 2002,
        "is_public": 0,
        "deleted_at": None,
    }
    del wanted["domain"], wanted["tag_names"], wanted["aliases"]
    assert {name: sale[name] for name in wanted} == wanted
    assert (call["link_type"], call["url"], call["made_through"]) == (
        *("TEL", "tel:+12015550123", "import"),
    )
    assert [
        (row["password_hash"], row["is_password_asked"], row["is_active"], row["is_link_in_bio"])
        for row in (bare, call, page)
    ] == [(None, 1, 1, 0), (HASH, 1, 1, 0), (None, 1, 1, 1)]
    named = await house.db.find_all(
        "select l.link_id, t.name, t.color from link_tags l join tags t on t.id = l.tag_id"
        " order by l.link_id, l.position"
    )
    assert [tuple(row) for row in named] == [(1, "news", "#040506"), (1, "Shop", "#010203")]
    assert await read_rows(house, "aliases") == [
        (1, 1, 1, 2, "spring", "spring", "spring", 0, NOW, None),
        (2, 1, 1, 1, "Sale", "Sale", "sale", 1, NOW, None),
    ]
    assert await read_rows(house, "link_counters") == [
        (1, 1, 11, 12, 13, 14, 36, 90_000_004, 1, 5000, None),
        (2, 1, 1, 0, 0, 1, 1, 90_000_002, 1, None, None),
        (3, 1, 0, 0, 0, 0, 0, None, 1, None, None),
        (4, 1, 0, 0, 0, 0, 0, None, 1, None, None),
    ]
    clicks = [item for item in ITEMS if isinstance(item, ImportedClick)]
    assert await read_rows(house, "clicks") == [
        (
            number,
            *each.click._replace(
                link_id=2 if each.ref == "1163" else 1, domain_id=1 if each.ref == "1163" else 2
            ),
        )
        for number, each in enumerate(clicks, 1)
    ]
    assert await read_rows(house, "bio_blocks") == [
        (1, 1, 0, "link", 2, "My shop", None, None, 1, 3001, 3002, 3003),
        (2, 1, 1, "image", None, "A kiln", None, 3, 0, None, None, 3004),
        (3, 1, 2, "image", None, "A film", "https://example.com/a.png", None, 0, None, None, 3005),
        (4, 1, 3, "header", None, "Here", None, None, 0, None, None, 3006),
        (5, 4, 0, "text", None, "Words", None, None, 0, None, None, 3008),
    ]
    colors = '{"background":"#112233","text":"#445566","button":"#778899","button_text":"#aabbcc"}'
    socials = (
        '[{"network":"instagram","url":"https://instagram.com/ann.example"},'
        '{"network":"email","url":"mailto:ann@a.example"}]'
    )
    assert await read_rows(house, "bio_pages") == [
        (1, "Ann", "Ceramics", 0, "picture", 2, "dusk", colors, socials, 3007),
        (4, None, None, 1, "icon", None, "paper", None, "[]", 2008),
    ]
    assert await read_rows(house, "utm_templates") == [
        (1, 1, "Ads", "ads", *[None] * 6, 1001),
        (2, 1, "Letter", "letter", *(f"t-{name}" for name in UTM_PARTS), 1002),
    ]
    pictures = await house.db.find_all("select * from pictures order by id")
    assert [(row["id"], row["purpose"], row["name"]) for row in pictures] == [
        *((1, "logo", "Acme"), (2, "avatar", "Ann"), (3, "image", "Kiln")),
    ]


async def read_rows(house: House, table: str) -> list[tuple[Any, ...]]:
    rows = await house.db.find_all(f"select * from {table} order by 1")  # noqa: S608 - the tests' own names
    return [tuple(row) for row in rows]
