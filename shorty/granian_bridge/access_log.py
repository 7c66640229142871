"""An event for each request, where the operator asks for an access log.

Without IP address, query and headers: who a visitor was is never written down, and queries may
contain keys. Nothing of it runs while it is off.
"""

import time
from typing import Any, Final

import structlog

from shorty.granian_bridge.dispatch import Answer, AnswerNow
from shorty.redirect.protocol import Headers, WrappedProtocol

NS_IN_MS: Final = 1_000_000
UNANSWERED: Final = 0  # the client had gone, or the server was stopped

log = structlog.get_logger(__name__)


class NotedProtocol(WrappedProtocol):
    """Remembers the status of what is answered."""

    def __init__(self, proto: Any) -> None:
        super().__init__(proto)
        self.status = UNANSWERED

    def begin(self, status: int, headers: Headers) -> Headers:
        self.status = status
        return headers


def log_requests(answer: Answer, answer_now: AnswerNow) -> tuple[Answer, AnswerNow]:
    """The same two, which log every request once it is answered."""

    async def answer_and_log(scope: Any, proto: Any) -> None:
        noted, begun = NotedProtocol(proto), time.perf_counter_ns()
        try:
            await answer(scope, noted)
        finally:
            _log_request(scope, noted.status, begun)

    def answer_now_and_log(scope: Any, proto: Any) -> bool:
        noted, begun = NotedProtocol(proto), time.perf_counter_ns()
        is_answered = answer_now(scope, noted)
        if is_answered:
            _log_request(scope, noted.status, begun)
        return is_answered

    return answer_and_log, answer_now_and_log


def _log_request(scope: Any, status: int, begun_ns: int) -> None:
    log.info(
        "request",
        method=scope.method,
        host=scope.authority or scope.headers.get("host", ""),
        path=scope.path,
        status=status,
        ms=round((time.perf_counter_ns() - begun_ns) / NS_IN_MS, 1),
    )
