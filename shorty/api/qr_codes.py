"""`/qr-code`: short links created for their QR code, in the short-link API's shapes."""

from typing import Final

import msgspec

from shorty.api.idempotency import answer_once
from shorty.api.operations import Resource
from shorty.api.requests import ApiRequest
from shorty.api.short_link_answers import EXAMPLE, ShortLinkAnswer, show_short_link
from shorty.api.short_link_bodies import (
    INPUT_EXAMPLE,
    ShortLinkInput,
    read_new_link,
    unfold_form,
)
from shorty.api.short_link_changes import (
    ShortLinkChanges,
    add_settings,
    gather_settings,
    read_change,
)
from shorty.errors import (
    BusyError,
    ConflictError,
    NotFoundError,
    QuotaExceededError,
    SlugTakenError,
)
from shorty.links import service
from shorty.links.model import Link, LinkChange
from shorty.qr.symbol import write_scanned_url
from shorty.webcore.answers import Answer, answer_json
from shorty.webcore.qr_drawings import list_warning_headers
from shorty.webcore.requests import Body, read_body

resource: Final = Resource("QR codes")
CREATED: Final = "QR Code Created Successfully."
UPDATED: Final = "QR Code Updated Successfully."
CODE_EXAMPLE: Final = {
    **EXAMPLE,
    "message": CREATED,
    "data": {**EXAMPLE["data"], "type": "QR", "qrType": "website"},
}


QrCodeInput: Final = add_settings("QrCodeInput", ShortLinkInput)
QrCodeChanges: Final = add_settings("QrCodeChanges", ShortLinkChanges)


@resource.handle(
    "POST /qr-code",
    "Create a QR code",
    ShortLinkAnswer,
    description="Creates a short link with the `type` `QR`. The header `X-QR-Warning` says why "
    "cameras may fail to read the code.",
    body=QrCodeInput,
    body_example={
        "destinationUrl": "https://example.com/long-url",
        "brandedDomain": "go.example.com",
        "slashTag": "my-custom-slug",
        "qrType": "website",
        **INPUT_EXAMPLE["qrSettings"],
    },
    takes_forms=True,
    answer_example=CODE_EXAMPLE,
    headers=("X-QR-Warning",),
    errors=(SlugTakenError, QuotaExceededError, BusyError),
)
async def create_code(request: ApiRequest) -> Answer:
    body = await read_body(request, takes_forms=True)
    change = read_new_code(body)
    return await answer_once(
        request,
        body,
        lambda remember: service.create_link(
            request.services.links, request.actor, change, request.now, remember
        ),
        lambda link: answer_code(link, CREATED, 201),
    )


@resource.handle(
    "PUT /qr-code/{link_id}",
    "Update a QR code",
    ShortLinkAnswer,
    description="Omitted fields of the link and of its QR code stay unchanged; null clears a "
    "field.",
    body=QrCodeChanges,
    body_example={"destinationUrl": "https://example.com/new", "color": "#134e4a"},
    answer_example={**CODE_EXAMPLE, "message": UPDATED},
    headers=("X-QR-Warning",),
    errors=(SlugTakenError, ConflictError, QuotaExceededError, BusyError),
)
async def change_code(request: ApiRequest) -> Answer:
    link_id = request.read_id("link_id", "QR code")
    body = await read_body(request)
    context, actor = request.services.links, request.actor
    link = await service.get_link(context, actor, link_id)
    if link.qr_settings is None:
        raise NotFoundError("QR code", link_id)
    change = read_change(body, link)
    changed = await service.change_link(context, actor, link_id, change, request.now)
    return answer_code(changed, UPDATED)


def read_new_code(body: Body) -> LinkChange:
    fields = gather_settings(unfold_form(body.fields) if body.is_form else body.fields)
    wanted = msgspec.structs.replace(body, fields={**fields, "isQrGenerated": True})
    return msgspec.structs.replace(read_new_link(wanted), made_through="qr")


def answer_code(link: Link, message: str, status: int = 200) -> Answer:
    settings = link.qr_settings
    warnings = list_warning_headers(settings, write_scanned_url(link)) if settings else ()
    answer = ShortLinkAnswer(message=message, data=show_short_link(link))
    return answer_json(answer, status, warnings)
