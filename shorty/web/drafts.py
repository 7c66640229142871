"""`/app/drafts/{key}`: leads back to a form whose session had ended before it was sent."""

from typing import Final

from shorty.web.guard import Pages
from shorty.web.rendering import render, see_other
from shorty.web.requests import DRAFT, WebRequest
from shorty.webcore.answers import Answer

pages = Pages()

GONE: Final = (
    "A form is kept for an hour after its session ended, and can be lost when the server restarts. "
    "Nothing was saved."
)
OTHERS: Final = (
    "It was filled in by somebody else or in another workspace, so it has been deleted. Nothing "
    "was saved."
)
"""Says nothing of what was typed, nor by whom."""


@pages.handle("GET /drafts/{key}")
async def open_draft(request: WebRequest) -> Answer:
    key: str = request.path_params["key"]
    drafts = request.services.drafts
    draft = await drafts.find(key, request.forms_key, request.now)
    if draft is None:
        return show_loss(request, GONE)
    if not request.may_see(draft):
        await drafts.drop(key, request.forms_key)
        return show_loss(request, OTHERS)
    mark = "&" if "?" in draft.page else "?"
    return see_other(request, f"{draft.page}{mark}{DRAFT}={key}")


def show_loss(request: WebRequest, message: str) -> Answer:
    return render(request, "error.html", status=404, title="Form not kept", message=message)
