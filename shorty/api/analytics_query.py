"""The query of every analytics request: a period in a time zone, and filters."""

from typing import Annotated, Final

import msgspec
from msgspec import Meta, field

from shorty.api.requests import ApiRequest
from shorty.clicks.periods import Interval, Period, read_period
from shorty.clicks.stats_store import Scope
from shorty.errors import InvalidFieldsError, NotFoundError
from shorty.ids import parse_id
from shorty.links.service import get_link
from shorty.links.tags import get_tag

DEFAULT_LIMIT: Final = 100
MAX_LIMIT: Final = 1000


class AnalyticsQuery(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    start: Annotated[
        str | None,
        Meta(
            description="Start of the period: a date in the time zone, or ISO 8601. Default: the "
            "last 30 days, including today."
        ),
    ] = field(name="from", default=None)
    end: Annotated[
        str | None,
        Meta(
            description="End of the period: a date (included), or an ISO 8601 time (excluded). "
            "Default: now."
        ),
    ] = field(name="to", default=None)
    timezone: Annotated[str, Meta(description="IANA time zone that defines the days.")] = "UTC"
    link_id: Annotated[str | None, Meta(description="Only clicks on this link.")] = None
    domain: Annotated[
        str | None,
        Meta(
            description="Only clicks by this domain, also on links that have moved or were deleted "
            "since. With `linkId` or `tagId`: only links that are on this domain."
        ),
    ] = None
    tag_id: Annotated[str | None, Meta(description="Only clicks on links with this tag.")] = None
    include_bots: Annotated[bool, Meta(description="Include clicks by bots.")] = False


class TopQuery(AnalyticsQuery, frozen=True, kw_only=True):
    limit: Annotated[
        int, Meta(ge=1, le=MAX_LIMIT, description="Maximum number of values of each kind.")
    ] = DEFAULT_LIMIT


class SeriesQuery(AnalyticsQuery, frozen=True, kw_only=True):
    interval: Annotated[Interval, Meta(description="Length of each interval.")] = "day"


class Question(msgspec.Struct, frozen=True, kw_only=True):
    period: Period
    scope: Scope


async def read_question(request: ApiRequest, query: AnalyticsQuery) -> Question:
    """Raises InvalidFieldsError with every fault, and NotFoundError for an unknown link or tag."""
    faults: dict[str, str] = {}
    domain_id = None
    if query.domain is not None:
        domain = request.services.links.find_domain(request.actor.workspace_id, query.domain)
        if domain is None:
            faults["domain"] = "is not a verified domain of this workspace"
        else:
            domain_id = domain.id
    try:
        period = read_period(query.start, query.end, query.timezone, request.now)
    except InvalidFieldsError as error:
        raise InvalidFieldsError(error.fields | faults) from error
    if faults:
        raise InvalidFieldsError(faults)
    scope = Scope(
        workspace_id=request.actor.workspace_id,
        link_id=await find_link_id(request, query.link_id),
        domain_id=domain_id,
        tag_id=await find_tag_id(request, query.tag_id),
    )
    return Question(period=period, scope=scope)


async def find_link_id(request: ApiRequest, text: str | None) -> int | None:
    if text is None:
        return None
    return (await get_link(request.services.links, request.actor, read_id(text, "link"))).id


async def find_tag_id(request: ApiRequest, text: str | None) -> int | None:
    if text is None:
        return None
    tag_id = read_id(text, "tag")
    return (await get_tag(request.services.db, request.actor.workspace_id, tag_id)).id


def read_id(text: str, what: str) -> int:
    """A malformed id is treated as an unknown one."""
    found = parse_id(text)
    if found is None:
        raise NotFoundError(what, text[:40])
    return found
