"""`/app/usage`: the plan's quotas, their usage, and its features."""

from typing import Final, NamedTuple

from shorty.plans import QuotaName, QuotaUse, read_usage
from shorty.web.guard import Pages
from shorty.web.rendering import render
from shorty.web.requests import WebRequest
from shorty.webcore.answers import Answer

pages = Pages()

NAMES: Final[dict[QuotaName, tuple[str, str]]] = {
    "links": ("Links", "/app/links"),
    "links_per_month": ("New links this month", ""),
    "edits_per_month": ("Edits this month", ""),
    "qr_codes": ("QR codes", "/app/qr-codes"),
    "bio_pages": ("Bio pages", "/app/bio-pages"),
    "domains": ("Your own domains", "/app/domains"),
    "members": ("Members", "/app/members"),
}
NEARLY: Final = 0.8
"""From this share on, a quota is nearly at its limit."""


class Meter(NamedTuple):
    """`state` is empty, "nearly" or "full"."""

    name: str
    path: str
    use: QuotaUse
    state: str


@pages.handle("GET /usage")
async def show_usage(request: WebRequest) -> Answer:
    services, plan = request.services, request.actor.plan
    usage = await read_usage(services.db, request.actor.workspace_id, plan, request.now)
    meters = [Meter(*NAMES[quota], use=use, state=judge_use(use)) for quota, use in usage.items()]
    return render(
        request,
        "usage.html",
        plan=plan,
        meters=meters,
        requests_per_minute=plan.requests_per_minute or services.config.server.requests_per_minute,
    )


def judge_use(use: QuotaUse) -> str:
    if use.limit is None or use.used < use.limit * NEARLY:
        return ""
    return "full" if use.used >= use.limit else "nearly"
