"""Making and changing a link in the dashboard."""

import re
from html import unescape
from typing import Any
from urllib.parse import quote

import pytest

from shorty.config import Config, Plan
from shorty.links.listing import list_links
from shorty.links.model import Link, LinkChange, LinkFilter, QrSettings
from shorty.links.rule_reading import read_rules
from shorty.links.service import change_link, get_link
from shorty.links.utm_templates import NewUtmTemplate, create_template
from shorty.passwords import is_password_right
from shorty.web.destinations import complete_destination
from shorty.web.link_fields import EMPTY, FIELDS
from tests.api.conftest import DOMAINS
from tests.api.house import House
from tests.web.browser import Browser, read_text

PLACE = "/app/links"


@pytest.fixture
def config() -> Config:
    return Config(domains=DOMAINS)


async def find_last(house: House) -> Link:
    context = house.app.services.links
    return (await list_links(context, await house.make_actor(), LinkFilter(limit=1))).links[0]


async def find(house: House, link: Link) -> Link:
    return await get_link(house.app.services.links, await house.make_actor(), link.id)


def read_fields(page: str) -> dict[str, str]:
    """What the form of a link would send as it stands."""
    form = page[page.index('id="link-form"') : page.index("</form>", page.index('id="link-form"'))]
    fields: dict[str, str] = {}
    for tag in re.findall(r"<input[^>]*>", form):
        given = {name: unescape(value) for name, value in re.findall(r'([\w-]+)="([^"]*)"', tag)}
        if given.get("type") != "checkbox" or " checked" in tag:
            fields[given["name"]] = given.get("value", "")
    for name, text in re.findall(r'<textarea[^>]*name="(\w+)"[^>]*>([^<]*)</textarea>', form):
        fields[name] = unescape(text)
    for name, options in re.findall(
        r'<select[^>]*name="(\w+)"[^>]*>(.*?)</select>', form, re.DOTALL
    ):
        chosen = re.search(r'<option(?: value="([^"]*)")? selected[^>]*>([^<]*)', options)
        fields[name] = unescape(chosen[1] or chosen[2]) if chosen else ""
    return fields


async def fill_in(browser: Browser, path: str, **fields: Any) -> dict[str, Any]:
    return read_fields((await browser.open(path)).text) | fields


async def test_one_box_and_enter_make_a_link(house: House, owner: Browser) -> None:
    answer = await owner.send(PLACE, url="example.com/page")
    link = await find_last(house)
    assert answer.headers["location"] == f"{PLACE}#link-{link.id}"
    page = await owner.follow(answer)
    assert f"Short link created: localhost:8000/{link.slug}" in read_text(page)
    notice = page[page.index('id="notice"') : page.index("data-close")]
    assert f'data-copied="Short link copied: localhost:8000/{link.slug}"' in notice
    assert f'data-copy="{link.short_url}"' in notice
    assert re.findall(r'href="([^"]+)">([^<]+)</a>', notice) == [
        (f"/app/qr-codes/{link.id}", "QR code"),
        (f"{PLACE}/{link.id}/edit?back=%2Fapp%2Flinks%23link-{link.id}", "Edit"),
    ]
    assert (link.url, link.is_active, link.status) == ("https://example.com/page", True, 302)


async def test_the_page_has_every_field_with_its_label(house: House, owner: Browser) -> None:
    link = await house.make_link(password="secret")
    page = (await owner.open(f"{PLACE}/{link.id}/edit")).text
    for name, field in FIELDS.items():
        assert f' name="{name}"' in page
        assert field.label in unescape(page)


def test_a_new_link_has_the_defaults_of_the_domain() -> None:
    given = {name: text for name, text in EMPTY.items() if text}
    assert given == {"link_type": "URL", "status": "302", "is_active": "1"}


