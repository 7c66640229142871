"""What one workspace, domain or link has is never read, counted or changed for its neighbours."""

from typing import Any

import pytest
from msgspec.structs import replace

from shorty.accounts.model import Actor
from shorty.errors import AlreadyExistsError, InvalidFieldsError, NotFoundError
from shorty.links import pictures, store, tags, utm_templates
from shorty.links.address_store import find_slug_faults
from shorty.links.context import LinkContext
from shorty.links.icons import set_icons
from shorty.links.imported_history import Counts, Past, keep_pasts
from shorty.links.listing import list_links
from shorty.links.model import LinkChange, LinkFilter, QrSettings
from shorty.links.pictures import Picture, create_picture, find_logo_faults
from shorty.links.service import (
    change_link,
    delete_link,
    find_links,
    get_link,
    has_link,
    restore_link,
)
from shorty.links.store import find_code
from shorty.links.tags import NewTag, TagChange
from shorty.links.utm_templates import NewUtmTemplate, UtmTemplateChange
from shorty.storage.database import Database, Transaction
from tests.links.making import make_link
from tests.reading import reader
from tests.support import DAY, NOW, make_colleague

HOSTS = ("go.example", "localhost:8000")


async def read(db: Database, sql: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in await db.find_all(sql)]


async def show_on_page(context: LinkContext, page_id: int, target_id: int) -> None:
    sql = (
        "insert into bio_blocks (page_id, position, kind, target_id, created_at)"
        " values ($1, 0, 'link', $2, 0)"
    )
    await context.db.write(lambda tx: tx.execute(sql, page_id, target_id))


async def test_a_link_comes_with_its_own_domain_creator_tags_and_counts(
    context: LinkContext, actor: Actor
) -> None:
    colleague = await make_colleague(context.db, actor, "editor")
    bob = replace(actor, user_id=colleague.user.id, user_name="bob", user_email="bob@a.example")
    one = await make_link(context, actor, domain=HOSTS[0], tag_names=("a", "b"))
    two = await make_link(context, bob, domain=HOSTS[1], tag_names=("c", "b"))
    sql = "update link_counters set clicks = link_id * 10, scans = link_id, total = link_id * 11"
    await context.db.write(lambda tx: tx.execute(sql))
    made = [replace(each, clicks=each.id * 10, scans=each.id) for each in (one, two)]
    names = [[tag.name for tag in each.tags] for each in made]
    assert (names, [each.host for each in made]) == ([["a", "b"], ["c", "b"]], list(HOSTS))
    assert [each.created_by and each.created_by.name for each in made] == ["ann", "bob"]
    assert [await get_link(context, actor, each.id) for each in made] == made
    assert await find_links(context, actor, [two.id, one.id]) == made[::-1]
    assert list((await list_links(context, actor, LinkFilter(sort="clickCount"))).links) == made


async def test_a_link_names_the_first_live_page_that_shows_it(
    context: LinkContext, actor: Actor
) -> None:
    one, two = await make_link(context, actor), await make_link(context, actor)
    gone, first, second = [await make_link(context, actor, is_link_in_bio=True) for _ in range(3)]
    for page, target in ((gone, one), (gone, two), (first, two), (second, one)):
        await show_on_page(context, page.id, target.id)
    await delete_link(context, actor, gone.id, NOW)
    shown = [(await get_link(context, actor, each.id)).bio_page_id for each in (one, two)]
    assert shown == [second.id, first.id]
    for each, page in ((one, second), (two, first)):
        turned = await change_link(context, actor, each.id, LinkChange(is_link_in_bio=True), NOW)
        assert turned.bio_page_id == each.id
        back = await change_link(context, actor, each.id, LinkChange(is_link_in_bio=False), NOW)
        assert back.bio_page_id == page.id


