"""Another node on the PostgreSQL database of an application, in the same process."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from msgspec.structs import replace

from shorty.app import App


@asynccontextmanager
async def open_beside(app: App, folder: Path) -> AsyncGenerator[App]:
    """With the same configuration and clock, and its own files in the new folder."""
    folder.mkdir()  # noqa: ASYNC240 - in memory
    storage = replace(app.config.storage, folder=str(folder), node=folder.name)
    beside = App(replace(app.config, storage=storage), lambda: app.read_clock() * 1_000_000)
    await beside.start()
    try:
        yield beside
    finally:
        await beside.stop()
