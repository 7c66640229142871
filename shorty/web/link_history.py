"""`/app/links/{id}/history`: who changed what of a link, and when."""

from functools import partial
from typing import Any, Final
from zoneinfo import ZoneInfo

from shorty.accounts.roles import is_allowed
from shorty.ids import parse_id
from shorty.links.history import list_edits
from shorty.web.formatting import write_moment
from shorty.web.guard import Pages
from shorty.web.link_fields import FIELDS
from shorty.web.link_form import get_link
from shorty.web.link_page import describe_link
from shorty.web.rendering import render
from shorty.web.requests import WebRequest
from shorty.webcore.answers import Answer
from shorty.webhooks.model import hide_path

pages = Pages()

ON_PAGE: Final = 50
NAMES: Final = {name: field.in_history or field.label for name, field in FIELDS.items()} | {
    "aliases": "Aliases",
    "is_starred": "Starred",
    "is_password_asked": "Password required",
    "is_public": "Public",
    "qr_settings": "QR code",
    "rules": "Rules",
}


@pages.handle("GET /links/{link_id}/history")
async def show_history(request: WebRequest) -> Answer:
    link = await get_link(request)
    before = parse_id(request.read_query().get("before"))
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
    return NAMES.get(name) or name.replace("_", " ").capitalize()


def write_value(name: str, value: Any, zone: ZoneInfo, *, hides_webhooks: bool = False) -> str:
    """A field's value for display; empty for None."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if name in {"valid_since", "expires_at"}:
        return write_moment(value, zone)
    if name == "webhook_urls" and hides_webhooks:
        return ", ".join(map(hide_path, value))
    if name == "rules":
        return "; ".join(value)
    if isinstance(value, list):
        return ", ".join(map(str, value))  # pyright: ignore[reportUnknownArgumentType] - of texts
    if isinstance(value, dict):
        return ", ".join(f"{key} {each}" for key, each in value.items())  # pyright: ignore[reportUnknownVariableType] - of plain values
    return str(value)
