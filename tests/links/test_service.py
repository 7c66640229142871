"""Making, changing and deleting single links."""

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace

from shorty.accounts.model import Actor
from shorty.errors import (
    FeatureOffError,
    ForbiddenError,
    InvalidFieldsError,
    NotFoundError,
    QuotaExceededError,
    SlugTakenError,
)
from shorty.links import service
from shorty.links.context import LinkContext
from shorty.links.listing import list_links
from shorty.links.model import Creator, Link, LinkChange, LinkFilter, QrSettings
from shorty.links.service import (
    change_link,
    change_links,
    create_link,
    create_links,
    delete_link,
    find_or_create_link,
    get_link,
    restore_link,
)
from shorty.links.slug import MAX_SLUG_LENGTH
from shorty.links.tags import NewTag, create_tag
from shorty.passwords import is_password_right
from shorty.plans import read_usage
from shorty.storage.database import Database, Transaction
from tests.links.conftest import SMALL
from tests.links.making import make_link, new_link
from tests.reading import reader
from tests.support import DAY, NOW

HOUR = 3_600_000
COUNT_CLICK = "update link_counters set clicks = 5, total = 5 where link_id = $1"


async def find_faults(context: LinkContext, actor: Actor, new: LinkChange) -> dict[str, str]:
    with pytest.raises(InvalidFieldsError) as raised:
        await create_link(context, actor, new, NOW)
    return raised.value.fields


async def count_used(context: LinkContext, actor: Actor) -> dict[str, int]:
    usage = await read_usage(context.db, actor.workspace_id, actor.plan, NOW)
    return {quota: use.used for quota, use in usage.items() if use.used and quota != "members"}


async def test_a_link_with_little_is_made_with_defaults(context: LinkContext, actor: Actor) -> None:
    link = await make_link(context, actor, url="https://Example.com/a b")
    assert link.url == "https://example.com/a%20b"
    assert link.original_url == "https://Example.com/a b"
    assert link.short_url == f"https://go.example/{link.slug}"
    assert (len(link.slug), link.status, link.is_active) == (6, 302, True)
    assert (link.title, link.tags, link.webhook_urls, link.click_count) == (None, (), (), 0)
    assert link.created_by == Creator(id=actor.user_id, name="ann", email="ann@a.example")
    assert link.created_at == link.updated_at == NOW


async def test_every_field_is_kept(context: LinkContext, actor: Actor) -> None:
    tag = await context.db.write(lambda tx: create_tag(tx, actor, NewTag(name="Press"), NOW))
    wanted: dict[str, Any] = {
        "slug": "sommer-\U0001f31e",
        "title": "Summer",
        "description": "The big one",
        "image": "https://example.com/a.png",
        "status": 308,
        "cloaked": True,
        "expires_at": NOW + DAY,
        "max_clicks": 5,
        "forward_parameters": True,
        "block_bots": True,
        "is_active": False,
        "is_starred": True,
        "utm_source": "mail",
        "utm_medium": "newsletter",
        "utm_campaign": "summer & sun",
        "utm_term": "t",
        "utm_content": "c",
        "utm_id": "i",
        "meta_pixel_id": "1234567890",
        "google_tag_id": "G-ABC123DEF4",
        "webhook_urls": ("https://hooks.example/a", "http://hooks.example/b"),
        "is_link_in_bio": True,
        "button_label": "Go",
        "qr_settings": QrSettings(color="#000000", bg_color="#ffffff", pattern="classy"),
        "made_through": "qr",
    }
    link = await make_link(
        context, actor, **wanted, tag_ids=(tag.id,), tag_names=("News", " press "), password="pw"
    )
    assert {name: getattr(link, name) for name in wanted} == wanted
    assert [tag.name for tag in link.tags] == ["Press", "News"]
    assert link.url == (
        "https://example.com/page?utm_source=mail&utm_medium=newsletter&"
        "utm_campaign=summer%20%26%20sun&utm_term=t&utm_content=c&utm_id=i"
    )
    assert link.password_hash is not None
    assert await is_password_right(link.password_hash, "pw")
    assert await get_link(context, actor, link.id) == link