async def test_what_is_done_to_a_link_is_done_to_that_one_alone(
    context: LinkContext, actor: Actor, stranger: Actor
) -> None:
    links = [
        await make_link(context, who, url="https://a.example/", slug=slug, tag_names=("x", "y"))
        for who, slug in ((actor, "zero"), (actor, "one"), (stranger, "two"), (actor, "three"))
    ]
    zero, one, two, three = (link.id for link in links)
    fresh = {"title": None, "deleted_at": None, "favicon_url": "", "is_live": 1, "tags": 2}
    state: dict[str, dict[int, Any]] = {
        name: dict.fromkeys((zero, one, two, three), value) for name, value in fresh.items()
    }

    async def check() -> None:
        rows = await context.db.find_all(
            "select l.id, l.title, l.deleted_at, l.favicon_url, c.is_live,"
            " (select count(*) from link_tags t where t.link_id = l.id) as tags"
            " from links l join link_counters c on c.link_id = l.id order by l.id"
        )
        found = {name: {row["id"]: row[name] for row in rows} for name in state}
        assert found == state

    await check()
    await change_link(context, actor, one, LinkChange(title="One", tag_names=("z",)), NOW)
    state["title"][one], state["tags"][one] = "One", 1
    await check()
    titled = await context.db.write(lambda tx: store.set_title(tx, three, "Three", NOW + 1))
    assert titled
    assert not await context.db.write(lambda tx: store.set_title(tx, one, "Other", NOW + 1))
    state["title"][three] = "Three"
    await check()
    await context.db.write(lambda tx: set_icons(tx, [(one, "https://a.example/")], "/i.png"))
    state["favicon_url"][one] = "/i.png"
    await check()
    for who, link_id in ((stranger, one), (actor, two), (actor, 99)):
        with pytest.raises(NotFoundError):
            await delete_link(context, who, link_id, NOW)
        assert not await has_link(context, who, link_id)
        assert await find_links(context, who, [link_id]) == []
    await check()
    for link_id in (one, three):
        await delete_link(context, actor, link_id, NOW + link_id)
        assert not await has_link(context, actor, link_id)
        state["deleted_at"][link_id], state["is_live"][link_id] = NOW + link_id, 0
        await check()
    for who, link_id in ((stranger, three), (actor, zero)):
        with pytest.raises(NotFoundError):
            await restore_link(context, who, link_id, NOW)
    restored = await restore_link(context, actor, three, NOW + DAY)
    assert (restored.id, restored.slug, len(restored.tags)) == (three, "three", 2)
    state["deleted_at"][three], state["is_live"][three] = None, 1
    await check()
    assert await has_link(context, actor, three)
    assert await has_link(context, stranger, two)


async def test_a_slug_a_code_and_a_count_belong_to_one_domain(
    context: LinkContext, actor: Actor, stranger: Actor
) -> None:
    code = QrSettings()
    one = await make_link(context, actor, domain=HOSTS[0], slug="same", qr_settings=code)
    two = await make_link(context, stranger, domain=HOSTS[1], slug="same", qr_settings=code)
    other = await make_link(context, stranger, domain=HOSTS[1], slug="other")
    domains = (one.domain_id, two.domain_id)
    found = [await find_code(context.db, domain_id, "same") for domain_id in domains]
    assert [each and each.id for each in found] == [one.id, two.id]
    assert await find_code(context.db, one.domain_id, "other") is None
    assert [await store.count_of_domain(context.db, domain_id) for domain_id in domains] == [1, 2]

    def ask(tx: Transaction) -> list[bool]:
        wanted = (
            *((one, "same", one), (one, "other", one), (two, "same", two), (two, "same", other)),
            *((two, "Same", one), (two, "Same", two), (two, "Same", other)),
        )
        return [
            find_slug_faults(tx, link.workspace_id, [replace(on.address, slug=slug)], link.id, NOW)
            == ["taken"]
            for on, slug, link in wanted
        ]

    assert await context.db.write(ask) == [False, False, False, True, True, False, False]
    moved = await change_link(context, stranger, other.id, LinkChange(domain=HOSTS[0]), NOW)
    assert moved.short_url == "https://go.example/other"


