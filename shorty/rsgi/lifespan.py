"""The application's own start and end, as ASGI has them: both in one task."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

AsgiApp = Callable[..., Awaitable[None]]

SCOPE: Final = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": {}}


class Lifespan:
    def __init__(self, app: AsgiApp) -> None:
        self._app = app
        self._orders: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._replies: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._task: asyncio.Future[None] | None = None

    async def start(self) -> None:
        """Raises what the application raises."""
        life = self._app(dict(SCOPE), self._orders.get, self._replies.put)
        self._task = asyncio.ensure_future(life)
        await self._order(self._task, "lifespan.startup")

    async def stop(self) -> None:
        if self._task:
            await self._order(self._task, "lifespan.shutdown")
            await self._task

    async def _order(self, task: asyncio.Future[None], order: str) -> None:
        self._orders.put_nowait({"type": order})
        reply = asyncio.ensure_future(self._replies.get())
        await asyncio.wait({task, reply}, return_when=asyncio.FIRST_COMPLETED)
        if not reply.done() or reply.result()["type"] == f"{order}.failed":
            reply.cancel()
            await task
            raise RuntimeError(f"the application did not follow {order}")
