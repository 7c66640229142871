"""`/links/bulk`: create, update and delete many links; each failure is reported."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, cast

import msgspec
from msgspec import Meta

from shorty.api.idempotency import answer_once
from shorty.api.link_answers import (
    CreatedLinks,
    DeletedLinks,
    UpdatedLinks,
    show_created,
    show_failed,
    warn_of,
)
from shorty.api.link_bodies import (
    LinkChanges,
    read_change,
    read_link_fields,
    telling_own_names,
)
from shorty.api.link_object import LinkObject, show_link
from shorty.api.objects import Input
from shorty.api.operations import Resource
from shorty.api.requests import ApiRequest
from shorty.errors import BusyError, FeatureOffError, InvalidFieldsError, NotFoundError, ShortyError
from shorty.ids import parse_id
from shorty.links import service
from shorty.links.model import Link, LinkChange
from shorty.webcore.answers import Answer, answer_json
from shorty.webcore.fields import convert_body, convert_fields, find_unknown
from shorty.webcore.requests import read_body

BULK_LIMIT_BYTES: Final = 8 * 1024 * 1024
SLUG_TAKEN: Final = {
    "index": 1,
    "error": "The slug 'sale' is already taken on go.example.com; choose another.",
    "code": "slug-taken",
}
NOT_FOUND: Final = {"id": "99", "error": "Link 99 not found.", "code": "not-found"}

resource: Final = Resource("Links")


Ids = Annotated[list[str | int], Meta(min_length=1, max_length=service.MAX_AT_ONCE)]


class BulkInput(Input, frozen=True, kw_only=True):
    domain: Annotated[str, Meta(description="The domain of links that do not name one.")]
    links: Annotated[list[dict[str, Any]], Meta(min_length=1, max_length=service.MAX_AT_ONCE)]


class BulkDelete(Input, frozen=True, kw_only=True):
    ids: Ids


BulkChanges: Final = msgspec.defstruct(
    "BulkChanges",
    [("ids", Ids)],
    bases=(LinkChanges,),
    namespace={"__doc__": "The links, and what to update."},
    frozen=True,
    kw_only=True,
)


@resource.handle(
    "POST /links/bulk",
    "Create many links",
    CreatedLinks,
    description="Up to 1,000. All valid links are created together; each invalid one is listed "
    "in `failed`.",
    body=BulkInput,
    body_example={
        "domain": "go.example.com",
        "links": [
            {"url": "https://example.com/a"},
            {"url": "https://example.com/b", "customSlug": "sale"},
        ],
    },
    answer_example={"created": 1, "failed": [SLUG_TAKEN], "links": [LinkObject.example]},
)
async def create_links(request: ApiRequest) -> Answer:
    body = await read_body(request, limit=BULK_LIMIT_BYTES)
    wanted = convert_fields(body.fields, BulkInput)
    changes = [read_bulk_link(fields, wanted.domain) for fields in wanted.links]
    return await answer_once(
        request,
        body,
        lambda remember: service.create_links(
            request.services.links, request.actor, changes, request.now, remember
        ),
        lambda outcomes: answer_json(
            show_created(outcomes, warn_of(request, list_links(outcomes))), 201
        ),
    )


@resource.handle(
    "PATCH /links/bulk",
    "Update many links",
    UpdatedLinks,
    description="The same changes for up to 1,000 links, given by `ids`.",
    body=BulkChanges,
    body_example={"ids": ["1162", "99"], "isActive": False},
    answer_example={"updated": 1, "failed": [NOT_FOUND], "links": [LinkObject.example]},
    errors=(FeatureOffError, BusyError),
)
async def change_links(request: ApiRequest) -> Answer:
    fields = (await read_body(request)).fields
    ids, faults = read_ids(fields)
    change = read_change({name: fields[name] for name in fields if name != "ids"})
    if faults:
        raise InvalidFieldsError({**faults, **change.unread})
    known = list_known(ids)
    with telling_own_names:
        outcomes = await service.change_links(
            request.services.links, request.actor, known, change, request.now
        )
    changed = list_links(outcomes)
    links = [show_link(link) for link in changed]
    failed = [
        show_failed(link_id, outcome)
        for link_id, outcome in zip(known, outcomes, strict=True)
        if isinstance(outcome, ShortyError)
    ]
    failed += [show_failed(text, NotFoundError("link", text)) for text in list_bad(ids)]
    return answer_json(
        UpdatedLinks(
            updated=len(links), failed=failed, links=links, warnings=warn_of(request, changed)
        )
    )


@resource.handle(
    "DELETE /links/bulk",
    "Delete many links",
    DeletedLinks,
    status=200,
    description="Up to 1,000 links, given by `ids`.",
    body=BulkDelete,
    body_example={"ids": ["1162", "99"]},
    answer_example={"deleted": 1, "failed": [NOT_FOUND]},
)
async def delete_links(request: ApiRequest) -> Answer:
    fields = (await read_body(request)).fields
    ids, faults = read_ids(fields)
    faults |= find_unknown(fields, {"ids"})
    if faults:
        raise InvalidFieldsError(faults)
    known = list_known(ids)
    deleted = set(
        await service.delete_links(request.services.links, request.actor, known, request.now)
    )
    missing = [str(number) for number in known if number not in deleted] + list_bad(ids)
    failed = [show_failed(text, NotFoundError("link", text)) for text in missing]
    return answer_json(DeletedLinks(deleted=len(deleted), failed=failed))


def list_links(outcomes: Sequence[Link | ShortyError]) -> list[Link]:
    return [outcome for outcome in outcomes if isinstance(outcome, Link)]


def read_bulk_link(fields: dict[str, Any], domain: str) -> LinkChange:
    return read_link_fields(fields if fields.get("domain") else {**fields, "domain": domain})


def read_ids(
    fields: Mapping[str, object],
) -> tuple[dict[str | int, int | None], dict[str, str]]:
    """Each id as it was sent and as a number, None if malformed; and the fault of the field."""
    found, faults = convert_body(
        {name: fields[name] for name in fields if name == "ids"}, BulkDelete
    )
    ids = cast("Sequence[str | int]", found.get("ids", ()))
    return {text: parse_id(text) for text in ids}, faults


def list_known(ids: Mapping[str | int, int | None]) -> list[int]:
    return list(dict.fromkeys(number for number in ids.values() if number is not None))


def list_bad(ids: Mapping[str | int, int | None]) -> list[str]:
    return [str(text)[:40] for text, number in ids.items() if number is None]
