"""What is said of a link while it is being written."""

import pytest
from msgspec.structs import replace

from shorty.accounts.model import Actor
from shorty.errors import ForbiddenError
from shorty.fetch import Fetcher
from shorty.links.context import LinkContext, find_destination_fault
from shorty.links.live_checks import (
    fetch_preview,
    find_same_destination,
    find_slug_fault,
)
from shorty.links.model import LinkChange, LinkType
from shorty.links.page_metadata import PageFacts
from shorty.links.service import delete_link
from tests.links.making import make_link
from tests.support import NOW
from tests.test_fetch import PRIVATE, answer_with, run_server

PAGE = b"""<html><head><title>A page</title><meta name="description" content="About it">
<meta property="og:image" content="/i.png"><link rel="icon" href="/icon.png"></head></html>"""


@pytest.mark.parametrize(
    ("domain", "slug", "told"),
    [
        ("go.example", "free", None),
        ("GO.example", "💡-né", None),
        ("go.example", "taken", "already taken on go.example"),
        ("go.example", "Taken", "already taken on go.example"),
        ("localhost:8000", "taken", None),
        ("nobody.example", "free", "not a verified domain"),
        ("go.example", "API", "is reserved"),
        ("go.example", "a b", "a space"),
        ("go.example", "", "1 to 128"),
        ("go.example", "x" * 129, "1 to 128"),
    ],
)
async def test_a_slug_is_judged_in_one_sentence(
    context: LinkContext, actor: Actor, stranger: Actor, domain: str, slug: str, told: str | None
) -> None:
    await make_link(context, stranger, slug="taken")
    fault = await find_slug_fault(context, actor, domain, slug, NOW)
    assert told in fault if fault and told else fault is told
    assert fault is None or fault.endswith(".")


async def test_a_link_may_keep_its_own_slug_and_deleted_ones_are_free(
    context: LinkContext, actor: Actor
) -> None:
    link = await make_link(context, actor, slug="mine")
    assert await find_slug_fault(context, actor, "go.example", "mine", NOW, link.id) is None
    assert await find_slug_fault(context, actor, "go.example", "mine", NOW, link.id + 1) is not None
    await delete_link(context, actor, link.id, NOW)
    assert await find_slug_fault(context, actor, "go.example", "mine", NOW) is None


@pytest.mark.parametrize(
    ("link_type", "url", "told"),
    [
        ("URL", "https://example.com/", None),
        ("MAILTO", "ana@example.com", None),
        ("TEL", "+1 201 555 0123", None),
        ("URL", "", "Enter a destination"),
        ("URL", "example.com", "Enter the full URL"),
        ("URL", "javascript:alert(1)", "http and https"),
        ("URL", "https://sub.evil.example/", "blocks"),
        ("URL", "https://go.example/x", "loop"),
        ("URL", "https://example.com/" + "x" * 9000, "at most"),
        ("TEL", "call me", "phone number"),
    ],
)
async def test_a_destination_is_judged_by_itself(
    context: LinkContext, link_type: LinkType, url: str, told: str | None
) -> None:
    fault = find_destination_fault(context, link_type, url, NOW)
    assert told in fault if fault and told else fault is told


async def test_the_oldest_link_with_the_same_destination_is_found(
    context: LinkContext, actor: Actor, stranger: Actor
) -> None:
    url = "https://example.com/same"
    await make_link(context, stranger, url=url)
    await make_link(context, actor, url=url, is_active=False)
    await make_link(context, actor, url=url, expires_at=NOW + 5)
    await make_link(context, actor, url=url, valid_since=NOW + 50)
    deleted = await make_link(context, actor, url=url)
    await delete_link(context, actor, deleted.id, NOW)
    wanted = [
        await make_link(context, actor, url=url, domain=host)
        for host in ("localhost:8000", "go.example")
    ]
    found = await find_same_destination(context, actor, LinkChange(url=url), NOW + 10)
    assert found is not None
    assert found.id == wanted[0].id
    for change in (
        LinkChange(url=f"{url}?x"),
        LinkChange(url=url, utm_source="s"),
        LinkChange(url="nonsense"),
        LinkChange(title="T"),
    ):
        assert await find_same_destination(context, actor, change, NOW + 10) is None
    with pytest.raises(ForbiddenError):
        await find_same_destination(
            context, replace(actor, role="viewer"), LinkChange(url=url), NOW
        )


async def test_a_page_is_asked_for_what_it_says_of_itself(
    context: LinkContext, actor: Actor
) -> None:
    async with run_server(answer_with(PAGE)) as server, Fetcher(allow_private=True) as fetcher:
        origin = f"http://{PRIVATE}:{server.port}"
        facts = await fetch_preview(context, actor, fetcher, f" {origin}/page ", NOW)
        assert facts == PageFacts(
            title="A page",
            description="About it",
            image=f"{origin}/i.png",
            icon=f"{origin}/icon.png",
        )
        for url in ("nonsense", "https://evil.example/", "https://go.example/x", "mailto:a@b.c"):
            assert await fetch_preview(context, actor, fetcher, url, NOW) == PageFacts()
        with pytest.raises(ForbiddenError):
            await fetch_preview(context, replace(actor, role="viewer"), fetcher, origin, NOW)
        assert len(server.requests) == 1
    async with run_server(answer_with(PAGE)) as server, Fetcher() as fetcher:
        url = f"http://{PRIVATE}:{server.port}/"
        assert await fetch_preview(context, actor, fetcher, url, NOW) == PageFacts()
        assert server.connections == 0