async def test_every_field_can_be_given(house: House, owner: Browser) -> None:
    wanted = await fill_in(
        owner,
        f"{PLACE}/new",
        url="https://example.com/page",
        domain="go.example",
        slug="sale",
        tags="Press, autumn ,press",
        title="Autumn",
        description="One\r\ntwo",
        image="https://example.com/i.png",
        utm_source="s",
        utm_medium="m",
        utm_campaign="c",
        utm_term="t",
        utm_content="n",
        utm_id="7",
        valid_since="2029-01-01T01:00",
        expires_at="2030-01-01T01:00",
        max_clicks="9",
        expired_url="example.com/archive",
        password=" secret ",
        status="301",
        cloaked="1",
        forward_parameters="1",
        block_bots="1",
        hide_referrer="1",
        skip_social_crawler_tracking="1",
        meta_pixel_id="1234567890",
        google_tag_id="G-ABC123DEF4",
        gtm_container_id="GTM-ABC1234",
        webhook_urls="https://a.example/hook\r\nhttps://b.example/hook",
        has_qr="1",
        is_link_in_bio="1",
        button_label="Go",
    )
    owner.client.cookies.set("shorty_zone", "Europe%2FBerlin")
    await owner.follow(await owner.send(PLACE, wanted))
    link = await find_last(house)
    told = {name: getattr(link, name) for name in wanted if hasattr(link, name)}
    assert told == {
        "url": "https://example.com/page?utm_source=s&utm_medium=m&utm_campaign=c&utm_term=t"
        "&utm_content=n&utm_id=7",
        "domain": link.domain,
        "slug": "sale",
        "tags": link.tags,
        "title": "Autumn",
        "description": "One\ntwo",
        "image": "https://example.com/i.png",
        **{f"utm_{name}": name[0] for name in ("source", "medium", "campaign", "term")},
        "utm_content": "n",
        "utm_id": "7",
        "link_type": "URL",
        "valid_since": 1_861_920_000_000,
        "expires_at": 1_893_456_000_000,  # midnight in UTC, an hour after it in Berlin
        "max_clicks": 9,
        "expired_url": "https://example.com/archive",
        "status": 301,
        "is_active": True,
        "cloaked": True,
        "forward_parameters": True,
        "block_bots": True,
        "hide_referrer": True,
        "skip_social_crawler_tracking": True,
        "meta_pixel_id": "1234567890",
        "google_tag_id": "G-ABC123DEF4",
        "gtm_container_id": "GTM-ABC1234",
        "webhook_urls": ("https://a.example/hook", "https://b.example/hook"),
        "is_link_in_bio": True,
        "button_label": "Go",
    }
    assert (link.host, [tag.name for tag in link.tags]) == ("go.example", ["Press", "autumn"])
    assert link.qr_settings == QrSettings()
    assert link.password_hash
    assert await is_password_right(link.password_hash, " secret ")


@pytest.mark.parametrize(
    ("text", "link_type", "url"),
    [
        ("mailto:ana@example.com", "MAILTO", "mailto:ana@example.com"),
        ("TEL:+1 201 555 0123", "TEL", "tel:+12015550123"),
        ("localhost:3000/x", "URL", None),
        ("example.com:8080/x", "URL", "https://example.com:8080/x"),
    ],
)
async def test_a_scheme_says_what_a_link_opens(
    house: House, owner: Browser, text: str, link_type: str, url: str | None
) -> None:
    answer = await owner.send(PLACE, url=text)
    if url is None:
        assert answer.status_code == 422
        return
    link = await find_last(house)
    assert (link.link_type, link.url) == (link_type, url)


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("example.com", "https://example.com"),
        ("münchen.example/a?b=c@d", "https://münchen.example/a?b=c@d"),
        ("http://example.com", "http://example.com"),
        ("example", "example"),
        ("ana@example.com", "ana@example.com"),
        ("javascript:alert(1.5)", "javascript:alert(1.5)"),
        ("two words.example", "two words.example"),
        ("ftp://example.com", "ftp://example.com"),
        ("", ""),
    ],
)
def test_a_scheme_that_people_leave_out_is_put_in_front(text: str, whole: str) -> None:
    assert complete_destination(text) == whole


async def test_faults_stand_beside_their_fields_and_nothing_is_lost(
    house: House, owner: Browser
) -> None:
    await house.make_link(slug="taken")
    wanted = await fill_in(
        owner,
        f"{PLACE}/new",
        url="javascript:alert(1)",
        slug="a b",
        tags="x" * 60,
        title="Kept",
        max_clicks="many",
        valid_since="2021-01-01T00:00",
        expires_at="2020-01-01T00:00",
        google_tag_id="nonsense",
        utm_source="y" * 501,
    )
    answer = await owner.send(PLACE, wanted)
    assert answer.status_code == 422
    faulty = (
        "url",
        "slug",
        "tags",
        "max_clicks",
        "valid_since",
        "expires_at",
        "google_tag_id",
        "utm_source",
    )
    for name in faulty:
        fault = re.search(rf'id="{name}-fault"[^>]*>([^<]+)<', answer.text)
        assert fault, name
        assert ".." not in fault[1]
    assert answer.text.count('aria-invalid="true"') == len(faulty)
    kept = read_fields(answer.text)
    same = {name: text for name, text in wanted.items() if name not in {"form_token", "shown"}}
    assert {name: kept[name] for name in same} == same
    taken = await owner.send(PLACE, url="https://example.com/", slug="taken")
    assert taken.status_code == 409
    assert "already taken" in read_text(taken.text)


