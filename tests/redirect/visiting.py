"""One visit by a person, by the way that is asked for: aside of the event loop, or on it."""

import httpx

from shorty.app import App
from shorty.links.slug import slug_key
from tests.redirect.house import House
from tests.rsgi_client import Exchange, Scope

BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def ask(path: str) -> Scope:
    url = f"http://localhost:8000{path}"
    return Scope(httpx.Request("GET", url, headers={"user-agent": BROWSER}), "192.0.2.7:4711")


async def cache_link(app: App, scope: Scope) -> None:
    """Reads the link of a visit, where only cached ones are answered aside of the loop."""
    if app.db.here is None:
        domain = app.services.domains.find_by_host(scope.authority or scope.headers.get("host", ""))
        if domain is not None:
            await app.services.links.lookup.find(domain.id, slug_key(scope.path[1:].rstrip("/")))


async def visit_aside(house: House, path: str) -> str:
    """Where the visit leads that is answered aside of the loop; empty where none is."""
    await house.remember(path)
    exchange = Exchange(b"")
    await cache_link(house.app, ask(path))
    if house.app.answer_now(ask(path), exchange):
        return dict(exchange.headers)["location"]
    # Some spellings have to be read each time, and so are left to the loop.
    return "" if house.app.db.here is not None else await visit_on_loop(house, path)


async def visit_on_loop(house: House, path: str) -> str:
    exchange = Exchange(b"")
    await house.app.__rsgi__(ask(path), exchange)
    return dict(exchange.headers).get("location", "")
