"""`/app/export`: all links as CSV, or everything in our own format."""

from collections.abc import AsyncGenerator

from shorty.accounts.model import Scope
from shorty.accounts.roles import is_allowed
from shorty.plans import read_usage
from shorty.transfer.exports import export_lines, export_table
from shorty.transfer.progress import TransferProgress
from shorty.web.formatting import read_moment
from shorty.web.guard import Pages
from shorty.web.rendering import list_cookie_headers, list_page_headers, render
from shorty.web.requests import WebRequest
from shorty.webcore.answers import Answer, StreamedAnswer

pages = Pages()


@pages.handle("GET /export")
async def show_export(request: WebRequest) -> Answer:
    actor = request.actor
    usage = await read_usage(request.services.db, actor.workspace_id, actor.plan, request.now)
    return render(
        request,
        "export.html",
        links=usage["links"].used,
        retention_days=actor.plan.click_retention_days,
    )


@pages.handle("GET /export/links.csv")
async def send_table(request: WebRequest) -> Answer:
    """Read page by page without a snapshot, so that a slow client holds nothing up."""
    actor = request.actor
    scope: Scope = "write" if is_allowed(actor, "write") else "read"
    parts = export_table(
        request.services.db, actor.workspace_id, TransferProgress(), hides_webhooks=scope == "read"
    )
    return send_file(request, scope, parts, b"text/csv; charset=utf-8", "csv")


@pages.handle("GET /export/links.ndjson", needs="write")
async def send_lines(request: WebRequest) -> Answer:
    """Needs the scope to write, since it contains password hashes."""
    parts = export_lines(
        request.services.db,
        request.actor.workspace_id,
        request.now,
        TransferProgress(),
        has_clicks=request.read_query().get("clicks") == "1",
    )
    return send_file(request, "write", parts, b"application/x-ndjson", "ndjson")


def send_file(
    request: WebRequest,
    scope: Scope,
    parts: AsyncGenerator[bytes],
    media_type: bytes,
    ending: str,
) -> Answer:
    """`scope` is what the file needs; it is broken off when its reader loses it."""
    day = read_moment(request.now, request.zone)
    return StreamedAnswer(
        parts,
        may_go_on=lambda: request.may_still(scope),
        media_type=media_type,
        file_name=f"links-{day:%Y-%m-%d}.{ending}",
        headers=[*list_page_headers(request), *list_cookie_headers(request)],
    )
