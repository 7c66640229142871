"""`/app/links/{id}/history`: who changed what of a link, and when."""

from functools import partial
from typing import Any, Final
from zoneinfo import ZoneInfo

from shorty.accounts.roles import is_allowed
from shorty.links.history import list_edits
from shorty.web.formatting import write_moment
from shorty.web.forms import is_id
from shorty.web.guard import Pages
from shorty.web.link_form import get_link
from shorty.web.link_page import describe_link
from shorty.web.rendering import render
from shorty.web.requests import WebRequest
from shorty.webcore.answers import Answer
from shorty.webhooks.model import hide_path

pages = Pages()

ON_PAGE: Final = 50
# Where the field's own name would not do.
NAMES: Final = {
    "url": "Destination",
    "slug": "Short address",
    "status": "Kind of redirect",
    "is_active": "Switched on",
    "is_starred": "Starred",
    "is_password_asked": "Password is asked for",
    "is_link_in_bio": "On a bio page",
    "is_public": "Public",
    "max_clicks": "Most clicks",
    "expires_at": "Ends",
    "block_bots": "Keeps bots out",
    "webhook_urls": "Webhooks",
    "qr_settings": "QR code",
    "utm_id": "UTM id",
    "meta_pixel_id": "Meta pixel",
    "google_tag_id": "Google tag",
}


@pages.handle("GET /links/{link_id}/history")
async def show_history(request: WebRequest) -> Answer:
    link = await get_link(request)
    text = request.read_query().get("before", "")
    before = int(text) if is_id(text) else None
    edits = await list_edits(
        request.services.db, link.workspace_id, link.id, before=before, limit=ON_PAGE + 1
    )
    return render(
        request,
        "link_history.html",
        **describe_link(request, link),
        tab="history",
        edits=edits[:ON_PAGE],
        next=edits[ON_PAGE - 1].id if len(edits) > ON_PAGE else None,
        is_first=before is None,
        name_field=name_field,
        write_value=partial(
            write_value, zone=request.zone, hides_webhooks=not is_allowed(request.actor, "write")
        ),
    )


def name_field(name: str) -> str:
    if name in NAMES:
        return NAMES[name]
    words = name.replace("_", " ")
    return words.replace("utm", "UTM") if words.startswith("utm") else words.capitalize()


def write_value(name: str, value: Any, zone: ZoneInfo, *, hides_webhooks: bool = False) -> str:
    """What a field was, in words; empty for nothing."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if name == "expires_at":
        return write_moment(value, zone)
    if name == "webhook_urls" and hides_webhooks:
        return ", ".join(map(hide_path, value))
    if isinstance(value, list):
        return ", ".join(map(str, value))  # pyright: ignore[reportUnknownArgumentType] - of texts
    if isinstance(value, dict):
        return ", ".join(f"{key} {each}" for key, each in value.items())  # pyright: ignore[reportUnknownVariableType] - of plain values
    return str(value)