@pytest.mark.parametrize(
    ("field", "value", "fault"),
    [
        ("url", "", "Enter a destination"),
        ("url", "javascript:alert(1)", "http and https"),
        ("url", "https://evil.example/x", "blocks"),
        ("url", "https://www.EVIL.example./x", "blocks"),
        ("url", "https://go.example/abc", "loop"),
        ("url", "http://127.0.0.1:8000/abc", "loop"),
        ("url", "https://example.com/\0", "cannot be stored"),
        ("url", "https://example.com/" + "a" * 9000, "at most"),
        ("domain", "other.example", "not a verified domain"),
        ("domain", "", "not a verified domain"),
        ("slug", "", "1 to 128"),
        ("slug", "a b", "a space"),
        ("slug", "x" * (MAX_SLUG_LENGTH + 1), "1 to 128"),
        ("slug", "API", "is reserved"),
        ("title", "x" * 501, "at most 500"),
        ("title", "a\ud800", "cannot be stored"),
        ("description", "x" * 2001, "at most 2000"),
        ("image", "ftp://x.example/a.png", "http and https"),
        ("status", 303, "301, 302, 307 or 308"),
        ("password", "", "empty"),
        ("password", "x" * 257, "256 bytes"),
        ("expires_at", NOW, "future"),
        ("valid_since", -1, "1970"),
        ("max_clicks", 0, "whole number from 1"),
        ("tag_ids", (99,), "99"),
        ("tag_ids", tuple(range(51)), "at most 50"),
        ("tag_names", ("a,b",), "commas"),
        ("utm_term", "x" * 501, "at most 500"),
        ("meta_pixel_id", "abc", "number"),
        ("google_tag_id", "X-1", "G-ABC123DEF4"),
        ("webhook_urls", ("nonsense",), "'nonsense' is not a valid endpoint URL"),
        ("webhook_urls", tuple(f"https://h.example/{n}" for n in range(11)), "at most 10"),
        ("button_label", "x" * 101, "at most 100"),
        ("qr_settings", QrSettings(color="red"), "colour"),
        ("qr_settings", QrSettings(bg_color="#12"), "bgColor must be a colour"),
        ("qr_settings", QrSettings(pattern="stars"), "pattern must be square, dots"),
        ("qr_settings", QrSettings(corner="dots"), "corner must be square, dot or extra-rounded"),
    ],
)
async def test_a_faulty_field_is_named(
    context: LinkContext, actor: Actor, field: str, value: object, fault: str
) -> None:
    faults = await find_faults(context, actor, new_link(**{field: value}))
    assert list(faults) == [field]
    assert fault in faults[field]


async def test_all_faulty_fields_are_named_at_once(context: LinkContext, actor: Actor) -> None:
    faults = await find_faults(
        context,
        actor,
        new_link(url="nonsense", slug="api", domain="x", tag_ids=(9,), max_clicks=-1),
    )
    assert set(faults) == {"url", "slug", "domain", "tag_ids", "max_clicks"}


@pytest.mark.parametrize(
    ("link_type", "url", "stored"),
    [
        ("MAILTO", "ann@example.com", "mailto:ann@example.com"),
        ("TEL", "+1 201 555 0123", "tel:+12015550123"),
        ("SMS", "sms:+12015550123?body=hi", "sms:+12015550123?body=hi"),
    ],
)
async def test_other_types_lead_to_other_schemes(
    context: LinkContext, actor: Actor, link_type: str, url: str, stored: str
) -> None:
    assert (await make_link(context, actor, link_type=link_type, url=url)).url == stored


