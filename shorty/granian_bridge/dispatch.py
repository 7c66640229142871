"""Passes each request to the application: directly if it can be answered at once, else as a task.

Granian passes requests one by one in its own thread, and creates a task on the loop for each. An
answer that needs no waiting needs neither: the task is a tenth of a redirect's cost, and the switch
to the loop another. See manual/decisions/2026-11-25-visits-aside.md.
"""

from asyncio import AbstractEventLoop
from collections.abc import Callable, Coroutine
from typing import Any, Self

from shorty.granian_bridge.private import CallbackScheduler

Answer = Callable[[Any, Any], Coroutine[Any, Any, None]]
AnswerNow = Callable[[Any, Any], bool]


class Dispatcher(CallbackScheduler):
    """Replaces granian's own scheduler.

    `answer_now` is called in granian's thread, `answer` on the loop.
    """

    __slots__ = ()

    def __new__(cls, loop: AbstractEventLoop, answer: Answer, answer_now: AnswerNow) -> Self:
        del answer_now
        # Granian's stub declares no arguments.
        return super().__new__(cls, loop, answer, None, None, None)  # pyright: ignore[reportCallIssue, reportUnknownVariableType]

    def __init__(self, loop: AbstractEventLoop, answer: Answer, answer_now: AnswerNow) -> None:
        super().__init__()
        context = self._ctx

        async def watch(watcher: Any) -> None:
            try:
                await answer(watcher.scope, watcher.proto)
            except BaseException as error:  # noqa: BLE001 - granian logs it and answers 500
                watcher.err(error)
            else:
                watcher.done()

        def begin(watcher: Any) -> None:
            watcher.taskref(loop.create_task(watch(watcher)))

        def schedule(watcher: Any) -> None:
            try:
                is_answered = answer_now(watcher.scope, watcher.proto)
            except BaseException as error:  # noqa: BLE001 - granian logs it and answers 500
                watcher.err(error)
                return
            if is_answered:
                watcher.done()
            else:
                loop.call_soon_threadsafe(begin, watcher, context=context)

        self._schedule_fn = schedule
