"""`/short-link` and `/short-link/{id}`: list, get, update and delete in the short-link API."""

from typing import Annotated, Final, Literal, get_args

import msgspec
from msgspec import Meta

from shorty.api.listing import MAX_LIMIT, Limit
from shorty.api.operations import Resource
from shorty.api.requests import ApiRequest
from shorty.api.short_link_answers import (
    EXAMPLE,
    ShortLink,
    ShortLinkAnswer,
    show_short_link,
)
from shorty.api.short_link_bodies import spell_key
from shorty.api.short_link_changes import ShortLinkChanges, add_settings, read_change
from shorty.errors import BusyError, QuotaExceededError, SlugTakenError
from shorty.links import service
from shorty.links.listing import list_links
from shorty.links.model import Link, LinkFilter, LinkKind
from shorty.webcore.answers import Answer, Header, answer_json
from shorty.webcore.fields import convert_fields
from shorty.webcore.requests import read_body

resource: Final = Resource("Short links")
WHAT: Final = "short link"
LISTED: Final = "Short Links Fetched Successfully."
READ: Final = "Short Link Fetched Successfully."
UPDATED: Final = "Short Link Updated Successfully."
DELETED: Final = "Short Link Deleted Successfully."
NEXT_CURSOR: Final = "X-Next-Cursor"

ListedType = Literal["SHORT_LINK", "QR", "BIO_LINK", "QR_N_BIO_PAGE", "BIO_PAGE"]
_KINDS: Final[dict[ListedType, LinkKind]] = {
    "SHORT_LINK": "plain",
    "QR": "qr",
    "BIO_LINK": "bio",
    "BIO_PAGE": "bio",
    "QR_N_BIO_PAGE": "qr-or-bio",
}

ShortLinkSettings: Final = add_settings("ShortLinkSettings", ShortLinkChanges)


class ShortLinkQuery(msgspec.Struct, frozen=True, kw_only=True):
    type: Annotated[
        ListedType | None,
        Meta(
            description="Only links of that `type`: `BIO_PAGE` means `BIO_LINK`, and "
            "`QR_N_BIO_PAGE` means both `QR` and `BIO_LINK`. Default: all."
        ),
    ] = None
    limit: Limit = MAX_LIMIT
    cursor: Annotated[
        str | None, Meta(description=f"The `{NEXT_CURSOR}` header of the previous page.")
    ] = None


class ShortLinkList(msgspec.Struct, frozen=True, kw_only=True, rename=spell_key):
    message: str = LISTED
    success: bool = True
    result_data: list[ShortLink]
    error: bool = False


class Success(msgspec.Struct, frozen=True, kw_only=True):
    success: bool = True
    message: str


@resource.handle(
    "GET /short-link",
    "List short links",
    ShortLinkList,
    description="Newest first, including links created through the links API. If more follow, "
    f"the header `{NEXT_CURSOR}` is set: send it as `cursor`.",
    query=ShortLinkQuery,
    answer_example={
        "message": LISTED,
        "success": True,
        "resultData": [EXAMPLE["data"]],
        "error": False,
    },
    headers=(NEXT_CURSOR,),
)
async def list_short_links(request: ApiRequest) -> Answer:
    wanted = read_filter(request.read_query())
    page = await list_links(request.services.links, request.actor, wanted)
    headers: list[Header] = []
    if page.next_cursor is not None:
        headers.append((NEXT_CURSOR.lower().encode(), page.next_cursor.encode()))
    links = [show_short_link(link) for link in page.links]
    return answer_json(ShortLinkList(result_data=links), headers=headers)


def read_filter(given: dict[str, str]) -> LinkFilter:
    """Raises InvalidFieldsError."""
    values = {name: value for name, value in given.items() if value != ""}
    if "type" in values:
        values["type"] = spell_type(values["type"])
    query = convert_fields(values, ShortLinkQuery, is_text=True, ignores_unknown=True)
    kind = None if query.type is None else _KINDS[query.type]
    return LinkFilter(kind=kind, cursor=query.cursor, limit=query.limit)


def spell_type(text: str) -> str:
    """`shortlink` and `bio-link`, as links spell their type, mean `SHORT_LINK` and `BIO_LINK`."""
    known = {name.replace("_", ""): name for name in get_args(ListedType)}
    return known.get(text.upper().replace("_", "").replace("-", ""), text)


@resource.handle(
    "GET /short-link/{link_id}",
    "Get a short link",
    ShortLinkAnswer,
    answer_example={**EXAMPLE, "message": READ},
)
async def get_short_link(request: ApiRequest) -> Answer:
    link_id = request.read_id("link_id", WHAT)
    link = await service.get_link(request.services.links, request.actor, link_id)
    return answer_short_link(link, READ)


@resource.handle(
    "PUT /short-link/{link_id}",
    "Update a short link",
    ShortLinkAnswer,
    description="Omitted fields of the link and of its QR code stay unchanged; null or an empty "
    "password clears a field. Unknown keys are ignored, so the whole object can be sent back.",
    body=ShortLinkSettings,
    body_example={"destinationUrl": "https://example.com/new", "expirationDate": None},
    answer_example={**EXAMPLE, "message": UPDATED},
    errors=(SlugTakenError, QuotaExceededError, BusyError),
)
async def change_short_link(request: ApiRequest) -> Answer:
    link_id = request.read_id("link_id", WHAT)
    body = await read_body(request)
    context, actor = request.services.links, request.actor
    link = await service.get_link(context, actor, link_id)
    change = read_change(body, link)
    changed = await service.change_link(context, actor, link_id, change, request.now)
    return answer_short_link(changed, UPDATED)


@resource.handle(
    "DELETE /short-link/{link_id}",
    "Delete a short link",
    Success,
    status=200,
    description="The short link stops working immediately and its slug becomes available. "
    "Analytics are kept.",
    answer_example={"success": True, "message": DELETED},
)
async def delete_short_link(request: ApiRequest) -> Answer:
    link_id = request.read_id("link_id", WHAT)
    await service.delete_link(request.services.links, request.actor, link_id, request.now)
    return answer_json(Success(message=DELETED))


def answer_short_link(link: Link, message: str) -> Answer:
    return answer_json(ShortLinkAnswer(message=message, data=show_short_link(link)))
