"""`/links/{id}/qr` and the public `/qr/SLUG.svg`: QR codes as images."""

from typing import Final

from litestar import route

from shorty.api.operations import Resource
from shorty.api.requests import ApiRequest
from shorty.errors import BusyError, InvalidFieldsError, NotFoundError
from shorty.links import service
from shorty.links.model import QrSettings
from shorty.links.store import find_code
from shorty.webcore.answers import Answer
from shorty.webcore.qr_drawings import (
    MEDIA_TYPES,
    PRIVATE,
    PUBLIC,
    Format,
    QrQuery,
    answer_drawing,
    override_settings,
)

resource: Final = Resource("QR codes")


@resource.handle(
    "GET /links/{link_id}/qr",
    "Get a link's QR code as an image",
    bytes,
    description="Uses the settings stored with the link, if it has a QR code; query parameters "
    "override them. The header `X-QR-Warning` says why cameras may fail to read it.",
    query=QrQuery,
    answer_example="(the bytes of a PNG)",
    media_type="image/png",
    other_examples=(("image/svg+xml", "(an SVG)"),),
    headers=("ETag", "X-QR-Warning"),
    errors=(InvalidFieldsError, BusyError),
)
async def draw_link_code(request: ApiRequest) -> Answer:
    link_id = request.read_id("link_id", "link")
    query = request.read_filters(QrQuery)
    link = await service.get_link(request.services.links, request.actor, link_id)
    settings = override_settings(link.qr_settings or QrSettings(), query)
    return await answer_drawing(request, link, settings, query.format, PRIVATE)


@route("/qr/{name:path}", http_method=["GET", "HEAD"], status_code=200)
async def draw_public_code(request: ApiRequest) -> Answer:
    """Public to anyone who knows the slug, on the link's own domain."""
    slug, _, kind = request.path_params["name"].removeprefix("/").rpartition(".")
    domain = request.services.domains.find_by_host(request.find_header(b"host") or "")
    if domain is None or kind not in MEDIA_TYPES:
        raise NotFoundError("QR code")
    link = await find_code(request.services.db, domain.id, slug)
    if link is None:
        raise NotFoundError("QR code")
    picture: Format = "png" if kind == "png" else "svg"
    settings = link.qr_settings or QrSettings()
    return await answer_drawing(request, link, settings, picture, PUBLIC)


PUBLIC_HANDLERS: Final = (draw_public_code,)
