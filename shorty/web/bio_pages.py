"""`/app/bio-pages`: bio pages and their editor, with a preview beside it."""

from typing import Final

import msgspec

from shorty.bio import service
from shorty.bio.model import BioPage, BlockKind, PageChange
from shorty.bio.socials import ICONS
from shorty.bio.themes import DESCRIPTIONS, THEMES
from shorty.bio.view import preview_face
from shorty.errors import InvalidFieldsError, QuotaExceededError, ShortyError, SlugTakenError
from shorty.links.model import LinkChange
from shorty.links.pictures import (
    LONGEST_SIDES,
    Picture,
    Purpose,
    StoredPicture,
    create_picture,
    list_pictures,
)
from shorty.qr.sandbox import MAX_BYTES, read_logo
from shorty.redirect.bio_page import render_bio_page
from shorty.redirect.pages import Pixels
from shorty.web.bio_forms import list_shown_socials, read_page_change
from shorty.web.destinations import complete_destination
from shorty.web.forms import Form, Upload, read_faults
from shorty.web.guard import Pages
from shorty.web.rendering import HTML, list_page_headers, render, see_other
from shorty.web.requests import WebRequest
from shorty.webcore.answers import Answer

pages = Pages()

PLACE: Final = "/app/bio-pages"
LISTED: Final = 30
UPLOAD_LIMIT: Final = MAX_BYTES + 65_536
KINDS: Final[tuple[tuple[BlockKind, str], ...]] = (
    ("link", "Button"),
    ("header", "Heading"),
    ("text", "Text"),
    ("image", "Picture"),
    ("embed", "Player"),
)


class FaultyForm(msgspec.Struct, frozen=True, kw_only=True):
    """One of the editor's forms: `settings`, `avatar`, `new-KIND` or a block's id."""

    place: str
    faults: dict[str, str]


@pages.handle("GET /bio-pages")
async def list_bio_pages(request: WebRequest) -> Answer:
    return await show_list(request)


@pages.handle("POST /bio-pages", needs="write")
async def create_bio_page(request: WebRequest) -> Answer:
    typed = request.typed
    wanted = LinkChange(
        url=complete_destination(typed.read("url")),
        domain=typed.read("domain"),
        slug=typed.read_optional("slug"),
        title=typed.read_optional("title"),
    )
    context = request.services.links
    try:
        made = await service.create_page(context, request.actor, wanted, PageChange(), request.now)
    except (InvalidFieldsError, SlugTakenError, QuotaExceededError) as error:
        return await show_list(request, error)
    return see_other(request, f"{PLACE}/{made.id}", "The page is there. Put something on it.")


@pages.handle("GET /bio-pages/{page_id}")
async def edit_bio_page(request: WebRequest) -> Answer:
    return await show_editor(request, await get_page(request))


@pages.handle("POST /bio-pages/{page_id}", needs="write")
async def change_bio_page(request: WebRequest) -> Answer:
    page_id = request.read_id("page_id", service.PAGE)
    try:
        change = read_page_change(request.typed)
        await service.change_page(
            request.services.links, request.actor, page_id, change, request.now
        )
    except (InvalidFieldsError, QuotaExceededError) as error:
        faulty = FaultyForm(place="settings", faults=read_faults(error, "button_label"))
        return await show_editor(request, await get_page(request), faulty)
    return see_other(request, f"{PLACE}/{page_id}", "Saved.")


@pages.handle("GET /bio-pages/{page_id}/preview")
async def preview_bio_page(request: WebRequest) -> Answer:
    """The page as visitors see it, with the settings in the query if there are any."""
    shown = await get_page(request)
    asked = Form(fields={name: (value,) for name, value in request.read_query().items()})
    try:
        shown = service.preview_change(request.services.links, shown, read_page_change(asked))
    except InvalidFieldsError:
        # A colour or address that is still being typed: the preview stays as it was.
        shown = await get_page(request)
    drawn = render_bio_page(preview_face(shown, request.now), Pixels(), is_opted_out=True)
    return answer_preview(request, dict(drawn.headers)["content-security-policy"], drawn.body)


def answer_preview(request: WebRequest, policy: str, body: str) -> Answer:
    """With the page's own policy, except that the dashboard may frame it."""
    framed = policy.replace("frame-ancestors 'none'", "frame-ancestors 'self'").encode()
    headers = [
        (name, framed if name == b"content-security-policy" else value)
        for name, value in list_page_headers(request)
    ]
    return Answer(200, body.encode(), media_type=HTML, headers=headers)


@pages.handle("POST /bio-pages/{page_id}/avatar", needs="write", limit=UPLOAD_LIMIT)
async def upload_avatar(request: WebRequest) -> Answer:
    shown = await get_page(request)
    try:
        avatar = await keep_picture(request, request.typed.files.get("image"), "avatar")
        change = PageChange(avatar="picture", avatar_id=avatar.id)
        await service.change_page(
            request.services.links, request.actor, shown.id, change, request.now
        )
    except InvalidFieldsError as error:
        return await show_editor(request, shown, FaultyForm(place="avatar", faults=error.fields))
    return see_other(request, f"{PLACE}/{shown.id}", "The picture is on the page.")


@pages.handle("POST /bio-pages/{page_id}/delete", needs="write")
async def delete_bio_page(request: WebRequest) -> Answer:
    page_id = request.read_id("page_id", service.PAGE)
    keeps_link = request.typed.is_checked("keeps_link")
    await service.delete_page(
        request.services.links, request.actor, page_id, request.now, keeps_link=keeps_link
    )
    if keeps_link:
        return see_other(request, PLACE, "The page is gone; its address leads on to its link.")
    return see_other(request, PLACE, "The page is deleted.")


async def get_page(request: WebRequest) -> BioPage:
    page_id = request.read_id("page_id", service.PAGE)
    return await service.get_page(request.services.links, request.actor, page_id, request.now)


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


async def show_list(request: WebRequest, error: ShortyError | None = None) -> Answer:
    after = request.read_page_start("after")
    found = await service.list_pages(
        request.services.links,
        request.actor,
        request.now,
        after=after,
        limit=LISTED,
    )
    return render(
        request,
        "bio_pages.html",
        status=200 if error is None else 422,
        pages=found.pages,
        next_after=found.pages[-1].id if found.has_more else None,
        is_first=after == 0,
        form=request.typed,
        faults={} if error is None else read_faults(error, "slug"),
        domain_choices=[(host, host) for host in list_hosts(request)],
    )


async def show_editor(
    request: WebRequest, shown: BioPage, faulty: FaultyForm | None = None
) -> Answer:
    return render(
        request,
        "bio_page.html",
        status=200 if faulty is None else 422,
        page=shown,
        settings=shown.settings,
        socials=list_shown_socials(shown.settings.socials, request.typed, faulty is not None),
        form=request.typed,
        faulty=faulty,
        kinds=KINDS,
        themes=[(name, DESCRIPTIONS[name], THEMES[name]) for name in THEMES],
        networks=[(network, icon.name) for network, icon in ICONS.items()],
        pictures=await list_pictures(request.services.db, request.actor.workspace_id, ("avatar",)),
    )


def list_hosts(request: WebRequest) -> list[str]:
    found = request.services.domains.list_for_workspace(request.actor.workspace_id)
    return [domain.host for domain in found]
