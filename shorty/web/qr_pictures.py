"""QR codes as pictures: a link's stored one, and what the designer shows."""

from urllib.parse import quote

from shorty.errors import InvalidFieldsError
from shorty.links.model import Link, QrSettings
from shorty.links.qr_rules import find_qr_faults
from shorty.web.guard import Pages
from shorty.web.qr_codes import find_link, read_stored
from shorty.web.requests import WebRequest
from shorty.webcore.answers import Answer
from shorty.webcore.fields import convert_fields
from shorty.webcore.qr_drawings import PRIVATE, Format, answer_drawing

pages = Pages()


@pages.handle("GET /links/{link_id}/code.svg")
async def show_code(request: WebRequest) -> Answer:
    """The link's code as it is set, or a plain one."""
    link = await find_link(request)
    return await answer_drawing(request, link, read_stored(link), "svg", PRIVATE)


@pages.handle("GET /qr-codes/{link_id}/picture.svg")
async def show_picture(request: WebRequest) -> Answer:
    link, settings = await find_link(request), read_settings(request)
    return await answer_drawing(request, link, settings, "svg", PRIVATE)


@pages.handle("GET /qr-codes/{link_id}/download")
async def download_picture(request: WebRequest) -> Answer:
    link, settings = await find_link(request), read_settings(request)
    picture: Format = "png" if request.read_query().get("format") == "png" else "svg"
    answer = await answer_drawing(request, link, settings, picture, PRIVATE)
    name = name_file(link, picture)
    answer.extra_headers = (*answer.extra_headers, (b"content-disposition", name.encode()))
    return answer


def read_settings(request: WebRequest) -> QrSettings:
    """The look in the query; nothing stored is used. Raises InvalidFieldsError."""
    query = request.read_query()
    settings = convert_fields(query, QrSettings, is_text=True, ignores_unknown=True)
    if faults := find_qr_faults(settings):
        raise InvalidFieldsError(faults)
    return settings


def name_file(link: Link, picture: Format) -> str:
    """The header that names the file after its slug, in any script (RFC 6266)."""
    name = f"{link.slug.replace('/', '-')}-qr.{picture}"
    return f"attachment; filename=\"qr.{picture}\"; filename*=UTF-8''{quote(name, safe='')}"
