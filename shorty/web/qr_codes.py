"""`/app/qr-codes`: the links that have a code, and the designer of one."""

from typing import Final
from urllib.parse import urlencode

import msgspec

from shorty.errors import InvalidFieldsError, NotFoundError, QuotaExceededError, ShortyError
from shorty.links import pictures
from shorty.links.listing import list_links
from shorty.links.model import Link, LinkChange, LinkFilter, QrSettings
from shorty.links.pictures import NAME_LENGTH
from shorty.links.service import change_link, get_link
from shorty.qr.sandbox import MAX_BYTES, read_logo
from shorty.qr.symbol import write_scanned_url
from shorty.qr.warnings import list_warnings
from shorty.web.guard import Pages
from shorty.web.qr_looks import PRESET_LOOKS, Look, build_settings, describe_look, read_look
from shorty.web.qr_samples import CORNER_SAMPLES, FRAME_SAMPLES, PATTERN_SAMPLES, PRESET_SAMPLES
from shorty.web.rendering import render, see_other
from shorty.web.requests import WebRequest
from shorty.webcore.answers import Answer
from shorty.webcore.qr_drawings import PRIVATE

pages = Pages()

PLACE: Final = "/app/qr-codes"
ON_A_PAGE: Final = 24
SEARCH_LENGTH: Final = 200
FORM_LIMIT: Final = 8 * MAX_BYTES
"""A logo that is a little too large is still read, so that the other fields are kept."""


@pages.handle("GET /qr-codes")
async def list_codes(request: WebRequest) -> Answer:
    query = request.read_query()
    search, cursor = query.get("q", "").strip()[:SEARCH_LENGTH], query.get("cursor", "")
    wanted = LinkFilter(kind="coded", search=search, cursor=cursor or None, limit=ON_A_PAGE)
    context, actor = request.services.links, request.actor
    try:
        found = await list_links(context, actor, wanted)
    except InvalidFieldsError:  # an invalid cursor: start again
        cursor = ""
        found = await list_links(context, actor, msgspec.structs.replace(wanted, cursor=None))
    return render(
        request,
        "qr_codes.html",
        found=found,
        search=search,
        next=write_place(search, found.next_cursor) if found.next_cursor else "",
        first=write_place(search) if cursor else "",
    )


@pages.handle("GET /qr-codes/{link_id}")
async def open_designer(request: WebRequest) -> Answer:
    link = await find_link(request)
    return await show_designer(request, link, describe_look(read_stored(link)))


@pages.handle("POST /qr-codes/{link_id}", needs="write", limit=FORM_LIMIT)
async def save_code(request: WebRequest) -> Answer:
    link, look = await find_link(request), read_look(request.typed)
    try:
        if "image" in request.typed.files:
            look["qr_logo_id"] = str(await keep_logo(request))
    except InvalidFieldsError as error:
        return await show_designer(request, link, look, faults=error.fields)
    settings, faults = build_settings(look, read_stored(link))
    if faults:
        return await show_designer(request, link, look)
    change = LinkChange(qr_settings=settings)
    try:
        await change_link(request.services.links, request.actor, link.id, change, request.now)
    except (InvalidFieldsError, QuotaExceededError) as error:
        return await show_designer(request, link, look, message=tell(error))
    return see_other(request, f"{PLACE}/{link.id}", "QR code saved.")


@pages.handle("POST /qr-codes/{link_id}/preview", needs="write", limit=FORM_LIMIT)
async def preview_code(request: WebRequest) -> Answer:
    """Draws what was typed without saving it; scripts fetch only the picture's part."""
    return await show_designer(request, await find_link(request), read_look(request.typed))


@pages.handle("POST /qr-codes/{link_id}/logos", needs="write", limit=FORM_LIMIT)
async def upload_logo(request: WebRequest) -> Answer:
    """Stores the logo and puts it on the code in the designer."""
    link, look = await find_link(request), read_look(request.typed)
    try:
        logo_id = await keep_logo(request)
    except InvalidFieldsError as error:
        return await show_designer(request, link, look, faults=error.fields)
    return await show_designer(request, link, look | {"qr_logo_id": str(logo_id)})


