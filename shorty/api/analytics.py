"""`/analytics`: clicks over time, by visitor and by source, read from precomputed totals."""

from collections.abc import Callable, Collection, Sequence
from typing import Final, NamedTuple, TypeVar

import msgspec

from shorty.api.analytics_answers import (
    BrowserCount,
    CityCount,
    CountryCount,
    DeviceCount,
    DevicesAnswer,
    GeoAnswer,
    HostCount,
    OsCount,
    Point,
    PreviousTotals,
    ReferrerCount,
    ReferrersAnswer,
    RuleCount,
    RulesAnswer,
    SeriesAnswer,
    SummaryAnswer,
    UtmAnswer,
    UtmCount,
)
from shorty.api.analytics_query import (
    AnalyticsQuery,
    SeriesQuery,
    TopQuery,
    read_question,
)
from shorty.api.objects import show
from shorty.api.operations import Resource
from shorty.api.requests import ApiRequest
from shorty.clicks.breakdown import (
    OF_DEVICES,
    OF_GEO,
    OF_REFERRERS,
    OF_RULES,
    OF_UTM,
    count_clicks,
    list_browsers,
    list_cities,
    list_countries,
    list_devices,
    list_rules,
    list_sites,
    list_systems,
    list_utm,
)
from shorty.clicks.breakdown import RuleCount as FoundCount
from shorty.clicks.periods import Period, cut_period
from shorty.clicks.stats import Count, ValueCounts, count_by_slot, count_values
from shorty.errors import NotFoundError
from shorty.links.rule_names import KnownRules, RuleName, find_rules
from shorty.webcore.answers import Answer, answer_json

T = TypeVar("T", bound=msgspec.Struct)
ListCounts = Callable[..., Sequence[Count]]

resource: Final = Resource("Analytics", errors=(NotFoundError,))
ABOUT: Final = (
    "Visitors are unique per UTC day, so over longer periods the figure is visitor-days. The "
    "period is rounded outwards to whole quarter hours; the response shows the one used."
)


@resource.handle(
    "GET /analytics/summary",
    "Get click and visitor totals",
    SummaryAnswer,
    description="`clicks` are all clicks by people; `scans` are those that came from a QR code. "
    f"`previous` is the period of the same length before. {ABOUT}",
    query=AnalyticsQuery,
)
async def get_summary(request: ApiRequest) -> Answer:
    query = request.read_filters(AnalyticsQuery)
    question = await read_question(request, query)
    period = question.period
    bounds = (period.previous.start, period.start, period.end)
    before, found = await count_by_slot(request.services.db, question.scope, bounds)
    _, visitors, bots, scans, _ = found
    return answer_json(
        SummaryAnswer(
            clicks=count_clicks(found, has_bots=query.include_bots),
            visitors=visitors,
            scans=scans,
            bots=bots,
            previous=PreviousTotals(
                clicks=count_clicks(before, has_bots=query.include_bots), visitors=before[1]
            ),
            **tell_period(period),
        )
    )


@resource.handle(
    "GET /analytics/timeseries",
    "Get clicks and visitors over time",
    SeriesAnswer,
    description="Hours, days, weeks (from Monday) and months follow the time zone; periods "
    f"without clicks are included as zeros. {ABOUT}",
    query=SeriesQuery,
)
async def get_timeseries(request: ApiRequest) -> Answer:
    query = request.read_filters(SeriesQuery)
    question = await read_question(request, query)
    period = question.period
    slots = cut_period(period, query.interval)
    counts = await count_by_slot(request.services.db, question.scope, slots.bounds)
    points = [
        Point(
            start=period.write_moment(start),
            clicks=count_clicks(totals, has_bots=query.include_bots),
            visitors=totals[1],
        )
        for start, totals in zip(slots.starts, counts, strict=True)
    ]
    return answer_json(SeriesAnswer(series=points, interval=query.interval, **tell_period(period)))


@resource.handle(
    "GET /analytics/geo",
    "Get clicks by country and city",
    GeoAnswer,
    description="Countries are ISO 3166-1 alpha-2 codes, null if unknown. Cities need a GeoIP "
    "database with cities, set by the operator.",
    query=TopQuery,
)
async def get_geo(request: ApiRequest) -> Answer:
    top = await count_top(request, OF_GEO)
    cities = list_cities(top.counts, has_bots=top.has_bots, limit=top.limit)
    answer = GeoAnswer(
        countries=top.show(CountryCount, "country", list_countries),
        cities=[show(CityCount, each) for each in cities],
        **top.period,
    )
    return answer_json(answer)


