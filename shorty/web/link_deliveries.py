"""`/app/links/{id}/deliveries`: the webhook deliveries of one link."""

from shorty.ids import parse_id
from shorty.web.deliveries import ON_A_PAGE
from shorty.web.guard import Pages
from shorty.web.link_form import get_link
from shorty.web.link_page import describe_link
from shorty.web.rendering import render
from shorty.web.requests import WebRequest
from shorty.webcore.answers import Answer
from shorty.webhooks import service
from shorty.webhooks.model import DeliveryFilter

pages = Pages()


@pages.handle("GET /links/{link_id}/deliveries")
async def list_link_deliveries(request: WebRequest) -> Answer:
    link = await get_link(request)
    before = parse_id(request.read_query().get("before"))
    wanted = DeliveryFilter(
        link_id=link.id, before=before or DeliveryFilter().before, limit=ON_A_PAGE + 1
    )
    db, actor = request.services.db, request.actor
    is_off = not actor.plan.webhooks
    found = [] if is_off else await service.list_deliveries(db, actor, wanted, request.now)
    return render(
        request,
        "link_deliveries.html",
        **describe_link(request, link),
        tab="deliveries",
        deliveries=found[:ON_A_PAGE],
        next=found[ON_A_PAGE - 1].id if len(found) > ON_A_PAGE else None,
        is_first=before is None,
        is_off=is_off,
    )