@pages.handle(
    "POST /qr-codes/{link_id}/logos/{logo_id}/delete",
    needs="write",
    limit=FORM_LIMIT,
    page="/app/qr-codes/{link_id}",
)
async def delete_logo(request: WebRequest) -> Answer:
    link, look = await find_link(request), read_look(request.typed)
    logo_id = request.read_id("logo_id", "logo")
    await request.services.db.write(
        lambda tx: pictures.delete_picture(tx, request.actor, logo_id, pictures.LOGOS)
    )
    if look["qr_logo_id"] == str(logo_id):
        look["qr_logo_id"] = ""
    return await show_designer(request, link, look)


@pages.handle("POST /qr-codes/{link_id}/remove", needs="write")
async def remove_code(request: WebRequest) -> Answer:
    link = await find_link(request)
    change = LinkChange(qr_settings=None)
    await change_link(request.services.links, request.actor, link.id, change, request.now)
    return see_other(request, f"{PLACE}/{link.id}", "QR code removed. Printed codes keep working.")


@pages.handle("GET /qr-logos/{logo_id}")
async def show_logo(request: WebRequest) -> Answer:
    logo_id = request.read_id("logo_id", "logo")
    picture = await pictures.find_content(
        request.services.db, request.actor.workspace_id, logo_id, "logo"
    )
    if picture is None:
        raise NotFoundError("logo", logo_id)
    headers = [PRIVATE, (b"x-content-type-options", b"nosniff")]
    return Answer(200, picture.png, media_type=b"image/png", headers=headers)


async def find_link(request: WebRequest) -> Link:
    """Raises NotFoundError."""
    link_id = request.read_id("link_id", "link")
    return await get_link(request.services.links, request.actor, link_id)


def read_stored(link: Link) -> QrSettings:
    return link.qr_settings or QrSettings()


def write_place(search: str, cursor: str = "") -> str:
    parts = {name: text for name, text in (("q", search), ("cursor", cursor)) if text}
    return f"{PLACE}?{urlencode(parts)}" if parts else PLACE


def tell(error: ShortyError) -> str:
    if isinstance(error, InvalidFieldsError):
        return f"{'; '.join(error.fields.values())}."
    return error.message


async def keep_logo(request: WebRequest) -> int:
    """Raises InvalidFieldsError."""
    file = request.typed.files.get("image")
    if file is None or not file.content:
        raise InvalidFieldsError({"image": "choose a file first"})
    logo = await read_logo(file.content, workspace_id=request.actor.workspace_id)
    picture = pictures.Picture(png=logo.png, width=logo.width, height=logo.height)
    name = file.name.rpartition(".")[0][:NAME_LENGTH]
    if not name.isprintable():
        name = ""
    stored = await request.services.db.write(
        lambda tx: pictures.create_picture(tx, request.actor, "logo", name, picture, request.now)
    )
    return stored.id


async def show_designer(
    request: WebRequest,
    link: Link,
    look: Look,
    *,
    faults: dict[str, str] | None = None,
    message: str = "",
) -> Answer:
    settings, found = build_settings(look, read_stored(link))
    faults = found | (faults or {})
    # The faulty fields are left out of the picture.
    drawn = drop_faults(settings, found)
    return render(
        request,
        "qr_code.html",
        status=422 if faults or message else 200,
        link=link,
        look=look,
        faults=faults,
        message=message,
        drawing=write_drawing(drawn),
        warnings=list_warnings(drawn, write_scanned_url(link)),
        is_saved=link.qr_settings is not None and not found and is_same(settings, link),
        logos=await pictures.list_pictures(
            request.services.db, request.actor.workspace_id, pictures.LOGOS
        ),
        patterns=PATTERN_SAMPLES,
        corners=CORNER_SAMPLES,
        frames=FRAME_SAMPLES,
        presets=[(name, PRESET_LOOKS[name], sample) for name, sample in PRESET_SAMPLES.items()],
    )


def is_same(settings: QrSettings, link: Link) -> bool:
    """Whether it equals what is stored."""
    return describe_look(settings) == describe_look(read_stored(link))


def drop_faults(settings: QrSettings, faults: dict[str, str]) -> QrSettings:
    known = {name: None for name in faults if name in QrSettings.__struct_fields__}
    return msgspec.structs.replace(settings, **known)


def write_drawing(settings: QrSettings) -> str:
    """The settings as a query, for the address of a picture."""
    return urlencode(msgspec.to_builtins(settings))
