"""`/links`: making, listing, reading, changing, deleting and restoring links, one or many."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, cast

import msgspec
from msgspec import Meta

from shorty.api.idempotency import Remember, answer_once
from shorty.api.link_answers import (
    EXAMPLE,
    CreatedLinks,
    DeletedLinks,
    LinkAnswer,
    LinkList,
    UpdatedLinks,
    answer_link,
    show_created,
    show_failed,
)
from shorty.api.link_bodies import (
    CREATE_EXAMPLE,
    CreateQuery,
    LinkChanges,
    LinkInput,
    LinkQuery,
    find_id,
    merge_faults,
    read_changes,
    read_filter,
    read_link_fields,
    read_new_link,
    telling_own_names,
)
from shorty.api.link_object import show_link
from shorty.api.operations import Operation, handle
from shorty.api.requests import ApiRequest
from shorty.errors import (
    FeatureOffError,
    InvalidFieldsError,
    NotFoundError,
    QuotaExceededError,
    ShortyError,
    SlugTakenError,
)
from shorty.http.answers import Answer, answer_json, answer_nothing
from shorty.http.fields import convert_fields, convert_known, find_unknown
from shorty.http.requests import Body, read_body
from shorty.links import bulk, service
from shorty.links.book import read_maker
from shorty.links.changes import find_change_faults
from shorty.links.drafts import find_faults
from shorty.links.model import Link, NewLink
from shorty.links.pages import list_links as list_page
from shorty.storage.database import Transaction

TAG: Final = "Links"
BULK_LIMIT_BYTES: Final = 8 * 1024 * 1024
SLUG_TAKEN: Final = {
    "index": 1,
    "error": "The slug 'sale' is already taken on go.example.com; choose another.",
    "code": "slug-taken",
}
NOT_FOUND: Final = {"id": "99", "error": "There is no link 99 here.", "code": "not-found"}


class BulkInput(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True
):
    domain: Annotated[str, Meta(description="The domain of all links that name none themselves.")]
    links: Annotated[list[dict[str, Any]], Meta(min_length=1, max_length=bulk.MAX_AT_ONCE)]


class BulkDelete(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True
):
    ids: Annotated[list[str | int], Meta(min_length=1, max_length=bulk.MAX_AT_ONCE)]


class BulkChanges(LinkChanges, frozen=True, kw_only=True):
    """The links, and what to change of each of them."""

    ids: Annotated[list[str | int], Meta(min_length=1, max_length=bulk.MAX_AT_ONCE)]


@handle(
    "POST",
    "/links",
    Operation(
        summary="Make a link",
        tag=TAG,
        scope="write",
        query=CreateQuery,
        body=LinkInput,
        body_example=CREATE_EXAMPLE,
        takes_forms=True,
        is_repeatable=True,
        status=201,
        other_statuses=(200,),
        answer=LinkAnswer,
        answer_example={"link": EXAMPLE},
        errors=(SlugTakenError, QuotaExceededError, FeatureOffError),
    ),
)
async def create_link(request: ApiRequest) -> Answer:
    body = await read_body(request, takes_forms=True)
    query = convert_fields(request.read_query(), CreateQuery, is_text=True, ignores_unknown=True)
    new, faults = read_new_link(body)
    if faults:
        await raise_all_faults(request, new, faults)
    with telling_own_names:
        if query.find_or_create:
            return await find_or_create(request, body, new)
        return await answer_once(
            request,
            body,
            lambda remember: make_link(request, new, remember),
            lambda link: answer_link(link, 201),
        )


async def make_link(request: ApiRequest, new: NewLink, remember: Remember[Link] | None) -> Link:
    services = request.services
    link = await service.create_link(services.book, request.actor, new, request.now, remember)
    services.titles.ask_icon(link)
    return link


async def find_or_create(request: ApiRequest, body: Body, new: NewLink) -> Answer:
    async def create(remember: Remember[tuple[Link, bool]] | None) -> tuple[Link, bool]:
        def remember_new(tx: Transaction, link: Link) -> None:
            if remember is not None:
                remember(tx, (link, True))

        link, is_new = await service.find_or_create_link(
            request.services.book, request.actor, new, request.now, remember_new
        )
        request.services.titles.ask_icon(link)
        return link, is_new

    return await answer_once(
        request, body, create, lambda found: answer_link(found[0], 201 if found[1] else 200)
    )


@handle(
    "GET",
    "/links",
    Operation(
        summary="List the links",
        description="`total` is exact without filters; with one it counts to 10,000, and "
        "`totalIsCapped` says that there are more.",
        tag=TAG,
        query=LinkQuery,
        answer=LinkList,
        answer_example={
            "links": [EXAMPLE],
            "nextCursor": None,
            "total": 1,
            "totalIsCapped": False,
        },
    ),
)
async def list_links(request: ApiRequest) -> Answer:
    given = {name: value for name, value in request.read_query().items() if value != ""}
    query = convert_fields(given, LinkQuery, is_text=True, ignores_unknown=True)
    page = await list_page(request.services.book, request.actor, read_filter(query))
    return answer_json(
        LinkList(
            links=[show_link(link) for link in page.links],
            next_cursor=page.next_cursor,
            total=page.total,
            total_is_capped=page.total_is_capped,
        )
    )


@handle(
    "GET",
    "/links/{link_id:str}",
    Operation(
        summary="Read a link",
        tag=TAG,
        answer=LinkAnswer,
        answer_example={"link": EXAMPLE},
    ),
)
async def get_link(request: ApiRequest) -> Answer:
    link_id = request.read_id("link_id", "link")
    return answer_link(await service.get_link(request.services.book, request.actor, link_id))


@handle(
    "PATCH",
    "/links/{link_id:str}",
    Operation(
        summary="Change a link",
        description="Only what is given changes; null clears; `tagIds` replaces all tags.",
        tag=TAG,
        scope="write",
        body=LinkChanges,
        body_example={"title": "Winter campaign", "expiresAt": None, "isActive": False},
        answer=LinkAnswer,
        answer_example={"link": EXAMPLE},
        errors=(SlugTakenError, QuotaExceededError, FeatureOffError),
    ),
)
async def change_link(request: ApiRequest) -> Answer:
    link_id = request.read_id("link_id", "link")
    change, faults = read_changes((await read_body(request)).fields)
    book, actor, now = request.services.book, request.actor, request.now
    if faults:
        link = await service.get_link(book, actor, link_id)
        judged = await find_change_faults(book, actor, link, change, now)
        raise InvalidFieldsError(merge_faults(faults, judged))
    with telling_own_names:
        link = await service.change_link(book, actor, link_id, change, now)
    request.services.titles.ask_icon(link)
    return answer_link(link)


@handle(
    "DELETE",
    "/links/{link_id:str}",
    Operation(
        summary="Delete a link",
        description="Its address stops at once and is free again; its numbers stay. It can be "
        "restored.",
        tag=TAG,
        scope="write",
        status=204,
    ),
)
async def delete_link(request: ApiRequest) -> Answer:
    link_id = request.read_id("link_id", "link")
    await service.delete_link(request.services.book, request.actor, link_id, request.now)
    return answer_nothing()


@handle(
    "POST",
    "/links/{link_id:str}/restore",
    Operation(
        summary="Restore a deleted link",
        description="However long ago it was deleted, with its numbers. `slug-taken` if its "
        "address has been given away since; 404 for a link that is not deleted. It counts against "
        "the plan again, but is not made once more.",
        tag=TAG,
        scope="write",
        answer=LinkAnswer,
        answer_example={"link": EXAMPLE},
        errors=(SlugTakenError, QuotaExceededError),
    ),
)
async def restore_link(request: ApiRequest) -> Answer:
    link_id = request.read_id("link_id", "deleted link")
    book, actor = request.services.book, request.actor
    return answer_link(await service.restore_link(book, actor, link_id, request.now))


@handle(
    "POST",
    "/links/bulk",
    Operation(
        summary="Make many links",
        description="Up to 1,000. The good ones are made together; each other one is told.",
        tag=TAG,
        scope="write",
        body=BulkInput,
        body_example={
            "domain": "go.example.com",
            "links": [
                {"url": "https://example.com/a"},
                {"url": "https://example.com/b", "customSlug": "sale"},
            ],
        },
        is_repeatable=True,
        status=201,
        answer=CreatedLinks,
        answer_example={"created": 1, "failed": [SLUG_TAKEN], "links": [EXAMPLE]},
    ),
)
async def create_links(request: ApiRequest) -> Answer:
    body = await read_body(request, limit=BULK_LIMIT_BYTES)
    wanted = convert_fields(body.fields, BulkInput)
    news = [
        await read_one_of_many(request, {"domain": wanted.domain, **fields})
        for fields in wanted.links
    ]
    return await answer_once(
        request,
        body,
        lambda remember: bulk.create_links(
            request.services.book, request.actor, news, request.now, remember
        ),
        lambda outcomes: answer_json(show_created(outcomes), 201),
    )


@handle(
    "PATCH",
    "/links/bulk",
    Operation(
        summary="Change many links",
        description="The same change for up to 1,000 links, named by `ids`.",
        tag=TAG,
        scope="write",
        body=BulkChanges,
        body_example={"ids": ["1162", "99"], "isActive": False},
        answer=UpdatedLinks,
        answer_example={"updated": 1, "failed": [NOT_FOUND], "links": [EXAMPLE]},
        errors=(FeatureOffError,),
    ),
)
async def change_links(request: ApiRequest) -> Answer:
    fields = (await read_body(request)).fields
    ids, faults = read_ids(fields)
    change, other_faults = read_changes({name: fields[name] for name in fields if name != "ids"})
    if faults or other_faults:
        raise InvalidFieldsError({**faults, **other_faults})
    known = list_known(ids)
    outcomes = await bulk.change_links(
        request.services.book, request.actor, known, change, request.now
    )
    links = [show_link(outcome) for outcome in outcomes if isinstance(outcome, Link)]
    failed = [
        show_failed(link_id, outcome)
        for link_id, outcome in zip(known, outcomes, strict=True)
        if isinstance(outcome, ShortyError)
    ]
    failed += [show_failed(text, NotFoundError("link", text)) for text in list_bad(ids)]
    return answer_json(UpdatedLinks(updated=len(links), failed=failed, links=links))


@handle(
    "DELETE",
    "/links/bulk",
    Operation(
        summary="Delete many links",
        description="Up to 1,000 links, named by `ids`.",
        tag=TAG,
        scope="write",
        body=BulkDelete,
        body_example={"ids": ["1162", "99"]},
        answer=DeletedLinks,
        answer_example={"deleted": 1, "failed": [NOT_FOUND]},
    ),
)
async def delete_links(request: ApiRequest) -> Answer:
    fields = (await read_body(request)).fields
    ids, faults = read_ids(fields)
    faults |= find_unknown(fields, {"ids"})
    if faults:
        raise InvalidFieldsError(faults)
    known = list_known(ids)
    deleted = set(await bulk.delete_links(request.services.book, request.actor, known, request.now))
    missing = [str(number) for number in known if number not in deleted] + list_bad(ids)
    failed = [show_failed(text, NotFoundError("link", text)) for text in missing]
    return answer_json(DeletedLinks(deleted=len(deleted), failed=failed))


async def raise_all_faults(request: ApiRequest, new: NewLink, faults: Mapping[str, str]) -> None:
    """With the fields that cannot be read, those that could be and are wrong."""
    maker = read_maker(request.actor)
    judged = await find_faults(request.services.book, maker, new, request.now)
    raise InvalidFieldsError(merge_faults(faults, judged))


async def read_one_of_many(
    request: ApiRequest, fields: Mapping[str, object]
) -> NewLink | ShortyError:
    new, faults = read_link_fields(fields)
    if not faults:
        return new
    try:
        await raise_all_faults(request, new, faults)
    except InvalidFieldsError as error:
        return error
    return new


def read_ids(
    fields: Mapping[str, object],
) -> tuple[dict[str | int, int | None], dict[str, str]]:
    """Each id as it came and as a number, None where it cannot be one; and the field's fault."""
    found, faults = convert_known(fields, BulkDelete)
    ids = cast("Sequence[str | int]", found.get("ids", ()))
    return {text: find_id(text) for text in ids}, faults


def list_known(ids: Mapping[str | int, int | None]) -> list[int]:
    return list(dict.fromkeys(number for number in ids.values() if number is not None))


def list_bad(ids: Mapping[str | int, int | None]) -> list[str]:
    return [str(text)[:40] for text, number in ids.items() if number is None]


HANDLERS: Final = (
    create_link,
    list_links,
    get_link,
    change_link,
    delete_link,
    restore_link,
    create_links,
    change_links,
    delete_links,
)