async def test_the_past_of_a_link_is_its_own(context: LinkContext, actor: Actor) -> None:
    links = [await make_link(context, actor) for _ in range(3)]
    counts = Counts(clicks=5, scans=4, bio_clicks=3, bots=2, last_click_at=NOW - 1)
    past = Past(
        created_at=NOW - DAY, updated_at=NOW - 9, edit_count=7, is_admin_blocked=True, counts=counts
    )
    await context.db.write(lambda tx: keep_pasts(tx, actor.workspace_id, [(links[1].id, past)]))
    await context.db.write(
        lambda tx: keep_pasts(tx, actor.workspace_id, [(links[2].id, Past(created_at=NOW - 5))])
    )
    assert await read(
        context.db,
        "select created_at, updated_at, edit_count, is_admin_blocked from links order by id",
    ) == [(NOW, NOW, 0, 0), (NOW - DAY, NOW - 9, 7, 1), (NOW - 5, NOW - 5, 0, 0)]
    counted = (
        "select clicks, scans, bio_clicks, bots, last_click_at, total from link_counters"
        " order by link_id"
    )
    none = (0, 0, 0, 0, None, 0)
    assert await read(context.db, counted) == [none, (5, 4, 3, 2, NOW - 1, 12), none]
    # Counts never fall, and each is raised by itself.
    more = replace(past, counts=Counts(clicks=6, scans=1, bio_clicks=4, bots=1, last_click_at=NOW))
    await context.db.write(lambda tx: keep_pasts(tx, actor.workspace_id, [(links[1].id, more)]))
    assert await read(context.db, counted) == [none, (6, 4, 4, 2, NOW, 14), none]