async def test_a_plan_that_is_used_up_says_so_above_the_form(house: House, owner: Browser) -> None:
    set_plan = "update workspaces set plan = 'none' where id = $1"
    house.app.config.plans["none"] = Plan(name="none", links=0)
    workspace_id = house.home.workspace.id
    await house.app.db.write(lambda tx: tx.execute(set_plan, workspace_id))
    answer = await owner.send(PLACE, url="https://example.com/kept")
    assert answer.status_code == 429
    assert "limit of 0 links is reached" in read_text(answer.text)
    assert read_fields(answer.text)["url"] == "https://example.com/kept"


async def test_a_form_that_nobody_changed_changes_nothing(house: House, owner: Browser) -> None:
    link = await house.make_link(
        title="T",
        description="a\nb",
        tag_names=("x", "y"),
        valid_since=house.now + 61_234,
        expires_at=house.now + 90_061_234,
        webhook_urls=("https://a.example/h",),
        password="pw",
        qr_settings=QrSettings(color="#123456"),
        utm_source="s",
    )
    wanted = await fill_in(owner, f"{PLACE}/{link.id}/edit")
    await owner.follow(await owner.send(f"{PLACE}/{link.id}/edit", wanted))
    assert await find(house, link) == link


async def test_only_what_was_typed_over_changes(house: House, owner: Browser) -> None:
    link = await house.make_link(slug="old", title="Old", qr_settings=QrSettings(color="#123456"))
    wanted = await fill_in(owner, f"{PLACE}/{link.id}/edit", slug="new", max_clicks="5")
    context, actor = house.app.services.links, await house.make_actor()
    meanwhile = LinkChange(title="A colleague's", is_active=False, tag_names=("theirs",))
    await change_link(context, actor, link.id, meanwhile, house.now)
    page = await owner.follow(await owner.send(f"{PLACE}/{link.id}/edit", wanted))
    assert "Changes saved: localhost:8000/new" in read_text(page)
    changed = await find(house, link)
    assert (changed.slug, changed.max_clicks) == ("new", 5)
    assert (changed.title, changed.is_active) == ("A colleague's", False)
    assert [tag.name for tag in changed.tags] == ["theirs"]
    assert changed.qr_settings == QrSettings(color="#123456")


async def test_fields_can_be_cleared(house: House, owner: Browser) -> None:
    link = await house.make_link(
        title="T", tag_names=("x",), max_clicks=5, password="pw", cloaked=True
    )
    path = f"{PLACE}/{link.id}/edit"
    wanted = await fill_in(owner, path, title="", tags="", max_clicks="", drops_password="1")
    del wanted["cloaked"], wanted["is_active"]
    await owner.follow(await owner.send(path, wanted))
    changed = await find(house, link)
    assert (changed.title, changed.tags, changed.max_clicks) == (None, (), None)
    assert (changed.password_hash, changed.cloaked, changed.is_active) == (None, False, False)


async def test_a_faulty_change_is_told_and_shown_again(house: House, owner: Browser) -> None:
    link = await house.make_link(slug="mine")
    await house.make_link(slug="taken")
    path = f"{PLACE}/{link.id}/edit"
    for fields, status in (
        ({"slug": ""}, 422),
        ({"slug": "taken"}, 409),
        ({"max_clicks": "0", "expires_at": "soon"}, 422),
        ({"domain": "nobody.example"}, 422),
    ):
        wanted = await fill_in(owner, path, **fields)
        answer = await owner.send(path, wanted)
        assert answer.status_code == status, fields
        again = read_fields(answer.text)
        assert {name: again[name] for name in fields} == fields
        # What was changed is still known after a fault.
        assert again["shown"] == wanted["shown"]
    assert await find(house, link) == link


async def test_what_the_form_says_it_showed_is_not_trusted(house: House, owner: Browser) -> None:
    link = await house.make_link(slug="mine", title="T")
    path = f"{PLACE}/{link.id}/edit"
    for shown in ("", "x", "[]", '{"odd": "x"}', '{"slug": 5}'):
        wanted = await fill_in(owner, path, shown=shown)
        assert (await owner.send(path, wanted)).status_code == 303
    assert (await find(house, link)).title == "T"