@pytest.mark.parametrize(
    ("url", "is_private"),
    [
        ("http://10.0.0.1/", True),
        ("http://[::1]/", True),
        ("http://0x7f.1/", True),
        ("http://intranet/", True),
        ("http://printer.local/", True),
        ("http://8.8.8.8/", False),
        ("https://example.com/", False),
    ],
)
async def test_private_destinations_are_refused_where_the_operator_says_so(
    context: LinkContext, actor: Actor, url: str, *, is_private: bool
) -> None:
    assert (await make_link(context, actor, url=url)).original_url == url
    strict = replace(context, rules=replace(context.rules, allow_private_destinations=False))
    if is_private:
        assert "private" in (await find_faults(strict, actor, new_link(url=url)))["url"]
    else:
        assert (await make_link(strict, actor, url=url)).original_url == url


async def test_a_taken_slug_is_refused(context: LinkContext, actor: Actor) -> None:
    await make_link(context, actor, slug="caf\u00e9")
    with pytest.raises(SlugTakenError, match="already taken"):
        await make_link(context, actor, slug="cafe\u0301")
    await make_link(context, actor, slug="caf\u00e9", domain="localhost:8000")
    await make_link(context, actor, slug="Caf\u00e9")


async def test_of_many_who_want_a_slug_at_once_one_gets_it(
    context: LinkContext, actor: Actor
) -> None:
    results = await asyncio.gather(
        *(make_link(context, actor, slug="one") for _ in range(20)), return_exceptions=True
    )
    assert sum(isinstance(result, Link) for result in results) == 1
    assert sum(isinstance(result, SlugTakenError) for result in results) == 19
    assert await count_used(context, actor) == {"links": 1, "links_per_month": 1}


async def test_what_goes_wrong_with_one_link_spares_those_of_the_same_moment(
    context: LinkContext, actor: Actor, stranger: Actor
) -> None:
    poor = replace(stranger, plan=SMALL)
    ghost = replace(actor, user_id=999)  # a mistake that no check finds
    results = await asyncio.gather(
        make_link(context, actor, slug="one"),
        make_link(context, ghost, slug="two"),
        make_link(context, actor, slug="one"),
        *(make_link(context, poor, tag_names=("t",)) for _ in range(4)),
        return_exceptions=True,
    )
    kinds = [type(result).__name__ for result in results]
    assert kinds[1] in {"IntegrityError", "ForeignKeyViolation"}
    assert [kinds[0], kinds[2]] == ["Link", "SlugTakenError"]
    assert kinds[3:] == ["Link", "Link", "Link", "QuotaExceededError"]
    assert await count_used(context, actor) == {"links": 1, "links_per_month": 1}
    assert await count_used(context, poor) == {"links": 3, "links_per_month": 3}


async def test_nobody_gets_a_slug_that_differs_from_anothers_in_case_alone(
    context: LinkContext, actor: Actor, stranger: Actor
) -> None:
    link = await make_link(context, actor, slug="Stra\xdfe")
    for slug in ("stra\xdfe", "STRASSE", "Stra\xdfe"):
        with pytest.raises(SlugTakenError):
            await make_link(context, stranger, slug=slug)
    elsewhere = await make_link(context, stranger, slug="strasse", domain="localhost:8000")
    free = await make_link(context, stranger, slug="free")
    for change in (LinkChange(slug="strasse"), LinkChange(slug="STRASSE", title="T")):
        with pytest.raises(SlugTakenError):
            await change_link(context, stranger, free.id, change, NOW)
    with pytest.raises(SlugTakenError):
        await change_link(context, stranger, elsewhere.id, LinkChange(domain="go.example"), NOW)
    wanted = [new_link(slug=slug) for slug in ("a", "STRASSE", "A", "a")]
    outcomes = await create_links(context, stranger, wanted, NOW)
    assert [getattr(each, "code", None) for each in outcomes] == [
        *(None, "slug-taken", None, "slug-taken"),
    ]
    # One's own may stand beside it, and change its own case.
    beside = await make_link(context, actor, slug="strasse")
    renamed = await change_link(context, actor, beside.id, LinkChange(slug="STRASSE"), NOW)
    assert (renamed.slug, link.slug) == ("STRASSE", "Stra\xdfe")
    for each in (link, beside):
        await delete_link(context, actor, each.id, NOW)
    await make_link(context, stranger, slug="strasse")
    for each in (link, beside):
        with pytest.raises(SlugTakenError):
            await restore_link(context, actor, each.id, NOW)