async def test_tags_belong_to_one_workspace(
    context: LinkContext, actor: Actor, stranger: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = context.db
    wanted = (
        (stranger, "Zeta", "#000001"),
        (actor, "Press", "#000002"),
        (stranger, "press", "#000003"),
        (actor, "News", "#000004"),
    )
    zeta, press, theirs, news = [
        await db.write(
            lambda tx, who=who, name=name, color=color: tags.create_tag(
                tx, who, NewTag(name=name, color=color), NOW
            )
        )
        for who, name, color in wanted
    ]
    ours, others = actor.workspace_id, stranger.workspace_id
    assert await tags.list_tags(db, ours) == [news, press]
    assert await tags.list_tags(db, others) == [theirs, zeta]
    assert await tags.list_tags(db, ours, after=news.id) == [press]
    assert await tags.list_tags(db, ours, after=press.id) == []
    assert await tags.list_tags(db, ours, after=zeta.id) == [news, press]
    assert await tags.get_tag(db, ours, news.id) == news
    assert await tags.find_unknown_tags(db, ours, [news.id, zeta.id]) == [zeta.id]
    for made in (tags.make_tags, tags.make_colored_tags):
        names: Any = ["PRESS"] if made is tags.make_tags else [NewTag(name="PRESS")]
        both = [
            await db.write(lambda tx, made=made, names=names, each=each: made(tx, each, names, NOW))
            for each in (ours, others)
        ]
        assert both == [[press], [theirs]]
    with pytest.raises(NotFoundError):
        await db.write(lambda tx: tags.change_tag(tx, actor, zeta.id, TagChange(name="x")))
    with pytest.raises(NotFoundError):
        await db.write(lambda tx: tags.delete_tag(tx, actor, zeta.id))
    with pytest.raises(NotFoundError):
        await tags.get_tag(db, ours, zeta.id)
    with pytest.raises(AlreadyExistsError):
        await db.write(lambda tx: tags.change_tag(tx, actor, news.id, TagChange(name="press")))
    renamed = await db.write(
        lambda tx: tags.change_tag(tx, actor, news.id, TagChange(name="Zeta", color="#00000A"))
    )
    assert (renamed.id, renamed.name, renamed.color) == (news.id, "Zeta", "#00000a")
    assert await tags.list_tags(db, ours) == [press, renamed]
    assert await tags.list_tags(db, others) == [theirs, zeta]
    link = await make_link(context, actor, tag_ids=(press.id, news.id))
    await db.write(lambda tx: tags.delete_tag(tx, actor, press.id))
    assert (await get_link(context, actor, link.id)).tags == (renamed,)
    assert await tags.list_tags(db, ours) == [renamed]
    assert await tags.list_tags(db, others) == [theirs, zeta]
    monkeypatch.setattr(tags, "MAX_TAGS", 2)
    await db.write(lambda tx: tags.create_tag(tx, actor, NewTag(name="second"), NOW))
    with pytest.raises(InvalidFieldsError) as raised:
        await db.write(lambda tx: tags.create_tag(tx, actor, NewTag(name="third"), NOW))
    assert raised.value.fields == {"name": "cannot be added; the limit of 2 tags is reached"}


async def test_utm_templates_belong_to_one_workspace(
    context: LinkContext, actor: Actor, stranger: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = context.db
    wanted = ((stranger, "Mail"), (actor, "mail"), (actor, "Autumn"), (stranger, "Zeta"))
    theirs, mail, autumn, zeta = [
        await db.write(
            lambda tx, who=who, name=name: utm_templates.create_template(
                tx, who, NewUtmTemplate(name=name, utm_source=f"{who.user_name}-{name}"), NOW
            )
        )
        for who, name in wanted
    ]
    ours, others = actor.workspace_id, stranger.workspace_id
    assert (mail.utm_source, mail.utm_medium, mail.created_at) == ("ann-mail", None, NOW)
    assert await utm_templates.list_templates(db, ours) == [autumn, mail]
    assert await utm_templates.list_templates(db, others) == [theirs, zeta]
    assert await utm_templates.get_template(db, ours, autumn.id) == autumn
    change = UtmTemplateChange(name="Other")
    with pytest.raises(NotFoundError):
        await db.write(lambda tx: utm_templates.change_template(tx, actor, theirs.id, change))
    for template_id in (theirs.id, 99):
        with pytest.raises(NotFoundError):
            await db.write(
                lambda tx, each=template_id: utm_templates.delete_template(tx, actor, each)
            )
    with pytest.raises(NotFoundError):
        await utm_templates.get_template(db, ours, theirs.id)
    with pytest.raises(AlreadyExistsError):
        await db.write(
            lambda tx: utm_templates.change_template(
                tx, actor, autumn.id, UtmTemplateChange(name="MAIL")
            )
        )
    renamed = await db.write(
        lambda tx: utm_templates.change_template(
            tx, actor, autumn.id, UtmTemplateChange(name="Zeta", utm_source=None, utm_id="7")
        )
    )
    assert renamed == replace(autumn, name="Zeta", utm_source=None, utm_id="7")
    assert await utm_templates.list_templates(db, ours) == [mail, renamed]
    await db.write(lambda tx: utm_templates.delete_template(tx, actor, renamed.id))
    assert await utm_templates.list_templates(db, ours) == [mail]
    assert await utm_templates.list_templates(db, others) == [theirs, zeta]
    monkeypatch.setattr(utm_templates, "MAX_TEMPLATES", 2)
    for name, fits in (("second", True), ("third", False)):
        new = NewUtmTemplate(name=name)
        if fits:
            await db.write(lambda tx, new=new: utm_templates.create_template(tx, actor, new, NOW))
            continue
        with pytest.raises(InvalidFieldsError, match="the limit of 2 templates is reached"):
            await db.write(lambda tx, new=new: utm_templates.create_template(tx, actor, new, NOW))


async def test_pictures_belong_to_one_workspace(
    context: LinkContext, actor: Actor, stranger: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = context.db

    async def upload(who: Actor, purpose: pictures.Purpose, png: bytes) -> pictures.StoredPicture:
        picture = Picture(png=png, width=len(png), height=9)
        return await db.write(lambda tx: create_picture(tx, who, purpose, " A  cup ", picture, NOW))

    theirs = await upload(stranger, "image", b"one")
    image = await upload(actor, "image", b"one")
    other = await upload(actor, "image", b"four")
    avatar = await upload(actor, "avatar", b"fives")
    logo = await upload(actor, "logo", b"sixsix")
    ours, others = actor.workspace_id, stranger.workspace_id
    assert (image.name, image.width, image.height, image.created_at) == ("A cup", 3, 9, NOW)
    assert image.path == theirs.path != other.path
    assert logo.key == ""
    assert await pictures.list_pictures(db, ours, ("image",)) == [image, other]
    assert await pictures.list_pictures(db, ours, ("avatar", "image")) == [image, other, avatar]
    assert await pictures.list_pictures(db, others, ("avatar", "image")) == [theirs]
    assert await pictures.get_picture(db, ours, other.id, ("avatar", "image")) == other
    assert await pictures.find_content(db, ours, other.id, "image") == Picture(
        png=b"four", width=4, height=9
    )
    assert pictures.find_picture(reader(db), ours, other.id, "image") == other
    for picture_id in (theirs.id, avatar.id, 99):
        assert pictures.find_picture(reader(db), ours, picture_id, "image") is None
        assert await pictures.find_content(db, ours, picture_id, "image") is None
        with pytest.raises(NotFoundError, match="Picture"):
            await pictures.get_picture(db, ours, picture_id, ("image",))
        with pytest.raises(NotFoundError, match="Picture"):
            await db.write(
                lambda tx, each=picture_id: pictures.delete_picture(tx, actor, each, ("image",))
            )
    assert find_logo_faults(reader(db), ours, QrSettings(qr_logo_id=logo.id)) == {}
    assert set(find_logo_faults(reader(db), others, QrSettings(qr_logo_id=logo.id))) == {
        "qr_settings"
    }
    same = [
        await pictures.find_same_picture(db, each, "image", "A cup", b"one")
        for each in (ours, others)
    ]
    assert same == [image.id, theirs.id]
    found = await db.write(
        lambda tx: pictures.find_or_create_picture(
            tx, actor, "image", "A cup", Picture(png=b"one", width=3, height=9), NOW
        )
    )
    assert found == image.id
    monkeypatch.setitem(pictures.MOST, "image", 3)
    await upload(actor, "image", b"third")
    with pytest.raises(InvalidFieldsError, match="the limit of 3 images is reached"):
        await upload(actor, "image", b"fourth")


async def test_a_deleted_picture_is_gone_from_where_it_was_and_no_other_is(
    context: LinkContext, actor: Actor
) -> None:
    db = context.db
    pages = [await make_link(context, actor, is_link_in_bio=True) for _ in range(2)]
    made = [
        await db.write(
            lambda tx, png=png: create_picture(
                tx, actor, "image", "", Picture(png=png, width=1, height=1), NOW
            )
        )
        for png in (b"a", b"b")
    ]
    for page, picture in zip(pages, made, strict=True):
        await db.write(
            lambda tx, page=page, picture=picture: [
                tx.execute(
                    "insert into bio_blocks (page_id, position, kind, picture_id, created_at)"
                    " values ($1, 0, 'image', $2, 0)",
                    page.id,
                    picture.id,
                ),
                tx.execute(
                    "insert into bio_pages"
                    " (link_id, picture_id, avatar, theme, socials, updated_at)"
                    " values ($1, $2, 'picture', 'paper', '[]', 0)",
                    page.id,
                    picture.id,
                ),
            ]
        )
    await db.write(lambda tx: pictures.delete_picture(tx, actor, made[0].id, ("image",)))
    assert await read(db, "select page_id, picture_id from bio_blocks") == [
        (pages[1].id, made[1].id)
    ]
    assert await read(db, "select link_id, picture_id from bio_pages order by link_id") == [
        (pages[0].id, None),
        (pages[1].id, made[1].id),
    ]
    assert await pictures.list_pictures(db, actor.workspace_id, ("image",)) == [made[1]]
    logo = await db.write(
        lambda tx: pictures.create_picture(
            tx, actor, "logo", "", Picture(png=b"c", width=1, height=1), NOW
        )
    )
    assert (logo.name, logo.purpose) == ("Logo", "logo")
