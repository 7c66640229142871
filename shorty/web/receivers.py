"""`/app/webhooks/receivers`: webhook endpoints, their status, and test events."""

from typing import Final

from shorty.links.checks import read_webhook_url
from shorty.storage.database import Lane
from shorty.web.deliveries import PLACE, show_no_webhooks
from shorty.web.guard import Pages
from shorty.web.rendering import render, see_other
from shorty.web.requests import WebRequest
from shorty.webcore.answers import Answer
from shorty.webhooks import service

pages = Pages()

ON_A_PAGE: Final = 50


@pages.handle("GET /webhooks/receivers")
async def list_receivers(request: WebRequest) -> Answer:
    if not request.actor.plan.webhooks:
        return show_no_webhooks(request)
    return await show_receivers(request)


@pages.handle("POST /webhooks/test", needs="write", page="/app/webhooks/receivers")
async def send_test(request: WebRequest) -> Answer:
    try:
        url = read_webhook_url(request.typed.read("url"))
    except ValueError as error:
        return await show_receivers(request, str(error))
    if url is None:
        return await show_receivers(request, "is required")
    delivery = await request.services.db.write(
        lambda tx: service.send_test(tx, request.actor, url, request.now), Lane.WEBHOOKS
    )
    return see_other(request, f"{PLACE}/deliveries/{delivery.id}", "Test event sent.")


async def show_receivers(request: WebRequest, fault: str = "") -> Answer:
    after = request.read_page_start("after")
    found = await service.list_receivers(request.services.db, request.actor, after, ON_A_PAGE + 1)
    shown = found[:ON_A_PAGE]
    return render(
        request,
        "receivers.html",
        status=422 if fault else 200,
        receivers=shown,
        faults={"url": fault} if fault else {},
        form=request.typed,
        next=f"{PLACE}/receivers?after={shown[-1].id}" if len(found) > ON_A_PAGE else "",
        first=f"{PLACE}/receivers" if after else "",
    )
