"""Links that anyone may create without an account."""

from typing import Any

import pytest

from shorty.accounts.model import Actor
from shorty.clicks.retention import forget_sums
from shorty.errors import InvalidFieldsError, SlugTakenError
from shorty.links.context import LinkContext
from shorty.links.listing import list_links
from shorty.links.model import LinkFilter, QrSettings
from shorty.links.public import create_public_link, delete_expired_public_links
from tests.links.making import make_link, new_link
from tests.support import DAY, NOW

HOUR = 3_600_000


async def test_a_public_link_belongs_to_nobody_and_lives_an_hour(
    context: LinkContext, actor: Actor
) -> None:
    link = await create_public_link(context, new_link(title="T", expires_at=NOW + DAY), NOW)
    assert link.created_by is None
    assert link.is_public
    assert link.expires_at == NOW + HOUR
    assert await context.lookup.find(link.domain_id, link.slug) is not None
    assert (await list_links(context, actor, LinkFilter())).links == ()


@pytest.mark.parametrize(
    "fields",
    [
        {"cloaked": True},
        {"password": "x"},
        {"max_clicks": 1},
        {"meta_pixel_id": "12345"},
        {"webhook_urls": ("https://h.example/",)},
        {"is_link_in_bio": True},
        {"qr_settings": QrSettings()},
        {"tag_names": ("t",)},
        {"url": "https://evil.example/"},
        {"slug": "api"},
    ],
)
async def test_it_offers_little(context: LinkContext, fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidFieldsError) as raised:
        await create_public_link(context, new_link(**fields), NOW)
    assert set(raised.value.fields) == set(fields)


async def test_only_the_operators_domains_serve_it(context: LinkContext, actor: Actor) -> None:
    sql = (
        "insert into domains (host, scheme, workspace_id, source, verified_at, created_at)"
        " values ('own.example', 'https', $1, 'api', 0, 0)"
    )
    await context.db.write(lambda tx: tx.execute(sql, actor.workspace_id))
    await context.domains.reload()
    await make_link(context, actor, domain="own.example")
    with pytest.raises(InvalidFieldsError) as raised:
        await create_public_link(context, new_link(domain="own.example"), NOW)
    assert set(raised.value.fields) == {"domain"}


async def test_a_taken_slug_is_refused(context: LinkContext, actor: Actor) -> None:
    await make_link(context, actor, slug="mine")
    with pytest.raises(SlugTakenError):
        await create_public_link(context, new_link(slug="mine"), NOW)


async def test_a_day_after_its_end_it_is_deleted(context: LinkContext, actor: Actor) -> None:
    link = await create_public_link(context, new_link(slug="gone"), NOW)
    await create_public_link(context, new_link(slug="later"), NOW + HOUR)
    own = await make_link(context, actor, slug="own", is_public=True)
    assert await delete_expired_public_links(context, NOW + DAY, forget_sums) == 0
    assert await delete_expired_public_links(context, NOW + DAY + HOUR, forget_sums) == 1
    assert await context.lookup.find(link.domain_id, "gone") is None
    assert await context.lookup.find(link.domain_id, "later") is not None
    assert await context.lookup.find(own.domain_id, "own") is not None
    assert await delete_expired_public_links(context, NOW + DAY + HOUR, forget_sums) == 0
