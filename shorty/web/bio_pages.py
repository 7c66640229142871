"""`/app/bio-pages`: bio pages, and the one form of their editor, with a preview beside it."""

from typing import Final

from shorty.bio import service
from shorty.bio.model import PageChange
from shorty.bio.view import preview_face
from shorty.errors import InvalidFieldsError, QuotaExceededError, ShortyError, SlugTakenError
from shorty.links.model import LinkChange
from shorty.qr.sandbox import MAX_BYTES
from shorty.redirect.bio_page import render_bio_page
from shorty.redirect.pages import Pixels
from shorty.web.bio_editor import get_page, save_typed, show_editor
from shorty.web.bio_forms import read_page_change
from shorty.web.destinations import complete_destination
from shorty.web.forms import Form, read_faults
from shorty.web.guard import Pages
from shorty.web.rendering import HTML, list_page_headers, render, see_other
from shorty.web.requests import WebRequest
from shorty.webcore.answers import Answer

pages = Pages()

PLACE: Final = "/app/bio-pages"
LISTED: Final = 30
UPLOAD_LIMIT: Final = 3 * MAX_BYTES + 65_536
"""A photo, an image of a block and one of a new block, with the whole form."""


@pages.handle("GET /bio-pages")
async def list_bio_pages(request: WebRequest) -> Answer:
    return await show_list(request)


@pages.handle("POST /bio-pages", needs="write")
async def create_bio_page(request: WebRequest) -> Answer:
    """With a destination, its title is read for the first button; without, there is no button."""
    typed = request.typed
    url, name = complete_destination(typed.read("url")), typed.read_optional("title")
    wanted = LinkChange(
        url=url,
        domain=typed.read("domain"),
        slug=typed.read_optional("slug"),
        title=None if url else name,
    )
    change = PageChange(title=name) if url else PageChange()
    context = request.services.links
    try:
        made = await service.create_page(context, request.actor, wanted, change, request.now)
    except (InvalidFieldsError, SlugTakenError, QuotaExceededError) as error:
        return await show_list(request, error)
    return see_other(request, f"{PLACE}/{made.id}", "Bio page created. Add your first block.")


@pages.handle("GET /bio-pages/{page_id}")
async def edit_bio_page(request: WebRequest) -> Answer:
    return await show_editor(request, await get_page(request))


@pages.handle("POST /bio-pages/{page_id}", needs="write", limit=UPLOAD_LIMIT)
async def change_bio_page(request: WebRequest) -> Answer:
    shown = await get_page(request)
    if faults := await save_typed(request, shown):
        return await show_editor(request, await get_page(request), faults)
    return see_other(request, f"{PLACE}/{shown.id}", "Changes saved.")


@pages.handle("GET /bio-pages/{page_id}/preview")
async def preview_bio_page(request: WebRequest) -> Answer:
    """The page as visitors see it, with the settings in the query if there are any."""
    shown = await get_page(request)
    asked = Form(fields={name: (value,) for name, value in request.read_query().items()})
    try:
        shown = await service.preview_change(request.services.links, shown, read_page_change(asked))
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


@pages.handle("POST /bio-pages/{page_id}/delete", needs="write")
async def delete_bio_page(request: WebRequest) -> Answer:
    page_id = request.read_id("page_id", service.PAGE)
    keeps_link = request.typed.is_checked("keeps_link")
    await service.delete_page(
        request.services.links, request.actor, page_id, request.now, keeps_link=keeps_link
    )
    if keeps_link:
        return see_other(request, PLACE, "Bio page deleted. Its short link redirects now.")
    return see_other(request, PLACE, "Bio page deleted.")


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
        hosts=list_hosts(request),
    )


def list_hosts(request: WebRequest) -> list[str]:
    found = request.services.domains.list_for_workspace(request.actor.workspace_id)
    return [domain.host for domain in found]
