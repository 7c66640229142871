"""The editor of a bio page: one form with the page's settings and all of its blocks.

Every button of the form sends all of it, so that what was typed is saved whichever is pressed. A
field of a block begins with the block's part: `b12-text`, or `new-text-text` of one to be added.
"""

from collections.abc import Mapping

from msgspec.structs import replace

from shorty.bio import blocks, service
from shorty.bio.model import BioPage, Block, BlockChange, PageChange
from shorty.bio.socials import ICONS
from shorty.bio.themes import DESCRIPTIONS, THEMES
from shorty.bio.view import name_button
from shorty.errors import InvalidFieldsError, ShortyError
from shorty.links.model import LinkChange
from shorty.links.pictures import LONGEST_SIDES, Picture, Purpose, StoredPicture, create_picture
from shorty.links.service import create_link
from shorty.qr.sandbox import read_logo
from shorty.web.bio_forms import (
    KINDS,
    BlockForm,
    list_shown_socials,
    name_part,
    read_block_form,
    read_page_change,
)
from shorty.web.destinations import read_destination
from shorty.web.formatting import write_input, write_short
from shorty.web.forms import Upload, read_faults
from shorty.web.rendering import render
from shorty.web.requests import WebRequest, find_named_link
from shorty.webcore.answers import Answer

SETTINGS = "settings"

Faults = Mapping[str, Mapping[str, str]]
"""What is wrong, by the part of the editor (`settings`, `b12`, `new-text`) and the field."""


async def get_page(request: WebRequest) -> BioPage:
    page_id = request.read_id("page_id", service.PAGE)
    return await service.get_page(request.services.links, request.actor, page_id, request.now)


async def save_typed(request: WebRequest, shown: BioPage) -> Faults:
    """Saves the settings and every block that was changed; what is faulty stays as it was."""
    faults: dict[str, Mapping[str, str]] = {}
    try:
        await _save_settings(request, shown)
    except ShortyError as error:
        faults[SETTINGS] = read_faults(error, "button_label")
    for block in shown.blocks:
        part = name_part(block.id)
        if f"{part}-text" not in request.typed and f"{part}-url" not in request.typed:
            continue
        try:
            await _save_block(request, shown, block)
        except ShortyError as error:
            faults[part] = read_faults(error, "target" if block.kind == "link" else "text")
    return faults


async def _save_settings(request: WebRequest, shown: BioPage) -> None:
    """Raises InvalidFieldsError and QuotaExceededError."""
    change = read_page_change(request.typed)
    if image := request.typed.files.get("avatar-image"):
        avatar = await keep_picture(request, image, "avatar")
        change = replace(change, avatar="picture", avatar_id=avatar.id)
    if change == PageChange():
        return
    context = request.services.links
    await service.change_page(context, request.actor, shown.id, change, request.now)


async def _save_block(request: WebRequest, shown: BioPage, block: Block) -> None:
    """Raises InvalidFieldsError, and QuotaExceededError for a link that a button needs."""
    change = await _read_change(request, block, shown.link.host)
    if change == BlockChange():
        return
    await request.services.db.write(
        lambda tx: blocks.change_block(
            tx, request.services.links, request.actor, shown.id, block.id, change, request.now
        )
    )


async def _read_change(request: WebRequest, block: Block, host: str) -> BlockChange:
    """What differs from the block as it is stored."""
    part = name_part(block.id)
    typed = read_block_form(request.typed, request.zone, f"{part}-")
    change: dict[str, object] = {}
    if typed.text != block.text:
        change["text"] = typed.text
    for name in ("shown_from", "shown_until"):
        field, stored = f"{part}-{name}", write_input(getattr(block, name), request.zone)
        if field in request.typed and request.typed.read(field) != stored:
            change[name] = getattr(typed, name)
    if block.kind == "link" and _names_another(block, typed):
        change["link_id"] = await find_target(request, typed, host)
    if block.kind == "embed" and typed.url != block.url:
        change["url"] = typed.url
    if block.kind == "image":
        if image := request.typed.files.get(f"{part}-image"):
            change["picture_id"] = (await keep_picture(request, image, "image")).id
        elif typed.url and typed.url != block.url:
            change["url"] = typed.url
    return BlockChange(**change)  # pyright: ignore[reportArgumentType]


def _names_another(block: Block, typed: BlockForm) -> bool:
    """Whether a button's link is another; also if its own link's domain no longer answers."""
    if block.target is None:
        return bool(typed.target)
    short_url = block.target.short_url.partition("://")[2]
    return typed.target not in {short_url, write_short(block.target.short_url)}


async def find_target(request: WebRequest, form: BlockForm, host: str) -> int:
    """The id of the short link: `go.example/sale`, or `sale` on the page's own domain.

    Creates a short link for any other URL. Raises InvalidFieldsError for an empty field.
    """
    typed = form.target
    if not typed:
        raise InvalidFieldsError({"target": "must be a short link or a URL"})
    if named := await find_named_link(request, typed, host):
        return named.id
    url, link_type = read_destination({"url": typed, "link_type": "URL"})
    if link_type == "URL" and "." not in typed:
        raise InvalidFieldsError({"target": f"is not a short link of this workspace: {typed[:80]}"})
    context, actor = request.services.links, request.actor
    wanted = LinkChange(url=url, domain=host, link_type=link_type, fetches_title=True)
    try:
        return (await create_link(context, actor, wanted, request.now)).id
    except InvalidFieldsError as error:
        raise InvalidFieldsError({"target": error.fields.get("url", error.message)}) from error


async def keep_picture(
    request: WebRequest, upload: Upload | None, purpose: Purpose
) -> StoredPicture:
    """Re-encodes an uploaded picture and stores it. Raises InvalidFieldsError."""
    if upload is None:
        raise InvalidFieldsError({"image": "must be chosen first"})
    drawn = await read_logo(
        upload.content, LONGEST_SIDES[purpose], workspace_id=request.actor.workspace_id
    )
    picture = Picture(png=drawn.png, width=drawn.width, height=drawn.height)
    name = upload.name.rpartition(".")[0][:100]
    return await request.services.db.write(
        lambda tx: create_picture(tx, request.actor, purpose, name, picture, request.now)
    )


def name_block(block: Block) -> str:
    """What people call the block: its words, or its kind."""
    target = block.target
    words = block.text or (target and (target.title or target.place)) or block.url
    return (words or (block.picture and block.picture.name) or dict(KINDS)[block.kind])[:60]


async def show_editor(request: WebRequest, shown: BioPage, faults: Faults | None = None) -> Answer:
    """With `faults`, every field as it was typed."""
    return render(
        request,
        "bio_page.html",
        status=200 if faults is None else 422,
        page=shown,
        settings=shown.settings,
        socials=list_shown_socials(shown.settings.socials, request.typed, faults is not None),
        form=request.typed,
        is_typed=faults is not None,
        faults=faults or {},
        name_block=name_block,
        name_part=name_part,
        first_label=name_button(shown.link, shown.settings),
        kinds=KINDS,
        themes=[(name, DESCRIPTIONS[name], THEMES[name]) for name in THEMES],
        networks=[(network, icon.name) for network, icon in ICONS.items()],
    )