@pytest.mark.parametrize("at_once", [1, 40])
async def test_generated_slugs_differ_in_more_than_case(
    context: LinkContext, actor: Actor, stranger: Actor, at_once: int
) -> None:
    tight = replace(context, rules=replace(context.rules, slug_length=1))
    slugs: list[str] = []
    for number in range(80 // at_once):
        who = (actor, stranger)[number % 2]
        outcomes = await create_links(tight, who, [new_link()] * at_once, NOW)
        slugs += [each.slug for each in outcomes if isinstance(each, Link)]
    assert len({slug.casefold() for slug in slugs}) == len(slugs) == 80
    assert any(len(slug) == 1 for slug in slugs)


async def test_generated_slugs_grow_when_the_short_ones_are_used_up(
    context: LinkContext, actor: Actor
) -> None:
    tight = replace(context, rules=replace(context.rules, slug_length=1))
    slugs = {(await make_link(tight, actor)).slug for _ in range(120)}
    assert len(slugs) == 120
    assert max(map(len, slugs)) > 1


async def test_readers_may_not_write(context: LinkContext, actor: Actor) -> None:
    link = await make_link(context, actor)
    for viewer in (replace(actor, role="viewer"), replace(actor, scope="read")):
        with pytest.raises(ForbiddenError):
            await make_link(context, viewer)
        with pytest.raises(ForbiddenError):
            await find_or_create_link(context, viewer, new_link(), NOW)
        with pytest.raises(ForbiddenError):
            await change_link(context, viewer, link.id, LinkChange(title="x"), NOW)
        with pytest.raises(ForbiddenError):
            await delete_link(context, viewer, link.id, NOW)
        assert (await get_link(context, viewer, link.id)).id == link.id


async def test_another_workspace_sees_nothing(
    context: LinkContext, actor: Actor, stranger: Actor
) -> None:
    link = await make_link(context, actor)
    with pytest.raises(NotFoundError):
        await get_link(context, stranger, link.id)
    with pytest.raises(NotFoundError):
        await change_link(context, stranger, link.id, LinkChange(title="x"), NOW)
    with pytest.raises(NotFoundError):
        await delete_link(context, stranger, link.id, NOW)
    tag = await context.db.write(lambda tx: create_tag(tx, actor, NewTag(name="mine"), NOW))
    assert "tag_ids" in await find_faults(context, stranger, new_link(tag_ids=(tag.id,)))


async def test_quotas_are_taken_and_given_back(context: LinkContext, actor: Actor) -> None:
    poor = replace(actor, plan=SMALL)
    links = [await make_link(context, poor) for _ in range(3)]
    with pytest.raises(QuotaExceededError, match="3 links"):
        await make_link(context, poor)
    await delete_link(context, poor, links[0].id, NOW)
    await make_link(context, poor)
    await delete_link(context, poor, links[1].id, NOW)
    with pytest.raises(QuotaExceededError, match="4 links per month"):
        await make_link(context, poor)
    assert await count_used(context, poor) == {"links": 2, "links_per_month": 4}


async def test_codes_and_bio_pages_have_quotas_of_their_own(
    context: LinkContext, actor: Actor
) -> None:
    poor = replace(actor, plan=SMALL)
    link = await make_link(context, poor, qr_settings=QrSettings(), is_link_in_bio=True)
    other = await make_link(context, poor)
    with pytest.raises(QuotaExceededError, match="1 qr codes"):
        await change_link(context, poor, other.id, LinkChange(qr_settings=QrSettings()), NOW)
    await change_link(
        context, poor, link.id, LinkChange(qr_settings=None, is_link_in_bio=False), NOW
    )
    await change_link(
        context, poor, other.id, LinkChange(qr_settings=QrSettings(), is_link_in_bio=True), NOW
    )
    used = {"links": 2, "links_per_month": 2, "edits_per_month": 2, "qr_codes": 1, "bio_pages": 1}
    assert await count_used(context, poor) == used
    with pytest.raises(QuotaExceededError, match="2 edits per month"):
        await change_link(context, poor, link.id, LinkChange(title="x"), NOW)
    await delete_link(context, poor, other.id, NOW)
    assert await count_used(context, poor) == {
        "links": 1,
        "links_per_month": 2,
        "edits_per_month": 2,
    }


async def test_webhooks_need_a_plan_that_has_them(context: LinkContext, actor: Actor) -> None:
    poor = replace(actor, plan=SMALL)
    hooks = ("https://hooks.example/",)
    with pytest.raises(FeatureOffError, match="webhooks"):
        await make_link(context, poor, webhook_urls=hooks)
    link = await make_link(context, actor, webhook_urls=hooks)
    with pytest.raises(FeatureOffError):
        await change_link(
            context, poor, link.id, LinkChange(webhook_urls=("https://other.example/",)), NOW
        )
    changed = await change_link(context, poor, link.id, LinkChange(title="x"), NOW)
    assert changed.webhook_urls == hooks


async def test_the_same_destination_is_found_again(
    context: LinkContext, actor: Actor, stranger: Actor
) -> None:
    first, is_new = await find_or_create_link(context, actor, new_link(), NOW)
    assert is_new
    assert await find_or_create_link(context, actor, new_link(title="other"), NOW) == (first, False)
    for different in (
        new_link(url="https://example.com/other"),
        new_link(utm_source="x"),
        new_link(domain="localhost:8000"),
        new_link(slug="asked-for"),
        new_link(password="secret"),
        new_link(valid_since=NOW),
        new_link(expires_at=NOW + DAY),
        new_link(max_clicks=5),
    ):
        assert (await find_or_create_link(context, actor, different, NOW))[1]
    assert (await find_or_create_link(context, stranger, new_link(), NOW))[1]


@pytest.mark.parametrize(
    "change", [{"is_active": False}, {"expires_at": NOW + 1}, {"valid_since": NOW + DAY}]
)
async def test_a_link_that_leads_nowhere_is_not_found_again(
    context: LinkContext, actor: Actor, change: dict[str, Any]
) -> None:
    first = await make_link(context, actor)
    await change_link(context, actor, first.id, LinkChange(**change), NOW)
    second, is_new = await find_or_create_link(context, actor, new_link(), NOW + HOUR)
    assert is_new
    await delete_link(context, actor, second.id, NOW)
    assert (await find_or_create_link(context, actor, new_link(), NOW + HOUR))[1]


@pytest.mark.parametrize(
    ("before", "change", "fault"),
    [
        ({}, {"valid_since": NOW + 5, "expires_at": NOW + 5}, "valid_since"),
        ({"expires_at": NOW + 5}, {"valid_since": NOW + 5}, "valid_since"),
        ({"valid_since": NOW + 5}, {"expires_at": NOW + 5}, "expires_at"),
        ({"valid_since": NOW + 5, "expires_at": NOW + 6}, {"valid_since": NOW + 6}, "valid_since"),
    ],
)
async def test_a_link_begins_before_it_ends(
    context: LinkContext,
    actor: Actor,
    before: dict[str, Any],
    change: dict[str, Any],
    fault: str,
) -> None:
    link = await make_link(context, actor, **before)
    with pytest.raises(InvalidFieldsError) as raised:
        await change_link(context, actor, link.id, LinkChange(**change), NOW)
    assert set(raised.value.fields) == {fault}
    if not before:
        with pytest.raises(InvalidFieldsError) as raised:
            await make_link(context, actor, **change)
        assert set(raised.value.fields) == {fault}


async def test_a_link_that_has_begun_and_ended_can_still_be_renamed(
    context: LinkContext, actor: Actor
) -> None:
    link = await make_link(context, actor, valid_since=NOW - 9, expires_at=NOW + 1)
    renamed = await change_link(context, actor, link.id, LinkChange(title="Over"), NOW + DAY)
    assert (renamed.valid_since, renamed.expires_at) == (NOW - 9, NOW + 1)
    open_ended = LinkChange(valid_since=NOW + DAY, expires_at=None)
    assert (await change_link(context, actor, link.id, open_ended, NOW)).valid_since == NOW + DAY


async def test_of_many_who_find_or_create_at_once_one_creates(
    context: LinkContext, actor: Actor
) -> None:
    results = await asyncio.gather(
        *(find_or_create_link(context, actor, new_link(), NOW) for _ in range(20))
    )
    assert sum(is_new for _, is_new in results) == 1
    assert len({link.id for link, _ in results}) == 1


async def test_what_must_be_remembered_is_committed_with_the_link(
    context: LinkContext, actor: Actor
) -> None:
    def remember(tx: Transaction, link: Link) -> None:
        tx.execute("insert into server_state values ('link', $1)", str(link.id))

    def fail(tx: Transaction, link: Link) -> None:
        raise SlugTakenError(link.slug, "x")

    link = await create_link(context, actor, new_link(), NOW, remember)
    row = reader(context.db).find_one("select value from server_state where name = 'link'")
    assert row is not None
    assert row["value"] == str(link.id)
    with pytest.raises(SlugTakenError):
        await create_link(context, actor, new_link(slug="gone"), NOW, fail)
    assert reader(context.db).find_one("select 1 from links where slug = 'gone'") is None


async def test_only_what_is_given_changes(context: LinkContext, actor: Actor) -> None:
    link = await make_link(
        context, actor, title="Old", utm_source="mail", max_clicks=9, tag_names=("a", "b")
    )
    changed = await change_link(context, actor, link.id, LinkChange(title="New"), NOW + 5)
    assert changed == replace(link, title="New", updated_at=NOW + 5, edit_count=1)
    cleared = await change_link(
        context,
        actor,
        link.id,
        LinkChange(title=None, utm_source=None, max_clicks=None, tag_names=("b",)),
        NOW + 6,
    )
    assert (cleared.title, cleared.utm_source, cleared.max_clicks) == (None, None, None)
    assert cleared.url == "https://example.com/page"
    assert [tag.name for tag in cleared.tags] == ["b"]
    assert await get_link(context, actor, link.id) == cleared


async def test_a_change_that_changes_nothing_is_no_edit(context: LinkContext, actor: Actor) -> None:
    link = await make_link(context, actor, title="Same")
    assert await change_link(context, actor, link.id, LinkChange(), NOW + 5) == link
    assert await change_link(context, actor, link.id, LinkChange(title="Same"), NOW + 5) == link
    assert "edits_per_month" not in await count_used(context, actor)


async def test_a_slug_and_a_domain_can_be_changed(context: LinkContext, actor: Actor) -> None:
    link = await make_link(context, actor, slug="old")
    await make_link(context, actor, slug="taken")
    assert await context.lookup.find(link.domain_id, "old") is not None
    assert await context.lookup.find(link.domain_id, "new") is None
    moved = await change_link(context, actor, link.id, LinkChange(slug="new"), NOW)
    assert await context.lookup.find(link.domain_id, "old") is None
    assert await context.lookup.find(link.domain_id, "new") is not None
    with pytest.raises(SlugTakenError):
        await change_link(context, actor, link.id, LinkChange(slug="taken"), NOW)
    moved = await change_link(context, actor, link.id, LinkChange(domain="localhost:8000"), NOW)
    assert moved.short_url == "http://localhost:8000/new"


async def test_a_change_is_checked_like_a_new_link(context: LinkContext, actor: Actor) -> None:
    link = await make_link(context, actor)
    change = LinkChange(
        url="https://evil.example", slug="api", domain="x.example", expires_at=1, tag_ids=(5,)
    )
    with pytest.raises(InvalidFieldsError) as raised:
        await change_link(context, actor, link.id, change, NOW)
    assert set(raised.value.fields) == {"url", "slug", "domain", "expires_at", "tag_ids"}
    with pytest.raises(InvalidFieldsError) as raised:
        await change_link(context, actor, link.id, LinkChange(link_type="TEL"), NOW)
    assert set(raised.value.fields) == {"url"}


async def test_rules_made_later_do_not_keep_an_old_link_from_being_renamed(
    context: LinkContext, actor: Actor, db: Database
) -> None:
    link = await make_link(context, actor, expires_at=NOW + 1)
    await db.write(lambda tx: tx.execute("update links set slug = 'api', slug_key = 'api'"))
    await db.write(
        lambda tx: tx.execute(
            "update links set original_url = 'https://evil.example/', url = 'https://evil.example/'"
        )
    )
    changed = await change_link(context, actor, link.id, LinkChange(title="x"), NOW + DAY)
    assert (changed.slug, changed.url, changed.title) == ("api", "https://evil.example/", "x")


async def test_a_password_can_be_set_kept_and_taken_away(
    context: LinkContext, actor: Actor
) -> None:
    link = await make_link(context, actor, password="one", is_password_asked=False)
    assert not link.is_password_asked
    kept = await change_link(context, actor, link.id, LinkChange(title="x"), NOW)
    assert kept.password_hash == link.password_hash
    changed = await change_link(context, actor, link.id, LinkChange(password="two"), NOW)
    assert changed.is_password_asked
    assert changed.password_hash is not None
    assert await is_password_right(changed.password_hash, "two")
    cleared = await change_link(context, actor, link.id, LinkChange(password=None), NOW)
    assert cleared.password_hash is None
    with pytest.raises(InvalidFieldsError, match="password: must not be empty"):
        await change_link(context, actor, link.id, LinkChange(password=""), NOW)


async def test_no_edit_is_lost_among_many_at_once(context: LinkContext, actor: Actor) -> None:
    link = await make_link(context, actor)
    changes = [LinkChange(title="t"), LinkChange(utm_source="s"), LinkChange(max_clicks=7)]
    await asyncio.gather(*(change_link(context, actor, link.id, each, NOW) for each in changes))
    after = await get_link(context, actor, link.id)
    assert (after.title, after.utm_source, after.max_clicks) == ("t", "s", 7)
    assert after.edit_count == 3


async def test_many_changes_of_one_field_at_once_are_all_made(
    context: LinkContext, actor: Actor
) -> None:
    link = await make_link(context, actor)
    change = [LinkChange(title=f"t{number}") for number in range(60)]
    changed = await asyncio.gather(
        *(change_link(context, actor, link.id, each, NOW) for each in change)
    )
    assert [each.title for each in changed] == [each.title for each in change]
    after = await get_link(context, actor, link.id)
    assert (after, after.edit_count) == (changed[-1], 60)
    many = await asyncio.gather(
        *(change_links(context, actor, [link.id], each, NOW) for each in change)
    )
    assert all(isinstance(outcome, Link) for outcomes in many for outcome in outcomes)


async def test_only_so_many_links_at_once_may_have_passwords(
    context: LinkContext, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "MAX_PASSWORDS", 3)
    passwords = ["a", None, "b", "c", "d", None]
    news = [new_link(password=password) for password in passwords]
    outcomes = await create_links(context, actor, news, NOW)
    for password, made in zip(passwords, outcomes, strict=True):
        if password == "d":
            assert isinstance(made, InvalidFieldsError)
            assert "3 links at once" in made.fields["password"]
            continue
        assert isinstance(made, Link)
        if password is None:
            assert made.password_hash is None
        else:
            assert made.password_hash is not None
            assert await is_password_right(made.password_hash, password)


async def test_a_deleted_link_is_gone_and_its_slug_free(context: LinkContext, actor: Actor) -> None:
    link = await make_link(context, actor, slug="again")
    assert await context.lookup.find(link.domain_id, "again") is not None
    await delete_link(context, actor, link.id, NOW)
    assert await context.lookup.find(link.domain_id, "again") is None
    with pytest.raises(NotFoundError):
        await get_link(context, actor, link.id)
    with pytest.raises(NotFoundError):
        await delete_link(context, actor, link.id, NOW)
    assert (await make_link(context, actor, slug="again")).id != link.id
    assert await context.lookup.find(link.domain_id, "again") is not None
    row = reader(context.db).find_one("select total from link_counters where link_id = $1", link.id)
    assert row is not None


async def test_a_restored_link_is_as_it_was(context: LinkContext, actor: Actor) -> None:
    link = await make_link(
        context,
        actor,
        slug="back",
        title="Needle",
        password="pw",
        tag_names=("t",),
        qr_settings=QrSettings(color="#123456"),
        is_link_in_bio=True,
    )
    used = await count_used(context, actor)
    await context.db.write(lambda tx: tx.execute(COUNT_CLICK, link.id))
    await delete_link(context, actor, link.id, NOW)
    assert await context.lookup.find(link.domain_id, "back") is None
    restored = await restore_link(context, actor, link.id, NOW + 400 * DAY)
    assert restored == replace(link, updated_at=NOW + 400 * DAY, clicks=5)
    assert await get_link(context, actor, link.id) == restored
    assert await context.lookup.find(link.domain_id, "back") is not None
    assert await count_used(context, actor) == used
    for wanted in (LinkFilter(search="needle"), LinkFilter(sort="-clickCount")):
        assert (await list_links(context, actor, wanted)).links == (restored,)


async def test_a_restore_while_the_clock_goes_back_is_later_than_what_was_before(
    context: LinkContext, actor: Actor
) -> None:
    link = await make_link(context, actor)
    used = await count_used(context, actor)
    await delete_link(context, actor, link.id, NOW)
    assert (
        await restore_link(context, actor, link.id, NOW - DAY)
    ).updated_at == link.updated_at + 1
    await delete_link(context, actor, link.id, NOW - DAY)
    restored = await restore_link(context, actor, link.id, NOW - DAY)
    assert restored.updated_at == link.updated_at + 2
    assert await get_link(context, actor, link.id) == restored
    assert await count_used(context, actor) == used


async def test_a_link_whose_slug_was_taken_since_stays_deleted(
    context: LinkContext, actor: Actor, stranger: Actor
) -> None:
    link = await make_link(context, actor, slug="mine")
    await delete_link(context, actor, link.id, NOW)
    await make_link(context, stranger, slug="mine")
    with pytest.raises(SlugTakenError):
        await restore_link(context, actor, link.id, NOW)
    assert await count_used(context, actor) == {"links_per_month": 1}


async def test_only_what_the_workspace_has_deleted_is_restored(
    context: LinkContext, actor: Actor, stranger: Actor
) -> None:
    live, gone = await make_link(context, actor), await make_link(context, actor)
    public = await make_link(context, actor, is_public=True)
    for link in (gone, public):
        await delete_link(context, actor, link.id, NOW)
    for who, link_id in ((actor, live.id), (stranger, gone.id), (actor, public.id), (actor, 99)):
        with pytest.raises(NotFoundError):
            await restore_link(context, who, link_id, NOW)
    with pytest.raises(ForbiddenError):
        await restore_link(context, replace(actor, role="viewer"), gone.id, NOW)


async def test_a_link_comes_back_only_where_the_plan_has_room(
    context: LinkContext, actor: Actor
) -> None:
    poor = replace(actor, plan=SMALL)
    gone = await make_link(context, poor, qr_settings=QrSettings())
    await delete_link(context, poor, gone.id, NOW)
    other = await make_link(context, poor, qr_settings=QrSettings())
    with pytest.raises(QuotaExceededError) as raised:
        await restore_link(context, poor, gone.id, NOW)
    assert raised.value.quota == "qr_codes"
    await delete_link(context, poor, other.id, NOW)
    assert (await restore_link(context, poor, gone.id, NOW)).id == gone.id


async def test_a_public_link_of_a_person_lives_one_hour(context: LinkContext, actor: Actor) -> None:
    link = await make_link(context, actor, is_public=True, expires_at=NOW + DAY)
    assert link.expires_at == NOW + HOUR
    kept = await change_link(context, actor, link.id, LinkChange(expires_at=NOW + DAY), NOW)
    assert kept.expires_at == NOW + HOUR
