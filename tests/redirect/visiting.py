"""One visit by a person, by the way that is asked for: aside of the event loop, or on it."""

import httpx

from tests.redirect.house import House
from tests.rsgi_client import Exchange, Scope

BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def ask(path: str) -> Scope:
    url = f"http://localhost:8000{path}"
    return Scope(httpx.Request("GET", url, headers={"user-agent": BROWSER}), "192.0.2.7:4711")


def visit_aside(house: House, path: str) -> str:
    """Where the visit leads that is answered aside of the loop; empty where none is."""
    exchange = Exchange(b"")
    is_answered = house.app.answer_now(ask(path), exchange)
    return dict(exchange.headers)["location"] if is_answered else ""


async def visit_on_loop(house: House, path: str) -> str:
    exchange = Exchange(b"")
    await house.app.__rsgi__(ask(path), exchange)
    return dict(exchange.headers).get("location", "")
