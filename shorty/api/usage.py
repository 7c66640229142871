"""`/usage`: the plan, its limits, and the usage of each."""

from typing import Any, ClassVar, Final

import msgspec

from shorty.api.objects import show
from shorty.api.operations import Resource
from shorty.api.requests import ApiRequest
from shorty.plans import read_usage
from shorty.webcore.answers import Answer, answer_json

resource: Final = Resource("Usage")


class UseObject(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """`limit` null means unlimited; `resetsAt` is when a monthly quota resets."""

    limit: int | None
    used: int
    resets_at: str | None


class UsageAnswer(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    plan: str
    links: UseObject
    links_per_month: UseObject
    edits_per_month: UseObject
    qr_codes: UseObject
    bio_pages: UseObject
    domains: UseObject
    members: UseObject
    webhooks: bool
    requests_per_minute: int
    click_retention_days: int | None

    example: ClassVar[dict[str, Any]] = {
        "plan": "free",
        "links": {"limit": 1000, "used": 17, "resetsAt": None},
        "linksPerMonth": {"limit": 500, "used": 3, "resetsAt": "2026-12-01T00:00:00.000Z"},
        "editsPerMonth": {"limit": 1000, "used": 0, "resetsAt": "2026-12-01T00:00:00.000Z"},
        "qrCodes": {"limit": 100, "used": 2, "resetsAt": None},
        "bioPages": {"limit": 3, "used": 0, "resetsAt": None},
        "domains": {"limit": 2, "used": 1, "resetsAt": None},
        "members": {"limit": 3, "used": 1, "resetsAt": None},
        "webhooks": True,
        "requestsPerMinute": 100,
        "clickRetentionDays": 365,
    }


@resource.handle("GET /usage", "Get plan usage", UsageAnswer)
async def get_usage(request: ApiRequest) -> Answer:
    services, actor = request.services, request.actor
    plan = actor.plan
    usage = await read_usage(services.db, actor.workspace_id, plan, request.now)
    return answer_json(
        UsageAnswer(
            plan=plan.name,
            **{quota: show(UseObject, use) for quota, use in usage.items()},
            webhooks=plan.webhooks,
            requests_per_minute=plan.requests_per_minute
            or services.config.server.requests_per_minute,
            click_retention_days=plan.click_retention_days,
        )
    )