@resource.handle(
    "GET /analytics/devices",
    "Get clicks by device, browser and operating system",
    DevicesAnswer,
    description="A device is `desktop`, `mobile`, `tablet` or `other`.",
    query=TopQuery,
)
async def get_devices(request: ApiRequest) -> Answer:
    top = await count_top(request, OF_DEVICES)
    answer = DevicesAnswer(
        devices=top.show(DeviceCount, "device", list_devices),
        browsers=top.show(BrowserCount, "browser", list_browsers),
        os=top.show(OsCount, "os", list_systems),
        **top.period,
    )
    return answer_json(answer)


@resource.handle(
    "GET /analytics/referrers",
    "Get clicks by referrer",
    ReferrersAnswer,
    description="The hosts of a known site are grouped under its name. `referrer` is null for "
    "visits without one.",
    query=TopQuery,
)
async def get_referrers(request: ApiRequest) -> Answer:
    top = await count_top(request, OF_REFERRERS)
    sites = list_sites(top.counts, has_bots=top.has_bots)[: top.limit]
    referrers = [
        show(
            ReferrerCount,
            site,
            referrer=site.hosts[0].value,
            hosts=[show(HostCount, each, referrer=each.value) for each in site.hosts if each.value],
        )
        for site in sites
    ]
    return answer_json(ReferrersAnswer(referrers=referrers, **top.period))


@resource.handle(
    "GET /analytics/utm",
    "Get clicks by UTM value",
    UtmAnswer,
    description="For each of the five parameters; clicks without the parameter are left out.",
    query=TopQuery,
)
async def get_utm(request: ApiRequest) -> Answer:
    top = await count_top(request, OF_UTM)
    source, medium, campaign, term, content = (
        [UtmCount(value=each.value or "", clicks=each.clicks) for each in found[: top.limit]]
        for found in list_utm(top.counts, has_bots=top.has_bots)
    )
    answer = UtmAnswer(
        source=source, medium=medium, campaign=campaign, term=term, content=content, **top.period
    )
    return answer_json(answer)


@resource.handle(
    "GET /analytics/rules",
    "Get clicks by rule and variant",
    RulesAnswer,
    description="Clicks that no rule won are counted where `rule` is null, those of links without "
    "rules among them. A rule keeps its numbers as long as it is sent back with its `id`; "
    "`isDeleted` says that its link no longer has it, or that the rule no longer has the variant. "
    "A visitor counts where they were first seen on a UTC day.",
    query=TopQuery,
)
async def get_rules(request: ApiRequest) -> Answer:
    top = await count_top(request, OF_RULES)
    found = list_rules(top.counts, has_bots=top.has_bots, limit=top.limit)
    link_ids = {each.link_id for each in found if each.link_id is not None}
    known = await find_rules(request.services.db, request.actor.workspace_id, link_ids)
    return answer_json(RulesAnswer(rules=[show_rule(each, known) for each in found], **top.period))


def show_rule(found: FoundCount, known: KnownRules) -> RuleCount:
    name = RuleName(None, is_deleted=False)
    if found.link_id is not None and found.rule_id is not None:
        name = known.find(found.link_id, found.rule_id, found.variant)
    return RuleCount(
        link_id=None if found.link_id is None else str(found.link_id),
        rule=found.rule_id,
        name=name.name,
        variant=found.variant,
        clicks=found.clicks,
        visitors=found.visitors,
        is_deleted=name.is_deleted,
    )


class Top(NamedTuple):
    """Counts by value, at most `limit` of each kind, with the period that they cover."""

    counts: ValueCounts
    limit: int
    has_bots: bool
    period: dict[str, str]

    def show(
        self, kind: type[T], name: str, list_counts: Callable[..., Sequence[Count]]
    ) -> list[T]:
        """`name` is the field that holds the value."""
        found = list_counts(self.counts, has_bots=self.has_bots)[: self.limit]
        return [show(kind, each, **{name: each.value}) for each in found]


async def count_top(request: ApiRequest, kinds: Collection[str]) -> Top:
    query = request.read_filters(TopQuery)
    question = await read_question(request, query)
    period, has_bots = question.period, query.include_bots
    counts = await count_values(
        request.services.db, question.scope, period.start, period.end, kinds, has_bots=has_bots
    )
    return Top(counts, query.limit, has_bots, tell_period(period))


def tell_period(period: Period) -> dict[str, str]:
    return {
        "start": period.write_moment(period.start),
        "end": period.write_moment(period.end),
        "timezone": period.zone.key,
    }
