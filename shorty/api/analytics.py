"""`/analytics`: how often links were clicked, by whom, from where; answered from sums."""

from collections.abc import Collection
from typing import Final

from shorty.api.analytics_answers import (
    DevicesAnswer,
    GeoAnswer,
    Point,
    PreviousTotals,
    ReferrersAnswer,
    SeriesAnswer,
    SummaryAnswer,
    UtmAnswer,
    show_browsers,
    show_cities,
    show_countries,
    show_devices,
    show_referrers,
    show_systems,
    show_utm,
)
from shorty.api.analytics_query import (
    AnalyticsQuery,
    Question,
    SeriesQuery,
    TopQuery,
    read_query,
    read_question,
)
from shorty.api.operations import Resource
from shorty.api.requests import ApiRequest
from shorty.clicks.breakdown import (
    OF_DEVICES,
    OF_GEO,
    OF_REFERRERS,
    OF_UTM,
    count_clicks,
)
from shorty.clicks.periods import Period, cut_period
from shorty.clicks.stats import ValueCounts, count_by_slot, count_values
from shorty.errors import NotFoundError
from shorty.http.answers import Answer, answer_json

resource: Final = Resource("Analytics", errors=(NotFoundError,))
ABOUT: Final = (
    "Visitors are counted anew each UTC day, so those of a longer time are visitor-days. "
    "The period is widened to whole quarter hours and told in the answer."
)
ECHO: Final = {
    "from": "2026-10-24T00:00:00+05:30",
    "to": "2026-11-23T00:00:00+05:30",
    "timezone": "Asia/Kolkata",
}

DIRECT: Final[dict[str, object]] = {
    "referrer": None,
    "name": "Direct",
    "clicks": 500,
    "hosts": [],
}


@resource.handle(
    "GET /analytics/summary",
    "Count clicks and visitors",
    SummaryAnswer,
    description="`clicks` are all visits by people, `scans` those of them by QR code. "
    f"`previous` is the period of the same length before. {ABOUT}",
    query=AnalyticsQuery,
    answer_example={
        "clicks": 1200,
        "visitors": 940,
        "scans": 73,
        "bots": 310,
        "previous": {"clicks": 1000, "visitors": 800},
        **ECHO,
    },
)
async def get_summary(request: ApiRequest) -> Answer:
    query = read_query(request, AnalyticsQuery)
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
    "Count clicks and visitors by hour, day, week or month",
    SeriesAnswer,
    description="Hours, days, weeks (from Monday) and months are those of the time zone; "
    f"those without clicks are there with zeros. {ABOUT}",
    query=SeriesQuery,
    answer_example={
        "series": [{"start": "2026-11-22T00:00:00+05:30", "clicks": 40, "visitors": 31}],
        "interval": "day",
        **ECHO,
    },
)
async def get_timeseries(request: ApiRequest) -> Answer:
    query = read_query(request, SeriesQuery)
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
    "Count clicks by country and city",
    GeoAnswer,
    description="Countries are ISO 3166-1 alpha-2, null where unknown. Cities are known only "
    "where the operator has given a database that knows them.",
    query=TopQuery,
    answer_example={
        "countries": [
            {"country": "US", "clicks": 700, "visitors": 560},
            {"country": None, "clicks": 12, "visitors": 12},
        ],
        "cities": [{"city": "Portland", "country": "US", "clicks": 31, "visitors": 24}],
        **ECHO,
    },
)
async def get_geo(request: ApiRequest) -> Answer:
    query = read_query(request, TopQuery)
    question, counts = await count_for(request, query, OF_GEO)
    answer = GeoAnswer(
        countries=show_countries(counts, query.limit, has_bots=query.include_bots),
        cities=show_cities(counts, query.limit, has_bots=query.include_bots),
        **tell_period(question.period),
    )
    return answer_json(answer)


@resource.handle(
    "GET /analytics/devices",
    "Count clicks by device, browser and operating system",
    DevicesAnswer,
    description="A device is `desktop`, `mobile`, `tablet` or `other`.",
    query=TopQuery,
    answer_example={
        "devices": [{"device": "mobile", "clicks": 800}],
        "browsers": [{"browser": "Chrome", "clicks": 650}],
        "os": [{"os": "iOS", "clicks": 420}],
        **ECHO,
    },
)
async def get_devices(request: ApiRequest) -> Answer:
    query = read_query(request, TopQuery)
    question, counts = await count_for(request, query, OF_DEVICES)
    answer = DevicesAnswer(
        devices=show_devices(counts, query.limit, has_bots=query.include_bots),
        browsers=show_browsers(counts, query.limit, has_bots=query.include_bots),
        os=show_systems(counts, query.limit, has_bots=query.include_bots),
        **tell_period(question.period),
    )
    return answer_json(answer)


@resource.handle(
    "GET /analytics/referrers",
    "Count clicks by the site they came from",
    ReferrersAnswer,
    description="The hosts of a known site are counted as one, under its name. "
    "`referrer` is null for visits that name none.",
    query=TopQuery,
    answer_example={
        "referrers": [
            DIRECT,
            {
                "referrer": "t.co",
                "name": "X",
                "clicks": 210,
                "hosts": [
                    {"referrer": "t.co", "clicks": 200},
                    {"referrer": "x.com", "clicks": 10},
                ],
            },
        ],
        **ECHO,
    },
)
async def get_referrers(request: ApiRequest) -> Answer:
    query = read_query(request, TopQuery)
    question, counts = await count_for(request, query, OF_REFERRERS)
    referrers = show_referrers(counts, query.limit, has_bots=query.include_bots)
    return answer_json(ReferrersAnswer(referrers=referrers, **tell_period(question.period)))


@resource.handle(
    "GET /analytics/utm",
    "Count clicks by UTM value",
    UtmAnswer,
    description="Of each of the five parameters; clicks without it are left out.",
    query=TopQuery,
    answer_example={
        "source": [{"value": "newsletter", "clicks": 320}],
        "medium": [{"value": "email", "clicks": 320}],
        "campaign": [{"value": "winter", "clicks": 280}],
        "term": [],
        "content": [],
        **ECHO,
    },
)
async def get_utm(request: ApiRequest) -> Answer:
    query = read_query(request, TopQuery)
    question, counts = await count_for(request, query, OF_UTM)
    source, medium, campaign, term, content = show_utm(
        counts, query.limit, has_bots=query.include_bots
    )
    return answer_json(
        UtmAnswer(
            source=source,
            medium=medium,
            campaign=campaign,
            term=term,
            content=content,
            **tell_period(question.period),
        )
    )


async def count_for(
    request: ApiRequest, query: TopQuery, kinds: Collection[str]
) -> tuple[Question, ValueCounts]:
    question = await read_question(request, query)
    period = question.period
    counts = await count_values(
        request.services.db,
        question.scope,
        period.start,
        period.end,
        kinds,
        has_bots=query.include_bots,
    )
    return question, counts


def tell_period(period: Period) -> dict[str, str]:
    return {
        "start": period.write_moment(period.start),
        "end": period.write_moment(period.end),
        "timezone": period.zone.key,
    }