async def test_a_saved_template_fills_in_its_parameters(house: House, owner: Browser) -> None:
    actor = await house.make_actor()
    new = NewUtmTemplate(name="Newsletter", utm_source="newsletter", utm_medium="email")
    await house.app.db.write(lambda tx: create_template(tx, actor, new, house.now))
    link = await house.make_link(utm_term="mine")
    for path, place in ((f"{PLACE}/new", PLACE), *[(f"{PLACE}/{link.id}/edit",) * 2]):
        wanted = await fill_in(owner, path, template="1", action="fill", slug="kept")
        answer = await owner.send(place, wanted)
        assert answer.status_code == 200
        filled = read_fields(answer.text)
        assert (filled["utm_source"], filled["utm_medium"]) == ("newsletter", "email")
        assert (filled["slug"], filled["shown"]) == ("kept", wanted["shown"]) or place == PLACE
        wanted["template"] = "99"
        assert (await owner.send(place, wanted)).status_code == 404


async def test_a_password_that_is_kept_counts_among_what_is_set(
    house: House, owner: Browser
) -> None:
    link = await house.make_link(max_clicks=5, password="pw")
    page = await owner.open(f"{PLACE}/{link.id}/edit")
    assert "Limits start, expiry, maximum visits, password 2 set" in read_text(page.text)


async def test_a_duplicate_starts_as_the_other_is(house: House, owner: Browser) -> None:
    link = await house.make_link(slug="one", title="T", tag_names=("x",), password="pw")
    fields = await fill_in(owner, f"{PLACE}/{link.id}/duplicate")
    assert (fields["slug"], fields["title"], fields["tags"]) == ("", "T", "x")
    assert fields["password"] == ""
    await owner.follow(await owner.send(PLACE, fields))
    made = await find_last(house)
    assert made.id != link.id
    assert (made.url, made.title) == (link.url, "T")


async def test_an_address_can_fill_in_a_new_link(owner: Browser) -> None:
    query = "url=https%3A%2F%2Fa.example%2F&utm_source=news&status=301"
    page = (await owner.open(f"{PLACE}/new?{query}")).text
    fields = read_fields(page)
    assert (fields["url"], fields["status"]) == ("https://a.example/", "302")
    assert fields["utm_source"] == "news"
    assert page.count('<details class="group" open>') == 1


@pytest.mark.parametrize(
    ("back", "place"),
    [
        ("", "{page}"),
        ("{page}?days=30", "{page}?days=30"),
        ("{page}/clicks", "{page}/clicks"),
        ("/app/links", "/app/links#link-{id}"),
        ("/app/links?q=a%20b&cursor=x.y", "/app/links?q=a%20b&cursor=x.y#link-{id}"),
        ("/app/links#link-99", "/app/links#link-{id}"),
        ("/app", "/app"),
        *(
            (bad, "{page}")
            for bad in (
                "https://evil.example/app/links",
                "//evil.example/app/links",
                "/\\evil.example/app/links",
                "/app/../x",
                "/app/%2e%2e/x",
                "javascript:alert(1)",
            )
        ),
    ],
)
async def test_saving_comes_back_to_where_the_form_was_opened(
    house: House, owner: Browser, back: str, place: str
) -> None:
    link = await house.make_link()
    page = f"{PLACE}/{link.id}"
    sent = back.format(page=page)
    wanted = await fill_in(owner, f"{page}/edit?back={quote(sent, safe='')}", title="T")
    for form in (wanted, {**wanted, "back": sent}):
        answer = await owner.send(f"{page}/edit", form)
        assert answer.headers["location"] == place.format(page=page, id=link.id)


async def test_a_links_pages_open_its_form_with_the_way_back(house: House, owner: Browser) -> None:
    link = await house.make_link()
    for path in (f"{PLACE}/{link.id}?days=30", f"{PLACE}/{link.id}/history"):
        page = (await owner.open(path)).text
        assert f'href="{PLACE}/{link.id}/edit?back={quote(path, safe="")}"' in page


