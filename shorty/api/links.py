"""`/links`: create, list, get, update, delete and restore links."""

from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec import UNSET, UnsetType

from shorty.api.idempotency import Remember, answer_once
from shorty.api.link_bodies import (
    CREATE_EXAMPLE,
    CreateQuery,
    LinkChanges,
    LinkInput,
    LinkQuery,
    read_change,
    read_filter,
    read_new_link,
    telling_own_names,
)
from shorty.api.link_object import LinkObject, show_link
from shorty.api.operations import Resource
from shorty.api.requests import ApiRequest
from shorty.errors import (
    BusyError,
    ConflictError,
    FeatureOffError,
    QuotaExceededError,
    SlugTakenError,
)
from shorty.links import service
from shorty.links.aliases import write_loss
from shorty.links.listing import list_links as list_page
from shorty.links.model import Link, LinkChange
from shorty.links.rule_warnings import list_warnings
from shorty.storage.database import Transaction
from shorty.webcore.addresses import API
from shorty.webcore.answers import Answer, answer_json, answer_nothing
from shorty.webcore.requests import Body, read_body

resource: Final = Resource("Links")


class LinkAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """`warnings`, if there are any, name what of a change can have no effect on this server."""

    link: LinkObject
    warnings: list[str] | UnsetType = UNSET


class RestoredLink(msgspec.Struct, frozen=True, kw_only=True):
    """A link that is back; `warnings` name the aliases that it did not get back."""

    link: LinkObject
    warnings: list[str]


class LinkList(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    links: list[LinkObject]
    next_cursor: str | None
    total: int
    total_is_capped: bool


@resource.handle(
    "POST /links",
    "Create a link",
    LinkAnswer,
    query=CreateQuery,
    body=LinkInput,
    body_example=CREATE_EXAMPLE,
    takes_forms=True,
    other_statuses=(200,),
    errors=(SlugTakenError, QuotaExceededError, FeatureOffError, BusyError),
)
async def create_link(request: ApiRequest) -> Answer:
    body = await read_body(request, takes_forms=True)
    query = request.read_filters(CreateQuery)
    change = read_new_link(body)
    with telling_own_names:
        if query.find_or_create:
            return await find_or_create(request, body, change)
        return await answer_once(
            request,
            body,
            lambda remember: service.create_link(
                request.services.links, request.actor, change, request.now, remember
            ),
            lambda link: answer_changed(request, link, 201),
        )


async def find_or_create(request: ApiRequest, body: Body, change: LinkChange) -> Answer:
    async def create(remember: Remember[tuple[Link, bool]] | None) -> tuple[Link, bool]:
        def remember_new(tx: Transaction, link: Link) -> None:
            if remember is not None:
                remember(tx, (link, True))

        return await service.find_or_create_link(
            request.services.links, request.actor, change, request.now, remember_new
        )

    return await answer_once(
        request,
        body,
        create,
        lambda found: answer_changed(request, found[0], 201 if found[1] else 200),
    )


@resource.handle(
    "GET /links",
    "List links",
    LinkList,
    description="`total` is exact without filters; with filters it stops at 10,000, and "
    "`totalIsCapped` is true. Links of `state=deleted` also have a `deletion`.",
    query=LinkQuery,
    answer_example={
        "links": [LinkObject.example],
        "nextCursor": None,
        "total": 1,
        "totalIsCapped": False,
    },
)
async def list_links(request: ApiRequest) -> Answer:
    query = request.read_filters(LinkQuery)
    page = await list_page(request.services.links, request.actor, read_filter(query, request.now))
    return answer_json(
        LinkList(
            links=[show_link(link) for link in page.links],
            next_cursor=page.next_cursor,
            total=page.total,
            total_is_capped=page.total_is_capped,
        )
    )


@resource.handle("GET /links/{link_id}", "Get a link", LinkAnswer)
async def get_link(request: ApiRequest) -> Answer:
    link_id = request.read_id("link_id", "link")
    return answer_link(await service.get_link(request.services.links, request.actor, link_id))


@resource.handle(
    "PATCH /links/{link_id}",
    "Update a link",
    LinkAnswer,
    description="Omitted fields stay unchanged; null clears a field; `tagIds` and "
    "`tagNames` replace all tags.",
    body=LinkChanges,
    body_example={"title": "Winter campaign", "expiresAt": None, "isActive": False},
    errors=(SlugTakenError, QuotaExceededError, FeatureOffError, BusyError),
)
async def change_link(request: ApiRequest) -> Answer:
    link_id = request.read_id("link_id", "link")
    change = read_change((await read_body(request)).fields)
    with telling_own_names:
        link = await service.change_link(
            request.services.links, request.actor, link_id, change, request.now
        )
    return answer_changed(request, link)


@resource.handle(
    "DELETE /links/{link_id}",
    "Delete a link",
    description="The short link stops working immediately and its slug becomes available. "
    "Analytics are kept. The link can be restored.",
)
async def delete_link(request: ApiRequest) -> Answer:
    link_id = request.read_id("link_id", "link")
    await service.delete_link(request.services.links, request.actor, link_id, request.now)
    return answer_nothing()


@resource.handle(
    "POST /links/{link_id}/restore",
    "Restore a deleted link",
    RestoredLink,
    status=200,
    description="Works at any time after deletion and brings back the analytics. Fails with "
    "`slug-taken` if another link uses the slug, with `conflict` if its domain was removed, and "
    "with 404 if the link is not deleted. `warnings` name the aliases that are taken by now, which "
    "the link does not get back. The link counts towards the plan's limit of links "
    "again, but not towards the monthly quota.",
    answer_example={
        "link": LinkObject.example,
        "warnings": [
            "The alias go.example.com/sale was not restored: its slug has been taken since."
        ],
    },
    errors=(SlugTakenError, ConflictError, QuotaExceededError),
)
async def restore_link(request: ApiRequest) -> Answer:
    link_id = request.read_id("link_id", "deleted link")
    context, actor = request.services.links, request.actor
    return answer_restored(await service.restore_link(context, actor, link_id, request.now))


def answer_changed(request: ApiRequest, link: Link, status: int = 200) -> Answer:
    """As answer_link, with warnings."""
    if not link.rules:
        return answer_link(link, status)
    names_cities = request.services.links.names_cities(request.now)
    return answer_link(link, status, list_warnings(link.rules, names_cities=names_cities))


def answer_link(link: Link, status: int = 200, warnings: Sequence[str] = ()) -> Answer:
    """For a new link (status 201), the Location header is where to get it."""
    location = [(b"location", f"{API}/links/{link.id}".encode())] if status == 201 else []  # noqa: PLR2004 Created
    shown = list(warnings) or UNSET
    return answer_json(LinkAnswer(link=show_link(link), warnings=shown), status, location)


def answer_restored(link: Link) -> Answer:
    warnings = [write_loss(alias) for alias in link.lost_aliases]
    return answer_json(RestoredLink(link=show_link(link), warnings=warnings))
