"""The recorded history of a link's changes."""

from typing import Any

import pytest
from msgspec.structs import replace

from shorty.accounts.model import Actor
from shorty.errors import QuotaExceededError
from shorty.links import history
from shorty.links.context import LinkContext
from shorty.links.history import TEXT_LENGTH, LinkEdit, list_edits
from shorty.links.model import Creator, LinkChange, QrSettings
from shorty.links.service import (
    change_link,
    change_links,
    delete_link,
    delete_links,
    restore_link,
    restore_links,
)
from tests.links.conftest import SMALL
from tests.links.making import make_link
from tests.support import NOW, make_colleague


async def tell(context: LinkContext, actor: Actor, link_id: int) -> list[LinkEdit]:
    return await list_edits(context.db, actor.workspace_id, link_id)


async def test_each_edit_says_who_when_and_what(context: LinkContext, actor: Actor) -> None:
    link = await make_link(context, actor, slug="old", title="Old", tag_names=("a",))
    assert await tell(context, actor, link.id) == []
    change = LinkChange(
        slug="new",
        title=None,
        url="https://other.example/",
        domain="localhost:8000",
        tag_names=("b", "c"),
        is_active=False,
        max_clicks=5,
        webhook_urls=("https://hook.example/",),
        qr_settings=QrSettings(color="#123456"),
    )
    await change_link(context, actor, link.id, change, NOW + 1)
    assert await tell(context, actor, link.id) == [
        LinkEdit(
            id=1,
            link_id=link.id,
            at=NOW + 1,
            kind="edited",
            changes={
                "url": ("https://example.com/page", "https://other.example/"),
                "domain": ("go.example", "localhost:8000"),
                "slug": ("old", "new"),
                "title": ("Old", None),
                "max_clicks": (None, 5),
                "is_active": (True, False),
                "webhook_urls": ([], ["https://hook.example/"]),
                "qr_settings": (None, {"color": "#123456"}),
                "tags": (["a"], ["b", "c"]),
            },
            by=Creator(id=actor.user_id, name="ann", email="ann@a.example"),
        )
    ]


async def test_deleting_and_restoring_are_told(context: LinkContext, actor: Actor) -> None:
    link, other = await make_link(context, actor), await make_link(context, actor)
    ids = [link.id, other.id]
    await delete_link(context, actor, link.id, NOW + 1)
    await restore_link(context, actor, link.id, NOW + 2)
    await change_links(context, actor, ids, LinkChange(title="T"), NOW + 3)
    await delete_links(context, actor, ids, NOW + 4)
    await restore_links(context, actor, ids, NOW + 5)
    told = [(edit.kind, edit.at) for edit in await tell(context, actor, link.id)]
    assert told == [
        ("restored", NOW + 5),
        ("deleted", NOW + 4),
        ("edited", NOW + 3),
        ("restored", NOW + 2),
        ("deleted", NOW + 1),
    ]
    assert len(await tell(context, actor, other.id)) == 3


async def test_a_password_is_never_told(context: LinkContext, actor: Actor) -> None:
    link = await make_link(context, actor)
    for password in ("first secret", "second secret", None):
        await change_link(context, actor, link.id, LinkChange(password=password), NOW + 1)
    told = [edit.changes["password"] for edit in await tell(context, actor, link.id)]
    assert told == [("set", None), ("set", "changed"), (None, "set")]
    rows = await context.db.find_all("select changes from link_edits")
    kept = "".join(row["changes"] for row in rows)
    assert "secret" not in kept
    assert "argon" not in kept


async def test_long_texts_are_cut(context: LinkContext, actor: Actor) -> None:
    link = await make_link(context, actor)
    await change_link(context, actor, link.id, LinkChange(description="x" * 2000), NOW + 1)
    (edit,) = await tell(context, actor, link.id)
    assert edit.changes == {"description": (None, "x" * (TEXT_LENGTH - 1) + "…")}


async def test_what_changes_nothing_or_fails_is_not_told(
    context: LinkContext, actor: Actor
) -> None:
    link = await make_link(context, actor, title="Same")
    changes: list[dict[str, Any]] = [{}, {"title": "Same"}, {"title": " Same "}]
    for change in changes:
        await change_link(context, actor, link.id, LinkChange(**change), NOW + 1)
    poor = replace(actor, plan=replace(SMALL, edits_per_month=0))
    with pytest.raises(QuotaExceededError):
        await change_link(context, poor, link.id, LinkChange(title="Other"), NOW + 1)
    assert await tell(context, actor, link.id) == []


async def test_the_last_edits_are_kept_and_told_page_by_page(
    context: LinkContext, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "KEPT", 5)
    other, busy, link = [await make_link(context, actor) for _ in range(3)]
    for number in range(11):
        for each in (other,) if number < 3 else (busy, link):
            change = LinkChange(title=f"T{number}")
            await change_link(context, actor, each.id, change, NOW + number)
    kept = [edit.changes["title"][1] for edit in await tell(context, actor, other.id)]
    assert kept == ["T2", "T1", "T0"]
    titles: list[str] = []
    before = None
    while page := await list_edits(context.db, actor.workspace_id, link.id, before, 2):
        titles += [edit.changes["title"][1] for edit in page]
        before = page[-1].id
    assert titles == ["T10", "T9", "T8", "T7", "T6"]


async def test_a_colleague_is_called_as_the_workspace_does(
    context: LinkContext, actor: Actor, stranger: Actor
) -> None:
    rename = "update members set name = $3 where user_id = $1 and workspace_id = $2"
    for employer, name in ((actor, "Bobby"), (stranger, "Robert")):
        user = (await make_colleague(context.db, employer, "editor")).user
        values = (user.id, employer.workspace_id, name)
        await context.db.write(lambda tx, values=values: tx.execute(rename, *values))
        link = await make_link(context, employer)
        bob = replace(employer, user_id=user.id, role="editor")
        await change_link(context, bob, link.id, LinkChange(title="T"), NOW + 1)
        await change_link(context, employer, link.id, LinkChange(title="U"), NOW + 2)
        owner, editor = await tell(context, employer, link.id)
        assert editor.by == Creator(id=user.id, name=name, email="bob@a.example")
        assert owner.by.email == employer.user_email


async def test_another_workspace_sees_no_history(
    context: LinkContext, actor: Actor, stranger: Actor
) -> None:
    link = await make_link(context, actor)
    await change_link(context, actor, link.id, LinkChange(title="T"), NOW + 1)
    assert await tell(context, stranger, link.id) == []
