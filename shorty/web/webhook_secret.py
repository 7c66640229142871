"""`/app/webhooks/signing`: the secret that deliveries are signed with, and how to verify them."""

from shorty.accounts.roles import is_allowed
from shorty.storage.database import Lane
from shorty.web.deliveries import PLACE, show_no_webhooks
from shorty.web.guard import Pages
from shorty.web.rendering import render, see_other
from shorty.web.requests import WebRequest
from shorty.webcore.answers import Answer
from shorty.webhooks import service

pages = Pages()


@pages.handle("GET /webhooks/signing")
async def open_signing(request: WebRequest) -> Answer:
    """The page contains the secret only on request."""
    actor = request.actor
    if not actor.plan.webhooks:
        return show_no_webhooks(request)
    secret = None
    if is_allowed(actor, "admin"):
        secret = await request.services.db.write(
            lambda tx: service.get_secret(tx, actor, request.now), Lane.WEBHOOKS
        )
    is_shown = request.read_query().get("show") == "1"
    return render(request, "signing.html", has_secret=is_shown, secret=secret, is_shown=is_shown)


@pages.handle("POST /webhooks/signing/rotate", needs="admin")
async def rotate_secret(request: WebRequest) -> Answer:
    await request.services.db.write(
        lambda tx: service.rotate_secret(tx, request.actor, request.now), Lane.WEBHOOKS
    )
    return see_other(
        request,
        f"{PLACE}/signing?show=1",
        "Secret rotated. The old one also signs for 24 hours.",
    )
