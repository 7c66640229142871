"""`/links/bulk`: create, update and delete many links; each failure is reported."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, cast

import msgspec
from msgspec import UNSET, Meta, UnsetType

from shorty.api.idempotency import answer_once
from shorty.api.link_bodies import (
    LinkChanges,
    read_change,
    read_link_fields,
    spell_faults,
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
from shorty.links.rule_warnings import list_warnings_of_links
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


class FailedNew(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why no link was created for the item at `index` of the request."""

    index: int
    error: str
    code: str
    fields: dict[str, str] | None = None


class FailedLink(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    id: str
    error: str
    code: str
    fields: dict[str, str] | None = None


class CreatedLinks(msgspec.Struct, frozen=True, kw_only=True):
    created: int
    failed: list[FailedNew]
    links: list[LinkObject]
    warnings: list[str] | UnsetType = UNSET


class UpdatedLinks(msgspec.Struct, frozen=True, kw_only=True):
    updated: int
    failed: list[FailedLink]
    links: list[LinkObject]
    warnings: list[str] | UnsetType = UNSET


class DeletedLinks(msgspec.Struct, frozen=True, kw_only=True):
    deleted: int
    failed: list[FailedLink]


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


def warn_of(request: ApiRequest, links: Sequence[Link]) -> list[str] | UnsetType:
    names_cities = request.services.links.names_cities(request.now)
    return list_warnings_of_links(links, names_cities=names_cities) or UNSET


def show_created(
    outcomes: Sequence[Link | ShortyError], warnings: list[str] | UnsetType = UNSET
) -> CreatedLinks:
    links = [show_link(outcome) for outcome in outcomes if isinstance(outcome, Link)]
    failed = [
        show_failed_new(index, error)
        for index, error in enumerate(outcomes)
        if isinstance(error, ShortyError)
    ]
    return CreatedLinks(created=len(links), failed=failed, links=links, warnings=warnings)


def show_failed_new(index: int, error: ShortyError) -> FailedNew:
    error, fields = spell_error(error)
    return FailedNew(index=index, error=error.message, code=error.code, fields=fields)


def show_failed(link_id: int | str, error: ShortyError) -> FailedLink:
    error, fields = spell_error(error)
    return FailedLink(id=str(link_id), error=error.message, code=error.code, fields=fields)


def spell_error(error: ShortyError) -> tuple[ShortyError, dict[str, str] | None]:
    """The error with the field names that callers know, limited to these fields if it has any."""
    if not isinstance(error, InvalidFieldsError):
        return error, None
    spelled = error.rename(spell_faults)
    return spelled, spelled.fields
