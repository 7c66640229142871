"""Requests with an Idempotency-Key that are under way."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager


class Attempts:
    """Lets one request at a time run for each token and Idempotency-Key."""

    def __init__(self) -> None:
        self._running: dict[tuple[int, str], asyncio.Event] = {}

    @asynccontextmanager
    async def run_alone(self, token_id: int, key: str) -> AsyncGenerator[None]:
        name = (token_id, key)
        while (running := self._running.get(name)) is not None:
            await running.wait()
        done = self._running[name] = asyncio.Event()
        try:
            yield
        finally:
            del self._running[name]
            done.set()
