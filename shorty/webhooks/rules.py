"""Decides what follows an attempt: when the next one is, and whether to pause or stop the receiver.

Pure. Also reads HTTP answers.
"""

import re
from collections.abc import Sequence
from email.utils import parsedate_to_datetime
from typing import Final

from shorty.durations import DAY_MS, HOUR_MS
from shorty.errors import FetchError
from shorty.fetch import Answer
from shorty.webhooks.model import Health, Outcome

QUICK_MS: Final = 2_000
FAILURES_TO_PAUSE: Final = 5
FIRST_PAUSE_MS: Final = 10_000
LONGEST_PAUSE_MS: Final = HOUR_MS
LONGEST_HOLD_MS: Final = DAY_MS
MOST_JITTER: Final = 0.2
KEPT_CHARACTERS: Final = 1_000  # of an answer's body

_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]+")


def read_outcome(answer: Answer | FetchError, at: int, duration_ms: int) -> Outcome:
    if isinstance(answer, FetchError):
        return Outcome(at=at, duration_ms=duration_ms, status=None, error=answer.message)
    return Outcome(
        at=at,
        duration_ms=duration_ms,
        status=answer.status,
        error=explain_status(answer.status),
        body=read_answer_body(answer.body),
        held_ms=read_retry_after(answer.retry_after, at + duration_ms),
    )


def plan_next_try(
    outcome: Outcome, failed: int, schedule_s: Sequence[float], chance: float
) -> int | None:
    """When to retry after the `failed`th failure; None after the last one.

    `chance`, from 0 to 1, spreads the waits, so that deliveries that failed together are not
    retried together.
    """
    if failed > len(schedule_s):
        return None
    wait_ms = int(schedule_s[failed - 1] * 1000 * (1 + MOST_JITTER * chance))
    return outcome.ended_at + max(wait_ms, outcome.held_ms)


def judge_health(health: Health, outcome: Outcome) -> Health:
    """The receiver's health after an attempt."""
    # An attempt from before the pause or stop says nothing new.
    is_news = outcome.at >= max(health.paused_at or 0, health.stopped_at or 0)
    if outcome.is_success:
        return recover(health, outcome) if is_news else health
    failures = health.failures + is_news
    pause_ms = find_pause(failures) if is_news else 0
    wait_ms = max(pause_ms, outcome.held_ms)
    held_until = max(health.held_until or 0, outcome.ended_at + wait_ms)
    return Health(
        failures=failures,
        held_until=held_until if wait_ms else health.held_until,
        paused_at=health.paused_at or (outcome.ended_at if pause_ms else None),
        stopped_at=health.stopped_at or (outcome.ended_at if outcome.is_stop else None),
    )


def recover(health: Health, outcome: Outcome) -> Health:
    """Ends a pause or stop; a receiver that asked for a wait keeps it."""
    return Health(
        is_quick=outcome.duration_ms < QUICK_MS,
        held_until=health.held_until if health.status == "active" else None,
    )


def find_pause(failures: int) -> int:
    """Milliseconds to pause a receiver after so many consecutive failures."""
    if failures < FAILURES_TO_PAUSE:
        return 0
    doublings = min(failures - FAILURES_TO_PAUSE, 20)
    return min(FIRST_PAUSE_MS * 2**doublings, LONGEST_PAUSE_MS)


def read_retry_after(header: str | None, now: int) -> int:
    """The milliseconds of a Retry-After header, at most a day; 0 if it is unreadable.

    It is a number of seconds or a date: RFC 9110, section 10.2.3.
    """
    text = (header or "").strip()
    if text.isascii() and text.isdigit():
        wait_ms = int(text[:9]) * 1000
    else:
        try:
            wait_ms = int(parsedate_to_datetime(text).timestamp() * 1000) - now
        except (ValueError, OverflowError):
            return 0
    return min(max(wait_ms, 0), LONGEST_HOLD_MS)


def read_answer_body(body: bytes) -> str:
    """The start of an answer, as text for the log."""
    return _CONTROL.sub(" ", body.decode("utf-8", "replace"))[:KEPT_CHARACTERS].strip()


def explain_status(status: int) -> str | None:
    """Explains a status that is not self-explanatory."""
    return ("The endpoint redirects; redirects are not followed.") if 300 <= status < 400 else None  # noqa: PLR2004 HTTP's classes
