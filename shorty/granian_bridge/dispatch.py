"""Hands each request to the application: at once where it can be answered so, else as a task.

Granian gives requests out in a thread of its own, one after the other, and makes a task on the loop
of each. What is answered without waiting for anything needs neither: the task is a tenth of what a
redirect costs, the way to the loop another. See manual/decisions/2026-11-25-visits-aside.md.
"""

from asyncio import AbstractEventLoop
from collections.abc import Callable, Coroutine
from typing import Any, Self

from shorty.granian_bridge.private import CallbackScheduler

Answer = Callable[[Any, Any], Coroutine[Any, Any, None]]
AnswerNow = Callable[[Any, Any], bool]


class Dispatcher(CallbackScheduler):
    """In place of granian's own scheduler.

    `answer_now` is called in granian's thread, `answer` on the loop.
    """

    __slots__ = ()

    def __new__(cls, loop: AbstractEventLoop, answer: Answer, answer_now: AnswerNow) -> Self:
        del answer_now
        # Granian's stub knows of no arguments.
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
