"""A site on loopback that is not shorty's, for the destinations and webhooks of tests."""

import io
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

from aiohttp import web
from PIL import Image

PAGE: Final = """<!doctype html><html lang="en"><link rel="icon" href="/icon.png">
<title>A long read</title><h1>A long read</h1>"""


@asynccontextmanager
async def run_elsewhere() -> AsyncGenerator[str]:
    """Yields its origin. Every path except the icon's answers the same page."""

    async def answer(_: web.Request) -> web.Response:
        return web.Response(text=PAGE, content_type="text/html")

    async def answer_icon(_: web.Request) -> web.Response:
        return web.Response(body=draw_icon(), content_type="image/png")

    app = web.Application()
    app.router.add_get("/icon.png", answer_icon)
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    place = web.TCPSite(runner, "127.0.0.1", 0)
    await place.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def draw_icon() -> bytes:
    icon = io.BytesIO()
    Image.new("RGB", (32, 32), "#2f6f4f").save(icon, "PNG")
    return icon.getvalue()
