"""Redirects of links with fifty rules, of which the last holds, beside those of plain links."""

from tests.benchmarks.bench import Bench, Contender, make_folder
from tests.benchmarks.load import HOST, Scripts
from tests.benchmarks.product import Product
from tests.benchmarks.report import Line, compare

LINKS = 50  # of each kind: together one page of the list, by which clicks are counted
AT_ONCE = 10
RULES = 50
STORED_TIMEOUT_S = 60

# As people use them; none is so of any request.
_NEVER = (
    {"type": "country", "values": ["AQ"]},
    {"type": "device", "values": ["other"]},
    {"type": "language", "values": ["eo"]},
    {"type": "query", "key": "src", "values": ["letter"]},
    {"type": "time", "from": "09:00", "to": "09:01", "days": [7], "timezone": "Europe/Berlin"},
)


def run_rules(bench: Bench) -> Line:
    with make_folder() as folder, Product(folder) as product:
        plain, ruled = product.create_links(LINKS), create_ruled_links(product)

        def settle(_: Contender) -> None:
            product.wait_for_clicks(own.accepted + other.accepted, STORED_TIMEOUT_S)

        scripts = Scripts(folder)
        own = Contender(product.server, product.port, scripts.write_visits(ruled), settle=settle)
        other = Contender(product.server, product.port, scripts.write_visits(plain), settle=settle)
        samples = bench.alternate(own, other)
        answered, sent = own.accepted + other.accepted, own.sent + other.sent
        stored, _ = product.wait_for_clicks(answered, STORED_TIMEOUT_S)
        faults = [f"{each.refused} requests were refused" for each in (own, other) if each.refused]
        if not answered <= stored <= sent:
            faults.append(f"{answered} redirects were answered, {stored} clicks stored")
    return Line(
        title=f"{RULES} rules against a plain link",
        measures=compare(*samples, cpu=(1.5, 1.3)),
        faults=faults,
        notes=[f"{answered:,} redirects answered, {stored:,} clicks stored"],
    )


def create_ruled_links(product: Product) -> list[str]:
    slugs: list[str] = []
    for first in range(0, LINKS, AT_ONCE):
        links = [
            {"url": f"https://www.example.com/own/{number}", "rules": make_rules(number)}
            for number in range(first, first + AT_ONCE)
        ]
        slugs += product.create({"domain": HOST, "links": links}, AT_ONCE)
    return slugs


def make_rules(number: int) -> list[object]:
    return [
        {
            "url": f"https://www.example.com/{number}/{place}",
            "conditions": [_NEVER[place % len(_NEVER)]] if place < RULES - 1 else [],
        }
        for place in range(RULES)
    ]
