"""What is exported and imported into an empty database is the same there, field by field."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from shorty.clicks.model import BIO, BOT, LINK, PERSON, PREFETCH, QR, Click
from shorty.clicks.rebuild import rebuild_noted_day
from shorty.clicks.stats import count_values
from shorty.clicks.stats_store import Scope
from shorty.durations import DAY_MS
from shorty.errors import InvalidFieldsError, SlugTakenError
from shorty.links.imported_history import Counts, Past, keep_pasts
from shorty.links.listing import list_links
from shorty.links.model import Link, LinkFilter, QrSettings
from shorty.links.pictures import LOGOS, Picture, create_picture, list_pictures
from shorty.links.rule_reading import read_rules
from shorty.links.tags import NewTag, create_tag, list_tags
from shorty.links.writes import drop_links
from shorty.passwords import is_password_right
from shorty.qr.sandbox import read_logo
from shorty.transfer import history
from shorty.transfer.model import ImportedClick, ImportOptions, ImportRun
from shorty.transfer.progress import TransferProgress
from tests.clicks.making import load_clicks
from tests.clicks.recount import assert_sums_are_right
from tests.examples import count_examples
from tests.links.making import make_link
from tests.links.wild_rules import rule_lists
from tests.support import NOW
from tests.transfer.making import (
    House,
    export_all,
    export_csv,
    get_only,
    import_text,
    list_all,
    run_in_two_houses,
)

# What differs by nature: the ids of the new database.
IDS: dict[str, Any] = {
    "id": 0,
    "bio_page_id": None,
    "created_by": None,
    "domain_id": 0,
    "workspace_id": 0,
}

line = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=40)
text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=60)
slug = st.text(
    st.characters(categories=["L", "Nd"], include_characters="-_"), min_size=1, max_size=9
)
slug |= st.sampled_from(["🎉", "👩‍👩‍👧", "-x", "é"])
path = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=30)
query = st.text(st.characters(codec="ascii", min_codepoint=33), max_size=30)
url = st.tuples(path, query).map(lambda parts: f"https://example.com/{parts[0]}?{parts[1]}")
# Of few: that two links want the same ones is an error that costs an example nothing.
ALIASES = ("go.example/a", "localhost:8000/a", "v1.2/docs", "#️⃣", "é", "B")
rules = rule_lists().map(lambda given: read_rules(given)[0])
fields = st.fixed_dictionaries(
    {"url": url, "slug": slug},
    optional={
        "title": line,
        "description": text,
        "image": st.just("https://example.com/a,b.png"),
        "status": st.sampled_from([301, 302, 307, 308]),
        "cloaked": st.booleans(),
        "password": st.just("open sesame"),
        "is_password_asked": st.booleans(),
        "valid_since": st.integers(0, NOW),
        "expires_at": st.integers(NOW + 1, NOW + 10**12),
        "max_clicks": st.integers(1, 10**9),
        "tag_names": st.lists(
            st.text(
                st.characters(categories=["L", "N", "P", "S"], exclude_characters=","),
                min_size=1,
                max_size=20,
            ),
            max_size=3,
        ).map(tuple),
        "forward_parameters": st.booleans(),
        "block_bots": st.booleans(),
        "is_active": st.booleans(),
        "is_starred": st.booleans(),
        "utm_source": text,
        "utm_campaign": line,
        "meta_pixel_id": st.just("1234567890"),
        "google_tag_id": st.just("G-ABC123DEF4"),
        "gtm_container_id": st.just("GTM-ABC123"),
        "hide_referrer": st.booleans(),
        "skip_social_crawler_tracking": st.booleans(),
        "expired_url": url,
        "rules": rules,
        "webhook_urls": st.just(("https://a.example/x,y", "https://b.example/")),
        "is_link_in_bio": st.booleans(),
        "button_label": line,
        "qr_settings": st.builds(
            QrSettings, color=st.sampled_from([None, "#123456"]), text=st.just("Hi")
        ),
        "made_through": st.sampled_from(["link", "qr"]),
        "aliases": st.lists(st.sampled_from(ALIASES), max_size=3).map(tuple),
    },
)
counts = st.builds(
    Counts,
    clicks=st.integers(0, 10**9),
    scans=st.integers(0, 99),
    bio_clicks=st.integers(0, 99),
    bots=st.integers(0, 99),
    last_click_at=st.none() | st.integers(1, NOW),
)
pasts = st.builds(
    Past,
    created_at=st.integers(0, NOW),
    updated_at=st.integers(0, NOW),
    edit_count=st.integers(0, 1000),
    is_admin_blocked=st.booleans(),
    counts=st.none() | counts,
)


def compare(links: list[Link]) -> list[Link]:
    """In the order of their slugs, without what differs by nature."""
    plain = [
        replace(
            link,
            tags=tuple(replace(tag, id=0) for tag in link.tags),
            aliases=tuple(replace(alias, domain_id=0) for alias in link.aliases),
            **IDS,
        )
        for link in links
    ]
    return sorted(plain, key=lambda link: link.slug)


async def read_counters(house: House) -> list[tuple[Any, ...]]:
    rows = await house.db.find_all(
        "select l.slug, c.clicks, c.scans, c.bio_clicks, c.bots, c.total, c.last_click_at"
        " from link_counters c join links l on l.id = c.link_id where l.deleted_at is null"
        " order by l.slug"
    )
    return [tuple(row) for row in rows]


@settings(max_examples=count_examples(10), deadline=None)
@given(st.lists(st.tuples(fields, pasts), max_size=6, unique_by=lambda each: each[0]["slug"]))
def test_wild_links_are_the_same_afterwards(wild: list[tuple[dict[str, Any], Past]]) -> None:
    async def move(house: House, empty_house: House) -> None:
        for given_fields, past in wild:
            try:
                link = await make_link(house.context, house.actor, **given_fields)
            except (InvalidFieldsError, SlugTakenError):
                continue  # not every text is a slug or a tag
            workspace_id, kept = link.workspace_id, (link.id, past)
            await house.db.write(
                lambda tx, kept=kept, workspace_id=workspace_id: keep_pasts(
                    tx, workspace_id, [kept]
                )
            )
        exported = await export_all(house)
        told = await import_text(empty_house, "shorty", exported)
        assert (told.state, told.problems, told.created) == ("done", (), len(await list_all(house)))
        assert compare(await list_all(empty_house)) == compare(await list_all(house))
        assert await read_counters(empty_house) == await read_counters(house)
        assert strip_ids(await export_all(empty_house)) == strip_ids(exported)

    run_in_two_houses(move)


def strip_ids(exported: bytes) -> list[dict[str, Any]]:
    lines = [msgspec.json.decode(text) for text in exported.splitlines()]
    return sorted(({**each, "id": ""} for each in lines), key=str)


def make_click(link: Link, **only_what_matters: Any) -> Click:
    plain: dict[str, Any] = {
        "link_id": link.id,
        "at": NOW - 3 * DAY_MS,
        "visitor": 7,
        "kind": PERSON,
        "source": LINK,
        "country": "DE",
        "referrer": "t.co",
        "browser": "Firefox",
        "os": "Linux",
        "device": "desktop",
        "utm": None,
        "city": None,
    }
    return Click(**(plain | only_what_matters))


async def fill(house: House) -> None:
    """Two links with clicks of several days, of which the first were removed as the plan says."""
    for number in range(2):
        link = await make_link(
            house.context, house.actor, slug=f"s{number}", tag_names=("shop",), now=NOW - 9 * DAY_MS
        )
        clicks = [
            make_click(link, at=NOW - day * DAY_MS + hour * 3_600_000, visitor=visitor, **fields)
            for day in (5, 4, 3)
            for hour, visitor, fields in (
                (0, 7, {}),
                (1, 7, {"country": None, "referrer": None, "rule_id": "4f2a", "variant": "b"}),
                (2, 0, {"kind": BOT}),
                (3, 2**63 - 1, {"source": QR, "city": "Köln"}),
                (3, 9, {"source": BIO, "utm": '["news",null,null,"a\\"b",null]'}),
                (4, 9, {"kind": PREFETCH}),
            )
        ]
        await load_clicks(house.db, clicks)


async def read_analytics(house: House) -> Any:
    """Of the workspace and of each link."""
    links = {link.slug: link.id for link in await list_all(house)}
    scopes = {"": None, **links}
    return {
        slug: await count_values(
            house.db,
            Scope(workspace_id=house.actor.workspace_id, link_id=link_id),
            NOW - 30 * DAY_MS,
            NOW,
        )
        for slug, link_id in scopes.items()
    }


async def read_clicks(house: House) -> list[tuple[Any, ...]]:
    rows = await house.db.find_all(
        "select l.slug, c.at, c.visitor, c.kind, c.source, c.country, c.referrer, c.browser, c.os,"
        " c.device, c.utm, c.city, c.rule_id, c.variant, d.host"
        " from clicks c join links l on l.id = c.link_id"
        " join domains d on d.id = c.domain_id order by c.id"
    )
    return [tuple(row) for row in rows]


async def test_clicks_and_analytics_are_the_same_afterwards(
    house: House, empty_house: House
) -> None:
    await fill(house)
    exported = await export_all(house, has_clicks=True)
    told = await import_text(empty_house, "shorty", exported)
    assert (told.created, told.clicks, told.problems) == (2, 36, ())
    assert await read_clicks(empty_house) == await read_clicks(house)
    assert await read_counters(empty_house) == await read_counters(house)
    assert await read_analytics(empty_house) == await read_analytics(house)
    await assert_sums_are_right(empty_house.db)


async def find_domain(house: House, host: str) -> int:
    row = await house.db.find_one("select id from domains where host = $1", host)
    assert row is not None
    return row["id"]


async def test_clicks_keep_the_domain_by_which_they_came(house: House, empty_house: House) -> None:
    link = await make_link(house.context, house.actor, slug="here")
    other = await find_domain(house, "localhost:8000")
    await load_clicks(house.db, [make_click(link), make_click(link, domain_id=other)])
    exported = await export_all(house, has_clicks=True)
    lines = [msgspec.json.decode(text) for text in exported.splitlines()]
    assert [each.get("domain") for each in lines if each["kind"] == "click"] == [
        None,
        "localhost:8000",
    ]
    await import_text(empty_house, "shorty", exported)
    assert await read_clicks(empty_house) == await read_clicks(house)


async def test_a_click_by_a_domain_that_is_not_here_counts_for_its_links(
    house: House, empty_house: House
) -> None:
    link = await make_link(house.context, house.actor, slug="here")
    await load_clicks(
        house.db, [make_click(link, domain_id=await find_domain(house, "localhost:8000"))]
    )
    exported = await export_all(house, has_clicks=True)
    foreign = exported.replace(b'"domain":"localhost:8000"', b'"domain":"elsewhere.example"')
    assert foreign != exported
    await import_text(empty_house, "shorty", foreign)
    assert [row[-1] for row in await read_clicks(empty_house)] == ["go.example"]


async def test_counts_include_clicks_that_were_removed_before(
    house: House, empty_house: House
) -> None:
    await fill(house)
    await house.db.write(
        lambda tx: tx.execute("delete from clicks where at < $1", NOW - 4 * DAY_MS)
    )
    told = await import_text(empty_house, "shorty", await export_all(house, has_clicks=True))
    assert told.clicks == 24
    assert await read_counters(empty_house) == await read_counters(house)


async def test_a_file_that_is_imported_again_brings_nothing_twice(
    house: House, empty_house: House
) -> None:
    await fill(house)
    exported = await export_all(house, has_clicks=True)
    await import_text(empty_house, "shorty", exported)
    before = await read_clicks(empty_house), await read_counters(empty_house)
    told = await import_text(empty_house, "shorty", exported)
    assert (told.created, told.there, told.skipped, told.clicks) == (0, 2, 0, 0)
    assert (await read_clicks(empty_house), await read_counters(empty_house)) == before
    await assert_sums_are_right(empty_house.db)


async def test_an_import_that_was_cut_off_is_finished_by_another(
    house: House, empty_house: House
) -> None:
    await fill(house)
    lines = (await export_all(house, has_clicks=True)).splitlines(keepends=True)
    assert len(lines) > 20
    for end in (3, 10, 20):
        await import_text(empty_house, "shorty", b"".join(lines[:end]))
    # Meanwhile the server has forgotten who was seen on days that are over.
    await empty_house.db.write(lambda tx: tx.execute("delete from day_visitors"))
    await import_text(empty_house, "shorty", b"".join(lines))
    assert sorted(await read_clicks(empty_house), key=str) == sorted(
        await read_clicks(house), key=str
    )
    assert await read_counters(empty_house) == await read_counters(house)
    assert await read_analytics(empty_house) == await read_analytics(house)


async def test_an_import_that_is_cancelled_before_its_recount_leaves_this_to_the_server(
    house: House, empty_house: House
) -> None:
    await fill(house)
    lines = (await export_all(house, has_clicks=True)).splitlines(keepends=True)
    await import_text(empty_house, "shorty", b"".join(lines[:20]))
    await empty_house.db.write(lambda tx: tx.execute("delete from day_visitors"))
    progress = TransferProgress(on_change=lambda _: progress.cancel())
    told = await import_text(empty_house, "shorty", b"".join(lines), progress)
    assert told.state == "cancelled"
    assert await read_clicks_sorted(empty_house) == await read_clicks_sorted(house)
    assert await read_analytics(empty_house) != await read_analytics(house)
    while await rebuild_noted_day(empty_house.db):
        pass
    assert await read_analytics(empty_house) == await read_analytics(house)
    assert await empty_house.db.find_all("select * from days_to_recount") == []


DAYS = [NOW // DAY_MS * DAY_MS - number * DAY_MS for number in range(6, 0, -1)]


async def read_noted_days(house: House) -> list[int]:
    return [row["day"] for row in await house.db.find_all("select * from days_to_recount")]


def start_history(house: House, progress: TransferProgress | None = None) -> history.History:
    return history.History(
        ImportRun(
            context=house.context,
            actor=house.actor,
            options=ImportOptions(),
            progress=progress or TransferProgress(),
            now=NOW,
        )
    )


@pytest.mark.parametrize(("most", "days"), [(6, []), (5, DAYS[3:]), (2, DAYS)])
async def test_days_are_recounted_from_when_more_visitors_came_than_are_remembered(
    house: House, monkeypatch: pytest.MonkeyPatch, most: int, days: list[int]
) -> None:
    monkeypatch.setattr(history, "KNOWN_VISITORS", most)
    progress = TransferProgress()
    taker = start_history(house, progress)
    link = await make_link(house.context, house.actor)
    taker.know("a", link.id, is_new=True)
    clicks = [ImportedClick(ref="a", click=make_click(link, at=day + 5)) for day in DAYS]
    for batch in (clicks[:3], clicks[3:]):
        await taker.take_clicks(batch)
    assert await read_noted_days(house) == days
    progress.cancel()
    await taker.finish()
    assert await read_noted_days(house) == days
    await start_history(house).finish()
    assert await read_noted_days(house) == []


async def test_a_day_that_was_recounted_meanwhile_is_noted_once_more(house: House) -> None:
    taker = start_history(house)
    link = await make_link(house.context, house.actor)
    taker.know("a", link.id, is_new=False)
    for number in range(2):
        click = make_click(link, at=DAYS[0] + number)
        await taker.take_clicks([ImportedClick(ref="a", click=click)])
        assert await read_noted_days(house) == DAYS[:1]
        assert await rebuild_noted_day(house.db) == 1


async def test_visitors_of_days_long_past_are_remembered_while_an_import_runs(house: House) -> None:
    taker = start_history(house)
    link = await make_link(house.context, house.actor)
    taker.know("a", link.id, is_new=True)
    for number in range(2):
        click = make_click(link, at=DAYS[0] + number)
        await taker.take_clicks([ImportedClick(ref="a", click=click)])
        # As the server does meanwhile.
        await house.db.write(lambda tx: tx.execute("delete from day_visitors"))
    await assert_sums_are_right(house.db)


async def read_clicks_sorted(house: House) -> list[tuple[Any, ...]]:
    return sorted(await read_clicks(house), key=str)


async def test_clicks_counted_here_meanwhile_stay_counted(house: House, empty_house: House) -> None:
    await fill(house)
    exported = await export_all(house, has_clicks=True)
    await import_text(empty_house, "shorty", exported)
    link = (await list_all(empty_house))[0]
    await load_clicks(empty_house.db, [make_click(link, at=NOW - 5, visitor=77)] * 2)
    # The old house went on for a while, and is exported once more.
    old = (await list_all(house))[0]
    await load_clicks(house.db, [make_click(old, at=NOW - 7, visitor=78)])
    told = await import_text(empty_house, "shorty", await export_all(house, has_clicks=True))
    assert told.clicks == 1
    assert (await list_all(empty_house))[0].click_count == link.click_count + 3
    await assert_sums_are_right(empty_house.db)


async def test_logos_come_along_with_their_codes(house: House, empty_house: House) -> None:
    png = (await read_logo(PICTURE, workspace_id=1)).png
    for name in ("Other", "Acme"):
        logo = await house.db.write(
            lambda tx, name=name: create_picture(
                tx, house.actor, "logo", name, Picture(png=png, width=8, height=8), NOW
            )
        )
    await make_link(house.context, house.actor, qr_settings=QrSettings(qr_logo_id=logo.id))
    exported = await export_all(house)
    await make_link(empty_house.context, empty_house.actor, slug="before")
    for _ in range(2):
        told = await import_text(empty_house, "shorty", exported)
        assert told.problems == ()
    names = {logo.id: logo.name for logo in await list_pictures(empty_house.db, 1, LOGOS)}
    assert sorted(names.values()) == ["Acme", "Other"]
    settings = (await list_all(empty_house))[-1].qr_settings
    assert settings is not None
    assert names[settings.qr_logo_id or 0] == "Acme"


PICTURE = (
    b'<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8">'
    b'<rect width="8" height="8" fill="#a00"/></svg>'
)


async def test_tags_keep_their_colours_and_those_that_are_here(
    house: House, empty_house: House
) -> None:
    for name, color in (("shop", "#010203"), ("Unused", "#040506")):
        new = NewTag(name=name, color=color)
        await house.db.write(lambda tx, new=new: create_tag(tx, house.actor, new, NOW))
    await make_link(house.context, house.actor, tag_names=("shop",))
    ours = NewTag(name="UNUSED", color="#777777")
    await empty_house.db.write(lambda tx: create_tag(tx, empty_house.actor, ours, NOW))
    await import_text(empty_house, "shorty", await export_all(house))
    found = [(tag.name, tag.color) for tag in await list_tags(empty_house.db, 1)]
    assert found == [("shop", "#010203"), ("UNUSED", "#777777")]
    assert [tag.name for tag in (await get_only(empty_house)).tags] == ["shop"]


async def test_a_password_still_opens_the_link(house: House, empty_house: House) -> None:
    await make_link(house.context, house.actor, password="open sesame")
    await import_text(empty_house, "shorty", await export_all(house))
    kept = (await get_only(empty_house)).password_hash
    assert kept is not None
    assert await is_password_right(kept, "open sesame")


async def test_a_link_that_is_over_stays_over(house: House, empty_house: House) -> None:
    link = await make_link(house.context, house.actor, expires_at=NOW + 5, now=NOW)
    sql = "update links set expires_at = $1"
    await house.db.write(lambda tx: tx.execute(sql, NOW - 5))
    await import_text(empty_house, "shorty", await export_all(house))
    assert (await get_only(empty_house)).expires_at == NOW - 5
    assert link.slug == (await get_only(empty_house)).slug


async def test_public_links_and_deleted_ones_stay_behind(house: House) -> None:
    await make_link(house.context, house.actor, slug="hour", is_public=True)
    gone = await make_link(house.context, house.actor, slug="gone")
    await load_clicks(house.db, [make_click(gone)])
    await house.db.write(
        lambda tx: drop_links(tx, house.context, house.actor.workspace_id, [gone.id], NOW)
    )
    exported = await export_all(house, has_clicks=True)
    assert [msgspec.json.decode(text)["kind"] for text in exported.splitlines()] == ["export"]


async def test_imported_links_are_listed_by_their_own_time(
    house: House, empty_house: House
) -> None:
    for number, made_at in enumerate((NOW - 5, NOW - 7)):
        await make_link(
            house.context,
            house.actor,
            made_at,
            slug=f"s{number}",
            made_through="qr",
            title="needle",
        )
    await make_link(empty_house.context, empty_house.actor, NOW - 9, slug="here", title="needle")
    await import_text(empty_house, "shorty", await export_all(house))
    wanted = LinkFilter(search="needle", sort="createdAt", kind="qr")
    page = await list_links(empty_house.context, empty_house.actor, wanted)
    assert [link.slug for link in page.links] == ["s1", "s0"]


async def test_a_table_brings_back_what_it_holds(house: House, empty_house: House) -> None:
    await make_link(
        house.context,
        house.actor,
        now=NOW - 99,
        slug="-x",
        url='https://example.com/?a=1;b,"c"',
        title="=1+1",
        description='two\r\nlines, "quoted"',
        tag_names=("a|b",),
        utm_source="'+x",
        webhook_urls=("https://a.example/x,y", "https://b.example/"),
        max_clicks=5,
        expires_at=NOW + DAY_MS,
        status=308,
        is_active=False,
    )
    link = await get_only(house)
    past = Past(counts=Counts(clicks=5, scans=2, bio_clicks=1))
    await house.db.write(lambda tx: keep_pasts(tx, link.workspace_id, [(link.id, past)]))
    exported = await export_csv(house)
    assert b"'=1+1" in exported
    assert b"''+x" in exported
    told = await import_text(empty_house, "csv", exported)
    assert (told.created, told.problems) == (1, ())
    (before,) = compare(await list_all(house))
    (after,) = compare(await list_all(empty_house))
    assert replace(after, made_through="link") == before


async def test_addresses_to_call_that_a_table_hides_are_left_out(
    house: House, empty_house: House
) -> None:
    urls = ("https://a.example/key", "https://b.example/")
    await make_link(house.context, house.actor, webhook_urls=urls)
    await import_text(empty_house, "csv", await export_csv(house, hides_webhooks=True))
    assert (await get_only(empty_house)).webhook_urls == ("https://b.example/",)


async def test_a_table_never_opens_what_a_password_closed(house: House, empty_house: House) -> None:
    await make_link(house.context, house.actor, slug="closed", password="open sesame")
    told = await import_text(empty_house, "csv", await export_csv(house))
    assert [problem.sort for problem in told.problems] == ["note"]
    assert "password" in told.problems[0].message
    link = await get_only(empty_house)
    assert (link.is_active, link.password_hash) == (False, None)
