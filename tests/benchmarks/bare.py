"""The minimum that can answer at all, on the server's own settings, for comparison with shorty.

`python -m tests.benchmarks.bare redirect|create PORT` serves one of them.
"""

import sys
from typing import TYPE_CHECKING

import msgspec
from granian.constants import HTTPModes, Interfaces, Loops
from granian.server import Server as Granian
from litestar import Litestar, post
from litestar.params import JSONBody

if TYPE_CHECKING:
    from litestar.types import Receive, Scope, Send

READY = "The bare server starts"


async def redirect(scope: "Scope", receive: "Receive", send: "Send") -> None:
    """302 to one destination, for every request."""
    await send(
        {
            "type": "http.response.start",
            "status": 302,
            "headers": [(b"location", b"https://www.example.com/articles/7")],
        }
    )
    await send({"type": "http.response.body", "body": b"", "more_body": False})


class Created(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The fields of a create call that the load sends, and the most common others."""

    url: str
    domain: str
    title: str | None = None
    custom_slug: str | None = None
    description: str | None = None
    redirect_type: str = "TEMPORARY_302"
    expires_at: str | None = None
    max_clicks: int | None = None
    tag_ids: list[str] = []
    utm_source: str | None = None
    utm_medium: str | None = None
    utm_campaign: str | None = None


@post("/api/v1/links")
async def create(data: JSONBody[Created]) -> dict[str, Created]:
    """Decodes the body, stores nothing and answers with it."""
    return {"link": data}


application = Litestar([create], openapi_config=None)

TARGETS = {
    "redirect": ("tests.benchmarks.bare:redirect", Interfaces.ASGINL),
    "create": ("tests.benchmarks.bare:application", Interfaces.ASGI),
}


def serve(name: str, port: int) -> None:
    target, interface = TARGETS[name]
    server = Granian(
        target,
        address="127.0.0.1",
        port=port,
        interface=interface,
        workers=1,
        loop=Loops.uvloop,
        http=HTTPModes.http1,
        log_enabled=False,
        websockets=False,
    )
    sys.stdout.write(f"{READY}\n")
    sys.stdout.flush()
    server.serve()


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]))
