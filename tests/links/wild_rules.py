"""Lists of rules that are allowed, as JSON, of every kind that there is."""

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

Json = dict[str, Any]

TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20).filter(
    lambda text: bool(text.strip())
)
URLS = st.builds(
    "https://{}.example/{}".format,
    st.sampled_from(["a", "b", "www.c"]),
    st.text("abc/?&=%20äß", max_size=12),
)
MOMENTS = st.datetimes().map(lambda moment: f"{moment.isoformat(timespec='milliseconds')}Z")
CLOCKS = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.integers(0, 59))
VALUES: dict[str, st.SearchStrategy[str]] = {
    "country": st.sampled_from(["DE", "us", "EU", "continent:AF", "XK"]),
    "region": st.sampled_from(["DE-BY", "us-ca", "AT-9"]),
    "city": TEXTS,
    "device": st.sampled_from(["mobile", "Tablet", "desktop", "other"]),
    "os": st.sampled_from(["ios", "Android", "Haiku"]),
    "browser": st.sampled_from(["firefox", "Edge", "Ladybird"]),
    "language": st.sampled_from(["de", "pt-br", "zh-hant"]),
    "query": st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20),
    "referrer": st.sampled_from(["example.com", "t.co", "bücher.example"]),
    "ip": st.one_of(
        st.ip_addresses().map(str), st.sampled_from(["10.0.0.0/8", "2001:db8::/32", "::/0"])
    ),
}


def name(key: str, values: st.SearchStrategy[Any]) -> st.SearchStrategy[Json]:
    def put(value: Any) -> Json:
        return {key: value}

    return values.map(put)


def optional(key: str, values: st.SearchStrategy[Any]) -> st.SearchStrategy[Json]:
    nothing: Json = {}
    return st.one_of(st.just(nothing), name(key, st.none() | values))


def merge(*parts: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
    return st.tuples(*parts).map(lambda found: {k: v for part in found for k, v in part.items()})


def list_values(kind: str) -> st.SearchStrategy[Json]:
    lists = st.lists(VALUES[kind], min_size=1, max_size=5)
    return lists.map(lambda values: {"type": kind, "values": values})


def name_type(*kinds: str) -> st.SearchStrategy[Json]:
    return name("type", st.sampled_from(kinds))


def windows() -> st.SearchStrategy[Json]:
    def put(clocks: Sequence[str]) -> Json:
        return {"from": clocks[0], "to": clocks[1]}

    between = st.lists(CLOCKS, min_size=2, max_size=2, unique=True).map(put)
    days = name("days", st.lists(st.integers(1, 7), min_size=1, max_size=7))
    zones = optional("timezone", st.sampled_from(["UTC", "Europe/Berlin", "asia/kathmandu"]))
    return merge(name_type("time"), st.one_of(between, days, merge(between, days)), zones)


CONDITIONS = merge(
    st.one_of(
        *map(list_values, VALUES.keys() - {"query"}),
        merge(name_type("query"), name("key", TEXTS), optional("values", st.just(["", "a"]))),
        merge(list_values("query"), name("key", TEXTS)),
        windows(),
        merge(name_type("after", "before"), name("at", MOMENTS)),
    ),
    optional("not", st.booleans()),
)


@st.composite
def variant_rules(draw: st.DrawFn) -> Json:
    keys = draw(st.lists(st.sampled_from("abcdefghij"), min_size=2, max_size=10, unique=True))
    variants = [
        {"key": key, "url": draw(URLS), "weight": draw(st.integers(1, 1000))} for key in keys
    ]
    return {
        "variants": variants,
        **draw(optional("sticky", st.booleans())),
        **draw(optional("testEndsAt", MOMENTS)),
        **draw(optional("winner", st.sampled_from(keys))),
    }


@st.composite
def rule_lists(draw: st.DrawFn) -> list[Json]:
    rules: list[Json] = []
    count = draw(st.integers(0, 8))
    for index in range(count):
        way = draw(st.one_of(URLS.map(lambda url: {"url": url}), variant_rules()))
        is_last = index == count - 1
        conditions = draw(st.lists(CONDITIONS, min_size=0 if is_last else 1, max_size=4))
        others = draw(merge(optional("name", TEXTS), optional("isActive", st.booleans())))
        own = {"id": f"rule-{index}"} if draw(st.booleans()) else {}
        rules.append({**way, **others, **own, "conditions": conditions})
    return rules