async def test_a_link_with_the_same_destination_is_offered_first(
    house: House, owner: Browser, stranger: Browser
) -> None:
    link = await house.make_link(slug="first", title="The <first>", url="https://example.com/a?b=c")
    asked = await owner.send(PLACE, url="example.com/a?b=c")
    assert asked.status_code == 200
    assert "localhost:8000/first already leads to this destination. The <first>" in (
        read_text(asked.text)
    )
    assert f'href="{PLACE}/{link.id}"' in asked.text
    assert f'data-copy="{link.short_url}"' in asked.text
    assert (await find_last(house)).id == link.id
    fields = read_fields(asked.text)
    assert fields["url"] == "example.com/a?b=c"
    answer = await owner.send(PLACE, fields)
    assert "Short link created" in read_text(await owner.follow(answer))
    assert (await find_last(house)).url == link.url
    theirs = await stranger.send(PLACE, url="example.com/a?b=c")
    assert theirs.status_code == 303


async def test_no_other_link_is_offered(house: House, owner: Browser) -> None:
    url = "https://example.com/a"
    await house.make_link(url=url, is_active=False)
    await house.make_link(url=url, max_clicks=5, expires_at=house.now + 5)
    await house.make_link(url=url, utm_source="news")
    house.clock[0] += 10
    assert (await owner.send(PLACE, url=url)).status_code == 303
    link = await find_last(house)
    assert (await owner.send(PLACE, url=url)).status_code == 200
    assert (await owner.send(PLACE, url=url, utm_source="other")).status_code == 303
    assert (await owner.send(PLACE, url="nonsense")).status_code == 422
    # Whoever duplicates a link knows that there is one.
    fields = await fill_in(owner, f"{PLACE}/{link.id}/duplicate")
    assert (await owner.send(PLACE, fields)).status_code == 303


async def test_new_links_start_on_the_domain_of_the_last(house: House, owner: Browser) -> None:
    assert (await fill_in(owner, f"{PLACE}/new"))["domain"] == "localhost:8000"
    await house.make_link(domain="go.example")
    assert (await fill_in(owner, f"{PLACE}/new"))["domain"] == "go.example"


async def test_an_editor_may_make_and_change_links(house: House, editor: Browser) -> None:
    await editor.follow(await editor.send(PLACE, url="https://example.com/"))
    link = await find_last(house)
    wanted = await fill_in(editor, f"{PLACE}/{link.id}/edit", title="Mine")
    await editor.follow(await editor.send(f"{PLACE}/{link.id}/edit", wanted))
    assert (await find(house, link)).title == "Mine"


async def test_the_form_says_what_a_container_cannot_do_and_where_rules_are(
    house: House, owner: Browser
) -> None:
    rules, _ = read_rules([{"url": "https://example.de/app"}])
    link = await house.make_link(rules=rules)
    page = (await owner.open(f"{PLACE}/{link.id}/edit")).text
    assert "Custom HTML tags of the container don't run." in read_text(page)
    assert "This link has 1 rule." in read_text(page)
    assert f'href="{PLACE}/{link.id}/rules"' in page
    wanted = await fill_in(owner, f"{PLACE}/{link.id}/edit", gtm_container_id="G-ABC123")
    answer = await owner.send(f"{PLACE}/{link.id}/edit", wanted)
    assert answer.status_code == 422
    assert 'id="gtm_container_id-fault"' in answer.text


@pytest.mark.parametrize("is_wanted", [True, False])
async def test_a_duplicate_gets_the_rules_unless_they_are_not_wanted(
    house: House, owner: Browser, stranger: Browser, *, is_wanted: bool
) -> None:
    rules, _ = read_rules([{"id": "4f2a", "url": "https://example.de/app"}])
    link = await house.make_link(rules=rules)
    fields = await fill_in(owner, f"{PLACE}/{link.id}/duplicate")
    assert fields["copies_rules"] == "1"
    if not is_wanted:
        del fields["copies_rules"]
    faulty = await owner.send(PLACE, fields | {"max_clicks": "many"})
    box = re.search(r'<input id="copies_rules"[^>]*>', faulty.text)
    assert box
    assert ("checked" in box[0]) is is_wanted
    await owner.follow(await owner.send(PLACE, fields))
    assert (await find_last(house)).rules == (rules if is_wanted else ())
    # A link of another workspace gives nothing away.
    theirs = {"url": "https://a.example", "copied": str(link.id), "copies_rules": "1"}
    page = await stranger.follow(await stranger.send(PLACE, theirs))
    assert "Short link created" in page
    assert "Some visitors go elsewhere" not in page
    assert "copies_rules" not in (await stranger.send(PLACE, theirs | {"url": "ftp://x"})).text
