"""`/import-short-link` and `/bulk-delete`: bulk operations of the short-link API."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from shorty.api.idempotency import answer_once
from shorty.api.link_bulk import BULK_LIMIT_BYTES
from shorty.api.operations import Resource
from shorty.api.requests import ApiRequest
from shorty.api.short_link_answers import EXAMPLE, ShortLink, describe_error, show_short_link
from shorty.api.short_link_bodies import BrandedDomain, read_new_link, spell_key
from shorty.errors import NotFoundError, ShortyError
from shorty.ids import parse_id
from shorty.links import service
from shorty.links.context import Outcome
from shorty.links.model import Link, LinkChange
from shorty.transfer.adapt import adapt_change
from shorty.transfer.remarks import Notes, RemarkKind, describe_closings
from shorty.webcore.answers import Answer, answer_json
from shorty.webcore.fields import convert_fields
from shorty.webcore.requests import Body, read_body

resource: Final = Resource("Short links")
IMPORTED: Final = "{} Short Links Created Successfully."
DELETED: Final = "{} Short Links Deleted Successfully."


class ImportInput(msgspec.Struct, frozen=True, kw_only=True, rename=spell_key):
    import_data: Annotated[
        list[dict[str, Any]],
        Meta(
            min_length=1,
            max_length=service.MAX_AT_ONCE,
            description="Links in the form that `/short-link` takes. A link's own "
            "`brandedDomain` overrides the shared one; without a `slashTag`, one is generated.",
        ),
    ]
    branded_domain: BrandedDomain | None = None
    tags: Annotated[
        str | list[str] | None,
        Meta(description="Names of tags for all the links, as a list or separated by commas."),
    ] = None


class FailedImport(msgspec.Struct, frozen=True, kw_only=True):
    """Why no link was created for the item at `index` of the request."""

    index: int
    message: str


class ImportRemark(msgspec.Struct, frozen=True, kw_only=True):
    """How the link of the item at `index` of the request differs from that item."""

    index: Annotated[int, Meta(description="Which item of the request, from 0.")]
    about: Annotated[RemarkKind, Meta(description="What the remark is about.")]
    message: Annotated[str, Meta(description="A sentence without its subject, the link.")]


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    created: int
    failed: list[FailedImport]
    links: list[ShortLink]
    remarks: Annotated[
        list[ImportRemark],
        Meta(description="How created links differ from what was requested."),
    ] = msgspec.field(default_factory=list[ImportRemark])
    switched_off: Annotated[
        int, Meta(description="How many links were created inactive, each with a remark.")
    ] = msgspec.field(default=0, name="switchedOff")


class ImportAnswer(msgspec.Struct, frozen=True, kw_only=True):
    success: bool = True
    message: str
    data: Imported


class NamedLink(msgspec.Struct, frozen=True, kw_only=True):
    """Only the id matters; the type may have any spelling."""

    id: str | int
    type: str | None = None


class BulkDeleteInput(msgspec.Struct, frozen=True, kw_only=True, rename=spell_key):
    bulk_links: Annotated[list[NamedLink], Meta(min_length=1, max_length=service.MAX_AT_ONCE)]


class FailedDelete(msgspec.Struct, frozen=True, kw_only=True):
    id: str | int
    message: str


class Deleted(msgspec.Struct, frozen=True, kw_only=True):
    deleted: int
    failed: list[FailedDelete]


class BulkDeleteAnswer(msgspec.Struct, frozen=True, kw_only=True):
    success: bool = True
    message: str
    data: Deleted


@resource.handle(
    "POST /import-short-link",
    "Import short links",
    ImportAnswer,
    description="Up to 1,000. All valid links are created together; each invalid one is reported.",
    body=ImportInput,
    body_example={
        "importData": [
            {"destinationUrl": "https://example.com/a", "slashTag": "a", "title": "A"},
            {"destinationUrl": "https://example.com/b", "slashTag": "sale"},
        ],
        "brandedDomain": "go.example.com",
        "tags": "imported",
    },
    answer_example={
        "success": True,
        "message": IMPORTED.format(1),
        "data": {
            "created": 1,
            "failed": [
                {
                    "index": 1,
                    "message": "The slug 'sale' is already taken on go.example.com; "
                    "choose another.",
                }
            ],
            "links": [EXAMPLE["data"]],
            "remarks": [
                {
                    "index": 0,
                    "about": "tags",
                    "message": "came in without the tag 'a,b', which may not contain commas or "
                    "control characters",
                }
            ],
            "switchedOff": 0,
        },
    },
)
async def import_short_links(request: ApiRequest) -> Answer:
    body = await read_body(request, limit=BULK_LIMIT_BYTES)
    given = convert_fields(body.fields, ImportInput, ignores_unknown=True)
    adapted = [adapt_change(read_import(given, fields)) for fields in given.import_data]
    changes = [each.change for each in adapted]
    return await answer_once(
        request,
        body,
        lambda remember: service.create_links(
            request.services.links, request.actor, changes, request.now, remember
        ),
        lambda outcomes: show_imported(outcomes, [each.notes for each in adapted]),
    )


def read_import(given: ImportInput, fields: Mapping[str, object]) -> LinkChange:
    """One of the links with the shared values; null is the same as an omitted field."""
    common = {"brandedDomain": given.branded_domain, "slashTag": ""}
    known = {
        name: value
        for each in (common, fields)
        for name, value in each.items()
        if value is not None
    }
    change = read_new_link(Body(fields=known, is_form=False, raw=b""))
    tag_names = tuple(dict.fromkeys((*list_common_tags(given.tags), *(change.tag_names or ()))))
    return msgspec.structs.replace(change, slug=change.slug or None, tag_names=tag_names)


def list_common_tags(tags: str | Sequence[str] | None) -> list[str]:
    names = tags.split(",") if isinstance(tags, str) else tags or ()
    return [name.strip() for name in names if name.strip()]


def show_imported(outcomes: Sequence[Outcome], notes: Sequence[Notes]) -> Answer:
    links = [show_short_link(outcome) for outcome in outcomes if isinstance(outcome, Link)]
    failed = [
        FailedImport(index=index, message=describe_error(outcome))
        for index, outcome in enumerate(outcomes)
        if isinstance(outcome, ShortyError)
    ]
    created = [
        (index, each)
        for index, (outcome, each) in enumerate(zip(outcomes, notes, strict=True))
        if isinstance(outcome, Link)
    ]
    data = Imported(
        created=len(links),
        failed=failed,
        links=links,
        remarks=[remark for index, each in created for remark in list_remarks(index, each)],
        switched_off=sum(bool(each.closed) for _, each in created),
    )
    return answer_json(ImportAnswer(message=IMPORTED.format(len(links)), data=data), 201)


def list_remarks(index: int, notes: Notes) -> Iterator[ImportRemark]:
    if notes.closed:
        message = describe_closings(notes.closed)
        yield ImportRemark(index=index, about="switched off", message=message)
    for remark in notes.remarks:
        yield ImportRemark(index=index, about=remark.kind, message=remark.message)


@resource.handle(
    "POST /bulk-delete /shortlinks/bulk-delete",
    "Delete many short links",
    BulkDeleteAnswer,
    status=200,
    description="Up to 1,000. `/bulk-delete` and `/shortlinks/bulk-delete` are the same.",
    other_names=("removeShortLinks",),
    body=BulkDeleteInput,
    body_example={"bulkLinks": [{"id": 1162, "type": "SHORT_LINK"}, {"id": 99}]},
    answer_example={
        "success": True,
        "message": DELETED.format(1),
        "data": {
            "deleted": 1,
            "failed": [{"id": 99, "message": "Short link 99 not found."}],
        },
    },
)
async def delete_short_links(request: ApiRequest) -> Answer:
    body = await read_body(request)
    given = convert_fields(body.fields, BulkDeleteInput, ignores_unknown=True)
    named = list(dict.fromkeys(link.id for link in given.bulk_links))
    known = list(dict.fromkeys(number for each in named if (number := parse_id(each)) is not None))
    deleted = await delete_known(request, known)
    failed = [
        FailedDelete(id=each, message=NotFoundError("short link", str(each)[:40]).message)
        for each in named
        if parse_id(each) not in deleted
    ]
    data = Deleted(deleted=len(deleted), failed=failed)
    return answer_json(BulkDeleteAnswer(message=DELETED.format(len(deleted)), data=data))


async def delete_known(request: ApiRequest, link_ids: Sequence[int]) -> set[int]:
    if not link_ids:
        return set()
    context, actor = request.services.links, request.actor
    return set(await service.delete_links(context, actor, link_ids, request.now))
